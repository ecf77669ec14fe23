"""When a regular session ends, by the instrument's own hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.domain.exits.session_end import Overnight, SessionEndRule, parse_before_close
from apps.domain.sessions import Span, TradingHours


def at(day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, second, tzinfo=UTC)


THURSDAY = Span(at(19, 14, 30), at(19, 21))
HALF_DAY = Span(at(27, 14, 30), at(27, 18))
IN_SUMMER = Span(datetime(2026, 10, 30, 13, 30, tzinfo=UTC), datetime(2026, 10, 30, 20, tzinfo=UTC))
HOURS = TradingHours((IN_SUMMER, THURSDAY, HALF_DAY))
FIVE = SessionEndRule(timedelta(minutes=5))


@pytest.mark.parametrize("session", [THURSDAY, HALF_DAY, IN_SUMMER])
def test_it_begins_before_the_close_of_each_session_and_ends_with_it(session: Span) -> None:
    start = session.end - timedelta(minutes=5)
    second = timedelta(seconds=1)
    assert FIVE.ending(HOURS, start - second) is None
    assert FIVE.ending(HOURS, start) == Span(start, session.end)
    assert FIVE.ending(HOURS, session.end - second) == Span(start, session.end)
    assert FIVE.ending(HOURS, session.end) is None


def test_it_never_begins_before_its_session() -> None:
    rule = SessionEndRule(timedelta(hours=6))
    assert rule.ending(HOURS, at(27, 14, 29)) is None
    assert rule.ending(HOURS, at(27, 14, 30)) == HALF_DAY


def test_nothing_is_flat_unless_it_was_asked_for() -> None:
    assert not SessionEndRule().is_flat
    assert SessionEndRule().before == timedelta(minutes=5)
    assert SessionEndRule(overnight=Overnight.FLAT).is_flat
    assert SessionEndRule(timedelta(seconds=90)).is_flat


def test_the_time_before_the_close_is_said_as_people_say_it() -> None:
    assert FIVE.words() == "5 min"
    assert SessionEndRule(timedelta(seconds=90)).words() == "90 s"


@pytest.mark.parametrize(
    ("text", "seconds"), [("5m", 300), (" 90S ", 90), ("1h", 3600), ("off", None), ("OFF", None)]
)
def test_a_time_is_read(text: str, seconds: int | None) -> None:
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert parse_before_close(text) == expected


@pytest.mark.parametrize("text", ["5", "m", "0m", "-5m", "7h", "5 minutes", "1.5h", "on", "²m"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_before_close(text)
