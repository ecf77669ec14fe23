"""`resume`: entries are let through again after a halt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from apps.api.replies import Note, Reply
from apps.api.session import Command, Session
from apps.api.tree import command

__all__ = ["entry"]


@dataclass(frozen=True, slots=True)
class ResumeTrading:
    """Take a halt back."""

    needs_desk: ClassVar[bool] = True

    async def run(self, session: Session) -> Reply:
        """Let entries through again."""
        trading = session.desk.resume()
        return Reply(Note(f"Trading is {trading.words}."))


@command("resume", examples=("resume",), short_help="Let entries through again after a halt.")
def entry() -> Command:
    """Let entries through again. While the kill file is there, trading stays halted."""
    return ResumeTrading()
