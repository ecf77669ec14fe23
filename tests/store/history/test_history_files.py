"""Bars from and to other programs' files: all of a file or none, and the bad rows by line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from apps.domain.errors import InvalidInput
from apps.domain.history.schedule import Schedule
from apps.domain.sessions import Span
from apps.store.history.export_file import export_file
from apps.store.history.import_file import import_file
from apps.store.history.store import HistoryStore
from tests.store.history.bar_samples import DAY, NEXT_DAY, OPEN, bars, series, span_of

SERIES = series()

HEAD = "start,open,high,low,close,volume,wap,count"
GOOD = "2026-11-19T14:30:00Z,100,101,99.5,100.5,900,100.2,7"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[HistoryStore]:
    with HistoryStore.open(tmp_path / "history") as opened:
        yield opened


@pytest.fixture
def other(tmp_path: Path) -> Iterator[HistoryStore]:
    with HistoryStore.open(tmp_path / "other") as opened:
        yield opened


def told(path: Path, *lines: str) -> Path:
    path.write_text("\n".join((HEAD, *lines, "")), encoding="utf-8")
    return path


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_what_is_exported_is_imported_as_it_was(
    store: HistoryStore, other: HistoryStore, tmp_path: Path, ending: str
) -> None:
    kept = [SERIES, series("MSFT", 272093, bar_seconds=5), series(regular_hours=False)]
    for each in kept:
        for day in (DAY, NEXT_DAY):
            some = bars(day.start, 40, seconds=each.bar_seconds, price=1 / 3 + 100)
            store.add(each, span_of(some), some)
    path = tmp_path / f"bars.{ending}"
    assert export_file(store, path, kept) == 240
    found = import_file(other, path)
    assert dict(found.rows) == dict.fromkeys(kept, 80)
    for each in kept:
        everything = (DAY.start, NEXT_DAY.end)
        assert other.bars(each, *everything) == store.bars(each, *everything)
        assert other.covered(each) == store.covered(each)
    assert [str(each) for each in other.all_series()] == [str(each) for each in store.all_series()]


def test_export_of_a_range_holds_just_that(store: HistoryStore, tmp_path: Path) -> None:
    some = bars(OPEN, 10)
    store.add(SERIES, DAY, some)
    path = tmp_path / "bars.csv"
    span = Span(some[2].start, some[5].start)
    assert export_file(store, path, [SERIES], span) == 3
    head, *rows = path.read_text(encoding="utf-8").splitlines()
    assert head == (
        "symbol,con_id,kind,primary_exchange,currency,what,bar_seconds,regular_hours,"
        "start,open,high,low,close,volume,wap,count"
    )
    assert rows[0] == (
        "AAPL,265598,STK,NASDAQ,USD,TRADES,60,true,"
        "2026-11-19T14:32:00Z,100.02,100.52,99.77,100.11999999999999,900.0,100.02,7"
    )


def test_export_replaces_no_file_and_leaves_no_half_one(
    store: HistoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add(SERIES, DAY, bars(OPEN, 3))
    there = tmp_path / "there.csv"
    there.write_text("mine")
    with pytest.raises(InvalidInput, match="there already"):
        export_file(store, there, [SERIES])
    assert there.read_text() == "mine"
    for name, words in (("bars.txt", "neither"), ("no/bars.csv", "cannot be written")):
        with pytest.raises(InvalidInput, match=words):
            export_file(store, tmp_path / name, [SERIES])
    full = OSError(28, "No space left on device")
    monkeypatch.setattr("apps.store.history.export_file.bars_of", _raising(full))
    with pytest.raises(InvalidInput, match="No space left"):
        export_file(store, tmp_path / "bars.csv", [SERIES])
    assert not (tmp_path / "bars.csv").exists()


def _raising(error: Exception) -> object:
    def fail(*_: object) -> None:
        raise error

    return fail


def test_plain_file_is_taken_for_the_series_that_is_given(
    store: HistoryStore, tmp_path: Path
) -> None:
    path = tmp_path / "bars.csv"
    path.write_text(
        "start,open,high,low,close\n"
        "2026-11-19T09:30:00-05:00,100,101,99,100\n"
        "2026-11-19 14:31:00+00:00,1e2,101,99,100\n"
        "2026-11-19T15:00:00Z,100,101,99,100\n",
        encoding="utf-8-sig",
    )
    import_file(store, path, SERIES)
    found = store.bars(SERIES, DAY.start, DAY.end)
    minutes = [(each.start - OPEN) // timedelta(minutes=1) for each in found]
    assert minutes == [0, 1, 30]
    assert {(each.volume, each.wap, each.count) for each in found} == {(-1.0, -1.0, -1)}
    at = OPEN + timedelta(minutes=30)
    assert store.covered(SERIES) == (
        Span(OPEN, OPEN + timedelta(minutes=2)),
        Span(at, at + timedelta(minutes=1)),
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("2026-11-19T14:31:00,100,101,99,100,1,1,1", "without an offset"),
        ("yesterday,100,101,99,100,1,1,1", "not a time"),
        ("2026-11-19T14:31:30Z,100,101,99,100,1,1,1", "no bar of 60 s starts 14:31:30"),
        ("2026-11-19T14:31:00Z,x,101,99,100,1,1,1", "open is 'x', not a number"),
        ("2026-11-19T14:31:00Z,nan,101,99,100,1,1,1", "open is 'nan', not a number"),
        ("2026-11-19T14:31:00Z,,101,99,100,1,1,1", "open is '', not a number"),
        ("2026-11-19T14:31:00Z,102,101,99,100,1,1,1", "high is below"),
        ("2026-11-19T14:31:00Z,100,101,100.5,100,1,1,1", "low is above"),
        ("2026-11-19T14:31:00Z,0,101,0,100,1,1,1", "0 or negative"),
        ("2026-11-19T14:31:00Z,100,101,99,100,1,1,1.5", "not a whole number"),
        ("2026-11-19T14:31:00Z,100,101,99,100,1,1", "as many cells"),
        ("2026-11-19T14:31:00Z,100,101,99,100,1,1,1,1", "as many cells"),
        (GOOD, "starts as line 2"),
        ("2026-11-19T14:29:00Z,100,101,99,100,1,1,1", "earlier than line 2"),
        ("2026-11-19T21:00:00Z,100,101,99,100,1,1,1", "the exchange was closed"),
    ],
)
def test_bad_row_is_named_by_its_line_and_nothing_is_kept(
    store: HistoryStore, tmp_path: Path, line: str, words: str
) -> None:
    store.note_schedule(SERIES, Schedule((Span(DAY.start, NEXT_DAY.end),), (DAY, NEXT_DAY)))
    later = "2026-11-20T14:30:00Z,100,101,99,100,1,1,1"
    path = told(tmp_path / "bars.csv", GOOD, line, later)
    with pytest.raises(InvalidInput) as caught:
        import_file(store, path, SERIES)
    assert "line 3: " in caught.value.message
    assert words in caught.value.message
    assert caught.value.message.count("line") <= 3
    assert store.all_series() == ()
    assert not list(store.folder.rglob("*.parquet"))


def test_many_bad_rows_are_counted(store: HistoryStore, tmp_path: Path) -> None:
    path = told(tmp_path / "bars.csv", *["never,1,1,1,1,1,1,1"] * 5_000)
    with pytest.raises(InvalidInput, match="and 4,990 more"):
        import_file(store, path, SERIES)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "lacks columns: start"),
        (b"start,open,high,low\n", "lacks columns: close"),
        (b"start,open,high,low,close,colour\n", "do not have: colour"),
        (b"start,open,open,high,low,close\n", "a column twice: open"),
        (HEAD.encode() + b"\n", "holds no bars"),
        (HEAD.encode() + b"\n\xff\xfe\x00", "no CSV in UTF-8"),
        (HEAD.encode() + b'\n"', "no CSV in UTF-8"),
    ],
)
def test_file_of_another_form_is_refused(
    store: HistoryStore, tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "bars.csv"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=words):
        import_file(store, path, SERIES)


def test_file_says_of_which_series_it_is_or_is_told(store: HistoryStore, tmp_path: Path) -> None:
    plain = told(tmp_path / "plain.csv", GOOD)
    with pytest.raises(InvalidInput, match="SYMBOL and --bar"):
        import_file(store, plain)
    store.add(SERIES, DAY, bars(OPEN, 3))
    own = tmp_path / "own.csv"
    export_file(store, own, [SERIES])
    with pytest.raises(InvalidInput, match="says itself"):
        import_file(store, own, SERIES)


@pytest.mark.parametrize("name", ["no.csv", "no.parquet", "folder.csv", "bars.txt"])
def test_what_cannot_be_read_is_one_sentence(
    store: HistoryStore, tmp_path: Path, name: str
) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InvalidInput):
        import_file(store, tmp_path / name, SERIES)


def test_parquet_of_another_program_is_read_by_its_columns(
    store: HistoryStore, tmp_path: Path
) -> None:
    path = tmp_path / "bars.parquet"
    columns: dict[str, list[float]] = {
        "close": [100.5, 101.0],
        "open": [100, 101],
        "high": [101, 102],
        "low": [99, 100],
    }
    starts = pa.array([each.start for each in bars(OPEN, 2)], pa.timestamp("ms", tz="UTC"))
    pq.write_table(pa.table(columns).append_column("start", starts), path)
    import_file(store, path, SERIES)
    assert [each.close for each in store.bars(SERIES, DAY.start, DAY.end)] == [100.5, 101.0]
    pq.write_table(pa.table(columns).append_column("start", starts[::-1]), path)
    with pytest.raises(InvalidInput, match="line 2: it is earlier than line 1"):
        import_file(store, path, SERIES)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(InvalidInput, match="no Parquet"):
        import_file(store, path, SERIES)
