"""Bars: in real time, from history, from history kept up to date; and where history begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from apps.paper import calendar
from apps.paper.catalogue import Listing
from apps.paper.feed.market import BarSource, MarketBar, Millis
from apps.paper.session.client import Client
from apps.paper.session.contracts import has_quotes, has_trades
from apps.paper.session.faults import RequestRefused
from apps.paper.session.history import (
    BAR_SECONDS,
    BadHistoryRequest,
    parse_duration,
    parse_end,
)
from apps.paper.session.topic import Topic
from apps.paper.timetable import RANK_BARS
from apps.paper.wire import (
    CancelHeadTimestamp,
    CancelHistoricalData,
    CancelRealTimeBars,
    HeadTimestamp,
    HistoricalBar,
    HistoricalData,
    HistoricalDataUpdate,
    RealTimeBar,
    ReqHeadTimestamp,
    ReqHistoricalData,
    ReqRealTimeBars,
)
from apps.paper.world import World

__all__ = ["Bars"]

_BASE_S = 5
_BASE_MS = _BASE_S * 1000
_DAY_S = 86_400
_MOST_BARS = 50_000
_EPOCH = 2
_BARS_A_PIECE = 250
"""Some 10 ms of work at the smallest size: what one answer may hold up the loop for."""


class Bars(Topic):
    """Bars of the present and of the past."""

    def handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Give the request types of this topic and who answers them."""
        return {
            ReqRealTimeBars: self._real_time,
            CancelRealTimeBars: self._cancel_real_time,
            ReqHistoricalData: self._historical,
            CancelHistoricalData: self._cancel_historical,
            ReqHeadTimestamp: self._head,
            CancelHeadTimestamp: lambda _: None,
        }

    def _real_time(self, request: ReqRealTimeBars) -> None:
        listing = self.resolve(request.req_id, request.contract)
        source = self._source(request.req_id, request.what_to_show, listing, 420)
        stream = _RealTimeBars(
            self.world, self.client, request.req_id, listing, source, regular_only=request.use_rth
        )
        now = self.world.now
        self.start(request.req_id, stream, now - now % _BASE_MS + _BASE_MS)

    def _cancel_real_time(self, request: CancelRealTimeBars) -> None:
        if not self.stop(request.req_id):
            text = f"Can't find EId with tickerId:{request.req_id}"
            self.client.refuse(request.req_id, 300, text)

    def _historical(self, request: ReqHistoricalData) -> None:
        listing = self.resolve(request.req_id, request.contract)
        history = self._history(request, listing)
        now = self.world.now
        if request.keep_up_to_date:
            self.start(request.req_id, history, now - now % _BASE_MS + _BASE_MS)
        self.world.jobs.append(history.past())

    def _history(self, request: ReqHistoricalData, listing: Listing) -> _History:
        """Read the request's texts. Raises RequestRefused with IB's codes."""
        req_id = request.req_id
        seconds = BAR_SECONDS.get(request.bar_size)
        if seconds is None:
            legal = ", ".join(BAR_SECONDS)
            text = f"Historical data bar size setting is invalid. Legal ones are: {legal}"
            raise RequestRefused(req_id, 321, f"Error validating request.-'{text}'")
        if request.keep_up_to_date and (request.end_date_time or seconds < _BASE_S):
            text = "keepUpToDate needs an empty end date and bars of 5 seconds or more"
            raise RequestRefused(req_id, 321, f"Error validating request.-'{text}'")
        source = self._source(req_id, request.what_to_show, listing, 162)
        try:
            duration = parse_duration(request.duration)
            end = parse_end(request.end_date_time, self.world.now, listing.time_zone)
        except BadHistoryRequest as error:
            text = f"Error validating request.-'{error}'"
            raise RequestRefused(req_id, 321, text) from error
        start = duration.start(self.world.calendar, listing, end, regular_only=request.use_rth)
        start = max(start, self.world.market.head(listing))
        if (end - start) / 1000 / seconds > _MOST_BARS * 4:
            text = "Historical Market Data Service error message:query would return too many bars"
            raise RequestRefused(req_id, 162, text)
        return _History(self.world, self.client, request, listing, source, seconds, start, end)

    def _cancel_historical(self, request: CancelHistoricalData) -> None:
        if not self.stop(request.req_id):
            self.client.refuse(
                request.req_id,
                366,
                f"No historical data query found for ticker id:{request.req_id}",
            )

    def _head(self, request: ReqHeadTimestamp) -> None:
        listing = self.resolve(request.req_id, request.contract)
        self._source(request.req_id, request.what_to_show, listing, 162)
        head_s = self.world.market.head(listing) // 1000
        stamp = str(head_s)
        if request.format_date != _EPOCH:
            stamp = datetime.fromtimestamp(head_s, UTC).strftime("%Y%m%d-%H:%M:%S")
        self.client.send(HeadTimestamp(request.req_id, stamp))

    @staticmethod
    def _source(req_id: int, what: str, listing: Listing, code: int) -> BarSource:
        """Give what the bars are made of; refuse what this instrument does not have."""
        known = {source.value: source for source in BarSource}
        source = known.get("TRADES" if what == "ADJUSTED_LAST" else what)
        has_it = has_trades(listing) if source is BarSource.TRADES else has_quotes(listing)
        if source is None or not has_it:
            text = f"No data of type {what} is available for {listing.symbol}"
            prefix = "Historical Market Data Service error message:" if code == 162 else ""
            raise RequestRefused(req_id, code, prefix + text)
        return source


