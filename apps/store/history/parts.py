"""Which bars of a series share a file: those of one exchange day, or of one year.

The day is New York's, midnight to midnight: it holds a day of US stocks with the hours before and
after. Bars of a day and longer start at midnight UTC of their date; a file for each would hold one
bar, so those of a year share one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from apps.domain.history.series import Series
from apps.domain.sessions import Span

__all__ = ["EXCHANGE_ZONE", "Part", "part_at", "part_named", "parts_in"]

EXCHANGE_ZONE = ZoneInfo("America/New_York")

_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Part:
    """A day (``2026-11-20``) or a year (``2026``), and when that is."""

    name: str
    span: Span


def part_at(series: Series, at: datetime) -> Part:
    """Give the part that a bar belongs to which starts ``at``."""
    if series.bar_seconds >= _DAY_S:
        return _year(at.astimezone(UTC).year)
    return _day(at.astimezone(EXCHANGE_ZONE).date())


def part_named(name: str) -> Part:
    """Give the part of a name. Raises ValueError."""
    return _year(int(name)) if name.isdigit() else _day(date.fromisoformat(name))


def parts_in(series: Series, span: Span) -> Iterator[Part]:
    """Give the parts that ``span`` touches, rising."""
    at = span.start
    while at < span.end:
        part = part_at(series, at)
        yield part
        at = part.span.end


@lru_cache(maxsize=4096)
def _day(day: date) -> Part:
    start, end = (
        datetime.combine(each, time(), EXCHANGE_ZONE).astimezone(UTC)
        for each in (day, day + timedelta(days=1))
    )
    return Part(day.isoformat(), Span(start, end))


def _year(year: int) -> Part:
    start, end = (datetime(each, 1, 1, tzinfo=UTC) for each in (year, year + 1))
    return Part(f"{year:04}", Span(start, end))
