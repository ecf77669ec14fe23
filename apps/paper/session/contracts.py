"""A listing in the wire's words: the contract of each kind of message, and the details."""

from __future__ import annotations

from apps.paper.catalogue import Listing, SecType
from apps.paper.wire import Contract, ContractDetails, TagValue
from apps.paper.world import World

__all__ = [
    "contract_of",
    "details_of",
    "has_quotes",
    "has_trades",
    "holding_contract_of",
]


def has_trades(listing: Listing) -> bool:
    """Tell whether there are prints: a currency pair is quoted only."""
    return listing.sec_type is not SecType.FOREX


def has_quotes(listing: Listing) -> bool:
    """Tell whether there is a bid and an ask: an index is computed only."""
    return listing.sec_type is not SecType.INDEX


def contract_of(listing: Listing, exchange: str | None = None) -> Contract:
    """Give the contract as openOrder and execDetails carry it, routed to ``exchange``."""
    return Contract(
        con_id=listing.con_id,
        symbol=listing.symbol,
        sec_type=listing.sec_type,
        last_trade_date=listing.last_trade_date,
        multiplier=listing.multiplier_text,
        exchange=exchange or listing.exchange,
        currency=listing.currency,
        local_symbol=listing.local_symbol,
        trading_class=listing.trading_class,
    )


def holding_contract_of(listing: Listing) -> Contract:
    """Give the contract as positions carry it: with the listing exchange, never SMART."""
    return Contract(
        con_id=listing.con_id,
        symbol=listing.symbol,
        sec_type=listing.sec_type,
        last_trade_date=listing.last_trade_date,
        multiplier=listing.multiplier_text,
        exchange=listing.primary_exchange,
        primary_exchange=listing.primary_exchange,
        currency=listing.currency,
        local_symbol=listing.local_symbol,
        trading_class=listing.trading_class,
    )


def details_of(world: World, req_id: int, listing: Listing, asked_exchange: str) -> ContractDetails:
    """Give the contract details; hours are those of the days from now on.

    The exchange that was asked for is among the valid ones, under the name by which it was asked.
    """
    exchanges = listing.valid_exchanges
    if asked_exchange and asked_exchange not in exchanges:
        exchanges = (*exchanges, asked_exchange)
    contract = Contract(
        con_id=listing.con_id,
        symbol=listing.symbol,
        sec_type=listing.sec_type,
        last_trade_date=listing.last_trade_date,
        multiplier=listing.multiplier_text,
        exchange=asked_exchange or listing.exchange,
        primary_exchange=listing.primary_exchange,
        currency=listing.currency,
        local_symbol=listing.local_symbol,
        trading_class=listing.trading_class,
    )
    return ContractDetails(
        req_id=req_id,
        contract=contract,
        market_name=listing.market_name,
        min_tick=listing.min_tick,
        order_types=listing.order_types,
        valid_exchanges=exchanges,
        price_magnifier=listing.price_magnifier,
        long_name=listing.long_name,
        contract_month=listing.contract_month,
        industry=listing.industry,
        category=listing.category,
        subcategory=listing.subcategory,
        time_zone_id=listing.time_zone,
        trading_hours=world.calendar.trading_hours(listing, world.now),
        liquid_hours=world.calendar.liquid_hours(listing, world.now),
        sec_ids=tuple(TagValue(tag, value) for tag, value in listing.sec_ids),
        market_rule_ids=(listing.market_rule_id,) * len(exchanges),
        real_expiration_date=listing.last_trade_date,
        stock_type=listing.stock_type,
        min_size=listing.min_size,
        size_increment=listing.size_increment,
        suggested_size_increment=listing.suggested_size_increment,
    )
