"""`data list` and `data show`: what is kept, and bars of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import click

from apps.api.commands.history.opening import Wish, in_history, series_options, wish_of
from apps.api.replies import Bars, Reply, StoredSeries
from apps.api.session import Command, Session
from apps.api.tree import command
from apps.domain.history.ranges import history_range
from apps.domain.sessions import Span

if TYPE_CHECKING:
    from apps.domain.bars import Bar
    from apps.domain.history.series import Series
    from apps.store.history.store import HistoryStore

__all__ = ["list_series", "show"]

_LAST = 20


@dataclass(frozen=True, slots=True)
class ListSeries:
    """List what is kept."""

    needs_desk: ClassVar[bool] = False

    async def run(self, session: Session) -> Reply:
        """Read the catalogue. Raises NotFound, HistoryRefused."""
        return Reply(
            StoredSeries(
                await in_history(
                    session,
                    lambda store: tuple(store.stored(each) for each in store.all_series()),
                )
            )
        )


@dataclass(frozen=True, slots=True)
class ShowBars:
    """Show bars of one series; ``span`` None shows the newest ones."""

    wish: Wish
    span: Span | None
    csv: bool
    needs_desk: ClassVar[bool] = False

    async def run(self, session: Session) -> Reply:
        """Read them. Raises NotFound, AmbiguousSymbol, InvalidInput, HistoryRefused."""
        series, bars = await in_history(session, self._read)
        return Reply(Bars(series.symbol, series.bar_seconds, bars, csv=self.csv))

    def _read(self, store: HistoryStore) -> tuple[Series, tuple[Bar, ...]]:
        series = self.wish.chosen(store)
        if self.span is None:
            return series, store.newest(series, _LAST)
        return series, store.bars(series, self.span.start, self.span.end)


@command(
    "list",
    examples=("data list", "data list --json"),
    short_help="What bars are kept, from when to when.",
)
def list_series() -> Command:
    """List the series of bars that are kept: an instrument, a bar size, how many and from when."""
    return ListSeries()


@command(
    "show",
    examples=(
        "data show AAPL",
        "data show AAPL --bar 1m --from 2026-11-19 --to 2026-11-20",
        "data show AAPL --bar 5s --from 2026-11-20T09:30 --to 2026-11-20T09:35 --csv",
    ),
    short_help="Bars of a symbol that are kept, as a table or CSV.",
)
@click.argument("symbol")
@series_options
@click.option("--from", "start", metavar="WHEN", help="From this day or time on.")
@click.option("--to", "end", metavar="WHEN", help="Up to this day (and with it) or time.")
@click.option("--csv", is_flag=True, help="As CSV, for another program.")
def show(
    symbol: str,
    *,
    bar: str | None,
    what: str | None,
    all_hours: bool,
    start: str | None,
    end: str | None,
    csv: bool,
) -> Command:
    """Show bars of SYMBOL, each stamped at its start; without a range the newest twenty.

    A day (2026-11-20) is New York's; so is a time (2026-11-20T09:30) without an offset.
    """
    wish = wish_of(symbol, bar, what, all_hours=all_hours)
    span = history_range(start, end) if start or end else None
    return ShowBars(wish, span, csv)
