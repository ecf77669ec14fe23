"""Which orders are taken at all: one table of rules, each with IB's code and its sentence.

The first rule that a new order breaks refuses it. These rules look at one order by itself, its
listing and what the exchange knows of ids; those of an idea of its own stand in modules of their
own (`price_rules`, `attribute_rules`, `algos`, `combo_rules`, `venues`). Money is weighed later, in
`margin`; what a modification may change is in `change_rules`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from apps.paper.exchange.orders import Order, OrderSnapshot, Stage
from apps.paper.exchange.policies import ExchangePolicy, OcaReuse
from apps.paper.exchange.rules.algos import refusal_of_algo
from apps.paper.exchange.rules.attribute_rules import refusal_of_attributes
from apps.paper.exchange.rules.combo_rules import refusal_of_combo
from apps.paper.exchange.rules.price_rules import refusal_of_prices
from apps.paper.exchange.rules.refusals import Refusal, rejection
from apps.paper.exchange.rules.venues import (
    CLOSING_TYPES,
    ExtendedHours,
    clashes,
    extended_hours_of,
    rules_for,
)
from apps.paper.feed.market import Millis

__all__ = ["Surroundings", "refusal_of_new", "refusal_of_wish"]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the exchange knows that decides about an order.

    ``can_book`` tells that the account has rates for what the order would move. ``most_on_side``
    is how many orders may work on one side of a contract, None for any number.
    ``group_has_traded`` tells that something of the OCA group that the order names has traded.
    """

    accounts: frozenset[str]
    highest_order_id: int
    parent: OrderSnapshot | None
    working_on_side: int
    now: Millis
    policy: ExchangePolicy
    can_book: bool = True
    most_on_side: int | None = None
    group_has_traded: bool = False


_Test = Callable[[Order, Surroundings], bool]


@dataclass(frozen=True, slots=True)
class _Rule:
    broken: _Test
    code: int
    text: str
    on_change: int | None = None
    """Code when a modification breaks the rule; None where a modification cannot."""


# -- who, and what for -----------------------------------------------------------------------------


def _id_is_old(order: Order, around: Surroundings) -> bool:
    return not order.manual and order.order_id <= around.highest_order_id


def _account_is_missing(order: Order, _: Surroundings) -> bool:
    return not order.account


def _account_is_unknown(order: Order, around: Surroundings) -> bool:
    return order.account not in around.accounts


def _cannot_be_traded(order: Order, around: Surroundings) -> bool:
    return not around.can_book or not rules_for(order).order_types


def _has_expired(order: Order, around: Surroundings) -> bool:
    last = order.listing.last_trade_date
    if not last:
        return False
    zone = ZoneInfo(order.listing.time_zone)
    return f"{datetime.fromtimestamp(around.now / 1000, zone):%Y%m%d}" > last


# -- type, time in force, hours --------------------------------------------------------------------


def _type_is_unsupported(order: Order, _: Surroundings) -> bool:
    return order.order_type not in rules_for(order).order_types


def _close_is_not_today(order: Order, _: Surroundings) -> bool:
    return order.order_type in CLOSING_TYPES and order.time_in_force != "DAY"


def _clashes_with_tif(order: Order, _: Surroundings) -> bool:
    return clashes(order)


def _good_till_is_over(order: Order, around: Surroundings) -> bool:
    if order.time_in_force != "GTD":
        return False
    return order.good_till is None or order.good_till <= around.now


def _has_no_other_hours(order: Order, _: Surroundings) -> bool:
    return order.outside_rth and extended_hours_of(order) is ExtendedHours.REFUSED


def _cannot_be_conditional(order: Order, _: Surroundings) -> bool:
    if not order.conditions:
        return False
    allowed = _CANCELLED_BY_CONDITION if order.conditions_cancel_order else _CONDITIONAL
    return order.order_type not in allowed


_CONDITIONAL = frozenset({"LMT", "MKT", "MIDPRICE", "REL"})
_CANCELLED_BY_CONDITION = frozenset({"LMT", "MIDPRICE"})


# -- size ------------------------------------------------------------------------------------------


def _size_is_zero(order: Order, _: Surroundings) -> bool:
    return order.quantity <= 0


