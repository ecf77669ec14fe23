"""Bars out of a file: rows of a table, each checked, none guessed.

At home here: which columns there must be, what times and numbers may look like, and in which order
rows stand. What a row means for a market is not known here (`apps.paper.feed.bar_spans`). A CSV is
read here; any other format is the business of a reader that the caller gives.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apps.domain.errors import InvalidInput
from apps.paper.clock import millis_of
from apps.paper.feed.market import Millis

__all__ = ["DAY_S", "BarFile", "BarRow", "Table", "TableReader", "read_bars", "read_csv"]

DAY_S = 86_400
_DAY_MS = DAY_S * 1000
_SHORTEST_DAY_MS = _DAY_MS - 3_600_000
"""From midnight to midnight when the clocks go forward."""

_LARGEST_STEP_MS = 5 * _DAY_MS
"""No two trading days are farther apart, unless every one of them is: a file of weeks."""

_GRAIN_S = 5


class Table(NamedTuple):
    """A file as it came: names of columns, and cells with the line that they stand in.

    Cells are texts, numbers, or aware datetimes.
    """

    columns: Sequence[str]
    rows: Iterable[tuple[int, Sequence[object]]]


TableReader = Callable[[Path], Table]
"""Reads one format. It raises InvalidInput with a sentence that names the file."""


class BarRow(NamedTuple):
    """One row. A dated row has ``start`` at its date's midnight, UTC. ``trades`` None: not said."""

    line: int
    start: Millis
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int
    trades: int | None


@dataclass(frozen=True, slots=True)
class BarFile:
    """The bars of one instrument, oldest first; each lasts ``seconds`` unless it is cut short.

    ``is_dated``: bars of whole days that are named by their date, without a time.
    """

    path: Path
    seconds: int
    rows: tuple[BarRow, ...]
    is_dated: bool = False
    has_volume: bool = True


_NAMES: dict[str, tuple[str, ...]] = {
    "time": ("time", "start", "date", "datetime", "timestamp", "ts"),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "volume": ("volume", "vol", "v"),
    "count": ("count", "trades", "barcount", "bar_count", "trade_count"),
}
"""Columns, and the names by which they go, in any case; others are not read."""

_OPTIONAL = frozenset({"volume", "count"})

_DATE = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)", re.ASCII)
_EPOCH = re.compile(r"\d{9,19}(\.\d+)?", re.ASCII)
_IB_TIME = re.compile(r"(\d{8})[ -]+(\d\d:\d\d:\d\d)(?: +([A-Za-z][\w/+-]*))?", re.ASCII)
_EPOCH_UNITS = ((10**11, 1), (10**14, 1_000), (10**17, 1_000_000), (10**20, 1_000_000_000))
"""Below so much it is seconds, milliseconds, microseconds, nanoseconds."""


class _Bad(Exception):
    """A cell is not what its column holds."""

    def __init__(self, column: str, why: str) -> None:
        super().__init__(why)
        self.column = column


def read_bars(path: Path, readers: Mapping[str, TableReader] | None = None) -> BarFile:
    """Read a file of bars; ``readers`` are those of other formats, by suffix (``.parquet``).

    Raises InvalidInput with one sentence that names file, line and column.
    """
    table = _reader_of(path, readers or {})(path)
    places = _places(path, table.columns)
    rows, dated = [], set()
    for line, cells in table.rows:
        try:
            row, is_dated = _row(line, cells, places)
        except _Bad as bad:
            raise InvalidInput(f"{path}, line {line}, column {bad.column}: {bad}.") from None
        rows.append(row)
        dated.add(is_dated)
    if not rows:
        raise InvalidInput(f"{path} has no bars in it.")
    if len(dated) > 1:
        raise InvalidInput(f"{path} mixes dates and times; every row needs the one or the other.")
    _check_order(path, rows)
    is_dated = dated.pop()
    return BarFile(path, _seconds(path, rows, is_dated), tuple(rows), is_dated, "volume" in places)


