"""One instrument of the paper gateway, as a value.

At home here: what contract details say of it, and how it trades where the market is made up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from apps.domain.errors import InvalidInput
from apps.domain.ticks import TickRule
from apps.paper.hours.calendar import CalendarName

__all__ = ["COMBO_CON_ID", "Listing", "MarketCharacter", "Right", "SecType", "venue"]

COMBO_CON_ID = 28812380
"""The contract id that IB gives every BAG on the wire."""

_SAME_VENUE = {"NASDAQ": "ISLAND"}
"""IB names one exchange twice: NASDAQ as a listing, ISLAND as a destination."""


class SecType(StrEnum):
    """The kinds that the gateway trades or shows; the value is IB's secType."""

    STOCK = "STK"
    FOREX = "CASH"
    INDEX = "IND"
    FUTURE = "FUT"
    OPTION = "OPT"
    COMBO = "BAG"


class Right(StrEnum):
    """What an option gives a right to: to buy or to sell; the value is IB's."""

    CALL = "C"
    PUT = "P"


_EXPIRING = frozenset({SecType.FUTURE, SecType.OPTION})


@dataclass(frozen=True, slots=True)
class MarketCharacter:
    """How an instrument trades, for a market that is made up.

    ``reference`` is the price that the path returns to, ``volatility`` its standard deviation a
    year and ``drift`` its growth a year (both as fractions); ``volume`` the shares or contracts
    of an average day and ``trade_size`` of an average trade; ``spread_ticks`` the width of the
    touch in regular hours; ``since`` the first day of its history. ``moves_with`` is the contract
    id of the instrument whose walk from day to day it follows, 0 for a walk of its own.
    """

    reference: Decimal
    volatility: float
    volume: int
    trade_size: int
    since: date
    spread_ticks: int = 1
    drift: float = 0.0
    moves_with: int = 0

    def __post_init__(self) -> None:
        if self.reference <= 0 or not 0 < self.volatility < 2 or not -1 < self.drift < 1:
            raise InvalidInput("reference must be above 0, volatility in 0..2, drift in -1..1")
        if self.volume < 1 or self.trade_size < 1 or self.spread_ticks < 1:
            raise InvalidInput("volume, trade_size and spread_ticks must be 1 or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One instrument as IB's contract details have it; ``con_id`` tells it from all others.

    ``exchange`` is the usual destination (SMART, IDEALPRO, CBOE, CME). ``valid_exchanges`` and
    ``market_rule_ids`` go together by position. ``last_trade_date`` (``YYYYMMDD``) and
    ``contract_month`` (``YYYYMM``) are empty for what does not expire. ``sec_ids`` are pairs such
    as ``("ISIN", "US0378331005")``. ``time_zone`` is the zone in which IB prints its hours.
    An option has ``strike``, ``right`` and the contract id of its underlying in ``under_con_id``;
    ``expires`` (``YYYYMMDD``) is the day of its settlement where that is not the last trading
    day. A BAG's contract id is the gateway's own (`wire_con_id` is IB's), and its ``legs`` are
    contract ids, each with its ratio, below zero for what is sold when the BAG is bought.
    """

    con_id: int
    symbol: str
    sec_type: SecType
    currency: str
    exchange: str
    primary_exchange: str
    local_symbol: str
    trading_class: str
    market_name: str
    long_name: str
    ticks: TickRule
    market_rule_id: int
    valid_exchanges: tuple[str, ...]
    calendar: CalendarName
    time_zone: str
    market: MarketCharacter
    multiplier: Decimal = Decimal(1)
    last_trade_date: str = ""
    contract_month: str = ""
    stock_type: str = ""
    industry: str = ""
    category: str = ""
    subcategory: str = ""
    min_size: Decimal = Decimal(1)
    size_increment: Decimal = Decimal(1)
    suggested_size_increment: Decimal = Decimal(100)
    price_magnifier: int = 1
    agg_group: int = 1
    sec_ids: tuple[tuple[str, str], ...] = ()
    strike: Decimal = Decimal(0)
    right: Right | None = None
    under_con_id: int = 0
    expires: str = ""
    legs: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        if self.exchange not in self.valid_exchanges:
            raise InvalidInput(f"exchange {self.exchange} is not one of valid_exchanges")
        if not self.long_name.isascii():
            raise InvalidInput("long_name must be plain ASCII: clients decode it as escapes")
        if not self.ticks.is_on_tick(self.market.reference):
            raise InvalidInput(f"reference {self.market.reference} is not on a tick")
        if (self.sec_type in _EXPIRING) != bool(self.last_trade_date):
            raise InvalidInput("last_trade_date belongs to futures and options, to all of them")
        is_option = self.sec_type is SecType.OPTION
        if is_option != bool(self.strike and self.right and self.under_con_id):
            raise InvalidInput(
                "an option (OPT) has a strike, a right and an underlying; nothing else has"
            )

    def __hash__(self) -> int:
        return self.con_id

    @property
    def market_rule_ids(self) -> tuple[int, ...]:
        """One market rule a valid exchange, in the order of ``valid_exchanges``."""
        return (self.market_rule_id,) * len(self.valid_exchanges)

    @property
    def min_tick(self) -> Decimal:
        """Tick at the reference price; of an option the smallest at any.

        IB states the smallest of any price, but for US stocks prints 0.01 all the same.
        """
        if self.sec_type is SecType.OPTION:
            return self.ticks.bands[0].increment
        return self.ticks.increment_at(self.market.reference)

    @property
    def multiplier_text(self) -> str:
        """The multiplier as the wire has it: empty for what has none."""
        return f"{self.multiplier:f}" if self.sec_type in _EXPIRING else ""

    @property
    def wire_con_id(self) -> int:
        """The contract id as the wire has it: one and the same for every BAG."""
        return COMBO_CON_ID if self.sec_type is SecType.COMBO else self.con_id

    @property
    def isin(self) -> str:
        """ISIN, or empty where it is not known."""
        return dict(self.sec_ids).get("ISIN", "")

    def is_known_by(self, id_type: str, text: str) -> bool:
        """Tell whether a security id is this listing's; a US ISIN has the CUSIP within."""
        if id_type == "CUSIP":
            return self.isin.startswith("US") and self.isin[2:-1] == text
        return (id_type, text) in self.sec_ids

    def trades_on(self, exchange: str) -> bool:
        """Tell whether a client may name ``exchange``; NASDAQ and ISLAND are one."""
        return venue(exchange) in self.valid_exchanges


def venue(exchange: str) -> str:
    """Give an exchange the one name by which it can be compared with others.

    >>> venue("NASDAQ") == venue("ISLAND")
    True
    """
    return _SAME_VENUE.get(exchange, exchange)
