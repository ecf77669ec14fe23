"""The catalogue's file: TOML to listings.

An entry takes what it does not say itself from the entry of ``[like]`` that it names. What is
wrong is said with the entry it stands in; what a listing must be is `Listing`'s own business.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from apps.domain.errors import InvalidInput
from apps.domain.ticks import PriceBand, TickRule
from apps.paper.calendar import CalendarName
from apps.paper.listing import Listing, MarketCharacter, SecType

__all__ = ["read_catalogue"]

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
        "order_types",
        "calendar",
        "market",
        "isin",
    }
)
_KNOWN = _READ_OTHERWISE.union(_PLAIN_TEXT, _DECIMALS, _WHOLE)


def read_catalogue(path: Path) -> tuple[list[Listing], dict[int, TickRule]]:
    """Give the listings of a file and its market rules by number.

    Raises `InvalidInput` naming the entry that is wrong, OSError when the file cannot be read.
    """
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except tomllib.TOMLDecodeError as problem:
        raise InvalidInput(f"{path.name} is not TOML: {problem}") from problem
    rules = {int(number): _rule(number, bands) for number, bands in written["market_rules"].items()}
    listings = [
        _listing(entry, number, written.get("like", {}), rules)
        for number, entry in enumerate(written.get("listing", ()), start=1)
    ]
    _require_unique(listings)
    return listings, rules


def _rule(number: str, bands: list[list[str]]) -> TickRule:
    try:
        return TickRule(tuple(PriceBand(Decimal(edge), Decimal(tick)) for edge, tick in bands))
    except (InvalidInput, InvalidOperation, TypeError, ValueError) as problem:
        raise InvalidInput(f"catalogue, market rule {number}: {problem}") from problem


def _listing(
    entry: Mapping[str, Any],
    number: int,
    likes: Mapping[str, Mapping[str, Any]],
    rules: Mapping[int, TickRule],
) -> Listing:
    name = f"catalogue, listing {number} ({entry.get('symbol', 'without a symbol')})"
    try:
        return _made({**likes[entry["like"]], **entry}, rules)
    except KeyError as problem:
        raise InvalidInput(f"{name}: nothing is said of {problem}") from problem
    except (InvalidInput, InvalidOperation, TypeError, ValueError) as problem:
        raise InvalidInput(f"{name}: {problem}") from problem


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
        order_types=_split(said["order_types"]),
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


def _require_unique(listings: list[Listing]) -> None:
    seen: dict[int, str] = {}
    for listing in listings:
        if listing.con_id in seen:
            raise InvalidInput(
                f"catalogue: {listing.symbol} and {seen[listing.con_id]} "
                f"share the contract id {listing.con_id}"
            )
        seen[listing.con_id] = listing.symbol
