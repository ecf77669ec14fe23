from __future__ import annotations

from datetime import timedelta

from apps.domain.errors import BrokerError
from apps.domain.instruments import Instrument
from apps.engine.prices.hours_keeper import HoursKeeper
from apps.engine.prices.market_clock import MarketClock
from tests.engine.fakes import AAPL, MSFT, FakeClock, FakeMarket


class Asked(FakeMarket):
    """Keeps what was qualified, and fails as often as it is told to."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.asked: list[str] = []
        self.fails = 0

    async def qualify(self, symbol: str) -> Instrument:
        self.asked.append(symbol.partition("@")[0])
        if self.fails:
            self.fails -= 1
            raise BrokerError("Not connected", code=504)
        return await super().qualify(symbol)


def a_keeper() -> tuple[HoursKeeper, Asked, list[Instrument]]:
    clock, in_use = FakeClock(), [AAPL]
    market = Asked(clock)
    return HoursKeeper(market, clock, MarketClock(market, clock), lambda: in_use), market, in_use


async def test_each_instrument_is_asked_for_once_a_day_from_the_next_day_on() -> None:
    keeper, market, in_use = a_keeper()
    await keeper.look()
    in_use.append(MSFT)
    await keeper.look()
    assert market.asked == []
    market.at += timedelta(days=1)
    for _ in range(3):
        await keeper.look()
    assert sorted(market.asked) == ["AAPL", "MSFT"]
    market.at += timedelta(days=1)
    await keeper.look()
    assert sorted(market.asked) == ["AAPL", "AAPL", "MSFT", "MSFT"]


async def test_what_failed_is_asked_for_again_and_the_others_are_not_kept_from_theirs() -> None:
    keeper, market, in_use = a_keeper()
    in_use.append(MSFT)
    await keeper.look()
    market.at, market.fails = market.at + timedelta(days=1), 1
    await keeper.look()
    await keeper.look()
    assert market.asked == ["AAPL", "MSFT", "AAPL"]


async def test_what_is_not_in_use_any_more_is_not_asked_for() -> None:
    keeper, market, in_use = a_keeper()
    await keeper.look()
    in_use.clear()
    market.at += timedelta(days=1)
    await keeper.look()
    assert market.asked == []
