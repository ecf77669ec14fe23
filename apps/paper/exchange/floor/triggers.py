"""By which price an order is triggered: IB's trigger methods as one table.

A price has *risen* to a level when the bid is there (or the last trade, by the method), and
*fallen* to it when the ask is: so IB words it, a buy stop by the bid and a sell stop by the ask.
A "double" method asks for two quotes, or trades, in a row. What an order waits for, and what then
becomes of it, is not at home here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum, IntEnum
from types import MappingProxyType
from typing import NamedTuple

from apps.domain.orders import Side
from apps.paper.exchange.behaviour import Trigger
from apps.paper.exchange.orders import Order
from apps.paper.feed.market import Millis, Print, Touch
from apps.paper.instruments.listing import Listing, SecType

__all__ = [
    "Direction",
    "PriceWatch",
    "TriggerMethod",
    "direction_of",
    "has_prints",
    "is_reached",
    "method_for",
]


class TriggerMethod(IntEnum):
    """Which price triggers; the value is IB's."""

    DEFAULT = 0
    DOUBLE_BID_ASK = 1
    LAST = 2
    DOUBLE_LAST = 3
    BID_ASK = 4
    LAST_OR_BID_ASK = 7
    MIDPOINT = 8


class Direction(Enum):
    """Which way the market must go to reach a price."""

    RISE = "rise"
    FALL = "fall"

    @property
    def opposite(self) -> Direction:
        """The other way."""
        return Direction.FALL if self is Direction.RISE else Direction.RISE


def direction_of(order: Order) -> Direction:
    """Give which way the market must go to trigger an order that waits for a price."""
    is_rise = (order.side is Side.BUY) == (order.behaviour.trigger is Trigger.STOP)
    return Direction.RISE if is_rise else Direction.FALL


def is_reached(price: Decimal | None, level: Decimal, direction: Direction) -> bool:
    """Tell whether a price is at a level or beyond it."""
    if price is None:
        return False
    return price >= level if direction is Direction.RISE else price <= level


_NO_PRINTS = frozenset({SecType.FOREX})
_DEFAULTS: Mapping[str, TriggerMethod] = MappingProxyType(
    {
        SecType.FOREX: TriggerMethod.BID_ASK,
        "OPT": TriggerMethod.DOUBLE_BID_ASK,
        "FOP": TriggerMethod.LAST,
    }
)
"""IB's defaults by kind; for everything else it is the last trade."""


def has_prints(listing: Listing) -> bool:
    """Tell whether a listing is traded in prints; the last "trade" of a forex pair is a quote."""
    return listing.sec_type not in _NO_PRINTS


def method_for(listing: Listing, asked: int) -> TriggerMethod:
    """Give the method that holds for a listing. An unknown one is taken for the default."""
    try:
        method = TriggerMethod(asked)
    except ValueError:
        method = TriggerMethod.DEFAULT
    if method is not TriggerMethod.DEFAULT:
        return method
    return _DEFAULTS.get(listing.sec_type, TriggerMethod.LAST)


class _Quote(NamedTuple):
    at: Millis
    touch: Touch


class PriceWatch:
    """What was last seen of one listing: two quotes and two trades, the newer ones first.

    Prices from before ``since``, the start of the session, never count: yesterday's last trade
    triggers nothing this morning.
    """

    def __init__(self, listing: Listing) -> None:
        self._has_prints = has_prints(listing)
        self._quotes: tuple[_Quote, ...] = ()
        self._trades: tuple[Print, ...] = ()

    def follow(self, touch: Touch, trade: Print | None, at: Millis) -> None:
        """Take the next moment. A touch that stands as it was is no other quote."""
        if trade is not None:
            self.see_trade(trade)
        if not self._quotes or self._quotes[0].touch != touch:
            self._quotes = (_Quote(at, touch), *self._quotes[:1])
        else:
            self._quotes = (_Quote(at, touch), *self._quotes[1:])

    def catch_up(self, last: Print) -> None:
        """Take the newest trade there is; what was between it and the one before is not known."""
        if not self._trades or last.at > self._trades[0].at:
            self._trades = (last,) if self._has_prints else ()

    def see_trade(self, trade: Print) -> None:
        """Take the next trade."""
        if self._has_prints:
            self._trades = (trade, *self._trades[:1])

    def price(self, method: TriggerMethod, direction: Direction, since: Millis) -> Decimal | None:
        """Give how far the market has gone in a direction, None where nothing has shown it."""
        return _METHODS[method](self, direction, since)

    def span(self) -> tuple[Decimal, Decimal] | None:
        """Give the lowest and the highest price of the newest moment, by whatever method."""
        prices = [trade.price for trade in self._trades[:1]]
        for quote in self._quotes[:1]:
            prices += (quote.touch.bid, quote.touch.ask)
        return (min(prices), max(prices)) if prices else None

    def last(self, since: Millis, count: int, direction: Direction) -> Decimal | None:
        """Give the price that the last ``count`` trades have all reached."""
        prices = [trade.price for trade in self._trades[:count] if trade.at >= since]
        return _all_reached(prices, count, direction)

    def quoted(self, since: Millis, count: int, direction: Direction) -> Decimal | None:
        """Give the price that the last ``count`` quotes have all reached."""
        prices = [
            quote.touch.bid if direction is Direction.RISE else quote.touch.ask
            for quote in self._quotes[:count]
            if quote.at >= since
        ]
        return _all_reached(prices, count, direction)

    def middle(self, since: Millis) -> Decimal | None:
        """Give the middle of the newest quote."""
        if not self._quotes or self._quotes[0].at < since:
            return None
        touch = self._quotes[0].touch
        return (touch.bid + touch.ask) / 2


def _all_reached(prices: list[Decimal], count: int, direction: Direction) -> Decimal | None:
    if len(prices) < count:
        return None
    return min(prices) if direction is Direction.RISE else max(prices)


def _any_reached(prices: tuple[Decimal | None, ...], direction: Direction) -> Decimal | None:
    known = [price for price in prices if price is not None]
    if not known:
        return None
    return max(known) if direction is Direction.RISE else min(known)


_METHODS: Mapping[TriggerMethod, Callable[[PriceWatch, Direction, Millis], Decimal | None]] = (
    MappingProxyType(
        {
            TriggerMethod.DOUBLE_BID_ASK: lambda watch, way, since: watch.quoted(since, 2, way),
            TriggerMethod.LAST: lambda watch, way, since: watch.last(since, 1, way),
            TriggerMethod.DOUBLE_LAST: lambda watch, way, since: watch.last(since, 2, way),
            TriggerMethod.BID_ASK: lambda watch, way, since: watch.quoted(since, 1, way),
            TriggerMethod.LAST_OR_BID_ASK: lambda watch, way, since: _any_reached(
                (watch.last(since, 1, way), watch.quoted(since, 1, way)), way
            ),
            TriggerMethod.MIDPOINT: lambda watch, _, since: watch.middle(since),
        }
    )
)
