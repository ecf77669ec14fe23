"""`executions`: what was filled today."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from apps.api.replies import Executions, Reply
from apps.api.session import Command, Session
from apps.api.tree import command

__all__ = ["entry"]


@dataclass(frozen=True, slots=True)
class ShowExecutions:
    """Show the day's executions."""

    needs_desk: ClassVar[bool] = True

    async def run(self, session: Session) -> Reply:
        """Ask the broker."""
        return Reply(Executions(await session.desk.executions()))


@command("executions", examples=("executions",), short_help="The day's fills with fees and P&L.")
def entry() -> Command:
    """Show the day's executions of the account, with fees and realised P&L."""
    return ShowExecutions()
