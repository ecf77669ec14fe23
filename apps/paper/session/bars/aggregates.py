"""Bars added up: several into a larger one, and a stretch of the present as far as it has come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from apps.paper.feed.market import BarSource, Market, MarketBar, Millis
from apps.paper.instruments.catalogue import Listing

__all__ = ["aggregate", "so_far"]

_GRAINS_S = (1800, 60, 5, 1)
"""Half hours, minutes, leaves and seconds: bars that a market makes without their parts."""


def aggregate(bars: Sequence[MarketBar], seconds: int) -> MarketBar:
    """Join consecutive bars of one source into one that is called ``seconds`` long."""
    if bars[0].count < 0:
        volume, wap, count = -1, Decimal(-1), -1
    else:
        volume, count = sum(bar.volume for bar in bars), sum(bar.count for bar in bars)
        traded = sum((bar.wap * bar.volume for bar in bars), Decimal(0))
        wap = round(traded / volume, 4) if volume else bars[-1].wap
    return MarketBar(
        start=bars[0].start,
        seconds=seconds,
        open=bars[0].open,
        high=max(bar.high for bar in bars),
        low=min(bar.low for bar in bars),
        close=bars[-1].close,
        volume=volume,
        wap=wap,
        count=count,
    )


def so_far(
    market: Market,
    listing: Listing,
    source: BarSource,
    start: Millis,
    end: Millis,
    *,
    regular_only: bool,
) -> MarketBar | None:
    """Give all whole seconds of ``[start, end)`` as one bar; None where there was no market.

    It is read in the largest parts that are over, so a whole day costs some hundred bars.
    """

    def pieces(start: Millis, end: Millis, grains: Sequence[int]) -> Iterator[MarketBar]:
        if start >= end or not grains:
            return
        grain_s, finer = grains[0], grains[1:]
        bars = list(market.bars(listing, source, grain_s, start, end, regular_only=regular_only))
        yield from pieces(start, bars[0].start if bars else end, finer)
        if not bars:
            return
        # the last may not be over: its parts are read instead
        last = bars.pop()
        yield from bars
        if not finer and last.start + grain_s * 1000 <= end:
            yield last
        yield from pieces(last.start, end, finer)

    found = list(pieces(start, end, _GRAINS_S))
    return aggregate(found, (end - start) // 1000) if found else None
