from __future__ import annotations

import asyncio

import pytest

from apps.domain.errors import IllegalTransition
from apps.engine.alerts import Alert, AlertKind
from apps.engine.long_lived import LongLived
from apps.engine.prices.market_clock import MarketClock
from apps.engine.supervisor import Restarts, Supervised, Supervisor, TaskEnd
from tests.engine.fakes import FakeClock, FakeMarket, settle


async def test_failing_task_ends_alone_and_its_reason_is_kept(clock: FakeClock) -> None:
    supervisor = Supervisor(clock)
    heard: list[Supervised] = []

    async def fail() -> None:
        raise ValueError("level went missing")

    failing = supervisor.start("w1", fail, heard.append)
    healthy = supervisor.start("w2", asyncio.Event().wait)  # type: ignore[arg-type]  # never ends
    await settle()
    assert (failing.end, failing.reason) == (TaskEnd.FAILED, "level went missing")
    assert heard == [failing]
    assert healthy.is_running
    assert await supervisor.aclose(1.0) == ()
    assert healthy.end is TaskEnd.STOPPED


async def test_task_that_does_not_heed_its_cancellation_is_named_at_the_deadline(
    clock: FakeClock,
) -> None:
    supervisor = Supervisor(clock)
    release = asyncio.Event()

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await release.wait()

    supervisor.start("stubborn", stubborn)
    await settle()
    closing = asyncio.create_task(supervisor.aclose(2.0))
    await clock.advance(2.0)
    assert await closing == ("stubborn",)
    release.set()
    await settle()


async def test_nothing_starts_once_closed(clock: FakeClock) -> None:
    supervisor = Supervisor(clock)
    await supervisor.aclose(1.0)
    with pytest.raises(IllegalTransition, match="closing"):
        supervisor.start("late", lambda: asyncio.sleep(0))


async def test_task_stopped_before_its_first_step_ends_stopped(clock: FakeClock) -> None:
    supervisor = Supervisor(clock)
    task = supervisor.start("w1", lambda: asyncio.sleep(0))
    task.stop()
    assert await task.ended(1.0, clock)
    assert task.end is TaskEnd.STOPPED


class Failing:
    """Fails as often as it is told to, then runs."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.begun = 0

    async def run(self) -> None:
        self.begun += 1
        if self.begun <= self.times:
            raise ZeroDivisionError(f"failure {self.begun}")
        await asyncio.Event().wait()


async def test_failing_task_is_begun_anew_after_longer_and_longer_pauses(clock: FakeClock) -> None:
    supervisor, work, told = Supervisor(clock), Failing(3), list[tuple[str, float]]()
    task = supervisor.start(
        "w1", work.run, restarts=Restarts(told=lambda error, s: told.append((str(error), s)))
    )
    await clock.advance(0.9)
    assert work.begun == 1
    await clock.advance(10)
    assert told == [("failure 1", 1.0), ("failure 2", 2.0), ("failure 3", 4.0)]
    assert task.is_running
    assert work.begun == 4
    await supervisor.aclose(1.0)
    assert task.end is TaskEnd.STOPPED


async def test_task_that_fails_once_too_often_is_given_up_with_its_last_error(
    clock: FakeClock,
) -> None:
    supervisor, work = Supervisor(clock), Failing(99)
    task = supervisor.start("w1", work.run, restarts=Restarts(most=3))
    await clock.advance(60)
    assert (task.end, task.reason, work.begun) == (TaskEnd.FAILED, "failure 4", 4)


async def test_failures_far_apart_are_forgiven(clock: FakeClock) -> None:
    supervisor, begun = Supervisor(clock), list[float]()

    async def fail_every_five_minutes() -> None:
        begun.append(clock.now_s)
        await clock.sleep(300)
        raise ZeroDivisionError

    task = supervisor.start("w1", fail_every_five_minutes, restarts=Restarts(most=3))
    await clock.advance(3600)
    assert task.is_running
    assert len(begun) > 9
    await supervisor.aclose(1.0)


async def test_failure_that_another_beginning_cannot_help_ends_the_task_at_once(
    clock: FakeClock,
) -> None:
    supervisor, work = Supervisor(clock), Failing(99)
    task = supervisor.start("w1", work.run, restarts=Restarts(helps=lambda _: False))
    await clock.advance(60)
    assert (task.end, work.begun) == (TaskEnd.FAILED, 1)


async def test_task_that_is_stopped_in_its_pause_is_not_begun_again(clock: FakeClock) -> None:
    supervisor, work = Supervisor(clock), Failing(99)
    task = supervisor.start("w1", work.run, restarts=Restarts())
    await settle()
    task.stop()
    await clock.advance(60)
    assert (task.end, work.begun) == (TaskEnd.STOPPED, 1)


async def test_long_lived_task_is_named_with_what_is_lost_when_it_is_given_up(
    clock: FakeClock, market: FakeMarket, told: list[Alert]
) -> None:
    supervisor = Supervisor(clock)
    long_lived = LongLived(supervisor, MarketClock(market, clock), told.append)
    long_lived.keep("heartbeat", Failing(99).run, "silence is not noticed any more")
    await clock.advance(60)
    assert [each.kind for each in told] == [AlertKind.WARNING] * 3 + [AlertKind.ERROR]
    assert told[0].text == "heartbeat failed (failure 1); it is begun anew in 1 s"
    assert told[-1].text.endswith("by failure 4: silence is not noticed any more")
