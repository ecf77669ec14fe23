"""What a modification may change: the second table of rules, and the order that comes of one.

A refused modification leaves the order as it was. What may change without a word: size, prices,
trailing amounts and offsets, the date of a GTD order, and DAY to IOC; the rest is a `Revision`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from apps.paper.exchange.orders import Order, OrderSnapshot, Stage
from apps.paper.exchange.policies import Revision
from apps.paper.exchange.rules.order_rules import Surroundings, refusal_of_wish
from apps.paper.exchange.rules.refusals import KINSHIP_IS_FIXED, Refusal

__all__ = ["changed", "refusal_of_change"]


@dataclass(frozen=True, slots=True)
class _Change:
    """A modification that is refused: what must not differ, and IB's word for it."""

    refused: Callable[[OrderSnapshot, Order], bool]
    code: int
    text: str


def _is_filled(now: OrderSnapshot, _: Order) -> bool:
    return now.stage is Stage.FILLED


def _has_ended(now: OrderSnapshot, _: Order) -> bool:
    return now.stage.is_done


def _type_differs(now: OrderSnapshot, wanted: Order) -> bool:
    return wanted.order_type != now.order.order_type


def _parent_differs(now: OrderSnapshot, wanted: Order) -> bool:
    return wanted.parent_id not in (0, now.order.parent_id)


def _oca_group_differs(now: OrderSnapshot, wanted: Order) -> bool:
    # a client that modifies what it read from openOrder sends the broker's own group back
    return wanted.oca_group not in ("", now.oca_group, now.order.oca_group)


def _oca_type_differs(now: OrderSnapshot, wanted: Order) -> bool:
    return wanted.oca_type not in (0, now.oca_type, now.order.oca_type)


def _algo_differs(now: OrderSnapshot, wanted: Order) -> bool:
    old, new = now.order.instructions, wanted.instructions
    return (old.algo_strategy, old.algo_params) != (new.algo_strategy, new.algo_params)


def _identity_differs(now: OrderSnapshot, wanted: Order) -> bool:
    old = now.order
    return not (
        wanted.listing.con_id == old.listing.con_id
        and wanted.side is old.side
        and wanted.account == old.account
        and wanted.legs == old.legs
        and wanted.good_after in (None, old.good_after)
    )


def _terms_differ(now: OrderSnapshot, wanted: Order) -> bool:
    old = now.order
    same = wanted.outside_rth == old.outside_rth and wanted.conditions == old.conditions
    return not same or not _tif_may_become(old.time_in_force, wanted.time_in_force)


def _tif_may_become(old: str, new: str) -> bool:
    return new == old or (old, new) == ("DAY", "IOC")


def _size_is_below_filled(now: OrderSnapshot, wanted: Order) -> bool:
    return 0 < wanted.quantity < now.filled


_CHANGES = (
    _Change(_is_filled, 104, "Cannot modify a filled order."),
    _Change(_has_ended, 103, "Duplicate order id"),
    _Change(_type_differs, 329, "Order modify failed. Cannot change to the new order type."),
    _Change(_algo_differs, 440, "Order modify failed. Algorithm cannot be modified."),
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
    """Say why a modification is refused, or None."""
    for change in _CHANGES:
        if change.refused(now, wanted):
            return Refusal(change.code, change.text)
    if around.policy.revision is Revision.DOCUMENTED and _terms_differ(now, wanted):
        return KINSHIP_IS_FIXED
    return refusal_of_wish(wanted, around, changes=True)


def changed(now: OrderSnapshot, wanted: Order) -> OrderSnapshot:
    """Give the order after a modification that was not refused.

    A trailing stop whose distance is another one begins anew where the market stands; one that
    merely gets back what openOrder showed goes on.
    """
    order = replace(
        now.order,
        quantity=wanted.quantity,
        limit_price=wanted.limit_price,
        stop_price=wanted.stop_price,
        trail_stop_price=wanted.trail_stop_price,
        trailing_percent=wanted.trailing_percent,
        limit_price_offset=wanted.limit_price_offset,
        percent_offset=wanted.percent_offset,
        adjustment=wanted.adjustment,
        time_in_force=wanted.time_in_force,
        good_till=wanted.good_till,
        outside_rth=wanted.outside_rth,
        conditions=wanted.conditions,
        overrides_price_check=wanted.overrides_price_check,
        wire=wanted.wire,
    )
    after = replace(now, order=order, rested_since=None)
    return replace(after, trail_stop=None, found_limit=None) if _trails_anew(now, wanted) else after


def _trails_anew(now: OrderSnapshot, wanted: Order) -> bool:
    old = now.order
    distance = (old.stop_price, old.trailing_percent, old.limit_price_offset)
    if distance != (wanted.stop_price, wanted.trailing_percent, wanted.limit_price_offset):
        return old.behaviour.trails
    return wanted.trail_stop_price not in (None, old.trail_stop_price, now.trail_stop)
