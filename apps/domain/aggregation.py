"""Larger bars from 5-second bars, in buckets aligned to the session.

At home here: where a bucket begins and ends, what goes into it, and when it is complete. Not at
home here: which bars to ask for and when, and what a completed bar means to a rule.

Buckets are ``[start, end)``, counted from the session's start, and clipped at its end where that
is known. A bucket is complete when its last 5-second bar arrives, or a bar of a later bucket, or
when the market's clock has passed its end by a grace (the last bar is on its way until then).

Missing bars. IB says nothing about a stretch without trades: both a flat bar (``count == 0``,
the previous close repeated) and no bar at all are seen. So a bar that is missing inside a bucket
does not spoil it; how many are missing is told. Flat bars do not shape a bucket that has trades:
its open is that of its first trade, as in IB's own larger bars.

What came before. A bucket that began before anything was known is dropped, unless the bars of
history fill it (`Aggregator.seed`). After a gap that history could not fill, `Aggregator.resume`
drops the bucket that the gap tore.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from apps.domain.bars import BASE_SECONDS, Bar
from apps.domain.errors import InvalidInput
from apps.domain.sessions import Span

__all__ = ["BAR_SIZES", "Aggregator", "CompletedBar", "bar_size_name", "parse_bar_size"]

BAR_SIZES = MappingProxyType(
    {
        "5s": 5,
        "10s": 10,
        "15s": 15,
        "30s": 30,
        "1m": 60,
        "2m": 120,
        "3m": 180,
        "5m": 300,
        "15m": 900,
        "30m": 1800,
        "1h": 3600,
    }
)
"""The bar sizes that can be asked for, in seconds. Each divides an hour, so that buckets counted
from one session's start fit the next session too, also across a change to summer time."""


def parse_bar_size(text: str) -> int:
    """Read ``5s``, ``1m``, ``1h``… and give the seconds. Raises InvalidInput."""
    seconds = BAR_SIZES.get(text.strip().lower())
    if seconds is None:
        raise InvalidInput(f"there are no bars of {text!r}: the sizes are {', '.join(BAR_SIZES)}.")
    return seconds


def bar_size_name(seconds: int) -> str:
    """Give the name under which a bar size is typed.

    >>> bar_size_name(60)
    '1m'
    """
    for name, size in BAR_SIZES.items():
        if size == seconds:
            return name
    return f"{seconds}s"


@dataclass(frozen=True, slots=True)
class CompletedBar:
    """A completed bar. ``live`` if the 5-second bar that gave its close was live.

    ``missing`` counts the 5-second bars of its span that never came.
    """

    bar: Bar
    live: bool
    missing: int


