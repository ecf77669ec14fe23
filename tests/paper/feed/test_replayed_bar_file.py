from __future__ import annotations

import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from apps.domain.errors import InvalidInput
from apps.paper.feed.bar_file import Table, read_bars
from apps.paper.feed.parquet import read_parquet

HEAD = "time,open,high,low,close,volume"
AT = int(datetime(2026, 11, 20, 14, 30, tzinfo=UTC).timestamp()) * 1000


def written(folder: Path, *lines: str, head: str = HEAD) -> Path:
    path = folder / "aapl.csv"
    path.write_text("\n".join([head, *lines]) + "\n")
    return path


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20T14:30:00Z",
        "2026-11-20 09:30:00-05:00",
        "20261120 09:30:00 US/Eastern",
        "20261120-14:30:00",
        str(AT // 1000),
        str(AT),
        f"{AT}000000",
        f"{AT // 1000}.0",
    ],
)
def test_times_may_be_written_in_many_ways(tmp_path: Path, text: str) -> None:
    next_one = "2026-11-20T14:31:00+00:00"
    file = read_bars(written(tmp_path, f"{text},1,2,1,1.5,100", f"{next_one},1,1,1,1,0"))
    assert [row.start for row in file.rows] == [AT, AT + 60_000]
    assert (file.seconds, file.is_dated) == (60, False)


def test_columns_go_by_many_names_in_any_order_and_case(tmp_path: Path) -> None:
    head = "Close,Low,High,Open,date,barCount,Vol,average"
    path = written(
        tmp_path, "1.5,1,2,1.2,20261119,7,100.0,1.3", "1,1,1,1,20261120,1,1,1", head=head
    )
    file = read_bars(path)
    first = file.rows[0]
    assert first[2:] == (Decimal("1.2"), Decimal(2), Decimal(1), Decimal("1.5"), 100, 7)
    assert (first.line, file.seconds, file.is_dated) == (2, 86_400, True)


def test_length_of_bars_is_the_least_distance(tmp_path: Path) -> None:
    assert seconds_of(tmp_path, "14:30", "14:40", "14:45", "15:45") == 300
    assert seconds_of(tmp_path, "14:30", "14:31") == 60


def test_first_bar_of_a_day_which_ib_cuts_short_tells_no_length(tmp_path: Path) -> None:
    assert seconds_of(tmp_path, "14:30", "15:00", "16:00", "17:00") == 3_600


def seconds_of(folder: Path, *times: str) -> int:
    lines = [f"2026-11-20T{at}:00Z,1,1,1,1,1" for at in times]
    return read_bars(written(folder, *lines)).seconds


