"""Days on which markets stay closed or close early, by rule.

At home here: dates alone, no hours and no time zones. Closures that no rule foresees (a day of
mourning, a storm) are a table, and end with what is known.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

__all__ = [
    "cme_closed",
    "cme_early_closes",
    "cme_holidays",
    "easter",
    "is_weekday",
    "nyse_early_closes",
    "nyse_holidays",
    "world_holidays",
    "xetra_early_closes",
    "xetra_holidays",
]

_MONDAY, _THURSDAY, _SATURDAY, _SUNDAY = 0, 3, 5, 6

_JUNETEENTH_SINCE = 2022

_YEARS_END = frozenset({(1, 1), (1, 2), (12, 24), (12, 25), (12, 26)})
"""Dates on which New Year and Christmas are kept, the weekdays beside them included."""

_NYSE_MOURNING_AND_STORMS = frozenset(
    {
        date(2012, 10, 29),  # hurricane Sandy
        date(2012, 10, 30),
        date(2018, 12, 5),  # George H. W. Bush
        date(2025, 1, 9),  # Jimmy Carter
    }
)


def is_weekday(day: date) -> bool:
    """Tell whether ``day`` is one from Monday to Friday."""
    return day.weekday() < _SATURDAY


def easter(year: int) -> date:
    """Give Easter Sunday of the Gregorian calendar (the anonymous algorithm of 1876).

    >>> easter(2026)
    datetime.date(2026, 4, 5)
    """
    golden = year % 19
    century, of_century = divmod(year, 100)
    leap_centuries, century_rest = divmod(century, 4)
    moon = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leap_centuries - moon + 15) % 30
    leap_years, year_rest = divmod(of_century, 4)
    to_sunday = (32 + 2 * century_rest + 2 * leap_years - epact - year_rest) % 7
    late = (golden + 11 * epact + 22 * to_sunday) // 451
    month, day = divmod(epact + to_sunday - 7 * late + 114, 31)
    return date(year, month, day + 1)


@lru_cache(maxsize=256)
def nyse_holidays(year: int) -> frozenset[date]:
    """Give the weekdays of ``year`` on which the NYSE does not open."""
    unforeseen = {day for day in _NYSE_MOURNING_AND_STORMS if day.year == year}
    return _by_rule(year) | unforeseen


def _by_rule(year: int) -> frozenset[date]:
    days = {
        _observed(date(year, 1, 1)),
        _nth(year, 1, _MONDAY, 3),  # Martin Luther King
        _nth(year, 2, _MONDAY, 3),  # Washington
        easter(year) - timedelta(days=2),
        _last_monday_of_may(year),
        _observed(date(year, 7, 4)),
        _nth(year, 9, _MONDAY, 1),  # Labor Day
        _thanksgiving(year),
        _observed(date(year, 12, 25)),
    }
    if year >= _JUNETEENTH_SINCE:
        days.add(_observed(date(year, 6, 19)))
    # New Year on a Saturday is not moved: the last day of a year's books is never given up
    return frozenset(day for day in days if day.year == year)


@lru_cache(maxsize=256)
def nyse_early_closes(year: int) -> frozenset[date]:
    """Give the days of ``year`` on which the NYSE closes at 13:00."""
    eves = {date(year, 7, 3), date(year, 12, 24), _thanksgiving(year) + timedelta(days=1)}
    return frozenset(day for day in eves if is_weekday(day)) - nyse_holidays(year)


@lru_cache(maxsize=256)
def cme_closed(year: int) -> frozenset[date]:
    """Give the weekdays of ``year`` without a Globex day: New Year, Good Friday, Christmas.

    Where New Year or Christmas is kept on another day, Globex keeps that one too.
    """
    good_friday = easter(year) - timedelta(days=2)
    return frozenset(
        day for day in _by_rule(year) if day == good_friday or (day.month, day.day) in _YEARS_END
    )


@lru_cache(maxsize=256)
def cme_holidays(year: int) -> frozenset[date]:
    """Give the holidays of New York on which Globex still has a day, which ends at 13:00 there."""
    return _by_rule(year) - cme_closed(year)


@lru_cache(maxsize=256)
def cme_early_closes(year: int) -> frozenset[date]:
    """Give the days on which Globex closes at 13:15 in New York, a quarter after the NYSE."""
    return nyse_early_closes(year) - cme_closed(year)


@lru_cache(maxsize=256)
def world_holidays(year: int) -> frozenset[date]:
    """Give the days that nearly every market keeps: New Year and Christmas, on their dates."""
    return frozenset({date(year, 1, 1), date(year, 12, 25)})


@lru_cache(maxsize=256)
def xetra_holidays(year: int) -> frozenset[date]:
    """Give the days of ``year`` on which Xetra does not open (the rules since 2022)."""
    return frozenset(
        {
            easter(year) - timedelta(days=2),
            easter(year) + timedelta(days=1),
            date(year, 5, 1),
            date(year, 12, 24),
            date(year, 12, 26),
            date(year, 12, 31),
        }
        | world_holidays(year)
    )


@lru_cache(maxsize=256)
def xetra_early_closes(year: int) -> frozenset[date]:
    """Give the last trading day of ``year``, which ends at 14:00 on Xetra."""
    day = date(year, 12, 30)
    while not is_weekday(day):
        day -= timedelta(days=1)
    return frozenset({day})


def _nth(year: int, month: int, weekday: int, n: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


def _last_monday_of_may(year: int) -> date:
    last = date(year, 5, 31)
    return last - timedelta(days=last.weekday())


def _thanksgiving(year: int) -> date:
    return _nth(year, 11, _THURSDAY, 4)


def _observed(day: date) -> date:
    """Move a holiday off the weekend, to the nearer weekday."""
    return day + timedelta(days={_SATURDAY: -1, _SUNDAY: 1}.get(day.weekday(), 0))
