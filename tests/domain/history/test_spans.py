"""Sets of moments: every law is that of the sets of the minutes in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.domain.history.schedule import Schedule
from apps.domain.history.spans import intersection, length, merged, missing
from apps.domain.sessions import Span

START = datetime(2026, 11, 20, tzinfo=UTC)
MINUTES = 60

bounded = settings(max_examples=100, deadline=None)


def span(start: int, end: int) -> Span:
    return Span(START + timedelta(minutes=start), START + timedelta(minutes=end))


_edges = st.integers(0, MINUTES)
_spans = st.lists(st.builds(span, _edges, _edges), max_size=8)


def minutes(spans: object) -> set[int]:
    assert isinstance(spans, tuple | list)
    return {
        nth
        for nth in range(MINUTES)
        for each in spans
        if each.start <= START + timedelta(minutes=nth) < each.end
    }


def is_merged(spans: tuple[Span, ...]) -> bool:
    edges = [edge for each in spans for edge in (each.start, each.end)]
    return edges == sorted(set(edges))


@bounded
@given(_spans, _spans)
def test_merged_spans_hold_what_either_holds(some: list[Span], others: list[Span]) -> None:
    found = merged(some, others)
    assert minutes(found) == minutes(some) | minutes(others)
    assert is_merged(found)


@bounded
@given(_spans, _spans)
def test_missing_is_what_is_wanted_and_not_there(wanted: list[Span], there: list[Span]) -> None:
    found = missing(wanted, there)
    assert minutes(found) == minutes(wanted) - minutes(there)
    assert is_merged(found)


@bounded
@given(_spans, _spans)
def test_intersection_is_what_both_hold(some: list[Span], others: list[Span]) -> None:
    found = intersection(some, others)
    assert minutes(found) == minutes(some) & minutes(others)
    assert is_merged(found)


@bounded
@given(_spans)
def test_length_counts_each_moment_once(spans: list[Span]) -> None:
    assert length(spans) == timedelta(minutes=len(minutes(spans)))


@bounded
@given(_spans, _spans, _spans, _spans)
def test_what_is_learnt_later_of_sessions_holds(
    first_known: list[Span], first_open: list[Span], then_known: list[Span], then_open: list[Span]
) -> None:
    first = Schedule(merged(first_known), intersection(first_open, first_known))
    then = Schedule(merged(then_known), intersection(then_open, then_known))
    learnt = first.learn(then)
    assert minutes(learnt.known) == minutes(first_known) | minutes(then_known)
    assert minutes(learnt.sessions) == (minutes(first.sessions) - minutes(then_known)) | minutes(
        then.sessions
    )


def test_sessions_that_touch_stay_two() -> None:
    night = Schedule((span(0, 30),), (span(0, 30),))
    day = Schedule((span(30, 60),), (span(30, 60),))
    assert night.learn(day).sessions == (span(0, 30), span(30, 60))
    assert night.learn(day).learn(day).sessions == (span(0, 30), span(30, 60))
    assert night.open_in(span(20, 40)) == (span(20, 30),)
    assert night.unknown_in(span(20, 40)) == (span(30, 40),)
