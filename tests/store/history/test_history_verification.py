"""What is wrong with what is kept: found, named, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from apps.domain.bars import Bar
from apps.domain.history.findings import FindingKind
from apps.domain.history.schedule import Schedule
from apps.domain.history.series import Series
from apps.domain.sessions import Span
from apps.store.history.bar_file import table_of
from apps.store.history.store import HistoryStore
from apps.store.history.verification import verify
from tests.store.history.bar_samples import DAY, NEXT_DAY, OPEN, bar, bars, series, span_of

SERIES = series()
BOTH = Schedule((Span(DAY.start - timedelta(hours=9), NEXT_DAY.end),), (DAY, NEXT_DAY))
MINUTE = timedelta(minutes=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[HistoryStore]:
    with HistoryStore.open(tmp_path / "history") as opened:
        opened.note_schedule(SERIES, BOTH)
        yield opened


def found(store: HistoryStore) -> list[tuple[FindingKind, Span]]:
    return [(each.kind, each.span) for each in verify(store).findings]


def keep(store: HistoryStore, *told: Bar, of: Series = SERIES) -> None:
    """Keep bars as no broker's answer would be: in the order in which they stand."""
    store.add_tables([(of, (span_of(told),), table_of(told))])


def whole_days(store: HistoryStore, price: float = 100.0) -> None:
    for day in (DAY, NEXT_DAY):
        store.add(SERIES, day, bars(day.start, 390, price=price))


def test_closed_night_is_no_hole(store: HistoryStore) -> None:
    whole_days(store)
    report = verify(store)
    assert report.findings == ()
    assert (report.series, report.files, report.bars) == (1, 2, 780)
    assert report.hours_unknown == timedelta()


def test_open_market_without_bars_is_a_hole_until_it_is_known(store: HistoryStore) -> None:
    told = bars(DAY.start, 390)
    store.add(SERIES, DAY, (*told[:100], *told[130:]))
    hole = Span(told[100].start, told[130].start)
    assert found(store) == [(FindingKind.HOLE, hole)]
    store.note_hole(SERIES, hole)
    assert found(store) == []


def test_day_that_nobody_asked_for_between_others_is_a_hole(store: HistoryStore) -> None:
    third = Span(NEXT_DAY.start + timedelta(days=1), NEXT_DAY.end + timedelta(days=1))
    store.note_schedule(SERIES, Schedule((Span(NEXT_DAY.end, third.end),), (third,)))
    for day in (DAY, third):
        store.add(SERIES, day, bars(day.start, 390))
    assert found(store) == [(FindingKind.HOLE, NEXT_DAY)]


def test_some_seconds_without_trades_are_no_hole(store: HistoryStore) -> None:
    of = series(bar_seconds=5)
    told = bars(DAY.start, 720, seconds=5)
    store.add(of, span_of(told), [each for nth, each in enumerate(told) if nth % 10 == 0])
    assert found(store) == []


def test_hours_that_nobody_told_prove_nothing_and_are_counted(store: HistoryStore) -> None:
    of = series("MSFT", 272093)
    store.add(of, DAY, bars(DAY.start, 10))
    report = verify(store)
    assert report.findings == ()
    assert report.hours_unknown == DAY.end - DAY.start


def test_bars_of_a_closed_market_are_of_a_wrong_session(store: HistoryStore) -> None:
    whole_days(store)
    keep(store, bar(DAY.end), bar(DAY.end + MINUTE))
    assert found(store) == [(FindingKind.WRONG_SESSION, Span(DAY.end, DAY.end + 2 * MINUTE))]


def test_duplicates_and_bars_out_of_order_are_found(store: HistoryStore) -> None:
    told = bars(DAY.start, 390)
    keep(store, *told[:5], told[4], *told[5:])
    keep(
        store,
        *bars(NEXT_DAY.start, 388),
        bar(NEXT_DAY.end - MINUTE),
        bar(NEXT_DAY.end - 2 * MINUTE),
    )
    kinds = [kind for kind, _ in found(store)]
    assert kinds == [FindingKind.DUPLICATE, FindingKind.OUT_OF_ORDER]


def test_bar_whose_low_is_above_its_close_is_impossible(store: HistoryStore) -> None:
    whole_days(store)
    wrong = replace(bar(OPEN), low=200.0)
    store.add(SERIES, Span(OPEN, OPEN + MINUTE), [wrong])
    assert found(store) == [(FindingKind.IMPOSSIBLE, Span(OPEN, OPEN + MINUTE))]


def test_split_between_two_days_is_told_and_nothing_is_changed(store: HistoryStore) -> None:
    store.add(SERIES, DAY, bars(DAY.start, 390, price=400.0))
    store.add(SERIES, NEXT_DAY, bars(NEXT_DAY.start, 390, price=101.0))
    (finding,) = verify(store).findings
    assert finding.kind is FindingKind.SPLIT
    assert "4:1" in finding.words
    assert store.bars(SERIES, DAY.start, NEXT_DAY.end)[0].open == 400.0


def test_bars_told_anew_in_another_scale_are_told(store: HistoryStore) -> None:
    whole_days(store, price=300.0)
    anew = bars(NEXT_DAY.start, 390, price=300.0)
    rescaled = [
        replace(
            each, open=each.open / 3, high=each.high / 3, low=each.low / 3, close=each.close / 3
        )
        for each in anew
    ]
    store.add(SERIES, NEXT_DAY, rescaled)
    assert [kind for kind, _ in found(store)] == [FindingKind.SPLIT] * 2


def test_damaged_file_is_named_with_where_it_is_kept(store: HistoryStore) -> None:
    whole_days(store)
    path = min(store.folder.glob("*/*/*.parquet"))
    path.write_bytes(path.read_bytes()[:-1])
    (finding,) = verify(store).findings
    assert finding.kind is FindingKind.DAMAGED
    assert str(store.folder / "damaged") in finding.words
    assert DAY.start in finding.span
    whole_days(store)
    assert verify(store).findings == ()


def test_day_bars_are_held_against_the_days_of_the_sessions(store: HistoryStore) -> None:
    of = series(bar_seconds=86_400)
    days = [datetime(2026, 11, day, tzinfo=UTC) for day in (18, 19, 20, 21)]
    friday = Span(days[2], days[3])
    thursday = Span(days[1], days[2])
    store.add(of, thursday, [bar(days[1], seconds=86_400)])
    store.add(of, friday, [])
    assert found(store) == [(FindingKind.HOLE, friday)]
    store.note_schedule(of, Schedule((Span(NEXT_DAY.end, days[3] + timedelta(days=1)),), ()))
    store.add(of, friday, [bar(days[2], seconds=86_400)])
    store.add(of, Span(days[3], days[3] + timedelta(days=1)), [bar(days[3], seconds=86_400)])
    assert [kind for kind, _ in found(store)] == [FindingKind.WRONG_SESSION]


def test_only_what_is_wanted_is_looked_through(store: HistoryStore) -> None:
    keep(store, bar(DAY.end))
    store.add(series("MSFT", 272093), DAY, bars(DAY.start, 3))
    assert verify(store, [series("MSFT", 272093)]).findings == ()
    assert verify(store).bars == 4