class _RealTimeBars:
    """Sends each completed 5-second bar at the moment it ends."""

    rank = RANK_BARS

    def __init__(
        self,
        world: World,
        client: Client,
        req_id: int,
        listing: Listing,
        source: BarSource,
        *,
        regular_only: bool,
    ) -> None:
        self._world = world
        self._client = client
        self._req_id = req_id
        self._listing = listing
        self._source = source
        self._regular_only = regular_only

    def run(self, at: Millis) -> Millis | None:
        bars = self._world.market.bars(
            self._listing,
            self._source,
            _BASE_S,
            at - _BASE_MS,
            at,
            regular_only=self._regular_only,
        )
        for bar in bars:
            self._client.send(
                RealTimeBar(
                    self._req_id,
                    bar.start // 1000,
                    bar.open,
                    bar.high,
                    bar.low,
                    bar.close,
                    bar.volume,
                    bar.wap,
                    bar.count,
                )
            )
        if bars:
            return at + _BASE_MS
        return self._next_bar_end(at)

    def _next_bar_end(self, at: Millis) -> Millis:
        """Skip a closed market rather than look at it every five seconds."""
        hours, extended = self._world.calendar, not self._regular_only
        if hours.session_at(self._listing, at, extended=extended) is not None:
            return at + _BASE_MS
        opens, _ = hours.next_session(self._listing, at, extended=extended)
        return opens + _BASE_MS


class _History:
    """The bars of the past, and the running one where they are kept up to date."""

    rank = RANK_BARS

    def __init__(
        self,
        world: World,
        client: Client,
        request: ReqHistoricalData,
        listing: Listing,
        source: BarSource,
        seconds: int,
        start: Millis,
        end: Millis,
    ) -> None:
        self._world = world
        self._client = client
        self._request = request
        self._listing = listing
        self._source = source
        self._seconds = seconds
        self._start = start
        self._end = end
        self._zone = ZoneInfo(listing.time_zone)

    def past(self) -> Iterator[None]:
        """Collect the bars piece by piece, then send them all at once, as IB does."""
        bars: list[MarketBar] = []
        piece_ms = _BARS_A_PIECE * self._seconds * 1000
        for start in range(self._start, self._end, piece_ms):
            bars.extend(self._whole_bars(start, min(start + piece_ms, self._end)))
            yield
        self._cut_running(bars, self._end)
        if bars or self._request.keep_up_to_date:
            self._client.send(
                HistoricalData(
                    self._request.req_id,
                    self._text(self._start),
                    self._text(self._end),
                    tuple(self._line(bar) for bar in bars),
                )
            )
            return
        text = "Historical Market Data Service error message:HMDS query returned no data: "
        name = f"{self._listing.symbol}@{self._listing.exchange} {self._request.what_to_show}"
        self._client.refuse(self._request.req_id, 162, text + name)

    def run(self, at: Millis) -> Millis | None:
        for bar in self._bars(at - self._seconds * 1000, at)[-2:]:
            if bar.start + self._seconds * 1000 >= at:
                self._client.send(HistoricalDataUpdate(self._request.req_id, self._line(bar)))
        return at + _BASE_MS

    def _bars(self, start: Millis, end: Millis) -> Sequence[MarketBar]:
        """Give the bars of ``[start, end)``; the last of them as far as it has come by ``end``."""
        bars = self._whole_bars(start, end)
        self._cut_running(bars, end)
        return bars

    def _whole_bars(self, start: Millis, end: Millis) -> list[MarketBar]:
        return self._read(self._seconds, start, end)

    def _cut_running(self, bars: list[MarketBar], end: Millis) -> None:
        """Replace a last bar that is not over at ``end`` by what there is of it."""
        if not bars or bars[-1].start + self._seconds * 1000 <= end:
            return
        running = bars.pop()
        grain = 1 if self._seconds <= 60 else _BASE_S
        so_far = self._read(grain, running.start, end - grain * 1000 + 1)
        if so_far:
            bars.append(_aggregate(so_far, self._seconds))

    def _read(self, seconds: int, start: Millis, end: Millis) -> list[MarketBar]:
        return list(
            self._world.market.bars(
                self._listing,
                self._source,
                seconds,
                start,
                end,
                regular_only=self._request.use_rth,
            )
        )

    def _line(self, bar: MarketBar) -> HistoricalBar:
        return HistoricalBar(
            self._date(bar.start),
            bar.open,
            bar.high,
            bar.low,
            bar.close,
            bar.volume,
            bar.wap,
            bar.count,
        )

    def _date(self, at: Millis) -> str:
        if self._seconds >= _DAY_S:
            # a session that starts on the evening before belongs to the day on which it ends
            return f"{calendar.latest_session(self._listing.calendar, at).day:%Y%m%d}"
        if self._request.format_date == _EPOCH:
            return str(at // 1000)
        local = datetime.fromtimestamp(at / 1000, self._zone)
        return f"{local:%Y%m%d %H:%M:%S} {self._listing.time_zone}"

    def _text(self, at: Millis) -> str:
        return f"{datetime.fromtimestamp(at / 1000, self._zone):%Y%m%d  %H:%M:%S}"


def _aggregate(bars: Sequence[MarketBar], seconds: int) -> MarketBar:
    """Join consecutive bars into one that is still running."""
    volume = sum(bar.volume for bar in bars)
    traded = sum((bar.wap * bar.volume for bar in bars), Decimal(0))
    of_trades = bars[0].count >= 0
    return MarketBar(
        start=bars[0].start,
        seconds=seconds,
        open=bars[0].open,
        high=max(bar.high for bar in bars),
        low=min(bar.low for bar in bars),
        close=bars[-1].close,
        volume=volume if of_trades else -1,
        wap=round(traded / volume, 4) if of_trades and volume else bars[-1].wap,
        count=sum(bar.count for bar in bars) if of_trades else -1,
    )
