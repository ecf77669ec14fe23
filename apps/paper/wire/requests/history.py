"""What a client asks about the past: bars, ticks, and how prices were distributed."""

from __future__ import annotations

from dataclasses import dataclass, field

from apps.paper.wire.codecs import BOOL, INT, TEXT
from apps.paper.wire.layout import Field
from apps.paper.wire.parts import CONTRACT, LEGS_OF_FOUR, REQ_ID, Message, contract, message_version
from apps.paper.wire.values import Contract

__all__ = [
    "MESSAGES",
    "CancelHeadTimestamp",
    "CancelHistogramData",
    "CancelHistoricalData",
    "ReqHeadTimestamp",
    "ReqHistogramData",
    "ReqHistoricalData",
    "ReqHistoricalTicks",
]


@dataclass(frozen=True, slots=True)
class ReqHistoricalData:
    """Bars of the past, and with ``keep_up_to_date`` the running one too.

    ``end_date_time``, ``bar_size`` and ``duration`` are IB's texts ('', '1 min', '2 D');
    ``format_date`` is 1 for text, 2 for epoch seconds. A ``what_to_show`` of SCHEDULE asks for
    sessions instead of bars.
    """

    req_id: int
    contract: Contract = field(default_factory=Contract)
    end_date_time: str = ""
    bar_size: str = ""
    duration: str = ""
    use_rth: bool = False
    what_to_show: str = "TRADES"
    format_date: int = 1
    keep_up_to_date: bool = False
    chart_options: str = ""


@dataclass(frozen=True, slots=True)
class CancelHistoricalData:
    """No more history on ``req_id``."""

    req_id: int


@dataclass(frozen=True, slots=True)
class ReqHeadTimestamp:
    """The time of the oldest bar there is."""

    req_id: int
    contract: Contract = field(default_factory=Contract)
    use_rth: bool = False
    what_to_show: str = "TRADES"
    format_date: int = 1


@dataclass(frozen=True, slots=True)
class CancelHeadTimestamp:
    """The head timestamp is no longer wanted; clients send this after the answer too."""

    req_id: int


@dataclass(frozen=True, slots=True)
class ReqHistogramData:
    """How much was traded at each price over ``period``, IB's text ('3 days')."""

    req_id: int
    contract: Contract = field(default_factory=Contract)
    use_rth: bool = False
    period: str = ""


@dataclass(frozen=True, slots=True)
class CancelHistogramData:
    """The histogram is no longer wanted."""

    req_id: int


@dataclass(frozen=True, slots=True)
class ReqHistoricalTicks:
    """Up to 1000 ticks of the past: ``what_to_show`` is TRADES, MIDPOINT or BID_ASK.

    One of the two times is given, in IB's text form: ticks from ``start_date_time`` on, or up to
    ``end_date_time``.
    """

    req_id: int
    contract: Contract = field(default_factory=Contract)
    start_date_time: str = ""
    end_date_time: str = ""
    number_of_ticks: int = 0
    what_to_show: str = "TRADES"
    use_rth: bool = False
    ignore_size: bool = False
    options: str = ""


_INCLUDE_EXPIRED = contract(Field("include_expired", BOOL))

MESSAGES = (
    Message.of(
        20,
        ReqHistoricalData,
        REQ_ID,
        CONTRACT,
        _INCLUDE_EXPIRED,
        Field("end_date_time", TEXT),
        Field("bar_size", TEXT),
        Field("duration", TEXT),
        Field("use_rth", BOOL),
        Field("what_to_show", TEXT),
        Field("format_date", INT),
        LEGS_OF_FOUR,
        Field("keep_up_to_date", BOOL),
        Field("chart_options", TEXT),
    ),
    Message.of(25, CancelHistoricalData, message_version(1), REQ_ID),
    Message.of(
        87,
        ReqHeadTimestamp,
        REQ_ID,
        CONTRACT,
        _INCLUDE_EXPIRED,
        Field("use_rth", BOOL),
        Field("what_to_show", TEXT),
        Field("format_date", INT),
    ),
    Message.of(90, CancelHeadTimestamp, REQ_ID),
    Message.of(
        88,
        ReqHistogramData,
        REQ_ID,
        CONTRACT,
        _INCLUDE_EXPIRED,
        Field("use_rth", BOOL),
        Field("period", TEXT),
    ),
    Message.of(89, CancelHistogramData, REQ_ID),
    Message.of(
        96,
        ReqHistoricalTicks,
        REQ_ID,
        CONTRACT,
        _INCLUDE_EXPIRED,
        Field("start_date_time", TEXT),
        Field("end_date_time", TEXT),
        Field("number_of_ticks", INT),
        Field("what_to_show", TEXT),
        Field("use_rth", BOOL),
        Field("ignore_size", BOOL),
        Field("options", TEXT),
    ),
)
