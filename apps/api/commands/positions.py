"""`positions`: the holdings, each with what protects it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from apps.api.replies import Positions, Reply
from apps.api.session import Command, Session
from apps.api.tree import command

__all__ = ["entry"]


@dataclass(frozen=True, slots=True)
class ShowPositions:
    """Show the holdings of the account."""

    needs_desk: ClassVar[bool] = True

    async def run(self, session: Session) -> Reply:
        """Ask the broker."""
        return Reply(Positions(await session.desk.positions(), session.desk.trading))


@command("positions", examples=("positions",), short_help="Holdings, each with its protection.")
def entry() -> Command:
    """Show every holding of the account, its P&L, and which order protects it."""
    return ShowPositions()
