"""IB's words about orders that go on, or end as they should: 161, 202, 399, 2109, 10147, 10148.

Refusals of orders and modifications are at home in `order_rules`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from apps.domain.orders import OrderType
from apps.paper.exchange.hours import Window
from apps.paper.exchange.orders import OrderSnapshot, Stage

__all__ = [
    "Notice",
    "cancelled",
    "discarded",
    "held_until_open",
    "not_cancellable",
    "on_entry",
    "unknown_order",
]


@dataclass(frozen=True, slots=True)
class Notice:
    """A code and its text."""

    code: int
    text: str


def cancelled(reason: str) -> Notice:
    """Give the acknowledgement of a cancellation."""
    return Notice(202, f"Order Canceled - reason:{reason}")


def discarded(perm_id: int) -> tuple[Notice, Notice]:
    """Give what IB says when an untransmitted order is cancelled: both of these."""
    return (
        cancelled("Order was discarded"),
        Notice(
            161,
            f"Cancel attempted when order is not in a cancellable state. Order permId = {perm_id}",
        ),
    )


def unknown_order(order_id: int) -> Notice:
    """Give the answer to the cancellation of an id that this client never used."""
    return Notice(10147, f"OrderId {order_id} that needs to be cancelled is not found.")


def not_cancellable(snapshot: OrderSnapshot) -> Notice:
    """Give the answer to the cancellation of an order that has ended."""
    return Notice(
        10148,
        f"OrderId {snapshot.order.order_id} that needs to be cancelled can not be cancelled, "
        f"state: {snapshot.status.value}.",
    )


def held_until_open(snapshot: OrderSnapshot, window: Window) -> str:
    """Give the warning on an order that waits for its session, else nothing."""
    if window.is_open or snapshot.stage is Stage.AWAITS_PARENT:
        return ""
    order, zone = snapshot.order, snapshot.order.listing.time_zone
    opens = datetime.fromtimestamp(window.start / 1000, UTC).astimezone(ZoneInfo(zone))
    return (
        f"Order Message:\n{order.side.value} {order.quantity} {order.listing.symbol} "
        f"{order.listing.primary_exchange}\nWarning: your order will not be placed at the exchange "
        f"until {opens:%Y-%m-%d %H:%M:%S} {zone}"
    )


def on_entry(snapshot: OrderSnapshot) -> list[Notice]:
    """Give the warnings that follow the acceptance of an order."""
    found = []
    if snapshot.order.outside_rth and snapshot.order.order_type == OrderType.MARKET.value:
        text = (
            "Order Event Warning:Attribute 'Outside Regular Trading Hours' is ignored based on "
            "the order type and destination. PlaceOrder is now being processed."
        )
        found.append(Notice(2109, text))
    if snapshot.warning:
        found.append(Notice(399, snapshot.warning))
    return found
