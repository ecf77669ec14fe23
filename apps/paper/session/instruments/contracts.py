"""A listing in the wire's words: the contract of each kind of message, and the details.

At home here too: what a client means by a contract, and IB's answers where it means nothing.
"""

from __future__ import annotations

from apps.paper.exchange.rules.venues import supported_order_types
from apps.paper.instruments.catalogue import CONTINUOUS, Listing, SecType, conflict_of
from apps.paper.session.faults import RequestRefused
from apps.paper.wire import Contract, ContractDetails, TagValue
from apps.paper.world import World

__all__ = [
    "contract_of",
    "details_of",
    "has_quotes",
    "has_trades",
    "holding_contract_of",
    "matches",
    "the_one",
]

_QUOTED_ONLY = frozenset({SecType.FOREX, SecType.OPTION, SecType.COMBO})

_IB_SEC_TYPES = frozenset(SecType) | {
    *("BILL", "BOND", "CFD", "CMDTY", "CRYPTO", "ECO", "EVENT", "FIXED", "FOP", "FUND", "FWD"),
    *("ICS", "ICU", "IOPT", "NEWS", "SLB", "WAR", "CONTFUT", "FUT+CONTFUT"),
}
"""The kinds that IB knows; of another word it says that it is none."""

_NO_DEFINITION = "No security definition has been found for the request"


def has_trades(listing: Listing) -> bool:
    """Tell whether there are prints: pairs, options and combinations are quoted only."""
    return listing.sec_type not in _QUOTED_ONLY


def has_quotes(listing: Listing) -> bool:
    """Tell whether there is a bid and an ask: an index is computed only."""
    return listing.sec_type is not SecType.INDEX


def matches(world: World, req_id: int, contract: Contract) -> list[Listing]:
    """Give every listing that a contract describes, at least one.

    Raises:
        RequestRefused: 200 where there is none, 478 where fields contradict the contract id, 321
            for a kind that IB does not know.
    """
    if contract.sec_type and contract.sec_type not in _IB_SEC_TYPES:
        text = "Please enter a valid security type"
        raise RequestRefused(req_id, 321, f"Error validating request.-'bQ' : cause - {text}")
    if not (contract.con_id or contract.symbol or contract.local_symbol or contract.sec_id):
        text = "Please enter a local symbol or a symbol or a contract id"
        raise RequestRefused(req_id, 321, f"Error validating request.-'bQ' : cause - {text}")
    _require_consistent(world, req_id, contract)
    found = world.catalogue.find(contract, world.now)
    if not found:
        raise RequestRefused(req_id, 200, _NO_DEFINITION)
    return found


def the_one(world: World, req_id: int, contract: Contract) -> Listing:
    """Give the one listing that a contract names; of a BAG the one that its legs make.

    Raises:
        RequestRefused: As `matches`, and 200 where several answer.
    """
    if contract.sec_type == SecType.COMBO:
        combo = world.catalogue.combo(contract)
        if combo is None:
            raise RequestRefused(req_id, 200, _NO_DEFINITION)
        return combo.listing
    found = matches(world, req_id, contract)
    if len(found) > 1:
        text = f"The contract description specified for {contract.symbol} is ambiguous."
        raise RequestRefused(req_id, 200, text)
    return found[0]


def contract_of(listing: Listing, exchange: str | None = None) -> Contract:
    """Give the contract as openOrder and execDetails carry it, routed to ``exchange``."""
    return Contract(
        con_id=listing.wire_con_id,
        symbol=listing.symbol,
        sec_type=listing.sec_type,
        last_trade_date=listing.last_trade_date,
        strike=listing.strike,
        right=_right(listing),
        multiplier=listing.multiplier_text,
        exchange=exchange or listing.exchange,
        currency=listing.currency,
        local_symbol=listing.local_symbol,
        trading_class=listing.trading_class,
    )


def holding_contract_of(listing: Listing) -> Contract:
    """Give the contract as positions carry it: with the listing exchange, never SMART."""
    return Contract(
        con_id=listing.wire_con_id,
        symbol=listing.symbol,
        sec_type=listing.sec_type,
        last_trade_date=listing.last_trade_date,
        strike=listing.strike,
        right=_right(listing),
        multiplier=listing.multiplier_text,
        exchange=listing.primary_exchange,
        primary_exchange=listing.primary_exchange,
        currency=listing.currency,
        local_symbol=listing.local_symbol,
        trading_class=listing.trading_class,
    )


def details_of(world: World, req_id: int, listing: Listing, asked: Contract) -> ContractDetails:
    """Give the contract details; hours are those of the days from now on.

    The exchange that was asked for is among the valid ones, under the name by which it was asked,
    and a future that was asked for as the continuous one is told as that.
    """
    exchanges = listing.valid_exchanges
    if asked.exchange and asked.exchange not in exchanges:
        exchanges = (*exchanges, asked.exchange)
    under = world.catalogue.by_con_id(listing.under_con_id)
    return ContractDetails(
        req_id=req_id,
        contract=_detailed(listing, asked),
        market_name=listing.market_name,
        min_tick=listing.min_tick,
        order_types=supported_order_types(listing),
        valid_exchanges=exchanges,
        price_magnifier=listing.price_magnifier,
        under_con_id=listing.under_con_id,
        long_name=listing.long_name,
        contract_month=listing.contract_month,
        industry=listing.industry,
        category=listing.category,
        subcategory=listing.subcategory,
        time_zone_id=listing.time_zone,
        trading_hours=world.calendar.trading_hours(listing, world.now),
        liquid_hours=world.calendar.liquid_hours(listing, world.now),
        sec_ids=tuple(TagValue(tag, value) for tag, value in listing.sec_ids),
        agg_group=listing.agg_group,
        under_symbol=under.symbol if under else "",
        under_sec_type=under.sec_type if under else "",
        market_rule_ids=(listing.market_rule_id,) * len(exchanges),
        real_expiration_date=listing.expires or listing.last_trade_date,
        stock_type=listing.stock_type,
        min_size=listing.min_size,
        size_increment=listing.size_increment,
        suggested_size_increment=listing.suggested_size_increment,
    )


def _detailed(listing: Listing, asked: Contract) -> Contract:
    is_continuous = asked.sec_type == CONTINUOUS
    return Contract(
        con_id=listing.wire_con_id,
        symbol=listing.symbol,
        sec_type=CONTINUOUS if is_continuous else listing.sec_type,
        last_trade_date=listing.last_trade_date,
        strike=listing.strike,
        right=_right(listing),
        multiplier=listing.multiplier_text,
        exchange=asked.exchange or listing.exchange,
        primary_exchange=listing.primary_exchange,
        currency=listing.currency,
        local_symbol=listing.local_symbol,
        trading_class=listing.trading_class,
    )


def _require_consistent(world: World, req_id: int, contract: Contract) -> None:
    named = world.catalogue.by_con_id(contract.con_id) if contract.con_id else None
    conflict = conflict_of(contract, named) if named is not None else None
    if conflict is not None:
        field, said, so = conflict
        text = (
            "Parameters in request conflicts with contract parameters received by contract id: "
            f"requested {field} {said}, in contract {so};"
        )
        raise RequestRefused(req_id, 478, text)


def _right(listing: Listing) -> str:
    return listing.right.value if listing.right is not None else ""
