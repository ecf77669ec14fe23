"""Lines and sliding windows: what is counted, and for how long."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.paper.limits import IB_LIMITS, NO_LIMITS
from apps.paper.vendor.lines import Lines
from apps.paper.vendor.pacing import HistoryQuery, Pacing, SlidingWindow


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 30), max_size=40).map(sorted), st.integers(1, 5), st.integers(1, 10))
def test_no_stretch_of_the_window_s_length_ever_holds_more_than_it_may(
    times: list[int], most: int, seconds: int
) -> None:
    window = SlidingWindow(most, seconds)
    admitted = [at_s for at_s in times if window.admit(at_s)]
    for first in admitted:
        assert sum(first <= at_s < first + seconds for at_s in admitted) <= most


def test_window_refuses_only_when_it_is_full_and_forgets_what_is_old() -> None:
    window = SlidingWindow(2, 10)
    assert [window.admit(at_s) for at_s in (0, 5, 9.9, 10, 10, 15)] == [
        True,
        True,
        False,
        True,
        False,
        True,
    ]


def test_line_is_had_again_once_it_was_given_back() -> None:
    lines = Lines(2)
    assert lines.take("a")
    assert lines.take("b")
    assert not lines.take("c")
    lines.let_go("a")
    assert lines.take("c")
    assert len(lines) == 2
    lines.let_go("never there")


def test_holders_of_the_same_line_share_it() -> None:
    lines = Lines(1)
    assert lines.take("a", line="book")
    assert lines.take("b", line="book")
    assert not lines.take("c", line="another book")
    lines.let_go("a")
    assert not lines.take("c", line="another book")


def test_without_a_limit_there_are_always_lines() -> None:
    lines = Lines(None)
    assert all(lines.take(holder) for holder in range(1000))


def query(number: int, subject: str = "", *, bar_s: int = 5, bid_ask: bool = False) -> HistoryQuery:
    return HistoryQuery(number, subject or str(number), bar_s, is_bid_ask=bid_ask)


def test_identical_request_is_refused_for_fifteen_seconds() -> None:
    pacing = Pacing(IB_LIMITS)
    assert [pacing.admit_history(query(1), at_s) for at_s in (0, 14.9, 15)] == [True, False, True]


def test_sixth_request_for_one_subject_in_two_seconds_is_refused() -> None:
    pacing = Pacing(IB_LIMITS)
    answers = [pacing.admit_history(query(n, "AAPL"), n * 0.1) for n in range(7)]
    assert answers == [True] * 5 + [False] * 2
    assert pacing.admit_history(query(8, "another"), 0.7)
    assert pacing.admit_history(query(9, "AAPL"), 2.0)


def test_sixty_one_requests_in_ten_minutes_are_one_too_many() -> None:
    pacing = Pacing(IB_LIMITS)
    answers = [pacing.admit_history(query(n), n * 9.0) for n in range(61)]
    assert answers == [True] * 60 + [False]
    assert pacing.admit_history(query(61), 600.0)


def test_bid_ask_counts_twice() -> None:
    pacing = Pacing(IB_LIMITS)
    answers = [pacing.admit_history(query(n, bid_ask=True), n * 9.0) for n in range(31)]
    assert answers == [True] * 30 + [False]


def test_bars_above_thirty_seconds_are_not_paced_at_all() -> None:
    pacing = Pacing(IB_LIMITS)
    assert all(pacing.admit_history(query(1, bar_s=60), 0) for _ in range(200))


def test_what_was_refused_counts_in_no_window() -> None:
    pacing = Pacing(replace(IB_LIMITS, historical_requests=1))
    assert pacing.admit_history(query(1), 0)
    assert not pacing.admit_history(query(2), 1)
    assert pacing.admit_history(query(2), 600)


def test_real_time_bars_and_ticks_have_windows_of_their_own() -> None:
    pacing = Pacing(IB_LIMITS)
    assert [pacing.admit_real_time_bars(n) for n in range(61)] == [True] * 60 + [False]
    assert pacing.admit_real_time_bars(600)
    assert [pacing.admit_tick_by_tick(1, at_s) for at_s in (0, 14, 15)] == [True, False, True]
    assert pacing.admit_tick_by_tick(2, 15)


@pytest.mark.parametrize("bar_s", [1, 30, 60])
def test_without_limits_nothing_is_refused(bar_s: int) -> None:
    pacing = Pacing(NO_LIMITS)
    assert all(pacing.admit_history(query(1, bar_s=bar_s), 0) for _ in range(100))
    assert all(pacing.admit_real_time_bars(0) for _ in range(100))
    assert all(pacing.admit_tick_by_tick(1, 0) for _ in range(100))
