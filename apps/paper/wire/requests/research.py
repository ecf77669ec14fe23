"""What a client asks of data vendors: fundamentals, and Wall Street Horizon's calendar."""

from __future__ import annotations

from dataclasses import dataclass, field

from apps.paper.wire import versions
from apps.paper.wire.codecs import BOOL, INT, OPTIONAL_INT, TEXT
from apps.paper.wire.layout import Constant, Field
from apps.paper.wire.parts import REQ_ID, Message, contract, message_version
from apps.paper.wire.values import Contract

__all__ = [
    "MESSAGES",
    "CancelFundamentalData",
    "CancelWshEventData",
    "CancelWshMetaData",
    "ReqFundamentalData",
    "ReqWshEventData",
    "ReqWshMetaData",
]


@dataclass(frozen=True, slots=True)
class ReqFundamentalData:
    """A fundamental report, such as ReportSnapshot."""

    req_id: int
    contract: Contract = field(default_factory=Contract)
    report_type: str = ""
    options: str = ""


@dataclass(frozen=True, slots=True)
class CancelFundamentalData:
    """The report on ``req_id`` is no longer wanted."""

    req_id: int


@dataclass(frozen=True, slots=True)
class ReqWshMetaData:
    """Which events and filters the calendar knows."""

    req_id: int


@dataclass(frozen=True, slots=True)
class CancelWshMetaData:
    """The calendar's description is no longer wanted."""

    req_id: int


@dataclass(frozen=True, slots=True)
class ReqWshEventData:
    """Events of one instrument (None where a ``filter`` says which), in a range of dates."""

    req_id: int
    con_id: int | None = None
    filter: str = ""
    fill_watchlist: bool = False
    fill_portfolio: bool = False
    fill_competitors: bool = False
    start_date: str = ""
    end_date: str = ""
    total_limit: int | None = None


@dataclass(frozen=True, slots=True)
class CancelWshEventData:
    """The events on ``req_id`` are no longer wanted."""

    req_id: int


MESSAGES = (
    Message.of(
        52,
        ReqFundamentalData,
        message_version(2),
        REQ_ID,
        contract(
            Field("con_id", INT),
            Field("symbol", TEXT),
            Field("sec_type", TEXT),
            Field("exchange", TEXT),
            Field("primary_exchange", TEXT),
            Field("currency", TEXT),
            Field("local_symbol", TEXT),
        ),
        Field("report_type", TEXT),
        Constant("0"),  # how many options the text after it holds
        Field("options", TEXT),
    ),
    Message.of(53, CancelFundamentalData, message_version(1), REQ_ID),
    Message.of(100, ReqWshMetaData, REQ_ID),
    Message.of(101, CancelWshMetaData, REQ_ID),
    Message.of(
        102,
        ReqWshEventData,
        REQ_ID,
        Field("con_id", OPTIONAL_INT),
        Field("filter", TEXT, since=versions.WSH_EVENT_DATA_FILTERS),
        Field("fill_watchlist", BOOL, since=versions.WSH_EVENT_DATA_FILTERS),
        Field("fill_portfolio", BOOL, since=versions.WSH_EVENT_DATA_FILTERS),
        Field("fill_competitors", BOOL, since=versions.WSH_EVENT_DATA_FILTERS),
        Field("start_date", TEXT, since=versions.WSH_EVENT_DATA_FILTERS_DATE),
        Field("end_date", TEXT, since=versions.WSH_EVENT_DATA_FILTERS_DATE),
        Field("total_limit", OPTIONAL_INT, since=versions.WSH_EVENT_DATA_FILTERS_DATE),
    ),
    Message.of(103, CancelWshEventData, REQ_ID),
)
