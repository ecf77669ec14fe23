"""One order of a trade: what was asked for, what the broker says of it, what was filled.

Here is how the broker's words about a single order are to be read. What several of them come to
together stands in `apps.engine.orders.trades`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from apps.domain.orders import Bracket, OrderState, OrderStatus, Ticket

__all__ = ["Leg", "LegRole", "roles_of"]

_REFUSALS = frozenset(
    {103, 106, 107, 109, 110, 111, 113, 154, 163, 164, 200, 201, 203, 355, 382, 383, 387, 388}
) | {411, 413, 434, 435, 436, 451, 460, 10006, 10243}
"""IB's codes that end a new order. They mean less for one that works: there the status decides."""

_UNANSWERED = (OrderStatus.API_PENDING, OrderStatus.PENDING_SUBMIT)


class LegRole(Enum):
    """What an order is to its trade; the value is shown beside a fill."""

    ENTRY = "entry"
    TAKE_PROFIT = "take-profit"
    STOP_LOSS = "stop"
    EXIT = "exit"
    """An order of the exit routine, sent later."""
    CORRECTION = "correction"
    """An order of the guard's that takes back what exits have traded too much."""


def roles_of(bracket: Bracket) -> tuple[LegRole, ...]:
    """Give what each order of a bracket is to it, in the order of ``bracket.legs``."""
    exits = (
        (LegRole.TAKE_PROFIT, bracket.take_profit),
        (LegRole.STOP_LOSS, bracket.stop_loss),
    )
    return (LegRole.ENTRY, *[role for role, ticket in exits if ticket is not None])


@dataclass(slots=True)
class Leg:
    """One order of a trade: what was asked for, what the broker says, what was filled."""

    role: LegRole
    order_id: int
    ticket: Ticket
    order: OrderState | None = None
    filled: Decimal = Decimal(0)
    value: Decimal = Decimal(0)
    notice: tuple[int, str] | None = None
    """The last thing that the broker said of it: IB's code and text."""
    is_missing: bool = False
    """The broker's open orders do not list it, though its end was not told."""
    is_void: bool = False
    """It was looked for everywhere, twice, and the broker never had it."""

    @property
    def is_over(self) -> bool:
        """Nothing more will be filled, and every execution of it is here."""
        asked = self.ticket.quantity if self.order is None else self.order.quantity
        if self.filled >= asked:
            return True
        if self.order is None:
            return self.has_ended
        if self.order.status is OrderStatus.FILLED:
            return False  # its executions are late; openOrder says it before any number is told
        return self.has_ended and self.filled >= self.order.filled

    @property
    def lacks_executions(self) -> bool:
        """The broker counts more as filled than the executions that are here add up to."""
        if self.order is None:
            return False
        is_all = self.order.status is OrderStatus.FILLED
        return self.filled < (self.order.quantity if is_all else self.order.filled)

    @property
    def is_filled(self) -> bool:
        """All that was asked for is filled."""
        return self.filled >= self.ticket.quantity

    @property
    def is_held_for_locate(self) -> bool:
        """It waits at the broker until shares are found that can be borrowed (404)."""
        is_held = self.order is not None and "locate" in self.order.why_held
        return is_held and not self.has_ended

    @property
    def has_ended(self) -> bool:
        """Nothing more will come of the order."""
        if self.is_void or self.is_rejected:
            return True
        return self.order is not None and self.order.status.is_done

    @property
    def is_rejected(self) -> bool:
        """The broker turned it down: inactive and not held, or cancelled with such a code.

        Before the first answer a code that ends orders is enough, for no status may follow it.
        """
        is_refusal = self.notice is not None and self.notice[0] in _REFUSALS
        if self.order is None or self.order.status in _UNANSWERED:
            return is_refusal
        if self.order.status is OrderStatus.INACTIVE:
            return not self.order.why_held
        return is_refusal and self.order.status.is_done and self.order.filled == 0
