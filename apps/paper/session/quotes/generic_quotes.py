"""What a quote's generic ticks say, computed from the market that the client sees anyway."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from apps.paper.feed.market import MarketBar, Millis, Print
from apps.paper.instruments.catalogue import Listing, SecType
from apps.paper.session.instruments.contracts import has_quotes, has_trades
from apps.paper.session.quotes.day_figures import DayFigures
from apps.paper.session.quotes.generic_ticks import Generic
from apps.paper.session.quotes.statistics import (
    daily_bars,
    historical_volatility,
    ranges,
    recent_activity,
)
from apps.paper.wire import Response, TickGeneric, TickPrice, TickSize, TickString
from apps.paper.world import World

__all__ = ["GenericQuotes"]

_HISTORICAL_VOLATILITY = 23
_MARK_PRICE, _SHORTABLE, _RT_VOLUME = 37, 46, 48
_TRADE_COUNT, _TRADE_RATE, _VOLUME_RATE, _LAST_RTH_TRADE = 54, 55, 56, 57
_RT_HISTORICAL_VOLATILITY, _RT_TRADE_VOLUME, _SHORTABLE_SHARES = 58, 77, 89
_SHORT_TERM = ((180, 63), (300, 64), (600, 65))
"""Seconds, and the tick type of the volume in them."""

_EVERY_MS = 5_000
"""How often what is counted over minutes is told."""

_EASY_TO_BORROW = Decimal("3.0")
_NOT_TO_BE_HAD = Decimal("1.0")
"""Tick 46: above 2.5 there are 1000 shares at least, at or below 1.5 none."""

_SHARES_TO_LEND_DAYS = 1
_MINUTE_S = 60
_ACTIVITY = frozenset(
    {Generic.TRADE_COUNT, Generic.TRADE_RATE, Generic.VOLUME_RATE, Generic.SHORT_TERM_VOLUME}
)


class GenericQuotes:
    """The generic ticks of one quote; `ticks` gives those that are new."""

    def __init__(self, world: World, req_id: int, listing: Listing, asked: frozenset[int]) -> None:
        self._world = world
        self._req_id = req_id
        self._listing = listing
        self._asked = asked
        self._is_first = True
        self._counted_at: Millis = 0
        self._mark: Decimal | None = None
        self._last_rth: Decimal | None = None

    def ticks(self, at: Millis, trades: Sequence[Print], day: DayFigures) -> Iterator[Response]:
        """Give what is new at ``at``, after ``trades``."""
        if not self._asked:
            return
        if self._is_first:
            self._is_first = False
            yield from self._of_the_past(at)
            yield from self._shortable()
        yield from self._mark_price(at)
        if not has_trades(self._listing):
            return
        for trade in trades:
            yield from self._of_trade(trade, day)
        yield from self._last_regular(at, trades)
        if at - self._counted_at >= _EVERY_MS:
            self._counted_at = at
            yield from self._activity(at)

    def _of_the_past(self, at: Millis) -> Iterator[Response]:
        wanted = {
            Generic.HISTORICAL_VOLATILITY: _HISTORICAL_VOLATILITY,
            Generic.RT_HISTORICAL_VOLATILITY: _RT_HISTORICAL_VOLATILITY,
        }
        if not self._asked & {*wanted, Generic.MISC_STATS}:
            return
        bars = daily_bars(self._world, self._listing, at)
        volatility = historical_volatility(bars)
        for generic, tick in wanted.items():
            if generic in self._asked and volatility is not None:
                yield TickGeneric(self._req_id, tick, Decimal(f"{volatility:.6f}"))
        if Generic.MISC_STATS in self._asked:
            yield from self._ranges(bars)

    def _ranges(self, bars: Sequence[MarketBar]) -> Iterator[Response]:
        for tick, value in ranges(bars):
            if isinstance(value, Decimal):
                yield TickPrice(self._req_id, tick, value)
            elif isinstance(value, int):
                yield TickSize(self._req_id, tick, value)

    def _shortable(self) -> Iterator[Response]:
        listing = self._listing
        if Generic.INVENTORY not in self._asked or listing.sec_type is not SecType.STOCK:
            return
        lent_out = listing.con_id in self._world.exchange.policy.hard_to_borrow
        shares = 0 if lent_out else listing.market.volume * _SHARES_TO_LEND_DAYS
        yield TickGeneric(self._req_id, _SHORTABLE, _NOT_TO_BE_HAD if lent_out else _EASY_TO_BORROW)
        yield TickSize(self._req_id, _SHORTABLE_SHARES, shares)

    def _mark_price(self, at: Millis) -> Iterator[Response]:
        """Give the mark: the last price, within bid and ask; of a quote only, its middle."""
        if not self._asked & {Generic.MARK_PRICE, Generic.CREDITMAN_MARK_PRICE}:
            return
        mark = self._world.market.last(self._listing, at).price
        if has_quotes(self._listing):
            touch = self._world.market.touch(self._listing, at)
            mark = min(max(mark, touch.bid), touch.ask)
        if mark != self._mark:
            self._mark = mark
            yield TickPrice(self._req_id, _MARK_PRICE, mark)

    def _of_trade(self, trade: Print, day: DayFigures) -> Iterator[Response]:
        """Give price;size;time;volume;average;single, as of the day's last print."""
        text = f"{trade.price};{trade.size};{trade.at};{day.volume};{day.vwap or ''};true"
        if Generic.RT_VOLUME in self._asked:
            yield TickString(self._req_id, _RT_VOLUME, text)
        if Generic.RT_TRADE_VOLUME in self._asked:
            yield TickString(self._req_id, _RT_TRADE_VOLUME, text)

    def _last_regular(self, at: Millis, trades: Sequence[Print]) -> Iterator[Response]:
        if Generic.LAST_RTH_TRADE not in self._asked:
            return
        if self._last_rth is not None and not trades:
            return
        opens, closes = self._world.calendar.session_before(self._listing, at + 1, extended=False)
        last = self._world.market.last(self._listing, min(at, closes - 1))
        if last.at >= opens and last.price != self._last_rth:
            self._last_rth = last.price
            yield TickPrice(self._req_id, _LAST_RTH_TRADE, last.price, last.size)

    def _activity(self, at: Millis) -> Iterator[Response]:
        """Give what is counted: the day's trades, and those of the last minutes."""
        if not self._asked & _ACTIVITY:
            return
        world, listing, req_id = self._world, self._listing, self._req_id
        volume, trades = recent_activity(world, listing, at, _MINUTE_S)
        if Generic.TRADE_COUNT in self._asked:
            opens, _ = world.calendar.session_before(listing, at + 1, extended=True)
            count = recent_activity(world, listing, at, max(1, (at - opens) // 1000))[1]
            yield TickGeneric(req_id, _TRADE_COUNT, count)
        if Generic.TRADE_RATE in self._asked:
            yield TickGeneric(req_id, _TRADE_RATE, trades)
        if Generic.VOLUME_RATE in self._asked:
            yield TickGeneric(req_id, _VOLUME_RATE, volume)
        if Generic.SHORT_TERM_VOLUME in self._asked:
            for seconds, tick in _SHORT_TERM:
                yield TickSize(req_id, tick, recent_activity(world, listing, at, seconds)[0])
