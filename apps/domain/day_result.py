"""What the desk's own trading made since the exchange session began, by marking to the market.

The result of a day is what its executions brought in cash, and what the shares are worth now, less
what the shares carried into it were worth when it began, less fees. No average cost enters into
it, so it needs nothing from before the session but one quantity and one price a contract; a
correction of an older execution counts by what it changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from apps.domain.orders import Fill
from apps.domain.sessions import Span

__all__ = ["CORRECTED_WITHIN", "NOTHING", "Flow", "KeptDay", "Opening", "day_result"]

CORRECTED_WITHIN = timedelta(days=8)
"""How old an execution may be that is told again or corrected: brokers list those of seven days."""

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Opening:
    """Shares of ours that were carried into a session, signed; ``mark`` None is not known yet."""

    con_id: int
    symbol: str
    quantity: Decimal
    mark: Decimal | None


@dataclass(frozen=True, slots=True)
class Flow:
    """What executions of one contract added: signed shares, cash (negative when buying), fees."""

    quantity: Decimal = _ZERO
    cash: Decimal = _ZERO
    fees: Decimal = _ZERO

    @classmethod
    def of(cls, fill: Fill) -> Flow:
        """Give what one execution added."""
        traded = fill.quantity * fill.side.sign
        return cls(traded, -traded * fill.price, fill.commission or _ZERO)

    def __add__(self, other: Flow) -> Flow:
        return Flow(self.quantity + other.quantity, self.cash + other.cash, self.fees + other.fees)

    def __sub__(self, other: Flow) -> Flow:
        return Flow(self.quantity - other.quantity, self.cash - other.cash, self.fees - other.fees)


NOTHING = Flow()


@dataclass(frozen=True, slots=True)
class KeptDay:
    """What was written down of a session: with what it began, and its executions.

    ``since`` are executions of it, or first heard of in it; ``before`` are older ones, as they were
    known when it began, back to `CORRECTED_WITHIN`.
    """

    session: Span
    openings: tuple[Opening, ...] = ()
    before: tuple[Fill, ...] = ()
    since: tuple[Fill, ...] = ()


def day_result(
    openings: Mapping[int, Opening], flows: Mapping[int, Flow], marks: Mapping[int, Decimal]
) -> Decimal | None:
    """Give the day's result by contract id; None while a price is missing that it depends on."""
    total = _ZERO
    for con_id in openings.keys() | flows.keys():
        opening, flow = openings.get(con_id), flows.get(con_id, NOTHING)
        quantity = flow.quantity
        if opening is not None:
            if opening.mark is None:
                return None
            quantity += opening.quantity
            total -= opening.quantity * opening.mark
        if quantity:
            mark = marks.get(con_id)
            if mark is None:
                return None
            total += quantity * mark
        total += flow.cash - flow.fees
    return total
