"""Tasks that live in the background, kept apart from each other.

A supervised task that fails takes nobody with it: its end is kept, and told to whoever asked
for it. One with `Restarts` is begun anew first, after a pause, so often and no more: what fails
for good would only fail again. This is the one place of the engine with a broad ``except``: what
may fail in unforeseen ways (a watcher, a listener of a feed) runs through here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from enum import Enum
from typing import Any, ParamSpec

from apps.domain.errors import IllegalTransition
from apps.engine.deadlines import came_within
from apps.engine.ports import Clock

__all__ = ["Restarts", "Supervised", "Supervisor", "TaskEnd", "contained", "sentence"]

P = ParamSpec("P")


class TaskEnd(Enum):
    """How a supervised task ended."""

    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


def sentence(error: BaseException) -> str:
    """Give one line that names what went wrong."""
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__


def contained(
    failed: Callable[[Exception], None], act: Callable[P, None], *args: P.args, **kwargs: P.kwargs
) -> None:
    """Call ``act``; what it raises goes to ``failed`` and no further."""
    try:
        act(*args, **kwargs)
    except Exception as error:  # noqa: BLE001  a listener may fail in any way, alone
        failed(error)


def _say_nothing(_error: Exception, _pause_s: float) -> None:
    pass


def _any(_error: Exception) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Restarts:
    """How often a task that fails is begun anew: ``most`` times within ``within_s``.

    The pause before that is ``first_pause_s``, doubled with each failure of the stretch. ``told``
    hears of each failure that another beginning follows, and after how many seconds; ``helps``
    says whether one may help. Seconds are this machine's.
    """

    most: int = 3
    within_s: float = 600.0
    first_pause_s: float = 1.0
    helps: Callable[[Exception], bool] = _any
    told: Callable[[Exception, float], None] = _say_nothing

    def pause_s(self, failures: int) -> float:
        """Give the pause after so many failures, the first of them counted."""
        return self.first_pause_s * 2.0 ** (failures - 1)


class Supervised:
    """One task: its name, and once it has ended, how and why."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.end: TaskEnd | None = None
        self.error: BaseException | None = None
        self._task: asyncio.Task[None] | None = None
        self._over = asyncio.Event()

    @property
    def is_running(self) -> bool:
        """The task has not ended."""
        return self.end is None

    @property
    def reason(self) -> str:
        """One line on how it ended; empty while it runs."""
        if self.end is TaskEnd.FAILED and self.error is not None:
            return sentence(self.error)
        return "" if self.end is None else self.end.value

    def stop(self) -> None:
        """Ask it to end; `ended` tells when it has."""
        if self._task is not None and self.end is None:
            self._task.cancel()

    async def ended(self, timeout_s: float, clock: Clock) -> bool:
        """Wait for the end, at most ``timeout_s``; tell whether it came."""
        return await came_within(self._over, timeout_s, clock)

    async def over(self) -> None:
        """Wait for the end, however long that takes."""
        await self._over.wait()

    def begin(self, work: Callable[[], Coroutine[Any, Any, None]]) -> asyncio.Task[None]:
        """Start ``work()`` as the task's; for the supervisor, once."""
        self._task = asyncio.create_task(work(), name=self.name)
        return self._task

    def settle(self, task: asyncio.Task[None]) -> None:
        """Take note of how ``task`` ended; for the supervisor, once."""
        if task.cancelled():
            self.end = TaskEnd.STOPPED
        elif (error := task.exception()) is not None:
            self.end, self.error = TaskEnd.FAILED, error
        else:
            self.end = TaskEnd.DONE
        self._over.set()


class Supervisor:
    """Starts tasks, keeps hold of them, and ends those that still run when it is closed.

    Tasks do not share a TaskGroup: there one failure would end all, and one task that does not
    heed its cancellation would keep the desk from quitting.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._running: set[Supervised] = set()
        self._closed = False

    def start(
        self,
        name: str,
        work: Callable[[], Coroutine[Any, Any, None]],
        on_end: Callable[[Supervised], None] | None = None,
        *,
        restarts: Restarts | None = None,
    ) -> Supervised:
        """Run ``work()`` in the background; ``on_end`` is called once it has ended, however.

        With ``restarts`` it is begun anew when it fails, and has ended when that does not help.
        Raises IllegalTransition when the supervisor is closed.
        """
        if self._closed:
            raise IllegalTransition(f"{name} cannot start: the desk is closing")
        supervised = Supervised(name)
        self._running.add(supervised)

        def settle(task: asyncio.Task[None]) -> None:
            self._running.discard(supervised)
            supervised.settle(task)
            if on_end is not None:
                on_end(supervised)

        begun = work if restarts is None else lambda: self._begun_anew(work, restarts)
        supervised.begin(begun).add_done_callback(settle)
        return supervised

    async def _begun_anew(
        self, work: Callable[[], Coroutine[Any, Any, None]], restarts: Restarts
    ) -> None:
        failures: deque[float] = deque(maxlen=restarts.most + 1)
        while True:
            try:
                return await work()
            except Exception as error:
                failures.append(self._clock.monotonic())
                while failures[-1] - failures[0] > restarts.within_s:
                    failures.popleft()
                if len(failures) > restarts.most or not restarts.helps(error):
                    raise
                pause_s = restarts.pause_s(len(failures))
                restarts.told(error, pause_s)
            await self._clock.sleep(pause_s)

    async def aclose(self, timeout_s: float) -> tuple[str, ...]:
        """Stop every task and wait for their ends; give the names of those that did not end.

        From here on nothing can be started.
        """
        self._closed = True
        deadline = self._clock.monotonic() + timeout_s
        stopping = tuple(self._running)
        for supervised in stopping:
            supervised.stop()
        for supervised in stopping:
            await supervised.ended(max(0.0, deadline - self._clock.monotonic()), self._clock)
        return tuple(sorted(each.name for each in stopping if each.is_running))
