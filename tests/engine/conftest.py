"""Fixtures of the engine's tests: fakes of the ports, and a list of what was told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from apps.domain.instruments import Instrument
from apps.domain.risk import RiskLimits, TradingMode
from apps.engine.alerts import Alert, AlertKind
from apps.engine.breakout_watcher import WatcherView
from apps.engine.desk import Desk, ShutdownReport
from apps.engine.parts import Parts
from apps.engine.previews import OrderDefaults
from apps.engine.requests import BreakoutRequest
from tests.engine.fakes import (
    AAPL,
    MSFT,
    FakeBroker,
    FakeClock,
    FakeJournal,
    FakeMarket,
    a_bar,
    settle,
)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def market(clock: FakeClock) -> FakeMarket:
    return FakeMarket(clock)


@pytest.fixture
def broker() -> FakeBroker:
    return FakeBroker()


@pytest.fixture
def told() -> list[Alert]:
    return []


@dataclass
class Stage:
    """A desk on fakes, and short ways to move the story on."""

    desk: Desk
    broker: FakeBroker
    market: FakeMarket
    clock: FakeClock
    told: list[Alert]
    journal: FakeJournal

    async def arm(self, symbol: str = "AAPL", level: str = "190.50", **more: Any) -> WatcherView:
        request = BreakoutRequest(symbol, level, **{"quantity": "10", **more})
        watcher = await self.desk.arm(await self.desk.preview_breakout(request))
        await settle()
        return watcher

    def bars(self, *closes: float, start: int = 0, instrument: Instrument = AAPL) -> None:
        """Emit bars that open where the one before closed."""
        opens = (closes[0], *closes[:-1])
        for index, (open_, close) in enumerate(zip(opens, closes, strict=True), start):
            self.market.emit(instrument, a_bar(index, open_, close))

    async def enter(self) -> tuple[int, int, int]:
        """Arm, trigger and confirm; give the order ids of the bracket."""
        await self.arm()
        self.bars(190.40, 190.55, 190.60)
        await settle()
        entry = max(self.broker.orders) - 2
        return entry, entry + 1, entry + 2

    async def enter_and_fill(self) -> tuple[int, int, int]:
        """Enter, and have the entry filled in full and protected."""
        entry, target, stop = await self.enter()
        self.broker.accept(entry, target, stop)
        self.broker.fill(entry, "10", "190.62")
        await settle()
        return entry, target, stop

    def texts(self, kind: AlertKind) -> list[str]:
        return [alert.text for alert in self.told if alert.kind is kind]


Staging = Callable[..., Stage]


@pytest.fixture
def make_stage(
    broker: FakeBroker, market: FakeMarket, clock: FakeClock, told: list[Alert]
) -> Staging:
    def make(limits: RiskLimits | None = None, mode: TradingMode = TradingMode.PAPER) -> Stage:
        market.set_quote(AAPL, "190.39", "190.41", "190.40")
        market.set_quote(MSFT, "410.00", "410.02", "410.01")
        numbers = count(1)
        journal = FakeJournal()
        desk = Desk(
            Parts(
                broker=broker,
                market=market,
                clock=clock,
                limits=limits or RiskLimits(),
                trading_mode=mode,
                defaults=OrderDefaults(),
                alerts=told.append,
                journal=journal,
                ref_suffix=lambda: f"{next(numbers):06d}",
            )
        )
        return Stage(desk, broker, market, clock, told, journal)

    return make


@pytest.fixture
async def stage(make_stage: Staging, clock: FakeClock) -> AsyncIterator[Stage]:
    """An open desk; it is shut down at the end, and nothing may be left running."""
    made = make_stage()
    await made.desk.__aenter__()
    yield made
    report = await shut_down(made.desk, clock)
    assert not [each for each in report.problems if "did not end in time" in each]


async def shut_down(desk: Desk, clock: FakeClock) -> ShutdownReport:
    """Shut a desk down while its clock runs on, so that no deadline is waited for in vain."""
    ending = asyncio.create_task(desk.shutdown())
    while not ending.done():
        await clock.advance(0.1)
    return await ending
