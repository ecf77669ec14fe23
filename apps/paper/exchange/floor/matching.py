"""Whether and at what price one order trades at one moment of the market.

Pure rules, one order at a time; in which order the orders are asked, and what a fill leads to,
stands in `floor`. Paper orders trade with the market, never with each other:

- An order that crosses the touch when it meets the market (on arrival, at the open, elected,
  re-priced) takes the touch: its own price or better, up to the size displayed. What is displayed
  is shown anew when the touch changes or a trade prints.
- A limit order that has come to rest gives its own price to whoever comes: up to the displayed
  size when the touch crosses it, and up to the size of a print that went through it. A print
  *at* its price fills nothing, for nobody knows who stood before it.
- A stop that was elected (`triggers`) meets the market like any other order, so through a gap it
  trades where the market opens.
- At an auction everything trades at the one price that is printed, in whatever size there is.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Protocol

from apps.domain.orders import Side
from apps.paper.exchange.orders import OrderSnapshot
from apps.paper.feed.market import Print, Touch

__all__ = [
    "FillSizes",
    "Liquidity",
    "Offer",
    "Source",
    "auction_offer",
    "crosses",
    "offer_to",
    "priority",
    "touch_price",
]


class Source(Enum):
    """What an order trades against."""

    TOUCH = "touch"
    TRADE = "trade"
    AUCTION = "auction"


class FillSizes(Protocol):
    """What may hold fills back, for tests that want them in pieces or not at all."""

    def most(self, order: OrderSnapshot) -> Decimal | None:
        """Give how many an order may trade at this moment: 0 is none, None is no limit.

        Asked before each fill. An order that was held back trades once a moment at most.
        """


@dataclass(frozen=True, slots=True)
class Offer:
    """What the market offers an order: a price, and how many at most."""

    price: Decimal
    size: Decimal
    source: Source
    removed_liquidity: bool


class Liquidity:
    """One moment of one listing's market, less what paper orders took of it."""

    __slots__ = ("_left", "touch", "trade")

    def __init__(self, touch: Touch, trade: Print | None = None) -> None:
        self.touch = touch
        self.trade = trade
        self._left = _displayed(touch, trade)

    def end_of_trade(self) -> None:
        """Go on to where the trade is over: what comes now meets the touch alone."""
        self.trade = None

    def follow(self, touch: Touch, trade: Print | None) -> None:
        """Go on to the next moment; a touch that stands without a trade is not shown anew."""
        if trade is not None or touch != self.touch:
            self._left = _displayed(touch, trade)
        self.touch, self.trade = touch, trade

    def left(self, side: Side, source: Source) -> Decimal:
        """Give how many an order of ``side`` can still trade against ``source``."""
        return self._left[side, source]

    def take(self, side: Side, source: Source, quantity: Decimal) -> None:
        """Take ``quantity`` away, which must not be more than is left."""
        if quantity > self._left[side, source]:
            raise ValueError(f"{quantity} taken where {self._left[side, source]} are left")
        self._left[side, source] -= quantity


def _displayed(touch: Touch, trade: Print | None) -> dict[tuple[Side, Source], Decimal]:
    printed = Decimal(trade.size if trade is not None else 0)
    return {
        (Side.BUY, Source.TOUCH): Decimal(touch.ask_size),
        (Side.SELL, Source.TOUCH): Decimal(touch.bid_size),
        (Side.BUY, Source.TRADE): printed,
        (Side.SELL, Source.TRADE): printed,
    }


def offer_to(snapshot: OrderSnapshot, liquidity: Liquidity, *, rests: bool) -> Offer | None:
    """Give what the market offers this working order now, or None.

    ``rests`` tells that the order has stood in the book, unmatched, in this session.
    """
    side, limit = snapshot.order.side, snapshot.limit
    if crosses(snapshot, liquidity.touch):
        taken = touch_price(side, liquidity.touch)
        price = limit if rests and limit is not None else taken
        offer = Offer(price, liquidity.left(side, Source.TOUCH), Source.TOUCH, not rests)
        if offer.size > 0:
            return offer
    if not rests or limit is None or not _traded_through(side, limit, liquidity.trade):
        return None
    through = Offer(limit, liquidity.left(side, Source.TRADE), Source.TRADE, False)
    return through if through.size > 0 else None


def auction_offer(snapshot: OrderSnapshot, price: Decimal) -> Offer | None:
    """Give what an auction at ``price`` offers this order, or None when its limit is worse."""
    limit = snapshot.limit
    if limit is not None and not _at_least_as_good(snapshot.order.side, price, limit):
        return None
    return Offer(price, snapshot.remaining, Source.AUCTION, False)


def crosses(snapshot: OrderSnapshot, touch: Touch) -> bool:
    """Tell whether the other side's quote is as good as the order's limit, or better."""
    if snapshot.limit is None:
        return True
    side = snapshot.order.side
    return _at_least_as_good(side, touch_price(side, touch), snapshot.limit)


def priority(snapshot: OrderSnapshot) -> tuple[bool, Decimal, int]:
    """Give the key by which orders are served: market orders, then price, then age."""
    limit = snapshot.limit
    if limit is None:
        return (False, Decimal(0), snapshot.perm_id)
    return (True, -snapshot.order.side.sign * limit, snapshot.perm_id)


def touch_price(side: Side, touch: Touch) -> Decimal:
    """Give the quote that an order of ``side`` takes."""
    return touch.ask if side is Side.BUY else touch.bid


def _at_least_as_good(side: Side, price: Decimal, limit: Decimal) -> bool:
    return price <= limit if side is Side.BUY else price >= limit


def _traded_through(side: Side, limit: Decimal, trade: Print | None) -> bool:
    return (
        trade is not None and trade.price != limit and _at_least_as_good(side, trade.price, limit)
    )
