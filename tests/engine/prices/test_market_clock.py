from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from apps.domain.errors import DeadlineExceeded
from apps.engine.prices.market_clock import STANDSTILL_S, MarketClock
from tests.engine.fakes import OPEN, FakeClock, FakeMarket


@pytest.mark.parametrize("speed", [1.0, 120.0])
async def test_waiting_follows_the_markets_clock_at_any_speed(
    clock: FakeClock, market: FakeMarket, speed: float
) -> None:
    market.speed = speed
    waiting = asyncio.create_task(MarketClock(market, clock).wait(300))
    began_s = clock.now_s
    while not waiting.done():
        await clock.advance(0.25)
    assert await waiting >= OPEN + timedelta(minutes=5)
    assert 300 / speed <= clock.now_s - began_s <= 300 / speed + 2


async def test_market_clock_that_stands_still_ends_the_wait(
    clock: FakeClock, market: FakeMarket
) -> None:
    market.speed = 0.0
    waiting = asyncio.create_task(MarketClock(market, clock).wait(60))
    await clock.advance(STANDSTILL_S + 2)
    with pytest.raises(DeadlineExceeded, match="stood"):
        await waiting


async def test_market_time_never_goes_back(clock: FakeClock, market: FakeMarket) -> None:
    market_clock = MarketClock(market, clock)
    assert market_clock.now is None
    market_clock.observe(OPEN + timedelta(seconds=9))
    market_clock.observe(OPEN)
    assert market_clock.now == OPEN + timedelta(seconds=9)
    assert await market_clock.ask() == OPEN + timedelta(seconds=9)
