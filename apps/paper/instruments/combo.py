"""Combinations: the legs of a BAG as one listing of its own.

Every BAG has the same contract id on the wire; inside the gateway a combination is known by one
that follows from its legs, beyond the 31 bits of IB's ids, so that two spreads never share a book.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from hashlib import blake2b

from apps.domain.orders import Side
from apps.domain.ticks import TickRule
from apps.paper.instruments.legs import Leg
from apps.paper.instruments.listing import Listing, MarketCharacter, SecType
from apps.paper.wire.values import Contract

__all__ = ["Combo", "combo_named", "combo_of"]

_FIRST_ID = 1 << 31
_ID_BYTES = 6
_TICKS = TickRule.of("0.01")
_NO_RULE = 0
_LARGEST_RATIO = 100_000
_SIDES = {"BUY": Side.BUY, "SELL": Side.SELL, "SSHORT": Side.SELL}


@dataclass(frozen=True, slots=True)
class Combo:
    """A combination as a listing, and its legs: what one unit of it buys and sells."""

    listing: Listing
    legs: tuple[Leg, ...]

    def weight(self, leg: Leg) -> Decimal:
        """Give how often a leg's price counts in the combination's; below zero for what is sold."""
        return Decimal(leg.side.sign * leg.ratio)


def combo_of(contract: Contract, by_con_id: Callable[[int], Listing | None]) -> Combo | None:
    """Give the combination that a BAG describes; None where a leg is not to be understood."""
    sides = [_SIDES.get(leg.action) for leg in contract.combo_legs]
    named = [
        (leg.con_id, leg.ratio, side)
        for leg, side in zip(contract.combo_legs, sides, strict=True)
        if side is not None and 0 < leg.ratio <= _LARGEST_RATIO
    ]
    legs = _legs(named, by_con_id)
    if not legs or len(legs) < len(sides):
        return None
    return Combo(_listing(contract, legs), legs)


def combo_named(listing: Listing, by_con_id: Callable[[int], Listing | None]) -> Combo:
    """Give the combination that a listing is. Raises ValueError where a leg is not to be had."""
    named = [
        (con_id, abs(ratio), Side.BUY if ratio > 0 else Side.SELL) for con_id, ratio in listing.legs
    ]
    legs = _legs(named, by_con_id)
    if not legs or len(legs) < len(named):
        raise ValueError(f"combination {listing.con_id} has legs that this gateway does not know")
    return Combo(listing, legs)


def _legs(
    named: Iterable[tuple[int, int, Side]], by_con_id: Callable[[int], Listing | None]
) -> tuple[Leg, ...]:
    """Give the legs that are to be had."""
    found = ((by_con_id(con_id), ratio, side) for con_id, ratio, side in named)
    return tuple(Leg(listing, ratio, side) for listing, ratio, side in found if listing is not None)


def _listing(contract: Contract, legs: Sequence[Leg]) -> Listing:
    first = legs[0].listing
    return Listing(
        con_id=_id_of(legs),
        symbol=contract.symbol or first.symbol,
        sec_type=SecType.COMBO,
        currency=contract.currency or first.currency,
        exchange="SMART",
        primary_exchange="",
        local_symbol=contract.local_symbol or contract.symbol or first.symbol,
        trading_class="COMB",
        market_name="COMB",
        long_name=first.long_name,
        ticks=_TICKS,
        market_rule_id=_NO_RULE,
        valid_exchanges=("SMART",),
        calendar=first.calendar,
        time_zone=first.time_zone,
        market=_character(legs),
        multiplier=first.multiplier,
        suggested_size_increment=Decimal(1),
        legs=_signed(legs),
    )


def _character(legs: Sequence[Leg]) -> MarketCharacter:
    """Give a character of the right scale; the market of a combination is made of its legs'."""
    worth = sum(
        (leg.ratio * leg.side.sign * leg.listing.market.reference for leg in legs), Decimal(0)
    )
    return MarketCharacter(
        reference=_TICKS.up(max(abs(worth), _TICKS.increment_at(worth))),
        volatility=legs[0].listing.market.volatility,
        volume=1,
        trade_size=1,
        since=max(leg.listing.market.since for leg in legs),
    )


def _id_of(legs: Sequence[Leg]) -> int:
    text = "|".join(f"{con_id}:{ratio}" for con_id, ratio in _signed(legs))
    digest = blake2b(text.encode(), digest_size=_ID_BYTES).digest()
    return _FIRST_ID + int.from_bytes(digest)


def _signed(legs: Sequence[Leg]) -> tuple[tuple[int, int], ...]:
    """Give contract ids with signed ratios, in an order that does not hang on who named them."""
    return tuple(sorted((leg.listing.con_id, leg.side.sign * leg.ratio) for leg in legs))
