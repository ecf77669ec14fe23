"""Feeds that fall silent, by the age of their bars: which are found, and which are no alarm."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from apps.domain.bars import Bar
from apps.domain.errors import BrokerError
from apps.domain.instruments import Instrument
from apps.domain.sessions import Span, TradingHours
from apps.engine.prices.bar_feed import BarFeed, Seat
from apps.engine.prices.heartbeat import Heartbeat
from apps.engine.prices.market_clock import MarketClock
from tests.engine.fakes import AAPL, CLOSE, OPEN, FakeClock, FakeMarket, a_bar, an_instrument


class Owner:
    """Takes what a feed tells, and hands the pace on."""

    def __init__(self) -> None:
        self.heartbeat: Heartbeat

    def on_bar(self, feed: BarFeed, bar: Bar, interval_s: float | None) -> None:
        if interval_s is not None:
            self.heartbeat.observe(interval_s)

    def on_gap(self, feed: BarFeed, gap: object) -> None:
        pass

    def on_behind(self, feed: BarFeed) -> None:
        pass

    def on_lost(self, feed: BarFeed, reason: str) -> None:
        pass

    def leave(self, feed: BarFeed, seat: Seat) -> None:
        pass


@dataclass
class Ward:
    """Feeds under watch, at a market of some speed. ``silent`` is what was found, in order."""

    clock: FakeClock
    market: FakeMarket
    heartbeat: Heartbeat
    feeds: dict[str, BarFeed]
    speed: float
    silent: list[tuple[str, ...]] = field(default_factory=list)
    made: int = 0

    async def bars(self, count: int, *, heard: Iterable[str] = ("A",), made: str = "") -> None:
        """Let bars pass; those not ``heard`` are lost, those neither heard nor ``made`` unmade."""
        for _ in range(count):
            await self.turn(5 / self.speed)
            for symbol, feed in self.feeds.items():
                bar = a_bar(self.made, 190.0, 190.1)
                if symbol in heard:
                    self.market.emit(feed.instrument, bar)
                elif symbol in made:
                    self.market.made.setdefault(feed.instrument.con_id, {})[bar.start] = bar
            self.made += 1

    async def turn(self, seconds: float) -> None:
        await self.clock.advance(seconds)
        await self.heartbeat.look()


async def a_ward(
    clock: FakeClock, *symbols: str, speed: float = 1.0, of: Instrument = AAPL
) -> Ward:
    market = FakeMarket(clock)
    market.speed = speed
    owner = Owner()
    feeds: dict[str, BarFeed] = {}
    ward: Ward

    def found(silent: Iterable[BarFeed]) -> None:
        ward.silent.append(tuple(feed.instrument.symbol for feed in silent))
        for feed in silent:
            feed.go_blind("silent")

    heartbeat = Heartbeat(market, clock, MarketClock(market, clock), feeds.values, found)
    owner.heartbeat = heartbeat
    for number, symbol in enumerate(symbols):
        instrument = of if not number else an_instrument(symbol, 1000 + number)
        feed = feeds[symbol] = BarFeed(instrument, owner, clock)
        receive, end = feed.next_generation()
        feed.opened(await market.subscribe_bars(instrument, receive, end))
    ward = Ward(clock, market, heartbeat, feeds, speed)
    return ward


@pytest.mark.parametrize("speed", [0.5, 1.0, 60.0, 1000.0])
async def test_dead_stream_is_found_within_six_bars_at_any_speed(
    clock: FakeClock, speed: float
) -> None:
    ward = await a_ward(clock, "A", speed=speed)
    await ward.bars(4)
    await ward.bars(3, heard=(), made="A")
    assert ward.silent == []
    await ward.bars(3, heard=(), made="A")
    assert ward.silent == [("AAPL",)]


async def test_symbol_without_trades_is_no_alarm_and_is_asked_about_ever_less(
    clock: FakeClock,
) -> None:
    ward = await a_ward(clock, "A", "B")
    await ward.bars(20, heard="AB")
    await ward.bars(360, heard="A")
    assert ward.silent == []
    assert ward.market.history_asks <= 8, "half an hour of silence"


async def test_market_that_stands_still_is_no_alarm_and_costs_no_history(clock: FakeClock) -> None:
    ward = await a_ward(clock, "A")
    await ward.bars(4)
    ward.market.speed, ward.market.at = 0.0, OPEN + timedelta(seconds=20)
    for _ in range(50):
        await ward.turn(5)
    assert (ward.silent, ward.market.history_asks) == ([], 0)


async def test_broker_clock_that_jumps_is_no_silence(clock: FakeClock) -> None:
    ward = await a_ward(clock, "A")
    await ward.bars(4)
    ward.market.at += timedelta(seconds=90)
    await ward.bars(4)
    assert (ward.silent, ward.market.history_asks) == ([], 0)


async def test_bars_stop_with_the_session_and_that_is_no_silence(clock: FakeClock) -> None:
    day = timedelta(days=1)
    sessions = (Span(OPEN, CLOSE), Span(OPEN + day, CLOSE + day))
    two_days = replace(AAPL, hours=TradingHours(sessions, sessions))
    ward = await a_ward(clock, "A", of=two_days)
    await ward.bars(4)
    ward.market.at = CLOSE
    for _ in range(50):
        await ward.turn(5)
    assert (ward.silent, ward.market.history_asks) == ([], 0)


async def test_silence_of_many_is_proved_with_few_questions(clock: FakeClock) -> None:
    symbols = tuple("ABCDEFGHIJ")
    ward = await a_ward(clock, *symbols)
    await ward.bars(4, heard=symbols)
    await ward.bars(6, heard=(), made="ABCDEFGHIJ")
    assert [len(each) for each in ward.silent] == [10]
    assert ward.market.history_asks == 3


async def test_where_history_cannot_be_asked_silence_counts(clock: FakeClock) -> None:
    ward = await a_ward(clock, "A")
    await ward.bars(4)
    ward.market.history_error = BrokerError("pacing violation", code=162)
    await ward.bars(6, heard=())
    assert ward.silent == [("AAPL",)]


async def test_stream_that_never_begins_is_found_though_no_pace_is_known(clock: FakeClock) -> None:
    ward = await a_ward(clock, "A")
    await ward.bars(8, heard=(), made="A")
    assert ward.silent == [("AAPL",)]


async def test_stream_that_stays_dead_is_subscribed_ever_more_rarely(clock: FakeClock) -> None:
    ward = await a_ward(clock, "A")
    await ward.bars(4)
    feed = ward.feeds["A"]
    for _ in range(240):  # twenty minutes
        await ward.bars(1, heard=(), made="A")
        if not feed.is_open:
            receive, end = feed.next_generation()
            feed.opened(await ward.market.subscribe_bars(AAPL, receive, end))
    assert 3 <= len(ward.silent) <= 8


async def test_what_was_missed_before_it_was_subscribed_anew_is_no_proof_against_a_stream(
    clock: FakeClock,
) -> None:
    ward = await a_ward(clock, "A")
    await ward.bars(4)
    await ward.bars(6, heard=(), made="A")
    assert len(ward.silent) == 1
    receive, end = ward.feeds["A"].next_generation()
    ward.feeds["A"].opened(await ward.market.subscribe_bars(AAPL, receive, end))
    await ward.bars(60, heard=())  # and from here on nothing is traded
    assert len(ward.silent) == 1
