"""What the rest of the paper gateway asks of a market, whoever makes it.

A market is a pure function of (instrument, market time): asking twice gives the same answer, and
history, real-time bars, ticks and fills are all read from it. Times are whole milliseconds since
the epoch, UTC; a stretch of time is ``(after, until]`` for events and ``[start, end)`` for bars.
Prices are Decimals on the instrument's tick.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Protocol

from apps.paper.instruments.listing import Listing

__all__ = ["BarSource", "Market", "MarketBar", "Millis", "Print", "Touch"]

Millis = int
"""Market time: whole milliseconds since the epoch, UTC."""


class BarSource(Enum):
    """What a bar is made of; the value is IB's whatToShow."""

    TRADES = "TRADES"
    MIDPOINT = "MIDPOINT"
    BID = "BID"
    ASK = "ASK"


@dataclass(frozen=True, slots=True)
class Touch:
    """Best bid and ask at one moment, with sizes in shares."""

    bid: Decimal
    ask: Decimal
    bid_size: int
    ask_size: int


@dataclass(frozen=True, slots=True)
class Print:
    """One trade of the market's: when, at what price, how many."""

    at: Millis
    price: Decimal
    size: int


@dataclass(frozen=True, slots=True)
class MarketBar:
    """A bar ``[start, start + seconds)``. Bars not made of trades carry −1 in the last three."""

    start: Millis
    seconds: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int
    wap: Decimal
    count: int


class Market(Protocol):
    """A market path that can be read at any time and from any side."""

    def touch(self, listing: Listing, at: Millis) -> Touch:
        """Give bid and ask at ``at``; outside the sessions those of the last close."""

    def last(self, listing: Listing, at: Millis) -> Print:
        """Give the newest print at or before ``at``."""

    def previous_close(self, listing: Listing, at: Millis) -> Decimal:
        """Give the close of the last regular session that ended before the one of ``at``."""

    def prints(self, listing: Listing, after: Millis, until: Millis) -> Sequence[Print]:
        """Give the prints in ``(after, until]``, oldest first."""

    def bars(
        self,
        listing: Listing,
        source: BarSource,
        seconds: int,
        start: Millis,
        end: Millis,
        *,
        regular_only: bool,
    ) -> Sequence[MarketBar]:
        """Give the bars that start in ``[start, end)``, oldest first.

        Sizes are 1 s to 1 day (86,400 s: one bar a session, stamped at its date's midnight in
        the listing's zone by whoever prints it). Bars of a closed market do not exist.
        """

    def head(self, listing: Listing) -> Millis:
        """Give the time of the oldest bar there is."""
