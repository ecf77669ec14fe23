"""History: bars of the past, and with them the running one where it is kept up to date.

At home here: taking, answering and cancelling requests. What a request means stands in
`history_query`, where its bars come from in `history_bars`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from apps.paper.feed.market import MarketBar, Millis
from apps.paper.instruments.catalogue import Listing
from apps.paper.session.bars.history_bars import HistoricalSource
from apps.paper.session.bars.history_query import HMDS, BarQuery, read_query
from apps.paper.session.bars.history_terms import DAY_S
from apps.paper.session.bars.schedule import SCHEDULE, read_schedule
from apps.paper.session.client import Client
from apps.paper.session.faults import RequestRefused
from apps.paper.session.market_topic import MarketTopic
from apps.paper.timetable import RANK_BARS
from apps.paper.vendor.pacing import HistoryQuery
from apps.paper.vendor.permissions import DELAY_MS, Unsubscribed, no_permissions
from apps.paper.wire import (
    CancelHistoricalData,
    HistoricalBar,
    HistoricalData,
    HistoricalDataUpdate,
    ReqHistoricalData,
)
from apps.paper.world import World

__all__ = ["History", "take_open_request"]

_EPOCH, _DAY_AND_TIME = 2, 3
_UPDATE_MS = 5_000
_NO_SUBSCRIPTION = (
    "Requested market data requires additional subscription for API. "
    "See link in 'Market Data Connections' dialog for more details."
)


class History(MarketTopic):
    """Historical bars, one answer a request id."""

    def __init__(self, world: World, client: Client) -> None:
        super().__init__(world, client)
        self._open: dict[int, BarQuery] = {}

    def handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Give the request types of this topic and who answers them."""
        return {ReqHistoricalData: self._historical, CancelHistoricalData: self._cancel}

    def stop(self, req_id: int) -> bool:
        """End a request, answered or not; tell whether there was one."""
        was_open = self._open.pop(req_id, None) is not None
        return super().stop(req_id) or was_open

    def close(self) -> None:
        """End every request."""
        for req_id in tuple(self._open):
            self.stop(req_id)
        super().close()

    def _historical(self, request: ReqHistoricalData) -> None:
        req_id = request.req_id
        listing = self.resolve(req_id, request.contract)
        if request.what_to_show == SCHEDULE:
            self.client.send(read_schedule(self.world, request, listing))
            return
        latest = self._latest(request, listing)
        query = read_query(self.world, request, listing, latest)
        self._pace(request, query)
        if req_id in self._open:
            raise RequestRefused(req_id, 322, "Error processing request.-'Duplicate ticker id'")
        take_open_request(self, req_id)
        self._open[req_id] = query
        self.world.jobs.append(self._answer(query))

    def _latest(self, request: ReqHistoricalData, listing: Listing) -> Millis:
        """Give the end of what this client may see; refuse what it may not see at all."""
        if self.sees_live(listing):
            return self.world.now
        delayed = self.world.vendor.permissions.instead is Unsubscribed.DELAYED
        wanted = self.client.market_data_kind.takes_delayed and not request.keep_up_to_date
        if not (delayed and wanted):
            text = f"{HMDS}{no_permissions(listing)}. {_NO_SUBSCRIPTION}"
            raise RequestRefused(request.req_id, 162, text)
        return self.world.now - DELAY_MS

    def _pace(self, request: ReqHistoricalData, query: BarQuery) -> None:
        paced = HistoryQuery(
            identity=replace(request, req_id=0),
            subject=(query.reader.listing.con_id, request.contract.exchange, query.what),
            bar_s=query.reader.seconds,
            is_bid_ask=query.reader.source is HistoricalSource.BID_ASK,
        )
        if not self.world.vendor.pacing.admit_history(paced, self.pacing_s):
            text = f"{HMDS}Historical data request pacing violation"
            raise RequestRefused(query.req_id, 162, text)

    def _answer(self, query: BarQuery) -> Iterator[None]:
        """Collect the bars piece by piece, then send them all at once, as IB does."""
        bars: list[MarketBar] = []
        for piece in query.reader.pieces(query.start, query.end):
            bars += piece
            yield
            if self._open.get(query.req_id) is not query:
                return
        bars = query.reader.finish(bars, query.end)
        self._send(query, bars)
        if query.keep_up_to_date:
            self._keep_up_to_date(query, bars)
        else:
            self.stop(query.req_id)

    def _send(self, query: BarQuery, bars: list[MarketBar]) -> None:
        listing = query.reader.listing
        if bars or query.keep_up_to_date:
            start, end = _text(query.start, listing), _text(query.end, listing)
            lines = tuple(_line(query, bar) for bar in bars)
            self.client.send(HistoricalData(query.req_id, start, end, lines))
            return
        name = f"{listing.local_symbol}@{listing.exchange} {query.what.capitalize()}"
        text = f"{HMDS}HMDS query returned no data: {name}"
        self.client.refuse(query.req_id, 162, text)

    def _keep_up_to_date(self, query: BarQuery, bars: list[MarketBar]) -> None:
        """Go on from the last bar that was sent, however long the answer took."""
        since = bars[-1].start if bars else query.end
        now = self.world.now
        updates = _Updates(self.world, self.client, query, since)
        self.start(query.req_id, updates, updates.due_after(now - now % _UPDATE_MS))

    def _cancel(self, request: CancelHistoricalData) -> None:
        req_id = request.req_id
        if self.stop(req_id):
            text = f"{HMDS}API historical data query cancelled: {req_id}"
            self.client.refuse(req_id, 162, text)
        else:
            text = f"No historical data query found for ticker id:{req_id}"
            self.client.refuse(req_id, 366, text)


