"""A trading day so far: what a quote shows of it beside the present."""

from __future__ import annotations

from decimal import Decimal

from apps.paper.feed.market import BarSource, MarketBar, Millis, Print
from apps.paper.instruments.catalogue import Listing
from apps.paper.session.bars.aggregates import so_far
from apps.paper.session.instruments.contracts import has_trades
from apps.paper.world import World

__all__ = ["DayFigures"]


class DayFigures:
    """Open, high and low of regular hours, volume and value of the whole session, at a moment.

    `take` brings it up to date with prints. A closed market shows the day that ended last.
    """

    def __init__(self, world: World, listing: Listing, at: Millis) -> None:
        self._listing = listing
        start, self._end = world.calendar.session_before(listing, at + 1, extended=True)
        regular = world.calendar.session_before(listing, self._end, extended=False)
        self._regular = regular if regular[0] >= start else (self._end, self._end)
        self.open: Decimal | None = None
        self.high: Decimal | None = None
        self.low: Decimal | None = None
        self.volume = 0
        self.value = Decimal(0)
        if not has_trades(listing):
            return
        read_until = min(at + 1, self._end)
        whole = _read(world, listing, start, read_until, regular_only=False)
        hours = _read(world, listing, self._regular[0], read_until, regular_only=True)
        if whole is not None:
            self.volume, self.value = whole.volume, whole.wap * whole.volume
        if hours is not None:
            self.open, self.high, self.low = hours.open, hours.high, hours.low
        # bars end with whole seconds, a quote with its last print
        second = read_until - read_until % 1000
        for trade in world.market.prints(listing, second - 1, read_until - 1):
            self.take(trade)

    @property
    def vwap(self) -> Decimal | None:
        """The day's volume-weighted average price, None before the first trade."""
        return round(self.value / self.volume, 8) if self.volume else None

    def is_over(self, at: Millis) -> bool:
        """Tell whether another session has begun: the session ended, and there is a print."""
        return at >= self._end

    def take(self, trade: Print) -> None:
        """Count a print."""
        self.volume += trade.size
        self.value += trade.price * trade.size
        if not self._regular[0] <= trade.at < self._regular[1]:
            return
        self.open = trade.price if self.open is None else self.open
        self.high = trade.price if self.high is None else max(self.high, trade.price)
        self.low = trade.price if self.low is None else min(self.low, trade.price)


def _read(
    world: World, listing: Listing, start: Millis, end: Millis, *, regular_only: bool
) -> MarketBar | None:
    return so_far(world.market, listing, BarSource.TRADES, start, end, regular_only=regular_only)