class _Bucket:
    """A bucket being filled. Sums of trades; bars of quotes (−1) keep their −1."""

    __slots__ = (
        "_bars",
        "_close",
        "_count",
        "_high",
        "_low",
        "_open",
        "_turnover",
        "_volume",
        "end",
        "live",
        "start",
    )

    def __init__(self, start: datetime, end: datetime, first: Bar) -> None:
        self.start = start
        self.end = end
        self.live = False
        self._bars = 0
        self._count = 0
        self._volume = 0.0
        self._turnover = 0.0
        self._open, self._high, self._low, self._close = _shape_of(first)

    def add(self, bar: Bar, *, live: bool) -> None:
        self._bars += 1
        self.live = live
        if bar.count == 0:
            return
        if self._count == 0:
            self._open, self._high, self._low, self._close = _shape_of(bar)
        self._high = max(self._high, bar.high)
        self._low = min(self._low, bar.low)
        self._close = bar.close
        self._count += bar.count
        self._volume += bar.volume
        self._turnover += bar.wap * bar.volume

    def completed(self) -> CompletedBar:
        seconds = int((self.end - self.start).total_seconds())
        quotes = self._count < 0
        traded = self._volume > 0
        bar = Bar(
            start=self.start,
            seconds=seconds,
            open=self._open,
            high=self._high,
            low=self._low,
            close=self._close,
            volume=-1.0 if quotes else self._volume,
            wap=-1.0 if quotes else self._turnover / self._volume if traded else self._close,
            count=-1 if quotes else self._count,
        )
        return CompletedBar(bar, self.live, max(0, seconds // BASE_SECONDS - self._bars))


class Aggregator:
    """Turns the 5-second bars of one contract into bars of ``seconds``.

    ``session_start`` is the start of the regular session that the buckets are counted from, and
    ``session_end``, if given, where its last bucket ends. ``known_from`` is the market time from
    which every bar is seen; without it, the start of the first bar that comes. All times are
    aware UTC.

    >>> from datetime import UTC
    >>> opening = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
    >>> ten_seconds = Aggregator(10, opening)
    >>> def bar(n, price):
    ...     start = opening + timedelta(seconds=5 * n)
    ...     return Bar(start, 5, price, price, price, price, volume=100.0, wap=price, count=1)
    >>> ten_seconds.add(bar(0, 190.0))
    ()
    >>> [done.bar.close for done in ten_seconds.add(bar(1, 190.2))]
    [190.2]
    """

    def __init__(
        self,
        seconds: int,
        session_start: datetime,
        session_end: datetime | None = None,
        *,
        known_from: datetime | None = None,
        grace_s: int = BASE_SECONDS,
    ) -> None:
        if seconds not in BAR_SIZES.values():
            raise InvalidInput(f"there are no bars of {seconds} s.")
        self.seconds = seconds
        self._length = timedelta(seconds=seconds)
        self._grace = timedelta(seconds=grace_s)
        self._session_start = session_start
        self._session_end = session_end
        self._known_from = known_from
        self._seen_until: datetime | None = None
        self._bucket: _Bucket | None = None

    def seed(self, bars: Iterable[Bar], known_from: datetime) -> tuple[CompletedBar, ...]:
        """Take bars of history before the live ones begin: all there were since ``known_from``.

        Gives the buckets that they completed, none of them live.
        """
        self._known_from = known_from
        completed: list[CompletedBar] = []
        for bar in bars:
            completed += self.add(bar, live=False)
        return tuple(completed)

    def add(self, bar: Bar, *, live: bool = True) -> tuple[CompletedBar, ...]:
        """Take the next 5-second bar; give the buckets it completed, oldest first.

        At most two: one that was overdue, and the one that ``bar`` closes. A bar that is not
        newer than the newest is ignored: a duplicate, or out of order. Bars that fill a gap
        (``live=False``) are given before the live ones that follow it. Raises InvalidInput for
        a bar of another length.
        """
        if bar.seconds != BASE_SECONDS:
            raise InvalidInput(f"bars are built of {BASE_SECONDS} s bars, not of {bar.seconds} s.")
        if self._seen_until is not None and bar.start < self._seen_until:
            return ()
        overdue = self._complete_until(bar.start)
        self._seen_until = bar.end
        if self._known_from is None:
            self._known_from = bar.start
        if self._bucket is None:
            self._bucket = _Bucket(*self._edges(bar.start), bar)
        self._bucket.add(bar, live=live)
        return overdue + self._complete_until(bar.end)

    def advance(self, market_now: datetime) -> tuple[CompletedBar, ...]:
        """Complete a bucket whose end the market's clock has passed by the grace."""
        return self._complete_until(market_now - self._grace)

    def resume(self, known_from: datetime) -> None:
        """Begin anew after a gap that stays unfilled: the bucket that it tore is dropped."""
        self._known_from = known_from
        self._bucket = None

    def begin_session(self, session: Span) -> tuple[CompletedBar, ...]:
        """Count the buckets from a new session's start; complete what the old one left open."""
        completed = self._complete_until(session.start)
        self._session_start, self._session_end = session.start, session.end
        return completed

    def _complete_until(self, at: datetime) -> tuple[CompletedBar, ...]:
        bucket = self._bucket
        if bucket is None or at < bucket.end:
            return ()
        self._bucket = None
        if self._known_from is None or bucket.start < self._known_from:
            return ()
        # its time is over: a straggler must not open it a second time
        self._seen_until = max(self._seen_until or bucket.end, bucket.end)
        return (bucket.completed(),)

    def _edges(self, at: datetime) -> tuple[datetime, datetime]:
        start = at - (at - self._session_start) % self._length
        end = start + self._length
        if self._session_end is not None and start < self._session_end < end:
            end = self._session_end
        return start, end


def _shape_of(bar: Bar) -> tuple[float, float, float, float]:
    return bar.open, bar.high, bar.low, bar.close
