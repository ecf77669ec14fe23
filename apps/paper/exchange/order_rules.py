"""Which orders are taken at all: one table of rules, each with IB's code and its sentence.

The first rule that an order breaks refuses it. These rules look at one order by itself, its
listing and what the exchange knows of ids; money is weighed later, in `margin`. What a
modification may change is the second table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from apps.domain.orders import OrderType, TimeInForce
from apps.paper.exchange.orders import LIMIT_TYPES, STOP_TYPES, Order, OrderSnapshot, Stage

__all__ = [
    "KINSHIP_IS_FIXED",
    "MAX_WORKING_PER_SIDE",
    "WHAT_IF_NEEDS_TRANSMIT",
    "Refusal",
    "Surroundings",
    "refusal_of_change",
    "refusal_of_new",
    "rejection",
]

MAX_WORKING_PER_SIDE = 15
"""Working orders per contract, side and account; a bracket's children count."""

_ORDER_TYPES = frozenset(kind.value for kind in OrderType)
_TIMES_IN_FORCE = frozenset(kind.value for kind in TimeInForce)


@dataclass(frozen=True, slots=True)
class Refusal:
    """IB's code and text. ``leaves_order`` tells that an Inactive order stays behind (201)."""

    code: int
    text: str
    leaves_order: bool = False


KINSHIP_IS_FIXED = Refusal(105, "Order being modified does not match original order.")
"""A held order was sent again with another parent or group."""
WHAT_IF_NEEDS_TRANSMIT = Refusal(413, "What-if order should have the transmit flag set to true.")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the exchange knows that decides about a new order."""

    accounts: frozenset[str]
    highest_order_id: int
    parent: OrderSnapshot | None
    working_on_side: int


@dataclass(frozen=True, slots=True)
class _Rule:
    broken: Callable[[Order, Surroundings], bool]
    code: int
    text: str
    on_change: int | None = None
    """Code when a modification breaks the rule; None where a modification cannot."""


def rejection(reason: str) -> Refusal:
    """Give IB's 201, which leaves an Inactive order behind."""
    return Refusal(201, f"Order rejected - reason:{reason}", leaves_order=True)


def _id_is_old(order: Order, around: Surroundings) -> bool:
    return order.order_id <= around.highest_order_id


def _account_is_unknown(order: Order, around: Surroundings) -> bool:
    return order.account not in around.accounts


def _cannot_be_traded_yet(order: Order, _: Surroundings) -> bool:
    return order.listing.sec_type != "STK" or order.listing.currency != "USD"


def _type_is_unsupported(order: Order, _: Surroundings) -> bool:
    return order.order_type not in _ORDER_TYPES


def _clashes_with_tif(order: Order, _: Surroundings) -> bool:
    waits = order.order_type in STOP_TYPES
    tif = order.time_in_force
    return tif not in _TIMES_IN_FORCE or (waits and tif == TimeInForce.IOC.value)


def _size_is_zero(order: Order, _: Surroundings) -> bool:
    return order.quantity <= 0


def _size_is_fractional(order: Order, _: Surroundings) -> bool:
    return order.quantity % 1 != 0


def _size_is_too_small(order: Order, _: Surroundings) -> bool:
    return order.quantity < order.listing.min_size


def _size_is_off_step(order: Order, _: Surroundings) -> bool:
    return order.quantity % order.listing.size_increment != 0


def _price_is_missing(order: Order, _: Surroundings) -> bool:
    return any(price is None or price <= 0 for price in _prices(order))


def _price_is_off_tick(order: Order, _: Surroundings) -> bool:
    ticks = order.listing.ticks
    return any(price is not None and not ticks.is_on_tick(price) for price in _prices(order))


def _parent_is_missing(order: Order, around: Surroundings) -> bool:
    if not order.parent_id:
        return False
    parent = around.parent
    return parent is None or not (parent.stage is Stage.HELD or parent.stage.is_alive)


def _too_many_orders(_: Order, around: Surroundings) -> bool:
    return around.working_on_side >= MAX_WORKING_PER_SIDE


def _prices(order: Order) -> tuple[Decimal | None, ...]:
    limit = (order.limit_price,) if order.order_type in LIMIT_TYPES else ()
    stop = (order.stop_price,) if order.order_type in STOP_TYPES else ()
    return limit + stop


