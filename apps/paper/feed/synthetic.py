"""A made-up market: the same seed, instrument and moment always give the same answer.

At home here: reading the paths of all listings as touches, prints and bars. How a path comes to be
stands in the package's other modules, from `levels` down to `tape`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from apps.paper.feed.bars import BarMaker
from apps.paper.feed.chance import DRAW_BITS, DRAW_MASK, EXPONENTIAL, STEP, mix
from apps.paper.feed.days import Stretch
from apps.paper.feed.market import BarSource, MarketBar, Millis, Print, Touch
from apps.paper.feed.path import Path
from apps.paper.feed.tape import LEAF_MS, Tick
from apps.paper.hours.calendar import latest_session, previous_session, session_at, sessions
from apps.paper.instruments.listing import Listing, SecType

__all__ = ["SyntheticMarket"]

_END_OF_TIME: Millis = 253_402_300_800_000
"""The year 10000, for what does not expire."""

_SEARCH_MS: Millis = 14 * 86_400_000
"""No market stays closed for this long."""

_ROUND_LOTS = ((Decimal(1_000), 10), (Decimal(0), 100))
"""Shares in a round lot from a price upward."""

_FOREX_LOT = 1_000_000
_FUTURES_DEPTH = 20


class SyntheticMarket:
    """A `Market` whose paths follow from ``seed``; one may serve all sessions of a gateway.

    What is not traded still moves: the prints of forex and indices are the moments at which the
    quote or the value changed, with size 0. An index has no spread: bid and ask are its value. In
    forex there are no bars of TRADES, in indices none of anything else. After its expiry a future
    stands still, without prints and bars.
    """

    def __init__(self, seed: int = 1) -> None:
        self.seed = seed
        self._feeds: dict[int, _Feed] = {}

    def touch(self, listing: Listing, at: Millis) -> Touch:
        """Give bid and ask at ``at``; outside the sessions those of the last close."""
        return self._feed(listing).touch(at)

    def last(self, listing: Listing, at: Millis) -> Print:
        """Give the newest print at or before ``at``."""
        return self._feed(listing).last(at)

    def previous_close(self, listing: Listing, at: Millis) -> Decimal:
        """Give the close of the last regular session that ended before the one of ``at``.

        Between two sessions that is the close of the one before.
        """
        return self._feed(listing).previous_close(at)

    def prints(self, listing: Listing, after: Millis, until: Millis) -> Sequence[Print]:
        """Give the prints in ``(after, until]``, oldest first."""
        return self._feed(listing).prints(after, until)

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
        """Give the bars that start in ``[start, end)``, oldest first.

        Buckets are aligned to midnight in the market's own zone and cut at the session's edges; a
        bar of a day is stamped with the start of its session. Raises `InvalidInput` for a size
        that does not divide a day.
        """
        return self._feed(listing).bars(source, seconds, start, end, regular_only=regular_only)

    def head(self, listing: Listing) -> Millis:
        """Give the time of the oldest bar there is."""
        return self._feed(listing).head

    def _feed(self, listing: Listing) -> _Feed:
        feed = self._feeds.get(listing.con_id)
        if feed is None:
            feed = self._feeds[listing.con_id] = _Feed(self.seed, listing)
        return feed


class _Feed:
    """What the market shows of one listing."""

    def __init__(self, seed: int, listing: Listing) -> None:
        self._listing = listing
        self._calendar = listing.calendar
        self._path = Path(seed, listing)
        self._is_index = listing.sec_type is SecType.INDEX
        self._has_trades = listing.sec_type not in {SecType.INDEX, SecType.FOREX}
        self._bars = BarMaker(self._path, listing.calendar, counts_volume=not self._is_index)
        self._lot, self._lots = _depth(listing)
        self.head = _first_moment(listing)
        self._end = _last_moment(listing)

    def touch(self, at: Millis) -> Touch:
        printed, tick, stretch = self._newest(at)
        if self._is_index:
            value = self._path.price(tick.price)
            return Touch(value, value, 0, 0)
        bid = tick.price - stretch.above_bid
        draws = mix(printed * STEP + self._listing.con_id)
        return Touch(
            self._path.price(bid),
            self._path.price(bid + stretch.spread),
            self._size(draws),
            self._size(draws >> DRAW_BITS),
        )

    def last(self, at: Millis) -> Print:
        printed, tick, _ = self._newest(at)
        return self._print(printed, tick)

    def previous_close(self, at: Millis) -> Decimal:
        at = min(at, self._end)
        session = session_at(self._calendar, at)
        before = previous_session(self._calendar, session.start if session else at)
        return self._path.price(self._path.days.close(before))

    def prints(self, after: Millis, until: Millis) -> list[Print]:
        start, end = max(after + 1, self.head), min(until + 1, self._end)
        return [
            self._print(at, tick)
            for session in sessions(self._calendar, start, end)
            for stretch in self._path.days.stretches(session)
            if stretch.node.trades
            for at, tick in self._ticks(stretch, start, end)
        ]

    def bars(
        self, source: BarSource, seconds: int, start: Millis, end: Millis, *, regular_only: bool
    ) -> list[MarketBar]:
        if self._is_index != (source is BarSource.TRADES) and not self._has_trades:
            return []
        start, end = max(start, self.head), min(end, self._end)
        return self._bars.bars(source, seconds, start, end, regular_only=regular_only)

    def _newest(self, at: Millis) -> tuple[Millis, Tick, Stretch]:
        """Give the newest print, and the stretch whose spread holds at ``at``."""
        at = min(at, self._end - 1)
        session = latest_session(self._calendar, at)
        holds = None
        while True:
            for stretch in reversed(self._path.days.stretches(session)):
                if stretch.start <= at:
                    holds = holds or stretch
                    newest = self._path.newest_tick(stretch, at)
                    if newest is not None:
                        return (*newest, holds)
            session = previous_session(self._calendar, session.start)

    def _ticks(self, stretch: Stretch, start: Millis, end: Millis) -> list[tuple[Millis, Tick]]:
        """Give the prints of a stretch in ``[start, end)``."""
        first = max(start, stretch.start) - stretch.start
        last = min(end, stretch.end) - stretch.start
        return [
            (at, tick)
            for leaf in range(first // LEAF_MS, -(-last // LEAF_MS))
            for tick in self._path.ticks(stretch, leaf)
            if start <= (at := stretch.start + leaf * LEAF_MS + tick.offset) < end
        ]

    def _print(self, at: Millis, tick: Tick) -> Print:
        return Print(at, self._path.price(tick.price), tick.size if self._has_trades else 0)

    def _size(self, draws: int) -> int:
        return self._lot * (1 + int(EXPONENTIAL[draws & DRAW_MASK] * self._lots))


def _depth(listing: Listing) -> tuple[int, float]:
    """Give the round lot of a listing, and how many of them the touch holds on average."""
    if listing.sec_type is SecType.FOREX:
        return _FOREX_LOT, 2.0
    if listing.sec_type is SecType.FUTURE:
        return 1, _FUTURES_DEPTH
    lot = next(lot for price, lot in _ROUND_LOTS if listing.market.reference >= price)
    return lot, 3 * listing.market.trade_size / lot


def _first_moment(listing: Listing) -> Millis:
    since = int(datetime.combine(listing.market.since, time(), UTC).timestamp()) * 1000
    candidates = sessions(listing.calendar, since, since + _SEARCH_MS)
    return next(each.start for each in candidates if each.day >= listing.market.since)


def _last_moment(listing: Listing) -> Millis:
    """Give the end of regular hours on the last trading day."""
    if not listing.last_trade_date:
        return _END_OF_TIME
    day = datetime.strptime(listing.last_trade_date, "%Y%m%d").replace(tzinfo=UTC)
    after = int((day + timedelta(days=2)).timestamp()) * 1000
    held = sessions(listing.calendar, after - _SEARCH_MS, after)
    return max(each.regular[1] for each in held if each.day <= day.date())
