"""The bars on disk: whatever is asked of the store, it is what a dictionary would have been."""

from __future__ import annotations

import errno
import logging
import os
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from apps.domain.bars import Bar
from apps.domain.errors import HistoryLost, HistoryRefused, InvalidInput
from apps.domain.history.schedule import Schedule
from apps.domain.history.series import Series, What
from apps.domain.history.spans import merged, missing
from apps.domain.sessions import Span
from apps.store.history.schema import CATALOGUE_NAME, VERSIONS
from apps.store.history.store import HistoryStore
from tests.store.history.bar_samples import DAY, NEXT_DAY, OPEN, bar, bars, series, span_of

EVER = (datetime(1990, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC))

SERIES = series()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "history"


@pytest.fixture
def store(folder: Path) -> Iterator[HistoryStore]:
    with HistoryStore.open(folder) as opened:
        yield opened


def everything(store: HistoryStore, of: Series = SERIES) -> tuple[Bar, ...]:
    return store.bars(of, *EVER)


def parquet_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/*/*.parquet"))


class LikeADictionary(RuleBasedStateMachine):
    """Hours of bars around midnights, a change of the clocks and the turn of a year."""

    @initialize(of=st.sampled_from([series(bar_seconds=3600), series(bar_seconds=86_400)]))
    def begin(self, of: Series) -> None:
        self.series = of
        self.step = timedelta(seconds=of.bar_seconds)
        self.start = datetime(2026, 10, 30, tzinfo=UTC)
        self.stack = ExitStack()
        self.folder = Path(self.stack.enter_context(TemporaryDirectory()))
        self.bars: dict[datetime, Bar] = {}
        self.covered: tuple[Span, ...] = ()
        self.holes: tuple[Span, ...] = ()
        self.open_store()

    def open_store(self) -> None:
        self.opened = ExitStack()
        self.store = self.opened.enter_context(HistoryStore.open(self.folder))

    def span(self, first: int, length: int) -> Span:
        return Span(self.start + first * self.step, self.start + (first + length) * self.step)

    @rule(
        first=st.integers(0, 90),
        length=st.integers(1, 40),
        some=st.sets(st.integers(0, 39)),
        price=st.floats(1, 1000),
    )
    def add(self, first: int, length: int, some: set[int], price: float) -> None:
        span = self.span(first, length)
        told = [
            bar(span.start + nth * self.step, price, seconds=self.series.bar_seconds)
            for nth in some
            if nth < length
        ]
        self.store.add(self.series, span, told)
        self.bars |= {each.start: each for each in told}
        self.covered = merged(self.covered, [span])
        self.holes = missing(self.holes, [Span(each.start, each.end) for each in told])

    @rule(first=st.integers(0, 120), length=st.integers(1, 60))
    def forget(self, first: int, length: int) -> None:
        span = self.span(first, length)
        self.store.forget(self.series, span)
        self.bars = {at: each for at, each in self.bars.items() if at not in span}
        self.covered = missing(self.covered, [span])
        self.holes = missing(self.holes, [span])

    @rule(first=st.integers(0, 120), length=st.integers(1, 10))
    def note_hole(self, first: int, length: int) -> None:
        span = self.span(first, length)
        self.store.note_hole(self.series, span)
        self.holes = merged(self.holes, [span])

    @rule()
    def reopen(self) -> None:
        self.opened.close()
        self.open_store()

    @rule(first=st.integers(-5, 130), length=st.integers(1, 60))
    def ask_for_some(self, first: int, length: int) -> None:
        span = self.span(first, length)
        there = [self.bars[at] for at in sorted(self.bars) if at in span]
        assert list(self.store.bars(self.series, span.start, span.end)) == there

    @rule(most=st.integers(1, 60))
    def ask_for_the_newest(self, most: int) -> None:
        rising = [self.bars[at] for at in sorted(self.bars)]
        assert list(self.store.newest(self.series, most)) == rising[-most:]

    @invariant()
    def all_is_as_in_the_dictionary(self) -> None:
        rising = tuple(self.bars[at] for at in sorted(self.bars))
        assert everything(self.store, self.series) == rising
        assert self.store.covered(self.series) == self.covered
        assert self.store.known_holes(self.series) == self.holes
        assert self.store.stored(self.series).bars == len(rising)
        kept = sum(1 for _ in self.folder.rglob("*.parquet"))
        assert kept == self.store.stored(self.series).files
        assert not list(self.folder.glob("unfinished.*"))

    def teardown(self) -> None:
        self.opened.close()
        self.stack.close()


TestLikeADictionary = LikeADictionary.TestCase
TestLikeADictionary.settings = settings(max_examples=15, stateful_step_count=12, deadline=None)


def test_series_are_kept_apart_by_all_but_their_names(store: HistoryStore) -> None:
    kept = [
        series(),
        series(bar_seconds=5),
        series(what=What.MIDPOINT),
        series(regular_hours=False),
        series("MSFT", 272093),
    ]
    for nth, each in enumerate(kept):
        told = bars(OPEN, 3, seconds=each.bar_seconds, price=100.0 + nth)
        store.add(each, span_of(told), told)
    for nth, each in enumerate(kept):
        told = bars(OPEN, 3, seconds=each.bar_seconds, price=100.0 + nth)
        assert everything(store, each) == told
    assert set(store.all_series()) == set(kept)


def test_symbol_that_changed_is_the_same_series_under_its_new_name(store: HistoryStore) -> None:
    old, new = series("FB", 107113386), series("META", 107113386)
    told = bars(OPEN, 2)
    store.add(old, span_of(told), told)
    later = bars(OPEN + timedelta(days=1), 2)
    store.add(new, span_of(later), later)
    assert everything(store, old) == told + later
    assert [each.symbol for each in store.all_series()] == ["META"]


def test_bar_is_kept_to_its_last_digit(store: HistoryStore) -> None:
    told = (Bar(OPEN, 60, 0.1 + 0.2, 1 / 3 + 1, 1e-9, 5e-324 + 0.1, -1.0, 123456.789e3, -1),)
    store.add(SERIES, span_of(told), told)
    assert everything(store) == told


def test_days_have_files_of_their_own_in_new_york(store: HistoryStore, folder: Path) -> None:
    evening = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)  # 20:00 of the 19th
    told = (*bars(OPEN, 2), bar(evening), bar(evening + timedelta(hours=8)))
    of = series(regular_hours=False)
    store.add(of, span_of(told), told)
    names = [path.name.split(".")[0] for path in parquet_files(folder)]
    assert names == ["2026-11-19", "2026-11-20"]
    assert len(store.bars(of, OPEN, evening + timedelta(minutes=1))) == 3


@pytest.mark.parametrize(
    "told",
    [
        (bar(OPEN - timedelta(minutes=1)),),
        (bar(DAY.end),),
        (bar(OPEN, seconds=5),),
        (bar(OPEN), bar(OPEN, 101.0)),
        (bar(OPEN, float("nan")),),
        (bar(OPEN), bar(OPEN + timedelta(minutes=1), float("inf"))),
    ],
    ids=["before", "after", "another size", "twice", "no number", "infinite"],
)
def test_answer_that_cannot_be_kept_leaves_all_as_it_was(
    store: HistoryStore, told: tuple[Bar, ...]
) -> None:
    before = bars(OPEN + timedelta(hours=1), 3)
    store.add(SERIES, span_of(before), before)
    with pytest.raises(InvalidInput):
        store.add(SERIES, DAY, told)
    assert everything(store) == before
    assert store.covered(SERIES) == (span_of(before),)


def test_schedule_is_learnt_and_kept(store: HistoryStore, folder: Path) -> None:
    night = Span(DAY.end, NEXT_DAY.start)
    store.note_schedule(SERIES, Schedule((DAY,), (DAY,)))
    store.note_schedule(SERIES, Schedule((night,), ()))
    with HistoryStore.open(folder) as again:
        assert again.schedule(SERIES) == Schedule((Span(DAY.start, night.end),), (DAY,))
        assert again.schedule(series(bar_seconds=5)) == again.schedule(SERIES)
        assert again.schedule(series(regular_hours=False)) == Schedule()


def test_bars_told_in_another_scale_are_a_split_until_the_old_ones_are_gone(
    store: HistoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    for day in (0, 1):
        told = bars(OPEN + timedelta(days=day), 30, price=400.0)
        store.add(SERIES, span_of(told), told)
    anew = [
        Bar(each.start, 60, each.open / 4, each.high / 4, each.low / 4, each.close / 4, 1.0, 2.0, 3)
        for each in bars(NEXT_DAY.start, 30, price=400.0)
    ]
    store.add(SERIES, span_of(anew), anew)
    (found,) = store.rescaled(SERIES)
    assert str(found) == "4:1"
    assert found.span == span_of(anew)
    assert "4:1" in caplog.text
    store.forget(SERIES, DAY)
    assert store.rescaled(SERIES) == ()


# ── damage ──────────────────────────────────────────────────────────────────────────────────


def damaged_copies(content: bytes) -> Iterator[tuple[str, bytes]]:
    for percent in (0, 1, 25, 50, 75, 99):
        at = len(content) * percent // 100
        flipped = bytearray(content)
        flipped[at] ^= 0x40
        yield f"a bit at {percent} %", bytes(flipped)
        yield f"cut at {percent} %", content[:at]
    yield "the last byte", content[:-1]
    yield "a byte more", content + b"\0"
    yield "zeros", bytes(len(content))


def test_file_damaged_anywhere_is_set_aside_and_its_day_uncovered(
    store: HistoryStore, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    first, second = bars(DAY.start, 50), bars(NEXT_DAY.start, 50)
    store.add(SERIES, DAY, first)
    store.add(SERIES, NEXT_DAY, second)
    store.note_hole(SERIES, span_of(first[:1]))
    whole = parquet_files(folder)[0].read_bytes()
    for _, content in damaged_copies(whole):
        caplog.clear()
        path = parquet_files(folder)[0]
        path.write_bytes(content)
        assert everything(store) == second
        assert store.covered(SERIES) == (NEXT_DAY,)
        assert store.known_holes(SERIES) == ()
        (aside,) = store.set_aside()
        assert (aside.part, Path(aside.kept_as).read_bytes()) == ("2026-11-19", content)
        assert str(path) in caplog.text
        assert aside.kept_as in caplog.text
        store.add(SERIES, DAY, first)
        assert everything(store) == first + second
        assert store.set_aside() == ()


def test_check_sets_damaged_files_aside_before_anybody_reads_them(
    store: HistoryStore, folder: Path
) -> None:
    for day in (DAY, NEXT_DAY):
        store.add(SERIES, day, bars(day.start, 5))
    for path in parquet_files(folder):
        path.write_bytes(path.read_bytes()[:-1])
    store.check(SERIES, DAY)
    assert store.covered(SERIES) == (NEXT_DAY,)
    store.check(SERIES, Span(*EVER))
    assert store.covered(SERIES) == ()


def test_file_that_is_gone_uncovers_its_day(store: HistoryStore, folder: Path) -> None:
    store.add(SERIES, DAY, bars(DAY.start, 5))
    parquet_files(folder)[0].unlink()
    assert everything(store) == ()
    assert store.covered(SERIES) == ()
    assert [each.kept_as for each in store.set_aside()] == [""]


def test_damaged_file_is_not_read_for_adding_to_it(store: HistoryStore, folder: Path) -> None:
    store.add(SERIES, DAY, bars(DAY.start, 5))
    parquet_files(folder)[0].write_bytes(b"PAR1 is what it begins with")
    later = bars(DAY.start + timedelta(hours=1), 5)
    store.add(SERIES, span_of(later), later)
    assert everything(store) == later
    assert store.covered(SERIES) == (span_of(later),)


def test_files_swapped_with_each_other_are_both_damaged(store: HistoryStore, folder: Path) -> None:
    store.add(SERIES, DAY, bars(DAY.start, 5))
    store.add(SERIES, NEXT_DAY, bars(NEXT_DAY.start, 5, price=120.0))
    one, other = parquet_files(folder)
    kept = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(kept)
    assert everything(store) == ()
    assert store.covered(SERIES) == ()


# ── what is refused ─────────────────────────────────────────────────────────────────────────


def test_store_of_a_newer_desk_is_refused_and_left_as_it_is(folder: Path) -> None:
    with HistoryStore.open(folder) as store:
        store.add(SERIES, DAY, bars(OPEN, 3))
    path = folder / CATALOGUE_NAME
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    before = path.read_bytes()
    with pytest.raises(HistoryRefused, match="newer desk"), HistoryStore.open(folder):
        pass
    assert path.read_bytes() == before


def test_store_of_an_older_desk_is_brought_up_and_a_copy_is_kept(folder: Path) -> None:
    with HistoryStore.open(folder) as store:
        store.add(SERIES, DAY, bars(OPEN, 3))
    newer = (*VERSIONS, "CREATE TABLE remarks (text TEXT);")
    with HistoryStore.open(folder, versions=newer) as store:
        assert everything(store) == bars(OPEN, 3)
    with HistoryStore.open(folder, versions=newer) as store:
        assert everything(store) == bars(OPEN, 3)
    assert (folder / f"{CATALOGUE_NAME}.v1").exists()


@pytest.mark.parametrize("content", [b"a shopping list", b"SQLite format 3\0" + bytes(200)])
def test_catalogue_that_is_not_ours_is_refused(folder: Path, content: bytes) -> None:
    folder.mkdir()
    (folder / CATALOGUE_NAME).write_bytes(content)
    with pytest.raises(HistoryRefused), HistoryStore.open(folder):
        pass
    assert (folder / CATALOGUE_NAME).read_bytes() == content


def test_damaged_catalogue_is_refused_with_the_way_out(folder: Path) -> None:
    with HistoryStore.open(folder) as store:
        for nth in range(200):
            store.note_hole(series(con_id=nth + 1), DAY)
    path = folder / CATALOGUE_NAME
    content = bytearray(path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(HistoryRefused, match="Move the folder"), HistoryStore.open(folder):
        pass


def test_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HistoryRefused), HistoryStore.open(tmp_path / "file" / "history"):
        pass


# ── what fails on the way ───────────────────────────────────────────────────────────────────


def test_full_disk_leaves_all_as_it_was(
    store: HistoryStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = bars(OPEN, 10)
    store.add(SERIES, DAY, before)
    files = parquet_files(folder)
    calls: list[int] = []

    def full(handle: int) -> None:
        calls.append(handle)
        if len(calls) == 2:  # of the second day's file
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    two_days = (*bars(OPEN, 20, price=50.0), *bars(NEXT_DAY.start, 20))
    with pytest.raises(HistoryLost, match="No space left"):
        store.add(SERIES, span_of(two_days), two_days)
    monkeypatch.undo()
    assert everything(store) == before
    assert store.covered(SERIES) == (DAY,)
    assert [path for path in folder.rglob("*") if path.suffix in (".parquet", ".new")] == files
    store.add(SERIES, span_of(two_days), two_days)
    assert everything(store) == two_days


def test_who_waits_too_long_for_another_process_is_told_so(
    store: HistoryStore, folder: Path
) -> None:
    with HistoryStore.open(folder, patience_s=0.05) as other:
        store._db.execute("BEGIN IMMEDIATE")
        with pytest.raises(HistoryLost, match="Another process"):
            other.add(SERIES, DAY, bars(OPEN, 3))
        store._db.execute("ROLLBACK")
        other.add(SERIES, DAY, bars(OPEN, 3))
    assert everything(store) == bars(OPEN, 3)


def test_what_an_unfinished_change_left_is_swept_and_foreign_files_stay(
    store: HistoryStore, folder: Path
) -> None:
    store.add(SERIES, DAY, bars(OPEN, 3))
    (kept,) = parquet_files(folder)
    left = [kept.with_name("2026-11-19.77.parquet"), kept.with_name("2026-11-18.78.parquet.new")]
    foreign = kept.with_name("notes.parquet")
    for path in (*left, foreign):
        path.write_bytes(b"?")
    (folder / "unfinished.0011223344556677").touch()
    store.note_hole(SERIES, NEXT_DAY)
    assert not any(path.exists() for path in left)
    assert foreign.exists()
    assert kept.exists()
    assert not list(folder.glob("unfinished.*"))


def test_reader_that_was_overtaken_by_a_writer_reads_anew(
    store: HistoryStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = bars(OPEN, 10)
    store.add(SERIES, DAY, told)
    later = bars(OPEN + timedelta(hours=1), 10)
    content = HistoryStore._content
    with HistoryStore.open(folder) as other:

        def overtaken(self: HistoryStore, row: object) -> object:
            monkeypatch.setattr(HistoryStore, "_content", content)
            other.add(SERIES, DAY, later)
            return content(self, row)  # type: ignore[arg-type]  # it is handed on

        monkeypatch.setattr(HistoryStore, "_content", overtaken)
        assert everything(store) == told + later
    assert store.set_aside() == ()
    assert store.covered(SERIES) == (DAY,)


def test_threads_add_and_read_at_once(store: HistoryStore) -> None:
    def work(con_id: int) -> bool:
        own = series(con_id=con_id)
        told = [bars(OPEN + timedelta(hours=nth / 2), 30) for nth in range(8)]
        for nth, each in enumerate(told):
            store.add(own, span_of(each), each)
            if everything(store, own) != tuple(chain.from_iterable(told[: nth + 1])):
                return False
        return True

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(work, range(1, 5)))
