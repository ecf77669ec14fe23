"""An intent that may not be over yet, as the journal knows it: flat values, nothing concluded.

What a restart begins from. The executions are those that hold, corrections applied, with what was
reported of their commissions.
"""

from __future__ import annotations

from dataclasses import dataclass

from apps.domain.orders import Fill, OrderState, OrderType, Ticket, TimeInForce
from apps.domain.records import IntentReserved, OrderReserved, OrderSeen

__all__ = ["OpenIntent", "OpenOrder"]


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """One order of an intent: what was to be sent, and the last that the broker said of it."""

    reserved: OrderReserved
    seen: OrderSeen | None = None
    notice: tuple[int, str] | None = None

    @property
    def ticket(self) -> Ticket:
        """What was to be sent. Raises ValueError for a word that this version does not know."""
        order = self.reserved
        return Ticket(
            side=order.side,
            quantity=order.quantity,
            order_type=OrderType(order.order_type),
            limit_price=order.limit_price,
            stop_price=order.stop_price,
            time_in_force=TimeInForce(order.time_in_force),
            order_ref=order.order_ref,
        )

    def state(self, account: str) -> OrderState | None:
        """Give the order as the broker last told it; None while it never did."""
        order, seen = self.reserved, self.seen
        if seen is None:
            return None
        return OrderState(
            order_id=order.order_id,
            perm_id=seen.perm_id,
            client_id=order.client_id,
            account=account,
            con_id=order.con_id,
            symbol=order.symbol,
            side=order.side,
            quantity=seen.quantity,
            order_type=order.order_type,
            limit_price=seen.limit_price,
            stop_price=seen.stop_price,
            time_in_force=order.time_in_force,
            order_ref=order.order_ref,
            parent_id=order.parent_id,
            oca_group="",
            status=seen.status,
            filled=seen.filled,
            remaining=seen.remaining,
            avg_fill_price=seen.avg_fill_price,
            why_held=seen.why_held,
            warning=seen.warning,
        )


@dataclass(frozen=True, slots=True)
class OpenIntent:
    """An intent, its orders in the order of sending, and its executions in order of time."""

    intent: IntentReserved
    orders: tuple[OpenOrder, ...]
    fills: tuple[Fill, ...] = ()
