from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from apps.domain.bars import Bar
from apps.domain.calm import Calm
from apps.domain.errors import BrokerError
from apps.engine.alerts import Alert, AlertKind
from apps.engine.feeds import BarFeeds
from apps.engine.market_clock import MarketClock
from apps.engine.ports import Link, LinkState
from apps.engine.supervisor import Supervisor
from tests.engine.fakes import AAPL, MSFT, FakeClock, FakeMarket, a_bar, an_instrument, settle

READY = Link(LinkState.READY, 0)


class Ear:
    """A listener that keeps what it hears."""

    def __init__(self, fails_with: Exception | None = None) -> None:
        self.bars: list[Bar] = []
        self.after_gap: list[bool] = []
        self.sight: list[str] = []
        self.failures: list[Exception] = []
        self.calm_bars: Calm | None = None
        self._fails_with = fails_with

    def on_bar(self, bar: Bar, *, after_gap: bool) -> None:
        if self._fails_with is not None:
            raise self._fails_with
        self.bars.append(bar)
        self.after_gap.append(after_gap)

    def on_blind(self, reason: str) -> None:
        self.sight.append(f"blind: {reason}")

    def on_sight(self) -> None:
        self.sight.append("sight")

    def on_failure(self, error: Exception) -> None:
        self.failures.append(error)

    def calm(self) -> Calm | None:
        return self.calm_bars


@pytest.fixture
def market_clock(market: FakeMarket, clock: FakeClock) -> MarketClock:
    return MarketClock(market, clock)


@pytest.fixture
async def feeds(
    market: FakeMarket, clock: FakeClock, market_clock: MarketClock, told: list[Alert]
) -> AsyncIterator[BarFeeds]:
    supervisor = Supervisor(clock)
    feeds = BarFeeds(market, clock, market_clock, supervisor, told.append, lambda _i, _b: None)
    feeds.on_link(READY)
    yield feeds
    feeds.close()
    assert await supervisor.aclose(1.0) == ()


async def test_listeners_of_one_contract_share_a_subscription(
    feeds: BarFeeds, market: FakeMarket
) -> None:
    first, second, other = Ear(), Ear(), Ear()
    for instrument, ear in ((AAPL, first), (AAPL, second), (MSFT, other)):
        await feeds.join(instrument, ear)
    market.emit(AAPL, a_bar(0, 190.0, 190.1))
    assert market.subscriptions == [AAPL.con_id, MSFT.con_id]
    assert (len(first.bars), len(second.bars), len(other.bars)) == (1, 1, 0)


async def test_last_listener_to_leave_closes_the_subscription(
    feeds: BarFeeds, market: FakeMarket
) -> None:
    seats = [await feeds.join(AAPL, Ear()) for _ in range(2)]
    seats[0].close()
    seats[0].close()
    assert len(market.bar_listeners[AAPL.con_id]) == 1
    seats[1].close()
    assert market.bar_listeners[AAPL.con_id] == []
    assert len(feeds) == 0


async def test_failing_listener_is_told_and_the_others_get_the_bar(
    feeds: BarFeeds, market: FakeMarket
) -> None:
    failing, healthy = Ear(ValueError("broken rule")), Ear()
    await feeds.join(AAPL, failing)
    await feeds.join(AAPL, healthy)
    market.emit(AAPL, a_bar(0, 190.0, 190.1))
    assert [str(error) for error in failing.failures] == ["broken rule"]
    assert len(healthy.bars) == 1


async def test_repeated_and_late_bars_are_dropped(feeds: BarFeeds, market: FakeMarket) -> None:
    ear = Ear()
    await feeds.join(AAPL, ear)
    for index in (3, 3, 2, 4):
        market.emit(AAPL, a_bar(index, 190.0, 190.1))
    assert [bar.start for bar in ear.bars] == [a_bar(3, 0, 0).start, a_bar(4, 0, 0).start]


async def test_loss_blinds_at_once_and_the_first_bar_after_it_is_marked(
    feeds: BarFeeds, market: FakeMarket
) -> None:
    ear = Ear()
    await feeds.join(AAPL, ear)
    market.emit(AAPL, a_bar(0, 190.0, 190.1))
    feeds.on_link(Link(LinkState.DISCONNECTED, 1, "the socket closed"))
    assert ear.sight == ["sight", "blind: the socket closed"]
    feeds.on_link(Link(LinkState.READY, 1))
    await settle()
    assert ear.sight[-1] == "sight"
    market.emit(AAPL, a_bar(5, 190.2, 190.3))
    market.emit(AAPL, a_bar(6, 190.3, 190.4))
    assert ear.after_gap == [False, True, False]
    assert market.subscriptions == [AAPL.con_id] * 2


async def test_loss_that_healed_before_it_was_seen_still_resubscribes(
    feeds: BarFeeds, market: FakeMarket
) -> None:
    ear = Ear()
    await feeds.join(AAPL, ear)
    stale = market.bar_listeners[AAPL.con_id][0]
    feeds.on_link(Link(LinkState.READY, 1))
    assert ear.sight[-1].startswith("blind")
    stale(a_bar(0, 190.0, 190.1))
    assert ear.bars == []
    await settle()
    market.emit(AAPL, a_bar(1, 190.0, 190.1))
    assert ear.after_gap == [True]


