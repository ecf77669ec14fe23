"""History of SCHEDULE: the trading sessions of a stretch, instead of its bars."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from apps.paper.feed.market import Millis
from apps.paper.hours import calendar
from apps.paper.hours.calendar import Session
from apps.paper.instruments.catalogue import Listing
from apps.paper.session.bars.history_terms import (
    DAY_S,
    BadHistoryRequest,
    parse_bar_size,
    parse_duration,
    parse_end,
)
from apps.paper.session.faults import RequestRefused
from apps.paper.wire import HistoricalSchedule, HistoricalSession, ReqHistoricalData
from apps.paper.world import World

__all__ = ["SCHEDULE", "read_schedule"]

SCHEDULE = "SCHEDULE"


def read_schedule(world: World, request: ReqHistoricalData, listing: Listing) -> HistoricalSchedule:
    """Give the sessions that a request asks for, in the listing's zone.

    Raises:
        RequestRefused: A text that is not read, or bars of another size than a day (321).
    """
    try:
        seconds = parse_bar_size(request.bar_size)
        duration = parse_duration(request.duration)
        end = parse_end(request.end_date_time, world.now, listing.time_zone)
    except BadHistoryRequest as error:
        text = f"Error validating request.-'{error}'"
        raise RequestRefused(request.req_id, 321, text) from error
    if seconds != DAY_S or request.keep_up_to_date:
        text = "SCHEDULE needs bars of 1 day, and keeps nothing up to date"
        raise RequestRefused(request.req_id, 321, f"Error validating request.-'{text}'")
    start = duration.start(world.calendar, listing, end, regular_only=request.use_rth)
    zone = ZoneInfo(listing.time_zone)
    held = calendar.sessions(listing.calendar, start, end)
    return HistoricalSchedule(
        request.req_id,
        _text(start, zone),
        _text(end, zone),
        listing.time_zone,
        tuple(_told(each, zone, regular_only=request.use_rth) for each in held),
    )


def _told(session: Session, zone: ZoneInfo, *, regular_only: bool) -> HistoricalSession:
    opens, closes = session.regular if regular_only else (session.start, session.end)
    return HistoricalSession(_text(opens, zone), _text(closes, zone), f"{session.day:%Y%m%d}")


def _text(at: Millis, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(at / 1000, zone):%Y%m%d-%H:%M:%S}"
