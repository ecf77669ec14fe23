"""What a client is told in bars, as they are completed or from the past."""

from __future__ import annotations

from dataclasses import dataclass

from apps.paper.wire.codecs import DECIMAL, INT, TEXT
from apps.paper.wire.layout import Field, Group, Record, Repeat
from apps.paper.wire.parts import REQ_ID, Message, message_version
from apps.paper.wire.responses.numbers import Number

__all__ = [
    "MESSAGES",
    "HeadTimestamp",
    "HistoricalBar",
    "HistoricalData",
    "HistoricalDataUpdate",
    "RealTimeBar",
]


@dataclass(frozen=True, slots=True)
class RealTimeBar:
    """A completed 5-second bar; ``time`` is the epoch second at which it began."""

    req_id: int
    time: int
    open: Number
    high: Number
    low: Number
    close: Number
    volume: Number
    wap: Number
    count: int


@dataclass(frozen=True, slots=True)
class HistoricalBar:
    """A bar of history; ``date`` as it was asked for: text, or epoch seconds as text."""

    date: str
    open: Number
    high: Number
    low: Number
    close: Number
    volume: Number
    wap: Number
    count: int


@dataclass(frozen=True, slots=True)
class HistoricalData:
    """All bars that were asked for, oldest first; ``start`` and ``end`` as text."""

    req_id: int
    start: str
    end: str
    bars: tuple[HistoricalBar, ...] = ()


@dataclass(frozen=True, slots=True)
class HistoricalDataUpdate:
    """The running bar of a request that is kept up to date."""

    req_id: int
    bar: HistoricalBar


@dataclass(frozen=True, slots=True)
class HeadTimestamp:
    """The time of the oldest bar, as text or as epoch seconds in text."""

    req_id: int
    timestamp: str


_REST_OF_BAR = (
    Field("open", DECIMAL),
    Field("high", DECIMAL),
    Field("low", DECIMAL),
    Field("close", DECIMAL),
    Field("volume", DECIMAL),
    Field("wap", DECIMAL),
    Field("count", INT),
)

MESSAGES = (
    Message.of(50, RealTimeBar, message_version(3), REQ_ID, Field("time", INT), *_REST_OF_BAR),
    Message.of(
        17,
        HistoricalData,
        REQ_ID,
        Field("start", TEXT),
        Field("end", TEXT),
        Repeat("bars", Record(HistoricalBar, (Field("date", TEXT), *_REST_OF_BAR))),
    ),
    Message.of(
        90,
        HistoricalDataUpdate,
        REQ_ID,
        Group(
            "bar",
            HistoricalBar,
            (
                Field("count", INT),
                Field("date", TEXT),
                Field("open", DECIMAL),
                Field("close", DECIMAL),  # before high and low, unlike in every other bar
                Field("high", DECIMAL),
                Field("low", DECIMAL),
                Field("wap", DECIMAL),
                Field("volume", DECIMAL),
            ),
        ),
    ),
    Message.of(88, HeadTimestamp, REQ_ID, Field("timestamp", TEXT)),
)
