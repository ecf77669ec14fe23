"""Trading sessions: when each kind of market is open, for any year.

At home here: the hours of US equities and indices, forex, CME Globex and Xetra, sessions as spans
of time, and IB's way of printing them. Which days are holidays is known to
`apps.paper.hours.holidays`. Globex keeps one set of shortened days, that of its equity futures.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

from apps.paper.hours.holidays import (
    cme_closed,
    cme_early_closes,
    cme_holidays,
    is_weekday,
    nyse_early_closes,
    nyse_holidays,
    world_holidays,
    xetra_early_closes,
    xetra_holidays,
)

__all__ = [
    "CalendarName",
    "Session",
    "SessionCalendar",
    "latest_session",
    "liquid_hours",
    "midnight_before",
    "next_session",
    "previous_session",
    "session_at",
    "session_on",
    "sessions",
    "trading_hours",
    "usual_regular_ms",
]

Millis = int

_HOURS_DAYS = 7
"""IB prints the hours of about a week."""

_DAY_MS = 86_400_000


class CalendarName(Enum):
    """The calendars there are; the value is what the catalogue's file says."""

    US_EQUITY = "XNYS"
    US_INDEX = "XCBO"
    FOREX = "FOREX"
    CME = "CMES"
    XETRA = "XETR"


@dataclass(frozen=True, slots=True)
class Session:
    """One trading day ``[start, end)``, named by the date on which it ends.

    ``regular`` is the part of it that IB calls liquid hours, also ``[start, end)``. Times are
    milliseconds since the epoch, UTC.
    """

    day: date
    start: Millis
    end: Millis
    regular: tuple[Millis, Millis]


@dataclass(frozen=True, slots=True)
class _Shortened:
    """Days on which regular hours, and then the session, end early."""

    days: Callable[[int], frozenset[date]]
    close: time
    end: time


@dataclass(frozen=True, slots=True)
class _Hours:
    """Opening hours on the clocks of ``zone``; with ``overnight`` a session starts the eve."""

    zone: ZoneInfo
    start: time
    end: time
    regular: tuple[time, time]
    holidays: Callable[[int], frozenset[date]]
    shortened: tuple[_Shortened, ...] = ()
    overnight: bool = False

    def session(self, day: date) -> Session:
        early = next((each for each in self.shortened if day in each.days(day.year)), None)
        first_day = day - timedelta(days=1) if self.overnight else day
        start = self._millis(first_day, self.start)
        opens, closes = self.regular
        return Session(
            day=day,
            start=start,
            end=self._millis(day, early.end if early else self.end),
            regular=(
                start if opens == self.start else self._millis(day, opens),
                self._millis(day, early.close if early else closes),
            ),
        )

    def _millis(self, day: date, at: time) -> Millis:
        return int(datetime.combine(day, at, self.zone).timestamp()) * 1000


_NEW_YORK = ZoneInfo("America/New_York")

_HOURS = {
    CalendarName.US_EQUITY: _Hours(
        zone=_NEW_YORK,
        start=time(4),
        end=time(20),
        regular=(time(9, 30), time(16)),
        holidays=nyse_holidays,
        shortened=(_Shortened(nyse_early_closes, close=time(13), end=time(17)),),
    ),
    CalendarName.US_INDEX: _Hours(
        zone=_NEW_YORK,
        start=time(9, 30),
        end=time(16),
        regular=(time(9, 30), time(16)),
        holidays=nyse_holidays,
        shortened=(_Shortened(nyse_early_closes, close=time(13), end=time(13)),),
    ),
    CalendarName.FOREX: _Hours(
        zone=_NEW_YORK,
        start=time(17, 15),
        end=time(17),
        regular=(time(17, 15), time(17)),
        holidays=world_holidays,
        overnight=True,
    ),
    CalendarName.CME: _Hours(
        zone=_NEW_YORK,
        start=time(18),
        end=time(17),
        regular=(time(9, 30), time(17)),
        holidays=cme_closed,
        shortened=(
            _Shortened(cme_holidays, close=time(13), end=time(13)),
            _Shortened(cme_early_closes, close=time(13, 15), end=time(13, 15)),
        ),
        overnight=True,
    ),
    CalendarName.XETRA: _Hours(
        zone=ZoneInfo("Europe/Berlin"),
        start=time(9),
        end=time(17, 30),
        regular=(time(9), time(17, 30)),
        holidays=xetra_holidays,
        shortened=(_Shortened(xetra_early_closes, close=time(14), end=time(14)),),
    ),
}


def sessions(calendar: CalendarName, start: Millis, end: Millis) -> Sequence[Session]:
    """Give the sessions of which some part lies in ``[start, end)``, oldest first."""
    found = []
    for session in _from(calendar, start):
        if session.start >= end:
            break
        if session.end > start:
            found.append(session)
    return found


def latest_session(calendar: CalendarName, at: Millis) -> Session:
    """Give the newest session that started at or before ``at``, whether or not it is over."""
    return next(_from(calendar, at))


def session_at(calendar: CalendarName, at: Millis) -> Session | None:
    """Give the session that is open at ``at``, extended hours included."""
    newest = latest_session(calendar, at)
    return newest if at < newest.end else None


def previous_session(calendar: CalendarName, at: Millis) -> Session:
    """Give the newest session that ended at or before ``at``."""
    newest = latest_session(calendar, at)
    return newest if newest.end <= at else latest_session(calendar, newest.start - 1)


def next_session(calendar: CalendarName, at: Millis) -> Session:
    """Give the first session that starts after ``at``."""
    return next(session for session in _from(calendar, at) if session.start > at)


def session_on(calendar: CalendarName, day: date) -> Session:
    """Give the session of a day, or the newest before it when the market is closed then."""
    hours = _HOURS[calendar]
    while not is_weekday(day) or day in hours.holidays(day.year):
        day -= timedelta(days=1)
    return hours.session(day)


