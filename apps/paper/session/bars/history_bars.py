"""The bars of the past as IB gives them, read from a market: sources, weeks, and what is not over.

Pure reading: what a request says has been understood already (`history_query`), and nothing is
sent here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from itertools import groupby

from apps.paper.feed.market import BarSource, MarketBar, Millis
from apps.paper.feed.thinned import LARGEST_EXACT_S, HistoryPolicy, thinned, thinned_roughly
from apps.paper.hours import calendar
from apps.paper.instruments.catalogue import Listing
from apps.paper.session.bars.aggregates import aggregate, so_far
from apps.paper.session.bars.history_terms import DAY_S, MONTH_S, WEEK_S
from apps.paper.world import World

__all__ = ["BarReader", "HistoricalSource"]

_BARS_A_PIECE = 250
"""Some 10 ms of work at the smallest size: what one answer may hold up the loop for."""

_THINNED_A_PIECE = 50
_DAY_MS = DAY_S * 1000
_NOT_TRADES = -1


class HistoricalSource(Enum):
    """What historical bars are made of; the value is IB's whatToShow."""

    TRADES = "TRADES"
    MIDPOINT = "MIDPOINT"
    BID = "BID"
    ASK = "ASK"
    BID_ASK = "BID_ASK"
    """Opens at the average bid, closes at the average ask; lowest bid to highest ask."""
    ADJUSTED_LAST = "ADJUSTED_LAST"
    """Trades adjusted for dividends, of which this market pays none."""

    @property
    def is_of_trades(self) -> bool:
        """Tell whether there are volume and count."""
        return self in {HistoricalSource.TRADES, HistoricalSource.ADJUSTED_LAST}


@dataclass(frozen=True, slots=True)
class BarReader:
    """Reads bars of one listing, source and size. Sizes above a day are joined days."""

    world: World
    listing: Listing
    source: HistoricalSource
    seconds: int
    regular_only: bool

    def pieces(self, start: Millis, end: Millis) -> Iterator[list[MarketBar]]:
        """Give the bars that start in ``[start, end)`` piece by piece, to be put into `finish`."""
        a_piece = _THINNED_A_PIECE if self._thins else _BARS_A_PIECE
        step_ms = a_piece * self._grain_s * 1000
        for piece in range(self._aligned(start), end, step_ms):
            yield self._whole(piece, min(piece + step_ms, end))

    def finish(self, bars: list[MarketBar], end: Millis) -> list[MarketBar]:
        """Cut what is not over at ``end``, and join days into weeks and months."""
        if bars and self._ends(bars[-1]) > end:
            running = bars.pop()
            bars += self._so_far(running, end)
        if self.seconds <= DAY_S:
            return bars
        joined = groupby(bars, key=lambda bar: self._period(self._day(bar.start)))
        return [aggregate(list(days), self.seconds) for _, days in joined]

    def bars(self, start: Millis, end: Millis) -> list[MarketBar]:
        """Give the bars of ``[start, end)`` at once; the last as far as it has come."""
        found = [bar for piece in self.pieces(start, end) for bar in piece]
        return self.finish(found, end)

    def date_of(self, bar: MarketBar) -> date:
        """Give the day by which a bar of a day or more is dated: the last one of its period.

        A session that starts on the evening before belongs to the day on which it ends.
        """
        day = self._day(bar.start)
        if self.seconds <= DAY_S:
            return day
        until = bar.start + 35 * _DAY_MS
        days = [each.day for each in calendar.sessions(self.listing.calendar, bar.start, until)]
        return max(each for each in days if self._period(each) == self._period(day))

    @property
    def _grain_s(self) -> int:
        return min(self.seconds, DAY_S)

    @property
    def _thins(self) -> bool:
        policy = self.world.vendor.history_policy
        return policy is HistoryPolicy.THINNED and self.source.is_of_trades

    def _day(self, at: Millis) -> date:
        return calendar.latest_session(self.listing.calendar, at).day

    def _period(self, day: date) -> tuple[int, ...]:
        if self.seconds == WEEK_S:
            return day.isocalendar()[:2]
        return day.year, day.month

    def _aligned(self, start: Millis) -> Millis:
        """Give the start of the week or month in which ``start`` lies."""
        if self.seconds <= DAY_S:
            return start
        day = self._day(start)
        back = day.weekday() if self.seconds != MONTH_S else day.day - 1
        first = day - timedelta(days=back)
        held = calendar.sessions(self.listing.calendar, start - (back + 2) * _DAY_MS, start + 1)
        return min((each.start for each in held if each.day >= first), default=start)

    def _ends(self, bar: MarketBar) -> Millis:
        session = self.world.calendar.session_at(
            self.listing, bar.start, extended=not self.regular_only
        )
        ends = bar.start + self._grain_s * 1000
        return ends if session is None else min(ends, session[1])

    def _whole(self, start: Millis, end: Millis) -> list[MarketBar]:
        if self.source is HistoricalSource.BID_ASK:
            bids = self._read(BarSource.BID, start, end)
            asks = self._read(BarSource.ASK, start, end)
            return [self._spread(*both) for both in zip(bids, asks, strict=True)]
        return [self._shown(bar) for bar in self._read(self._of, start, end)]

    def _so_far(self, running: MarketBar, end: Millis) -> list[MarketBar]:
        if self.source is HistoricalSource.BID_ASK:
            sides = [self._partly(side, running, end) for side in (BarSource.BID, BarSource.ASK)]
            bid, ask = sides
            return [self._spread(bid, ask)] if bid is not None and ask is not None else []
        bar = self._partly(self._of, running, end)
        return [] if bar is None else [self._shown(bar, end)]

    @property
    def _of(self) -> BarSource:
        return BarSource.TRADES if self.source.is_of_trades else BarSource(self.source.value)

    def _read(self, source: BarSource, start: Millis, end: Millis) -> Sequence[MarketBar]:
        return self.world.market.bars(
            self.listing, source, self._grain_s, start, end, regular_only=self.regular_only
        )

    def _partly(self, source: BarSource, bar: MarketBar, end: Millis) -> MarketBar | None:
        return so_far(
            self.world.market,
            self.listing,
            source,
            bar.start,
            end,
            regular_only=self.regular_only,
        )

    def _shown(self, bar: MarketBar, until: Millis | None = None) -> MarketBar:
        """Give a bar as history has it, which may leave out some of the trades."""
        if not self._thins:
            return bar
        if self._grain_s > LARGEST_EXACT_S:
            return thinned_roughly(bar)
        ends = self._ends(bar) if until is None else until - until % 1000
        prints = self.world.market.prints(self.listing, bar.start - 1, ends - 1)
        return thinned(self.listing, bar, prints)

    def _spread(self, bid: MarketBar, ask: MarketBar) -> MarketBar:
        return MarketBar(
            start=bid.start,
            seconds=bid.seconds,
            open=self._average(bid),
            high=ask.high,
            low=bid.low,
            close=self._average(ask),
            volume=_NOT_TRADES,
            wap=Decimal(_NOT_TRADES),
            count=_NOT_TRADES,
        )

    def _average(self, bar: MarketBar) -> Decimal:
        """Give a bar's average over time, taken at the mean of its four prices."""
        return self.listing.ticks.nearest((bar.open + bar.high + bar.low + bar.close) / 4)
