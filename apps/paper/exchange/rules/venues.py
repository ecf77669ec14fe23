"""Which order types and times in force there are where: one table, by kind of market.

What contract details list (`supported_order_types`) and what the exchange takes (`rules_of`) come
from the same rows. A stop and a limit order are the same everywhere; what differs by venue is
whether there is a close to trade at, an auction, or hours besides the regular ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from apps.paper.exchange.orders import Order
from apps.paper.instruments.listing import Listing

__all__ = [
    "CLOSING_TYPES",
    "COMBINATIONS",
    "ExtendedHours",
    "VenueRules",
    "clashes",
    "directly_routed_to",
    "extended_hours_of",
    "rules_for",
    "rules_of",
    "supported_order_types",
]


class ExtendedHours(Enum):
    """What becomes of outsideRth."""

    HONOURED = "honoured"
    IGNORED = "ignored"
    """2109: there is no such distinction for this order, or it waits for regular hours."""
    REFUSED = "refused"
    """411: there are no other hours."""


@dataclass(frozen=True, slots=True)
class VenueRules:
    """One kind of market: IB's order types, its times in force, and its hours.

    ``features`` are what else contract details list, in IB's own short words.
    """

    order_types: frozenset[str]
    times_in_force: frozenset[str]
    extended_hours: ExtendedHours
    features: frozenset[str]


CLOSING_TYPES = frozenset({"MOC", "LOC"})
"""Order types that wait for the close; they are DAY orders (113)."""

_PLAIN = frozenset({"MKT", "LMT", "STP", "STP LMT"})
_TOUCHED = frozenset({"MIT", "LIT"})
_TRAILING = frozenset({"TRAIL", "TRAIL LIMIT"})
_EVERYWHERE = _PLAIN | _TOUCHED | _TRAILING

_LASTING = frozenset({"DAY", "GTC", "GTD"})
_AT_ONCE = frozenset({"IOC", "FOK"})
_OPENING = frozenset({"OPG"})

_FEATURES = frozenset({"ADJUST", "AON", "COND", "GAT", "OCA", "WHATIF"})

_US_STOCKS = VenueRules(
    order_types=_EVERYWHERE | CLOSING_TYPES | {"MTL", "REL", "MIDPRICE", "PEG MID"},
    times_in_force=_LASTING | _AT_ONCE | _OPENING,
    extended_hours=ExtendedHours.HONOURED,
    features=_FEATURES | {"ALGO"},
)
_OTHER_STOCKS = VenueRules(
    order_types=_EVERYWHERE,
    times_in_force=_LASTING | _AT_ONCE | _OPENING,
    extended_hours=ExtendedHours.REFUSED,
    features=_FEATURES | {"ALGO"},
)
_FOREX = VenueRules(
    order_types=_EVERYWHERE,
    times_in_force=_LASTING | _AT_ONCE,
    extended_hours=ExtendedHours.IGNORED,
    features=_FEATURES,
)
_FUTURES = VenueRules(
    order_types=_EVERYWHERE | {"MTL"},
    times_in_force=_LASTING | _AT_ONCE,
    extended_hours=ExtendedHours.HONOURED,
    features=_FEATURES | {"ALGO"},
)
_OPTIONS = VenueRules(
    order_types=_EVERYWHERE | {"MTL", "REL"},
    times_in_force=_LASTING | _AT_ONCE,
    extended_hours=ExtendedHours.REFUSED,
    features=_FEATURES,
)
_NOTHING = VenueRules(frozenset(), frozenset(), ExtendedHours.REFUSED, frozenset())

COMBINATIONS = VenueRules(
    order_types=frozenset({"MKT", "LMT"}),
    times_in_force=_LASTING | {"IOC"},
    extended_hours=ExtendedHours.HONOURED,
    features=frozenset(),
)
"""Orders with legs, whatever their legs are: IB routes them as one."""

_BY_SEC_TYPE: Mapping[str, VenueRules] = MappingProxyType(
    {"CASH": _FOREX, "FUT": _FUTURES, "OPT": _OPTIONS, "FOP": _OPTIONS}
)

_WAITS_FOR_REGULAR_HOURS = frozenset({"MKT", "MIT", "MTL", "REL", "MIDPRICE", "PEG MID"})
"""Order types on which outsideRth is ignored."""

_TIMES_IN_FORCE_BY_TYPE: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "MKT": _LASTING | _AT_ONCE | _OPENING,
        "LMT": _LASTING | _AT_ONCE | _OPENING,
        "MOC": frozenset({"DAY"}),
        "LOC": frozenset({"DAY"}),
    }
)
"""What does not stand here waits for a price, and takes what lasts."""

_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "STP LMT": "STPLMT",
        "TRAIL LIMIT": "TRAILLMT",
        "MIDPRICE": "MIDPX",
        "PEG MID": "PEGMID",
    }
)
"""Order types that contract details name otherwise than orders do."""


def rules_of(listing: Listing) -> VenueRules:
    """Give the row of the market on which a listing trades; an index has none of anything."""
    if listing.sec_type == "STK":
        return _US_STOCKS if listing.currency == "USD" else _OTHER_STOCKS
    return _BY_SEC_TYPE.get(listing.sec_type, _NOTHING)


def rules_for(order: Order) -> VenueRules:
    """Give the row that judges an order: that of its listing, or of combinations."""
    return COMBINATIONS if order.legs else rules_of(order.listing)


def supported_order_types(listing: Listing) -> tuple[str, ...]:
    """Give what contract details list as orderTypes, in IB's words and order.

    Empty for what cannot be traded.
    """
    rules = rules_of(listing)
    types = {_WORDS.get(order_type, order_type) for order_type in rules.order_types}
    return tuple(sorted(types | rules.times_in_force | rules.features))


def clashes(order: Order) -> bool:
    """Tell whether an order's time in force cannot go with its type, or not at its venue."""
    tif = order.time_in_force
    allowed = _TIMES_IN_FORCE_BY_TYPE.get(order.order_type, _LASTING)
    return tif not in allowed or tif not in rules_for(order).times_in_force


def extended_hours_of(order: Order) -> ExtendedHours:
    """Say what becomes of an order's outsideRth."""
    at_an_auction = order.order_type in CLOSING_TYPES or order.time_in_force in _OPENING
    if at_an_auction:
        return ExtendedHours.REFUSED
    if order.order_type in _WAITS_FOR_REGULAR_HOURS:
        return ExtendedHours.IGNORED
    return rules_for(order).extended_hours


def directly_routed_to(order: Order) -> str:
    """Give the exchange that a stock order names instead of leaving the choice to SMART, or ''."""
    destination = order.instructions.destination
    if order.listing.sec_type != "STK" or destination == order.listing.exchange:
        return ""
    return destination
