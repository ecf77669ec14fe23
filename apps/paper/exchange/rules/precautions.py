"""Slips of the hand: prices too far through the market, sizes and values too large.

Pure rules for one order at one moment. The numbers are `Precautions`; the gateway's own checks
refuse (109, 163, 164, 382, 383, 451), the servers' band caps a limit or has the order cancelled.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from apps.domain.orders import Side
from apps.paper.exchange.orders import Order, OrderSnapshot
from apps.paper.exchange.policies import Precautions
from apps.paper.exchange.rules.refusals import Refusal
from apps.paper.feed.market import Touch

__all__ = ["capped", "is_too_far", "refusal_by_precaution"]

_OUT_OF_RANGE = Refusal(
    109,
    "Price is out of the range defined by the Percentage setting at order defaults frame. "
    "The order will not be transmitted.",
)
_WOULD_VIOLATE = Refusal(
    163,
    "The price specified would violate the percentage constraint specified in the default order "
    "settings.",
)
_NO_MARKET = Refusal(164, "There is no market data to check price percent violations.")
_TOO_MANY_TICKS = Refusal(
    382,
    "The price specified violates the number of ticks constraint specified in the default order "
    "settings.",
)
_TOO_LARGE = Refusal(
    383,
    "The size specified violates the size constraint specified in the default order settings.",
)
_PERCENT = Decimal(100)


def refusal_by_precaution(
    order: Order, touch: Touch, precautions: Precautions, *, changes: bool = False
) -> Refusal | None:
    """Say why the gateway's own settings stop an order, or None; ``changes`` a known order."""
    return _refusal_of_size(order, touch, precautions) or _refusal_of_price(
        order, touch, precautions, changes=changes
    )


def is_too_far(order: Order, touch: Touch, precautions: Precautions) -> bool:
    """Tell whether an order's limit lies beyond the servers' band."""
    limit, price = _limit(order), _touched(order.side, touch)
    if limit is None or price <= 0:
        return False
    return _beyond(order.side, limit, price) > price * precautions.band_percent / _PERCENT


def capped(snapshot: OrderSnapshot, touch: Touch, precautions: Precautions) -> OrderSnapshot:
    """Give the order with the band's edge as its cap, or without one where its limit is inside."""
    order = snapshot.order
    if not is_too_far(order, touch, precautions):
        return replace(snapshot, price_cap=None)
    price = _touched(order.side, touch)
    room = price * precautions.band_percent / _PERCENT
    ticks = order.listing.ticks
    edge = ticks.down(price + room) if order.side is Side.BUY else ticks.up(price - room)
    return replace(snapshot, price_cap=edge)


def _refusal_of_size(order: Order, touch: Touch, precautions: Precautions) -> Refusal | None:
    if precautions.size is not None and order.quantity > precautions.size:
        return _TOO_LARGE
    if precautions.value is None:
        return None
    price = _limit(order) or _touched(order.side, touch)
    value = order.quantity * abs(price) * order.listing.multiplier
    if value <= precautions.value:
        return None
    return Refusal(
        451,
        f"The order's value estimate of {value:.2f} {order.listing.currency} exceeds the Total "
        f"Value Limit of {precautions.value:.2f} specified in the default order settings.",
    )


def _refusal_of_price(
    order: Order, touch: Touch, precautions: Precautions, *, changes: bool
) -> Refusal | None:
    limit, price = _limit(order), _touched(order.side, touch)
    if limit is None:
        return None
    checks_percent = precautions.price_percent is not None and not order.overrides_price_check
    if price <= 0:
        return _NO_MARKET if checks_percent else None
    beyond = _beyond(order.side, limit, price)
    if checks_percent and beyond * _PERCENT > price * (precautions.price_percent or 0):
        return _WOULD_VIOLATE if changes else _OUT_OF_RANGE
    ticks = precautions.price_ticks
    if ticks is not None and beyond > ticks * order.listing.ticks.increment_at(price):
        return _TOO_MANY_TICKS
    return None


def _limit(order: Order) -> Decimal | None:
    """Give the limit of an order that meets the market with it; a stop's waits for its price."""
    return order.limit_price if order.order_type == "LMT" and not order.legs else None


def _touched(side: Side, touch: Touch) -> Decimal:
    return touch.ask if side is Side.BUY else touch.bid


def _beyond(side: Side, limit: Decimal, price: Decimal) -> Decimal:
    """Give how far a limit goes through the market; below zero while it stays outside."""
    return side.sign * (limit - price)
