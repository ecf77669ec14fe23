"""What a client is told about instruments: their details, rules and option chains."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from apps.paper.wire import versions
from apps.paper.wire.codecs import CSV, DECIMAL, ESCAPED, INT, INT_CSV, TEXT
from apps.paper.wire.layout import Constant, Field, Record, Repeat
from apps.paper.wire.parts import REQ_ID, TAG_VALUE, Message, contract, message_version
from apps.paper.wire.responses.numbers import Number
from apps.paper.wire.values import Contract, TagValue

__all__ = [
    "MESSAGES",
    "ContractDetails",
    "ContractDetailsEnd",
    "MarketRule",
    "PriceIncrement",
    "SecDefOptParams",
    "SecDefOptParamsEnd",
    "SymbolSample",
    "SymbolSamples",
]

_ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class ContractDetails:
    """One contract in full.

    ``contract.last_trade_date`` may carry a time after a blank. ``valid_exchanges`` must contain
    the exchange asked for, with as many ``market_rule_ids``, position by position.
    """

    req_id: int
    contract: Contract = field(default_factory=Contract)
    market_name: str = ""
    min_tick: Number = Decimal("0.01")
    order_types: tuple[str, ...] = ()
    valid_exchanges: tuple[str, ...] = ()
    price_magnifier: int = 1
    under_con_id: int = 0
    long_name: str = ""
    contract_month: str = ""
    industry: str = ""
    category: str = ""
    subcategory: str = ""
    time_zone_id: str = ""
    trading_hours: str = ""
    liquid_hours: str = ""
    ev_rule: str = ""
    ev_multiplier: Number = 0
    sec_ids: tuple[TagValue, ...] = ()
    agg_group: int = 1
    under_symbol: str = ""
    under_sec_type: str = ""
    market_rule_ids: tuple[int, ...] = ()
    real_expiration_date: str = ""
    stock_type: str = ""
    min_size: Number = _ONE
    size_increment: Number = _ONE
    suggested_size_increment: Number = _ONE


@dataclass(frozen=True, slots=True)
class ContractDetailsEnd:
    """No more contracts on ``req_id``."""

    req_id: int


@dataclass(frozen=True, slots=True)
class SymbolSample:
    """One instrument that resembles what was typed."""

    con_id: int
    symbol: str
    sec_type: str
    primary_exchange: str
    currency: str
    derivative_sec_types: tuple[str, ...] = ()
    description: str = ""
    issuer_id: str = ""


@dataclass(frozen=True, slots=True)
class SymbolSamples:
    """All instruments that resemble what was typed, in one message."""

    req_id: int
    samples: tuple[SymbolSample, ...] = ()


@dataclass(frozen=True, slots=True)
class PriceIncrement:
    """From ``low_edge`` upward, prices are multiples of ``increment``."""

    low_edge: Number
    increment: Number


@dataclass(frozen=True, slots=True)
class MarketRule:
    """The bands of one market rule, in rising order."""

    market_rule_id: int
    increments: tuple[PriceIncrement, ...] = ()


@dataclass(frozen=True, slots=True)
class SecDefOptParams:
    """One option chain: its expirations (YYYYMMDD) and strikes."""

    req_id: int
    exchange: str
    under_con_id: int
    trading_class: str
    multiplier: str
    expirations: tuple[str, ...] = ()
    strikes: tuple[Number, ...] = ()


@dataclass(frozen=True, slots=True)
class SecDefOptParamsEnd:
    """No more option chains on ``req_id``."""

    req_id: int


_DETAILS = (
    contract(
        Field("symbol", TEXT),
        Field("sec_type", TEXT),
        Field("last_trade_date", TEXT),
        Field("strike", DECIMAL),
        Field("right", TEXT),
        Field("exchange", TEXT),
        Field("currency", TEXT),
        Field("local_symbol", TEXT),
    ),
    Field("market_name", TEXT),
    contract(Field("trading_class", TEXT), Field("con_id", INT)),
    Field("min_tick", DECIMAL),
    Constant("1", until=versions.SIZE_RULES),  # mdSizeMultiplier: sizes are in shares
    contract(Field("multiplier", TEXT)),
    Field("order_types", CSV),
    Field("valid_exchanges", CSV),
    Field("price_magnifier", INT),
    Field("under_con_id", INT),
    Field("long_name", ESCAPED),
    contract(Field("primary_exchange", TEXT)),
    Field("contract_month", TEXT),
    Field("industry", TEXT),
    Field("category", TEXT),
    Field("subcategory", TEXT),
    Field("time_zone_id", TEXT),
    Field("trading_hours", TEXT),
    Field("liquid_hours", TEXT),
    Field("ev_rule", TEXT),
    Field("ev_multiplier", DECIMAL),
    Repeat("sec_ids", TAG_VALUE),
    Field("agg_group", INT),
    Field("under_symbol", TEXT),
    Field("under_sec_type", TEXT),
    Field("market_rule_ids", INT_CSV),
    Field("real_expiration_date", TEXT),
    Field("stock_type", TEXT),
    Field("min_size", DECIMAL, since=versions.SIZE_RULES),
    # at 163 it stands alone: IB calls it sizeMinTick there, ib_insync suggestedSizeIncrement
    Field("size_increment", DECIMAL, since=versions.FRACTIONAL_SIZE_SUPPORT),
    Field("suggested_size_increment", DECIMAL, since=versions.SIZE_RULES),
)
_SAMPLE = Record(
    SymbolSample,
    (
        Field("con_id", INT),
        Field("symbol", TEXT),
        Field("sec_type", TEXT),
        Field("primary_exchange", TEXT),
        Field("currency", TEXT),
        Repeat("derivative_sec_types", TEXT),
        Field("description", TEXT, since=versions.BOND_ISSUER_ID),
        Field("issuer_id", TEXT, since=versions.BOND_ISSUER_ID),
    ),
)

MESSAGES = (
    Message.of(10, ContractDetails, Constant("8", until=versions.SIZE_RULES), REQ_ID, *_DETAILS),
    Message.of(52, ContractDetailsEnd, message_version(1), REQ_ID),
    Message.of(79, SymbolSamples, REQ_ID, Repeat("samples", _SAMPLE)),
    Message.of(
        93,
        MarketRule,
        Field("market_rule_id", INT),
        Repeat(
            "increments",
            Record(PriceIncrement, (Field("low_edge", DECIMAL), Field("increment", DECIMAL))),
        ),
    ),
    Message.of(
        75,
        SecDefOptParams,
        REQ_ID,
        Field("exchange", TEXT),
        Field("under_con_id", INT),
        Field("trading_class", TEXT),
        Field("multiplier", TEXT),
        Repeat("expirations", TEXT),
        Repeat("strikes", DECIMAL),
    ),
    Message.of(76, SecDefOptParamsEnd, REQ_ID),
)
