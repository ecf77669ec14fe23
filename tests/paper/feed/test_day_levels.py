from datetime import date, timedelta
from decimal import Decimal
from math import log
from statistics import pstdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.paper.feed.levels import WEEKDAYS_A_YEAR, DayLevels, weekday_number
from apps.paper.instruments.listing import MarketCharacter


def levels(key: int, *, volatility: float = 0.3, drift: float = 0.0) -> DayLevels:
    return DayLevels(
        key, MarketCharacter(Decimal(100), volatility, 1_000, 10, date(2016, 1, 4), 1, drift)
    )


def test_weekdays_are_counted_without_weekends() -> None:
    friday = date(2026, 11, 20)
    numbers = [weekday_number(friday + timedelta(days=days)) for days in range(5)]
    assert [number - numbers[0] for number in numbers] == [0, 0, 0, 1, 2]


@settings(deadline=None, max_examples=60)
@given(key=st.integers(0, 2**64 - 1), number=st.integers(400_000, 600_000))
def test_walk_stays_near_its_reference_for_ever(key: int, number: int) -> None:
    assert 24 < levels(key, volatility=1.9).close(number) < 410


def test_walk_is_the_same_wherever_reading_starts() -> None:
    days = range(526_000, 526_700)
    forward, backward = levels(7), levels(7)
    ahead = [forward.close(day) for day in days]
    assert [backward.close(day) for day in reversed(days)] == ahead[::-1]
    assert [levels(8).close(day) for day in days] != ahead


@pytest.mark.parametrize("volatility", [0.15, 0.6])
def test_walk_moves_from_day_to_day_as_its_volatility_says(volatility: float) -> None:
    walk = levels(3, volatility=volatility)
    steps = [
        walk.log_close(day + 1) - walk.log_close(day) for day in range(520_000, 520_000 + 4_000)
    ]
    assert pstdev(steps) * WEEKDAYS_A_YEAR**0.5 == pytest.approx(volatility, rel=0.1)


def test_drift_moves_the_middle_of_the_walk() -> None:
    flat, rising = levels(3), levels(3, drift=0.1)
    now = weekday_number(date(2026, 1, 1))
    assert rising.close(now) == pytest.approx(flat.close(now))
    year_later = now + WEEKDAYS_A_YEAR
    risen = rising.log_close(year_later) - flat.log_close(year_later)
    assert risen == pytest.approx(log(1.1))
