"""One running quote: the whole of it first, then what each print changes.

At home here: the ticks that come without being asked for, live or delayed, of an open market and
of a closed one. What generic ticks ask for stands in `generic_quotes`, what only some instruments
have comes through `extra_ticks`.
"""

from __future__ import annotations

from decimal import Decimal

from apps.paper.feed.market import Millis, Print, Touch
from apps.paper.instruments.catalogue import Listing
from apps.paper.prints import PrintCursor
from apps.paper.session.client import Client
from apps.paper.session.instruments.contracts import has_quotes, has_trades
from apps.paper.session.quotes.day_figures import DayFigures
from apps.paper.session.quotes.extra_ticks import QuoteMoment, extra_ticks
from apps.paper.session.quotes.generic_quotes import GenericQuotes
from apps.paper.session.quotes.smart import bbo_code, letters_at_touch
from apps.paper.timetable import RANK_TICKS
from apps.paper.vendor.permissions import DELAY_MS, MarketDataKind
from apps.paper.vendor.vendor import ClosedQuotes
from apps.paper.wire import (
    MarketDataType,
    TickGeneric,
    TickPrice,
    TickReqParams,
    TickSize,
    TickString,
)
from apps.paper.world import World

__all__ = ["QuoteStream"]

_BID_SIZE, _BID, _ASK, _ASK_SIZE, _LAST, _LAST_SIZE = range(6)
_HIGH, _LOW, _VOLUME, _CLOSE = 6, 7, 8, 9
_OPEN, _BID_EXCHANGE, _ASK_EXCHANGE = 14, 32, 33
_LAST_TIMESTAMP, _HALTED = 45, 49

_DELAYED_TYPE = {
    _BID: 66,
    _ASK: 67,
    _LAST: 68,
    _BID_SIZE: 69,
    _ASK_SIZE: 70,
    _LAST_SIZE: 71,
    _HIGH: 72,
    _LOW: 73,
    _VOLUME: 74,
    _CLOSE: 75,
    _OPEN: 76,
    _LAST_TIMESTAMP: 88,
}
"""What delayed data calls the ticks of live data."""

_CAN_AUTO_EXECUTE = 1
_SNAPSHOTS_ALLOWED = 3
_NO_QUOTE = Touch(Decimal(-1), Decimal(-1), 0, 0)


