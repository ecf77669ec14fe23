"""What is being done for callers: ended when they leave, unless it trades.

Each request's work is a task of its own. Those who read the same at the same time share an answer:
one question at a time goes to the broker, and who comes while it is under way waits for the next,
so that no answer is older than its question.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

from apps.api.http.problems import ProblemError
from apps.domain.errors import DeskError

__all__ = ["CallerLeft", "SharedAnswers", "Works"]

T = TypeVar("T")

_LOGGER = logging.getLogger(__name__)


class CallerLeft(Exception):
    """Nobody is there any more to be answered."""


class Works:
    """The work of one server."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()
        self._is_closing = False

    def __len__(self) -> int:
        return len(self._running)

    async def done(
        self,
        work: Coroutine[Any, Any, T],
        left: Callable[[], Coroutine[Any, Any, None]],
        *,
        goes_on: bool,
    ) -> T:
        """Give what ``work`` comes to; ``left`` returns when the caller goes away.

        Then the work is cancelled, or where it ``goes_on`` left to its end. Raises CallerLeft, and
        ProblemError where the desk quits meanwhile.
        """
        if self._is_closing:
            work.close()
            raise ProblemError.quitting()
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        leaving = asyncio.create_task(left())
        try:
            await asyncio.wait({task, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            if not task.done():
                task.add_done_callback(_note) if goes_on else task.cancel()
        if not task.done():
            raise CallerLeft
        if task.cancelled():
            raise ProblemError.quitting()
        return task.result()

    async def aclose(self, timeout_s: float) -> None:
        """Cut off what is being done, and take nothing new; wait at most ``timeout_s``."""
        self._is_closing = True
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(set(self._running), timeout=timeout_s)


def _note(task: asyncio.Task[Any]) -> None:
    """Have the log keep an error that nobody is left to be told of."""
    if not task.cancelled() and (error := task.exception()) is not None:
        is_own = not isinstance(error, DeskError)
        _LOGGER.error("what a caller had left failed", exc_info=error if is_own else None)


@dataclass(slots=True, eq=False)
class _Turn:
    """One question, and how many wait for its answer."""

    task: asyncio.Task[Any]
    waiting: int = 0


@dataclass(slots=True)
class _Line:
    begun: _Turn | None = None
    next: _Turn | None = None


class SharedAnswers:
    """Questions that several ask at the same time."""

    def __init__(self) -> None:
        self._lines: dict[Hashable, _Line] = {}

    def __len__(self) -> int:
        return len(self._lines)

    async def ask(self, what: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """Give the answer to a question that is not asked before now.

        It is cancelled when all who wait for it have left.
        """
        line = self._lines.setdefault(what, _Line())
        if line.next is None:
            line.next = _Turn(asyncio.create_task(self._asked(what, line, work)))
        turn = line.next
        turn.waiting += 1
        try:
            answer: T = await asyncio.shield(turn.task)
        finally:
            turn.waiting -= 1
            if not turn.waiting and not turn.task.done():
                turn.task.cancel()
                if line.next is turn:  # nobody may join what is being cancelled
                    line.next = None
                    self._forget(what, line)
        return answer

    async def _asked(self, what: Hashable, line: _Line, work: Callable[[], Awaitable[T]]) -> T:
        if line.begun is not None:
            await asyncio.wait({line.begun.task})
        line.begun, line.next = line.next, None
        try:
            return await work()
        finally:
            line.begun = None
            self._forget(what, line)

    def _forget(self, what: Hashable, line: _Line) -> None:
        if line.begun is None and line.next is None:
            self._lines.pop(what, None)