def usual_regular_ms(calendar: CalendarName) -> Millis:
    """Give how long regular hours last on a day that is not shortened."""
    hours = _HOURS[calendar]
    opens, closes = (edge.hour * 60 + edge.minute for edge in hours.regular)
    length = closes - opens if closes > opens else closes - opens + 24 * 60
    return length * 60_000


@lru_cache(maxsize=64)
def trading_hours(
    calendar: CalendarName, at: Millis, time_zone: str, days: int = _HOURS_DAYS
) -> str:
    """Give IB's ``tradingHours`` from the date of ``at`` on, on the clocks of ``time_zone``.

    >>> at = int(datetime(2026, 11, 27, 15, tzinfo=UTC).timestamp() * 1000)
    >>> trading_hours(CalendarName.US_EQUITY, at, "US/Eastern", days=2)
    '20261127:0400-20261127:1700;20261128:CLOSED'
    """
    return _printed(calendar, at, time_zone, days, lambda session: (session.start, session.end))


@lru_cache(maxsize=64)
def liquid_hours(
    calendar: CalendarName, at: Millis, time_zone: str, days: int = _HOURS_DAYS
) -> str:
    """Give IB's ``liquidHours`` from the date of ``at`` on, on the clocks of ``time_zone``."""
    return _printed(calendar, at, time_zone, days, lambda session: session.regular)


def midnight_before(calendar: CalendarName, at: Millis) -> Millis:
    """Give the midnight at or before ``at`` on the clocks of the market's own zone."""
    zone = _HOURS[calendar].zone
    return int(datetime.combine(_local(at, zone).date(), time(), zone).timestamp()) * 1000


class HasHours(Protocol):
    """What a calendar must know of an instrument."""

    @property
    def calendar(self) -> CalendarName:
        """The calendar by which it trades."""

    @property
    def time_zone(self) -> str:
        """The zone in which IB prints its hours."""


class SessionCalendar:
    """The hours of any listing, as those read them who hold no calendar of their own."""

    def session_at(
        self, listing: HasHours, at: Millis, *, extended: bool
    ) -> tuple[Millis, Millis] | None:
        """Give the regular (or the longer extended) session that holds ``at``, if one does."""
        session = session_at(listing.calendar, at)
        if session is None:
            return None
        start, end = _part(session, extended=extended)
        return (start, end) if start <= at < end else None

    def next_session(
        self, listing: HasHours, at: Millis, *, extended: bool
    ) -> tuple[Millis, Millis]:
        """Give the first regular (or extended) session that starts after ``at``."""
        parts = (_part(each, extended=extended) for each in _from(listing.calendar, at))
        return next(part for part in parts if part[0] > at)

    def session_before(
        self, listing: HasHours, at: Millis, *, extended: bool
    ) -> tuple[Millis, Millis]:
        """Give the newest regular (or extended) session that started before ``at``."""
        day = session_at(listing.calendar, at - 1) or previous_session(listing.calendar, at)
        start, end = _part(day, extended=extended)
        if start >= at:
            start, end = _part(previous_session(listing.calendar, day.start), extended=extended)
        return start, end

    def trading_hours(self, listing: HasHours, at: Millis) -> str:
        """Give IB's ``tradingHours`` of the coming days."""
        return trading_hours(listing.calendar, at, listing.time_zone)

    def liquid_hours(self, listing: HasHours, at: Millis) -> str:
        """Give IB's ``liquidHours`` of the coming days."""
        return liquid_hours(listing.calendar, at, listing.time_zone)


def _part(session: Session, *, extended: bool) -> tuple[Millis, Millis]:
    return (session.start, session.end) if extended else session.regular


@lru_cache(maxsize=128)
def _of_year(calendar: CalendarName, year: int) -> tuple[tuple[Millis, ...], tuple[Session, ...]]:
    """Give starts and sessions of the days of ``year``; on each calendar they start in it too."""
    hours = _HOURS[calendar]
    holidays = hours.holidays(year)
    first = date(year, 1, 1)
    days = (first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days))
    held = tuple(hours.session(day) for day in days if is_weekday(day) and day not in holidays)
    return tuple(session.start for session in held), held


def _from(calendar: CalendarName, at: Millis) -> Iterator[Session]:
    """Yield the newest session that started at or before ``at``, then all that follow it."""
    year = datetime.fromtimestamp(at / 1000, UTC).year
    starts, held = _of_year(calendar, year)
    index = bisect_right(starts, at) - 1
    if index < 0:
        year -= 1
        held = _of_year(calendar, year)[1]
        index = len(held) - 1
    while True:
        yield from held[index:] if index else held
        year, index = year + 1, 0
        held = _of_year(calendar, year)[1]


def _printed(
    calendar: CalendarName,
    at: Millis,
    time_zone: str,
    days: int,
    part: Callable[[Session], tuple[Millis, Millis]],
) -> str:
    zone = ZoneInfo(time_zone)
    first = _local(at, zone).date()
    known = {each.day: each for each in sessions(calendar, at - _DAY_MS, at + (days + 1) * _DAY_MS)}
    return ";".join(
        _printed_day(day, known.get(day), part, zone)
        for day in (first + timedelta(days=n) for n in range(days))
    )


def _printed_day(
    day: date,
    session: Session | None,
    part: Callable[[Session], tuple[Millis, Millis]],
    zone: ZoneInfo,
) -> str:
    if session is None:
        return f"{day:%Y%m%d}:CLOSED"
    start, end = (_local(edge, zone) for edge in part(session))
    return f"{start:%Y%m%d:%H%M}-{end:%Y%m%d:%H%M}"


def _local(at: Millis, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(at / 1000, zone)
