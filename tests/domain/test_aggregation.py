from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.domain.aggregation import (
    BAR_SIZES,
    Aggregator,
    CompletedBar,
    bar_size_name,
    parse_bar_size,
)
from apps.domain.bars import Bar
from apps.domain.errors import InvalidInput
from apps.domain.sessions import Span

OPENING = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
CLOSING = OPENING + timedelta(hours=6, minutes=30)


def at(seconds: float) -> datetime:
    return OPENING + timedelta(seconds=seconds)


def bar(n: int, close: float = 190.0, *, count: int = 3, open_: float | None = None) -> Bar:
    first = close if open_ is None else open_
    volume = {0: 0.0, -1: -1.0}.get(count, 100.0)
    high, low = max(first, close), min(first, close)
    return Bar(at(5 * n), 5, first, high, low, close, volume, close, count)


def minute(known_from: datetime | None = None) -> Aggregator:
    return Aggregator(60, OPENING, known_from=known_from)


def feed(aggregator: Aggregator, *bars: Bar, live: bool = True) -> list[CompletedBar]:
    return [done for each in bars for done in aggregator.add(each, live=live)]


def test_a_bucket_is_complete_with_its_last_bar() -> None:
    one_minute = minute()
    assert feed(one_minute, *(bar(n) for n in range(11))) == []
    (done,) = feed(one_minute, bar(11, 190.5))
    assert (done.bar.start, done.bar.seconds, done.bar.close) == (OPENING, 60, 190.5)
    assert (done.live, done.missing) == (True, 0)


def test_five_second_bars_come_through_as_they_are() -> None:
    each = bar(3, 190.2, open_=190.1)
    assert Aggregator(5, OPENING).add(each) == (CompletedBar(each, live=True, missing=0),)


def test_a_bucket_adds_up_its_bars() -> None:
    ten_seconds = Aggregator(10, OPENING)
    first = Bar(at(0), 5, 190.0, 190.4, 189.9, 190.1, 100.0, 190.0, 3)
    second = Bar(at(5), 5, 190.1, 190.2, 189.8, 190.0, 300.0, 190.1, 4)
    (done,) = feed(ten_seconds, first, second)
    assert done.bar == Bar(at(0), 10, 190.0, 190.4, 189.8, 190.0, 400.0, done.bar.wap, 7)
    assert done.bar.wap == pytest.approx(190.075)


def test_a_bar_of_a_later_bucket_completes_the_one_that_is_overdue() -> None:
    one_minute = minute()
    feed(one_minute, bar(0), bar(1), bar(2, 190.3))
    (done,) = feed(one_minute, bar(13))
    assert (done.bar.start, done.bar.close, done.missing) == (OPENING, 190.3, 9)


def test_one_bar_can_complete_an_overdue_bucket_and_its_own() -> None:
    ten_seconds = Aggregator(10, OPENING, known_from=OPENING)
    feed(ten_seconds, bar(0))
    done = feed(ten_seconds, bar(5))
    assert [each.bar.start for each in done] == [at(0), at(20)]
    assert [each.missing for each in done] == [1, 1]


def test_the_clock_completes_a_bucket_after_a_grace() -> None:
    one_minute = minute()
    feed(one_minute, bar(0))
    assert one_minute.advance(at(64)) == ()
    (done,) = one_minute.advance(at(65))
    assert done.missing == 11
    assert one_minute.advance(at(200)) == ()


def test_a_straggler_does_not_open_a_completed_bucket_again() -> None:
    one_minute = minute()
    feed(one_minute, bar(0))
    assert len(one_minute.advance(at(65))) == 1
    assert feed(one_minute, bar(11), bar(12)) == []
    (done,) = one_minute.advance(at(125))
    assert (done.bar.start, done.missing) == (at(60), 11)


def test_an_empty_stretch_gives_no_bucket() -> None:
    one_minute = minute()
    feed(one_minute, *(bar(n) for n in range(12)))
    assert one_minute.advance(at(600)) == ()
    assert [done.bar.start for done in feed(one_minute, *(bar(n) for n in range(120, 132)))] == [
        at(600)
    ]


def test_duplicates_and_older_bars_are_ignored() -> None:
    ten_seconds = Aggregator(10, OPENING)
    assert feed(ten_seconds, bar(0, 190.0), bar(0, 500.0)) == []
    (done,) = feed(ten_seconds, bar(1, 190.1))
    assert done.bar.high == 190.1
    assert feed(ten_seconds, bar(1), bar(0)) == []


def test_flat_bars_do_not_shape_a_bucket_with_trades() -> None:
    one_minute = minute()
    flat = [bar(n, 189.0, count=0) for n in range(6)]
    traded = [bar(6, 190.2, open_=190.1), *(bar(n, 190.2, count=0) for n in range(7, 12))]
    (done,) = feed(one_minute, *flat, *traded)
    assert (done.bar.open, done.bar.low, done.bar.high, done.bar.close) == (
        190.1,
        190.1,
        190.2,
        190.2,
    )
    assert (done.bar.count, done.bar.volume, done.missing) == (3, 100.0, 0)


