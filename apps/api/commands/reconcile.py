"""`reconcile`: the journal held against the broker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import click

from apps.api.dialogue import agreed
from apps.api.outcomes import ExitCode
from apps.api.replies import Note, Reply
from apps.api.session import Command, Session
from apps.api.tree import command

__all__ = ["entry"]


@dataclass(frozen=True, slots=True)
class ReconcileNow:
    """Ask the broker for everything, and say what agrees and what does not."""

    needs_desk: ClassVar[bool] = True

    async def run(self, session: Session) -> Reply:
        """Reconcile; something that the trader has to look at is an exit code of its own."""
        found = await session.desk.reconcile()
        return Reply(found, ExitCode.DONE if found.agrees else ExitCode.ERROR)


@dataclass(frozen=True, slots=True)
class SettleIntent:
    """Take the trader's word that an intent is over."""

    intent: str
    confirmed: bool
    needs_desk: ClassVar[bool] = True

    async def run(self, session: Session) -> Reply:
        """Ask the broker once more, then settle. Raises NotFound, Refused, BrokerError."""
        question = f"Count no longer with {self.intent}, of which the broker lists nothing?"
        if not await agreed(session, question, already=self.confirmed):
            return Reply(Note("Nothing was settled."), ExitCode.ERROR)
        return Reply(await session.desk.settle(self.intent))


@command(
    "reconcile",
    examples=("reconcile", "reconcile --json", "reconcile --settle k3f9a2"),
    short_help="Hold the journal against the broker: orders, executions, positions.",
)
@click.option("--settle", metavar="INTENT", help="Say that an intent is over, whatever became.")
@click.option("--yes", "-y", is_flag=True, help="Settle without asking.")
def entry(*, settle: str | None, yes: bool) -> Command:
    """Compare every open intent and position with what the broker says, now.

    It runs by itself at the start, after every loss of the link, and every minute. What the broker
    knows better is taken over; what is not ours is told and not touched; what nobody can know but
    you stays unknown until you say with --settle that it is over. INTENT is an order reference or
    the end of one; while the broker lists an order of it, it is refused.
    """
    return ReconcileNow() if settle is None else SettleIntent(settle, yes)
