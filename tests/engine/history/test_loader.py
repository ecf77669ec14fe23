from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from apps.domain.errors import (
    AskedTooOften,
    BrokerError,
    DeadlineExceeded,
    HistoryLost,
    InvalidInput,
    NotConnected,
)
from apps.domain.history.plan import BarRequest
from apps.domain.history.series import Series
from apps.domain.instruments import Instrument
from apps.domain.link import Farm, FarmKind, Link
from apps.domain.sessions import Span
from apps.engine.history.loader import HistoryLoader
from apps.engine.history.loading import LoadReport, Progress, Wanted
from apps.engine.ports import LinkState
from apps.engine.prices.market_clock import MarketClock
from apps.store.history.store import HistoryStore
from tests.engine.fakes import AAPL, MSFT, FakeBroker, FakeClock, FakeMarket
from tests.engine.history.past import FakePast, bars_of, session_of

DAYS = 15
LATER = session_of(DAYS - 1).end + timedelta(hours=8)
SESSIONS = [session_of(day) for day in range(DAYS)]
FEW = Span(SESSIONS[0].start, SESSIONS[6].end)
ALL = Span(SESSIONS[0].start - timedelta(hours=4), SESSIONS[-1].end + timedelta(hours=1))


class Loading:
    """A loader on a fake broker and a store on disk."""

    def __init__(self, store: HistoryStore, now: datetime = LATER) -> None:
        self.clock = FakeClock()
        self.broker = FakeBroker()
        self.store = store
        self.past = FakePast(list(SESSIONS), now)
        market = FakeMarket(self.clock)
        market.at = now
        market.speed = 0.0
        self.loader = HistoryLoader(
            store,
            self.past,
            broker=self.broker,
            clock=self.clock,
            market_clock=MarketClock(market, self.clock),
        )
        self.progress: list[Progress] = []

    async def load(
        self,
        seconds: int = 60,
        span: Span = ALL,
        instruments: tuple[Instrument, ...] = (AAPL,),
        *,
        newest_first: bool = False,
        deadline_s: float | None = None,
    ) -> LoadReport:
        wanted = [Wanted(each, seconds, span) for each in instruments]
        return await self.loader.load(
            wanted, self.progress.append, newest_first=newest_first, deadline_s=deadline_s
        )

    async def turned(self, work: asyncio.Task[LoadReport], step_s: float = 1.0) -> LoadReport:
        """Give what ``work`` comes to, while the clock is turned."""
        async with asyncio.timeout(20):
            while not work.done():
                await self.clock.advance(step_s)
                await asyncio.sleep(0.001)  # its calls of the store are in a thread
        return await work

    def kept(
        self, seconds: int = 60, instrument: Instrument = AAPL, span: Span = ALL
    ) -> list[object]:
        return list(self.store.bars(Series.of(instrument, seconds), span.start, span.end))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[HistoryStore]:
    with HistoryStore.open(tmp_path / "history") as opened:
        yield opened


@pytest.fixture
def desk(store: HistoryStore) -> Loading:
    return Loading(store)


def every(seconds: int = 60, sessions: list[Span] = SESSIONS) -> list[object]:
    return [bar for session in sessions for bar in bars_of(session, seconds)]


async def test_a_load_keeps_every_bar_and_the_next_asks_for_nothing(desk: Loading) -> None:
    report = await desk.load()
    assert report.is_complete
    assert desk.kept() == every()
    assert report.bars == 390 * DAYS
    assert report.rows[0].came == timedelta(hours=6.5 * DAYS)
    assert [str(each.duration) for each in desk.past.asked] == ["12 D", "3 D"]
    again = await desk.load()
    assert again.rows[0].there == timedelta(hours=6.5 * DAYS)
    assert again.rows[0].requests == 0
    assert (len(desk.past.asked), desk.past.schedules, desk.past.heads) == (2, 1, 1)


async def test_only_what_is_missing_is_asked_for(desk: Loading) -> None:
    middle = Span(SESSIONS[4].start, SESSIONS[9].end)
    await desk.load(span=middle)
    assert desk.kept() == every(sessions=SESSIONS[4:10])
    desk.past.asked.clear()
    report = await desk.load()
    assert desk.kept() == every()
    held = [piece.span for request in desk.past.asked for piece in request.pieces]
    assert held == [*SESSIONS[:4], *SESSIONS[10:]]
    assert report.rows[0].bars == 390 * 9


