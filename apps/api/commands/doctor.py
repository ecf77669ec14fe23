"""`doctor`: whether everything is as it has to be, and what to do where it is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from apps.api.replies import Reply
from apps.api.session import Command, Session
from apps.api.tree import command

__all__ = ["entry"]


@dataclass(frozen=True, slots=True)
class AskDoctor:
    """Ask what a support engineer would ask."""

    needs_desk: ClassVar[bool] = False

    async def run(self, session: Session) -> Reply:
        """Ask it all, in fifteen seconds at most; the exit code is that of the worst line."""
        from apps.api.doctor.examination import examine  # noqa: PLC0415 - help stays light

        diagnosis = await examine(session.settings)
        return Reply(diagnosis, diagnosis.exit_code)


@command(
    "doctor",
    examples=("doctor", "doctor --json"),
    short_help="Whether everything is as it has to be, and the remedies.",
)
def entry() -> Command:
    """Look at everything that a trading day needs; each line is ok, a warning or failed.

    It asks with a client id of its own, changes nothing at the broker and sends no order: the order
    path is tried by a what-if. A desk that runs is not disturbed.
    """
    return AskDoctor()
