"""Bars: prices of one stretch of time, stamped at its start, ``[start, end)``.

Floats, as the wire has them; what is compared with a level or goes into an order is
quantised first (`apps.domain.ticks`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = ["BASE_SECONDS", "Bar"]

BASE_SECONDS = 5
"""Length of the real-time bars that everything else is built from (the only size IB streams)."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar. ``start`` is aware UTC; ``seconds`` its length.

    ``volume`` is in shares, ``wap`` the volume-weighted average price, ``count`` the number
    of trades: a bar with ``count == 0`` repeats the previous close and proves nothing.
    Bars of quotes rather than trades (MIDPOINT, BID, ASK) carry −1 in all three.
    """

    start: datetime
    seconds: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    wap: float
    count: int

    @property
    def end(self) -> datetime:
        """The first moment that no longer belongs to the bar."""
        return self.start + timedelta(seconds=self.seconds)
