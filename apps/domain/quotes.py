"""A quote: what the market offers now, and how old our knowledge of it is."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

__all__ = ["Quote"]


@dataclass(frozen=True, slots=True)
class Quote:
    """Best bid and ask with sizes in shares, last trade and previous close; None is unknown.

    ``received_s`` is this machine's monotonic clock when the newest field arrived, in seconds. A
    ``delayed`` quote is of 10 to 15 minutes before that, a ``frozen`` one of the last close.
    """

    bid: Decimal | None
    ask: Decimal | None
    last: Decimal | None
    close: Decimal | None
    bid_size: Decimal | None
    ask_size: Decimal | None
    received_s: float
    halted: bool = False
    delayed: bool = False
    frozen: bool = False

    @property
    def is_live(self) -> bool:
        """It is of the moment at which it was received."""
        return not (self.delayed or self.frozen)

    def age_s(self, now_s: float) -> float:
        """Seconds since the newest field arrived."""
        return max(0.0, now_s - self.received_s)
