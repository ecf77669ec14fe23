"""What each order type does: one table, from IB's word to what the exchange has to know of it.

Whether a type waits for a price and from which side, whether its trigger follows the market, where
its worst price comes from, and when within a session it trades. Everything that tells types apart
reads it here; which types a venue takes is not at home here (`order_rules`).

An algo order (Adaptive and the like) has the type that it runs as, and so behaves as that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from types import MappingProxyType

__all__ = [
    "BEHAVIOURS",
    "IMMEDIATE",
    "Auction",
    "Behaviour",
    "Limit",
    "Tif",
    "Trigger",
    "behaviour",
]


class Tif(StrEnum):
    """How long an order lives; the value is IB's."""

    DAY = "DAY"
    GTC = "GTC"
    GTD = "GTD"
    IOC = "IOC"
    FOK = "FOK"
    OPG = "OPG"


IMMEDIATE = frozenset({Tif.IOC.value, Tif.FOK.value})
"""What trades at once or not at all."""


class Trigger(Enum):
    """What an order waits for before it works."""

    NONE = "nothing"
    STOP = "the market going against it"
    """A buy waits for a rise, a sell for a fall."""
    TOUCH = "the market coming its way"
    """A buy waits for a fall, a sell for a rise."""


class Limit(Enum):
    """Where an order's worst price comes from."""

    NONE = "it has none"
    OWN = "the client's limit"
    TRAILING = "the trailing stop and an offset"
    NEAR_TOUCH = "its own side's quote and an offset, capped by the client's limit"
    MIDPOINT = "the middle of the quotes, capped by the client's limit"
    FIRST_FILL = "the price at which it first traded"

    @property
    def is_pegged(self) -> bool:
        """The worst price follows the quotes."""
        return self in (Limit.NEAR_TOUCH, Limit.MIDPOINT)


class Auction(Enum):
    """When within a session an order trades.

    An order for the close works, and is shown as Submitted, from the session's start; one for the
    opening from the opening on, so it is PreSubmitted before. IB's own states are not documented.
    """

    NONE = "at any time"
    OPENING = "at the opening print"
    CLOSING = "at the closing print"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What the exchange knows of an order type.

    ``trails`` tells that the trigger price follows the market. ``may_trade_outside_rth`` tells
    that outsideRth counts; where it does not, the order waits for regular hours all the same.
    """

    trigger: Trigger = Trigger.NONE
    limit: Limit = Limit.NONE
    auction: Auction = Auction.NONE
    trails: bool = False
    may_trade_outside_rth: bool = False

    @property
    def needs_limit_price(self) -> bool:
        """The order makes no sense without lmtPrice."""
        return self.limit is Limit.OWN

    @property
    def needs_trigger_price(self) -> bool:
        """The order makes no sense without auxPrice as the price that it waits for."""
        return self.trigger is not Trigger.NONE and not self.trails


_STOP, _TOUCH = Trigger.STOP, Trigger.TOUCH

BEHAVIOURS: Mapping[str, Behaviour] = MappingProxyType(
    {
        "MKT": Behaviour(),
        "LMT": Behaviour(limit=Limit.OWN, may_trade_outside_rth=True),
        "STP": Behaviour(_STOP, may_trade_outside_rth=True),
        "STP LMT": Behaviour(_STOP, Limit.OWN, may_trade_outside_rth=True),
        "TRAIL": Behaviour(_STOP, trails=True, may_trade_outside_rth=True),
        "TRAIL LIMIT": Behaviour(_STOP, Limit.TRAILING, trails=True, may_trade_outside_rth=True),
        "MIT": Behaviour(_TOUCH),
        "LIT": Behaviour(_TOUCH, Limit.OWN, may_trade_outside_rth=True),
        "MOC": Behaviour(auction=Auction.CLOSING),
        "LOC": Behaviour(limit=Limit.OWN, auction=Auction.CLOSING),
        "MTL": Behaviour(limit=Limit.FIRST_FILL),
        "REL": Behaviour(limit=Limit.NEAR_TOUCH),
        "MIDPRICE": Behaviour(limit=Limit.MIDPOINT),
        "PEG MID": Behaviour(limit=Limit.MIDPOINT),
    }
)
"""Every order type that the exchange can carry out, by IB's word."""

_AT_THE_OPEN = MappingProxyType(
    {
        kind: replace(each, auction=Auction.OPENING, may_trade_outside_rth=False)
        for kind, each in BEHAVIOURS.items()
    }
)


def behaviour(order_type: str, time_in_force: str) -> Behaviour:
    """Give what an order of this type does. Raises KeyError for a type that is not in the table.

    >>> behaviour("LMT", "OPG").auction
    <Auction.OPENING: 'at the opening print'>
    """
    if time_in_force == Tif.OPG:
        return _AT_THE_OPEN[order_type]
    return BEHAVIOURS[order_type]
