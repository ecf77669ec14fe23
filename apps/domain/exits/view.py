"""What the exit routine is told: our orders in one symbol with their roles, and what may be closed.

At home here: facts, and what follows from them alone. What to do about them is decided in
`apps.domain.exits.routine`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from apps.domain.orders import OrderState, OrderStatus, Side
from apps.domain.quotes import Quote
from apps.domain.ticks import TickRule

__all__ = ["ExitOrder", "ExitRole", "ExitView"]

_ZERO = Decimal(0)


class ExitRole(Enum):
    """What an order is for."""

    ENTRY = "entry"
    TAKE_PROFIT = "take-profit"
    STOP = "stop"
    MARKET = "closing order"
    """Sent by this routine."""


@dataclass(frozen=True, slots=True)
class ExitOrder:
    """One order of ours with its role, and what it ``traded`` by its executions, not its status.

    Executions reach back to midnight only, and an exit lives longer: what it had filled before
    they begin is in ``traded`` too.
    """

    role: ExitRole
    order: OrderState
    traded: Decimal = _ZERO

    @property
    def order_id(self) -> int:
        """The id by which the order is changed or cancelled."""
        return self.order.order_id

    @property
    def left(self) -> Decimal:
        """Shares that it could still trade, by whichever source is ahead."""
        return self.order.quantity - max(self.order.filled, self.traded)

    @property
    def is_over(self) -> bool:
        """Nothing more can come of it.

        Inactive is a rejection, unless the order is held for something (a locate).
        """
        status = self.order.status
        rejected = status is OrderStatus.INACTIVE and not self.order.why_held
        return status.is_done or rejected or self.left <= 0


@dataclass(frozen=True, slots=True)
class ExitView:
    """All that is known of one symbol now.

    ``ours`` is our signed quantity by executions. ``account_position`` is the account's signed
    quantity, asked for *after* the newest of our executions; None while that answer is awaited,
    for an older one could hide a position of ours. ``orders`` are all orders of ours in the
    symbol, those that are over included, with the market orders that this routine sent.
    ``mark`` is the newest price known, for want of a quote.
    """

    symbol: str
    ticks: TickRule
    ours: Decimal
    account_position: Decimal | None
    orders: tuple[ExitOrder, ...]
    quote: Quote | None = None
    mark: Decimal | None = None

    @property
    def closable(self) -> Decimal:
        """Shares that may be closed: min(ours, the account's), 0 where the sides differ."""
        position = self.account_position
        if position is None or position * self.ours <= 0:
            return _ZERO
        return min(abs(self.ours), abs(position))

    @property
    def closing_side(self) -> Side:
        """The side that makes our position smaller."""
        return Side.SELL if self.ours > 0 else Side.BUY
