"""What the desk counts with at a broker: its intents, with their orders and executions.

Flat values, put together by the engine from its trades; what is made of them beside a broker's
answers stands in `apps.domain.reconciling.reconciliation`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from apps.domain.orders import Fill, OrderStatus, Side

__all__ = ["ExpectedIntent", "ExpectedOrder"]

_UNANSWERED = frozenset({None, OrderStatus.API_PENDING, OrderStatus.PENDING_SUBMIT})


@dataclass(frozen=True, slots=True)
class ExpectedOrder:
    """An order that we count with. ``status`` is the broker's last word, None before the first.

    ``filled`` is by executions; one that ``is_over`` is not looked for any more.
    ``parent_id`` is 0 for the entry, and for an exit that was sent by itself, after it.
    """

    order_ref: str
    client_id: int
    order_id: int
    perm_id: int
    parent_id: int
    is_entry: bool
    con_id: int
    symbol: str
    side: Side
    order_type: str
    quantity: Decimal
    limit_price: Decimal | None
    stop_price: Decimal | None
    time_in_force: str
    status: OrderStatus | None
    filled: Decimal
    sent_at: datetime | None
    is_over: bool

    @property
    def was_answered(self) -> bool:
        """The broker has shown that it has, or had, the order."""
        return self.perm_id != 0 or self.filled > 0 or self.status not in _UNANSWERED

    @property
    def name(self) -> tuple[str, int]:
        """The intent's reference and the order id."""
        return self.order_ref, self.order_id

    @property
    def key(self) -> tuple[int, int]:
        """Client and order id."""
        return self.client_id, self.order_id


@dataclass(frozen=True, slots=True)
class ExpectedIntent:
    """An intent of ours; ``open_quantity`` is what was entered and not exited.

    Of one that ``is_over`` nothing is missed any more; what the broker tells of it counts.
    """

    order_ref: str
    symbol: str
    con_id: int
    side: Side
    orders: tuple[ExpectedOrder, ...]
    fills: tuple[Fill, ...]
    open_quantity: Decimal
    at: datetime | None
    is_over: bool = False
