"""Finding a half-open socket: one that takes bytes, says nothing, and never closes.

A link that has been quiet for a while is asked the time. No answer in time, and not a byte since,
is silence; while anything at all arrives, nothing is asked. A deadline that this machine itself
has missed (a loop that was busy, a laptop that slept) proves nothing about the other side.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from apps.domain.errors import BrokerError, DeadlineExceeded
from apps.ib.session import Session

__all__ = ["Heartbeat"]

_LATE_S = 0.25
"""A deadline that is noticed so much later was missed by this machine."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Watches one session at a time.

    ``ask`` asks the broker's clock within the seconds that it is given; it raises
    DeadlineExceeded, BrokerError, NotConnected. Asked after ``every_s`` of quiet, the other side
    has ``answer_s`` to say something; so silence is found within the sum of both.
    """

    ask: Callable[[float], Awaitable[object]]
    every_s: float
    answer_s: float

    async def until_silent(self, session: Session) -> None:
        """Return when the other side is silent. Raises NotConnected when the session is over."""
        while True:
            quiet_s = _now() - session.heard_at_s
            if quiet_s < self.every_s:
                await asyncio.sleep(self.every_s - quiet_s)
            elif await self.is_silent(session):
                return

    async def is_silent(self, session: Session) -> bool:
        """Ask once; tell whether nothing at all came."""
        session.require_usable()
        asked_s, seen = _now(), session.bytes_seen
        try:
            await self.ask(self.answer_s)
        except DeadlineExceeded:
            was_late = _now() - asked_s > self.answer_s + _LATE_S
            return session.bytes_seen == seen and not was_late
        except BrokerError:
            return False  # it answered
        return False


def _now() -> float:
    return asyncio.get_running_loop().time()
