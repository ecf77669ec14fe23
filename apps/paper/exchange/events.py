"""What the exchange says of what happened, in the order in which IB would say it.

Each event is frozen and carries all that a session needs to write its messages:

========================  =========================================================
event                     messages
========================  =========================================================
`OrderAccepted`           openOrder, orderStatus
`StatusChanged`           openOrder, orderStatus
`Executed`                execDetails
`CommissionReported`      commissionReport
`Refused`, `Warned`       error
`WhatIfAnswered`          openOrder with its state filled in, nothing else
========================  =========================================================

A rejection by the broker's servers (201) is `Refused`, then `StatusChanged` to Inactive; one by
the order rules (110, 387, ...) is `Refused` alone, for such an order never came to be. A
cancellation is `StatusChanged` to Cancelled, then `Warned` with 202.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from apps.paper.exchange.orders import CommissionReport, Execution, Order, OrderSnapshot

__all__ = [
    "CommissionReported",
    "Event",
    "Executed",
    "MarginImpact",
    "OrderAccepted",
    "Refused",
    "StatusChanged",
    "Warned",
    "WhatIfAnswered",
]


@dataclass(frozen=True, slots=True)
class OrderAccepted:
    """An order was seen for the first time by anyone but its sender."""

    snapshot: OrderSnapshot


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """An order's status, fills, size or price changed."""

    snapshot: OrderSnapshot


@dataclass(frozen=True, slots=True)
class Executed:
    """An order traded; ``snapshot`` is the order after it."""

    snapshot: OrderSnapshot
    execution: Execution


@dataclass(frozen=True, slots=True)
class CommissionReported:
    """The cost of an execution became known; follows its `Executed`."""

    client_id: int
    report: CommissionReport


@dataclass(frozen=True, slots=True)
class Refused:
    """A placement, modification or cancellation was turned down, with IB's code and text.

    A refused modification or cancellation leaves the order as it was.
    """

    client_id: int
    order_id: int
    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Warned:
    """IB's code and text about an order that nothing was refused of (202, 399, 2109)."""

    client_id: int
    order_id: int
    code: int
    text: str


@dataclass(frozen=True, slots=True)
class MarginImpact:
    """One of IB's margin figures before an order and after it, in the account's currency."""

    before: Decimal
    after: Decimal

    @property
    def change(self) -> Decimal:
        """What the order adds to the figure."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class WhatIfAnswered:
    """What an order would do; nothing was placed, and no state was touched.

    ``order`` is the question. Figures are as of a fill at the order's own price, or at the
    touch for a market order.
    """

    order: Order
    initial_margin: MarginImpact
    maintenance_margin: MarginImpact
    equity_with_loan: MarginImpact
    commission: Decimal
    currency: str


Event = (
    OrderAccepted
    | StatusChanged
    | Executed
    | CommissionReported
    | Refused
    | Warned
    | WhatIfAnswered
)
