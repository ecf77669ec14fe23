"""Waiting with an end: every wait of the engine on something outside passes through here.

Deadlines are monotonic seconds of the injected clock, so a test turns them without waiting and
a market at any speed needs no word here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from apps.engine.ports import Clock

__all__ = ["Changes", "came_within", "done_within"]


async def came_within(event: asyncio.Event, timeout_s: float, clock: Clock) -> bool:
    """Wait for ``event``, at most ``timeout_s``; tell whether it came."""
    if event.is_set():
        return True
    async with asyncio.TaskGroup() as group:
        arrival = group.create_task(event.wait())
        timer = group.create_task(clock.sleep(timeout_s))
        await asyncio.wait({arrival, timer}, return_when=asyncio.FIRST_COMPLETED)
        arrival.cancel()
        timer.cancel()
    return event.is_set()


async def done_within(work: asyncio.Future[Any], limit_s: float | None, clock: Clock) -> bool:
    """Wait for ``work``, and end it where that takes longer; tell whether it was done in time.

    It has ended when this returns, and also when the caller is ended while it waits.
    """
    timer = None if limit_s is None else asyncio.ensure_future(clock.sleep(limit_s))
    tasks = {work} if timer is None else {work, timer}
    in_time = False
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        in_time = work.done()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    return in_time


class Changes:
    """Wakes those who wait for something to become true whenever it may have.

    The waiters look for themselves: what is announced carries nothing, so no news is ever
    missed by who comes late and none is queued for who never comes.
    """

    __slots__ = ("_next",)

    def __init__(self) -> None:
        self._next: asyncio.Event | None = None

    def announce(self) -> None:
        """Say that something changed. Costs next to nothing while nobody waits."""
        if self._next is not None:
            self._next.set()
            self._next = None

    async def until(self, holds: Callable[[], bool], timeout_s: float, clock: Clock) -> bool:
        """Wait until ``holds()``, at most ``timeout_s``; tell whether it does at the end."""
        deadline = clock.monotonic() + timeout_s
        while not holds():
            left_s = deadline - clock.monotonic()
            if left_s <= 0 or not await came_within(self._upcoming(), left_s, clock):
                return holds()
        return True

    async def ever(self, holds: Callable[[], bool]) -> None:
        """Wait until ``holds()``, for what has no deadline of its own: a trade's life, a link."""
        while not holds():
            await self._upcoming().wait()

    def _upcoming(self) -> asyncio.Event:
        if self._next is None:
            self._next = asyncio.Event()
        return self._next