async def test_newest_first_begins_with_the_newest(desk: Loading) -> None:
    await desk.load(seconds=5, newest_first=True)
    untils = [each.until for each in desk.past.asked]
    assert untils == sorted(untils, reverse=True)
    assert len(untils) == DAYS


async def test_several_are_in_flight_and_not_more_than_a_dozen(desk: Loading) -> None:
    await desk.load(seconds=1, span=Span(SESSIONS[0].start, SESSIONS[1].end))
    assert len(desk.past.asked) == 24
    assert desk.past.most_in_flight == 12


@pytest.mark.parametrize("seed", range(4))
async def test_a_load_that_is_cut_anywhere_loses_nothing_and_goes_on(
    seed: int, desk: Loading
) -> None:
    luck = Random(seed)  # noqa: S311 - the same seed, the same story
    for _ in range(4):
        await cut_after(luck.randint(0, 3), desk)
    desk.past.before = lambda _series, _request: None
    there = len(desk.kept(5))
    report = await desk.load(seconds=5, span=FEW)
    assert report.is_complete
    assert report.bars == 4680 * 7 - there
    assert desk.kept(5) == every(5, SESSIONS[:7])


async def cut_after(left: int, desk: Loading) -> None:
    """Cancel a load as its nth request is about to be answered."""

    def before(_series: Series, _request: BarRequest) -> None:
        nonlocal left
        if left == 0:
            task.cancel()
        left -= 1

    desk.past.before = before
    task = asyncio.ensure_future(desk.load(seconds=5, span=FEW))
    await asyncio.wait({task})


async def test_an_answer_that_came_before_the_cut_is_kept(desk: Loading) -> None:
    count = 0

    def before(_series: Series, _request: BarRequest) -> None:
        nonlocal count
        count += 1
        if count == 8:
            desk.past.gate = asyncio.Event()  # the others hang

    desk.past.before = before
    task = asyncio.ensure_future(desk.load(seconds=5))
    async with asyncio.timeout(10):
        while len(desk.kept(5)) < 8 * 4680:  # noqa: ASYNC110 - the store's thread tells nobody
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait({task})
    assert len(desk.kept(5)) >= 8 * 4680


async def test_a_lost_link_is_waited_for_and_the_load_goes_on(desk: Loading) -> None:
    count = 0

    def before(_series: Series, _request: BarRequest) -> None:
        nonlocal count
        count += 1
        if count == 4:
            desk.broker.set_link(LinkState.DISCONNECTED, "gone", epoch=1)
        if desk.broker.link.state is not LinkState.READY:
            raise NotConnected("the link was lost")

    desk.past.before = before
    task = asyncio.ensure_future(desk.load(seconds=5))
    for _ in range(30):
        await desk.clock.advance(1)
        await asyncio.sleep(0.001)
    asked = len(desk.past.asked)
    await desk.clock.advance(30)
    assert len(desk.past.asked) == asked, "nothing is asked without a link"
    desk.broker.set_link(LinkState.READY)
    report = await desk.turned(task)
    assert report.is_complete
    assert desk.kept(5) == every(5)


async def test_a_link_that_stays_away_ends_the_load_with_what_came(desk: Loading) -> None:
    def before(_series: Series, request: BarRequest) -> None:
        if request.until > SESSIONS[3].end:
            desk.broker.set_link(LinkState.DISCONNECTED, "gone", epoch=1)
            raise NotConnected("the link was lost")

    desk.past.before = before
    report = await desk.turned(asyncio.ensure_future(desk.load(seconds=5)), step_s=60)
    assert isinstance(report.rows[0].error, NotConnected)
    assert desk.kept(5) == every(5, SESSIONS[:4])
    assert not report.is_complete


async def test_history_is_not_asked_for_while_its_farm_is_down(desk: Loading) -> None:
    farm = Farm(FarmKind.HISTORY, "ushmds")
    desk.broker.link = Link(LinkState.FARM_DOWN, 1, farms_down=(farm,))
    task = asyncio.ensure_future(desk.load())
    await desk.clock.advance(30)
    assert desk.past.schedules == 0
    desk.broker.set_link(LinkState.READY)
    assert (await desk.turned(task)).is_complete


