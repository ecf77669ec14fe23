"""Listings of every kind, for tests of what is taken and what it costs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from apps.domain.orders import Side
from apps.domain.ticks import TickRule
from apps.paper.hours.calendar import CalendarName
from apps.paper.instruments.legs import Leg
from apps.paper.instruments.listing import Listing, MarketCharacter, Right, SecType
from tests.paper.exchange.bench import listing

STOCK = listing(1)
OTHER_STOCK = listing(2, symbol="SPY", local_symbol="SPY")
SAP = listing(
    3,
    symbol="SAP",
    currency="EUR",
    calendar=CalendarName.XETRA,
    time_zone="MET",
    multiplier=Decimal(1),
)


def pair(con_id: int, symbol: str, currency: str, reference: str = "1.16") -> Listing:
    market = replace(STOCK.market, reference=Decimal(reference))
    return listing(
        con_id,
        symbol=symbol,
        currency=currency,
        sec_type=SecType.FOREX,
        exchange="IDEALPRO",
        valid_exchanges=("IDEALPRO",),
        primary_exchange="IDEALPRO",
        local_symbol=f"{symbol}.{currency}",
        ticks=TickRule.of("0.00005"),
        calendar=CalendarName.FOREX,
        market=market,
    )


EURUSD = pair(4, "EUR", "USD")
USDJPY = pair(5, "USD", "JPY", "150")
EURGBP = pair(6, "EUR", "GBP", "0.88")


def future(con_id: int, symbol: str, multiplier: str, last: str = "20261218") -> Listing:
    return listing(
        con_id,
        symbol=symbol,
        sec_type=SecType.FUTURE,
        exchange="CME",
        valid_exchanges=("CME",),
        primary_exchange="CME",
        local_symbol=f"{symbol}Z6",
        ticks=TickRule.of("0.25"),
        calendar=CalendarName.CME,
        multiplier=Decimal(multiplier),
        last_trade_date=last,
        time_zone="US/Central",
    )


ES = future(7, "ES", "50")
UNKNOWN_FUTURE = future(8, "XX", "10")

OPTION = listing(
    9,
    symbol="AAPL",
    sec_type=SecType.OPTION,
    multiplier=Decimal(100),
    strike=Decimal(100),
    right=Right.CALL,
    under_con_id=1,
    last_trade_date="20261218",
    market=MarketCharacter(
        reference=Decimal(5), volatility=0.2, volume=1000, trade_size=1, since=date(2020, 1, 1)
    ),
)
INDEX = listing(10, symbol="SPX", sec_type=SecType.INDEX)
BAG = listing(28812380, symbol="AAPL,SPY", sec_type=SecType.COMBO)


def leg(of: Listing, side: Side = Side.BUY, ratio: int = 1) -> Leg:
    return Leg(of, ratio, side)
