from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.domain.errors import InvalidInput
from apps.paper.clock import (
    ManualClock,
    MarketClock,
    default_start,
    millis_of,
    next_open_market,
    time_at,
)

NEW_YORK = ZoneInfo("America/New_York")
START = 1_795_000_000_000


def millis(day: int, hour: int, minute: int = 0) -> int:
    return int(datetime(2026, 11, day, hour, minute, tzinfo=NEW_YORK).timestamp() * 1000)


class Seconds:
    """Monotonic seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_market_time_runs_at_its_speed_from_its_start() -> None:
    seconds = Seconds()
    clock = MarketClock(start=START, speed=60, monotonic=seconds)
    assert clock.now() == START
    seconds.now += 2.5
    assert clock.now() == START + 150_000


def test_market_time_stands_still_rather_than_go_back() -> None:
    seconds = Seconds()
    clock = MarketClock(start=START, speed=1, monotonic=seconds)
    seconds.now += 10
    clock.now()
    seconds.now -= 5
    assert clock.now() == START + 10_000


def test_wall_seconds_are_told_at_the_markets_speed() -> None:
    seconds = Seconds()
    clock = MarketClock(start=START, speed=10, monotonic=seconds)
    assert clock.wall_seconds_until(START + 5_000) == pytest.approx(0.5)
    assert clock.wall_seconds_until(START) == 0
    assert clock.wall_seconds_until(START - 1) == 0


@settings(deadline=None, max_examples=100)
@given(
    speed=st.floats(0.01, 10_000),
    passed_s=st.floats(0, 100_000),
    ahead=st.integers(1, 10_000_000),
)
def test_after_waiting_as_told_the_moment_has_come(
    speed: float, passed_s: float, ahead: int
) -> None:
    seconds = Seconds()
    clock = MarketClock(start=START, speed=speed, monotonic=seconds)
    seconds.now += passed_s
    at = clock.now() + ahead
    seconds.now += clock.wall_seconds_until(at)
    # what floating point may leave is one more millisecond to wait, never a wait of nothing
    assert clock.now() >= at or 0 < clock.wall_seconds_until(at) <= 0.001 / speed
    assert clock.now() <= at + 1


@pytest.mark.parametrize("speed", [0, -1, float("inf"), float("nan")])
def test_speed_that_is_none_is_refused(speed: float) -> None:
    with pytest.raises(InvalidInput, match="speed"):
        MarketClock(start=START, speed=speed, monotonic=Seconds())


def test_manual_clock_moves_only_forward() -> None:
    clock = ManualClock(START)
    assert clock.advance(1_500) == START + 1_500
    assert clock.advance_to(START + 2_000) == clock.now() == START + 2_000
    with pytest.raises(InvalidInput, match="never goes back"):
        clock.advance_to(START)
    assert clock.now() == START + 2_000


@pytest.mark.parametrize(
    ("wall", "expected"),
    [
        (millis(20, 12), millis(20, 9, 30)),  # in the middle of a session: its open
        (millis(20, 9, 30), millis(20, 9, 30)),
        (millis(20, 9, 29), millis(19, 9, 30)),  # before the open: yesterday's
        (millis(20, 19), millis(20, 9, 30)),
        (millis(22, 12), millis(20, 9, 30)),  # Sunday: Friday's
        (millis(26, 12), millis(25, 9, 30)),  # Thanksgiving
    ],
)
def test_default_start_is_the_open_of_the_latest_regular_session(wall: int, expected: int) -> None:
    assert default_start(wall) == expected


@pytest.mark.parametrize(
    ("day", "hour", "minute", "found"),
    [
        (19, 11, 0, (19, 11, 0)),
        (19, 15, 59, (19, 15, 59)),
        (19, 8, 0, (19, 9, 30)),
        (19, 16, 0, (20, 9, 30)),
        (20, 18, 0, (23, 9, 30)),
        (26, 12, 0, (27, 9, 30)),  # Thanksgiving
    ],
)
def test_open_market_is_the_time_itself_or_the_next_open(
    day: int, hour: int, minute: int, found: tuple[int, int, int]
) -> None:
    assert next_open_market(millis(day, hour, minute)) == millis(*found)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 4_000_000_000_000))
def test_market_time_survives_a_datetime_to_the_millisecond(at: int) -> None:
    assert millis_of(time_at(at)) == at
