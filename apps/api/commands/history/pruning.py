"""`data prune`: removing old bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

import click

from apps.api.commands.history.opening import Wish, in_history, series_options, wish_of
from apps.api.dialogue import agreed
from apps.api.outcomes import ExitCode
from apps.api.replies import Note, Reply
from apps.api.session import Command, Session
from apps.api.tree import command
from apps.domain.errors import InvalidInput
from apps.domain.history.ranges import EARLIEST, exchange_time
from apps.domain.history.series import Series
from apps.domain.sessions import Span

if TYPE_CHECKING:
    from apps.store.history.store import HistoryStore

__all__ = ["prune"]


@dataclass(frozen=True, slots=True)
class _Old:
    """The bars of a series that are to go, and how many there are."""

    series: Series
    before: datetime
    bars: int

    def __str__(self) -> str:
        return f"{self.bars:,} bars of {self.series} before {self.before:%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True, slots=True)
class PruneHistory:
    """Remove what is older than ``before``, or than the newest bar of a series by ``keep``."""

    wish: Wish | None
    before: datetime | None
    keep: timedelta | None
    confirmed: bool
    needs_desk: ClassVar[bool] = False

    async def run(self, session: Session) -> Reply:
        """Say what would go, ask, remove. Raises NotFound, InvalidInput, HistoryLost."""
        old = await in_history(session, self._old)
        if not old:
            return Reply(Note("There are no bars that old; nothing was removed."))
        listed = ", ".join(map(str, old))
        if not await agreed(session, f"Remove {listed}?", already=self.confirmed):
            return Reply(Note("Nothing was removed."), ExitCode.ERROR)
        await in_history(session, lambda store: _remove(store, old))
        return Reply(Note(f"Removed: {listed}."))

    def _old(self, store: HistoryStore) -> Sequence[_Old]:
        wanted = store.all_series() if self.wish is None else (self.wish.chosen(store),)
        found = []
        for series in wanted:
            before = self._limit(store, series)
            if before is not None and (bars := store.count(series, Span(EARLIEST, before))):
                found.append(_Old(series, before, bars))
        return found

    def _limit(self, store: HistoryStore, series: Series) -> datetime | None:
        if self.keep is None:
            return self.before
        newest = store.stored(series).last
        return None if newest is None else newest - self.keep


def _remove(store: HistoryStore, old: Sequence[_Old]) -> None:
    for each in old:
        store.forget(each.series, Span(EARLIEST, each.before))


@command(
    "prune",
    examples=("data prune --before 2026-01-01", "data prune AAPL --bar 5s --keep 90 --yes"),
    short_help="Remove old bars.",
)
@click.argument("symbol", required=False)
@series_options
@click.option("--before", metavar="WHEN", help="What starts before this day or time.")
@click.option(
    "--keep",
    metavar="DAYS",
    type=click.IntRange(1, 100_000),
    help="What is more days older than the newest bar of its series.",
)
@click.option("--yes", "-y", is_flag=True, help="Remove without asking.")
def prune(
    symbol: str | None,
    *,
    bar: str | None,
    what: str | None,
    all_hours: bool,
    before: str | None,
    keep: int | None,
    yes: bool,
) -> Command:
    """Remove old bars of SYMBOL, or of all, and forget that they were asked for.

    What would go is said first. `data load` can fetch it again, as far as the broker has it still.
    """
    if (before is None) is (keep is None):
        raise InvalidInput("Say how old: --before 2026-01-01, or --keep 90 (days).")
    if symbol is None and (bar or what or all_hours):
        raise InvalidInput("Which bars is said with their SYMBOL.")
    return PruneHistory(
        None if symbol is None else wish_of(symbol, bar, what, all_hours=all_hours),
        None if before is None else exchange_time(before),
        None if keep is None else timedelta(days=keep),
        confirmed=yes,
    )
