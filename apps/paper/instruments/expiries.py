"""On which days derivatives expire, by rule.

At home here: dates alone, as in `apps.paper.hours.holidays`. Which of them are listed at a given
time is the chains' business (`option_chain`, `future_chain`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from enum import Enum
from functools import lru_cache

from apps.paper.hours.holidays import is_weekday, nyse_holidays

__all__ = ["ExpiryRule", "business_day_before", "fridays_from", "last_trading_day", "third_friday"]

_FRIDAY, _WEDNESDAY = 4, 2
_WEEK = timedelta(days=7)
_DAY = timedelta(days=1)


class ExpiryRule(Enum):
    """The last trading day of a future of some contract month; the value is the file's word."""

    THIRD_FRIDAY = "third friday"
    """US equity indices."""
    CURRENCY = "second business day before third wednesday"
    """CME currencies."""
    CRUDE_OIL = "third business day before the 25th of the month before"
    """NYMEX crude oil; where the 25th is no business day, before the last one ahead of it."""
    METAL = "third last business day"
    """COMEX metals."""


def last_trading_day(rule: ExpiryRule, year: int, month: int) -> date:
    """Give the last trading day of the future of a contract month.

    >>> last_trading_day(ExpiryRule.THIRD_FRIDAY, 2026, 12)
    datetime.date(2026, 12, 18)
    >>> last_trading_day(ExpiryRule.CRUDE_OIL, 2027, 1)  # Christmas is on the 25th
    datetime.date(2026, 12, 21)
    """
    return _LAST_DAYS[rule](year, month)


@lru_cache(maxsize=512)
def third_friday(year: int, month: int) -> date:
    """Give the third Friday of a month, whether or not there is trading on it."""
    first = date(year, month, 1)
    return first + timedelta(days=(_FRIDAY - first.weekday()) % 7 + 14)


def fridays_from(day: date) -> Iterator[date]:
    """Yield the Fridays from ``day`` on, without end."""
    friday = day + timedelta(days=(_FRIDAY - day.weekday()) % 7)
    while True:
        yield friday
        friday += _WEEK


def business_day_before(day: date, count: int = 1) -> date:
    """Go back ``count`` days of trading in New York; 0 gives ``day``, or the last one before it."""
    while not _is_business_day(day):
        day -= _DAY
    for _ in range(count):
        day -= _DAY
        while not _is_business_day(day):
            day -= _DAY
    return day


def _is_business_day(day: date) -> bool:
    return is_weekday(day) and day not in nyse_holidays(day.year)


def _equity_index(year: int, month: int) -> date:
    return business_day_before(third_friday(year, month), 0)


def _currency(year: int, month: int) -> date:
    first = date(year, month, 1)
    wednesday = first + timedelta(days=(_WEDNESDAY - first.weekday()) % 7 + 14)
    return business_day_before(wednesday, 2)


def _crude_oil(year: int, month: int) -> date:
    month_before = date(year, month, 1) - _DAY
    return business_day_before(month_before.replace(day=25), 3)


def _metal(year: int, month: int) -> date:
    following = date(year + month // 12, month % 12 + 1, 1)
    return business_day_before(following - _DAY, 2)


_LAST_DAYS: dict[ExpiryRule, Callable[[int, int], date]] = {
    ExpiryRule.THIRD_FRIDAY: _equity_index,
    ExpiryRule.CURRENCY: _currency,
    ExpiryRule.CRUDE_OIL: _crude_oil,
    ExpiryRule.METAL: _metal,
}
