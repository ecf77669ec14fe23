"""IB's words about orders that go on, or end as they should.

161, 202, 399, 404, 2109, 2137, 10147, 10148, 10329, 10349. Refusals of orders and modifications
are at home in `order_rules` and `change_rules`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from apps.domain.orders import Side
from apps.paper.exchange.hours import Window
from apps.paper.exchange.orders import OrderSnapshot, Stage
from apps.paper.exchange.rules.forex_lots import odd_lot_warning
from apps.paper.exchange.rules.venues import ExtendedHours, extended_hours_of

__all__ = [
    "CROSSES_SIDES",
    "TIF_WAS_SET",
    "Notice",
    "cancelled",
    "directly_routed",
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


TIF_WAS_SET = Notice(10349, "Order TIF was set to DAY based on order preset.")
"""The order is live all the same."""
CROSSES_SIDES = Notice(2137, "The closing order quantity is greater than your current position.")
_OUTSIDE_RTH_IGNORED = Notice(
    2109,
    "Order Event Warning:Attribute 'Outside Regular Trading Hours' is ignored based on the order "
    "type and destination. PlaceOrder is now being processed.",
)
_AWAITS_SHARES = Notice(
    404,
    "Shares for this order are not immediately available for short sale. The order will be held "
    "while we attempt to locate the shares.",
)


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


def directly_routed(destination: str) -> Notice:
    """Give the warning on an order that names an exchange of its own."""
    return Notice(10329, f"This order will be directly routed to {destination}.")


def on_entry(snapshot: OrderSnapshot) -> list[Notice]:
    """Give the warnings that follow the acceptance of an order."""
    found, order = [], snapshot.order
    if order.outside_rth and extended_hours_of(order) is ExtendedHours.IGNORED:
        found.append(_OUTSIDE_RTH_IGNORED)
    if snapshot.stage is Stage.AWAITS_LOCATE:
        found.append(_AWAITS_SHARES)
    if snapshot.price_cap is not None:
        found.append(Notice(2161, _cap_warning(order.side, snapshot.price_cap)))
    texts = (snapshot.warning, odd_lot_warning(order))
    return found + [Notice(399, text) for text in texts if text]


def _cap_warning(side: Side, cap: Decimal) -> str:
    more_or_less = "less" if side is Side.BUY else "more"
    return (
        "In accordance with our regulatory obligations as a broker, we will initially cap (or "
        f"limit) the price of your Limit Order to {cap} or {more_or_less}."
    )