def _size_is_fractional(order: Order, _: Surroundings) -> bool:
    return order.quantity % 1 != 0


def _size_is_too_small(order: Order, _: Surroundings) -> bool:
    return order.quantity < order.listing.min_size


def _size_is_off_step(order: Order, _: Surroundings) -> bool:
    return order.quantity % order.listing.size_increment != 0


# -- kin -------------------------------------------------------------------------------------------


def _parent_is_missing(order: Order, around: Surroundings) -> bool:
    if not order.parent_id:
        return False
    parent = around.parent
    return parent is None or not (parent.stage is Stage.HELD or parent.stage.is_alive)


def _cannot_trail_its_parent(order: Order, around: Surroundings) -> bool:
    parent = around.parent
    return (
        parent is not None
        and order.behaviour.trails
        and parent.order.order_type not in _TRAILED_PARENTS
    )


_TRAILED_PARENTS = frozenset({"LMT", "STP LMT"})


_FIRST = (
    _Rule(_id_is_old, 103, "Duplicate order id"),
    _Rule(_account_is_missing, 435, "You must specify an account."),
    _Rule(_account_is_unknown, 321, "Error validating request:-'b' : cause - Invalid account code"),
)
"""Whose order it is; a modification has proved that before."""

_RULES = (
    _Rule(_cannot_be_traded, 460, "No trading permissions for this kind of contract."),
    _Rule(_has_expired, 392, "Invalid Order: contract expired."),
    _Rule(
        _type_is_unsupported,
        387,
        "Unsupported order type for this exchange and security type.",
    ),
    _Rule(
        _close_is_not_today,
        113,
        "The Tif option should be set to DAY for MOC and LOC orders.",
        on_change=113,
    ),
    _Rule(
        _clashes_with_tif,
        111,
        "The TIF ({order.time_in_force}) and the order type ({order.order_type}) are incompatible.",
        on_change=111,
    ),
    _Rule(_good_till_is_over, 334, "Invalid Good Till Date order", on_change=334),
    _Rule(
        _has_no_other_hours,
        411,
        'The "Outside Regular Trading Hours" flag is not valid for this order.',
        on_change=411,
    ),
    _Rule(
        _cannot_be_conditional,
        148,
        "Conditional submission of orders is supported for Limit, Market, MidPrice, Relative and "
        "Snap order types only. Conditional cancelation of orders is supported for Limit and "
        "MidPrice order types only.",
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
)

_KINSHIP = (
    _Rule(_parent_is_missing, 10006, "Missing parent order"),
    _Rule(
        _cannot_trail_its_parent,
        328,
        "Trailing stop orders can be attached to limit or stop-limit orders only.",
    ),
)


def refusal_of_new(order: Order, around: Surroundings) -> Refusal | None:
    """Say why a new order is refused, or None."""
    return (
        _broken(_FIRST, order, around)
        or refusal_of_attributes(order)
        or refusal_of_combo(order)
        or refusal_of_wish(order, around)
        or _broken(_KINSHIP, order, around)
        or _rejection_of_company(around)
    )


def refusal_of_wish(order: Order, around: Surroundings, *, changes: bool = False) -> Refusal | None:
    """Say why what an order wants is refused, whoever its kin are; ``changes`` a known order."""
    return (
        _broken(_RULES, order, around, changes=changes)
        or (None if changes else refusal_of_algo(order.instructions, order.order_type))
        or refusal_of_prices(order)
    )


def _broken(
    rules: tuple[_Rule, ...], order: Order, around: Surroundings, *, changes: bool = False
) -> Refusal | None:
    for rule in rules:
        code = rule.on_change if changes else rule.code
        if code is not None and rule.broken(order, around):
            return Refusal(code, rule.text.format(order=order))
    return None


def _rejection_of_company(around: Surroundings) -> Refusal | None:
    """Reject one order more than may work, or one for a group that has done its work."""
    most = around.most_on_side
    if most is not None and around.working_on_side >= most:
        return rejection(
            f"A maximum of {most} orders on either the buy or the sell side of the same contract "
            "can be working in an account."
        )
    if around.group_has_traded and around.policy.oca_reuse is OcaReuse.REJECTED:
        return rejection("OCA group is already filled")
    return None
