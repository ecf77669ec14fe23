"""`close`: leave positions by the exit routine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import click

from apps.api.dialogue import need
from apps.api.outcomes import ExitCode
from apps.api.replies import CloseOutcomes, Reply
from apps.api.session import Command, Session
from apps.api.tree import command

__all__ = ["entry"]


@dataclass(frozen=True, slots=True)
class ClosePositions:
    """Close our position in one symbol, or all of them."""

    target: str | None
    needs_desk: ClassVar[bool] = True

    async def run(self, session: Session) -> Reply:
        """Run the exit routine and say what is left."""
        given = await need(session, "SYMBOL", self.target, "all")
        target = "all" if given.lower() == "all" else given.upper()
        outcomes = await session.desk.close(target)
        failed = any(not outcome.ok for outcome in outcomes)
        return Reply(CloseOutcomes(outcomes), ExitCode.ERROR if failed else ExitCode.DONE)


@command(
    "close",
    examples=("close AAPL", "close all"),
    short_help="Leave our position in a symbol, or all of them.",
)
@click.argument("target", metavar="SYMBOL|all", required=False)
def entry(target: str | None) -> Command:
    """Leave our position in SYMBOL, or all of them, without a moment unprotected.

    New entries stop first; then the take-profit is moved through the market, so that the broker
    removes the stop with the fill. What belongs to others is not touched.
    """
    return ClosePositions(target)
