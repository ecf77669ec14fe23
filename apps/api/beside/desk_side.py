"""The desk's end of one conversation, as a state machine: what a caller may say, and when. Pure.

| State | Takes | Becomes |
|---|---|---|
| greeted | Asked | at work |
| at work | nothing | asking, by `ask` |
| asking | Answer | at work |

Whatever else comes is garbled, and changes nothing.
"""

from __future__ import annotations

from enum import Enum

from apps.api.beside.messages import Answer, Asked, Garbled, Lines, Message, decoded
from apps.domain.errors import IllegalTransition

__all__ = ["DeskSide", "Phase"]


class Phase(Enum):
    """How far a conversation is."""

    GREETED = "greeted"
    AT_WORK = "at work"
    ASKING = "asking"


class DeskSide:
    """One conversation. Bytes go in by `feed`; that a question goes out is said by `ask`."""

    def __init__(self) -> None:
        self.phase = Phase.GREETED
        self._lines = Lines()

    def feed(self, chunk: bytes) -> list[Asked | Answer]:
        """Give what the caller said. Raises Garbled, and from then on nothing may be fed."""
        return [self._taken(decoded(line)) for line in self._lines.feed(chunk)]

    def ask(self) -> None:
        """Note that a question goes out. Raises IllegalTransition while one is open."""
        if self.phase is not Phase.AT_WORK:
            raise IllegalTransition(f"a question to a caller while {self.phase.value}")
        self.phase = Phase.ASKING

    def _taken(self, message: Message) -> Asked | Answer:
        wanted = {Phase.GREETED: Asked, Phase.ASKING: Answer}.get(self.phase)
        if isinstance(message, Asked | Answer) and type(message) is wanted:
            self.phase = Phase.AT_WORK
            return message
        raise Garbled(f"{type(message).__name__.lower()} while {self.phase.value}")
