"""Whether the event loop is held up, for how long, and by what.

A beat goes through the loop ten times a second. When one is late, whatever the loop did instead
is the cause, and only a thread beside it can see that: it looks at the loop thread's stack while
the beat is overdue, and touches nothing else. The loop itself tells of the stall once it is over.

Not every late beat is ours. A machine that slept, or a process that was stopped or got no
processor, holds up the thread just as well, and uses no processor time meanwhile: that is told as
what it is. Code that computes without letting another thread run holds up the thread too, but
uses time.

What it costs: a quarter of a percent of one slow core (`time.process_time` of an idle loop over
20 s, with and without it). The way of a bar has nothing in it of this.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

__all__ = ["STALL_S", "Cause", "LoopWatch", "Stall", "StallLog", "cause_of", "place_of"]

STALL_S = 0.25
"""A beat that is so late is a stall."""

BEAT_S = 0.1

TELL_EVERY_S = 30.0
"""In so long one stall is told; those between are counted with the next."""

_BUSY_SHARE = 0.5
_OURS = Path(__file__).parents[1]
_STEP_OF_THE_LOOP = "_run_once"


class Cause(Enum):
    """What held a beat up; the value completes a sentence."""

    HELD_UP = "the desk was held up"
    ASLEEP = "this machine slept, or gave the desk no time"


@dataclass(frozen=True, slots=True)
class Stall:
    """A beat that came ``late_s`` seconds late.

    ``place`` is the function that the loop was in, empty where nobody saw it.
    """

    late_s: float
    cause: Cause
    place: str = ""

    @property
    def extent(self) -> str:
        """How long it took, and where that is known."""
        where = f" in {self.place}" if self.place and self.cause is Cause.HELD_UP else ""
        return f"{self.late_s:.2f} s{where}"

    @property
    def words(self) -> str:
        """What happened, in a few words."""
        return f"{self.cause.value} for {self.extent}"


class StallLog:
    """The stalls of a session: ``count`` of the desk's own, and the ``worst`` of those."""

    def __init__(self) -> None:
        self.count = 0
        self.worst: Stall | None = None
        self._told_s: float | None = None
        self._untold = 0

    def take(self, stall: Stall, now_s: float) -> str | None:
        """Take note of a stall; give what is to be told, None while another was told just now.

        ``now_s`` is this machine's monotonic clock.
        """
        if stall.cause is Cause.HELD_UP:
            self.count += 1
            if self.worst is None or stall.late_s > self.worst.late_s:
                self.worst = stall
        if self._told_s is not None and now_s - self._told_s < TELL_EVERY_S:
            self._untold += 1
            return None
        untold, self._untold, self._told_s = self._untold, 0, now_s
        return f"{stall.words}; {untold} more before it were not told" if untold else stall.words


@dataclass(frozen=True, slots=True)
class _Beat:
    """When the next beat is due, and the processor time used until the last one, in seconds."""

    due_s: float
    used_s: float


@dataclass(frozen=True, slots=True)
class _Sight:
    """What the thread saw of the loop while ``beat`` was overdue, and how late it was itself."""

    beat: _Beat
    place: str
    watcher_late_s: float


class LoopWatch:
    """Watches the loop in which it is entered; ``on_stall`` is called in that loop."""

    def __init__(
        self,
        on_stall: Callable[[Stall], None],
        *,
        stall_s: float = STALL_S,
        beat_s: float = BEAT_S,
    ) -> None:
        self._on_stall = on_stall
        self._stall_s = stall_s
        self._beat_s = beat_s
        self._pause_s = stall_s / 2
        self._timer: asyncio.TimerHandle | None = None
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._beat = _Beat(0.0, 0.0)
        self._looked_s = time.perf_counter()
        # the only thing that the thread hands over; appending and clearing are one step each
        self._sights: deque[_Sight] = deque(maxlen=1)

    def __enter__(self) -> Self:
        self._expect()
        loop_thread = threading.get_ident()
        self._thread = threading.Thread(
            target=self._look, args=(loop_thread,), name="loop watch", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        if self._timer is not None:
            self._timer.cancel()

    # ------------------------------------------------------------------------- in the loop

    def _expect(self) -> None:
        self._beat = _Beat(time.perf_counter() + self._beat_s, time.process_time())
        self._timer = asyncio.get_running_loop().call_later(self._beat_s, self._on_beat)

    def _on_beat(self) -> None:
        beat, now_s = self._beat, time.perf_counter()
        if now_s - beat.due_s > self._stall_s:
            self._judge(beat, now_s)
        self._expect()

    def _judge(self, beat: _Beat, now_s: float) -> None:
        sight = next((each for each in tuple(self._sights) if each.beat is beat), None)
        self._sights.clear()
        late_s = now_s - beat.due_s
        silent_s = now_s - self._looked_s - self._pause_s
        cause = cause_of(
            late_s,
            used_s=time.process_time() - beat.used_s,
            watcher_late_s=silent_s if sight is None else sight.watcher_late_s,
        )
        self._on_stall(Stall(late_s, cause, "" if sight is None else sight.place))

    # ----------------------------------------------------------------------- in the thread

    def _look(self, loop_thread: int) -> None:
        seen: _Beat | None = None
        while not self._ended.wait(self._pause_s):
            now_s, beat = time.perf_counter(), self._beat
            own_late_s, self._looked_s = now_s - self._looked_s - self._pause_s, now_s
            if now_s - beat.due_s < self._pause_s or beat is seen:
                continue
            frame = sys._current_frames().get(loop_thread)  # noqa: SLF001 - there is no other way
            seen = beat
            self._sights.append(_Sight(beat, place_of(frame), own_late_s))


def cause_of(late_s: float, *, used_s: float, watcher_late_s: float) -> Cause:
    """Tell what a beat's lateness comes from.

    ``used_s`` is the processor time of the process since the beat before, ``watcher_late_s`` how
    late the thread beside the loop was when it looked.
    """
    if used_s >= _BUSY_SHARE * late_s or watcher_late_s < _BUSY_SHARE * late_s:
        return Cause.HELD_UP
    return Cause.ASLEEP


def place_of(frame: FrameType | None) -> str:
    """Name the function that ``frame`` is in: the desk's own nearest to it, and what that called.

    Empty where the loop only waits for something to happen.
    """
    step = list(_within_the_step(frame))
    if not step:
        return ""
    ours = next((each for each in step if each.f_code.co_filename.startswith(str(_OURS))), None)
    if ours is None or ours is step[0]:
        return _named(step[0])
    return f"{_named(ours)} ({_named(step[0])})"


def _within_the_step(frame: FrameType | None) -> Iterator[FrameType]:
    """Give the frames that the loop's present step has called, the innermost first."""
    while frame is not None and frame.f_code.co_name != _STEP_OF_THE_LOOP:
        path = Path(frame.f_code.co_filename)
        if path.name != "selectors.py" and path.parent.name != "asyncio":
            yield frame
        frame = frame.f_back


def _named(frame: FrameType) -> str:
    path = Path(frame.f_code.co_filename)
    where = path.relative_to(_OURS.parent) if path.is_relative_to(_OURS) else path.name
    return f"{frame.f_code.co_qualname}, {where}:{frame.f_lineno}"
