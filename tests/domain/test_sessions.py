from __future__ import annotations

from datetime import UTC, datetime, timedelta

from apps.domain.sessions import Span, TradingHours


def day(number: int, *, hours: float = 6.5) -> Span:
    opens = datetime(2026, 11, number, 14, 30, tzinfo=UTC)
    return Span(opens, opens + timedelta(hours=hours))


def test_hours_go_on_into_the_days_that_are_told_later() -> None:
    hours = TradingHours(regular=(day(23), day(24), day(25)))
    hours.learn(TradingHours(regular=(day(25), day(27, hours=3.5), day(30))))
    assert hours.regular == (day(23), day(24), day(25), day(27, hours=3.5), day(30))
    assert hours.is_open(datetime(2026, 11, 27, 19, tzinfo=UTC)) is False
    assert hours.is_open(datetime(2026, 11, 30, 19, tzinfo=UTC)) is True


def test_session_that_is_told_otherwise_later_is_the_later_one() -> None:
    hours = TradingHours(regular=(day(23), day(24)), extended=(day(23), day(24)))
    hours.learn(TradingHours(regular=(day(24, hours=3.5),), extended=(day(24, hours=8),)))
    assert hours.regular == (day(23), day(24, hours=3.5))
    assert hours.extended == (day(23), day(24, hours=8))


def test_hours_that_could_not_be_read_later_take_nothing_away() -> None:
    hours = TradingHours(regular=(day(23),), extended=(day(23),))
    hours.learn(TradingHours())
    assert hours == TradingHours(regular=(day(23),), extended=(day(23),))


def test_hours_do_not_grow_for_ever() -> None:
    hours = TradingHours()
    for week in range(60):
        opens = datetime(2026, 1, 5, 14, 30, tzinfo=UTC) + timedelta(weeks=week)
        days = [opens + timedelta(days=each) for each in range(5)]
        hours.learn(TradingHours(regular=tuple(Span(at, at + timedelta(hours=6)) for at in days)))
    assert len(hours.regular) <= 35
    assert hours.regular == tuple(sorted(hours.regular))
