"""The options of ``python -m apps.paper`` that record, replay, and play files."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from apps.paper.transcript.reading import read_transcript
from tests.paper.paper_client import RawClient

DEADLINE_S = 20


@asynccontextmanager
async def program(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "apps.paper", "--port", "0", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def client_of(process: asyncio.subprocess.Process) -> RawClient:
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), DEADLINE_S)).decode()
    found = re.search(r"listening on (.*):(\d+)", line)
    assert found, line
    return RawClient(*await asyncio.open_connection(found[1], int(found[2])))


async def ending(
    process: asyncio.subprocess.Process, number: signal.Signals
) -> tuple[int | None, str]:
    if process.returncode is None:
        process.send_signal(number)
    _, err = await asyncio.wait_for(process.communicate(), DEADLINE_S)
    return process.returncode, err.decode()


async def test_day_of_a_file_is_played_recorded_and_replayed(tmp_path: Path) -> None:
    bars, path = tmp_path / "aapl.csv", tmp_path / "session.jsonl"
    bars.write_text(
        "time,open,high,low,close,volume\n"
        "2025-03-04T09:30:00-05:00,200,201,199,200.5,10000\n"
        "2025-03-04T09:33:00-05:00,201,202,200,201.5,10000\n"
        "2025-03-04T09:34:00-05:00,201,202,200,201.5,10000\n"
    )
    async with program("--bars", f"AAPL={bars}", "--record", str(path)) as gateway:
        client = await client_of(gateway)
        await client.start()
        client.send(49, 1)
        # the market's time is that of the file
        assert (await client.until("49"))[2] == "1741098600"
        await client.close()
        code, err = await ending(gateway, signal.SIGTERM)
    assert code == 0
    assert "there is a gap of 120 s at 2025-03-04T14:31:00Z: nothing trades there." in err
    assert {"ReqCurrentTime", "CurrentTime"} <= {
        each.message for each in read_transcript(path).entries
    }
    async with program("--replay", str(path)) as gateway:
        again = await client_of(gateway)
        await again.start()
        again.send(49, 1)
        assert (await again.until("49"))[2] == "1741098600"
        again.send(8, 1, 1)
        await again.until("4")
        await again.close()
        code, err = await ending(gateway, signal.SIGTERM)
    assert code == 1
    assert "ReqIds came, and no more requests are recorded" in err


async def test_bad_file_is_told_before_the_gateway_listens(tmp_path: Path) -> None:
    bars = tmp_path / "aapl.csv"
    bars.write_text("time,open,high,low,close,volume\n2025-03-04T09:30:00-05:00,200,1,199,200,1\n")
    async with program("--bars", f"AAPL={bars}") as gateway:
        out, err = await asyncio.wait_for(gateway.communicate(), DEADLINE_S)
    assert (gateway.returncode, out) == (2, b"")
    assert err.decode() == (
        f"{bars}, line 2, column high: the high of 1 is below the low of 199.\n"
    )


async def test_killed_program_leaves_a_transcript_that_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    async with program("--record", str(path), "--no-limits") as gateway:
        client = await client_of(gateway)
        await client.start()
        async with asyncio.timeout(DEADLINE_S):
            while path.read_bytes().count(b"\n") < 4:
                client.send(49, 1)
                await client.until("49")
        await ending(gateway, signal.SIGKILL)
        await client.close()
    held = read_transcript(path)
    assert [each.kind.value for each in held.entries[:3]] == ["opened", "greeted", "request"]