async def test_join_while_the_link_is_down_is_blind_until_it_is_back(
    feeds: BarFeeds, market: FakeMarket
) -> None:
    feeds.on_link(Link(LinkState.DISCONNECTED, 1, "gone"))
    market.link_is_up = False
    ear = Ear()
    await feeds.join(AAPL, ear)
    assert ear.sight[0].startswith("blind")
    market.link_is_up = True
    feeds.on_link(Link(LinkState.READY, 1))
    await settle()
    market.emit(AAPL, a_bar(0, 190.0, 190.1))
    assert len(ear.bars) == 1


async def test_refused_subscription_is_raised_and_leaves_no_feed(
    feeds: BarFeeds, market: FakeMarket
) -> None:
    market.subscribe_error = BrokerError("no market data permission", code=354)
    with pytest.raises(BrokerError, match="permission"):
        await feeds.join(AAPL, Ear())
    assert len(feeds) == 0


async def test_resubscription_that_fails_is_told_and_tried_again(
    feeds: BarFeeds, market: FakeMarket, clock: FakeClock, told: list[Alert]
) -> None:
    ear = Ear()
    await feeds.join(AAPL, ear)
    market.subscribe_error = BrokerError("pacing violation", code=420)
    feeds.on_link(Link(LinkState.READY, 1))
    await settle()
    assert [alert.kind for alert in told] == [AlertKind.WARNING]
    assert "pacing violation" in told[0].text
    market.subscribe_error = None
    await clock.advance(1.0)
    assert ear.sight[-1] == "sight"


async def test_link_lost_again_while_retrying_starts_anew_when_it_is_back(
    feeds: BarFeeds, market: FakeMarket, clock: FakeClock
) -> None:
    ear = Ear()
    await feeds.join(AAPL, ear)
    market.link_is_up = False
    feeds.on_link(Link(LinkState.READY, 1))
    await settle()
    feeds.on_link(Link(LinkState.DISCONNECTED, 2, "again"))
    await clock.advance(5.0)
    market.link_is_up = True
    feeds.on_link(Link(LinkState.READY, 2))
    await clock.advance(5.0)
    assert ear.sight[-1] == "sight"


async def test_five_hundred_listeners_on_sixty_feeds_get_all_their_bars(
    feeds: BarFeeds, market: FakeMarket, market_clock: MarketClock
) -> None:
    instruments = [an_instrument(f"S{n}", 1000 + n) for n in range(60)]
    ears = [Ear() for _ in range(500)]
    for number, ear in enumerate(ears):
        await feeds.join(instruments[number % 60], ear)
    assert len(market.subscriptions) == 60
    for index in range(20):
        for instrument in instruments:
            market.emit(instrument, a_bar(index, 190.0, 190.1))
    assert {len(ear.bars) for ear in ears} == {20}
    assert market_clock.now == a_bar(19, 0, 0).start + timedelta(seconds=5)


async def test_a_calm_bar_is_told_only_to_those_to_whom_it_matters(
    feeds: BarFeeds, market: FakeMarket
) -> None:
    ears = Ear(), Ear()
    for ear, high in zip(ears, (191.0, 190.5), strict=True):
        ear.calm_bars = Calm(high=high)
        await feeds.join(AAPL, ear)
    for index, close in enumerate((190.1, 190.2, 190.6, 190.3)):
        market.emit(AAPL, a_bar(index, 190.0, close))
    # the first shows what is calm to whom
    assert [[bar.close for bar in ear.bars] for ear in ears] == [[190.1], [190.1, 190.6]]
    newest = feeds.newest_bar(AAPL)
    assert newest is not None
    assert newest.close == 190.3


async def test_a_calm_bar_is_told_after_a_gap_and_to_whoever_has_just_come(
    feeds: BarFeeds, market: FakeMarket
) -> None:
    first, second = Ear(), Ear()
    first.calm_bars = second.calm_bars = Calm()
    await feeds.join(AAPL, first)
    market.emit(AAPL, a_bar(0, 190.0, 190.1))
    await feeds.join(AAPL, second)
    market.emit(AAPL, a_bar(1, 190.0, 190.1))
    assert (len(first.bars), len(second.bars)) == (1, 1)
    feeds.on_link(Link(LinkState.DISCONNECTED, 1, "the socket closed"))
    feeds.on_link(Link(LinkState.READY, 1))
    await settle()
    market.emit(AAPL, a_bar(5, 190.0, 190.1))
    market.emit(AAPL, a_bar(6, 190.0, 190.1))
    assert second.after_gap == [False, True]


async def test_nothing_is_calm_to_one_who_builds_larger_bars(
    feeds: BarFeeds, market: FakeMarket
) -> None:
    calm, builder = Ear(), Ear()
    calm.calm_bars = Calm()
    await feeds.join(AAPL, calm)
    await feeds.join(AAPL, builder)
    for index in range(3):
        market.emit(AAPL, a_bar(index, 190.0, 190.1))
    assert len(builder.bars) == 3
