"""The catalogue's file: TOML to listings and chains.

An entry takes what it does not say itself from the entry of ``[like]`` that it names. What is
wrong is said with the entry it stands in; what a listing or a chain must be is its own business.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, TypeVar

from apps.domain.errors import InvalidInput
from apps.domain.ticks import PriceBand, TickRule
from apps.paper.hours.calendar import CalendarName
from apps.paper.instruments.expiries import ExpiryRule
from apps.paper.instruments.future_chain import FutureChain
from apps.paper.instruments.listing import Listing, MarketCharacter, SecType
from apps.paper.instruments.option_chain import OptionChain, Terms

__all__ = ["CatalogueFile", "read_catalogue"]

_PLAIN_TEXT = (
    "symbol",
    "currency",
    "exchange",
    "long_name",
    "time_zone",
    "last_trade_date",
    "contract_month",
    "stock_type",
    "industry",
    "category",
    "subcategory",
)
_DECIMALS = ("multiplier", "min_size", "size_increment", "suggested_size_increment")
_WHOLE = ("con_id", "price_magnifier", "agg_group")
_READ_OTHERWISE = frozenset(
    {
        "like",
        "sec_type",
        "primary_exchange",
        "local_symbol",
        "trading_class",
        "market_name",
        "market_rule",
        "valid_exchanges",
        "calendar",
        "market",
        "isin",
    }
)
_KNOWN = _READ_OTHERWISE.union(_PLAIN_TEXT, _DECIMALS, _WHOLE)
_KNOWN_OF_OPTIONS = frozenset(
    {
        "like",
        "number",
        "underlying",
        "trading_class",
        "strike_step",
        "market_rule",
        "valid_exchanges",
        "settles_at_open",
    }
)
_ALONE = frozenset({SecType.STOCK, SecType.FOREX, SecType.INDEX, SecType.FUTURE})
_NO_DAY = "00000000"
"""What stands for the day in the model of a chain; every contract has its own."""

_Read = TypeVar("_Read")
_Chain = TypeVar("_Chain", OptionChain, FutureChain)


@dataclass(frozen=True, slots=True)
class CatalogueFile:
    """All that a file says; ``market_rules`` are by number."""

    listings: tuple[Listing, ...]
    market_rules: Mapping[int, TickRule]
    option_chains: tuple[OptionChain, ...] = ()
    future_chains: tuple[FutureChain, ...] = ()


def read_catalogue(path: Path) -> CatalogueFile:
    """Give what a file says.

    Raises `InvalidInput` naming the entry that is wrong, OSError when the file cannot be read.
    """
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except tomllib.TOMLDecodeError as problem:
        raise InvalidInput(f"{path.name} is not TOML: {problem}") from problem
    rules = {int(number): _rule(number, bands) for number, bands in written["market_rules"].items()}
    reader = _Reader(written.get("like", {}), rules)
    listings = tuple(_all(written, "listing", reader.listing))
    _require_unique(listings)
    reader.underlyings = {listing.con_id: listing for listing in listings}
    return CatalogueFile(
        listings,
        rules,
        tuple(_numbered(_all(written, "option_chain", reader.option_chain))),
        tuple(_numbered(_all(written, "future_chain", reader.future_chain))),
    )


def _rule(number: str, bands: list[list[str]]) -> TickRule:
    try:
        return TickRule(tuple(PriceBand(Decimal(edge), Decimal(tick)) for edge, tick in bands))
    except (InvalidInput, InvalidOperation, TypeError, ValueError) as problem:
        raise InvalidInput(f"catalogue, market rule {number}: {problem}") from problem


def _all(
    written: Mapping[str, Any], kind: str, read: Callable[[Mapping[str, Any]], _Read]
) -> Iterator[_Read]:
    """Read the entries of a kind, and put the name of the one that is wrong to what is wrong."""
    for number, entry in enumerate(written.get(kind, ()), start=1):
        called = entry.get("symbol", entry.get("underlying", "without a symbol"))
        with _blamed_on(f"catalogue, {kind.replace('_', ' ')} {number} ({called})"):
            yield read(entry)


@contextmanager
def _blamed_on(name: str) -> Iterator[None]:
    try:
        yield
    except KeyError as problem:
        raise InvalidInput(f"{name}: nothing is said of {problem}") from problem
    except (InvalidInput, InvalidOperation, TypeError, ValueError) as problem:
        raise InvalidInput(f"{name}: {problem}") from problem


class _Reader:
    """Entries to values, with what they refer to: likes, market rules, underlyings."""

    def __init__(
        self, likes: Mapping[str, Mapping[str, Any]], rules: Mapping[int, TickRule]
    ) -> None:
        self.underlyings: Mapping[int, Listing] = {}
        self._likes = likes
        self._rules = rules

    def listing(self, entry: Mapping[str, Any]) -> Listing:
        listing = _made(self._whole(entry), self._rules)
        if listing.sec_type not in _ALONE:
            raise InvalidInput(f"a {listing.sec_type} is listed by its chain, not by itself")
        return listing

    def option_chain(self, entry: Mapping[str, Any]) -> OptionChain:
        said = self._whole(entry)
        _require_known(said, _KNOWN_OF_OPTIONS)
        underlying = self.underlyings[said["underlying"]]
        return OptionChain(
            number=said["number"],
            underlying=underlying,
            trading_class=said.get("trading_class", underlying.symbol),
            strike_step=Decimal(said["strike_step"]),
            terms=Terms(
                ticks=self._rules[said["market_rule"]],
                market_rule_id=said["market_rule"],
                valid_exchanges=_split(said["valid_exchanges"]),
            ),
            settles_at_open=said.get("settles_at_open", False),
        )

    def future_chain(self, entry: Mapping[str, Any]) -> FutureChain:
        said = dict(self._whole(entry))
        own = {name: said.pop(name) for name in ("number", "months", "expiry", "listed")}
        model = {**said, "con_id": 0, "last_trade_date": _NO_DAY, "contract_month": ""}
        model.setdefault("local_symbol", said.get("trading_class", said["symbol"]))
        return FutureChain(
            number=own["number"],
            model=_made(model, self._rules),
            months=frozenset(own["months"]),
            rule=ExpiryRule(own["expiry"]),
            listed=own["listed"],
        )

    def _whole(self, entry: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**self._likes[entry["like"]], **entry}


def _made(said: Mapping[str, Any], rules: Mapping[int, TickRule]) -> Listing:
    _require_known(said, _KNOWN)
    trading_class = said.get("trading_class", said["symbol"])
    decimals: dict[str, Any] = {name: Decimal(said[name]) for name in _DECIMALS if name in said}
    return Listing(
        sec_type=SecType(said["sec_type"]),
        primary_exchange=said["primary_exchange"],
        local_symbol=said.get("local_symbol", said["symbol"]),
        trading_class=trading_class,
        market_name=said.get("market_name", trading_class),
        ticks=rules[said["market_rule"]],
        market_rule_id=said["market_rule"],
        valid_exchanges=_split(said["valid_exchanges"]),
        calendar=CalendarName(said["calendar"]),
        market=_character(said["market"]),
        sec_ids=(("ISIN", said["isin"]),) if "isin" in said else (),
        **_typed(said, _PLAIN_TEXT, str),
        **_typed(said, _WHOLE, int),
        **decimals,
    )


def _typed(said: Mapping[str, Any], names: tuple[str, ...], kind: type) -> dict[str, Any]:
    for name in names:
        if name in said and type(said[name]) is not kind:
            raise InvalidInput(f"{name} must be {kind.__name__}, not {said[name]!r}")
    return {name: said[name] for name in names if name in said}


def _character(said: Mapping[str, Any]) -> MarketCharacter:
    _require_known(said, {field.name for field in fields(MarketCharacter)})
    if not isinstance(said["since"], date):
        raise InvalidInput("since must be a date")
    return MarketCharacter(
        reference=Decimal(said["reference"]),
        volatility=float(said["volatility"]),
        volume=int(said["volume"]),
        trade_size=int(said["trade_size"]),
        since=said["since"],
        spread_ticks=int(said.get("spread_ticks", 1)),
        drift=float(said.get("drift", 0)),
        moves_with=int(said.get("moves_with", 0)),
    )


def _require_known(said: Mapping[str, Any], known: AbstractSet[str]) -> None:
    if unknown := said.keys() - known:
        raise InvalidInput(f"unknown field {', '.join(sorted(unknown))}")


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()


def _numbered(chains: Iterable[_Chain]) -> list[_Chain]:
    """Give chains whose numbers, which stand in contract ids, are told apart."""
    seen: dict[int, _Chain] = {}
    for chain in chains:
        if chain.number in seen:
            raise InvalidInput(f"catalogue: two chains share the number {chain.number}")
        seen[chain.number] = chain
    return list(seen.values())


def _require_unique(listings: Iterable[Listing]) -> None:
    seen: dict[int, str] = {}
    for listing in listings:
        if listing.con_id in seen:
            raise InvalidInput(
                f"catalogue: {listing.symbol} and {seen[listing.con_id]} "
                f"share the contract id {listing.con_id}"
            )
        seen[listing.con_id] = listing.symbol
