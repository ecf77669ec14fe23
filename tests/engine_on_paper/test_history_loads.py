"""Loads of bars over a real socket: cut, killed, and counted by the gateway's own pacing."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from apps.domain.bars import Bar
from apps.domain.errors import BrokerError, InvalidInput
from apps.domain.history.series import Series, What
from apps.domain.sessions import Span
from apps.engine.history.loading import Wanted
from apps.ib.pacing import Limits
from apps.paper.limits import IB_LIMITS, NO_LIMITS
from apps.paper.settings import GatewaySettings
from apps.store.history.store import HistoryStore
from tests.engine_on_paper.loads import (
    NOW,
    a_gateway,
    a_loader,
    counting,
    kept_in,
    made_by,
)

UNLIMITED = GatewaySettings(limits=NO_LIMITS, start=NOW)
WEEK = Span(datetime(2026, 11, 16, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC))
MONTHS = Span(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC))


@pytest.mark.parametrize(
    ("seconds", "span"),
    [(5, Span(WEEK.start, WEEK.start + timedelta(days=2))), (60, WEEK), (3600, MONTHS)],
)
async def test_the_store_has_the_gateways_own_bars(
    seconds: int, span: Span, tmp_path: Path
) -> None:
    async with a_gateway(UNLIMITED) as gateway, a_loader(gateway, tmp_path) as desk:
        aapl = await desk.ib.market_data.qualify("AAPL")
        report = await desk.loader.load([Wanted(aapl, seconds, span)])
        assert report.is_complete
        bars = made_by(gateway, "AAPL", seconds, span)
        assert kept_in(desk.store, Series.of(aapl, seconds), span) == bars
        assert report.bars == len(bars) > 0


async def test_a_half_day_and_summer_time_are_no_holes(tmp_path: Path) -> None:
    span = Span(datetime(2025, 10, 27, tzinfo=UTC), datetime(2025, 12, 1, tzinfo=UTC))
    async with a_gateway(UNLIMITED) as gateway, a_loader(gateway, tmp_path) as desk:
        spy = await desk.ib.market_data.qualify("SPY")
        report = await desk.loader.load([Wanted(spy, 300, span)])
        (row,) = report.rows
        assert (row.holes, row.missing, row.error) == ((), timedelta(), None)
        assert row.requests == 1
        kept = kept_in(desk.store, Series.of(spy, 300), span)
        assert kept == made_by(gateway, "SPY", 300, span)
        days = {each[0].date() for each in kept}
        assert len(days) == 24, "Thanksgiving is closed, the day after it a half one"
        half = [
            each for each in kept if each[0].date() == datetime(2025, 11, 28, tzinfo=UTC).date()
        ]
        assert len(half) == 42


async def test_all_hours_quotes_and_days_are_series_of_their_own(tmp_path: Path) -> None:
    async with a_gateway(UNLIMITED) as gateway, a_loader(gateway, tmp_path) as desk:
        aapl = await desk.ib.market_data.qualify("AAPL")
        pair = await desk.ib.market_data.qualify("EUR.USD")
        report = await desk.loader.load(
            [
                Wanted(aapl, 300, WEEK, regular_hours=False),
                Wanted(aapl, 300, WEEK, What.BID),
                Wanted(aapl, 86_400, MONTHS),
                Wanted(pair, 3600, WEEK),
            ]
        )
        assert [row.error for row in report.rows] == [None] * 4
        assert report.is_complete
        assert [row.bars for row in report.rows[:3]] == [5 * 192 - 36, 5 * 78, 37], (
            "today's is not over"
        )
        assert report.rows[3].bars > 100


async def test_what_ib_refuses_is_told_with_its_code_and_range_by_range(tmp_path: Path) -> None:
    async with a_gateway(UNLIMITED) as gateway, a_loader(gateway, tmp_path) as desk:
        index = await desk.ib.market_data.qualify("SPX")
        aapl = await desk.ib.market_data.qualify("AAPL")
        long_ago = Span(datetime(1980, 1, 1, tzinfo=UTC), datetime(1981, 1, 1, tzinfo=UTC))
        report = await desk.loader.load(
            [
                Wanted(index, 60, WEEK, What.BID),
                Wanted(aapl, 86_400, long_ago),
                Wanted(aapl, 60, WEEK),
            ]
        )
        refused, before, done = report.rows
        assert isinstance(refused.error, BrokerError)
        assert refused.error.code == 162
        assert isinstance(before.error, InvalidInput)
        assert "goes back to 2016" in before.error.message
        assert done.error is None
        assert done.bars == 5 * 390


SYMBOLS = ("AAPL", "MSFT", "SPY", "QQQ", "NVDA", "AMZN", "TSLA", "META")
FEW = SYMBOLS[:4]
SEEDS = range(int(os.environ.get("HISTORY_SEEDS", "1")))
"""A sample; more on command, as CONTRIBUTING.md says."""


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_load_over_links_that_are_cut_has_the_gateways_own_bars(
    seed: int, tmp_path: Path
) -> None:
    luck = Random(seed)  # noqa: S311 - the same seed, the same story
    async with a_gateway(UNLIMITED) as gateway, a_loader(gateway, tmp_path) as desk:
        stocks = [await desk.ib.market_data.qualify(each) for each in FEW]
        cut_at = {luck.randint(1, 12) for _ in range(4)}
        with counting(gateway) as counted:
            load = asyncio.ensure_future(
                desk.loader.load([Wanted(each, 60, MONTHS) for each in stocks])
            )
            while not load.done():
                if len(counted.asked) in cut_at:
                    cut_at.discard(len(counted.asked))
                    for _ in range(luck.randint(0, 30)):
                        await asyncio.sleep(0)
                    desk.wire.cut()
                await asyncio.sleep(0)
        assert (await load).is_complete
        for each in stocks:
            bars = made_by(gateway, each.symbol, 60, MONTHS)
            assert kept_in(desk.store, Series.of(each, 60), MONTHS) == bars


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_load_that_is_killed_again_and_again_ends_with_the_gateways_own_bars(
    seed: int, tmp_path: Path
) -> None:
    luck = Random(seed)  # noqa: S311 - the same seed, the same story
    async with a_gateway(UNLIMITED) as gateway:
        with counting(gateway) as counted:
            for _ in range(3):
                goal = len(counted.asked) + luck.randint(1, 4)
                loading = await a_process(gateway.port, tmp_path)
                while loading.returncode is None and len(counted.asked) < goal:  # noqa: ASYNC110
                    await asyncio.sleep(0.001)
                await asyncio.sleep(luck.random() * 0.15)
                if loading.returncode is None:
                    loading.kill()
                await loading.communicate()
            loading = await a_process(gateway.port, tmp_path)
            out, err = await loading.communicate()
        assert loading.returncode == 0, (out, err)
        with HistoryStore.open(tmp_path / "paper-DU1234567" / "history") as store:
            for symbol in FEW:
                series = next(each for each in store.all_series() if each.symbol == symbol)
                bars = made_by(gateway, symbol, 60, MONTHS)
                assert kept_in(store, series, MONTHS) == bars
                assert len(bars) == 37 * 390


async def a_process(port: int, home: Path) -> asyncio.subprocess.Process:
    """Begin `data load` in a process of its own."""
    own = {"DESK_HOME": str(home), "IB_HOST": "127.0.0.1", "IB_PORT": str(port)}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "apps.api.cli"),
        *("data", "load", *FEW, "--from", "2026-10-01"),
        env=os.environ | own,
        cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


SPEED = 2_000.0


async def test_a_thousand_requests_at_speed_never_violate_the_pacing(tmp_path: Path) -> None:
    settings = GatewaySettings(
        speed=SPEED,
        start=NOW,
        limits=replace(IB_LIMITS, messages_per_second=None),
    )
    ours = Limits(
        messages_per_s=100_000,
        small_bar_window_s=600 / SPEED,
        identical_history_s=15 / SPEED,
        alike_history_window_s=2 / SPEED,
    )
    async with (
        a_gateway(settings, stands_still=False) as gateway,
        a_loader(gateway, tmp_path, limits=ours) as desk,
    ):
        instruments = [await desk.ib.market_data.qualify(each) for each in SYMBOLS]
        span = Span(NOW - timedelta(days=182), NOW)
        schedule = await desk.ib.past_bars.schedule(instruments[0], span, regular_hours=True)
        for each in instruments:
            # all but the first minute of each session is there already: a request for each
            series = Series.of(each, 5)
            desk.store.note_schedule(series, schedule)
            add_all_but_a_minute(desk.store, series, schedule.sessions)
        with counting(gateway) as counted:
            report = await desk.loader.load([Wanted(each, 5, span) for each in instruments])
        assert report.is_complete
        assert len(counted.asked) == sum(row.requests for row in report.rows) > 1_000
        assert counted.refused == 0
        times = [at_s for at_s, _, _ in counted.asked]
        assert all(later - at >= 600 for at, later in zip(times, times[60:], strict=False))
    assert report.bars == 12 * len(counted.asked)


def add_all_but_a_minute(store: HistoryStore, series: Series, sessions: tuple[Span, ...]) -> None:
    nothing: tuple[Bar, ...] = ()
    for each, following in zip(sessions, (*sessions[1:], None), strict=True):
        end = each.end if following is None else following.start
        store.add(series, Span(each.start + timedelta(minutes=1), end), nothing)
