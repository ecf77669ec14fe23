"""Gaps in a stream of 5-second bars, and the bars of history that fill them.

At home here: whether bars are missing between two that came, how much history has to be asked
for, and what an answer is worth. Who asks, and what becomes of the bars, is the engine's.

A closed market has no bars: only the seconds of regular sessions count. Where the hours are not
known, or end before the gap does, every second counts, for nobody can tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.domain.bars import BASE_SECONDS, Bar
from apps.domain.sessions import TradingHours

__all__ = [
    "LONGEST_FILL_S",
    "Gap",
    "Replay",
    "filled",
    "gap_between",
    "merged",
    "reaches",
    "span_to_ask",
    "trading_seconds",
]

LONGEST_FILL_S = 3600
"""The longest stretch of 5-second bars that IB gives in one answer, in seconds of trading."""

_MARGIN_S = 60
"""How much more than the gap is asked for: an answer that reaches back to the last bar that came
is known to be whole."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch ``[start, end)`` of which no bars came, aware UTC."""

    start: datetime
    end: datetime

    def __str__(self) -> str:
        return f"{self.start:%H:%M:%S}–{self.end:%H:%M:%S} UTC"


@dataclass(frozen=True, slots=True)
class Replay:
    """What is known of a gap once it is over.

    ``bars`` are replayed: the missed ones, and those that came while they were fetched; rising,
    none twice. ``torn`` is what could not be had, before all of the bars, or None; ``why`` is the
    reason.
    """

    bars: tuple[Bar, ...]
    torn: Gap | None = None
    why: str = ""


def gap_between(last: Bar, following: Bar, hours: TradingHours) -> Gap | None:
    """Give what is missing between two bars of one stream, None if nothing is."""
    start = last.end
    if following.start <= start or trading_seconds(hours, start, following.start) <= 0:
        return None
    return Gap(start, following.start)


def trading_seconds(hours: TradingHours, start: datetime, end: datetime) -> float:
    """Give how much of ``[start, end)`` is regular trading, in seconds.

    >>> from datetime import UTC
    >>> from apps.domain.sessions import Span
    >>> days = [datetime(2026, 11, day, 14, 30, tzinfo=UTC) for day in (19, 20)]
    >>> hours = TradingHours(tuple(Span(day, day + timedelta(hours=6.5)) for day in days))
    >>> trading_seconds(hours, days[0] + timedelta(hours=6), days[1] + timedelta(minutes=1))
    1860.0
    """
    if not hours.regular or start < hours.regular[0].start or hours.regular[-1].end < end:
        return max(0.0, (end - start).total_seconds())
    within = (min(each.end, end) - max(each.start, start) for each in hours.regular)
    return sum((max(each, timedelta()) for each in within), timedelta()).total_seconds()


def span_to_ask(gap: Gap, now: datetime, hours: TradingHours) -> int:
    """Give the seconds of trading before ``now`` that hold the gap, as far as can be asked for."""
    needed_s = trading_seconds(hours, gap.start, max(now, gap.end)) + _MARGIN_S
    return min(LONGEST_FILL_S, int(-(-needed_s // BASE_SECONDS)) * BASE_SECONDS)


def reaches(history: Sequence[Bar], at: datetime) -> bool:
    """Tell whether an answer goes on to the bar that starts ``at``: history may lag behind."""
    return bool(history) and history[-1].start >= at


def filled(gap: Gap, last: Bar | None, history: Sequence[Bar]) -> Replay:
    """Give the bars of ``history`` from the beginning of ``gap`` on, which began after ``last``.

    An answer that does not reach back to ``last`` leaves the beginning torn, unless that bar had
    no trades: history may leave out such ones. None is a bar that is not known.
    """
    bars = tuple(each for each in merged(history) if each.start >= gap.start)
    oldest = history[0].start if history else gap.end
    if oldest <= gap.start or (last is not None and last.count == 0):
        return Replay(bars)
    return Replay(bars, Gap(gap.start, min(oldest, gap.end)), "history does not reach back so far")


def merged(*streams: Iterable[Bar]) -> tuple[Bar, ...]:
    """Put bars of several streams in order, one for each start; the first stream's count."""
    by_start: dict[datetime, Bar] = {}
    for stream in streams:
        for bar in stream:
            by_start.setdefault(bar.start, bar)
    return tuple(by_start[start] for start in sorted(by_start))
