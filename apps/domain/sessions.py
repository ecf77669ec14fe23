"""Trading sessions of one instrument, as spans of UTC time.

The spans are injected (from the broker's contract details): nothing here knows a
calendar. A span is half open, ``[start, end)``. A broker tells the hours of a week, and a desk
runs for longer: so hours are the one value here that learns, in place, for all who hold it.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

__all__ = ["Span", "TradingHours"]


_MOST_KEPT = 30
"""Sessions that are remembered: what lies farther back is nobody's concern."""

_START = attrgetter("start")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of time, ``[start, end)``, both aware UTC."""

    start: datetime
    end: datetime

    def __contains__(self, at: datetime) -> bool:
        return self.start <= at < self.end


@dataclass(slots=True)
class TradingHours:
    """Regular sessions and the longer extended ones around them, each in rising order."""

    regular: tuple[Span, ...] = ()
    extended: tuple[Span, ...] = ()

    def learn(self, newer: TradingHours) -> None:
        """Take over hours that were told later: from their first session on they hold."""
        self.regular = _continued(self.regular, newer.regular)
        self.extended = _continued(self.extended, newer.extended)

    def regular_at(self, at: datetime) -> Span | None:
        """Give the regular session that holds ``at``, if one does."""
        return _span_at(self.regular, at)

    def is_open(self, at: datetime) -> bool | None:
        """Tell whether a regular session is open; None beyond the days that the hours are of."""
        if not self.regular or not self.regular[0].start <= at < self.regular[-1].end:
            return None
        return self.regular_at(at) is not None

    def extended_at(self, at: datetime) -> Span | None:
        """Give the extended session that holds ``at``, if one does."""
        return _span_at(self.extended, at)

    def next_regular(self, at: datetime) -> Span | None:
        """Give the first regular session that starts after ``at``, if it is known."""
        after = bisect_right(self.regular, at, key=_START)
        return self.regular[after] if after < len(self.regular) else None


def _continued(known: tuple[Span, ...], newer: tuple[Span, ...]) -> tuple[Span, ...]:
    """Keep what lies before the newer ones."""
    if not newer:
        return known
    return (*(span for span in known[-_MOST_KEPT:] if span.end <= newer[0].start), *newer)


def _span_at(spans: tuple[Span, ...], at: datetime) -> Span | None:
    before = bisect_right(spans, at, key=_START) - 1
    return spans[before] if before >= 0 and at in spans[before] else None
