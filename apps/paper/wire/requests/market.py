"""What a client asks about instruments, and of their markets as they move."""

from __future__ import annotations

from dataclasses import dataclass, field

from apps.paper.wire import versions
from apps.paper.wire.codecs import BOOL, CSV, INT, TEXT
from apps.paper.wire.layout import Field
from apps.paper.wire.parts import (
    CONTRACT,
    DELTA_NEUTRAL_CONTRACT,
    LEGS_OF_FOUR,
    REQ_ID,
    Message,
    contract,
    message_version,
)
from apps.paper.wire.values import Contract

__all__ = [
    "MESSAGES",
    "CancelMarketData",
    "CancelRealTimeBars",
    "CancelTickByTick",
    "ReqContractDetails",
    "ReqMarketData",
    "ReqMarketDataType",
    "ReqMarketRule",
    "ReqMatchingSymbols",
    "ReqRealTimeBars",
    "ReqSecDefOptParams",
    "ReqTickByTick",
]


@dataclass(frozen=True, slots=True)
class ReqContractDetails:
    """All contracts that fit the description, please."""

    req_id: int
    contract: Contract = field(default_factory=Contract)


@dataclass(frozen=True, slots=True)
class ReqMatchingSymbols:
    """Symbols and names that resemble ``pattern``."""

    req_id: int
    pattern: str


@dataclass(frozen=True, slots=True)
class ReqMarketRule:
    """The price increments of one market rule. There is no request id."""

    market_rule_id: int


@dataclass(frozen=True, slots=True)
class ReqMarketData:
    """Quotes and trades of a contract, as a stream or as one snapshot."""

    req_id: int
    contract: Contract = field(default_factory=Contract)
    generic_ticks: tuple[str, ...] = ()
    snapshot: bool = False
    regulatory_snapshot: bool = False
    options: str = ""


@dataclass(frozen=True, slots=True)
class CancelMarketData:
    """No more market data on ``req_id``."""

    req_id: int


@dataclass(frozen=True, slots=True)
class ReqMarketDataType:
    """The kind of market data from now on: 1 live, 2 frozen, 3 delayed, 4 delayed-frozen."""

    market_data_type: int


@dataclass(frozen=True, slots=True)
class ReqRealTimeBars:
    """Bars of ``bar_size_s`` seconds (IB knows 5 only) as they are completed."""

    req_id: int
    contract: Contract = field(default_factory=Contract)
    bar_size_s: int = 5
    what_to_show: str = "TRADES"
    use_rth: bool = False
    options: str = ""


@dataclass(frozen=True, slots=True)
class CancelRealTimeBars:
    """No more bars on ``req_id``."""

    req_id: int


@dataclass(frozen=True, slots=True)
class ReqSecDefOptParams:
    """The option chains of an underlying."""

    req_id: int
    underlying_symbol: str
    fut_fop_exchange: str
    underlying_sec_type: str
    underlying_con_id: int


@dataclass(frozen=True, slots=True)
class ReqTickByTick:
    """Every tick: ``tick_type`` is Last, AllLast, BidAsk or MidPoint."""

    req_id: int
    contract: Contract = field(default_factory=Contract)
    tick_type: str = "Last"
    number_of_ticks: int = 0
    ignore_size: bool = False


@dataclass(frozen=True, slots=True)
class CancelTickByTick:
    """No more ticks on ``req_id``."""

    req_id: int


MESSAGES = (
    Message.of(
        9,
        ReqContractDetails,
        message_version(8),
        REQ_ID,
        CONTRACT,
        contract(
            Field("include_expired", BOOL),
            Field("sec_id_type", TEXT),
            Field("sec_id", TEXT),
            Field("issuer_id", TEXT, since=versions.BOND_ISSUER_ID),
        ),
    ),
    Message.of(81, ReqMatchingSymbols, REQ_ID, Field("pattern", TEXT)),
    Message.of(91, ReqMarketRule, Field("market_rule_id", INT)),
    Message.of(
        1,
        ReqMarketData,
        message_version(11),
        REQ_ID,
        CONTRACT,
        LEGS_OF_FOUR,
        DELTA_NEUTRAL_CONTRACT,
        Field("generic_ticks", CSV),
        Field("snapshot", BOOL),
        Field("regulatory_snapshot", BOOL),
        Field("options", TEXT),
    ),
    Message.of(2, CancelMarketData, message_version(2), REQ_ID),
    Message.of(59, ReqMarketDataType, message_version(1), Field("market_data_type", INT)),
    Message.of(
        50,
        ReqRealTimeBars,
        message_version(3),
        REQ_ID,
        CONTRACT,
        Field("bar_size_s", INT),
        Field("what_to_show", TEXT),
        Field("use_rth", BOOL),
        Field("options", TEXT),
    ),
    Message.of(51, CancelRealTimeBars, message_version(1), REQ_ID),
    Message.of(
        78,
        ReqSecDefOptParams,
        REQ_ID,
        Field("underlying_symbol", TEXT),
        Field("fut_fop_exchange", TEXT),
        Field("underlying_sec_type", TEXT),
        Field("underlying_con_id", INT),
    ),
    Message.of(
        97,
        ReqTickByTick,
        REQ_ID,
        CONTRACT,
        Field("tick_type", TEXT),
        Field("number_of_ticks", INT),
        Field("ignore_size", BOOL),
    ),
    Message.of(98, CancelTickByTick, REQ_ID),
)
