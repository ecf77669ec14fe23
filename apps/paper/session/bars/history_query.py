"""A request for historical bars, understood: which bars, of what stretch; or why there are none.

At home here: IB's refusals of what a request says. Its own limits (pacing, open requests) are
counted where requests are taken (`history`).
"""

from __future__ import annotations

from dataclasses import dataclass

from apps.paper.feed.market import Millis
from apps.paper.instruments.catalogue import Listing, SecType
from apps.paper.session.bars.history_bars import BarReader, HistoricalSource
from apps.paper.session.bars.history_terms import (
    SMALL_BAR_S,
    BadHistoryRequest,
    Duration,
    QueryRefused,
    parse_bar_size,
    parse_duration,
    parse_end,
)
from apps.paper.session.faults import RequestRefused
from apps.paper.session.instruments.contracts import has_quotes, has_trades
from apps.paper.vendor.vendor import StepRule
from apps.paper.wire import ReqHistoricalData
from apps.paper.world import World

__all__ = ["HMDS", "BarQuery", "no_such_history", "read_query", "source_of"]

HMDS = "Historical Market Data Service error message:"
_INVALID = "Error validating request.-"
_SMALLEST_UPDATED_S = 5
_SMALL_BARS_KEPT_MS = 183 * 86_400_000
"""Bars of 30 seconds and less are kept for six months."""

_MOST_BARS = 200_000
_SOURCES = {source.value: source for source in HistoricalSource}
_UPDATED = {
    HistoricalSource.TRADES,
    HistoricalSource.MIDPOINT,
    HistoricalSource.BID,
    HistoricalSource.ASK,
}
_KINDS = {
    SecType.STOCK: "Stock",
    SecType.FOREX: "Forex",
    SecType.INDEX: "Index",
    SecType.FUTURE: "Future",
    SecType.OPTION: "Option",
    SecType.COMBO: "Combo",
}


@dataclass(frozen=True, slots=True)
class BarQuery:
    """Which bars: what ``reader`` finds in ``[start, end)``."""

    req_id: int
    reader: BarReader
    start: Millis
    end: Millis
    format_date: int
    keep_up_to_date: bool
    what: str


def source_of(
    req_id: int, what: str, listing: Listing, duration: str = "", bar_size: str = ""
) -> HistoricalSource:
    """Give what bars are made of. Raises RequestRefused (162) for what there is not."""
    source = _SOURCES.get(what)
    if source is None:
        raise no_such_history(req_id, listing, duration, bar_size)
    if not (has_trades(listing) if source.is_of_trades else has_quotes(listing)):
        raise no_such_history(req_id, listing, duration, bar_size)
    return source


def no_such_history(req_id: int, listing: Listing, duration: str, bar_size: str) -> RequestRefused:
    """Give IB's refusal of a kind of data that an instrument does not have."""
    chart = "EODChart" if bar_size in {"1 day", "1 week", "1 month"} else "DayChart"
    exchange = "BEST" if listing.exchange == "SMART" else listing.exchange
    text = (
        f"{HMDS}No data of type {chart} is available for the exchange '{exchange}' and the "
        f"security type '{_KINDS[listing.sec_type]}' and '{duration.lower()}' and '{bar_size}'"
    )
    return RequestRefused(req_id, 162, text)


def read_query(
    world: World, request: ReqHistoricalData, listing: Listing, latest: Millis
) -> BarQuery:
    """Read a request's texts; nothing after ``latest`` is given.

    Raises RequestRefused with IB's codes.
    """
    req_id = request.req_id
    try:
        seconds = parse_bar_size(request.bar_size)
        duration = parse_duration(request.duration)
        end = parse_end(request.end_date_time, latest, listing.time_zone)
    except BadHistoryRequest as error:
        raise RequestRefused(req_id, 321, f"{_INVALID}'{error}'") from error
    source = source_of(req_id, request.what_to_show, listing, request.duration, request.bar_size)
    _check_live(request, source, seconds)
    try:
        duration.check(seconds, as_printed=world.vendor.step_rule is StepRule.AS_PRINTED)
    except QueryRefused as refusal:
        raise RequestRefused(req_id, 162, f"{HMDS}{refusal}") from refusal
    reader = BarReader(world, listing, source, seconds, regular_only=request.use_rth)
    start = _start(world, reader, duration, end)
    if (end - start) / 1000 / seconds > _MOST_BARS:
        raise RequestRefused(req_id, 162, f"{HMDS}Time length exceed max.")
    return BarQuery(
        req_id,
        reader,
        start,
        end,
        request.format_date,
        request.keep_up_to_date,
        request.what_to_show,
    )


def _check_live(request: ReqHistoricalData, source: HistoricalSource, seconds: int) -> None:
    """Refuse an end where there may be none, and updates of what has no live bars."""
    wants_end = bool(request.end_date_time.strip())
    if source is HistoricalSource.ADJUSTED_LAST and wants_end:
        text = f"{_INVALID}'ADJUSTED_LAST does not take an end date: leave it empty'"
        raise RequestRefused(request.req_id, 321, text)
    if not request.keep_up_to_date:
        return
    if wants_end or seconds < _SMALLEST_UPDATED_S or source not in _UPDATED:
        text = (
            "keepUpToDate needs an empty end date, bars of 5 seconds or more, "
            "and TRADES, MIDPOINT, BID or ASK"
        )
        raise RequestRefused(request.req_id, 321, f"{_INVALID}'{text}'")


def _start(world: World, reader: BarReader, duration: Duration, end: Millis) -> Millis:
    listing = reader.listing
    start = duration.start(world.calendar, listing, end, regular_only=reader.regular_only)
    start = max(start, _head(world, reader))
    if reader.seconds <= SMALL_BAR_S:
        return max(start, world.now - _SMALL_BARS_KEPT_MS)
    return start


def _head(world: World, reader: BarReader) -> Millis:
    """Give the start of the session in which history begins: its bars need not begin there."""
    head = world.market.head(reader.listing)
    session = world.calendar.session_at(reader.listing, head, extended=not reader.regular_only)
    return head if session is None else session[0]
