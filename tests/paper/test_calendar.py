from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import exchange_calendars  # type: ignore[import-untyped]  # it ships no types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.paper.hours.calendar import (
    CalendarName,
    Session,
    SessionCalendar,
    latest_session,
    liquid_hours,
    midnight_before,
    next_session,
    previous_session,
    session_at,
    session_on,
    sessions,
    trading_hours,
)
from apps.paper.hours.holidays import nyse_holidays
from apps.paper.instruments.catalogue import Catalogue

NEW_YORK = ZoneInfo("America/New_York")
HOUR = 3_600_000
EQUITY = CalendarName.US_EQUITY
APPLE = next(listing for listing in Catalogue.load() if listing.symbol == "AAPL")


def millis(*moment: int, zone: ZoneInfo = NEW_YORK) -> int:
    return int(datetime(*moment, tzinfo=zone).timestamp() * 1000)  # type: ignore[arg-type, misc]  # year, month, day, …


def session_of(calendar: CalendarName, day: date) -> Session | None:
    around = millis(day.year, day.month, day.day)
    held = sessions(calendar, around - 48 * HOUR, around + 48 * HOUR)
    return next((each for each in held if each.day == day), None)


# exchange_calendars 4.13 reads a series in a way that pandas 3.1 deprecates
@pytest.mark.filterwarnings("ignore:Series.values returning:DeprecationWarning")
@pytest.mark.parametrize(
    ("known_as", "calendar", "first_year"),
    [("XNYS", EQUITY, 2015), ("XETR", CalendarName.XETRA, 2022)],
)
def test_regular_hours_are_those_of_exchange_calendars(
    known_as: str, calendar: CalendarName, first_year: int
) -> None:
    known = exchange_calendars.get_calendar(
        known_as, start=f"{first_year}-01-01", end="2027-12-31"
    ).schedule
    expected = [
        (day.date(), opens.timestamp() * 1000, closes.timestamp() * 1000)
        for day, opens, closes in zip(known.index, known["open"], known["close"], strict=True)
    ]
    held = sessions(calendar, millis(first_year, 1, 1), millis(2028, 1, 1))
    assert [(each.day, *each.regular) for each in held] == expected


@pytest.mark.parametrize(
    ("day", "ends"),
    [
        (date(2026, 11, 27), 17),  # the day after Thanksgiving
        (date(2026, 12, 24), 17),
        (date(2025, 7, 3), 17),
        (date(2026, 7, 2), 20),  # the 3rd is the holiday itself
        (date(2026, 11, 20), 20),
    ],
)
def test_extended_hours_end_earlier_on_half_days(day: date, ends: int) -> None:
    session = session_of(EQUITY, day)
    assert session is not None
    assert session.start == millis(day.year, day.month, day.day, 4)
    assert session.end == millis(day.year, day.month, day.day, ends)


@pytest.mark.parametrize(
    ("day", "is_open"),
    [
        (date(2021, 6, 18), True),  # Juneteenth is kept from 2022 on
        (date(2022, 6, 20), False),
        (date(2022, 12, 26), False),
        (date(2021, 12, 31), True),  # New Year on a Saturday is not moved
        (date(2023, 1, 2), False),
        (date(2026, 4, 3), False),  # Good Friday
        (date(2025, 1, 9), False),  # mourning
    ],
)
def test_holidays_follow_the_rules_of_the_nyse(day: date, is_open: bool) -> None:
    assert (session_of(EQUITY, day) is not None) is is_open


def test_new_year_on_a_saturday_is_in_neither_years_holidays() -> None:
    assert date(2021, 12, 31) not in nyse_holidays(2021) | nyse_holidays(2022)
    assert date(2023, 1, 2) in nyse_holidays(2023)


def test_opening_moves_by_an_hour_in_utc_when_clocks_change() -> None:
    before, after = session_of(EQUITY, date(2026, 10, 30)), session_of(EQUITY, date(2026, 11, 2))
    assert before is not None
    assert after is not None
    assert datetime.fromtimestamp(before.regular[0] / 1000, UTC).hour == 13
    assert datetime.fromtimestamp(after.regular[0] / 1000, UTC).hour == 14


def test_forex_week_goes_from_sunday_to_friday_with_a_break_each_day() -> None:
    week = sessions(CalendarName.FOREX, millis(2026, 11, 15), millis(2026, 11, 22))
    assert [each.day.day for each in week] == [16, 17, 18, 19, 20]
    assert week[0].start == millis(2026, 11, 15, 17, 15)
    assert week[-1].end == millis(2026, 11, 20, 17)
    assert {later.start - earlier.end for earlier, later in pairwise(week)} == {15 * 60_000}
    assert all(each.regular == (each.start, each.end) for each in week)


def test_globex_day_starts_on_the_evening_before() -> None:
    monday = session_of(CalendarName.CME, date(2026, 11, 16))
    assert monday is not None
    assert monday.start == millis(2026, 11, 15, 18)
    assert monday.end == millis(2026, 11, 16, 17)
    assert monday.regular == (millis(2026, 11, 16, 9, 30), millis(2026, 11, 16, 17))


# exchange_calendars 4.13 reads a series in a way that pandas 3.1 deprecates
@pytest.mark.filterwarnings("ignore:Series.values returning:DeprecationWarning")
def test_globex_days_are_those_of_exchange_calendars() -> None:
    known = exchange_calendars.get_calendar("CMES", start="2018-01-01", end="2027-12-31").schedule
    held = sessions(CalendarName.CME, millis(2018, 1, 1), millis(2028, 1, 1))
    # on a day of mourning Globex opens for the night; exchange_calendars has no day then
    mourning = {date(2018, 12, 5), date(2025, 1, 9)}
    assert {each.day for each in held} - mourning == {day.date() for day in known.index}
    early = {day.date() for day, closes in known["close"].items() if closes.hour < 21}
    assert early <= {each.day for each in held if each.end < each.start + 23 * HOUR}


