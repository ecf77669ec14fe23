"""A market to which things happen: gaps, spikes, halts, hours without a trade.

A decorator. What comes out is a pure function of the market inside and of the disturbances, so
history and live bars agree whenever they are asked for; without any, the market goes through
untouched. Each disturbance lies around those before it: a market that gapped can then stand flat.

Disturbances start and end at whole seconds. A bar that one of their edges cuts is made anew of
smaller ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum
from functools import partial

from apps.paper.feed.market import BarSource, Market, MarketBar, Millis, Print, Touch
from apps.paper.hours import calendar
from apps.paper.instruments.listing import Listing

__all__ = ["Disturbance", "DisturbedMarket", "NoTradeBars", "Shape"]

_SECOND_MS = 1_000
_DAY_S = 86_400
_GRAINS_S = (3_600, 60, 5, 1)
"""A bar that an edge cuts is made of the largest of these that fit."""

_WAP_DIGITS = 6


class Shape(Enum):
    """What a disturbance does to a market."""

    SHIFTED = "prices are a fraction off"
    FLAT = "it trades, at one price"
    QUIET = "nothing trades, quotes move"
    HALTED = "nothing trades, quotes stand still"


class NoTradeBars(Enum):
    """What bars of trades there are while nothing trades: IB documents neither."""

    FLAT = "flat"
    """Bars at the last price, with volume and count 0."""
    MISSING = "missing"
    """None."""


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What happens to one symbol, or to all ('') in ``[start, end)``; ``end`` None is for ever.

    ``by`` is the fraction of a shift (0.05 is 5% up).
    """

    shape: Shape
    start: Millis
    end: Millis | None = None
    symbol: str = ""
    by: Decimal = Decimal(0)
    bars: NoTradeBars = NoTradeBars.FLAT

    def holds_at(self, at: Millis) -> bool:
        """Tell whether it stands at ``at``."""
        return self.start <= at and (self.end is None or at < self.end)

    def cuts(self, start: Millis, end: Millis) -> bool:
        """Tell whether one of its edges lies within ``(start, end)``."""
        return start < self.start < end or (self.end is not None and start < self.end < end)

    @property
    def stops_trading(self) -> bool:
        """There are no prints while it stands."""
        return self.shape in (Shape.QUIET, Shape.HALTED)

    @property
    def stops_quotes(self) -> bool:
        """Quotes stand still."""
        return self.shape in (Shape.FLAT, Shape.HALTED)


class DisturbedMarket:
    """A `Market` that is another one, disturbed. ``version`` counts the changes."""

    def __init__(self, market: Market) -> None:
        self.inner = market
        self.version = 0
        self._disturbances: dict[int, Disturbance] = {}
        self._outermost: dict[str, Market] = {}

    def disturb(self, disturbance: Disturbance) -> int:
        """Let something happen from its start on; give the number by which to end it."""
        self.version += 1
        start, end = _whole_second(disturbance.start), disturbance.end
        end = None if end is None else max(start, _whole_second(end))
        self._change(self.version, replace(disturbance, start=start, end=end))
        return self.version

    def end(self, number: int, at: Millis) -> None:
        """Let a disturbance end at ``at``; what it did until then remains as it was."""
        known = self._disturbances[number]
        end = max(known.start, _whole_second(at))
        if known.end is None or known.end > end:
            self.version += 1
            self._change(number, replace(known, end=end))

    def touch(self, listing: Listing, at: Millis) -> Touch:
        """Give bid and ask at ``at``; outside the sessions those of the last close."""
        return self._of(listing).touch(listing, at)

    def last(self, listing: Listing, at: Millis) -> Print:
        """Give the newest print at or before ``at``."""
        return self._of(listing).last(listing, at)

    def previous_close(self, listing: Listing, at: Millis) -> Decimal:
        """Give the close of the last regular session that ended before the one of ``at``."""
        return self._of(listing).previous_close(listing, at)

    def prints(self, listing: Listing, after: Millis, until: Millis) -> Sequence[Print]:
        """Give the prints in ``(after, until]``, oldest first."""
        return self._of(listing).prints(listing, after, until)

    def bars(
        self,
        listing: Listing,
        source: BarSource,
        seconds: int,
        start: Millis,
        end: Millis,
        *,
        regular_only: bool,
    ) -> Sequence[MarketBar]:
        """Give the bars that start in ``[start, end)``, oldest first."""
        of = self._of(listing)
        return of.bars(listing, source, seconds, start, end, regular_only=regular_only)

    def head(self, listing: Listing) -> Millis:
        """Give the time of the oldest bar there is."""
        return self.inner.head(listing)

    def _of(self, listing: Listing) -> Market:
        if not self._disturbances:
            return self.inner
        market = self._outermost.get(listing.symbol)
        if market is None:
            market = self.inner
            for each in self._disturbances.values():
                if each.symbol in ("", listing.symbol):
                    market = _Layer(market, each)
            self._outermost[listing.symbol] = market
        return market

    def _change(self, number: int, disturbance: Disturbance) -> None:
        self._disturbances[number] = disturbance
        self._outermost.clear()


