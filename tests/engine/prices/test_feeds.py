from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import timedelta
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.domain.bars import Bar
from apps.domain.calm import Calm
from apps.domain.errors import BrokerError
from apps.domain.gaps import Gap, Replay
from apps.domain.link import Farm, FarmKind, Loss, LossCause, Lost
from apps.engine.alerts import Alert, AlertKind
from apps.engine.ports import Link, LinkState
from apps.engine.prices.bar_feed import MOST_HELD
from apps.engine.prices.feeds import BarFeeds
from apps.engine.prices.market_clock import MarketClock
from apps.engine.supervisor import Supervisor
from tests.engine.fakes import AAPL, MSFT, OPEN, FakeClock, FakeMarket, a_bar, an_instrument, settle

READY = Link(LinkState.READY, 0)


class Ear:
    """A listener that keeps what it hears."""

    def __init__(self, fails_with: Exception | None = None) -> None:
        self.bars: list[Bar] = []
        self.after_gap: list[bool] = []
        self.replays: list[Replay] = []
        self.heard: list[Bar] = []
        self.nearness = inf
        self.sight: list[str] = []
        self.failures: list[Exception] = []
        self.calm_bars: Calm | None = None
        self._fails_with = fails_with

    def on_bar(self, bar: Bar, *, after_gap: bool) -> None:
        if self._fails_with is not None:
            raise self._fails_with
        self.bars.append(bar)
        self.heard.append(bar)
        self.after_gap.append(after_gap)

    def on_replay(self, replay: Replay) -> None:
        self.replays.append(replay)
        self.heard += replay.bars

    def urgency(self) -> float:
        return self.nearness

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
    await settle()
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
    await settle()
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


async def lost_and_back(feeds: BarFeeds, market: FakeMarket, missed: int = 3) -> None:
    """Lose the link after bar 0; ``missed`` bars are made before it is back."""
    feeds.on_link(Link(LinkState.DISCONNECTED, 1, "the socket closed"))
    for index in range(1, missed + 1):
        market.emit(AAPL, a_bar(index, 190.0, 190.1))
    feeds.on_link(Link(LinkState.READY, 1))
    await settle()


