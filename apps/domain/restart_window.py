"""When the broker restarts its servers: spans of the New York day, in which a loss is expected.

Here is only the arithmetic of such spans. What is known of the time, and what is kept quiet
within them, stands with those who ask.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

__all__ = ["RestartWindow", "expected_until", "parse_restart_windows"]

NEW_YORK = ZoneInfo("America/New_York")


@dataclass(frozen=True, slots=True)
class RestartWindow:
    """A span of each day in New York, ``[start, end)``; it may end on the next day."""

    start: time
    end: time

    def end_around(self, at: datetime) -> datetime | None:
        """Give the end (UTC) of the window that holds ``at`` (aware), or None.

        >>> window = RestartWindow(time(23, 45), time(0, 45))
        >>> window.end_around(datetime(2026, 11, 20, 4, 50, tzinfo=UTC))
        datetime.datetime(2026, 11, 20, 5, 45, tzinfo=datetime.timezone.utc)
        """
        today = at.astimezone(NEW_YORK).date()
        for day in (today - timedelta(days=1), today):
            last_day = day if self.start < self.end else day + timedelta(days=1)
            start, end = _moment(day, self.start), _moment(last_day, self.end)
            if start <= at < end:
                return end
        return None


def expected_until(windows: Sequence[RestartWindow], at: datetime) -> datetime | None:
    """Give when a restart that is expected at ``at`` will be over (UTC), or None for none.

    Windows that overlap or follow each other count as one.
    """
    until: datetime | None = None
    moment = at
    while True:
        ends = [end for window in windows if (end := window.end_around(moment)) is not None]
        if not ends or (until is not None and max(ends) <= until):
            return until
        until = moment = max(ends)
        if until - at >= timedelta(days=1):
            return until  # windows around the clock have no end


def parse_restart_windows(text: str) -> tuple[RestartWindow, ...]:
    """Read ``23:45-00:45,00:15-01:45``; nothing is no window. Raises ValueError.

    >>> parse_restart_windows("23:45-00:45")
    (RestartWindow(start=datetime.time(23, 45), end=datetime.time(0, 45)),)
    """
    return tuple(_window(part) for part in text.split(",")) if text.strip() else ()


def _window(text: str) -> RestartWindow:
    start, dash, end = text.strip().partition("-")
    window = RestartWindow(_time_of_day(start), _time_of_day(end))
    if not dash or window.start == window.end:
        raise ValueError(text)
    return window


def _time_of_day(text: str) -> time:
    hour, colon, minute = text.strip().partition(":")
    if not (colon and hour.isdecimal() and minute.isdecimal() and len(minute) == 2):
        raise ValueError(text)
    return time(int(hour), int(minute))


def _moment(day: date, at: time) -> datetime:
    return datetime.combine(day, at, NEW_YORK).astimezone(UTC)