class QuoteStream:
    """One quote.

    ``asked`` is the kind of data that the client wants, ``is_delayed`` whether it may have no
    other, ``generic`` the generic ticks to come with it.
    """

    rank = RANK_TICKS

    def __init__(
        self,
        world: World,
        client: Client,
        req_id: int,
        listing: Listing,
        *,
        asked: MarketDataKind = MarketDataKind.LIVE,
        is_delayed: bool = False,
        generic: frozenset[int] = frozenset(),
    ) -> None:
        self._world = world
        self._client = client
        self._req_id = req_id
        self._listing = listing
        self._asked = asked
        self._lag = DELAY_MS if is_delayed else 0
        self._asked_generic = generic
        seen = self._seen(world.now)
        self._prints = PrintCursor(world.market, world.calendar, listing, seen)
        self._day = DayFigures(world, listing, seen)
        self._generic = GenericQuotes(world, req_id, listing, generic)
        self._kind: MarketDataKind | None = None
        self._touch: Touch | None = None
        self._letters = ("", "")
        self._halted: bool | None = None

    def next_due(self) -> Millis:
        """Give the time of the next change: a print, or the end of the session."""
        seen = self._seen(self._world.now)
        session = self._world.calendar.session_at(self._listing, seen, extended=True)
        due = self._prints.next_at()
        return self._lag + (due if session is None else min(due, session[1]))

    def run(self, at: Millis) -> Millis | None:
        """Tell what changed since the last run."""
        seen = self._seen(at)
        self._send_kind(seen)
        trades = self._prints.take(seen)
        if trades and self._day.is_over(seen):
            self._begin_day(trades[0])
        if trades:
            self._send_trades(trades)
        if trades or self._hides_closed:
            self._send_touch(seen)
        if trades:
            self._send_generic(seen, trades)
        self._send_halt()
        return max(self.next_due(), at + 1)

    def send_whole_quote(self) -> None:
        """Tell all there is."""
        world, listing, req_id = self._world, self._listing, self._req_id
        seen = self._seen(world.now)
        self._send_kind(seen)
        code = bbo_code(listing)
        self._client.send(TickReqParams(req_id, listing.min_tick, code, _SNAPSHOTS_ALLOWED))
        self._send_touch(seen)
        if has_trades(listing):
            last = world.market.last(listing, seen)
            self._send_last(last, last.size)
            self._send_day(None, None, None, 0)
        self._price(_CLOSE, world.market.previous_close(listing, seen))
        self._send_halt()
        self._send_generic(seen, [])

    def _seen(self, at: Millis) -> Millis:
        """Give the market time of what is shown at ``at``."""
        return at - self._lag

    def _kind_at(self, seen: Millis) -> MarketDataKind:
        is_open = self._world.calendar.session_at(self._listing, seen, extended=True) is not None
        frozen = self._asked.takes_frozen and not is_open
        if self._lag:
            return MarketDataKind.DELAYED_FROZEN if frozen else MarketDataKind.DELAYED
        return MarketDataKind.FROZEN if frozen else MarketDataKind.LIVE

    def _send_kind(self, seen: Millis) -> None:
        kind = self._kind_at(seen)
        if kind is not self._kind:
            self._kind = kind
            self._client.send(MarketDataType(self._req_id, kind.value))

    def _begin_day(self, first: Print) -> None:
        """Count anew from the first print of another session."""
        self._day = DayFigures(self._world, self._listing, first.at - 1)
        self._price(_CLOSE, self._world.market.previous_close(self._listing, first.at))

    def _send_trades(self, trades: list[Print]) -> None:
        if not has_trades(self._listing):
            return
        day = self._day
        before = (day.open, day.high, day.low, day.volume)
        for trade in trades:
            day.take(trade)
        self._send_last(trades[-1], sum(trade.size for trade in trades))
        self._send_day(*before)

    def _send_last(self, trade: Print, size: int) -> None:
        self._string(_LAST_TIMESTAMP, str(trade.at // 1000))
        self._price(_LAST, trade.price, size)
        self._size(_LAST_SIZE, size)

    def _send_day(
        self, open_: Decimal | None, high: Decimal | None, low: Decimal | None, volume: int
    ) -> None:
        """Tell what is new of the day, compared with what was told."""
        day = self._day
        for tick, before, now in (
            (_OPEN, open_, day.open),
            (_HIGH, high, day.high),
            (_LOW, low, day.low),
        ):
            if now is not None and now != before:
                self._price(tick, now)
        if day.volume != volume:
            self._size(_VOLUME, day.volume)

    def _send_touch(self, seen: Millis) -> None:
        if not has_quotes(self._listing):
            return
        before, touch = self._touch, self._shown_touch(seen)
        self._touch = touch
        if before is None or (before.bid, before.bid_size) != (touch.bid, touch.bid_size):
            self._price(_BID, touch.bid, touch.bid_size, _CAN_AUTO_EXECUTE)
            self._size(_BID_SIZE, touch.bid_size)
        if before is None or (before.ask, before.ask_size) != (touch.ask, touch.ask_size):
            self._price(_ASK, touch.ask, touch.ask_size, _CAN_AUTO_EXECUTE)
            self._size(_ASK_SIZE, touch.ask_size)
        self._send_letters(touch, seen)

    @property
    def _hides_closed(self) -> bool:
        return self._world.vendor.closed_quotes is ClosedQuotes.NONE

    def _shown_touch(self, seen: Millis) -> Touch:
        is_live = self._kind in {MarketDataKind.LIVE, MarketDataKind.DELAYED}
        calendar = self._world.calendar
        if (
            self._hides_closed
            and is_live
            and calendar.session_at(self._listing, seen, extended=True) is None
        ):
            return _NO_QUOTE
        return self._world.market.touch(self._listing, seen)

    def _send_letters(self, touch: Touch, seen: Millis) -> None:
        if not bbo_code(self._listing):
            return
        before, self._letters = self._letters, letters_at_touch(self._listing, touch, seen)
        for tick, old, new in zip(
            (_BID_EXCHANGE, _ASK_EXCHANGE), before, self._letters, strict=True
        ):
            if old != new:
                self._string(tick, new)

    def _send_halt(self) -> None:
        halted = self._world.exchange.is_halted(self._listing)
        if halted is not self._halted and not self._lag:
            self._halted = halted
            self._client.send(TickGeneric(self._req_id, _HALTED, int(halted)))

    def _send_generic(self, seen: Millis, trades: list[Print]) -> None:
        for tick in self._generic.ticks(seen, trades, self._day):
            self._client.send(tick)
        if self._touch is None:
            return
        moment = QuoteMoment(
            self._req_id,
            self._listing,
            self._touch,
            seen,
            self._asked_generic,
            is_delayed=bool(self._lag),
        )
        for tick in extra_ticks(self._world, moment):
            self._client.send(tick)

    def _price(self, tick: int, price: Decimal, size: int = 0, attributes: int = 0) -> None:
        named = self._named(tick)
        if named is not None:
            self._client.send(TickPrice(self._req_id, named, price, size, attributes))

    def _size(self, tick: int, size: int) -> None:
        named = self._named(tick)
        if named is not None:
            self._client.send(TickSize(self._req_id, named, size))

    def _string(self, tick: int, text: str) -> None:
        named = self._named(tick)
        if named is not None:
            self._client.send(TickString(self._req_id, named, text))

    def _named(self, tick: int) -> int | None:
        """Give the type under which a tick is told; None where delayed data does not have it."""
        return _DELAYED_TYPE.get(tick) if self._lag else tick