async def test_an_instrument_that_fails_does_not_stop_the_others(desk: Loading) -> None:
    def before(series: Series, _request: BarRequest) -> None:
        if series.symbol == "AAPL":
            raise BrokerError("IB 162: No market data permissions.", code=162)

    desk.past.before = before
    report = await desk.load(instruments=(AAPL, MSFT))
    failed, done = report.rows
    assert failed.error is not None
    assert failed.error.code == 162
    assert failed.missing == timedelta(hours=6.5 * DAYS)
    assert done.error is None
    assert desk.kept(instrument=MSFT) == every()
    assert desk.kept(instrument=AAPL) == []


async def test_a_day_without_bars_is_asked_for_twice_and_then_not_again(desk: Loading) -> None:
    desk.past.lacks = [SESSIONS[5]]
    report = await desk.load()
    asked = [str(each.duration) for each in desk.past.asked]
    assert asked == ["12 D", "3 D", "1 D"]
    assert report.rows[0].holes == (SESSIONS[5],)
    assert report.is_complete
    assert desk.store.known_holes(Series.of(AAPL, 60)) == (SESSIONS[5],)
    again = await desk.load()
    assert len(desk.past.asked) == 3
    assert again.rows[0].holes == (SESSIONS[5],)


async def test_a_load_that_is_cut_before_it_asked_twice_leaves_the_hole_open(desk: Loading) -> None:
    desk.past.lacks = [SESSIONS[5]]

    def before(_series: Series, request: BarRequest) -> None:
        if str(request.duration) == "1 D":
            task.cancel()
            raise NotConnected("the link was lost")

    desk.past.before = before
    task = asyncio.ensure_future(desk.load())
    await asyncio.wait({task})
    assert task.cancelled()
    covered = desk.store.covered(Series.of(AAPL, 60))
    assert not any(each.start <= SESSIONS[5].start < each.end for each in covered)
    desk.past.lacks = []
    desk.past.before = lambda _series, _request: None
    assert (await desk.load()).rows[0].holes == ()
    assert desk.kept() == every()


async def test_what_came_at_the_second_time_is_no_hole(desk: Loading) -> None:
    desk.past.lacks = [SESSIONS[5]]

    def before(_series: Series, request: BarRequest) -> None:
        if str(request.duration) == "1 D":
            desk.past.lacks = []

    desk.past.before = before
    report = await desk.load()
    assert report.rows[0].holes == ()
    assert desk.kept() == every()


async def test_a_closed_market_is_asked_nothing(desk: Loading) -> None:
    weekend = Span(SESSIONS[4].end, SESSIONS[5].start)
    report = await desk.load(span=weekend)
    assert report.is_complete
    assert desk.past.asked == []
    assert desk.past.heads == 0


@pytest.mark.parametrize(
    ("seconds", "bars"), [(5, 1800), (60, 150), (300, 30), (1800, 5), (3600, 3), (14_400, 0)]
)
async def test_the_running_bar_is_never_kept(seconds: int, bars: int, store: HistoryStore) -> None:
    session = SESSIONS[2]
    now = session.start + timedelta(minutes=150, seconds=3)
    desk = Loading(store, now)
    desk.past.sessions = SESSIONS[:3]
    future = Span(session.start, session.end + timedelta(days=20))
    report = await desk.load(seconds, future)
    assert len(desk.kept(seconds)) == bars
    assert report.rows[0].missing == timedelta()
    later = session.end + timedelta(hours=1)
    after = Loading(store, later)
    after.past.sessions = SESSIONS[:3]
    assert (await after.load(seconds, future)).is_complete
    whole = {5: 4680, 60: 390, 300: 78, 1800: 13, 3600: 7, 14_400: 2}
    assert len(after.kept(seconds)) == whole[seconds]


async def test_the_bar_of_a_day_is_kept_when_its_session_is_over(store: HistoryStore) -> None:
    desk = Loading(store, SESSIONS[2].end - timedelta(seconds=1))
    await desk.load(86_400, Span(SESSIONS[0].start, LATER))
    assert len(desk.kept(86_400, span=Span(session_of(0).start - timedelta(days=1), LATER))) == 2


