"""What a client is told of the past besides bars: ticks, how prices were distributed, sessions."""

from __future__ import annotations

from dataclasses import dataclass

from apps.paper.wire.codecs import BOOL, DECIMAL, INT, LONG, TEXT
from apps.paper.wire.layout import Constant, Field, Part, Record, Repeat
from apps.paper.wire.parts import REQ_ID, Message
from apps.paper.wire.responses.numbers import Number

__all__ = [
    "MESSAGES",
    "HistogramBucket",
    "HistogramData",
    "HistoricalSchedule",
    "HistoricalSession",
    "HistoricalTick",
    "HistoricalTickBidAsk",
    "HistoricalTickTrade",
    "HistoricalTicks",
    "HistoricalTicksBidAsk",
    "HistoricalTicksTrades",
]


@dataclass(frozen=True, slots=True)
class HistoricalTick:
    """One midpoint; ``time`` is epoch seconds."""

    time: int
    price: Number
    size: Number = 0


@dataclass(frozen=True, slots=True)
class HistoricalTicks:
    """The answer to MIDPOINT, oldest first; ``done`` when no more follow on ``req_id``."""

    req_id: int
    ticks: tuple[HistoricalTick, ...] = ()
    done: bool = True


@dataclass(frozen=True, slots=True)
class HistoricalTickBidAsk:
    """One quote; ``time`` is epoch seconds.

    ``attributes``: bit 0 ask past the day's high, bit 1 bid past its low. The other way round
    than in a live `TickBidAsk`.
    """

    time: int
    bid: Number
    ask: Number
    bid_size: Number
    ask_size: Number
    attributes: int = 0


@dataclass(frozen=True, slots=True)
class HistoricalTicksBidAsk:
    """The answer to BID_ASK, oldest first; ``done`` when no more follow on ``req_id``."""

    req_id: int
    ticks: tuple[HistoricalTickBidAsk, ...] = ()
    done: bool = True


@dataclass(frozen=True, slots=True)
class HistoricalTickTrade:
    """One trade; ``time`` is epoch seconds. ``attributes``: bit 0 past limit, bit 1 unreported."""

    time: int
    price: Number
    size: Number
    attributes: int = 0
    exchange: str = ""
    special_conditions: str = ""


@dataclass(frozen=True, slots=True)
class HistoricalTicksTrades:
    """The answer to TRADES, oldest first; ``done`` when no more follow on ``req_id``."""

    req_id: int
    ticks: tuple[HistoricalTickTrade, ...] = ()
    done: bool = True


@dataclass(frozen=True, slots=True)
class HistogramBucket:
    """How much was traded at one price; a whole number, for clients put it through ``int``."""

    price: Number
    size: int


@dataclass(frozen=True, slots=True)
class HistogramData:
    """All prices of the period, in one message."""

    req_id: int
    buckets: tuple[HistogramBucket, ...] = ()


@dataclass(frozen=True, slots=True)
class HistoricalSession:
    """One session in the time zone of its schedule: YYYYMMDD-HH:MM:SS, and its day YYYYMMDD."""

    start_date_time: str
    end_date_time: str
    ref_date: str


@dataclass(frozen=True, slots=True)
class HistoricalSchedule:
    """The answer to history of SCHEDULE; it has no other end. Clients know it from 165 on."""

    req_id: int
    start_date_time: str
    end_date_time: str
    time_zone: str
    sessions: tuple[HistoricalSession, ...] = ()


_TIME = Field("time", INT)
_ATTRIBUTES = Field("attributes", INT)
_PRICE_AND_SIZE = (Field("price", DECIMAL), Field("size", DECIMAL))


def _ticks(msg_id: int, shape: type[object], tick: type[object], *parts: Part) -> Message:
    """Give the message of ticks, each with its time first."""
    return Message.of(
        msg_id,
        shape,
        REQ_ID,
        Repeat("ticks", Record(tick, (_TIME, *parts))),
        Field("done", BOOL),
    )


MESSAGES = (
    _ticks(
        96,
        HistoricalTicks,
        HistoricalTick,
        Constant("0"),  # where the other two have attributes
        *_PRICE_AND_SIZE,
    ),
    _ticks(
        97,
        HistoricalTicksBidAsk,
        HistoricalTickBidAsk,
        _ATTRIBUTES,
        Field("bid", DECIMAL),
        Field("ask", DECIMAL),
        Field("bid_size", DECIMAL),
        Field("ask_size", DECIMAL),
    ),
    _ticks(
        98,
        HistoricalTicksTrades,
        HistoricalTickTrade,
        _ATTRIBUTES,
        *_PRICE_AND_SIZE,
        Field("exchange", TEXT),
        Field("special_conditions", TEXT),
    ),
    Message.of(
        89,
        HistogramData,
        REQ_ID,
        Repeat("buckets", Record(HistogramBucket, (Field("price", DECIMAL), Field("size", LONG)))),
    ),
    Message.of(
        106,
        HistoricalSchedule,
        REQ_ID,
        Field("start_date_time", TEXT),
        Field("end_date_time", TEXT),
        Field("time_zone", TEXT),
        Repeat(
            "sessions",
            Record(
                HistoricalSession,
                (
                    Field("start_date_time", TEXT),
                    Field("end_date_time", TEXT),
                    Field("ref_date", TEXT),
                ),
            ),
        ),
    ),
)
