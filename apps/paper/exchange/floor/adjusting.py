"""Adjustable stops: what a stop becomes once the market has gone far enough its way.

Pure rules for one order. The order keeps its ids, its size and what it has; only its type and
prices change, once.
"""

from __future__ import annotations

from dataclasses import replace

from apps.paper.exchange.floor.triggers import Direction, direction_of
from apps.paper.exchange.orders import Adjustment, Order, OrderSnapshot

__all__ = ["adjusted", "adjusts_on"]


def adjusts_on(snapshot: OrderSnapshot) -> Direction | None:
    """Give which way the market must go for the adjustment; None when there is none to come."""
    if snapshot.order.adjustment is None or snapshot.adjusted:
        return None
    return direction_of(snapshot.order).opposite


def adjusted(snapshot: OrderSnapshot, adjustment: Adjustment) -> OrderSnapshot:
    """Give the order as the stop that it becomes."""
    return replace(
        snapshot,
        order=_become(snapshot.order, adjustment),
        adjusted=True,
        trail_stop=None,
        found_limit=None,
    )


def _become(order: Order, adjustment: Adjustment) -> Order:
    became = replace(order, order_type=adjustment.order_type)
    if not became.behaviour.trails:
        return replace(
            became,
            stop_price=adjustment.stop_price or order.stop_price,
            limit_price=adjustment.stop_limit_price or order.limit_price,
        )
    amount = adjustment.trailing_amount
    by_percent = adjustment.trails_by_percent
    return replace(
        became,
        stop_price=None if by_percent else amount,
        trailing_percent=amount if by_percent else None,
        trail_stop_price=adjustment.stop_price or order.stop_price,
    )
