"""What a command is given: the desk, the console and the settings.

Commands are frozen values that the command tree makes of a line; `Command.run` is all that is
asked of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from apps.api.config import Settings
from apps.api.replies import Reply
from apps.domain.errors import NotConnected

if TYPE_CHECKING:
    from apps.api.console import Console
    from apps.api.http.service import HttpService
    from apps.engine.desk import Desk
    from apps.engine.routines.runner import RoutineRunner

__all__ = ["Command", "Session"]


@dataclass(frozen=True, slots=True)
class Session:
    """One session of the trader's: a menu, a pipe or a single command.

    ``one_shot``: the process ends with the command, so a command that starts something stays
    until that has ended. ``beside``: whoever gave the command is another process, and what it
    starts stays with this desk. ``connected`` is None for a command that runs without a desk.
    """

    console: Console
    settings: Settings
    connected: Desk | None = None
    one_shot: bool = False
    runner: RoutineRunner | None = None
    beside: bool = False
    service: HttpService | None = None

    @property
    def http(self) -> HttpService:
        """What serves the desk over HTTP. Raises NotConnected where there is no desk."""
        if self.service is None:
            raise NotConnected("There is no connection; open the desk first.")
        return self.service

    @property
    def routines(self) -> RoutineRunner:
        """What runs routines. Raises NotConnected where there is no desk."""
        if self.runner is None:
            raise NotConnected("There is no connection; open the desk first.")
        return self.runner

    @property
    def desk(self) -> Desk:
        """The desk. Raises NotConnected where there is none."""
        if self.connected is None:
            raise NotConnected("There is no connection; open the desk first.")
        return self.connected

    def note_command(self, text: str) -> None:
        """Have the journal keep what was typed, where there is a desk to do it."""
        if self.connected is not None:
            self.connected.note_command(text)


class Command(Protocol):
    """A line that was understood."""

    needs_desk: ClassVar[bool]

    async def run(self, session: Session) -> Reply:
        """Do it. Raises DeskError with a sentence for the trader."""
