"""What a client is told of a market as it moves: quotes, trades, and what kind they are."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from apps.paper.wire.codecs import DECIMAL, INT, TEXT
from apps.paper.wire.layout import Constant, Field
from apps.paper.wire.parts import REQ_ID, Message, message_version
from apps.paper.wire.responses.numbers import Number

__all__ = [
    "MESSAGES",
    "MarketDataType",
    "TickBidAsk",
    "TickGeneric",
    "TickMidPoint",
    "TickPrice",
    "TickReqParams",
    "TickSize",
    "TickSnapshotEnd",
    "TickString",
    "TickTrade",
]

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class MarketDataType:
    """The kind of the market data that follows: 1 live, 2 frozen, 3 delayed, 4 delayed-frozen."""

    req_id: int
    market_data_type: int


@dataclass(frozen=True, slots=True)
class TickReqParams:
    """The smallest price step, the letter code of the best exchanges, and snapshot rights."""

    req_id: int
    min_tick: Number
    bbo_exchange: str = ""
    snapshot_permissions: int = 0


@dataclass(frozen=True, slots=True)
class TickPrice:
    """A price with its size. ``attributes``: bit 0 can auto-execute, 1 past limit, 2 pre-open."""

    req_id: int
    tick_type: int
    price: Number
    size: Number = _ZERO
    attributes: int = 0


@dataclass(frozen=True, slots=True)
class TickSize:
    """A size without a price."""

    req_id: int
    tick_type: int
    size: Number


@dataclass(frozen=True, slots=True)
class TickGeneric:
    """A number of a generic tick."""

    req_id: int
    tick_type: int
    value: Number


@dataclass(frozen=True, slots=True)
class TickString:
    """A text of a generic tick."""

    req_id: int
    tick_type: int
    value: str


@dataclass(frozen=True, slots=True)
class TickSnapshotEnd:
    """The snapshot on ``req_id`` is complete."""

    req_id: int


@dataclass(frozen=True, slots=True)
class TickTrade:
    """One trade. ``tick_type`` is 1 (Last) or 2 (AllLast); ``time`` epoch seconds."""

    req_id: int
    tick_type: int
    time: int
    price: Number
    size: Number
    attributes: int = 0
    exchange: str = ""
    special_conditions: str = ""


@dataclass(frozen=True, slots=True)
class TickBidAsk:
    """One quote; ``time`` is epoch seconds."""

    req_id: int
    time: int
    bid: Number
    ask: Number
    bid_size: Number
    ask_size: Number
    attributes: int = 0


@dataclass(frozen=True, slots=True)
class TickMidPoint:
    """One midpoint; ``time`` is epoch seconds."""

    req_id: int
    time: int
    mid_point: Number


_TICK_TYPE = Field("tick_type", INT)
_ATTRIBUTES = Field("attributes", INT)
_TIME = Field("time", INT)

MESSAGES = (
    Message.of(58, MarketDataType, message_version(1), REQ_ID, Field("market_data_type", INT)),
    Message.of(
        81,
        TickReqParams,
        REQ_ID,
        Field("min_tick", DECIMAL),
        Field("bbo_exchange", TEXT),
        Field("snapshot_permissions", INT),
    ),
    Message.of(
        1,
        TickPrice,
        message_version(6),
        REQ_ID,
        _TICK_TYPE,
        Field("price", DECIMAL),
        Field("size", DECIMAL),
        _ATTRIBUTES,
    ),
    Message.of(2, TickSize, message_version(6), REQ_ID, _TICK_TYPE, Field("size", DECIMAL)),
    Message.of(45, TickGeneric, message_version(6), REQ_ID, _TICK_TYPE, Field("value", DECIMAL)),
    Message.of(46, TickString, message_version(6), REQ_ID, _TICK_TYPE, Field("value", TEXT)),
    Message.of(57, TickSnapshotEnd, message_version(1), REQ_ID),
    Message.of(
        99,
        TickTrade,
        REQ_ID,
        _TICK_TYPE,
        _TIME,
        Field("price", DECIMAL),
        Field("size", DECIMAL),
        _ATTRIBUTES,
        Field("exchange", TEXT),
        Field("special_conditions", TEXT),
    ),
    Message.of(
        99,
        TickBidAsk,
        REQ_ID,
        Constant("3"),
        _TIME,
        Field("bid", DECIMAL),
        Field("ask", DECIMAL),
        Field("bid_size", DECIMAL),
        Field("ask_size", DECIMAL),
        _ATTRIBUTES,
    ),
    Message.of(99, TickMidPoint, REQ_ID, Constant("4"), _TIME, Field("mid_point", DECIMAL)),
)
