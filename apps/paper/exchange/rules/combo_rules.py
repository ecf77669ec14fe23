"""Which combinations are taken: their legs must be there, tradable, and in one currency."""

from __future__ import annotations

from apps.paper.exchange.orders import OCA_REDUCE, Order
from apps.paper.exchange.rules.refusals import Refusal
from apps.paper.exchange.rules.venues import rules_of
from apps.paper.instruments.legs import Leg

__all__ = ["refusal_of_combo"]

_SMART = frozenset({"", "SMART"})
_FEWEST_LEGS = 2


def refusal_of_combo(order: Order) -> Refusal | None:
    """Say why a combination is refused, or None; None too for an order that is none."""
    if not order.legs:
        is_bag = order.listing.sec_type == "BAG"
        return Refusal(314, "Security type 'BAG' requires combo leg details.") if is_bag else None
    if len(order.legs) < _FEWEST_LEGS:
        return Refusal(312, "The combo details are invalid.")
    for leg in order.legs:
        if not _is_sound(leg):
            return Refusal(313, f"The combo details for leg '{leg.listing.symbol}' are invalid.")
    if len({leg.listing.currency for leg in order.legs}) > 1:
        return Refusal(10000, "Cross currency combo error.")
    return _refusal_of_routing(order)


def _is_sound(leg: Leg) -> bool:
    return leg.ratio > 0 and bool(rules_of(leg.listing).order_types)


def _refusal_of_routing(order: Order) -> Refusal | None:
    has_stock = any(leg.listing.sec_type == "STK" for leg in order.legs)
    if has_stock and order.instructions.destination not in _SMART:
        return Refusal(315, "Stock combo legs are restricted to SMART order routing.")
    if order.oca_group and order.oca_type not in (0, OCA_REDUCE):
        return Refusal(359, "Combo order only supports reduce on fill without block(OCA).")
    return None
