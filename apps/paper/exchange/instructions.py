"""What else an order says, beyond its size, prices and times: routing, algorithms, attributes.

Values, already read from the wire by whoever takes orders in. Which of them are refused stands in
`attribute_rules`, which algorithms there are in `algos`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

__all__ = ["PLAIN", "Attribute", "Instructions"]


class Attribute(Enum):
    """Something that an order may carry and that this exchange knows only by name.

    The value is IB's field, as its texts name it.
    """

    SCALE = "scaleInitLevelSize"
    HEDGE = "hedgeType"
    DELTA_NEUTRAL = "deltaNeutralOrderType"
    DISCRETIONARY = "discretionaryAmt"
    BOX_AUCTION = "auctionStrategy"
    ALLOCATION = "faGroup"
    """A group, profile or method of an advisor's."""
    E_TRADE_ONLY = "eTradeOnly"
    FIRM_QUOTE_ONLY = "firmQuoteOnly"
    NBBO_PRICE_CAP = "nbboPriceCap"


@dataclass(frozen=True, slots=True)
class Instructions:
    """What an order says besides.

    ``destination`` is the exchange that the client named ('' or SMART lets the broker choose).
    ``algo_params`` are pairs of tag and value. ``cash_quantity`` is an amount of money instead of
    a size.
    """

    destination: str = ""
    algo_strategy: str = ""
    algo_params: tuple[tuple[str, str], ...] = ()
    cash_quantity: Decimal | None = None
    attributes: frozenset[Attribute] = frozenset()


PLAIN = Instructions()
"""Nothing besides: the broker chooses where the order goes, and nothing is special about it."""
