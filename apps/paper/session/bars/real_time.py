"""Bars in real time: each 5-second bar at the moment it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from apps.paper.feed.market import BarSource, Millis
from apps.paper.instruments.catalogue import Listing
from apps.paper.session.client import Client
from apps.paper.session.faults import RequestRefused
from apps.paper.session.instruments.contracts import has_quotes, has_trades
from apps.paper.session.market_topic import MarketTopic
from apps.paper.timetable import RANK_BARS
from apps.paper.vendor.permissions import no_permissions
from apps.paper.wire import CancelRealTimeBars, RealTimeBar, ReqRealTimeBars
from apps.paper.world import World

__all__ = ["RealTimeBars"]

_BAR_S = 5
"""The only size there is: what a request says of it is ignored, as by IB."""

_BAR_MS = _BAR_S * 1000
_INVALID = "Invalid Real-time Query:"
_SOURCES = {source.value: source for source in BarSource}


class RealTimeBars(MarketTopic):
    """Bars of the present, one stream a request id."""

    def handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Give the request types of this topic and who answers them."""
        return {ReqRealTimeBars: self._begin, CancelRealTimeBars: self._cancel}

    def _begin(self, request: ReqRealTimeBars) -> None:
        req_id = request.req_id
        listing = self.resolve(req_id, request.contract)
        source = self._source(request, listing)
        if not self.sees_live(listing):
            raise RequestRefused(req_id, 420, _INVALID + no_permissions(listing))
        self.refuse_used_id(req_id)
        if not self.world.vendor.pacing.admit_real_time_bars(self.pacing_s):
            text = f"{_INVALID}Historical data request pacing violation"
            raise RequestRefused(req_id, 420, text)
        self.take_line(req_id)
        stream = _BarStream(
            self.world, self.client, req_id, listing, source, regular_only=request.use_rth
        )
        now = self.world.now
        self.start(req_id, stream, now - now % _BAR_MS + _BAR_MS)

    @staticmethod
    def _source(request: ReqRealTimeBars, listing: Listing) -> BarSource:
        """Give what the bars are made of; refuse what this instrument does not have."""
        source = _SOURCES.get(request.what_to_show)
        has_it = has_trades(listing) if source is BarSource.TRADES else has_quotes(listing)
        if source is None or not has_it:
            text = f"No data of type {request.what_to_show} is available for {listing.symbol}"
            raise RequestRefused(request.req_id, 420, _INVALID + text)
        return source

    def _cancel(self, request: CancelRealTimeBars) -> None:
        if not self.stop(request.req_id):
            self.refuse_cancel(request.req_id)


class _BarStream:
    """Sends each completed bar of one subscription."""

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
            _BAR_S,
            at - _BAR_MS,
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
            return at + _BAR_MS
        return self._next_bar_end(at)

    def _next_bar_end(self, at: Millis) -> Millis:
        """Skip a closed market rather than look at it every five seconds."""
        hours, extended = self._world.calendar, not self._regular_only
        if hours.session_at(self._listing, at, extended=extended) is not None:
            return at + _BAR_MS
        opens, _ = hours.next_session(self._listing, at, extended=extended)
        return opens + _BAR_MS
