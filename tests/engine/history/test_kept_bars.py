from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from math import inf
from pathlib import Path

import pytest

from apps.domain.bars import Bar
from apps.domain.calm import Calm
from apps.domain.errors import HistoryLost, HistoryRefused
from apps.domain.gaps import Gap, Replay
from apps.domain.history.series import Series
from apps.domain.sessions import Span
from apps.engine.alerts import Alert
from apps.engine.history.kept_bars import KeptBars
from apps.engine.ports import Link, LinkState
from apps.engine.prices.feeds import BarFeeds
from apps.engine.prices.market_clock import MarketClock
from apps.engine.supervisor import Supervisor
from apps.store.history.store import HistoryStore
from tests.engine.fakes import AAPL, CLOSE, OPEN, FakeClock, FakeMarket, a_bar

SERIES = Series.of(AAPL, 5)


@dataclass
class Ear:
    replays: list[Replay] = field(default_factory=list)
    heard: list[Bar] = field(default_factory=list)

    def on_bar(self, bar: Bar, *, after_gap: bool) -> None:
        self.heard.append(bar)

    def on_replay(self, replay: Replay) -> None:
        self.replays.append(replay)
        self.heard += replay.bars

    def on_blind(self, reason: str) -> None:
        pass

    def on_sight(self) -> None:
        pass

    def on_failure(self, error: Exception) -> None:
        raise error

    def calm(self) -> Calm | None:
        return None

    def urgency(self) -> float:
        return inf


class Keeping:
    def __init__(self, store: HistoryStore) -> None:
        self.store = store
        self.clock = FakeClock()
        self.market = FakeMarket(self.clock)
        self.told: list[Alert] = []
        self.supervisor = Supervisor(self.clock)
        market_clock = MarketClock(self.market, self.clock)
        self.kept = KeptBars(store, self.supervisor, market_clock, self.told.append)
        self.feeds = BarFeeds(
            self.market,
            self.clock,
            market_clock,
            self.supervisor,
            self.told.append,
            lambda _instrument, _bar: None,
            self.kept,
        )
        self.feeds.on_link(Link(LinkState.READY, 0))

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not holds():  # noqa: ASYNC110 - the store's thread tells nobody
                await asyncio.sleep(0.001)

    def bars(self) -> list[Bar]:
        return list(self.store.bars(SERIES, OPEN, CLOSE))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[HistoryStore]:
    with HistoryStore.open(tmp_path / "history") as opened:
        yield opened


@pytest.fixture
async def desk(store: HistoryStore) -> AsyncIterator[Keeping]:
    desk = Keeping(store)
    yield desk
    desk.feeds.close()
    assert await desk.supervisor.aclose(1.0) == ()


def bars(first: int, last: int) -> list[Bar]:
    return [a_bar(index, 190.0, 190.1) for index in range(first, last)]


def span(first: int, last: int) -> Span:
    return Span(a_bar(first, 1, 1).start, a_bar(last, 1, 1).start)


async def test_a_gap_that_is_in_the_store_is_not_asked_for(desk: Keeping) -> None:
    ear = Ear()
    await desk.feeds.join(AAPL, ear)
    desk.market.emit(AAPL, a_bar(0, 190.0, 190.1))
    desk.store.add(SERIES, span(1, 30), bars(1, 30))
    desk.market.emit(AAPL, a_bar(30, 190.0, 190.1))
    await desk.until(lambda: bool(ear.replays))
    assert desk.market.history_asks == 0
    assert [bar.start for bar in ear.heard] == [bar.start for bar in bars(0, 31)]
    assert ear.replays[0].torn is None


async def test_a_gap_of_which_a_part_is_missing_is_asked_for_as_without_a_store(
    desk: Keeping,
) -> None:
    ear = Ear()
    await desk.feeds.join(AAPL, ear)
    desk.market.emit(AAPL, a_bar(0, 190.0, 190.1))
    desk.store.add(SERIES, span(1, 29), bars(1, 29))
    desk.market.past[AAPL.con_id] = tuple(bars(0, 31))
    desk.market.emit(AAPL, a_bar(30, 190.0, 190.1))
    await desk.until(lambda: bool(ear.replays))
    assert desk.market.history_asks == 1
    assert [bar.start for bar in ear.heard] == [bar.start for bar in bars(0, 31)]


async def test_what_was_fetched_for_a_gap_is_kept_but_for_the_bar_that_may_run(
    desk: Keeping,
) -> None:
    ear = Ear()
    await desk.feeds.join(AAPL, ear)
    desk.market.emit(AAPL, a_bar(0, 190.0, 190.1))
    desk.market.past[AAPL.con_id] = tuple(bars(0, 31))
    desk.market.emit(AAPL, a_bar(30, 190.0, 190.1))
    await desk.until(lambda: len(desk.bars()) == 30)
    assert desk.bars() == bars(0, 30)
    assert desk.store.covered(SERIES) == (span(0, 30),)


async def test_where_history_is_silent_nothing_counts_as_kept(desk: Keeping) -> None:
    desk.kept.keep(AAPL, [*bars(0, 10), *bars(40, 51)])
    await desk.until(lambda: len(desk.bars()) == 20)
    assert desk.store.covered(SERIES) == (span(0, 10), span(40, 50))


async def test_a_store_that_is_held_up_is_not_waited_for(
    desk: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()
    desk.store.add(SERIES, span(0, 30), bars(0, 30))

    def held_up(series: Series) -> tuple[Span, ...]:
        released.wait(5)
        return ()

    monkeypatch.setattr(desk.store, "covered", held_up)
    gap = Gap(a_bar(1, 1, 1).start, a_bar(9, 1, 1).start)
    assert await desk.kept.of(AAPL, gap) is None
    released.set()


async def test_a_store_that_cannot_be_read_is_as_none(
    desk: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(series: Series) -> tuple[Span, ...]:
        raise HistoryRefused("damaged")

    monkeypatch.setattr(desk.store, "covered", damaged)
    assert await desk.kept.of(AAPL, Gap(OPEN, OPEN + timedelta(minutes=1))) is None


async def test_a_full_disk_is_told_once_and_the_feeds_go_on(
    desk: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise HistoryLost("no space left")

    monkeypatch.setattr(desk.store, "add_all", full)
    for _ in range(3):
        desk.kept.keep(AAPL, bars(0, 10))
    await desk.until(lambda: bool(desk.told))
    await desk.supervisor.aclose(1.0)
    assert [each.text for each in desk.told] == [
        "the bars that fill gaps are not kept: no space left"
    ]