def numbers(bars: Iterable[Bar]) -> list[int]:
    return [int((bar.start - OPEN).total_seconds()) // 5 for bar in bars]


async def test_missed_bars_are_replayed_before_the_first_new_one(
    feeds: BarFeeds, market: FakeMarket, told: list[Alert]
) -> None:
    ear = Ear()
    await feeds.join(AAPL, ear)
    market.emit(AAPL, a_bar(0, 190.0, 190.1))
    await lost_and_back(feeds, market)
    market.emit(AAPL, a_bar(4, 190.0, 190.1))
    assert ear.sight[-1].startswith("blind: the bars of 14:30:05–14:30:20 UTC are fetched")
    await settle()
    market.emit(AAPL, a_bar(5, 190.0, 190.1))
    assert numbers(ear.heard) == [0, 1, 2, 3, 4, 5]
    assert numbers(ear.replays[0].bars) == [1, 2, 3]
    assert (ear.after_gap, ear.sight[-1], told) == ([False, True, False], "sight", [])


async def test_bars_that_came_while_the_gap_was_fetched_are_replayed_too(
    feeds: BarFeeds, market: FakeMarket, clock: FakeClock
) -> None:
    ear = Ear()
    await feeds.join(AAPL, ear)
    market.emit(AAPL, a_bar(0, 190.0, 190.1))
    await lost_and_back(feeds, market)
    for index in (4, 5, 6):
        market.emit(AAPL, a_bar(index, 190.0, 190.1))
    await settle()
    assert numbers(ear.replays[0].bars) == [1, 2, 3, 4, 5]
    assert numbers(ear.bars) == [0, 6], "the newest has just come"
    await clock.advance(5)
    market.emit(AAPL, a_bar(7, 190.0, 190.1))
    assert numbers(ear.heard) == list(range(8))


async def test_bar_that_was_held_for_long_is_none_to_act_upon(
    feeds: BarFeeds, market: FakeMarket, clock: FakeClock
) -> None:
    ear = Ear()
    await feeds.join(AAPL, ear)
    market.emit(AAPL, a_bar(0, 190.0, 190.1))
    await lost_and_back(feeds, market)
    market.emit(AAPL, a_bar(4, 190.0, 190.1))
    clock.now_s += 1.5
    await settle()
    assert numbers(ear.replays[0].bars) == [1, 2, 3, 4]
    market.emit(AAPL, a_bar(5, 190.0, 190.1))
    assert (numbers(ear.bars), ear.after_gap) == ([0, 5], [False, True])


async def test_gap_that_history_refuses_is_told_and_the_feed_goes_on(
    feeds: BarFeeds, market: FakeMarket, told: list[Alert]
) -> None:
    ear = Ear()
    await feeds.join(AAPL, ear)
    market.emit(AAPL, a_bar(0, 190.0, 190.1))
    await lost_and_back(feeds, market)
    market.history_error = BrokerError("pacing violation", code=162)
    market.emit(AAPL, a_bar(4, 190.0, 190.1))
    await settle()
    assert "14:30:05–14:30:20 UTC are missing: pacing violation" in told[-1].text
    assert ear.replays == [
        Replay((), Gap(a_bar(1, 0, 0).start, a_bar(4, 0, 0).start), "pacing violation")
    ]
    assert numbers(ear.heard) == [0, 4]


async def test_history_is_not_waited_for_while_its_farm_is_down(
    feeds: BarFeeds, market: FakeMarket, told: list[Alert]
) -> None:
    ear = Ear()
    await feeds.join(AAPL, ear)
    market.emit(AAPL, a_bar(0, 190.0, 190.1))
    await lost_and_back(feeds, market)
    farm = Farm(FarmKind.HISTORY, "ushmds")
    loss = Loss(LossCause.HISTORY_FARM, frozenset({Lost.HISTORY}), "ushmds")
    feeds.on_link(Link(LinkState.FARM_DOWN, 2, "2105", loss, (farm,)))
    market.emit(AAPL, a_bar(4, 190.0, 190.1))
    await settle()
    assert "are missing: history farm ushmds is down" in told[-1].text
    assert (numbers(ear.heard), market.history_asks) == ([0, 4], 0)


async def test_gap_whose_filling_fails_in_an_unforeseen_way_holds_nothing_back(
    feeds: BarFeeds, market: FakeMarket, told: list[Alert]
) -> None:
    ear = Ear()
    await feeds.join(AAPL, ear)
    market.emit(AAPL, a_bar(0, 190.0, 190.1))
    await lost_and_back(feeds, market)
    market.history_error = ValueError("a broken answer")
    market.emit(AAPL, a_bar(4, 190.0, 190.1))
    await settle()
    assert "are missing: a broken answer" in told[-1].text
    assert numbers(ear.heard) == [0, 4]


async def test_history_that_lags_is_asked_once_more_and_then_given_up(
    feeds: BarFeeds, market: FakeMarket, clock: FakeClock, told: list[Alert]
) -> None:
    ear = Ear()
    await feeds.join(AAPL, ear)
    market.emit(AAPL, a_bar(0, 190.0, 190.1))
    await lost_and_back(feeds, market)
    market.past[AAPL.con_id] = tuple(a_bar(n, 190.0, 190.1) for n in range(3))
    market.emit(AAPL, a_bar(4, 190.0, 190.1))
    await clock.advance(2)
    assert market.history_asks == 2
    assert "history does not have them yet" in told[-1].text
    assert numbers(ear.heard) == [0, 4]


async def test_link_lost_while_a_gap_is_filled_makes_one_larger_gap(
    feeds: BarFeeds, market: FakeMarket
) -> None:
    ear = Ear()
    await feeds.join(AAPL, ear)
    market.emit(AAPL, a_bar(0, 190.0, 190.1))
    await lost_and_back(feeds, market)
    market.emit(AAPL, a_bar(4, 190.0, 190.1))
    feeds.on_link(Link(LinkState.DISCONNECTED, 2, "again"))
    await settle()
    market.emit(AAPL, a_bar(5, 190.0, 190.1))
    feeds.on_link(Link(LinkState.READY, 2))
    await settle()
    market.emit(AAPL, a_bar(6, 190.0, 190.1))
    await settle()
    assert numbers(ear.heard) == list(range(7))


async def test_hole_in_a_steady_stream_is_filled_and_one_of_an_untraded_symbol_is_not_asked_about(
    feeds: BarFeeds, market: FakeMarket
) -> None:
    ear = Ear()
    await feeds.join(AAPL, ear)
    for index in (*range(12), 14):
        if index == 14:  # made, but lost on the way
            for lost in (12, 13):
                market.made[AAPL.con_id][a_bar(lost, 0, 0).start] = a_bar(lost, 190.0, 190.1)
        market.emit(AAPL, a_bar(index, 190.0, 190.1))
    await settle()
    assert numbers(ear.heard) == list(range(15))
    assert ear.after_gap == [False] * 12 + [True]
    for index in (17, 18, 21):  # nothing was traded between
        market.emit(AAPL, a_bar(index, 190.0, 190.1))
        await settle()
    assert numbers(ear.bars)[-3:] == [17, 18, 21]
    assert market.history_asks == 2, "it is known by now that its bars may be missing"


async def test_subscription_that_the_broker_ends_is_made_anew(
    feeds: BarFeeds, market: FakeMarket
) -> None:
    ear = Ear()
    await feeds.join(AAPL, ear)
    end = market.on_ends[AAPL.con_id]
    assert end is not None
    end("IB 10225: bust")
    assert ear.sight[-1] == "blind: IB 10225: bust"
    await settle()
    assert ear.sight[-1] == "sight"
    assert market.subscriptions == [AAPL.con_id] * 2
    end("IB 10225: bust")  # of the old one
    assert ear.sight[-1] == "sight"


async def test_loss_that_took_no_bars_leaves_feeds_alone(
    feeds: BarFeeds, market: FakeMarket
) -> None:
    ear = Ear()
    await feeds.join(AAPL, ear)
    farm = Farm(FarmKind.HISTORY, "ushmds")
    loss = Loss(LossCause.HISTORY_FARM, frozenset({Lost.HISTORY}), "ushmds")
    feeds.on_link(Link(LinkState.FARM_DOWN, 1, "2105", loss, (farm,)))
    await settle()
    assert (ear.sight, market.subscriptions) == (["sight"], [AAPL.con_id])
    quotes = Farm(FarmKind.MARKET_DATA, "usfarm")
    taken = Loss(LossCause.MARKET_DATA_FARM, frozenset({Lost.BARS}), "usfarm")
    feeds.on_link(Link(LinkState.FARM_DOWN, 2, "2103", taken, (quotes,)))
    await settle()
    assert ear.sight[-1].startswith("blind")
    feeds.on_link(Link(LinkState.READY, 2, "", taken))
    await settle()
    assert ear.sight[-1] == "sight"


async def test_lost_feeds_are_subscribed_most_urgent_first_as_their_turns_come(
    feeds: BarFeeds, market: FakeMarket, clock: FakeClock
) -> None:
    instruments = [an_instrument(f"S{n}", 1000 + n) for n in range(4)]
    for instrument, nearness in zip(instruments, (0.3, 0.0, inf, 0.1), strict=True):
        ear = Ear()
        ear.nearness = nearness
        await feeds.join(instrument, ear)
    market.subscriptions.clear()
    began_s = clock.now_s

    def wait(nth: int) -> float:
        """One at once, and one every 10 s."""
        return max(0.0, 10.0 * (len(market.subscriptions) + nth - 1) - (clock.now_s - began_s))

    market.bars_wait = wait
    feeds.on_link(Link(LinkState.READY, 1))
    await settle()
    assert market.subscriptions == [1001]
    assert [feeds.turn_in_s(each) for each in instruments] == [20.0, None, 30.0, 10.0]
    await clock.advance(10)
    assert market.subscriptions == [1001, 1003]
    late = Ear()
    late.nearness = 0.2
    await feeds.join(AAPL, late)
    assert late.sight == ["blind: bars may be subscribed again in 30 s"]
    await clock.advance(40)
    assert market.subscriptions == [1001, 1003, AAPL.con_id, 1000, 1002]
    assert feeds.turn_in_s(AAPL) is None


async def test_where_all_may_be_subscribed_at_once_the_most_urgent_is_still_the_first(
    feeds: BarFeeds, market: FakeMarket
) -> None:
    for number, nearness in enumerate((0.3, 0.0, inf, 0.1)):
        ear = Ear()
        ear.nearness = nearness
        await feeds.join(an_instrument(f"S{number}", 1000 + number), ear)
    market.subscriptions.clear()
    feeds.on_link(Link(LinkState.READY, 1))
    await settle()
    assert market.subscriptions == [1001, 1003, 1000, 1002]


async def test_who_joins_while_a_gap_is_open_is_told_nothing_from_before(
    feeds: BarFeeds, market: FakeMarket, market_clock: MarketClock
) -> None:
    first, late = Ear(), Ear()
    await feeds.join(AAPL, first)
    market.emit(AAPL, a_bar(0, 190.0, 190.1))
    await lost_and_back(feeds, market)
    market_clock.observe(a_bar(3, 0, 0).start)
    await feeds.join(AAPL, late)
    market.emit(AAPL, a_bar(4, 190.0, 190.1))
    await settle()
    assert numbers(first.heard) == [0, 1, 2, 3, 4]
    assert numbers(late.heard) == [3, 4]


async def test_a_gap_that_is_never_answered_holds_back_no_more_than_an_hour(
    feeds: BarFeeds, market: FakeMarket
) -> None:
    ear = Ear()
    await feeds.join(AAPL, ear)
    market.emit(AAPL, a_bar(0, 190.0, 190.1))
    await lost_and_back(feeds, market)
    for index in range(4, 4 + MOST_HELD + 1):  # without letting the answer in
        market.emit(AAPL, a_bar(index, 190.0, 190.1))
    assert ear.replays[0].why == "history took too long"
    assert numbers(ear.heard) == [0, *range(4, 4 + MOST_HELD + 1)]
    await settle()
    assert len(ear.replays) == 1


async def test_nothing_is_left_behind_by_bars_gaps_and_losses(
    feeds: BarFeeds, market: FakeMarket, clock: FakeClock
) -> None:
    ear = Ear()
    await feeds.join(AAPL, ear)
    market.emit(AAPL, a_bar(0, 190.0, 190.1))
    await settle()
    tasks = len(asyncio.all_tasks())
    for number in range(1, 60):
        feeds.on_link(Link(LinkState.DISCONNECTED, number, "gone"))
        market.emit(AAPL, a_bar(20 * number, 190.0, 190.1))
        feeds.on_link(Link(LinkState.READY, number))
        await settle()
        for index in range(1, 10):
            market.emit(AAPL, a_bar(20 * number + index, 190.0, 190.1))
            await settle()
    (feed,) = feeds._feeds.values()
    assert (feed._held, feed.gap, feeds._waiting, feed.doubts) == ([], None, [], 0)
    assert len(asyncio.all_tasks()) == tasks
    assert len(market.bar_listeners[AAPL.con_id]) == 1
    assert numbers(ear.heard) == numbers(market.made[AAPL.con_id].values())


@settings(deadline=None, max_examples=60)
@given(
    story=st.lists(
        st.sampled_from(["bar", "bar", "bar", "lost", "late", "loss", "silent end", "wait"]),
        max_size=40,
    )
)
def test_every_bar_is_heard_once_and_in_order_or_said_to_be_missing(story: list[str]) -> None:
    asyncio.run(heard_once(story))


async def heard_once(story: list[str]) -> None:
    """Bars pass; some are lost on the way, come late, or fall into a loss of the link."""
    clock = FakeClock()
    market, told = FakeMarket(clock), list[Alert]()
    supervisor = Supervisor(clock)
    market_clock = MarketClock(market, clock)
    feeds = BarFeeds(market, clock, market_clock, supervisor, told.append, lambda _i, _b: None)
    feeds.on_link(READY)
    ear, epoch, made = Ear(), 0, 0
    await feeds.join(AAPL, ear)
    for each in ("bar", *story, "bar", "wait", "bar", "wait"):
        bar = a_bar(made, 190.0, 190.1)
        made += each in ("bar", "lost", "late")
        if each == "bar":
            market.emit(AAPL, bar)
        elif each == "lost":
            market.made[AAPL.con_id][bar.start] = bar
        elif each == "late":
            market.made[AAPL.con_id][bar.start] = bar
            market.emit(AAPL, a_bar(made, 190.0, 190.1))
            market.emit(AAPL, bar)
            made += 1
        elif each == "loss":
            epoch += 1
            feeds.on_link(Link(LinkState.READY, epoch))
        elif each == "silent end":
            end = market.on_ends[AAPL.con_id]
            assert end is not None
            end("IB 10225: bust")
        else:
            await clock.advance(1)
    heard = numbers(ear.heard)
    assert heard == sorted(set(heard))
    torn = [replay.torn for replay in ear.replays if replay.torn is not None]
    for number in set(range(made)) - set(heard):
        assert any(gap.start <= a_bar(number, 0, 0).start < gap.end for gap in torn), number
    feeds.close()
    assert await supervisor.aclose(1.0) == ()
