"""The kinds of market data that can be asked of the broker."""

from __future__ import annotations

from enum import Enum

__all__ = ["MarketDataType"]


class MarketDataType(Enum):
    """What is asked for; the value is that of the setting. What comes is marked on each quote."""

    LIVE = "live"
    FROZEN = "frozen"
    """Live, and the last quote of a market that is closed."""
    DELAYED = "delayed"
    """Where live data is not subscribed to: 10 to 15 minutes old. There are no bars of it."""
    DELAYED_FROZEN = "delayed-frozen"

    @property
    def is_delayed(self) -> bool:
        """What comes may be old by a quarter of an hour."""
        return self in {MarketDataType.DELAYED, MarketDataType.DELAYED_FROZEN}

    @property
    def is_frozen(self) -> bool:
        """What comes may be of the last close."""
        return self in {MarketDataType.FROZEN, MarketDataType.DELAYED_FROZEN}
