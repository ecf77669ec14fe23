"""`quote`: what the market offers now, and how old that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import click

from apps.api.dialogue import need
from apps.api.replies import Reply
from apps.api.session import Command, Session
from apps.api.tree import command

__all__ = ["entry"]


@dataclass(frozen=True, slots=True)
class ShowQuote:
    """Show the quote of one symbol."""

    symbol: str | None
    needs_desk: ClassVar[bool] = True

    async def run(self, session: Session) -> Reply:
        """Ask for the quote."""
        symbol = await need(session, "SYMBOL", self.symbol, session.settings.default_symbol)
        return Reply(await session.desk.quote(symbol.upper()))


@command(
    "quote", examples=("quote AAPL",), short_help="Bid, ask and last of a symbol, with their age."
)
@click.argument("symbol", required=False)
def entry(symbol: str | None) -> Command:
    """Show bid, ask and last of SYMBOL, and how old they are."""
    return ShowQuote(symbol)
