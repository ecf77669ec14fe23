"""What can be wrong with bars that are kept, found from the bars and the exchange's sessions.

A hole is a stretch of open market without bars: one that was asked for and not told, unless that is
remembered, or one between what was asked for that never was. Of hours that nobody told nothing can
be said.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from itertools import pairwise

from apps.domain.bars import Bar
from apps.domain.history.bar_sizes import DAY_S
from apps.domain.history.plan import QUIET_S, day_of
from apps.domain.history.rescaling import split_ratio, split_words
from apps.domain.history.schedule import Schedule
from apps.domain.history.series import Series
from apps.domain.history.spans import intersection, merged, missing
from apps.domain.sessions import Span

__all__ = [
    "Finding",
    "FindingKind",
    "bar_findings",
    "figure_fault",
    "hole_findings",
    "lasting",
]

_NIGHT = timedelta(hours=1)


class FindingKind(Enum):
    """What is wrong; the value is what it is called."""

    DAMAGED = "damaged file"
    DUPLICATE = "duplicate"
    OUT_OF_ORDER = "out of order"
    WRONG_SESSION = "wrong session"
    IMPOSSIBLE = "impossible bar"
    HOLE = "hole"
    SPLIT = "split"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong in ``span`` of a series, in words."""

    kind: FindingKind
    series: Series
    span: Span
    words: str


class ClosedHours:
    """Tells which bars of a series are of a closed market, as far as its hours are known."""

    def __init__(self, series: Series, schedule: Schedule) -> None:
        self._known = merged(schedule.known)
        self._sessions = merged(schedule.sessions)
        self._days = (
            {day_of(each).start for each in schedule.sessions} if _is_of_days(series) else None
        )

    def has(self, start: datetime) -> bool:
        """Tell whether a bar that starts then is one of a closed market."""
        if self._days is None:
            return _is_in(self._known, start) and not _is_in(self._sessions, start)
        last = start + timedelta(seconds=DAY_S - 1)
        return (
            start not in self._days
            and _is_in(self._known, start)
            and _at(self._known, start) == _at(self._known, last)
        )


def bar_findings(
    series: Series, bars: Sequence[Bar], closed: ClosedHours, before: Bar | None = None
) -> Iterator[Finding]:
    """Give what is wrong with bars in the order in which they are kept, the last one before too."""
    for bar in bars:
        if fault := figure_fault(bar):
            yield Finding(FindingKind.IMPOSSIBLE, series, _span(bar), fault)
    for bar, following in pairwise(bars if before is None else (before, *bars)):
        yield from _order(series, bar, following)
        yield from _split(series, bar, following)
    for span in merged(_span(bar) for bar in bars if closed.has(bar.start)):
        yield Finding(FindingKind.WRONG_SESSION, series, span, "bars while the exchange was closed")


def hole_findings(
    series: Series,
    had: Iterable[Span],
    covered: Sequence[Span],
    known: Iterable[Span],
    *,
    schedule: Schedule,
) -> Iterator[Finding]:
    """Give the holes of a series that has bars of ``had``; ``known`` holes are none."""
    if not covered:
        return
    sessions = schedule.sessions
    if _is_of_days(series):
        sessions = tuple(map(day_of, sessions))
    all_of_it = Span(covered[0].start, covered[-1].end)
    for span in missing(intersection([all_of_it], sessions), covered):
        yield Finding(FindingKind.HOLE, series, span, "never asked for")
    there = merged(had, known)
    for span in missing(intersection(covered, sessions), there):
        if (span.end - span.start).total_seconds() >= QUIET_S:
            yield Finding(FindingKind.HOLE, series, span, "asked for, and no bars came")


def figure_fault(bar: Bar) -> str:
    """Say what is wrong with the figures of a bar; empty for nothing."""
    if bar.low > min(bar.open, bar.close):
        return "its low is above its open or its close"
    if bar.high < max(bar.open, bar.close):
        return "its high is below its open or its close"
    return ""


def lasting(bars: Iterable[Bar]) -> tuple[Span, ...]:
    """Give the time that bars are of, merged."""
    return merged(map(_span, bars))


def _order(series: Series, bar: Bar, following: Bar) -> Iterator[Finding]:
    if bar.start == following.start:
        yield Finding(FindingKind.DUPLICATE, series, _span(bar), "two bars with the same start")
    elif following.start < bar.start:
        words = f"kept after the one that starts {bar.start:%Y-%m-%d %H:%M:%S} UTC"
        yield Finding(FindingKind.OUT_OF_ORDER, series, _span(following), words)


def _split(series: Series, bar: Bar, following: Bar) -> Iterator[Finding]:
    if following.start - bar.end < _NIGHT and not _is_of_days(series):
        return
    ratio = split_ratio(bar.close, following.open)
    if ratio is not None:
        words = (
            f"{bar.close:g} to {following.open:g} looks like a split {split_words(ratio)} that the "
            "bars before it are not adjusted for"
        )
        yield Finding(FindingKind.SPLIT, series, Span(bar.start, following.end), words)


def _span(bar: Bar) -> Span:
    return Span(bar.start, bar.end)


def _is_of_days(series: Series) -> bool:
    return series.bar_seconds >= DAY_S


def _at(rising: Sequence[Span], at: datetime) -> int:
    return bisect_right(rising, at, key=lambda each: each.start) - 1


def _is_in(rising: Sequence[Span], at: datetime) -> bool:
    nth = _at(rising, at)
    return nth >= 0 and at in rising[nth]
