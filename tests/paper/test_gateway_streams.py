"""Streams of damaged frames over real sockets: whom they harm, and what they leave behind.

A bounded sample of what `tests.fuzz` sends by the million.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from random import Random

import pytest

from apps.paper import wire
from apps.paper.clock import ManualClock
from apps.paper.hub import HubCounts
from apps.paper.limits import NO_LIMITS
from apps.paper.server import GatewayCounts, PaperGateway
from apps.paper.settings import GatewaySettings
from benchmarks.paper_books import books_of, trades_of
from tests.fuzz.attack import attacks
from tests.fuzz.books import broken_laws
from tests.fuzz.hostile import carry_out
from tests.fuzz.live_requests import ACCOUNT, live_requests
from tests.fuzz.neighbour import ACCOUNT as NEIGHBOURS
from tests.fuzz.neighbour import BAR_S, Neighbour
from tests.paper.paper_client import OPEN
from tests.paper.wire.mutator import body_of, damaged

BIT_BY_BIT = (
    wire.ReqContractDetails,
    wire.ReqHistogramData,
    wire.ReqHistoricalData,
    wire.ReqHistoricalTicks,
    wire.ReqScannerSubscription,
)
CASH = Decimal(1_000_000_000)
HELLO = b"API\0" + (9).to_bytes(4) + b"v176..176" + (8).to_bytes(4) + b"71\x002\x009\0\0"


@asynccontextmanager
async def a_gateway() -> AsyncIterator[PaperGateway]:
    settings = GatewaySettings(accounts=(ACCOUNT, NEIGHBOURS), cash=CASH, limits=NO_LIMITS)
    async with PaperGateway.open(settings, clock=ManualClock(OPEN + 60_000)) as gateway:
        yield gateway


async def until_left(gateway: PaperGateway, connections: int) -> None:
    async with asyncio.timeout(30):
        while gateway.counts().connections > connections:  # noqa: ASYNC110 - in this very loop
            await asyncio.sleep(0)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_client_beside_hostile_ones_gets_its_bars_and_its_orders(
    seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with a_gateway() as gateway:
        async with Neighbour.moved_in(gateway.host, gateway.port) as neighbour:
            for attack in attacks(seed, 900):
                await asyncio.gather(
                    carry_out(attack, gateway.host, gateway.port), neighbour.live()
                )
                gateway.advance_to(gateway.hub.now + BAR_S * 1000)
                await neighbour.next_bar()
            await until_left(gateway, 1)
            assert gateway.counts().hub.sessions == 1
            assert await neighbour.position() == neighbour.traded
        books, trades = books_of(gateway.hub), trades_of(gateway.hub)
    assert not broken_laws(books, trades, began_with=CASH)
    assert len(trades) > neighbour.lives // 4, "the hostile ones traded too"
    assert not [record for record in caplog.records if record.levelname in {"ERROR", "CRITICAL"}]


async def heard(gateway: PaperGateway, stream: bytes, cuts: Random | None) -> bytes:
    """Say a stream, in one piece or cut up, and give all that is answered until the end."""
    reader, writer = await asyncio.open_connection(gateway.host, gateway.port)
    try:
        at = 0
        while at < len(stream):
            size = len(stream) if cuts is None else cuts.choice((1, 2, 5, 50, 500))
            writer.write(stream[at : at + size])
            at += size
            await asyncio.sleep(0)
        writer.write_eof()
        async with asyncio.timeout(30):
            return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


def a_stream(seed: int, count: int = 60) -> bytes:
    """Give a conversation of damaged requests that are answered at once; none is an order.

    Where answers are made bit by bit, it depends on the cuts which of them are made first.
    """
    random = Random(seed)  # noqa: S311 - repeatable luck is the point
    bodies = [body_of(each, 176) for each in live_requests() if not isinstance(each, BIT_BY_BIT)]
    frames = (damaged(random, random.choice(bodies), bodies, in_step=True) for _ in range(count))
    return HELLO + b"".join(frames)


@pytest.mark.parametrize("seed", range(5))
async def test_however_a_stream_is_cut_the_answers_are_the_same(seed: int) -> None:
    stream, cuts = a_stream(seed), Random(seed)  # noqa: S311 - repeatable luck is the point
    async with a_gateway() as gateway:
        whole = await heard(gateway, stream, None)
        await until_left(gateway, 0)
        assert await heard(gateway, stream, cuts) == whole
        await until_left(gateway, 0)
        cut_short = await heard(gateway, stream[: len(stream) * 2 // 3], cuts)
        assert whole.startswith(cut_short)
        assert len(whole) > len(cut_short) > 1000


async def test_nothing_is_kept_of_streams_that_are_over() -> None:
    async with a_gateway() as gateway:
        streams = [a_stream(seed, 80) for seed in range(5)]

        async def blocks_after_all() -> int:
            for stream in streams:
                await heard(gateway, stream, None)
                await until_left(gateway, 0)
            gc.collect()
            return sys.getallocatedblocks()

        await blocks_after_all()  # fills caches
        before = await blocks_after_all()
        for _ in range(2):
            await blocks_after_all()
        # a block for each of the 1,200 frames since would be three times as much
        assert await blocks_after_all() - before < 400
        assert gateway.counts() == GatewayCounts(0, HubCounts(0, 0, 0))
