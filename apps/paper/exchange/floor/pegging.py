"""Prices that follow the quotes: relative orders, and those pegged to the middle.

Pure rules for one order. The client's limit is a cap; without one the peg goes wherever the quotes
go. A relative order's price is on the tick, rounded away from the market; the middle may be half a
tick, as midpoint trades are.
"""

from __future__ import annotations

from decimal import Decimal

from apps.domain.orders import Side
from apps.paper.exchange.behaviour import Limit
from apps.paper.exchange.orders import Order
from apps.paper.feed.market import Touch

__all__ = ["pegged_price"]


def pegged_price(order: Order, touch: Touch) -> Decimal:
    """Give the price at which a pegged order works while the quotes stand at ``touch``."""
    if order.behaviour.limit is Limit.MIDPOINT:
        price = (touch.bid + touch.ask) / 2 - order.side.sign * (order.stop_price or Decimal(0))
    else:
        price = _relative(order, touch)
    cap = order.limit_price or None
    if cap is None:
        return price
    return min(price, cap) if order.side is Side.BUY else max(price, cap)


def _relative(order: Order, touch: Touch) -> Decimal:
    near = touch.bid if order.side is Side.BUY else touch.ask
    offset = order.stop_price or near * (order.percent_offset or Decimal(0))
    price = near + order.side.sign * offset
    ticks = order.listing.ticks
    return ticks.down(price) if order.side is Side.BUY else ticks.up(price)
