from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.domain.bars import Bar
from apps.domain.gaps import (
    LONGEST_FILL_S,
    Gap,
    filled,
    gap_between,
    merged,
    reaches,
    span_to_ask,
    trading_seconds,
)
from apps.domain.sessions import Span, TradingHours

OPEN = datetime(2026, 11, 19, 14, 30, tzinfo=UTC)
DAY, SESSION_S = timedelta(days=1), 23_400
BARS_A_DAY = SESSION_S // 5
HOURS = TradingHours(
    tuple(Span(OPEN + n * DAY, OPEN + n * DAY + timedelta(seconds=SESSION_S)) for n in range(2))
)
UNKNOWN = TradingHours()


def bar(n: int, price: float = 190.0, count: int = 7) -> Bar:
    start = OPEN + timedelta(seconds=5 * n)
    return Bar(start, 5, price, price, price, price, 900.0, price, count)


def next_day(n: int) -> Bar:
    each = bar(n)
    return Bar(each.start + DAY, 5, 190.0, 190.0, 190.0, 190.0, 900.0, 190.0, 7)


def test_bars_that_follow_each_other_have_no_gap() -> None:
    assert gap_between(bar(3), bar(4), HOURS) is None


def test_a_gap_is_what_lies_between_two_bars() -> None:
    assert gap_between(bar(3), bar(6), HOURS) == Gap(bar(4).start, bar(6).start)


def test_the_night_between_two_sessions_is_no_gap() -> None:
    assert gap_between(bar(BARS_A_DAY - 1), next_day(0), HOURS) is None
    assert gap_between(bar(BARS_A_DAY - 1), next_day(1), HOURS) is not None
    assert gap_between(bar(BARS_A_DAY - 2), next_day(0), HOURS) is not None


def test_every_second_counts_where_the_hours_are_not_known() -> None:
    start, end = OPEN + timedelta(hours=6), OPEN + DAY
    assert trading_seconds(UNKNOWN, start, end) == 18 * 3600
    assert trading_seconds(HOURS, start, end) == 1800
    beyond = end + 2 * DAY
    assert trading_seconds(HOURS, start, beyond) == (beyond - start).total_seconds()


def test_what_is_asked_for_reaches_back_beyond_the_gap_but_no_further_than_ib_gives() -> None:
    gap = Gap(OPEN + timedelta(hours=1), OPEN + timedelta(hours=1, seconds=30))
    assert span_to_ask(gap, gap.end, HOURS) == 90
    assert span_to_ask(gap, gap.end + timedelta(seconds=12), HOURS) == 105
    assert span_to_ask(gap, gap.end + timedelta(hours=3), HOURS) == LONGEST_FILL_S


def test_an_answer_that_does_not_reach_back_leaves_the_beginning_torn() -> None:
    last, gap = bar(3), Gap(bar(4).start, bar(9).start)
    late = filled(gap, last, [bar(n) for n in range(6, 12)])
    assert late.torn == Gap(bar(4).start, bar(6).start)
    assert [each.start for each in late.bars] == [bar(n).start for n in range(6, 12)]
    assert filled(gap, last, [bar(n) for n in range(3, 12)]).torn is None
    assert filled(gap, bar(3, count=0), [bar(n) for n in range(6, 12)]).torn is None


def test_an_answer_reaches_a_bar_only_when_it_has_it_or_a_later_one() -> None:
    assert reaches([bar(3), bar(9)], bar(9).start)
    assert not reaches([bar(3), bar(8)], bar(9).start)
    assert not reaches([], bar(9).start)


numbers = st.lists(st.integers(0, 40), max_size=30)


@settings(max_examples=100, deadline=None)
@given(numbers, numbers)
def test_merged_bars_rise_and_none_is_there_twice_or_lost(
    first: list[int], other: list[int]
) -> None:
    both = merged([bar(n, 191.0) for n in first], [bar(n, 190.0) for n in other])
    assert [each.start for each in both] == [bar(n).start for n in sorted({*first, *other})]
    assert all(each.close == 191.0 for each in both if each.start in {bar(n).start for n in first})
