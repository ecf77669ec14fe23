"""Combinations, priced from the markets of their legs.

At home here: a BAG's touch, moments of change and marks as weighted sums of its legs'. A
combination is quoted, not traded, and may be worth less than nothing. There are no bars: the high
of a sum does not follow from the highs of its parts.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from apps.paper.feed.market import Market, Millis, Print, Touch
from apps.paper.instruments.combo import Combo
from apps.paper.instruments.legs import Leg
from apps.paper.instruments.listing import Listing

__all__ = ["ComboFeed"]


class ComboFeed:
    """What the market shows of one combination, given the market of its legs."""

    def __init__(self, market: Market, combo: Combo) -> None:
        self._market = market
        self._combo = combo

    def touch(self, at: Millis) -> Touch:
        """Give what the legs together can be sold and bought for, and how often."""
        bid = ask = Decimal(0)
        bid_sizes, ask_sizes = [], []
        for leg in self._combo.legs:
            touch, weight = self._market.touch(leg.listing, at), self._combo.weight(leg)
            ends = ((touch.bid, touch.bid_size), (touch.ask, touch.ask_size))
            sold, bought = ends if weight > 0 else ends[::-1]
            bid, ask = bid + weight * sold[0], ask + weight * bought[0]
            bid_sizes.append(sold[1] // leg.ratio)
            ask_sizes.append(bought[1] // leg.ratio)
        ticks = self._combo.listing.ticks
        return Touch(ticks.down(bid), ticks.up(ask), min(bid_sizes), min(ask_sizes))

    def last(self, at: Millis) -> Print:
        """Give the sum of the legs' newest prints, at the time of the newest of them."""
        trades = [(leg, self._market.last(leg.listing, at)) for leg in self._combo.legs]
        price = sum((self._combo.weight(leg) * trade.price for leg, trade in trades), Decimal(0))
        newest = max(trade.at for _, trade in trades)
        return Print(newest, self._combo.listing.ticks.nearest(price), 0)

    def previous_close(self, at: Millis) -> Decimal:
        """Give the sum of the legs' previous closes."""
        return self._sum(lambda listing: self._market.previous_close(listing, at))

    def prints(self, after: Millis, until: Millis) -> list[Print]:
        """Give the moments in ``(after, until]`` at which a leg moved."""
        moments = {
            trade.at
            for leg in self._combo.legs
            for trade in self._market.prints(leg.listing, after, until)
        }
        return [Print(at, self.last(at).price, 0) for at in sorted(moments)]

    def head(self) -> Millis:
        """Give the time from which all legs have a market."""
        return max(self._market.head(leg.listing) for leg in self._combo.legs)

    def _sum(self, price_of: Callable[[Listing], Decimal]) -> Decimal:
        def part(leg: Leg) -> Decimal:
            return self._combo.weight(leg) * price_of(leg.listing)

        return self._combo.listing.ticks.nearest(sum(map(part, self._combo.legs), Decimal(0)))
