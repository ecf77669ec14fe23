"""A loader on a real socket, a store on disk, and what the gateway itself would answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from apps.domain.history.series import Series
from apps.domain.sessions import Span
from apps.engine.history.loader import HistoryLoader
from apps.engine.prices.market_clock import MarketClock
from apps.ib.connection import Endpoint
from apps.ib.gateway import IBGateway
from apps.ib.pacing import Limits
from apps.paper.clock import ManualClock
from apps.paper.feed.market import BarSource, Market
from apps.paper.instruments.listing import Listing
from apps.paper.server import PaperGateway
from apps.paper.settings import GatewaySettings
from apps.paper.vendor.pacing import HistoryQuery
from apps.store.history.store import HistoryStore
from tests.engine_on_paper.scripted import Wire
from tests.ib.desk_side import PATIENT, RealClock

NOW = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)
UNPACED = Limits(
    messages_per_s=100_000,
    small_bar_requests=100_000,
    alike_history=100_000,
    identical_history_s=0.0,
)

Row = tuple[datetime, float, float, float, float, float, int]


@dataclass
class Counted:
    """What the gateway's pacing was asked, and when: its own seconds of market time."""

    asked: list[tuple[float, HistoryQuery, bool]] = field(default_factory=list)

    @property
    def refused(self) -> int:
        return sum(not admitted for _, _, admitted in self.asked)


@contextmanager
def counting(gateway: PaperGateway) -> Iterator[Counted]:
    """Take note of each request for bars as the gateway's pacing judges it."""
    counted, pacing = Counted(), gateway.hub.vendor.pacing
    judge = pacing.admit_history

    def admit(query: HistoryQuery, at_s: float) -> bool:
        admitted = judge(query, at_s)
        counted.asked.append((at_s, query, admitted))
        return admitted

    pacing.admit_history = admit  # type: ignore[method-assign] # the judge is heard, not replaced
    yield counted


@asynccontextmanager
async def a_gateway(
    settings: GatewaySettings, *, market: Market | None = None, stands_still: bool = True
) -> AsyncIterator[PaperGateway]:
    clock = ManualClock(int(NOW.timestamp()) * 1000) if stands_still else None
    async with PaperGateway.open(settings, market=market, clock=clock) as gateway:
        yield gateway


@dataclass
class LoadingDesk:
    """As much of a desk as a load needs."""

    ib: IBGateway
    loader: HistoryLoader
    store: HistoryStore
    wire: Wire


@asynccontextmanager
async def a_loader(
    gateway: PaperGateway, folder: Path, *, limits: Limits = UNPACED
) -> AsyncIterator[LoadingDesk]:
    """Connect through a wire that can be cut, and is made whole by itself."""
    clock = RealClock()
    async with AsyncExitStack() as stack:
        store = stack.enter_context(HistoryStore.open(folder))
        wire = await stack.enter_async_context(Wire(gateway.port))
        ib = await stack.enter_async_context(
            IBGateway(
                Endpoint("127.0.0.1", wire.port, 9),
                clock=clock,
                on_error=lambda _text, _error: None,
                timeouts=PATIENT,
                limits=limits,
                jitter=lambda: 0.0,
            )
        )
        await ib.connect()
        keeping = asyncio.create_task(ib.keep_connected())
        loader = HistoryLoader(
            store,
            ib.past_bars,
            broker=ib.broker,
            clock=clock,
            market_clock=MarketClock(ib.market_data, clock),
        )
        try:
            yield LoadingDesk(ib, loader, store, wire)
        finally:
            keeping.cancel()
            await asyncio.wait({keeping})


def listing_of(gateway: PaperGateway, symbol: str) -> Listing:
    return next(
        each
        for each in gateway.hub.catalogue
        if each.symbol == symbol and each.sec_type.value == "STK"
    )


def made_by(gateway: PaperGateway, symbol: str, seconds: int, span: Span) -> list[Row]:
    """The gateway's own bars, read from its market and not through the wire."""
    start, end = (int(at.timestamp()) * 1000 for at in (span.start, span.end))
    bars = gateway.hub.market.bars(
        listing_of(gateway, symbol), BarSource.TRADES, seconds, start, end, regular_only=True
    )
    return [
        (
            datetime.fromtimestamp(bar.start / 1000, UTC),
            float(bar.open),
            float(bar.high),
            float(bar.low),
            float(bar.close),
            float(bar.volume),
            bar.count,
        )
        for bar in bars
    ]


def kept_in(store: HistoryStore, series: Series, span: Span) -> list[Row]:
    return [
        (bar.start, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.count)
        for bar in store.bars(series, span.start, span.end)
    ]
