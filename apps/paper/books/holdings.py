"""One position, and what a trade makes of it: quantity, cost and realised profit.

Pure arithmetic. Costs are kept as totals, for an average is a division and would lose the last
digit. What a trade moves in cash is the `ledger`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from apps.paper.instruments.listing import Listing

__all__ = ["Holding", "PositionValue", "traded", "valued"]

_ZERO = Decimal(0)
_COST_STEP = Decimal("1e-8")
"""Shares of a cost are cut here; what one part loses the other keeps, so totals stay exact."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A position: signed quantity, and what it cost in all (negative for a short).

    Commissions of opening trades are part of the cost, as in IB's average cost; ``opening_fees``
    tells how much of it they are. ``realized_pnl`` is that of all its closing trades since the
    account was opened, net of commissions. Amounts are in the listing's currency.
    """

    listing: Listing
    quantity: Decimal = _ZERO
    cost: Decimal = _ZERO
    realized_pnl: Decimal = _ZERO
    opening_fees: Decimal = _ZERO

    @property
    def average_cost(self) -> Decimal:
        """Cost per share or contract, multiplier and commissions included; 0 when flat."""
        return self.cost / self.quantity if self.quantity else _ZERO


@dataclass(frozen=True, slots=True)
class PositionValue:
    """A holding at a price. For a future ``market_value`` is notional: nobody owes it."""

    holding: Holding
    price: Decimal
    market_value: Decimal
    unrealized_pnl: Decimal

    @property
    def variation(self) -> Decimal:
        """What price changes alone have made of it since it was opened, commissions apart."""
        return self.unrealized_pnl + self.holding.opening_fees


def valued(holding: Holding, price: Decimal) -> PositionValue:
    """Value a holding at ``price``, in its own currency."""
    market_value = holding.quantity * price * holding.listing.multiplier
    return PositionValue(holding, price, market_value, market_value - holding.cost)


def traded(
    before: Holding, signed: Decimal, price: Decimal, commission: Decimal
) -> tuple[Holding, Decimal | None]:
    """Give the holding after a trade of ``signed`` shares, and what that realised, if it closed.

    The commission is shared out between what the trade closes and what it opens.
    """
    closing = _closing(before.quantity, signed)
    opening = signed - closing
    closing_fee = _share(commission, closing, signed)
    worth = price * before.listing.multiplier
    released = _share(before.cost, -closing, before.quantity)
    released_fees = _share(before.opening_fees, -closing, before.quantity)
    realized = -closing * worth - closing_fee - released
    after = replace(
        before,
        quantity=before.quantity + signed,
        cost=before.cost - released + opening * worth + (commission - closing_fee),
        realized_pnl=before.realized_pnl + realized,
        opening_fees=before.opening_fees - released_fees + (commission - closing_fee),
    )
    return after, realized if closing else None


def _closing(held: Decimal, signed: Decimal) -> Decimal:
    """Give the part of a trade that closes: signed as the trade, never more than is held."""
    if held * signed >= 0:
        return _ZERO
    return signed if abs(signed) <= abs(held) else -held


def _share(total: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    if not part:
        return _ZERO
    return total if part == whole else (total * part / whole).quantize(_COST_STEP)