def take_open_request(topic: MarketTopic, req_id: int) -> None:
    """Count a request as open until it is stopped; 322 when there are too many."""
    lines = topic.world.vendor.open_history
    text = (
        f"Error processing request.-'wd' : cause - Only {lines.most} simultaneous API "
        "historical data requests allowed."
    )
    topic.take(lines, req_id, 322, text)


class _Updates:
    """Sends the running bar every five seconds, and each one before it once more when it ends."""

    rank = RANK_BARS

    def __init__(self, world: World, client: Client, query: BarQuery, since: Millis) -> None:
        self._world = world
        self._client = client
        self._query = query
        self._since = since

    def run(self, at: Millis) -> Millis | None:
        bars = self._query.reader.bars(self._since, at)
        for bar in bars:
            self._client.send(HistoricalDataUpdate(self._query.req_id, _line(self._query, bar)))
        if bars:
            self._since = bars[-1].start
        return self.due_after(at)

    def due_after(self, at: Millis) -> Millis:
        """Skip a closed market rather than repeat its last bar."""
        reader, hours = self._query.reader, self._world.calendar
        extended = not reader.regular_only
        if hours.session_at(reader.listing, at, extended=extended) is not None:
            return at + _UPDATE_MS
        opens, _ = hours.next_session(reader.listing, at, extended=extended)
        return opens + _UPDATE_MS


def _line(query: BarQuery, bar: MarketBar) -> HistoricalBar:
    return HistoricalBar(
        _date(query, bar),
        bar.open,
        bar.high,
        bar.low,
        bar.close,
        bar.volume,
        bar.wap,
        bar.count,
    )


def _date(query: BarQuery, bar: MarketBar) -> str:
    """Stamp a bar: days are always dates, whatever format was asked for."""
    if query.reader.seconds >= DAY_S:
        return f"{query.reader.date_of(bar):%Y%m%d}"
    if query.format_date == _EPOCH:
        return str(bar.start // 1000)
    listing = query.reader.listing
    local = datetime.fromtimestamp(bar.start / 1000, ZoneInfo(listing.time_zone))
    day = f"{local:%m%d}" if query.format_date == _DAY_AND_TIME else f"{local:%Y%m%d}"
    return f"{day} {local:%H:%M:%S} {listing.time_zone}"


def _text(at: Millis, listing: Listing) -> str:
    local = datetime.fromtimestamp(at / 1000, ZoneInfo(listing.time_zone))
    return f"{local:%Y%m%d  %H:%M:%S}"
