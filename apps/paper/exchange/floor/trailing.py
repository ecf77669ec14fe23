"""Trailing stops: where one starts, how it follows the market, what it is when it is elected.

Pure rules for one order. The stop goes with the market when that moves in the order's favour and
stands still otherwise; it is never worse for having waited. Prices come on the listing's tick,
rounded away from the market, so that a trailing distance is never shorter than what was asked.

IB does not say whether each step of a trailing stop is told; here none is by itself: where it
stands is in the next openOrder, whatever that is sent for.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from apps.domain.orders import Side
from apps.paper.exchange.behaviour import Limit
from apps.paper.exchange.orders import Order, OrderSnapshot

__all__ = ["trailed"]

_PERCENT = Decimal(100)


def trailed(snapshot: OrderSnapshot, price: Decimal | None) -> OrderSnapshot:
    """Give the order after the market was at ``price``; the same value when it stays put.

    Before its first price an order takes the stop that it came with, or ``price`` less its
    distance (a buy: plus).
    """
    order, stop = snapshot.order, snapshot.trail_stop
    if stop is None:
        stop = order.trail_stop_price
    if price is not None:
        wanted = _stop_behind(order, price)
        stop = wanted if stop is None else _better(order.side, stop, wanted)
    if stop is None or stop == snapshot.trail_stop:
        return snapshot
    return replace(snapshot, trail_stop=stop, found_limit=_limit_at(order, stop))


def _stop_behind(order: Order, price: Decimal) -> Decimal:
    if order.trailing_percent is not None:
        distance = price * order.trailing_percent / _PERCENT
    else:
        distance = order.stop_price or Decimal(0)
    ticks = order.listing.ticks
    if order.side is Side.BUY:
        return ticks.up(price + distance)
    return ticks.down(price - distance)


def _better(side: Side, stop: Decimal, other: Decimal) -> Decimal:
    return min(stop, other) if side is Side.BUY else max(stop, other)


def _limit_at(order: Order, stop: Decimal) -> Decimal | None:
    """Give a trailing stop limit's limit: as far from the stop as the client said, or set out."""
    if order.behaviour.limit is not Limit.TRAILING:
        return None
    offset = order.limit_price_offset
    if offset is None:
        offset = _offset_set_out(order)
    return stop + order.side.sign * offset


def _offset_set_out(order: Order) -> Decimal:
    if order.limit_price is None or order.trail_stop_price is None:
        return Decimal(0)
    return order.side.sign * (order.limit_price - order.trail_stop_price)