def test_a_bucket_of_flat_bars_is_flat() -> None:
    (done,) = feed(minute(), *(bar(n, 189.0, count=0) for n in range(12)))
    assert done.bar == Bar(OPENING, 60, 189.0, 189.0, 189.0, 189.0, 0.0, 189.0, 0)


def test_bars_of_quotes_keep_their_minus_one() -> None:
    (done,) = feed(minute(), *(bar(n, 190.0 + n / 100, count=-1) for n in range(12)))
    assert (done.bar.volume, done.bar.wap, done.bar.count) == (-1.0, -1.0, -1)
    assert (done.bar.open, done.bar.high) == (190.0, 190.11)


def test_a_bucket_that_began_before_the_first_bar_is_dropped() -> None:
    one_minute = minute()
    assert feed(one_minute, *(bar(n) for n in range(4, 12))) == []
    assert [done.bar.start for done in feed(one_minute, *(bar(n) for n in range(12, 24)))] == [
        at(60)
    ]


def test_a_bucket_without_trades_at_its_start_counts_when_it_was_watched() -> None:
    (done,) = feed(minute(known_from=OPENING), bar(4), bar(11))
    assert (done.bar.start, done.missing) == (OPENING, 10)


def test_history_completes_the_bucket_that_began_before_the_subscription() -> None:
    one_minute = minute()
    seeded = one_minute.seed([bar(n) for n in range(18)], known_from=OPENING)
    assert [(done.bar.start, done.live) for done in seeded] == [(OPENING, False)]
    (done,) = feed(one_minute, *(bar(n, 190.7) for n in range(16, 24)))
    assert (done.bar.start, done.live, done.missing) == (at(60), True, 0)


def test_a_bucket_closed_by_a_replayed_bar_is_not_live() -> None:
    one_minute = minute()
    feed(one_minute, *(bar(n) for n in range(6)))
    (done,) = feed(one_minute, *(bar(n) for n in range(6, 12)), live=False)
    assert not done.live


def test_a_bucket_that_an_unfilled_gap_tore_is_dropped() -> None:
    one_minute = minute()
    feed(one_minute, bar(0), bar(1))
    one_minute.resume(at(40))
    assert feed(one_minute, *(bar(n) for n in range(8, 12))) == []
    assert len(feed(one_minute, *(bar(n) for n in range(12, 24)))) == 1


def test_the_last_bucket_of_a_session_ends_with_it() -> None:
    hour = Aggregator(3600, OPENING, CLOSING, known_from=OPENING)
    last = 6 * 720 + 359
    (done,) = feed(hour, bar(6 * 720), bar(last))
    assert (done.bar.end, done.bar.seconds, done.missing) == (CLOSING, 1800, 358)


def test_a_new_session_completes_the_old_one_and_counts_from_its_own_start() -> None:
    fifteen = Aggregator(900, OPENING, known_from=OPENING)
    feed(fifteen, bar(0))
    opening = OPENING + timedelta(days=3, minutes=10)
    (old,) = fifteen.begin_session(Span(opening, opening + timedelta(hours=2)))
    assert old.bar.start == OPENING
    first = Bar(opening, 5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1)
    assert fifteen.add(first) == ()
    (new,) = fifteen.advance(opening + timedelta(minutes=16))
    assert new.bar.start == opening


def test_bars_of_another_length_are_refused() -> None:
    with pytest.raises(InvalidInput, match="5 s bars"):
        minute().add(Bar(OPENING, 60, 1, 1, 1, 1, 1, 1, 1))
    with pytest.raises(InvalidInput, match="no bars of 7 s"):
        Aggregator(7, OPENING)


def test_bar_sizes_are_typed_as_they_are_shown() -> None:
    for name, seconds in BAR_SIZES.items():
        assert parse_bar_size(f" {name.upper()} ") == seconds
        assert bar_size_name(seconds) == name
        assert 3600 % seconds == 0
    with pytest.raises(InvalidInput, match="5s, 10s"):
        parse_bar_size("7s")


@given(
    seconds=st.sampled_from(list(BAR_SIZES.values())),
    numbers=st.sets(st.integers(min_value=0, max_value=900)),
    flat=st.sets(st.integers(min_value=0, max_value=900)),
)
@settings(deadline=None, max_examples=60)
def test_buckets_hold_exactly_the_trades_of_their_span(
    seconds: int, numbers: set[int], flat: set[int]
) -> None:
    aggregator = Aggregator(seconds, OPENING, known_from=OPENING)
    bars = [bar(n, 190 + n / 100, count=0 if n in flat else 3) for n in sorted(numbers)]
    done = feed(aggregator, *bars) + list(aggregator.advance(at(100_000)))
    assert sum(each.bar.count for each in done) == sum(each.count for each in bars)
    assert [each.bar.start for each in done] == sorted({each.bar.start for each in done})
    for each in done:
        assert (each.bar.start - OPENING).total_seconds() % seconds == 0
        inside = [one for one in bars if each.bar.start <= one.start < each.bar.end]
        assert len(inside) == seconds // 5 - each.missing
        traded = [one for one in inside if one.count] or inside[:1]
        assert (each.bar.open, each.bar.close) == (traded[0].open, traded[-1].close)
        assert each.bar.high == max(one.high for one in traded)