GOOD = "2026-11-20T14:30:00Z,1,2,1,1.5,100"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (
            ["2026-11-20T14:30:00Z,1,2,3,1.5,100"],
            "line 2, column high: the high of 2 is below the low of 3",
        ),
        (
            ["2026-11-20T14:30:00Z,5,2,1,1.5,100"],
            "line 2, column open: the open of 5 is not between",
        ),
        (
            ["2026-11-20T14:30:00Z,1,2,1,9,100"],
            "line 2, column close: the close of 9 is not between",
        ),
        (
            ["2026-11-20T14:30:00Z,1,2,x,1,100"],
            "line 2, column low: a number belongs here, not 'x'",
        ),
        (
            ["2026-11-20T14:30:00Z,1,nan,1,1,100"],
            "line 2, column high: a number belongs here, not 'nan'",
        ),
        (["2026-11-20T14:30:00Z,1,2,-1,1,100"], "line 2, column low: a price above 0 belongs here"),
        (["2026-11-20T14:30:00Z,1,2,1,1,-100"], "line 2, column volume: a number of 0 or more"),
        (["2026-11-20T14:30:00Z,1,2,1,1,"], "line 2, column volume: a number belongs here, not ''"),
        (["2026-11-20T14:30:00Z,1,2"], "line 2, column low: the row ends before it"),
        (
            ["2026-11-20T14:30:00,1,2,1,1,1"],
            "line 2, column time: the zone of '2026-11-20T14:30:00' is",
        ),
        (["yesterday,1,2,1,1,1"], "line 2, column time: a time belongs here, not 'yesterday'"),
        (["20261120 09:30:00 Mars/Base,1,2,1,1,1"], "line 2, column time: a time belongs here"),
        (["20261320,1,2,1,1,1"], "line 2, column time: there is no day '20261320'"),
        (
            ["2026-11-20T14:30:01Z,1,2,1,1,1"],
            "line 2, column time: a bar begins at a multiple of 5",
        ),
        ([GOOD, GOOD], "line 3, column time: it is the time of line 2"),
        (
            ["2026-11-20T14:31:00Z,1,1,1,1,1", "", GOOD],
            "line 4, column time: it is before that of line 2",
        ),
        ([GOOD, "2026-11-21,1,1,1,1,1"], "mixes dates and times"),
        ([GOOD], "has one bar, which does not tell how long it is"),
        ([GOOD, "2026-11-20T14:30:35Z,1,1,1,1,1"], "35 s apart, which does not divide a day"),
        (["20261101,1,1,1,1,1", "20261108,1,1,1,1,1"], "7 days apart; a day is the largest"),
        ([], "has no bars in it"),
    ],
)
def test_bad_row_is_one_sentence_with_file_line_and_column(
    tmp_path: Path, lines: list[str], words: str
) -> None:
    path = written(tmp_path, *lines)
    with pytest.raises(InvalidInput) as raised:
        read_bars(path)
    assert raised.value.message.startswith(str(path))
    assert words in raised.value.message


def test_missing_column_names_those_that_are_there(tmp_path: Path) -> None:
    path = written(tmp_path, head="time,open,high,close")
    with pytest.raises(
        InvalidInput, match=r"line 1: there is no column low .*; there are time, open"
    ):
        read_bars(path)


def test_column_that_is_there_twice_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, "1", head="time,open,high,low,close,volume,Open")
    with pytest.raises(InvalidInput, match="line 1: there are two columns Open; keep one"):
        read_bars(path)


def test_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(InvalidInput, match="is not a CSV: it is not text"):
        read_bars(path)
    path.write_bytes(b"")
    with pytest.raises(InvalidInput, match="is empty"):
        read_bars(path)


def test_reader_of_another_format_is_the_callers() -> None:
    def read(path: Path) -> Table:
        assert path == Path("a.feather")
        at = datetime.fromtimestamp(AT / 1000, UTC)
        rows = [(1, (at, 1.0, 2.0, 1.0, 1.5, 100)), (2, (at.replace(minute=31), 1, 1, 1, 1, 5.0))]
        return Table(HEAD.split(","), rows)

    file = read_bars(Path("a.feather"), {".feather": read})
    assert [row.start for row in file.rows] == [AT, AT + 60_000]
    assert file.rows[1].volume == 5


def test_parquet_is_read_where_pyarrow_is(monkeypatch: pytest.MonkeyPatch) -> None:
    column = SimpleNamespace(to_pylist=lambda: [1, 2])
    held = SimpleNamespace(column_names=["time", "open"], columns=[column, column])
    pyarrow, parquet = ModuleType("pyarrow"), ModuleType("pyarrow.parquet")
    parquet.read_table = lambda _: held  # type: ignore[attr-defined]  # the module is made here
    monkeypatch.setitem(sys.modules, "pyarrow", pyarrow)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", parquet)
    table = read_parquet(Path("a.parquet"))
    assert list(table.rows) == [(1, (1, 1)), (2, (2, 2))]


def test_parquet_without_pyarrow_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(
        InvalidInput, match=r"a\.parquet cannot be read without pyarrow; install it"
    ):
        read_bars(Path("a.parquet"), {".parquet": read_parquet})
