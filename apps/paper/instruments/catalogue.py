"""The instruments of the paper gateway, and the search for the ones that a client means.

At home here: matching a client's contract against the listings, and the market rules. What a
listing is stands in `listing`, what comes in chains in `option_chain` and `future_chain`, a BAG in
`combo`; the file is ``catalogue.toml``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from apps.domain.ticks import TickRule
from apps.paper.hours.calendar import Millis
from apps.paper.instruments.catalogue_file import CatalogueFile, read_catalogue
from apps.paper.instruments.combo import Combo, combo_of
from apps.paper.instruments.future_chain import FutureChain
from apps.paper.instruments.listing import Listing, MarketCharacter, Right, SecType, venue
from apps.paper.instruments.option_chain import OptionChain, OptionId, is_option_id
from apps.paper.wire.values import Contract

__all__ = ["CONTINUOUS", "Catalogue", "Listing", "MarketCharacter", "SecType", "conflict_of"]

_FILE = Path(__file__).with_name("catalogue.toml")

CONTINUOUS = "CONTFUT"
"""IB's secType of the future that is nearest, whichever that is."""

_OPTION, _FUTURE = SecType.OPTION.value, SecType.FUTURE.value
_FUTURES = frozenset({"", _FUTURE, CONTINUOUS, "FUT+CONTFUT"})
_RIGHTS = {"C": Right.CALL, "CALL": Right.CALL, "P": Right.PUT, "PUT": Right.PUT}
_NO_RIGHT = frozenset({"", "0", "?"})
"""What clients send for contracts that have none."""

_MOST_MATCHES = 16
"""IB answers a symbol search with at most this many contracts."""

_NO_LIKENESS = 3

_TODAY_IN = ZoneInfo("America/New_York")


class Catalogue:
    """All instruments of one gateway.

    Iterating gives what stands in the file by itself: stocks, currency pairs, indices. Futures and
    options come out of their chains when somebody asks, and combinations when they are named.
    """

    def __init__(self, contents: CatalogueFile) -> None:
        self._listings = contents.listings
        self._by_con_id = {listing.con_id: listing for listing in self._listings}
        self._market_rules = dict(contents.market_rules)
        self._option_chains = {chain.number: chain for chain in contents.option_chains}
        self._future_chains = {chain.number: chain for chain in contents.future_chains}

    @classmethod
    def load(cls, path: Path | None = None) -> Catalogue:
        """Read a catalogue file, by default the one that comes with the gateway.

        Raises `InvalidInput` naming the entry that is wrong, OSError when there is no such file.
        """
        return cls(read_catalogue(path or _FILE))

    def __iter__(self) -> Iterator[Listing]:
        return iter(self._listings)

    def __len__(self) -> int:
        return len(self._listings)

    def by_con_id(self, con_id: int) -> Listing | None:
        """Give the listing with this contract id, whether it still trades or not.

        Options and futures are found in any run of the gateway; combinations never, see `combo`.
        """
        if (known := self._by_con_id.get(con_id)) is not None:
            return known
        if is_option_id(con_id):
            named = OptionId.of(con_id)
            options = self._option_chains.get(named.chain)
            return options.option(named) if options is not None else None
        if (place := FutureChain.place_of(con_id)) is not None:
            futures = self._future_chains.get(place[0])
            return futures.contract(place[1]) if futures is not None else None
        return None

    def find(self, contract: Contract, at: Millis) -> list[Listing]:
        """Give every listing that answers to all that ``contract`` says; several are ambiguous.

        Empty fields say nothing. An exchange is any on which the listing trades; an expiry is a
        day, or a month. What has expired by ``at`` is found only with ``include_expired``, and
        then futures only, as at IB. A BAG is never found: see `combo`.
        """
        today = datetime.fromtimestamp(at / 1000, _TODAY_IN).date()
        if contract.con_id:
            named = self.by_con_id(contract.con_id)
            candidates: Iterable[Listing] = () if named is None else (named,)
        else:
            candidates = self._candidates(contract, today)
        found = [
            listing
            for listing in candidates
            if _answers(listing, contract) and _still_there(listing, contract, today)
        ]
        return found[:1] if contract.sec_type == CONTINUOUS else found

    def combo(self, contract: Contract) -> Combo | None:
        """Give the combination that a BAG describes; None where a leg is not to be understood.

        The same legs give the same contract id in every run.
        """
        return combo_of(contract, self.by_con_id)

    def chains_on(self, listing: Listing) -> list[OptionChain]:
        """Give the option chains whose underlying a listing is."""
        return [
            chain
            for chain in self._option_chains.values()
            if chain.underlying.con_id == listing.con_id
        ]

    def futures(self, at: Millis) -> list[Listing]:
        """Give every future that trades at ``at``, chain by chain, nearest first."""
        today = datetime.fromtimestamp(at / 1000, _TODAY_IN).date()
        return [
            listing for chain in self._future_chains.values() for listing in chain.contracts(today)
        ]

    def search(self, pattern: str) -> list[Listing]:
        """Give what IB's matching symbols would: the start of a symbol, or a word of the name.

        The same symbol comes first, then other symbols, then names; case does not count. What
        comes in chains does not answer: IB finds it by its underlying.
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

    def _candidates(self, contract: Contract, today: date) -> Iterator[Listing]:
        """Yield what may answer: of chains only what the contract leaves open."""
        yield from self._listings
        if contract.sec_type in _FUTURES:
            for futures in self._future_chains.values():
                if _may_be(contract, futures.model):
                    yield from futures.contracts(today, include_expired=contract.include_expired)
        if contract.sec_type == _OPTION:
            for options in self._option_chains.values():
                if _may_be_option(contract, options):
                    yield from _options(options, contract, today)


def conflict_of(contract: Contract, listing: Listing) -> tuple[str, str, str] | None:
    """Give the field in which a contract contradicts its own contract id, what it says, what is so.

    None where it does not. An exchange on which the listing does not trade is no contradiction.
    """
    said_and_so = (
        ("symbol", contract.symbol, listing.symbol),
        ("security type", contract.sec_type.removeprefix("CONT"), listing.sec_type.value),
        ("currency", contract.currency, listing.currency),
        ("local symbol", contract.local_symbol, listing.local_symbol),
        ("trading class", contract.trading_class, listing.trading_class),
    )
    for field, said, so in said_and_so:
        if said not in {"", so}:
            return field, said, so
    return None


def _options(chain: OptionChain, contract: Contract, today: date) -> Iterator[Listing]:
    """Yield a chain's options of the weeks, strike and right that a contract leaves open."""
    right = _RIGHTS.get(contract.right.upper())
    if right is None and contract.right not in _NO_RIGHT:
        return
    for friday in chain.fridays(today):
        days = (chain.last_trade_day(friday), chain.expiry(friday))
        if any(f"{day:%Y%m%d}".startswith(contract.last_trade_date) for day in days):
            yield from chain.options(friday, contract.strike or None, right)


