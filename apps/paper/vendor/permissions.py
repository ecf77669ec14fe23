"""Who may see which market: the subscriptions that a user pays for, as a policy.

At home here: the policy, IB's refusals where a subscription is missing, and the kinds of market
data. By default everything is permitted, as for a user who has all subscriptions.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum

from apps.paper.instruments.listing import Listing, SecType, venue

__all__ = [
    "ALL_PERMITTED",
    "DELAY_MS",
    "EVERY_SYMBOL",
    "MarketDataKind",
    "Permissions",
    "Unsubscribed",
    "no_permissions",
]

DELAY_MS = 15 * 60_000
"""How old delayed data is."""

EVERY_SYMBOL = "*"


class MarketDataKind(IntEnum):
    """The kinds of reqMarketDataType; the value is IB's."""

    LIVE = 1
    FROZEN = 2
    DELAYED = 3
    DELAYED_FROZEN = 4

    @property
    def takes_delayed(self) -> bool:
        """Tell whether a client that asked for this takes delayed data where live is missing."""
        return self in {MarketDataKind.DELAYED, MarketDataKind.DELAYED_FROZEN}

    @property
    def takes_frozen(self) -> bool:
        """Tell whether a client that asked for this takes the last quote of a closed market."""
        return self in {MarketDataKind.FROZEN, MarketDataKind.DELAYED_FROZEN}


class Unsubscribed(Enum):
    """What a client gets of a market that its user has not subscribed to."""

    DELAYED = "delayed"
    """Live requests are refused (354); who asked for delayed data gets it, after a 10167."""
    NOT_ENABLED = "not-enabled"
    """Refused, 10168: delayed data is not enabled."""
    NOT_ENABLED_10186 = "not-enabled-10186"
    """Refused, 10186: the code under which other versions of TWS say the same."""
    PART = "part"
    """The quote comes after a 10090; what generic ticks ask for does not."""


@dataclass(frozen=True, slots=True)
class Permissions:
    """What is missing: ``symbols`` (`EVERY_SYMBOL` for all), for ``clients``; empty is all.

    ``instead`` is what is got in place of what is missing.
    """

    symbols: frozenset[str] = frozenset()
    clients: frozenset[int] = frozenset()
    instead: Unsubscribed = Unsubscribed.DELAYED

    def permit(self, client_id: int, listing: Listing) -> bool:
        """Tell whether a client sees a listing's market live."""
        concerns = not self.clients or client_id in self.clients
        missing = EVERY_SYMBOL in self.symbols or listing.symbol in self.symbols
        return not (concerns and missing)


ALL_PERMITTED = Permissions()


def no_permissions(listing: Listing) -> str:
    """Give IB's words for a market that may not be seen: venue and kind, ``ISLAND STK``."""
    place = venue(listing.primary_exchange or listing.exchange)
    kind = SecType(listing.sec_type).value
    return f"No market data permissions for {place} {kind}"
