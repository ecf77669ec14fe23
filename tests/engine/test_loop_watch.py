"""A loop that is held up says so, for how long and where; one that only slept says that."""

from __future__ import annotations

import asyncio
import sys
import threading
import time

import pytest

from apps.engine.loop_watch import Cause, LoopWatch, Stall, StallLog, cause_of, place_of

PATIENCE_S = 10.0


def stuck_until_seen(watch: LoopWatch) -> None:
    """Hold the loop up until the thread beside it has looked, and then some."""
    gives_up_s = time.perf_counter() + PATIENCE_S
    while not watch._sights and time.perf_counter() < gives_up_s:
        pass
    goes_on_s = time.perf_counter() + 0.06
    while time.perf_counter() < goes_on_s:
        pass


async def test_stall_is_told_with_the_function_that_the_loop_was_stuck_in() -> None:
    told = asyncio.get_running_loop().create_future()
    with LoopWatch(told.set_result, stall_s=0.05, beat_s=0.01) as watch:
        await asyncio.sleep(0)
        stuck_until_seen(watch)
        stall = await asyncio.wait_for(told, PATIENCE_S)
    assert stall.cause is Cause.HELD_UP
    assert stall.place.startswith("stuck_until_seen, test_loop_watch.py")
    assert stall.late_s > 0.05
    assert watch._thread is not None
    watch._thread.join(PATIENCE_S)
    assert not watch._thread.is_alive(), "nothing is left running"


def test_loop_that_waits_for_something_to_happen_is_in_no_place() -> None:
    ready, loop = threading.Event(), asyncio.new_event_loop()

    def run() -> None:
        loop.call_soon(ready.set)
        loop.run_forever()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait(PATIENCE_S)
    places = set[str]()
    gives_up_s = time.perf_counter() + PATIENCE_S
    while "" not in places and time.perf_counter() < gives_up_s:
        places.add(place_of(sys._current_frames().get(thread.ident or 0)))
    loop.call_soon_threadsafe(loop.stop)
    thread.join(PATIENCE_S)
    loop.close()
    assert "" in places


@pytest.mark.parametrize(
    ("used_s", "watcher_late_s", "cause"),
    [
        (3.0, 0.0, Cause.HELD_UP),
        (3.0, 3.0, Cause.HELD_UP),  # it computed, and let no other thread run
        (0.0, 0.01, Cause.HELD_UP),  # it waited for a disk
        (0.01, 2.9, Cause.ASLEEP),
    ],
)
def test_machine_that_slept_is_no_stall_of_ours(
    used_s: float, watcher_late_s: float, cause: Cause
) -> None:
    assert cause_of(3.0, used_s=used_s, watcher_late_s=watcher_late_s) is cause


HELD_UP = Stall(0.4, Cause.HELD_UP, "step, apps/domain/breakout.py:1")
ASLEEP = Stall(12.3, Cause.ASLEEP, "select")


def test_sleep_is_told_as_such_and_not_counted() -> None:
    log = StallLog()
    assert log.take(ASLEEP, 0.0) == "this machine slept, or gave the desk no time for 12.30 s"
    assert (log.count, log.worst) == (0, None)


def test_stalls_close_together_are_told_once_and_counted() -> None:
    log, words = StallLog(), "the desk was held up for 0.40 s in step, apps/domain/breakout.py:1"
    told = [log.take(HELD_UP, now_s) for now_s in (0.0, 1.0, 29.0, 31.0, 62.0)]
    more = "2 more before it were not told"
    assert told == [words, None, None, f"{words}; {more}", words]
    log.take(Stall(0.3, Cause.HELD_UP), 63.0)
    assert (log.count, log.worst) == (6, HELD_UP)
