"""A real gateway, killed in the middle of traffic, and started again on its file."""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest

from tests.paper.paper_client import DEADLINE_S, RawClient
from tests.paper.state.wire_orders import place

_SYMBOLS = ("AAPL", "MSFT", "SPY")
_BATCHES_IN_FLIGHT = 2

RUNS = (
    # seed, speed and start: none of them may take anything back
    ("--seed", "1", "--speed", "30", "--start", "2026-11-19T15:00:00Z"),
    ("--seed", "2", "--speed", "1"),
    ("--seed", "3", "--speed", "60", "--start", "2026-11-19T14:30:00Z"),
    ("--seed", "4", "--speed", "5"),
)


@dataclass
class Told:
    """What a client was told, over all its connections."""

    executions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    perm_ids: dict[int, str] = field(default_factory=dict)
    market_time: int = 0
    highest_id: int = 0

    def hear(self, fields: list[str]) -> None:
        match fields[0]:
            case "11":
                # order, contract, execId, time, account, side, shares, price, permId, client
                kept = (fields[2], fields[3], *fields[14:17], *fields[18:23])
                assert self.executions.setdefault(fields[14], kept) == kept
            case "3":
                order_id, perm_id = int(fields[1]), fields[6]
                assert self.perm_ids.setdefault(order_id, perm_id) == perm_id
            case "49":
                seconds = int(fields[2])
                assert seconds >= self.market_time
                self.market_time = seconds


@asynccontextmanager
async def gateway(state: Path, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "apps.paper", "--port", "0", "--no-limits", "--state", str(state), *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def connected(process: asyncio.subprocess.Process) -> RawClient:
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), DEADLINE_S)
    port = int(line.decode().rsplit(":", 1)[1])
    client = RawClient(*await asyncio.open_connection("127.0.0.1", port))
    await client.hello()
    client.send(71, 2, 1, "")
    return client


def send_batch(client: RawClient, order_id: int, choice: random.Random) -> int:
    """Send some orders, and ask the time; give the next free id."""
    if choice.random() < 0.1:
        client.send(58, 1)  # reqGlobalCancel
    for _ in range(choice.randrange(1, 4)):
        order_id = send_something(client, order_id, choice)
    client.send(49, 1)
    return order_id


def send_something(client: RawClient, order_id: int, choice: random.Random) -> int:
    """Send an order or a bracket; give the next free id."""
    symbol, side = choice.choice(_SYMBOLS), choice.choice(("BUY", "SELL"))
    if choice.random() < 0.6:
        place(client, order_id, symbol, side, order_type="MKT", outside_rth=True)
        return order_id + 1
    out = "SELL" if side == "BUY" else "BUY"
    child = {"parent_id": order_id, "time_in_force": "GTC"}
    near, far = ("0.5", "2000") if side == "BUY" else ("2000", "1")
    place(client, order_id, symbol, side, order_type="MKT", transmit=False)
    place(
        client,
        order_id + 1,
        symbol,
        out,
        order_type="LMT",
        limit_price=far,
        transmit=False,
        **child,
    )
    place(client, order_id + 2, symbol, out, order_type="STP", stop_price=near, **child)
    return order_id + 3


async def traffic(client: RawClient, told: Told, frames: int, choice: random.Random) -> None:
    """Trade until so many frames have been read, and leave with orders in flight."""
    next_id = 0
    for _ in range(frames):
        fields = await client.frame()
        told.hear(fields)
        if fields[0] == "9":
            next_id = int(fields[2])
            assert next_id > told.highest_id
            ask = _BATCHES_IN_FLIGHT
        else:
            # each batch ends with a question: its answer calls for the next one
            ask = fields[0] == "49"
        for _ in range(ask):
            next_id = send_batch(client, next_id, choice)
        told.highest_id = next_id - 1


async def survey(client: RawClient, told: Told) -> None:
    """Compare what the gateway says now with all that it has ever said."""
    next_id = int((await client.until("9"))[2])
    # ids that never reached the gateway may be given out once more, what it has told may not
    assert next_id > max(told.perm_ids, default=0)
    client.send(49, 1)
    told.hear(await client.until("49"))
    executions = await _executions(client)
    for exec_id, kept in told.executions.items():
        assert executions[exec_id] == kept
    assert await _positions(client) == _sums(executions)
    known = await _perm_ids(client)
    for perm_id in told.perm_ids.values():
        assert known[perm_id] == 1
    assert max(map(int, known)) >= max(map(int, told.perm_ids.values()))
    told.executions, told.highest_id = executions, next_id - 1


async def _executions(client: RawClient) -> dict[str, tuple[str, ...]]:
    client.send(7, 3, 900, 0, "", "", "", "", "", "")
    found: dict[str, tuple[str, ...]] = {}
    while (fields := await client.frame())[0] != "55":
        if fields[0] == "11" and fields[1] == "900":
            assert fields[14] not in found, "an execution is told twice"
            found[fields[14]] = (fields[2], fields[3], *fields[14:17], *fields[18:23])
    return found


async def _positions(client: RawClient) -> dict[str, Decimal]:
    client.send(61, 1)
    held: dict[str, Decimal] = {}
    while (fields := await client.frame())[0] != "62":
        if fields[0] == "61":
            held[fields[3]] = Decimal(fields[14])
    client.send(64, 1)
    return {con_id: quantity for con_id, quantity in held.items() if quantity}


def _sums(executions: dict[str, tuple[str, ...]]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for _, con_id, _, _, _, side, shares, *_ in executions.values():
        signed = Decimal(shares) * (1 if side == "BOT" else -1)
        sums[con_id] = sums.get(con_id, Decimal(0)) + signed
    return {con_id: quantity for con_id, quantity in sums.items() if quantity}


async def _perm_ids(client: RawClient) -> Counter[str]:
    """Count the permIds among all orders, working and completed."""
    found: Counter[str] = Counter()
    client.send(16, 1)
    while (fields := await client.frame())[0] != "53":
        if fields[0] == "3":
            found[fields[6]] += 1
    client.send(99, 0)
    while (fields := await client.frame())[0] != "102":
        if fields[0] == "101":
            found[fields[23]] += 1
    return found


@pytest.mark.parametrize("seed", [11])
async def test_kills_under_traffic_lose_and_double_nothing(tmp_path: Path, seed: int) -> None:
    choice = random.Random(seed)  # noqa: S311 - a run that can be repeated
    told, state = Told(), tmp_path / "gateway.state"
    for number, words in enumerate(RUNS):
        async with gateway(state, *words) as process:
            client = await connected(process)
            if number:
                await survey(client, told)
                client.send(8, 1, 1)  # reqIds, as a client would before it goes on
            await traffic(client, told, choice.randrange(60, 400), choice)
            process.kill()
            await client.close()
    assert len(told.executions) > 20
