from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.domain import aggregation
from apps.domain.bars import Bar
from apps.domain.errors import InvalidInput
from apps.domain.history.bar_sizes import (
    BAR_SIZES,
    BarSize,
    Duration,
    bar_size,
    parse_bar_size,
)
from apps.domain.history.plan import (
    MOST_BARS,
    BarRequest,
    Piece,
    aligned,
    day_of,
    pieces_of,
    read_answer,
    requests_for,
    wanted_of,
)
from apps.domain.history.spans import length, missing
from apps.domain.sessions import Span

FIRST = datetime(2026, 11, 2, tzinfo=UTC)
LONG_AGO = datetime(2030, 1, 1, tzinfo=UTC)
MINUTE = bar_size(60)
SECOND = bar_size(1)
FIVE = bar_size(5)
HOUR = bar_size(3600)
DAY = bar_size(86_400)


def session_of(day: int, *, half: bool = False) -> Span:
    """The regular session of the nth weekday from 2 November 2026 on; winter time."""
    date = FIRST + timedelta(days=day // 5 * 7 + day % 5)
    closes = time(18) if half else time(21)
    return Span(date.replace(hour=14, minute=30), datetime.combine(date, closes, UTC))


def a_bar(start: datetime, seconds: int) -> Bar:
    return Bar(start, seconds, 10.0, 11.0, 9.0, 10.5, 100.0, 10.2, 7)


def bars_in(span: Span, seconds: int) -> list[Bar]:
    count = int((span.end - span.start).total_seconds()) // seconds
    return [a_bar(span.start + timedelta(seconds=seconds * each), seconds) for each in range(count)]


def everything(sessions: list[Span]) -> Span:
    return Span(sessions[0].start - timedelta(hours=9), sessions[-1].end + timedelta(hours=3))


def asked(
    size: BarSize, sessions: list[Span], there: list[Span] | None = None
) -> tuple[BarRequest, ...]:
    wanted = wanted_of(everything(sessions), size, sessions, LONG_AGO)
    return requests_for(pieces_of(wanted, there or []), size, sessions)


days = st.lists(st.integers(0, 29), unique=True, min_size=1, max_size=20)
sizes = st.sampled_from([each for each in BAR_SIZES if each.seconds <= 3600])


@st.composite
def calendars(draw: st.DrawFn) -> list[Span]:
    return [session_of(day, half=draw(st.booleans())) for day in sorted(draw(days))]


@st.composite
def parts(draw: st.DrawFn) -> list[Span]:
    """Stretches that are there already, on whole half hours."""
    found = []
    for _ in range(draw(st.integers(0, 6))):
        start = FIRST + timedelta(minutes=30 * draw(st.integers(0, 48 * 40)))
        found.append(Span(start, start + timedelta(minutes=30 * draw(st.integers(1, 100)))))
    return found


# ------------------------------------------------------------------------------ the laws


@given(calendars(), parts(), sizes)
@settings(deadline=None, max_examples=60)
def test_requests_hold_all_that_is_missing_and_nothing_that_is_there(
    sessions: list[Span], there: list[Span], size: BarSize
) -> None:
    requests = asked(size, sessions, there)
    held = [piece.span for request in requests for piece in request.pieces]
    wanted = [piece.span for piece in wanted_of(everything(sessions), size, sessions, LONG_AGO)]
    assert missing(missing(wanted, there), held) == ()
    assert missing(held, missing(wanted, there)) == ()
    assert length(held) == sum((each.end - each.start for each in held), timedelta())


@given(calendars(), parts(), sizes)
@settings(deadline=None, max_examples=60)
def test_requests_are_rising_and_within_what_ib_gives(
    sessions: list[Span], there: list[Span], size: BarSize
) -> None:
    requests = asked(size, sessions, there)
    assert all(a.pieces[-1].end <= b.pieces[0].start for a, b in pairwise(requests))
    for request in requests:
        reached = reach_of(request, sessions)
        assert reached.start <= request.pieces[0].start, "it reaches back to all that is wanted"
        assert request.pieces[-1].end <= reached.end
        if request.duration.letter == "S":
            assert request.duration.count <= size.most_seconds
            assert request.duration.count / size.seconds <= MOST_BARS
            assert len({piece.closes for piece in request.pieces}) == 1, "it stays in its session"
        else:
            assert request.duration.count <= size.most_sessions
            within = [each for each in sessions if reached.start <= each.start < reached.end]
            seconds = length(within).total_seconds()
            assert seconds / size.seconds <= MOST_BARS


def reach_of(request: BarRequest, sessions: list[Span]) -> Span:
    """From when to when an answer is, by IB's way of counting."""
    count = request.duration.count
    if request.duration.letter == "S":
        return Span(request.until - timedelta(seconds=count), request.until)
    before = [each for each in sessions if each.start < request.until]
    return Span(before[-count].start, request.until)


@given(calendars(), sizes)
@settings(deadline=None, max_examples=40)
def test_what_was_answered_is_not_asked_for_again(sessions: list[Span], size: BarSize) -> None:
    wanted = wanted_of(everything(sessions), size, sessions, LONG_AGO)
    there: list[Span] = []
    for nth, request in enumerate(requests_for(wanted, size, sessions)):
        if nth % 2:
            there += [piece.span for piece in request.pieces]
    again = requests_for(pieces_of(wanted, there), size, sessions)
    held = [piece.span for request in again for piece in request.pieces]
    assert missing(held, missing([each.span for each in wanted], there)) == ()
    assert requests_for(pieces_of(wanted, [*there, *held]), size, sessions) == ()


@given(st.sets(st.integers(0, 24), min_size=1), st.sampled_from([60, 120, 300, 30]))
@settings(deadline=None, max_examples=60)
def test_no_fewer_requests_would_do(holes: set[int], seconds: int) -> None:
    """Against the count of windows that any covering needs: the left-most uncovered one decides."""
    size = bar_size(seconds)
    sessions = [session_of(day) for day in range(25)]
    there = [each for nth, each in enumerate(sessions) if nth not in holes]
    most = min(size.most_sessions, MOST_BARS // (23_400 // seconds))
    needed, reached = 0, -1
    for hole in sorted(holes):
        if hole > reached:
            needed, reached = needed + 1, hole + most - 1
    assert len(asked(size, sessions, there)) == needed


@given(st.integers(0, 23_399), st.sampled_from([1, 5, 30, 60, 300]))
@settings(deadline=None, max_examples=60)
def test_no_bar_is_wanted_that_is_not_over(after_open_s: int, seconds: int) -> None:
    session, size = session_of(0), bar_size(seconds)
    now = session.start + timedelta(seconds=after_open_s)
    future = Span(session.start, session.end + timedelta(days=9))
    over = sum(
        session.start + timedelta(seconds=seconds * (nth + 1)) <= now
        for nth in range(23_400 // seconds)
    )
    wanted = wanted_of(future, size, [session, session_of(1)], now)
    assert length(each.span for each in wanted) == timedelta(seconds=over * seconds)
    assert all(each.is_running for each in wanted)


# ---------------------------------------------------------------------------- the numbers


def test_five_second_bars_of_a_day_are_one_request_and_of_all_hours_three() -> None:
    (request,) = asked(FIVE, [session_of(0)])
    assert str(request.duration) == "1 D"
    assert request.until == session_of(0).end
    regular = session_of(0)
    extended = Span(regular.start - timedelta(hours=5.5), regular.end + timedelta(hours=4))
    long = asked(FIVE, [extended])
    assert [str(each.duration) for each in long] == ["25000 S", "25000 S", "7600 S"]


def test_one_second_bars_are_asked_for_two_thousand_at_a_time() -> None:
    requests = asked(SECOND, [session_of(0)])
    assert len(requests) == 12
    assert {str(each.duration) for each in requests[:-1]} == {"2000 S"}


def test_minutes_of_three_weeks_are_two_requests() -> None:
    requests = asked(MINUTE, [session_of(day) for day in range(15)])
    assert [str(each.duration) for each in requests] == ["12 D", "3 D"]


def test_part_of_a_session_is_asked_for_by_the_second() -> None:
    session = session_of(0)
    there = [Span(session.start, session.start + timedelta(hours=1))]
    (request,) = asked(MINUTE, [session], there)
    assert str(request.duration) == "19800 S"


@pytest.mark.parametrize(
    ("seconds", "days", "durations"),
    [(14_400, 10, ["2 W"]), (28_800, 30, ["2 M"]), (86_400, 30, ["1 Y"]), (3_600, 30, ["30 D"])],
)
def test_large_bars_are_asked_for_by_units_that_go_with_them(
    seconds: int, days: int, durations: list[str]
) -> None:
    requests = asked(bar_size(seconds), [session_of(day) for day in range(days)])
    assert [str(each.duration) for each in requests] == durations


def test_a_closed_market_is_no_hole() -> None:
    friday, monday = session_of(4), session_of(5)
    weekend = Span(friday.end, monday.start)
    assert wanted_of(weekend, MINUTE, [friday, monday], LONG_AGO) == ()


def test_bars_over_half_an_hour_are_wanted_by_whole_sessions() -> None:
    session = session_of(0)
    part = Span(session.start + timedelta(hours=2), session.start + timedelta(hours=3))
    (piece,) = wanted_of(part, HOUR, [session], LONG_AGO)
    assert piece.span == session


def test_the_bar_of_a_day_is_wanted_once_the_session_is_over() -> None:
    session = session_of(0, half=True)
    assert wanted_of(session, DAY, [session], session.end - timedelta(seconds=1)) == ()
    (piece,) = wanted_of(session, DAY, [session], session.end)
    assert piece.span == day_of(session)
    assert piece.span.start == FIRST


def test_summer_time_moves_the_session_and_not_the_day() -> None:
    summer = Span(
        datetime(2026, 10, 30, 13, 30, tzinfo=UTC), datetime(2026, 10, 30, 20, tzinfo=UTC)
    )
    winter = session_of(0)
    requests = asked(MINUTE, [summer, winter])
    assert [str(each.duration) for each in requests] == ["2 D"]
    assert [piece.span for piece in requests[0].pieces] == [summer, winter]


# ----------------------------------------------------------------------------- the answers


def one_request(size: BarSize, *pieces: Piece) -> BarRequest:
    return BarRequest(size, pieces[-1].end, Duration(1, "D"), pieces)


def whole(session: Span) -> Piece:
    return Piece(session.start, session.end, session.end)


def test_an_answer_is_parted_by_session_and_nothing_else_is_kept() -> None:
    first, second = session_of(0), session_of(1)
    early = a_bar(first.start - timedelta(minutes=1), 60)
    told = [early, *bars_in(first, 60), *bars_in(second, 60)]
    answers = read_answer(one_request(MINUTE, whole(first), whole(second)), told[::-1])
    assert [each.bars for each in answers] == [
        tuple(bars_in(first, 60)),
        tuple(bars_in(second, 60)),
    ]
    assert [each.known for each in answers] == [first, second]
    assert [each.silent for each in answers] == [(), ()]


def test_an_empty_answer_is_silence_over_the_whole_session() -> None:
    session = session_of(0)
    (answer,) = read_answer(one_request(MINUTE, whole(session)), [])
    assert answer.silent == (session,)


@given(st.sets(st.integers(0, 389), max_size=30))
@settings(deadline=None, max_examples=40)
def test_silence_is_where_a_minute_has_no_bar(left_out: set[int]) -> None:
    session = session_of(0)
    every = bars_in(session, 60)
    told = [bar for nth, bar in enumerate(every) if nth not in left_out]
    (answer,) = read_answer(one_request(MINUTE, whole(session)), told)
    assert missing([session], [Span(bar.start, bar.end) for bar in told]) == answer.silent


def test_a_few_bars_of_five_seconds_may_be_left_out() -> None:
    session = session_of(0)
    told = [bar for nth, bar in enumerate(bars_in(session, 5)) if not 100 <= nth < 111]
    (answer,) = read_answer(one_request(FIVE, whole(session)), told)
    assert answer.silent == ()
    told = [bar for nth, bar in enumerate(bars_in(session, 5)) if not 100 <= nth < 112]
    (answer,) = read_answer(one_request(FIVE, whole(session)), told)
    assert length(answer.silent) == timedelta(minutes=1)


def test_a_running_bar_is_not_kept_and_what_it_covers_is_not_known() -> None:
    session = session_of(0)
    now = session.start + timedelta(minutes=150)
    piece = Piece(session.start, now, session.end, is_running=True)
    starts = [session.start, *(session.start + timedelta(minutes=30 + 60 * n) for n in range(3))]
    (answer,) = read_answer(one_request(HOUR, piece), [a_bar(each, 3600) for each in starts])
    # the bar of the first half hour is over too, but nothing tells that from here
    assert [bar.start for bar in answer.bars] == starts[:3]
    assert answer.known == Span(session.start, now)


def test_a_bar_that_history_does_not_have_yet_is_not_known() -> None:
    session = session_of(0)
    now = session.start + timedelta(minutes=10)
    piece = Piece(session.start, now, session.end, is_running=True)
    told = bars_in(Span(session.start, now), 60)[:-2]
    (answer,) = read_answer(one_request(MINUTE, piece), told)
    assert answer.known.end == now - timedelta(minutes=2)
    assert answer.silent == ()
    (nothing,) = read_answer(one_request(MINUTE, piece), [])
    assert nothing.known.start == nothing.known.end
    assert nothing.silent == ()


def test_a_bar_that_reaches_beyond_what_is_over_is_not_kept() -> None:
    session = session_of(0)
    now = session.start + timedelta(minutes=150)
    piece = Piece(session.start, now, session.end, is_running=True)
    starts = [session.start + timedelta(hours=each) for each in range(3)]  # as some zones have it
    (answer,) = read_answer(one_request(HOUR, piece), [a_bar(each, 3600) for each in starts])
    assert [bar.start for bar in answer.bars] == starts[:2]
    assert answer.known == Span(session.start, starts[2])


def test_what_is_silent_right_after_the_close_may_still_come() -> None:
    session = session_of(0)
    soon, later = (session.end + timedelta(minutes=each) for each in (5, 61))
    told = bars_in(session, 60)[:-15]  # as delayed data has them
    for now, silent in ((soon, ()), (later, (Span(told[-1].end, session.end),))):
        pieces = wanted_of(session, MINUTE, [session], now)
        (answer,) = read_answer(one_request(MINUTE, *pieces), told)
        assert answer.silent == silent
        assert answer.known.end == (session.end if silent else told[-1].end)


def test_the_last_bar_before_the_close_may_be_a_short_one() -> None:
    session = session_of(0)
    starts = [session.start, *(session.start + timedelta(minutes=30 + 60 * n) for n in range(6))]
    (answer,) = read_answer(
        one_request(bar_size(7200), whole(session)), [a_bar(each, 7200) for each in starts[::2]]
    )
    assert len(answer.bars) == 4
    assert answer.known == session


# ------------------------------------------------------------------------------ bar sizes


def test_names_agree_with_the_bars_that_watchers_build() -> None:
    for name, seconds in aggregation.BAR_SIZES.items():
        assert parse_bar_size(name).seconds == seconds


def test_a_size_that_ib_lacks_is_one_error_that_lists_the_sizes() -> None:
    with pytest.raises(InvalidInput, match=r"no bars of '7m': the sizes are 1s, 5s, .*, 1d"):
        parse_bar_size("7m")
    with pytest.raises(InvalidInput, match="no bars of 7 s: the sizes are 1s"):
        bar_size(7)


@pytest.mark.parametrize("size", BAR_SIZES)
def test_every_size_can_be_asked_for(size: BarSize) -> None:
    assert size.most_seconds or size.most_sessions or size.calendar_unit.most
    assert requests_for([whole(session_of(0))], size, [session_of(0)])


def test_edges_of_bars_are_those_of_the_clock() -> None:
    at = datetime(2026, 11, 20, 14, 37, 12, tzinfo=UTC)
    assert aligned(at, 300) == at.replace(minute=35, second=0)
    assert aligned(at, 300, up=True) == at.replace(minute=40, second=0)
    assert aligned(at.replace(second=0), 60, up=True) == at.replace(second=0)
