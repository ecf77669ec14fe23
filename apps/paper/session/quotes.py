"""Market data: streaming quotes and snapshots."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from apps.paper.catalogue import Listing
from apps.paper.feed.market import BarSource, Millis, Print, Touch
from apps.paper.prints import PrintCursor
from apps.paper.session.client import Client
from apps.paper.session.contracts import has_quotes, has_trades
from apps.paper.session.topic import Topic
from apps.paper.timetable import RANK_TICKS
from apps.paper.wire import (
    CancelMarketData,
    MarketDataType,
    ReqMarketData,
    ReqMarketDataType,
    Response,
    TickGeneric,
    TickPrice,
    TickReqParams,
    TickSize,
    TickSnapshotEnd,
    TickString,
)
from apps.paper.world import World

__all__ = ["Quotes"]

_BID_SIZE, _BID, _ASK, _ASK_SIZE, _LAST, _LAST_SIZE = range(6)
_HIGH, _LOW, _VOLUME, _CLOSE = 6, 7, 8, 9
_OPEN, _LAST_TIMESTAMP, _HALTED = 14, 45, 49
_LIVE = 1
_CAN_AUTO_EXECUTE = 1
_SNAPSHOTS_ALLOWED = 3


class Quotes(Topic):
    """Quotes of instruments, one stream a request id."""

    def handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Give the request types of this topic and who answers them."""
        return {
            ReqMarketData: self._market_data,
            CancelMarketData: self._cancel,
            ReqMarketDataType: self._type,
        }

    def _market_data(self, request: ReqMarketData) -> None:
        listing = self.resolve(request.req_id, request.contract)
        stream = _QuoteStream(self.world, self.client, request.req_id, listing)
        if request.snapshot or request.regulatory_snapshot:
            stream.send_whole_quote()
            self.client.send(TickSnapshotEnd(request.req_id))
            return
        self.start(request.req_id, stream, stream.prints.next_at())
        stream.send_whole_quote()

    def _cancel(self, request: CancelMarketData) -> None:
        if not self.stop(request.req_id):
            text = f"Can't find EId with tickerId:{request.req_id}"
            self.client.refuse(request.req_id, 300, text)

    def _type(self, _: ReqMarketDataType) -> None:
        """Data is always live here; the type arrives with the data, not in answer to this."""


class _QuoteStream:
    """One running quote: the whole of it first, then what each print changes."""

    rank = RANK_TICKS

    def __init__(self, world: World, client: Client, req_id: int, listing: Listing) -> None:
        self.prints = PrintCursor(world.market, world.calendar, listing, world.now)
        self._world = world
        self._client = client
        self._req_id = req_id
        self._listing = listing
        self._touch: Touch | None = None
        self._volume = 0

    def run(self, at: Millis) -> Millis | None:
        trades = self.prints.take(at)
        if trades:
            self._send_trade(trades[-1], sum(trade.size for trade in trades))
            self._send_touch(self._world.market.touch(self._listing, at))
        return self.prints.next_at()

    def send_whole_quote(self) -> None:
        world, listing, send = self._world, self._listing, self._client.send
        req_id = self._req_id
        send(MarketDataType(req_id, _LIVE))
        send(TickReqParams(req_id, listing.min_tick, "9c0001", _SNAPSHOTS_ALLOWED))
        self._send_touch(world.market.touch(listing, world.now))
        if has_trades(listing):
            last = world.market.last(listing, world.now)
            for tick in (*self._day_ticks(), *self._trade_ticks(last, last.size)):
                send(tick)
        send(TickPrice(req_id, _CLOSE, world.market.previous_close(listing, world.now)))
        send(TickGeneric(req_id, _HALTED, 0))

    def _day_ticks(self) -> Iterator[Response]:
        """Open, high, low and volume of the session so far, when there is one."""
        world, listing = self._world, self._listing
        session = world.calendar.session_at(listing, world.now, extended=False)
        if session is None:
            return
        bars = world.market.bars(
            listing, BarSource.TRADES, 5, session[0], world.now - 4_999, regular_only=True
        )
        if not bars:
            return
        self._volume = sum(bar.volume for bar in bars)
        yield TickPrice(self._req_id, _OPEN, bars[0].open)
        yield TickPrice(self._req_id, _HIGH, max(bar.high for bar in bars))
        yield TickPrice(self._req_id, _LOW, min(bar.low for bar in bars))
        yield TickSize(self._req_id, _VOLUME, self._volume)

    def _send_trade(self, trade: Print, size: int) -> None:
        self._volume += size
        for tick in self._trade_ticks(trade, size):
            self._client.send(tick)
        self._client.send(TickSize(self._req_id, _VOLUME, self._volume))

    def _trade_ticks(self, trade: Print, size: int) -> Iterator[Response]:
        if not has_trades(self._listing):
            return
        yield TickString(self._req_id, _LAST_TIMESTAMP, str(trade.at // 1000))
        yield TickPrice(self._req_id, _LAST, trade.price, size)
        yield TickSize(self._req_id, _LAST_SIZE, size)

    def _send_touch(self, touch: Touch) -> None:
        if not has_quotes(self._listing):
            return
        before, self._touch = self._touch, touch
        send, req_id = self._client.send, self._req_id
        if before is None or (before.bid, before.bid_size) != (touch.bid, touch.bid_size):
            send(TickPrice(req_id, _BID, touch.bid, touch.bid_size, _CAN_AUTO_EXECUTE))
            send(TickSize(req_id, _BID_SIZE, touch.bid_size))
        if before is None or (before.ask, before.ask_size) != (touch.ask, touch.ask_size):
            send(TickPrice(req_id, _ASK, touch.ask, touch.ask_size, _CAN_AUTO_EXECUTE))
            send(TickSize(req_id, _ASK_SIZE, touch.ask_size))