@pytest.mark.parametrize(
    ("seconds", "span", "words"),
    [
        (60, Span(ALL.end, ALL.start), "ends .* before it begins"),
        (60, Span(LATER + timedelta(days=1), LATER + timedelta(days=2)), "no bars of the future"),
        (7, ALL, "no bars of 7 s"),
        (5, Span(LATER - timedelta(days=200), LATER), "begin at 2026-05-22 or later"),
    ],
)
async def test_what_cannot_be_is_one_error_and_nothing_is_asked(
    seconds: int, span: Span, words: str, desk: Loading
) -> None:
    with pytest.raises(InvalidInput, match=words):
        await desk.load(seconds, span, (AAPL, MSFT))
    assert (len(desk.past.asked), desk.past.schedules, desk.past.heads) == (0, 0, 0)


async def test_a_range_before_the_brokers_history_says_how_far_that_goes(desk: Loading) -> None:
    desk.past.first = SESSIONS[3].start
    report = await desk.load()
    error = report.rows[0].error
    assert isinstance(error, InvalidInput)
    assert "goes back to 2026-11-05" in error.message
    assert desk.past.asked == []


async def test_a_range_of_many_years_is_checked_before_their_sessions_are_asked_for(
    desk: Loading,
) -> None:
    report = await desk.load(86_400, Span(ALL.start - timedelta(days=20_000), ALL.end))
    error = report.rows[0].error
    assert isinstance(error, InvalidInput)
    assert "goes back to 2000-01-01" in error.message
    assert (desk.past.schedules, desk.past.heads) == (0, 1)


async def test_a_broker_that_is_asked_too_often_is_asked_again_later(desk: Loading) -> None:
    refused = 0

    def before(_series: Series, _request: BarRequest) -> None:
        nonlocal refused
        if desk.clock.now_s < 1040:
            refused += 1
            raise AskedTooOften("IB 162: pacing violation", code=162)

    desk.past.before = before
    report = await desk.turned(asyncio.ensure_future(desk.load(seconds=5)))
    assert report.is_complete
    assert refused < 40, "all of them wait, not only the one that was refused"


async def test_a_broker_that_does_not_answer_is_asked_three_times(desk: Loading) -> None:
    def before(_series: Series, _request: BarRequest) -> None:
        raise DeadlineExceeded("no answer")

    desk.past.before = before
    report = await desk.load(span=SESSIONS[0])
    assert isinstance(report.rows[0].error, DeadlineExceeded)
    assert len(desk.past.asked) == 3


async def test_a_deadline_ends_it_with_what_came(desk: Loading) -> None:
    def before(_series: Series, request: BarRequest) -> None:
        if request.until > SESSIONS[3].end:
            desk.past.gate = asyncio.Event()

    desk.past.before = before
    task = asyncio.ensure_future(desk.load(seconds=5, deadline_s=100.0))
    report = await desk.turned(task, step_s=0.5)
    assert report.is_cut_short
    assert not report.is_complete
    assert desk.kept(5)[: 4 * 4680] == every(5, SESSIONS[:4])


async def test_progress_counts_up_and_tells_the_time_that_the_pacing_takes(desk: Loading) -> None:
    await desk.load(seconds=5)
    first, last = desk.progress[0], desk.progress[-1]
    assert (first.done, first.requests, first.left_s) == (0, DAYS, 10.0 * DAYS)
    assert (last.done, last.requests, last.bars, last.left_s) == (DAYS, DAYS, 4680 * DAYS, 0.0)
    assert [each.done for each in desk.progress] == sorted(each.done for each in desk.progress)


async def test_a_full_disk_stops_the_series_and_says_so(
    desk: Loading, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise HistoryLost("no space left on the disk")

    monkeypatch.setattr(desk.store, "add_all", full)
    report = await desk.load()
    assert isinstance(report.rows[0].error, HistoryLost)
    assert report.rows[0].missing == timedelta(hours=6.5 * DAYS)


async def test_nobody_listens_to_the_broker_after_a_load(desk: Loading) -> None:
    await desk.load()
    assert desk.broker._listeners == []
