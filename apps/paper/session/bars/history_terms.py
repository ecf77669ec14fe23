"""What a history request asks for, in market time: IB's texts for durations, sizes and ends."""

from __future__ import annotations

from dataclasses import dataclass

from apps.paper.feed.market import Millis
from apps.paper.hours.calendar import SessionCalendar
from apps.paper.instruments.catalogue import Listing
from apps.paper.session.times import BadTime, parse_moment

__all__ = [
    "BAR_SIZES",
    "DAY_S",
    "MONTH_S",
    "SMALL_BAR_S",
    "WEEK_S",
    "BadHistoryRequest",
    "Duration",
    "QueryRefused",
    "parse_bar_size",
    "parse_duration",
    "parse_end",
]

DAY_S, WEEK_S, MONTH_S = 86_400, 604_800, 2_678_400
SMALL_BAR_S = 30

BAR_SIZES = {
    "1 secs": 1,
    "5 secs": 5,
    "10 secs": 10,
    "15 secs": 15,
    "30 secs": 30,
    "1 min": 60,
    "2 mins": 120,
    "3 mins": 180,
    "5 mins": 300,
    "10 mins": 600,
    "15 mins": 900,
    "20 mins": 1200,
    "30 mins": 1800,
    "1 hour": 3600,
    "2 hours": 7200,
    "3 hours": 10800,
    "4 hours": 14400,
    "8 hours": 28800,
    "1 day": DAY_S,
    "1 week": WEEK_S,
    "1 month": MONTH_S,
}
"""IB's bar sizes in seconds; weeks and months are those of the calendar, however long."""

_OTHER_WORDS = {"1 sec": "1 secs", "1W": "1 week", "1 W": "1 week", "1M": "1 month", "1D": "1 day"}
_DAY_MS = 86_400_000
_UNIT_DAYS = {"W": 7, "M": 31, "Y": 366}


@dataclass(frozen=True, slots=True)
class _Unit:
    """A row of IB's table: the bar sizes that a duration's unit goes with, and how many."""

    smallest_s: int
    largest_s: int
    most: int


_UNITS = {
    "S": _Unit(1, 60, 86_400),
    "D": _Unit(5, 3_600, 365),
    "W": _Unit(10, 14_400, 52),
    "M": _Unit(30, 28_800, 12),
    "Y": _Unit(60, DAY_S, 68),
}
_MOST_SECONDS_OF_ONE = 2_000
"""How many seconds may be asked for in bars of one second."""


class BadHistoryRequest(Exception):
    """A text that IB would not read (321); its message says which."""


class QueryRefused(Exception):
    """A request that IB reads, and whose data it does not give (162); its message is IB's."""


@dataclass(frozen=True, slots=True)
class Duration:
    """How far back: seconds of trading (S), sessions (D), or calendar weeks, months, years."""

    count: int
    unit: str

    def start(
        self, calendar: SessionCalendar, listing: Listing, end: Millis, *, regular_only: bool
    ) -> Millis:
        """Give the first moment of the stretch that ends at ``end``.

        A session counts from its first whole second on: before that it has no bar.
        """
        if self.unit in _UNIT_DAYS:
            return end - self.count * _UNIT_DAYS[self.unit] * _DAY_MS
        remaining = self.count * 1000 if self.unit == "S" else self.count
        at = end - end % 1000
        while True:
            opens, closes = calendar.session_before(listing, at, extended=not regular_only)
            traded = min(closes, end) - opens
            remaining -= traded if self.unit == "S" else 1
            if remaining <= 0:
                return opens - remaining if self.unit == "S" else opens
            at = opens

    def check(self, bar_s: int, *, as_printed: bool) -> None:
        """See that bars of this size may be asked for so long, by IB's table.

        ``as_printed`` refuses sizes larger than the table's too.

        Raises:
            QueryRefused: They may not.
        """
        unit = _UNITS[self.unit]
        too_small = bar_s < unit.smallest_s
        if too_small or (as_printed and bar_s > unit.largest_s):
            raise QueryRefused(f"invalid step: {bar_s}")
        most = _MOST_SECONDS_OF_ONE if self.unit == "S" and bar_s == 1 else unit.most
        if self.count > most:
            raise QueryRefused("Time length exceed max.")


def parse_bar_size(text: str) -> int:
    """Read ``'5 mins'`` as seconds. Raises BadHistoryRequest."""
    words = text.strip()
    seconds = BAR_SIZES.get(_OTHER_WORDS.get(words, words))
    if seconds is None:
        legal = ", ".join(BAR_SIZES)
        raise BadHistoryRequest(
            f"Historical data bar size setting is invalid. Legal ones are: {legal}"
        )
    return seconds


def parse_duration(text: str) -> Duration:
    """Read ``'60 D'``. Raises BadHistoryRequest."""
    count, _, unit = text.strip().partition(" ")
    if not (count.isascii() and count.isdigit()) or unit not in _UNITS or int(count) < 1:
        raise BadHistoryRequest(
            "Historical data query duration is invalid. Ex. of legal durations: "
            "60 S, 10 D, 2 W, 3 M, 1 Y"
        )
    return Duration(int(count), unit)


def parse_end(text: str, now: Millis, zone: str) -> Millis:
    """Read an endDateTime: empty is now, a zone may follow. Raises BadHistoryRequest."""
    if not text.strip():
        return now
    try:
        return min(now, parse_moment(text, zone))
    except BadTime as error:
        raise BadHistoryRequest(str(error)) from error
