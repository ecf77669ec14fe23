"""`reconcile`: the journal held against the broker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import click

from apps.api.dialogue import agreed
from apps.api.outcomes import ExitCode
from apps.api.replies import Note, Reply
from apps.api.routine_command import routine_command
from apps.api.session import Command, Session
from apps.engine.routines.reconcile import RECONCILE

__all__ = ["entry"]


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


def _settling(typed: dict[str, Any]) -> Command | None:
    intent, confirmed = typed.pop("settle"), typed.pop("yes")
    return None if intent is None else SettleIntent(intent, confirmed)


entry = routine_command(
    RECONCILE,
    click.Option(
        ["--settle"], metavar="INTENT", help="Say that one intent is over, whatever became of it."
    ),
    click.Option(["--yes", "-y"], is_flag=True, help="Settle without asking."),
    take=_settling,
)
