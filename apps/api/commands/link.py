"""`link`: how the link to the broker stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from apps.api.replies import LinkReport, Reply
from apps.api.session import Command, Session
from apps.api.tree import command

__all__ = ["entry"]


@dataclass(frozen=True, slots=True)
class ShowLink:
    """Show the state of the link and its last loss."""

    needs_desk: ClassVar[bool] = True

    async def run(self, session: Session) -> Reply:
        """Say what is known; nothing is asked."""
        desk = session.desk
        return Reply(LinkReport.of(desk.link, desk.bar_age_s(), desk.stalls))


@command("link", examples=("link",), short_help="State of the link to the broker, and its losses.")
def entry() -> Command:
    """Show the state of the link, how often it was lost, and what the last loss took."""
    return ShowLink()
