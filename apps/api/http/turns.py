"""Turns of requests: a crowd of callers takes the loop a little at a time.

A bar is read between two rounds of the loop, and would stand behind every request that came
together with it. So only a few requests begin in one round; the others wait for the next ones, in
their order. Alone, a request waits for nothing.
"""

from __future__ import annotations

import asyncio
from collections import deque

__all__ = ["AT_ONCE", "Turns"]

AT_ONCE = 4
"""A request takes the loop a millisecond or two, in all."""


class Turns:
    """Lets ``at_once`` requests begin in each round of the loop."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._at_once = at_once
        self._left = at_once
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._is_due = False

    async def next(self) -> None:
        """Wait for a turn."""
        if self._left and not self._waiting:
            self._left -= 1
            self._have_round()
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._have_round()
        await turn

    def _have_round(self) -> None:
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._round)

    def _round(self) -> None:
        self._is_due = False
        self._left = self._at_once
        while self._left and self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():  # its caller may have left
                turn.set_result(None)
                self._left -= 1
        if self._waiting:
            self._have_round()
