"""What a trade costs: a small table of commission schedules, and how they add up over an order.

Schedules are per order, not per fill: the minimum is asked once, so each fill is charged what
the order owes by then, less what it has paid. Exchange, clearing and regulatory fees that the
broker passes on for sales are not simulated.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

__all__ = ["IBKR_PRO_FIXED_US", "FeeSchedule"]

_CENT_HUNDREDTH = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class FeeSchedule:
    """Commission per share with a minimum per order, and a cap as a share of its value."""

    per_share: Decimal
    minimum: Decimal
    max_share_of_value: Decimal

    def owed(self, quantity: Decimal, value: Decimal) -> Decimal:
        """Give what an order owes once ``quantity`` shares worth ``value`` have traded.

        The cap wins over the minimum.

        >>> IBKR_PRO_FIXED_US.owed(Decimal(100), Decimal(19_000))
        Decimal('1.0000')
        >>> IBKR_PRO_FIXED_US.owed(Decimal(1000), Decimal(190_000))
        Decimal('5.0000')
        >>> IBKR_PRO_FIXED_US.owed(Decimal(10), Decimal(25))
        Decimal('0.2500')
        """
        due = max(quantity * self.per_share, self.minimum)
        return min(due, value * self.max_share_of_value).quantize(_CENT_HUNDREDTH, ROUND_HALF_UP)


IBKR_PRO_FIXED_US = FeeSchedule(
    per_share=Decimal("0.005"), minimum=Decimal("1.00"), max_share_of_value=Decimal("0.01")
)
"""US stocks and ETFs, fixed pricing: 0.005 USD a share, at least 1.00, at most 1% of the value."""
