"""Bars of other programs' files, CSV or Parquet: all of a file is judged before any of it is kept.

A file has the columns start, open, high, low and close, and may have volume, wap and count. It
either says of each bar which series it belongs to, as our own exports do, or nothing of it: then
whoever asks says so. Bars of one series rise, and none comes twice.
"""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from apps.domain.bars import Bar
from apps.domain.errors import InvalidInput
from apps.domain.history.findings import ClosedHours, figure_fault
from apps.domain.history.plan import aligned
from apps.domain.history.series import Series, What
from apps.domain.history.spans import merged
from apps.domain.instruments import InstrumentKind
from apps.domain.sessions import Span
from apps.store.history.bar_file import COLUMNS, instant, microseconds, schema
from apps.store.history.store import HistoryStore

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["IDENTITY", "Imported", "import_file"]

IDENTITY = (
    "symbol",
    "con_id",
    "kind",
    "primary_exchange",
    "currency",
    "what",
    "bar_seconds",
    "regular_hours",
)
"""The columns that say which series a bar belongs to."""

_NEEDED = COLUMNS[:5]
_UNTOLD = {"volume": -1.0, "wap": -1.0, "count": -1}
"""What stands for what a file does not tell: as in bars of quotes, which have none of it."""

_MOST_FAULTS = 10
_ON_THE_CLOCK_S = 1_800
_BATCH = 65_536

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Imported:
    """What was taken over: bars of each series."""

    rows: tuple[tuple[Series, int], ...]


@dataclass(slots=True)
class _Column:
    """The bars of one series as they are read."""

    series: Series
    closed: ClosedHours
    starts: array[int] = field(default_factory=lambda: array("q"))
    figures: tuple[array[float], ...] = field(
        default_factory=lambda: tuple(array("d") for _ in COLUMNS[1:-1])
    )
    counts: array[int] = field(default_factory=lambda: array("q"))
    last: int = 0
    last_line: int = 0

    def take(self, line: int, bar: Bar) -> None:
        """Keep a bar. Raises ValueError that says what is wrong with it."""
        start = microseconds(bar.start)
        if self.starts and start <= self.last:
            order = "starts as" if start == self.last else "is earlier than"
            raise ValueError(f"it {order} line {self.last_line}")
        seconds = self.series.bar_seconds
        if seconds <= _ON_THE_CLOCK_S and aligned(bar.start, seconds) != bar.start:
            raise ValueError(f"no bar of {seconds} s starts {bar.start:%H:%M:%S}")
        if self.closed.has(bar.start):
            raise ValueError(f"the exchange was closed at {bar.start:%Y-%m-%d %H:%M} UTC")
        self.last, self.last_line = start, line
        self.starts.append(start)
        self.counts.append(bar.count)
        figures = (bar.open, bar.high, bar.low, bar.close, bar.volume, bar.wap)
        for column, value in zip(self.figures, figures, strict=True):
            column.append(value)

    def table(self) -> pa.Table:
        """Give the bars as the store keeps them."""
        import pyarrow as pa  # noqa: PLC0415 - slow to load, and not needed to show help

        starts = pa.array(self.starts, pa.int64()).cast(schema().field("start").type)
        figures = [pa.array(each, pa.float64()) for each in self.figures]
        counts = pa.array(self.counts, pa.int64())
        return pa.Table.from_arrays([starts, *figures, counts], schema=schema())

    def spans(self) -> tuple[Span, ...]:
        """Give what the bars cover: their own time and no more, for a file may have holes."""
        length = timedelta(seconds=self.series.bar_seconds)
        return merged(Span(at, at + length) for at in map(instant, self.starts))


def import_file(store: HistoryStore, path: Path, given: Series | None = None) -> Imported:
    """Keep all bars of a file, or none; ``given`` is the series where it does not say.

    Raises InvalidInput, which names the bad rows, and HistoryLost.
    """
    columns = _read(store, path, given)
    store.add_tables((each.series, each.spans(), each.table()) for each in columns)
    return Imported(tuple((each.series, len(each.starts)) for each in columns))


def _read(store: HistoryStore, path: Path, given: Series | None) -> Sequence[_Column]:
    found: dict[Series, _Column] = {}
    faults: list[str] = []
    more = 0
    known: dict[tuple[object, ...], Series] = {}
    for line, row in _rows(path, given):
        try:
            series = given or _series(row, known)
            column = found.get(series)
            if column is None:
                closed = ClosedHours(series, store.schedule(series))
                column = found[series] = _Column(series, closed)
            column.take(line, _bar(row, series.bar_seconds))
        except (ValueError, InvalidInput) as fault:
            more += len(faults) >= _MOST_FAULTS
            if len(faults) < _MOST_FAULTS:
                faults.append(f"line {line}: {fault}")
    if faults:
        rest = f"; and {more:,} more" if more else ""
        raise InvalidInput(f"{path.name} was not taken over. {'; '.join(faults)}{rest}.")
    if not found:
        raise InvalidInput(f"{path.name} holds no bars.")
    return tuple(found.values())


