"""Opening the bars of the account for a command, in a thread; and finding a series by its words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from apps.api.history_folder import history_folder
from apps.api.session import Session
from apps.domain.errors import AmbiguousSymbol, InvalidInput, NotFound
from apps.domain.history.bar_sizes import parse_bar_size
from apps.domain.history.series import Series, What

if TYPE_CHECKING:
    from apps.store.history.store import HistoryStore

__all__ = ["Wish", "in_history", "series_options", "size_name", "wish_of"]

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


async def in_history(
    session: Session, act: Callable[[HistoryStore], T], *, make: bool = False
) -> T:
    """Give what ``act`` gives of the account's bars, which may take a while: in a thread.

    Raises NotFound where nothing was ever kept, unless a store is to be made.
    """
    from apps.store.history.store import HistoryStore  # noqa: PLC0415 - help stays light

    desk = session.connected
    folder = history_folder(session.settings, desk.account_name if desk is not None else "")

    def acting() -> T:
        if not make and not HistoryStore.is_at(folder):
            raise NotFound(f"No bars were kept yet in {folder}: `data load` fetches some.")
        with HistoryStore.open(folder) as store:
            return act(store)

    return await asyncio.to_thread(acting)


@dataclass(frozen=True, slots=True)
class Wish:
    """Which series a command is about, as it was typed.

    ``symbol`` is as in ``AAPL`` or ``AAPL@NASDAQ``, or IB's number of it (its con_id). None for a
    size or a kind of price is the only one, or the usual one.
    """

    symbol: str
    bar_seconds: int | None = None
    what: What | None = None
    all_hours: bool = False

    def chosen(self, store: HistoryStore) -> Series:
        """Give the one series that is meant, of those that are kept.

        Raises NotFound, AmbiguousSymbol (several instruments), InvalidInput (several bar sizes).
        """
        found = self.instrument(store)
        sized = [
            each
            for each in found
            if self.bar_seconds in (None, each.bar_seconds)
            and each.regular_hours is not self.all_hours
            and each.what is (self.what or What.usual_of(each.kind))
        ]
        kept = f"{self.symbol.upper()} is kept in bars of {_sizes(found)}"
        if not sized:
            raise NotFound(f"{kept}: none of them is what was asked for.")
        if len(sized) > 1:
            raise InvalidInput(f"{kept}: say which by --bar.")
        return sized[0]

    def instrument(self, store: HistoryStore) -> list[Series]:
        """Give every series of the one instrument that is meant. Raises as `chosen`."""
        name, _, listing = self.symbol.upper().partition("@")
        found = [
            each
            for each in store.all_series()
            if name in (each.symbol.upper(), str(each.con_id))
            and listing in ("", each.primary_exchange.upper())
        ]
        if not found:
            raise NotFound(f"No bars of {self.symbol.upper()} are kept: `data list` shows what is.")
        listings = {f"{each.symbol}@{each.primary_exchange} is {each.con_id}" for each in found}
        if len(listings) > 1:
            names = ", ".join(sorted(listings))
            raise AmbiguousSymbol(f"Several are kept: {names}. Give the number of one of them.")
        return found


def series_options(function: F) -> F:
    """Give a command the options that say which series of a symbol it is about."""
    for option in (
        click.option("--all-hours", is_flag=True, help="Bars of all hours, not the regular ones."),
        click.option(
            "--what",
            type=click.Choice([each.value for each in What], case_sensitive=False),
            help="Of which prices; the usual ones otherwise.",
        ),
        click.option("--bar", help="Size of a bar: 5s, 1m, 1h, 1d …"),
    ):
        function = option(function)
    return function


def wish_of(symbol: str, bar: str | None, what: str | None, *, all_hours: bool) -> Wish:
    """Give what was typed as a wish. Raises InvalidInput for a bar size that IB lacks."""
    return Wish(
        symbol,
        None if bar is None else parse_bar_size(bar).seconds,
        None if what is None else What(what.upper()),
        all_hours,
    )


def size_name(seconds: int) -> str:
    """Give a bar size as it is typed: ``5s``, ``1m``, ``1h``, ``1d``."""
    for unit, name in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds % unit == 0:
            return f"{seconds // unit}{name}"
    return f"{seconds}s"


def _sizes(found: Sequence[Series]) -> str:
    return ", ".join(
        f"{size_name(each.bar_seconds)} {each.what.value}"
        f"{'' if each.regular_hours else ' all hours'}"
        for each in found
    )