class _Layer:
    """A market with one disturbance."""

    def __init__(self, inner: Market, disturbance: Disturbance) -> None:
        self._inner = inner
        self._what = disturbance

    def touch(self, listing: Listing, at: Millis) -> Touch:
        what = self._what
        if not what.holds_at(at):
            return self._inner.touch(listing, at)
        touch = self._inner.touch(listing, what.start if what.stops_quotes else at)
        if what.shape is not Shape.SHIFTED:
            return touch
        move = self._moved(listing)
        return replace(touch, bid=move(touch.bid), ask=move(touch.ask))

    def last(self, listing: Listing, at: Millis) -> Print:
        newest = self._inner.last(listing, at)
        if self._what.stops_trading and self._what.holds_at(newest.at):
            return self._inner.last(listing, self._what.start - 1)
        return self._printed(listing, newest)

    def previous_close(self, listing: Listing, at: Millis) -> Decimal:
        session = calendar.session_at(listing.calendar, at)
        before = calendar.previous_session(listing.calendar, session.start if session else at)
        price = self._inner.previous_close(listing, at)
        if not self._what.holds_at(before.regular[1] - 1):
            return price
        if self._what.shape is Shape.SHIFTED:
            return self._moved(listing)(price)
        return self._stands_at(listing)

    def prints(self, listing: Listing, after: Millis, until: Millis) -> Sequence[Print]:
        printed = self._inner.prints(listing, after, until)
        if self._what.stops_trading:
            return [each for each in printed if not self._what.holds_at(each.at)]
        return [self._printed(listing, each) for each in printed]

    def bars(
        self,
        listing: Listing,
        source: BarSource,
        seconds: int,
        start: Millis,
        end: Millis,
        *,
        regular_only: bool,
    ) -> Sequence[MarketBar]:
        read = partial(self._inner.bars, listing, source, regular_only=regular_only)
        made: list[MarketBar] = []
        for bar in read(seconds, start, end):
            ends = _end_of(listing, bar)
            if self._what.cuts(bar.start, ends):
                parts = self.bars(
                    listing, source, _finer(seconds), bar.start, ends, regular_only=regular_only
                )
                made += _joined(bar, parts)
            else:
                made += self._barred(listing, source, bar)
        return made

    def head(self, listing: Listing) -> Millis:
        return self._inner.head(listing)

    def _barred(self, listing: Listing, source: BarSource, bar: MarketBar) -> Iterator[MarketBar]:
        """Give what becomes of a bar that lies wholly inside the disturbance, or outside."""
        what = self._what
        if not what.holds_at(bar.start):
            yield bar
        elif what.shape is Shape.SHIFTED:
            move = self._moved(listing)
            yield replace(
                bar,
                open=move(bar.open),
                high=move(bar.high),
                low=move(bar.low),
                close=move(bar.close),
                wap=bar.wap if bar.count < 0 else bar.wap * (1 + what.by),
            )
        elif source is not BarSource.TRADES:
            yield _at_price(bar, self._quoted(listing, source)) if what.stops_quotes else bar
        elif not what.stops_trading:
            yield _at_price(bar, self._stands_at(listing))
        elif what.bars is NoTradeBars.FLAT:
            yield replace(_at_price(bar, self._stands_at(listing)), volume=0, count=0)

    def _printed(self, listing: Listing, trade: Print) -> Print:
        if not self._what.holds_at(trade.at):
            return trade
        if self._what.shape is Shape.SHIFTED:
            return replace(trade, price=self._moved(listing)(trade.price))
        return replace(trade, price=self._stands_at(listing))

    def _stands_at(self, listing: Listing) -> Decimal:
        """Give the price at which a market stands that does not move."""
        return self._inner.last(listing, self._what.start - 1).price

    def _quoted(self, listing: Listing, source: BarSource) -> Decimal:
        touch = self._inner.touch(listing, self._what.start)
        if source is BarSource.MIDPOINT:
            return (touch.bid + touch.ask) / 2
        return touch.bid if source is BarSource.BID else touch.ask

    def _moved(self, listing: Listing) -> Callable[[Decimal], Decimal]:
        def move(price: Decimal) -> Decimal:
            shifted = listing.ticks.nearest(price * (1 + self._what.by))
            return max(shifted, listing.ticks.step_up(Decimal(0)))

        return move


def _whole_second(at: Millis) -> Millis:
    """Give the first whole second at or after ``at``: what was seen already stays as it was."""
    return -(-at // _SECOND_MS) * _SECOND_MS


def _end_of(listing: Listing, bar: MarketBar) -> Millis:
    if bar.seconds < _DAY_S:
        return bar.start + bar.seconds * _SECOND_MS
    return calendar.latest_session(listing.calendar, bar.start).end


def _finer(seconds: int) -> int:
    return next(each for each in _GRAINS_S if each < seconds and seconds % each == 0)


def _at_price(bar: MarketBar, price: Decimal) -> MarketBar:
    wap = bar.wap if bar.count < 0 else price
    return replace(bar, open=price, high=price, low=price, close=price, wap=wap)


def _joined(bar: MarketBar, parts: Sequence[MarketBar]) -> Iterator[MarketBar]:
    """Make ``bar`` anew of its parts; what did not trade has no say in its prices."""
    traded = [part for part in parts if part.count] or list(parts)
    if not traded:
        return
    volume = sum(part.volume for part in traded)
    money = sum((part.wap * part.volume for part in traded), Decimal(0))
    of_trades = bar.count >= 0
    yield replace(
        bar,
        open=traded[0].open,
        high=max(part.high for part in traded),
        low=min(part.low for part in traded),
        close=traded[-1].close,
        volume=volume if of_trades else bar.volume,
        wap=round(money / volume, _WAP_DIGITS) if of_trades and volume > 0 else traded[-1].wap,
        count=sum(part.count for part in traded) if of_trades else bar.count,
    )
