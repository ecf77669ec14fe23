"""`orders`: what is working at the broker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from apps.api.replies import Orders, Reply
from apps.api.session import Command, Session
from apps.api.tree import command

__all__ = ["entry"]


@dataclass(frozen=True, slots=True)
class ShowOrders:
    """Show the working orders of the account."""

    needs_desk: ClassVar[bool] = True

    async def run(self, session: Session) -> Reply:
        """Ask the broker."""
        return Reply(Orders(await session.desk.orders()))


@command("orders", examples=("orders",), short_help="Working orders.")
def entry() -> Command:
    """Show the working orders of the account, those of other programs too."""
    return ShowOrders()
