"""The instruments of the paper gateway, and the search for the one that a client means.

At home here: matching a client's contract against the listings, and the market rules. What a
listing is stands in `apps.paper.listing`; the file it comes from is ``catalogue.toml``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from apps.domain.ticks import TickRule
from apps.paper.catalogue_file import read_catalogue
from apps.paper.listing import Listing, MarketCharacter, SecType, venue
from apps.paper.wire.values import Contract

__all__ = ["Catalogue", "Listing", "MarketCharacter", "SecType"]

_FILE = Path(__file__).with_name("catalogue.toml")

_MOST_MATCHES = 16
"""IB answers a symbol search with at most this many contracts."""

_NO_LIKENESS = 3


class Catalogue:
    """All listings of one gateway, in the order of the file."""

    def __init__(self, listings: Sequence[Listing], market_rules: Mapping[int, TickRule]) -> None:
        self._listings = tuple(listings)
        self._by_con_id = {listing.con_id: listing for listing in self._listings}
        self._market_rules = dict(market_rules)

    @classmethod
    def load(cls, path: Path | None = None) -> Catalogue:
        """Read a catalogue file, by default the one that comes with the gateway.

        Raises `InvalidInput` naming the entry that is wrong, OSError when there is no such file.
        """
        return cls(*read_catalogue(path or _FILE))

    def __iter__(self) -> Iterator[Listing]:
        return iter(self._listings)

    def __len__(self) -> int:
        return len(self._listings)

    def by_con_id(self, con_id: int) -> Listing | None:
        """Give the listing with this contract id, if there is one."""
        return self._by_con_id.get(con_id)

    def find(self, contract: Contract) -> list[Listing]:
        """Give every listing that answers to all that ``contract`` says; several are ambiguous.

        Empty fields say nothing. An exchange is any on which the listing trades; an expiry is a
        day, or a contract's month. What has a strike or a right is not to be found here.
        """
        if contract.con_id:
            named = self._by_con_id.get(contract.con_id)
            return [named] if named is not None and _answers(named, contract) else []
        return [listing for listing in self._listings if _answers(listing, contract)]

    def search(self, pattern: str) -> list[Listing]:
        """Give what IB's matching symbols would: the start of a symbol, or a word of the name.

        The same symbol comes first, then other symbols, then names; case does not count. Futures
        do not answer: IB finds them by their underlying.
        """
        sought = pattern.strip().upper()
        if not sought:
            return []
        ranks = [(_likeness(listing, sought), listing) for listing in self._listings]
        ranks = [(rank, listing) for rank, listing in ranks if rank < _NO_LIKENESS]
        ranks.sort(key=lambda ranked: ranked[0])
        return [listing for _, listing in ranks][:_MOST_MATCHES]

    def market_rule(self, number: int) -> TickRule | None:
        """Give the price bands of a market rule, or None if there is none of that number."""
        return self._market_rules.get(number)


def _answers(listing: Listing, contract: Contract) -> bool:
    said_and_so = (
        (contract.symbol, listing.symbol),
        (contract.sec_type, listing.sec_type),
        (contract.currency, listing.currency),
        (contract.local_symbol, listing.local_symbol),
        (contract.trading_class, listing.trading_class),
        (contract.multiplier, listing.multiplier_text),
        (venue(contract.primary_exchange), venue(listing.primary_exchange)),
    )
    return (
        all(not said or said == so for said, so in said_and_so)
        and (not contract.exchange or listing.trades_on(contract.exchange))
        and contract.last_trade_date in {"", listing.last_trade_date, listing.contract_month}
        and (not contract.sec_id or (contract.sec_id_type, contract.sec_id) in listing.sec_ids)
        and not contract.strike
        and not contract.right
    )


def _likeness(listing: Listing, sought: str) -> int:
    """Rank a listing for a search, the best first."""
    words = listing.long_name.upper().split()
    if listing.sec_type is SecType.FUTURE:
        return _NO_LIKENESS
    if listing.symbol == sought:
        return 0
    if listing.symbol.startswith(sought):
        return 1
    return 2 if any(word.startswith(sought) for word in words) else _NO_LIKENESS