_RULES = (
    _Rule(_id_is_old, 103, "Duplicate order id"),
    _Rule(_account_is_unknown, 321, "Error validating request:-'b' : cause - Invalid account code"),
    _Rule(_cannot_be_traded_yet, 460, "No trading permissions for this kind of contract."),
    _Rule(
        _type_is_unsupported,
        387,
        "Unsupported order type for this exchange and security type.",
    ),
    _Rule(
        _clashes_with_tif,
        111,
        "The TIF ({order.time_in_force}) and the order type ({order.order_type}) are incompatible.",
        on_change=111,
    ),
    _Rule(_size_is_zero, 434, "The order size cannot be zero.", on_change=434),
    _Rule(
        _size_is_fractional,
        10243,
        "Fractional-sized order cannot be placed via API. Please use desktop version for it.",
        on_change=10242,
    ),
    _Rule(
        _size_is_too_small,
        388,
        "Order size {order.quantity} is smaller than the minimum required size of "
        "{order.listing.min_size}.",
        on_change=388,
    ),
    _Rule(_size_is_off_step, 355, "Order size does not conform to market rule.", on_change=355),
    _Rule(
        _price_is_missing,
        321,
        "Error validating request:-'b' : cause - A price that this order type needs is missing "
        "or not above zero",
        on_change=321,
    ),
    _Rule(
        _price_is_off_tick,
        110,
        "The price does not conform to the minimum price variation for this contract.",
        on_change=110,
    ),
    _Rule(_parent_is_missing, 10006, "Missing parent order"),
)


def refusal_of_new(order: Order, around: Surroundings) -> Refusal | None:
    """Say why a new order is refused, or None."""
    for rule in _RULES:
        if rule.broken(order, around):
            return Refusal(rule.code, rule.text.format(order=order))
    if _too_many_orders(order, around):
        return rejection(
            f"A maximum of {MAX_WORKING_PER_SIDE} orders on either the buy or the sell side of the "
            "same contract can be working in an account."
        )
    return None


@dataclass(frozen=True, slots=True)
class _Change:
    """A modification that is refused: what must not differ, and IB's word for it."""

    refused: Callable[[OrderSnapshot, Order], bool]
    code: int
    text: str


def _type_differs(now: OrderSnapshot, wanted: Order) -> bool:
    return wanted.order_type != now.order.order_type


def _parent_differs(now: OrderSnapshot, wanted: Order) -> bool:
    return wanted.parent_id not in (0, now.order.parent_id)


def _oca_group_differs(now: OrderSnapshot, wanted: Order) -> bool:
    return wanted.oca_group not in ("", now.oca_group)


def _oca_type_differs(now: OrderSnapshot, wanted: Order) -> bool:
    return wanted.oca_type not in (0, now.oca_type)


def _identity_differs(now: OrderSnapshot, wanted: Order) -> bool:
    old = now.order
    same = (
        wanted.listing.con_id == old.listing.con_id
        and wanted.side is old.side
        and wanted.account == old.account
        and wanted.outside_rth == old.outside_rth
    )
    return not same or not _tif_may_become(old.time_in_force, wanted.time_in_force)


def _tif_may_become(old: str, new: str) -> bool:
    return new == old or (old, new) == (TimeInForce.DAY.value, TimeInForce.IOC.value)


def _size_is_below_filled(now: OrderSnapshot, wanted: Order) -> bool:
    return 0 < wanted.quantity < now.filled


def _is_filled(now: OrderSnapshot, _: Order) -> bool:
    return now.stage is Stage.FILLED


def _has_ended(now: OrderSnapshot, _: Order) -> bool:
    return now.stage.is_done


_CHANGES = (
    _Change(_is_filled, 104, "Cannot modify a filled order."),
    _Change(_has_ended, 103, "Duplicate order id"),
    _Change(_type_differs, 329, "Order modify failed. Cannot change to the new order type."),
    _Change(_parent_differs, 10341, "Parent order id cannot be revised."),
    _Change(_oca_group_differs, 10326, "OCA group revision is not allowed."),
    _Change(_oca_type_differs, 10327, "OCA type revision is not allowed."),
    _Change(_identity_differs, KINSHIP_IS_FIXED.code, KINSHIP_IS_FIXED.text),
    _Change(
        _size_is_below_filled,
        104,
        "Cannot modify a filled order: more than the new size has traded.",
    ),
)


def refusal_of_change(now: OrderSnapshot, wanted: Order, around: Surroundings) -> Refusal | None:
    """Say why a modification is refused, or None. The order is unaffected by a refusal."""
    for change in _CHANGES:
        if change.refused(now, wanted):
            return Refusal(change.code, change.text)
    for rule in _RULES:
        if rule.on_change is not None and rule.broken(wanted, around):
            return Refusal(rule.on_change, rule.text.format(order=wanted))
    return None