@pytest.mark.parametrize(
    ("day", "hour", "minute"),
    [
        (date(2026, 11, 26), 13, 0),  # Thanksgiving
        (date(2026, 11, 27), 13, 15),
        (date(2026, 12, 24), 13, 15),
        (date(2026, 9, 7), 13, 0),
        (date(2026, 6, 19), 13, 0),
        (date(2026, 7, 3), 13, 0),  # the 4th is a Saturday
        (date(2026, 11, 25), 17, 0),
    ],
)
def test_globex_ends_early_around_us_holidays(day: date, hour: int, minute: int) -> None:
    session = session_of(CalendarName.CME, day)
    assert session is not None
    assert session.end == session.regular[1] == millis(day.year, day.month, day.day, hour, minute)


@pytest.mark.parametrize(
    "day", [date(2026, 4, 3), date(2026, 12, 25), date(2027, 1, 1), date(2022, 12, 26)]
)
def test_globex_is_closed_on_good_friday_and_at_the_years_end(day: date) -> None:
    assert session_of(CalendarName.CME, day) is None
    assert session_on(CalendarName.CME, day).day < day


def test_index_has_no_extended_hours() -> None:
    session = session_of(CalendarName.US_INDEX, date(2026, 11, 27))
    assert session is not None
    assert session.regular == (session.start, session.end)
    assert session.end == millis(2026, 11, 27, 13)


@pytest.mark.parametrize("calendar", CalendarName)
@settings(deadline=None, max_examples=60)
@given(at=st.integers(millis(2005, 1, 1), millis(2035, 1, 1)))
def test_every_moment_lies_in_one_session_or_between_two(calendar: CalendarName, at: int) -> None:
    now = session_at(calendar, at)
    before, after = previous_session(calendar, at), next_session(calendar, at)
    assert before.end <= at < after.start
    assert sessions(calendar, before.start, after.end) == [
        each for each in (before, now, after) if each is not None
    ]
    assert latest_session(calendar, at) == (now or before)
    assert now is None or now.start <= at < now.end
    for each in (before, after):
        assert each.start <= each.regular[0] < each.regular[1] <= each.end


def test_midnight_is_that_of_the_markets_own_zone() -> None:
    noon = millis(2026, 11, 20, 12)
    assert midnight_before(EQUITY, noon) == millis(2026, 11, 20)
    assert midnight_before(CalendarName.XETRA, noon) == millis(2026, 11, 19, 18)


def test_hours_are_printed_as_ib_prints_them() -> None:
    at = millis(2026, 11, 25, 12)
    assert trading_hours(EQUITY, at, "US/Eastern", days=4) == (
        "20261125:0400-20261125:2000;20261126:CLOSED;20261127:0400-20261127:1700;20261128:CLOSED"
    )
    assert liquid_hours(EQUITY, at, "US/Eastern", days=3) == (
        "20261125:0930-20261125:1600;20261126:CLOSED;20261127:0930-20261127:1300"
    )


def test_hours_of_a_future_span_dates_and_are_printed_in_its_own_zone() -> None:
    at = millis(2026, 11, 16, 12)
    assert (
        trading_hours(CalendarName.CME, at, "US/Central", days=1) == "20261115:1700-20261116:1600"
    )
    assert liquid_hours(CalendarName.CME, at, "US/Central", days=1) == "20261116:0830-20261116:1600"


def test_hours_begin_with_the_local_date_late_in_the_evening() -> None:
    late = millis(2026, 11, 20, 22)  # already Saturday in UTC
    assert trading_hours(EQUITY, late, "US/Eastern", days=1) == "20261120:0400-20261120:2000"


def test_session_calendar_tells_regular_from_extended_hours() -> None:
    hours = SessionCalendar()
    apple = APPLE
    early = millis(2026, 11, 20, 8)
    regular = (millis(2026, 11, 20, 9, 30), millis(2026, 11, 20, 16))
    extended = (millis(2026, 11, 20, 4), millis(2026, 11, 20, 20))
    assert hours.session_at(apple, early, extended=True) == extended
    assert hours.session_at(apple, early, extended=False) is None
    assert hours.next_session(apple, early, extended=False) == regular
    assert hours.next_session(apple, early, extended=True)[0] == millis(2026, 11, 23, 4)
    assert hours.session_at(apple, regular[0], extended=False) == regular
    assert hours.session_at(apple, regular[1], extended=False) is None
    assert hours.next_session(apple, regular[0], extended=False)[0] == millis(2026, 11, 23, 9, 30)
    assert hours.trading_hours(apple, early).startswith("20261120:0400-20261120:2000;")
    assert hours.liquid_hours(apple, early).startswith("20261120:0930-20261120:1600;")


@pytest.mark.parametrize("extended", [True, False])
@settings(deadline=None, max_examples=40)
@given(at=st.integers(millis(2026, 10, 1), millis(2026, 12, 31)))
def test_session_before_is_the_newest_that_started(extended: bool, at: int) -> None:
    hours, apple = SessionCalendar(), APPLE
    start, end = hours.session_before(apple, at, extended=extended)
    assert start < at
    assert hours.session_at(apple, start, extended=extended) == (start, end)
    assert hours.next_session(apple, start, extended=extended)[0] >= at
