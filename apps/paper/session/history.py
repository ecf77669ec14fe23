"""What a history request asks for, in market time: IB's texts for durations, sizes and ends."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apps.paper.calendar import SessionCalendar
from apps.paper.catalogue import Listing
from apps.paper.feed.market import Millis

__all__ = ["BAR_SECONDS", "BadHistoryRequest", "Duration", "parse_duration", "parse_end"]

BAR_SECONDS = {
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
    "1 day": 86400,
}
"""IB's bar sizes and their lengths; weeks and months are not simulated."""

_DAY_MS = 86_400_000
_UNIT_DAYS = {"W": 7, "M": 31, "Y": 366}
_LIMIT = {"S": 86_400, "D": 365, "W": 52, "M": 12, "Y": 68}
_END_IN_UTC = re.compile(r"\d{8}-\d{2}:\d{2}:\d{2}")
_END_IN_ZONE = re.compile(r"(\d{8}) +(\d{2}:\d{2}:\d{2})(?: +(\S+))?")


class BadHistoryRequest(Exception):
    """A text that IB would not read; its message says which."""


@dataclass(frozen=True, slots=True)
class Duration:
    """How far back: seconds of trading (S), sessions (D), or calendar weeks, months, years."""

    count: int
    unit: str

    def start(
        self, calendar: SessionCalendar, listing: Listing, end: Millis, *, regular_only: bool
    ) -> Millis:
        """Give the first moment of the stretch that ends at ``end``."""
        if self.unit in _UNIT_DAYS:
            return end - self.count * _UNIT_DAYS[self.unit] * _DAY_MS
        remaining = self.count * 1000 if self.unit == "S" else self.count
        at = end
        while True:
            opens, closes = calendar.session_before(listing, at, extended=not regular_only)
            traded = min(closes, end) - opens
            remaining -= traded if self.unit == "S" else 1
            if remaining <= 0:
                return opens - remaining if self.unit == "S" else opens
            at = opens


def parse_duration(text: str) -> Duration:
    """Read ``'60 D'``. Raises BadHistoryRequest."""
    count, _, unit = text.strip().partition(" ")
    if not count.isdigit() or unit not in _LIMIT or int(count) < 1:
        raise BadHistoryRequest(
            "Historical data query duration is invalid. Ex. of legal durations: "
            "60 S, 10 D, 2 W, 3 M, 1 Y"
        )
    if int(count) > _LIMIT[unit]:
        raise BadHistoryRequest(f"Time length exceed max: {_LIMIT[unit]} {unit}")
    return Duration(int(count), unit)


def parse_end(text: str, now: Millis, zone: str) -> Millis:
    """Read an endDateTime: empty is now, a zone may follow. Raises BadHistoryRequest."""
    text = text.strip()
    if not text:
        return now
    try:
        if _END_IN_UTC.fullmatch(text):
            at = datetime.strptime(text, "%Y%m%d-%H:%M:%S").replace(tzinfo=UTC)
        elif found := _END_IN_ZONE.fullmatch(text):
            naive = datetime.strptime(f"{found[1]} {found[2]}", "%Y%m%d %H:%M:%S")  # noqa: DTZ007
            at = naive.replace(tzinfo=ZoneInfo(found[3] or zone))
        else:
            raise BadHistoryRequest(_BAD_END)
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise BadHistoryRequest(_BAD_END) from error
    return min(now, int(at.timestamp()) * 1000)


_BAD_END = (
    "The date, time, or time-zone entered is invalid. The correct format is "
    "yyyymmdd hh:mm:ss xx/xxxx or yyyymmdd-hh:mm:ss in UTC"
)
