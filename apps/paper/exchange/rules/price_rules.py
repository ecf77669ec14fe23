"""Whether an order's prices and amounts make sense: there, above zero, and on the tick.

One table by idea; which prices a type needs is read from its `Behaviour`. How far a price may be
from the market is not at home here (`precautions`).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from apps.paper.exchange.behaviour import Limit
from apps.paper.exchange.orders import Adjustment, Order
from apps.paper.exchange.rules.refusals import Refusal

__all__ = ["refusal_of_prices"]

_MISSING = Refusal(
    321,
    "Error validating request:-'b' : cause - A price that this order type needs is missing "
    "or not above zero",
)
_OFF_TICK = Refusal(
    110, "The price does not conform to the minimum price variation for this contract."
)
_NO_AMOUNT = Refusal(158, "You must specify an offset amount or a percent offset value.")
_BAD_PERCENT = Refusal(159, "The percent offset value must be between 0% and 100%.")
_TWO_LIMITS = Refusal(
    321,
    "Error validating request:-'b' : cause - A trailing stop limit takes a limit price or a limit "
    "price offset, not both",
)
_NO_LIMIT = Refusal(
    321,
    "Error validating request:-'b' : cause - A trailing stop limit needs a limit price offset, or "
    "a limit price with its trailing stop price",
)
_HUNDRED = Decimal(100)


def refusal_of_prices(order: Order) -> Refusal | None:
    """Say why an order's prices are refused, or None. Its type must be one that there is."""
    return (
        _refusal_of_missing(order)
        or _refusal_of_trail(order)
        or _refusal_of_offsets(order)
        or _refusal_of_ticks(order)
        or (_refusal_of_adjustment(order, order.adjustment) if order.adjustment else None)
    )


def _needed(order: Order) -> Iterator[Decimal | None]:
    traits = order.behaviour
    if traits.needs_limit_price:
        yield order.limit_price
    if traits.needs_trigger_price:
        yield order.stop_price


def _refusal_of_missing(order: Order) -> Refusal | None:
    for price in _needed(order):
        # a combination may well cost nothing, or be paid for being bought
        if price is None or (price <= 0 and not order.legs):
            return _MISSING
    return None


def _refusal_of_trail(order: Order) -> Refusal | None:
    if not order.behaviour.trails:
        return None
    if order.trailing_percent is None and not order.stop_price:
        return _NO_AMOUNT
    if order.stop_price is not None and order.stop_price < 0:
        return _NO_AMOUNT
    if order.behaviour.limit is Limit.TRAILING:
        return _refusal_of_trailing_limit(order)
    return None


def _refusal_of_trailing_limit(order: Order) -> Refusal | None:
    if order.limit_price_offset is not None:
        return _TWO_LIMITS if order.limit_price else None
    return None if order.limit_price and order.trail_stop_price else _NO_LIMIT


def _refusal_of_offsets(order: Order) -> Refusal | None:
    percent, fraction = order.trailing_percent, order.percent_offset
    if percent is not None and not 0 < percent < _HUNDRED:
        return _BAD_PERCENT
    if order.order_type == "REL" and fraction is not None and not 0 <= fraction <= 1:
        return _BAD_PERCENT
    return None


def _refusal_of_ticks(order: Order) -> Refusal | None:
    prices = [*_needed(order)]
    if order.behaviour.trails:
        prices.append(order.trail_stop_price)
    if order.behaviour.limit not in (Limit.NONE, Limit.OWN):
        prices.append(order.limit_price)
    is_off = any(price is not None and not _is_on_tick(order, price) for price in prices)
    return _OFF_TICK if is_off else None


def _is_on_tick(order: Order, price: Decimal) -> bool:
    return order.listing.ticks.is_on_tick(abs(price))


def _refusal_of_adjustment(order: Order, adjustment: Adjustment) -> Refusal | None:
    """Judge an adjustable stop, by IB's codes for each of its prices."""
    kind = adjustment.order_type
    if kind not in _ADJUSTED_TYPES or not order.behaviour.needs_trigger_price:
        return Refusal(387, "Unsupported order type for this exchange and security type.")
    if not _is_price(order, adjustment.trigger_price):
        return Refusal(361, "Invalid trigger price.")
    if not _is_price(order, adjustment.stop_price):
        return Refusal(362, "Invalid adjusted stop price.")
    if kind == "STP LMT" and not _is_price(order, adjustment.stop_limit_price):
        return Refusal(363, "Invalid adjusted stop limit price.")
    if kind == "TRAIL" and not (adjustment.trailing_amount and adjustment.trailing_amount > 0):
        return Refusal(364, "Invalid adjusted trailing amount.")
    return None


_ADJUSTED_TYPES = frozenset({"STP", "STP LMT", "TRAIL"})


def _is_price(order: Order, price: Decimal | None) -> bool:
    return price is not None and price > 0 and _is_on_tick(order, price)
