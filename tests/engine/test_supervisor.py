from __future__ import annotations

import asyncio

import pytest

from apps.domain.errors import IllegalTransition
from apps.engine.supervisor import Supervised, Supervisor, TaskEnd
from tests.engine.fakes import FakeClock, settle


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
