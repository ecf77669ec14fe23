"""The loop on which waiting costs nothing: what it promises to those who wait on it."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.chaos.virtual_loop import OWNER, Stalled, Stuck, VirtualLoop, run_virtually


def test_a_day_of_waiting_passes_at_once() -> None:
    began_s = time.monotonic()

    async def wait(loop: VirtualLoop) -> float:
        before = loop.time()
        await asyncio.sleep(86_400)
        return loop.time() - before

    assert run_virtually(wait) == pytest.approx(86_400)
    assert time.monotonic() - began_s < 5


def test_timers_fire_in_their_order_and_at_their_time() -> None:
    seen: list[float] = []

    async def wait(loop: VirtualLoop) -> None:
        began = loop.time()
        for delay in (3.0, 1.0, 2.0):
            loop.call_later(delay, lambda: seen.append(round(loop.time() - began, 6)))
        await asyncio.sleep(5)

    run_virtually(wait)
    assert seen == [1.0, 2.0, 3.0]


def test_time_does_not_pass_while_bytes_are_under_way() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while some := await reader.read(1_000):
            writer.write(some)
        writer.close()

    async def talk(loop: VirtualLoop) -> float:
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        loop.call_later(0.001, lambda: None)  # somebody else's, to which time could jump
        began = loop.time()
        for _ in range(200):
            writer.write(b"x" * 5_000)
            await reader.readexactly(5_000)
        took = loop.time() - began
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()
        return took

    assert run_virtually(talk) < 0.0001


def test_a_deadline_ends_a_wait_for_nobody() -> None:
    async def wait(loop: VirtualLoop) -> None:
        async with asyncio.timeout(30):
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        run_virtually(wait)


def test_jumps_are_told_before_they_happen() -> None:
    told: list[tuple[float, float]] = []

    async def wait(loop: VirtualLoop) -> None:
        began = loop.time()
        loop.on_jump = lambda seconds: told.append(
            (round(loop.time() - began, 6), round(seconds, 6))
        )
        await asyncio.sleep(2)

    run_virtually(wait)
    assert told == [(0.0, 2.0)]


def test_a_task_belongs_to_whom_its_context_names() -> None:
    async def whose(loop: VirtualLoop) -> list[str]:
        OWNER.set("desk")
        task = asyncio.create_task(asyncio.sleep(1), name="nap")
        names = [each.get_name() for each in loop.open_tasks("desk")]
        await task
        return names + [each.get_name() for each in loop.open_tasks("desk")]

    assert run_virtually(whose) == ["nap"]


def test_waiting_for_nobody_without_a_deadline_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tests.chaos.virtual_loop._STALLED_S", 0.01)

    async def wait(loop: VirtualLoop) -> None:
        await asyncio.Event().wait()

    with pytest.raises(Stalled):
        run_virtually(wait)


def test_a_loop_that_goes_round_without_time_passing_is_found() -> None:
    async def spin(loop: VirtualLoop) -> None:
        while True:  # noqa: ASYNC110 - that it waits for nothing is the point
            await asyncio.sleep(0)

    with pytest.raises(Stuck):
        run_virtually(spin)


def test_a_task_that_never_gives_the_loop_back_is_found() -> None:
    async def block(loop: VirtualLoop) -> None:
        while True:
            pass

    with pytest.raises(Stuck, match="block"):
        run_virtually(block, within_s=0.05)
