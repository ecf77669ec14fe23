"""This machine's seconds, as the gateway's sockets use them: told, waited for, and set by hand.

Market time is the clock's (`apps.paper.clock`). What is counted here happens on the wire, whatever
the market's speed: the rate of messages, the deadline of a greeting, the delays of a bad line.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Protocol

__all__ = ["Alarm", "LoopWall", "ManualWall", "Wall"]


class Alarm(Protocol):
    """Something that will be called."""

    def cancel(self) -> None:
        """Do not call it; nothing happens when it was called already."""


class Wall(Protocol):
    """Monotonic seconds of this machine."""

    def now_s(self) -> float:
        """Give the seconds; only differences mean anything."""

    def call_later(self, delay_s: float, call: Callable[[], None]) -> Alarm:
        """Have ``call`` called once, ``delay_s`` seconds from now."""


class LoopWall:
    """The running event loop's own clock."""

    def now_s(self) -> float:
        """Give the loop's time."""
        return asyncio.get_running_loop().time()

    def call_later(self, delay_s: float, call: Callable[[], None]) -> Alarm:
        """Have the loop call ``call``."""
        return asyncio.get_running_loop().call_later(delay_s, call)


class ManualWall:
    """Seconds that pass only when told, for tests: nothing is waited for, nothing is flaky."""

    def __init__(self) -> None:
        self._now_s = 0.0
        self._ticket = count()
        self._alarms: list[tuple[float, int, _ManualAlarm]] = []

    def now_s(self) -> float:
        """Give the seconds since this wall was made."""
        return self._now_s

    def call_later(self, delay_s: float, call: Callable[[], None]) -> Alarm:
        """Have ``call`` called by the `advance` that reaches it."""
        alarm = _ManualAlarm(call)
        heappush(self._alarms, (self._now_s + max(0.0, delay_s), next(self._ticket), alarm))
        return alarm

    def advance(self, seconds: float) -> None:
        """Let seconds pass; what falls due is called in order, at its own time."""
        until = self._now_s + seconds
        while self._alarms and self._alarms[0][0] <= until:
            due_s, _, alarm = heappop(self._alarms)
            self._now_s = max(self._now_s, due_s)
            alarm.ring()
        self._now_s = until


class _ManualAlarm:
    def __init__(self, call: Callable[[], None]) -> None:
        self._call: Callable[[], None] | None = call

    def cancel(self) -> None:
        self._call = None

    def ring(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            call()
