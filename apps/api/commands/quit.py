"""`quit`: leave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from apps.api.replies import Reply
from apps.api.session import Command, Session
from apps.api.tree import command

__all__ = ["entry"]


@dataclass(frozen=True, slots=True)
class Quit:
    """End the session."""

    needs_desk: ClassVar[bool] = False

    async def run(self, session: Session) -> Reply:  # noqa: ARG002 - what a Command takes
        """End it."""
        return Reply(quits=True)


@command(
    "quit",
    examples=("quit",),
    short_help="Leave; watchers come back, working orders stay at the broker.",
)
def entry() -> Command:
    """Leave. Watchers come back at the next start, unless that is --fresh.

    Orders that work at the broker stay there, and are listed.
    """
    return Quit()
