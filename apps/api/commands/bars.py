"""`bars`: the bars of a symbol's recent past."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import click

from apps.api.dialogue import need
from apps.api.replies import Bars, Reply
from apps.api.session import Command, Session
from apps.api.tree import command
from apps.domain.history.bar_sizes import parse_bar_size

__all__ = ["entry"]

_MOST = 1_000


@dataclass(frozen=True, slots=True)
class ShowBars:
    """Show the last bars of one symbol."""

    symbol: str | None
    seconds: int
    last: int
    csv: bool
    needs_desk: ClassVar[bool] = True

    async def run(self, session: Session) -> Reply:
        """Ask for the history."""
        symbol = await need(session, "SYMBOL", self.symbol, session.settings.default_symbol)
        # one more than asked for: the bar that is still running is not among those that come
        rows = await session.desk.bars(
            symbol.upper(), seconds=self.seconds, duration_s=self.seconds * (self.last + 1)
        )
        return Reply(Bars(symbol.upper(), self.seconds, rows[-self.last :], csv=self.csv))


@command(
    "bars",
    examples=("bars AAPL", "bars AAPL --bar 5m --last 50 --csv"),
    short_help="Bars of a symbol's recent past, as a table or CSV.",
)
@click.argument("symbol", required=False)
@click.option("--bar", default="1m", show_default=True, help="Size of a bar: 5s, 1m, 1h, 1d …")
@click.option(
    "--last", default=20, show_default=True, type=click.IntRange(1, _MOST), help="How many."
)
@click.option("--csv", is_flag=True, help="As CSV, for another program.")
def entry(symbol: str | None, bar: str, last: int, csv: bool) -> Command:
    """Show the last bars of SYMBOL, regular hours, each stamped at its start."""
    return ShowBars(symbol, parse_bar_size(bar).seconds, last, csv)
