"""Figures of a listing's past that generic ticks ask for: volatilities, ranges, recent activity.

Read from the market's own bars, so that who computes them from history finds the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import log, sqrt
from statistics import stdev

from apps.paper.feed.market import BarSource, MarketBar, Millis
from apps.paper.instruments.catalogue import Listing
from apps.paper.session.bars.aggregates import so_far
from apps.paper.session.instruments.contracts import has_trades
from apps.paper.world import World

__all__ = ["daily_bars", "historical_volatility", "ranges", "recent_activity"]

_DAY_MS = 86_400_000
_DAY_S = 86_400
_SESSIONS_A_YEAR = 252
_VOLATILITY_DAYS = 30
_WEEK_SESSIONS = 5
_AVERAGE_VOLUME_SESSIONS = 63
"""IB's average is over 90 days: as many sessions as a quarter has."""

_RANGES = ((13, 15, 16), (26, 17, 18), (52, 19, 20))
"""Weeks, and the tick types of their low and their high."""

_AVERAGE_VOLUME = 21


def daily_bars(world: World, listing: Listing, at: Millis) -> list[MarketBar]:
    """Give the bars of the sessions of the year before ``at`` that are over, oldest first."""
    source = BarSource.TRADES if has_trades(listing) else BarSource.MIDPOINT
    start = max(world.market.head(listing), at - 366 * _DAY_MS)
    running = world.calendar.session_at(listing, at, extended=False)
    end = running[0] if running else at
    return list(world.market.bars(listing, source, _DAY_S, start, end, regular_only=True))


def historical_volatility(bars: Sequence[MarketBar]) -> float | None:
    """Give the volatility a year of the last 30 days' closes; None where there are too few."""
    closes = [float(bar.close) for bar in bars[-_VOLATILITY_DAYS - 1 :]]
    if len(closes) <= 2 or min(closes) <= 0:
        return None
    returns = [log(later / earlier) for earlier, later in pairwise(closes)]
    return stdev(returns) * sqrt(_SESSIONS_A_YEAR)


def ranges(bars: Sequence[MarketBar]) -> Iterator[tuple[int, object]]:
    """Give the tick types of lows, highs and average volume, each with its value."""
    for weeks, low, high in _RANGES:
        within = bars[-weeks * _WEEK_SESSIONS :]
        if within:
            yield low, min(bar.low for bar in within)
            yield high, max(bar.high for bar in within)
    volumes = [bar.volume for bar in bars[-_AVERAGE_VOLUME_SESSIONS:] if bar.volume >= 0]
    if volumes:
        yield _AVERAGE_VOLUME, sum(volumes) // len(volumes)


def recent_activity(world: World, listing: Listing, at: Millis, seconds: int) -> tuple[int, int]:
    """Give the volume and the number of trades of the last ``seconds``."""
    bar = so_far(
        world.market, listing, BarSource.TRADES, at - seconds * 1000, at, regular_only=False
    )
    return (bar.volume, bar.count) if bar is not None else (0, 0)