def _may_be_option(contract: Contract, chain: OptionChain) -> bool:
    root = contract.local_symbol[:6].rstrip()
    return (
        contract.symbol in {"", chain.underlying.symbol}
        and contract.trading_class in {"", chain.trading_class}
        and root in {"", chain.trading_class}
        and bool(contract.symbol or contract.trading_class or root)
    )


def _may_be(contract: Contract, model: Listing) -> bool:
    return (
        contract.symbol in {"", model.symbol}
        and contract.trading_class in {"", model.trading_class}
        and contract.local_symbol.startswith(model.local_symbol if contract.local_symbol else "")
        and bool(contract.symbol or contract.trading_class or contract.local_symbol)
    )


def _still_there(listing: Listing, contract: Contract, today: date) -> bool:
    if not listing.last_trade_date or listing.last_trade_date >= f"{today:%Y%m%d}":
        return True
    return contract.include_expired and listing.sec_type is SecType.FUTURE


def _answers(listing: Listing, contract: Contract) -> bool:
    said_and_so = (
        (contract.symbol, listing.symbol),
        (_known_as(contract.sec_type), listing.sec_type),
        (contract.currency, listing.currency),
        (contract.local_symbol, listing.local_symbol),
        (contract.trading_class, listing.trading_class),
        (contract.multiplier, listing.multiplier_text),
        (venue(contract.primary_exchange), venue(listing.primary_exchange)),
    )
    return (
        all(not said or said == so for said, so in said_and_so)
        and (not contract.exchange or listing.trades_on(contract.exchange))
        and _expires_as(listing, contract)
        and (not contract.sec_id or listing.is_known_by(contract.sec_id_type, contract.sec_id))
        and contract.strike in {0, listing.strike}
        and (contract.right in _NO_RIGHT or _RIGHTS.get(contract.right.upper()) is listing.right)
    )


def _known_as(sec_type: str) -> str:
    """Give the kind that a secType asks for: every word for futures means them."""
    return _FUTURE if sec_type in _FUTURES and sec_type else sec_type


def _expires_as(listing: Listing, contract: Contract) -> bool:
    """Tell whether the day or month that was asked for, or none, is a listing's.

    An option that is settled at the open is known by its last trading day; by the day after too,
    where its class is named, for that day is the last one of another class.
    """
    asked = contract.last_trade_date
    if asked in {"", listing.last_trade_date, listing.contract_month}:
        return True
    return bool(contract.trading_class) and asked == listing.expires


def _likeness(listing: Listing, sought: str) -> int:
    """Rank a listing for a search, the best first."""
    words = listing.long_name.upper().split()
    if listing.symbol == sought:
        return 0
    if listing.symbol.startswith(sought):
        return 1
    return 2 if any(word.startswith(sought) for word in words) else _NO_LIKENESS
