"""IB's data farms: which of them an instrument's market data and history come from."""

from __future__ import annotations

from dataclasses import dataclass

from apps.paper.instruments.listing import Listing, SecType

__all__ = ["FARMS", "SEC_DEF_FARM", "Farms", "farms_of"]

SEC_DEF_FARM = "secdefil"
"""Where definitions of instruments come from, all of them."""


@dataclass(frozen=True, slots=True)
class Farms:
    """The farms of one instrument: ``market`` for what streams, ``history`` for the past."""

    market: str
    history: str


_FOREX = Farms("cashfarm", "cashhmds")
_FUTURES = Farms("usfuture", "ushmds")
_EUROPE = Farms("eufarm", "euhmds")
_UNITED_STATES = Farms("usfarm", "ushmds")

FARMS = frozenset(
    {SEC_DEF_FARM}
    | {each.market for each in (_FOREX, _FUTURES, _EUROPE, _UNITED_STATES)}
    | {each.history for each in (_FOREX, _FUTURES, _EUROPE, _UNITED_STATES)}
)
"""Every farm that there is."""


def farms_of(listing: Listing) -> Farms:
    """Give the farms of a listing."""
    if listing.sec_type is SecType.FOREX:
        return _FOREX
    if listing.sec_type is SecType.FUTURE:
        return _FUTURES
    return _EUROPE if listing.currency == "EUR" else _UNITED_STATES
