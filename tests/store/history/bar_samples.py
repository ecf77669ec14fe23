"""Series, days and bars that the tests of the history share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from apps.domain.bars import Bar
from apps.domain.history.series import Series, What
from apps.domain.instruments import InstrumentKind
from apps.domain.sessions import Span

OPEN = datetime(2026, 11, 19, 14, 30, tzinfo=UTC)
DAY = Span(OPEN, OPEN + timedelta(hours=6.5))
NEXT_DAY = Span(DAY.start + timedelta(days=1), DAY.end + timedelta(days=1))


def series(
    symbol: str = "AAPL",
    con_id: int = 265598,
    *,
    bar_seconds: int = 60,
    what: What = What.TRADES,
    regular_hours: bool = True,
) -> Series:
    return Series(
        con_id, symbol, InstrumentKind.STOCK, "NASDAQ", "USD", what, bar_seconds, regular_hours
    )


def bar(start: datetime, price: float = 100.0, *, seconds: int = 60, count: int = 7) -> Bar:
    return Bar(start, seconds, price, price + 0.5, price - 0.25, price + 0.1, 900.0, price, count)


def bars(
    start: datetime, count: int, *, seconds: int = 60, price: float = 100.0
) -> tuple[Bar, ...]:
    step = timedelta(seconds=seconds)
    return tuple(
        bar(start + nth * step, price + nth / 100, seconds=seconds) for nth in range(count)
    )


def span_of(bars: Iterable[Bar]) -> Span:
    rising = sorted(bars, key=lambda each: each.start)
    return Span(rising[0].start, rising[-1].end)