def read_csv(path: Path) -> Table:
    """Read a CSV with a line of names at its top. Raises InvalidInput."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is not a CSV: it is not text.") from None
    lines = csv.reader(text.splitlines())
    columns = next(lines, None)
    if not columns:
        raise InvalidInput(f"{path} is empty; a line of column names belongs at its top.")
    return Table(columns, _csv_rows(path, lines))


def _csv_rows(path: Path, lines: Iterator[list[str]]) -> Iterator[tuple[int, Sequence[object]]]:
    number = 1
    try:
        for number, cells in enumerate(lines, start=2):
            if cells:
                yield number, cells
    except csv.Error as error:
        raise InvalidInput(f"{path}, line {number + 1}: {error}.") from None


def _reader_of(path: Path, readers: Mapping[str, TableReader]) -> TableReader:
    suffix = path.suffix.lower()
    known = {".csv": read_csv, **readers}
    if suffix not in known:
        raise InvalidInput(f"{path} cannot be read: it is none of {', '.join(sorted(known))}.")
    return known[suffix]


def _places(path: Path, columns: Sequence[str]) -> dict[str, int]:
    """Give the place of each column that is there."""
    there: dict[str, int] = {}
    for place, name in enumerate(columns):
        if there.setdefault(name.strip().lower(), place) != place and name.strip():
            raise InvalidInput(f"{path}, line 1: there are two columns {name.strip()}; keep one.")
    places = {}
    for column, names in _NAMES.items():
        found = next((there[name] for name in names if name in there), None)
        if found is not None:
            places[column] = found
        elif column not in _OPTIONAL:
            raise InvalidInput(
                f"{path}, line 1: there is no column {column} (or {', '.join(names[1:])}); "
                f"there are {', '.join(columns)}."
            )
    return places


def _row(line: int, cells: Sequence[object], places: Mapping[str, int]) -> tuple[BarRow, bool]:
    def cell(column: str) -> object:
        if places[column] >= len(cells):
            raise _Bad(column, "the row ends before it")
        return cells[places[column]]

    start, is_dated = _time(cell("time"))
    if not is_dated and start % (_GRAIN_S * 1000):
        raise _Bad(
            "time", f"a bar begins at a multiple of {_GRAIN_S} seconds, not at {cell('time')}"
        )
    opens, high, low, close = (
        _price(name, cell(name)) for name in ("open", "high", "low", "close")
    )
    if high < low:
        raise _Bad("high", f"the high of {high} is below the low of {low}")
    for name, price in (("open", opens), ("close", close)):
        if not low <= price <= high:
            raise _Bad(name, f"the {name} of {price} is not between low {low} and high {high}")
    volume = _whole("volume", cell("volume")) if "volume" in places else 0
    count = _whole("count", cell("count")) if "count" in places else None
    return BarRow(line, start, opens, high, low, close, volume, count), is_dated


def _number(column: str, cell: object) -> Decimal:
    try:
        number = Decimal(str(cell).strip())
    except InvalidOperation:
        raise _Bad(column, f"a number belongs here, not {str(cell)!r}") from None
    if not number.is_finite():
        raise _Bad(column, f"a number belongs here, not {str(cell)!r}")
    return number


def _price(column: str, cell: object) -> Decimal:
    price = _number(column, cell)
    if price <= 0:
        raise _Bad(column, f"a price above 0 belongs here, not {cell}")
    return price


def _whole(column: str, cell: object) -> int:
    """Read a volume or a count; fractions of a share are rounded."""
    number = _number(column, cell)
    if number < 0:
        raise _Bad(column, f"a number of 0 or more belongs here, not {cell}")
    return round(number)


def _time(cell: object) -> tuple[Millis, bool]:
    """Read a time, or a date; tell whether it is the latter."""
    if isinstance(cell, datetime):
        return _millis(cell, str(cell)), False
    text = cell.isoformat() if isinstance(cell, date) else str(cell).strip()
    if (found := _DATE.fullmatch(text)) is not None:
        return _midnight(text, *map(int, found.groups())), True
    if _EPOCH.fullmatch(text) is not None:
        number = Decimal(text)
        unit = next(unit for below, unit in _EPOCH_UNITS if number < below)
        return int(number * 1000 / unit), False
    if (found := _IB_TIME.fullmatch(text)) is not None:
        return _ib_time(text, *found.groups()), False
    try:
        return _millis(datetime.fromisoformat(text), text), False
    except ValueError:
        raise _Bad("time", f"a time belongs here, not {text!r}") from None


def _midnight(text: str, year: int, month: int, day: int) -> Millis:
    try:
        return millis_of(datetime.combine(date(year, month, day), time(), UTC))
    except ValueError:
        raise _Bad("time", f"there is no day {text!r}") from None


def _ib_time(text: str, day: str, clock: str, zone: str | None) -> Millis:
    try:
        at = datetime.fromisoformat(f"{day}T{clock}")
        # between date and time IB writes a dash where the time is UTC
        held = ZoneInfo(zone) if zone else UTC if "-" in text[8:10] else None
    except (ValueError, ZoneInfoNotFoundError):
        raise _Bad("time", f"a time belongs here, not {text!r}") from None
    return _millis(at.replace(tzinfo=held), text)


def _millis(at: datetime, text: str) -> Millis:
    if at.tzinfo is None:
        raise _Bad(
            "time",
            f"the zone of {text!r} is missing; write it as 2026-11-20T09:30:00-05:00 or in "
            "seconds since 1970",
        )
    return millis_of(at)


def _check_order(path: Path, rows: Sequence[BarRow]) -> None:
    for before, row in pairwise(rows):
        if row.start == before.start:
            raise InvalidInput(
                f"{path}, line {row.line}, column time: it is the time of line {before.line}; "
                "a bar belongs here once."
            )
        if row.start < before.start:
            raise InvalidInput(
                f"{path}, line {row.line}, column time: it is before that of line {before.line}; "
                "bars belong here in order, oldest first."
            )


def _seconds(path: Path, rows: Sequence[BarRow], is_dated: bool) -> int:
    """Give the length of the bars: the least distance of two."""
    if len(rows) == 1 and not is_dated:
        raise InvalidInput(f"{path} has one bar, which does not tell how long it is; give two.")
    least = min(_distances(rows), default=_DAY_MS)
    if least >= _LARGEST_STEP_MS:
        raise InvalidInput(
            f"{path} has bars that are {least // _DAY_MS} days apart; a day is the largest."
        )
    if least >= _SHORTEST_DAY_MS:
        return DAY_S
    if _DAY_MS % least:
        raise InvalidInput(
            f"{path} has bars that are {least // 1000} s apart, which does not divide a day."
        )
    return least // 1000


def _distances(rows: Sequence[BarRow]) -> list[int]:
    """Give how far bars are apart, without the first ones of the days if there are others.

    IB cuts the first bar of a session to the grid: hours are stamped 09:30, 10:00, 11:00.
    """
    days = [None, *(row.start // _DAY_MS for row in rows)]
    apart = [(b.start - a.start, days[n] != days[n + 1]) for n, (a, b) in enumerate(pairwise(rows))]
    return [ms for ms, is_first in apart if not is_first] or [ms for ms, _ in apart]
