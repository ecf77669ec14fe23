"""Tick-by-tick data: every trade, or every change of quote or midpoint, as it happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from apps.paper.feed.market import Millis
from apps.paper.instruments.catalogue import Listing, SecType
from apps.paper.prints import PrintCursor
from apps.paper.session.client import Client
from apps.paper.session.faults import RequestRefused
from apps.paper.session.market_topic import MarketTopic
from apps.paper.session.quotes.smart import traded_at
from apps.paper.session.quotes.ticks import Tick, TickKind, TickReader, past_ticks
from apps.paper.timetable import RANK_TICKS
from apps.paper.vendor.permissions import no_permissions
from apps.paper.wire import (
    CancelTickByTick,
    ReqTickByTick,
    Response,
    TickBidAsk,
    TickMidPoint,
    TickTrade,
)
from apps.paper.world import World

__all__ = ["TickByTick"]

_FAILED = "Failed to request tick-by-tick data."
_LAST, _ALL_LAST = 1, 2
_KINDS = {
    "Last": TickKind.TRADES,
    "AllLast": TickKind.TRADES,
    "BidAsk": TickKind.BID_ASK,
    "MidPoint": TickKind.MIDPOINT,
}
_NOT_STREAMED = {SecType.OPTION, SecType.COMBO}
"""Ticks of options are historical only; combinations have none."""

_MOST_PAST_TICKS = 1_000


class TickByTick(MarketTopic):
    """Ticks of instruments, one stream a request id."""

    def handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Give the request types of this topic and who answers them."""
        return {ReqTickByTick: self._begin, CancelTickByTick: self._cancel}

    def _begin(self, request: ReqTickByTick) -> None:
        req_id = request.req_id
        listing = self.resolve(req_id, request.contract)
        kind = self._kind(request, listing)
        if not self.sees_live(listing):
            raise RequestRefused(req_id, 10189, _FAILED + no_permissions(listing))
        self.refuse_used_id(req_id)
        self._take(req_id, listing)
        reader = TickReader(self.world, listing, kind, ignore_size=request.ignore_size)
        stream = _TickStream(self.world, self.client, request, reader)
        if request.number_of_ticks > 0:
            self.world.jobs.append(self._with_past(request, reader, stream))
            # it is there already, so that a cancel finds it; it starts when the past was sent
            self.streams[req_id] = stream
            return
        self.start(req_id, stream, stream.next_due())

    @staticmethod
    def _kind(request: ReqTickByTick, listing: Listing) -> TickKind:
        kind = _KINDS.get(request.tick_type)
        if kind is None:
            text = f"Error validating request.-'no tick-by-tick type {request.tick_type}'"
            raise RequestRefused(request.req_id, 321, text)
        if listing.sec_type in _NOT_STREAMED or not kind.exists_for(listing):
            name = listing.local_symbol or listing.symbol
            text = f"{request.tick_type} tick-by-tick requests are not supported for {name}."
            raise RequestRefused(request.req_id, 10189, _FAILED + text)
        return kind

    def _take(self, req_id: int, listing: Listing) -> None:
        """Take the two kinds of lines that a request needs, then count it."""
        full = "Max number of tick-by-tick requests has been reached."
        self.take(self.world.vendor.tick_by_tick, req_id, 10190, full)
        try:
            self.take_line(req_id)
            self._pace(req_id, listing)
        except RequestRefused:
            self.world.vendor.let_go(self.holder(req_id))
            raise

    def _pace(self, req_id: int, listing: Listing) -> None:
        if not self.world.vendor.pacing.admit_tick_by_tick(listing.con_id, self.pacing_s):
            # IB publishes the rule of 15 seconds without the code that enforces it
            text = f"{_FAILED}Only one request for an instrument every 15 seconds"
            raise RequestRefused(req_id, 10189, text)

    def _with_past(
        self, request: ReqTickByTick, reader: TickReader, stream: _TickStream
    ) -> Iterator[None]:
        """Send ticks of before the request, as historical ticks, then all that came since."""
        req_id = request.req_id
        number = min(request.number_of_ticks, _MOST_PAST_TICKS)
        ticks = yield from reader.backward(stream.begins + 1, number, regular_only=False)
        if self.streams.get(req_id) is not stream:
            return
        wanted = ticks[-number:]
        self.client.send(past_ticks(req_id, reader.listing, reader.kind, wanted))
        self.world.timetable.start(stream, max(stream.next_due(), self.world.now))

    def _cancel(self, request: CancelTickByTick) -> None:
        if not self.stop(request.req_id):
            self.refuse_cancel(request.req_id)


class _TickStream:
    """Sends each tick of one subscription."""

    rank = RANK_TICKS

    def __init__(
        self, world: World, client: Client, request: ReqTickByTick, reader: TickReader
    ) -> None:
        self.begins = world.now
        self._client = client
        self._req_id = request.req_id
        self._reader = reader
        self._type = _ALL_LAST if request.tick_type == "AllLast" else _LAST
        self._prints = PrintCursor(world.market, world.calendar, reader.listing, world.now)

    def next_due(self) -> Millis:
        return self._prints.next_at()

    def run(self, at: Millis) -> Millis | None:
        for tick in self._reader.of_prints(self._prints.take(at)):
            self._client.send(self._told(tick))
        return max(self.next_due(), at + 1)

    def _told(self, tick: Tick) -> Response:
        at_s, trade, touch = tick.at // 1000, tick.trade, tick.touch
        if trade is not None:
            venue = traded_at(self._reader.listing, trade.at)
            return TickTrade(
                self._req_id, self._type, at_s, trade.price, trade.size, exchange=venue
            )
        if touch is None:
            raise ValueError("a tick is a trade or a quote")
        if self._reader.kind is TickKind.MIDPOINT:
            return TickMidPoint(self._req_id, at_s, (touch.bid + touch.ask) / 2)
        return TickBidAsk(self._req_id, at_s, touch.bid, touch.ask, touch.bid_size, touch.ask_size)
