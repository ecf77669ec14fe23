"""``python -m apps.paper --state``: what it says, and how it ends."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import pytest

from tests.paper.paper_client import DEADLINE_S, RawClient
from tests.paper.state.kept_bench import restored_from
from tests.paper.state.wire_orders import place

STARTED = "--start 2026-11-19T15:00:00Z"


@asynccontextmanager
async def program(*words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def paper(state: Path, line: str = "") -> list[str]:
    words = ["-m", "apps.paper", "--port", "0", "--state", str(state), *line.split()]
    return [sys.executable, *words]


async def listening(process: asyncio.subprocess.Process) -> RawClient:
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), DEADLINE_S)
    port = int(line.decode().rsplit(":", 1)[1])
    return RawClient(*await asyncio.open_connection("127.0.0.1", port))


async def ending(process: asyncio.subprocess.Process) -> tuple[int | None, str]:
    _, err = await asyncio.wait_for(process.communicate(), DEADLINE_S)
    return process.returncode, err.decode()


async def run_for_a_moment(state: Path, line: str = "") -> tuple[list[str], int, str]:
    """Start, ask accounts and the time, and stop in order; give these and what was said."""
    async with program(*paper(state, line)) as process:
        client = await listening(process)
        await client.hello()
        client.send(71, 2, 1, "")
        accounts = (await client.until("15"))[2].split(",")
        client.send(49, 1)
        seconds = int((await client.until("49"))[2])
        await client.close()
        process.send_signal(signal.SIGTERM)
        code, err = await ending(process)
    assert code == 0
    return [name for name in accounts if name], seconds, err


async def test_gateway_goes_on_from_its_file_until_that_is_cleared(tmp_path: Path) -> None:
    state = tmp_path / "state"
    accounts, began, err = await run_for_a_moment(state, f"{STARTED} --account DU7 --account DU8")
    assert (accounts, err) == (["DU7", "DU8"], "")

    # other seed, earlier start, other cash: the file's own count, and the wish is answered
    accounts, seconds, err = await run_for_a_moment(
        state, "--seed 5 --cash 5 --start 2026-11-18T15:00:00Z"
    )
    assert accounts == ["DU7", "DU8"]
    assert began <= seconds < began + DEADLINE_S
    assert "never goes back" in err
    assert "250000" in err
    assert err.count("\n") == 2

    async with program(*paper(state, "--account DU8")) as process:
        code, err = await ending(process)
    assert code == 1
    assert "account DU7" in err
    assert err.count("\n") == 1

    accounts, seconds, err = await run_for_a_moment(
        state, "--clear-state --start 2026-11-18T15:00:00Z"
    )
    assert (accounts, err) == (["DU1234567"], "")
    assert seconds < began


async def test_file_of_somebody_else_is_one_sentence_and_exit_1(tmp_path: Path) -> None:
    state = tmp_path / "letter.txt"
    state.write_text("Dear Sir or Madam,\n", encoding="utf-8")
    async with program(*paper(state, "--clear-state")) as process:
        code, err = await ending(process)
    assert code == 1
    assert "is not a state file of this gateway" in err
    assert err.count("\n") == 1
    assert state.read_text(encoding="utf-8") == "Dear Sir or Madam,\n"


async def test_file_in_use_is_one_sentence_and_the_holder_is_unharmed(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with program(*paper(state)) as holder:
        client = await listening(holder)
        await client.start()
        async with program(*paper(state, "--clear-state")) as second:
            code, err = await ending(second)
        assert code == 1
        assert f"in use by another gateway (process {holder.pid})" in err
        client.send(49, 1)
        await client.until("49")
        await client.close()


@pytest.mark.skipif(sys.platform == "win32", reason="ulimit is a shell's of POSIX")
async def test_full_disk_ends_the_gateway_with_one_word_and_all_that_was_told_is_kept(
    tmp_path: Path,
) -> None:
    state, told = tmp_path / "state", set[str]()
    limited = ["sh", "-c", 'ulimit -f 400; exec "$@"', "sh"]
    async with program(*limited, *paper(state, f"{STARTED} --no-limits")) as process:
        client = await listening(process)
        await client.start()
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await place_for_ever(client, told)
        code, err = await ending(process)
        await client.close()
    assert code == 1
    assert "cannot be written to" in err
    assert len(told) > 10
    record = restored_from(state)
    assert record is not None
    assert told <= {str(order.perm_id) for order in record.orders}


async def place_for_ever(client: RawClient, told: set[str]) -> None:
    for order_id in count(1):
        place(client, order_id, "AAPL", "BUY", order_type="LMT", limit_price="5")
        told.add((await client.until("3", lambda fields: fields[2] != "PendingSubmit"))[6])
