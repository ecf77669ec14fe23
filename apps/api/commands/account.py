"""`account`: the balances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from apps.api.replies import Account, Reply
from apps.api.session import Command, Session
from apps.api.tree import command

__all__ = ["entry"]


@dataclass(frozen=True, slots=True)
class ShowAccount:
    """Show the balances of the account."""

    needs_desk: ClassVar[bool] = True

    async def run(self, session: Session) -> Reply:
        """Ask the broker."""
        return Reply(Account(await session.desk.account(), session.desk.trading))


@command("account", examples=("account",), short_help="Balances, margin and P&L of the account.")
def entry() -> Command:
    """Show balances, margin and P&L of the account."""
    return ShowAccount()
