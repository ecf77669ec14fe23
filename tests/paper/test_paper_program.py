from __future__ import annotations

import asyncio
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.paper.paper_client import RawClient

DEADLINE_S = 20


@asynccontextmanager
async def program(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "apps.paper", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def first_line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), DEADLINE_S)).decode()


async def ending(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    out, err = await asyncio.wait_for(process.communicate(), DEADLINE_S)
    return process.returncode, out.decode(), err.decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_program_says_where_it_listens_and_stops_on_a_signal(number: signal.Signals) -> None:
    async with program("--port", "0") as gateway:
        found = re.fullmatch(
            r"paper gateway listening on (127\.0\.0\.1):(\d+)\n", await first_line(gateway)
        )
        assert found
        client = RawClient(*await asyncio.open_connection(found[1], int(found[2])))
        await client.start()
        gateway.send_signal(number)
        assert await ending(gateway) == (0, "", "")
        assert await client.at_end()
        await client.close()


async def test_market_starts_at_the_time_that_was_asked_for() -> None:
    async with program("--port", "0", "--start", "2025-07-03T13:30:00Z") as gateway:
        port = int((await first_line(gateway)).rsplit(":", 1)[1])
        client = RawClient(*await asyncio.open_connection("127.0.0.1", port))
        await client.start()
        client.send(49, 1)
        seconds = int((await client.until("49"))[2])
        await client.close()
    assert 0 <= seconds - 1751549400 < DEADLINE_S


async def test_port_in_use_is_one_sentence_and_exit_1() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        async with program("--port", str(port)) as gateway:
            code, out, err = await ending(gateway)
    assert (code, out) == (1, "")
    assert err.startswith(f"cannot listen on 127.0.0.1:{port}: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("option", "value"),
    [("--speed", "0"), ("--port", "70000"), ("--cash", "-1"), ("--start", "noon"), ("--seed", "x")],
)
async def test_bad_option_names_what_it_held_and_exits_with_2(option: str, value: str) -> None:
    async with program(option, value) as gateway:
        code, _, err = await ending(gateway)
    assert code == 2
    assert option in err
    assert value in err
