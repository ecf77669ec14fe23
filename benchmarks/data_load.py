"""A load of bars beside what IB's pacing allows: how much of it is used, and that none is broken.

Bars of 5 seconds, of which IB takes sixty requests in ten minutes. All but one minute of each
session is in the store already, so each request is a small one: what is measured is the waiting.
The gateway counts by its own market time, which runs many times as fast as the machine's: on the
way from one request to the next everything of the desk's counts so many times more than it would
at IB. The least that any load could take is ten minutes for each sixty requests after the first.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

from apps.api.clock import SystemClock
from apps.domain.history.schedule import Schedule
from apps.domain.history.series import Series
from apps.domain.instruments import Instrument
from apps.domain.sessions import Span
from apps.engine.history.loader import HistoryLoader
from apps.engine.history.loading import LoadReport, Wanted
from apps.engine.prices.market_clock import MarketClock
from apps.ib.connection import Endpoint
from apps.ib.gateway import IBGateway
from apps.ib.pacing import Limits
from apps.paper.limits import IB_LIMITS
from apps.paper.server import PaperGateway
from apps.paper.settings import GatewaySettings
from apps.paper.vendor.pacing import HistoryQuery
from apps.store.history.store import HistoryStore
from benchmarks.figures import BenchmarkFailed, Cell, Report, Table
from benchmarks.script import us_stocks

__all__ = ["measure"]

_NOW = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)
_WINDOW_S, _WINDOW_REQUESTS = 600, 60
_BAR_S = 5


async def measure(*, quick: bool) -> Report:
    """Give the share of IB's pacing that a load uses, and what a day of bars takes."""
    symbols, days, speed = (2, 100, 300.0) if quick else (8, 182, 200.0)
    arrivals, report = await _paced(symbols, days, speed)
    took_s = arrivals[-1] - arrivals[0]
    least_s = _WINDOW_S * ((len(arrivals) - 1) // _WINDOW_REQUESTS)
    rows: list[tuple[Cell, ...]] = [
        (f"{speed:g}×", len(arrivals), least_s / 60, took_s / 60, 100 * least_s / took_s)
    ]
    columns = ("market time", "requests", "least min", "took min", "% of the pacing")
    paced = Table("5 s bars inside IB's pacing, counted at the gateway", columns, tuple(rows))
    if not report.is_complete:
        raise BenchmarkFailed(f"the load is not complete: {report.rows}")
    sizes = ((5, 1), (60, 5)) if quick else ((5, 5), (60, 60), (86_400, 365))
    whole = [await _unpaced(*each) for each in sizes]
    asked = ("bars of", "sessions' days", "requests", "bars", "s", "bars/s")
    return Report("data-load", (paced, Table("Loads without pacing", asked, tuple(whole))))


async def _paced(symbols: int, days: int, speed: float) -> tuple[list[float], LoadReport]:
    """Load a minute of each session; give the market seconds at which requests arrived."""
    settings = GatewaySettings(
        speed=speed, start=_NOW, limits=replace(IB_LIMITS, messages_per_second=None)
    )
    ours = Limits(
        messages_per_s=100_000,
        small_bar_window_s=_WINDOW_S / speed,
        identical_history_s=15 / speed,
        alike_history_window_s=2 / speed,
    )
    async with PaperGateway.open(settings) as gateway, _loader(gateway.port, ours) as (ib, loader):
        arrivals = _arrivals(gateway)
        span = Span(_NOW - timedelta(days=days), _NOW)
        stocks = await _stocks(ib, symbols)
        schedule = await ib.past_bars.schedule(stocks[0], span, regular_hours=True)
        for each in stocks:
            _keep_all_but_a_minute(loader, Series.of(each, _BAR_S), schedule)
        report = await loader.load([Wanted(each, _BAR_S, span) for each in stocks])
    return arrivals, report


async def _unpaced(seconds: int, days: int) -> tuple[Cell, ...]:
    """Load whole sessions of one stock from a gateway without limits."""
    settings = GatewaySettings(
        start=_NOW,
        limits=replace(
            IB_LIMITS,
            messages_per_second=None,
            historical_requests=None,
            identical_request_s=None,
            same_contract_requests=None,
        ),
    )
    async with PaperGateway.open(settings) as gateway, _loader(gateway.port, _NO_PACING) as joined:
        ib, loader = joined
        (stock,) = await _stocks(ib, 1)
        span = Span(_NOW - timedelta(days=days), _NOW)
        began_s = perf_counter()
        report = await loader.load([Wanted(stock, seconds, span)])
        took_s = perf_counter() - began_s
    (row,) = report.rows
    return f"{seconds} s", days, row.requests, row.bars, took_s, row.bars / took_s


_NO_PACING = Limits(messages_per_s=100_000, small_bar_requests=100_000, alike_history=100_000)


@asynccontextmanager
async def _loader(port: int, limits: Limits) -> AsyncIterator[tuple[IBGateway, HistoryLoader]]:
    clock = SystemClock()
    with (
        tempfile.TemporaryDirectory(prefix="desk-benchmark-") as folder,
        HistoryStore.open(Path(folder) / "history") as store,
    ):
        async with IBGateway(
            Endpoint("127.0.0.1", port, 1),
            clock=clock,
            on_error=lambda _text, _error: None,
            limits=limits,
        ) as ib:
            await ib.connect()
            market_clock = MarketClock(ib.market_data, clock)
            yield (
                ib,
                HistoryLoader(
                    store, ib.past_bars, broker=ib.broker, clock=clock, market_clock=market_clock
                ),
            )


def _arrivals(gateway: PaperGateway) -> list[float]:
    """Give where the market seconds are put down at which bars were asked for."""
    arrivals: list[float] = []
    pacing = gateway.hub.vendor.pacing
    judge = pacing.admit_history

    def admit(query: HistoryQuery, at_s: float) -> bool:
        if query.bar_s == _BAR_S:
            arrivals.append(at_s)
        if not judge(query, at_s):
            raise BenchmarkFailed(f"request {len(arrivals)} broke the gateway's pacing")
        return True

    pacing.admit_history = admit  # type: ignore[method-assign] # it is heard, not replaced
    return arrivals


async def _stocks(ib: IBGateway, count: int) -> Sequence[Instrument]:
    return [await ib.market_data.qualify(each.symbol) for each in us_stocks(count)]


def _keep_all_but_a_minute(loader: HistoryLoader, series: Series, schedule: Schedule) -> None:
    loader.history.note_schedule(series, schedule)
    for session in schedule.sessions:
        rest = Span(session.start + timedelta(minutes=1), session.end)
        loader.history.add(series, rest, ())
