from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.domain.restart_window import (
    NEW_YORK,
    RestartWindow,
    expected_until,
    parse_restart_windows,
)

DEFAULT = parse_restart_windows("23:45-00:45,00:15-01:45")


def new_york(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).astimezone(UTC)


@pytest.mark.parametrize("at", ["2026-11-19T23:45", "2026-11-20T00:30", "2026-11-20T01:44"])
def test_windows_that_overlap_end_as_one(at: str) -> None:
    assert expected_until(DEFAULT, new_york(at)) == new_york("2026-11-20T01:45")


@pytest.mark.parametrize("at", ["2026-11-19T23:44", "2026-11-20T01:45", "2026-11-20T09:30"])
def test_no_restart_is_expected_outside_of_them(at: str) -> None:
    assert expected_until(DEFAULT, new_york(at)) is None


def test_the_window_keeps_new_yorks_time_when_the_clocks_change() -> None:
    # in the night to 1 November 2026 New York goes from UTC-4 to UTC-5
    for night in ("2026-10-31", "2026-11-02"):
        assert expected_until(DEFAULT, new_york(f"{night}T23:50")) is not None
        assert expected_until(DEFAULT, new_york(f"{night}T22:50")) is None


def test_windows_around_the_clock_have_an_end_all_the_same() -> None:
    always = parse_restart_windows("00:00-12:00,12:00-00:00")
    at = new_york("2026-11-19T10:00")
    until = expected_until(always, at)
    assert until is not None
    assert until >= at + timedelta(hours=24)


def test_without_windows_nothing_is_expected() -> None:
    assert parse_restart_windows(" ") == ()
    assert expected_until((), new_york("2026-11-20T00:00")) is None


@pytest.mark.parametrize(
    "text", ["23:45", "23:45-24:10", "a-b", "23:45-23:45", "1:5-2:00", "01:00-02:00,", "-1:00-2:00"]
)
def test_what_is_no_window_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".?"):
        parse_restart_windows(text)


times = st.times().map(lambda at: time(at.hour, at.minute))
moments = st.integers(0, 364 * 1440).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


@settings(deadline=None, max_examples=100)
@given(times, times, moments)
def test_a_window_holds_what_its_clock_says(start: time, end: time, at: datetime) -> None:
    if start == end:
        return
    clock = at.astimezone(NEW_YORK).time()
    is_within = start <= clock < end if start < end else clock >= start or clock < end
    until = RestartWindow(start, end).end_around(at)
    if abs((at - new_york(f"{at:%Y}-11-01T01:00")).total_seconds()) < 2 * 86_400:
        return  # an hour that comes twice is in a window or not; both are right
    if abs((at - new_york(f"{at:%Y}-03-08T02:00")).total_seconds()) < 2 * 86_400:
        return
    assert (until is not None) == is_within
    if until is not None:
        assert at < until <= at + timedelta(days=1)