def _rows(path: Path, given: Series | None) -> Iterator[tuple[int, Row]]:
    """Give each row with its line in the file; a Parquet file's first row is line 1."""
    form = path.suffix.lower()
    try:
        if form == ".csv":
            yield from _csv_rows(path, given)
        elif form == ".parquet":
            yield from _parquet_rows(path, given)
        else:
            raise InvalidInput(f"{path.name} is neither .csv nor .parquet.")
    except OSError as error:
        raise InvalidInput(
            f"{path} cannot be read: {error.strerror or error}. Nothing was taken over."
        ) from error


def _csv_rows(path: Path, given: Series | None) -> Iterator[tuple[int, Row]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        try:
            names = [each.strip() for each in next(reader, [])]
            _check_columns(path, names, given)
            for cells in reader:
                if not cells:
                    continue
                # one cell too many or too few would shift all that follow it
                fits = len(cells) == len(names)
                yield reader.line_num, dict(zip(names, cells, strict=False)) if fits else {}
        except (csv.Error, UnicodeDecodeError) as error:
            raise InvalidInput(
                f"{path.name} was not taken over: line {reader.line_num + 1} is no CSV in UTF-8 "
                f"({error})."
            ) from error


def _parquet_rows(path: Path, given: Series | None) -> Iterator[tuple[int, Row]]:
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        with pq.ParquetFile(path) as file:
            _check_columns(path, file.schema_arrow.names, given)
            line = 0
            for batch in file.iter_batches(_BATCH):
                for row in batch.to_pylist():
                    line += 1
                    yield line, row
    except pa.ArrowException as error:
        raise InvalidInput(f"{path.name} is no Parquet file that can be read: {error}.") from error


def _check_columns(path: Path, names: Sequence[str], given: Series | None) -> None:
    twice = sorted({each for each in names if names.count(each) > 1})
    unknown = sorted(set(names) - {*COLUMNS, *IDENTITY})
    needed = (*_NEEDED, *(() if given is not None else IDENTITY))
    absent = [each for each in needed if each not in names]
    told = given is not None and [each for each in IDENTITY if each in names]
    for wrong, words in (
        (twice, "has a column twice"),
        (unknown, "has columns that bars do not have"),
        (absent, "lacks columns"),
        (told, "says itself which series its bars belong to, so none is to be given; it has"),
    ):
        if wrong:
            hint = (
                " Or say which series its bars belong to: SYMBOL and --bar."
                if words.startswith("lacks") and not set(absent) & set(_NEEDED)
                else ""
            )
            raise InvalidInput(
                f"{path.name} {words}: {', '.join(wrong)}. Nothing was taken over.{hint}"
            )


def _series(row: Row, known: dict[tuple[object, ...], Series]) -> Series:
    if not row:
        raise ValueError("it has not as many cells as there are columns")
    key = tuple(row[name] for name in IDENTITY)
    series = known.get(key)
    if series is None:
        hours = str(row["regular_hours"]).lower()
        if hours not in ("true", "false"):
            raise ValueError(f"regular_hours is {row['regular_hours']!r}, not true or false")
        series = known[key] = Series(
            con_id=int(str(row["con_id"])),
            symbol=str(row["symbol"]),
            kind=InstrumentKind(row["kind"]),
            primary_exchange=str(row["primary_exchange"]),
            currency=str(row["currency"]),
            what=What(row["what"]),
            bar_seconds=int(str(row["bar_seconds"])),
            regular_hours=hours == "true",
        )
    return series


def _bar(row: Row, seconds: int) -> Bar:
    if not row:
        raise ValueError("it has not as many cells as there are columns")
    opened, high, low, close = prices = [_number(row, name) for name in COLUMNS[1:5]]
    volume, wap, count = (
        _number(row, name) if row.get(name) not in (None, "") else untold
        for name, untold in _UNTOLD.items()
    )
    if count != int(count):
        raise ValueError(f"count is {count}, not a whole number")
    start = _time(row["start"])
    bar = Bar(start, seconds, opened, high, low, close, volume, wap, int(count))
    if min(prices) <= 0:
        raise ValueError("a price is 0 or negative")
    if fault := figure_fault(bar):
        raise ValueError(fault)
    return bar


def _number(row: Row, name: str) -> float:
    try:
        value = float(str(row[name]))
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise ValueError(f"{name} is {row[name]!r}, not a number")
    return value


def _time(value: object) -> datetime:
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
    except ValueError:
        raise ValueError(f"start is {value!r}, not a time as 2026-11-20T14:30:00Z") from None
    if at.tzinfo is None:
        raise ValueError(f"start is {value!r}, without an offset from UTC")
    return at.astimezone(UTC)
