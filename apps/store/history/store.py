"""The store of bars: see `apps.engine.ports.History`.

One folder holds the catalogue and, below a folder for each instrument, the files. Any number of
processes may read and write at once; one writes at a time, and the others wait for it up to
`PATIENCE_S`. A file is believed when its bytes are those that the catalogue tells of; one that is
not is set aside, and what it covered counts as never asked for.
"""

from __future__ import annotations

import errno
import logging
import sqlite3
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from apps.domain.bars import Bar
from apps.domain.errors import HistoryRefused, InvalidInput
from apps.domain.history.rescaling import Rescaled, rescaled_by
from apps.domain.history.schedule import Schedule
from apps.domain.history.series import Series
from apps.domain.history.spans import merged, missing
from apps.domain.sessions import Span
from apps.store.database import is_locked, version_of
from apps.store.history.bar_file import (
    Damaged,
    bars_of,
    empty,
    instant,
    microseconds,
    positions,
    require_whole,
    starts_of,
    table_from,
    table_of,
)
from apps.store.history.catalogue import BarFileRow, Catalogue, SetAside
from apps.store.history.parts import Part, part_at, part_named
from apps.store.history.schema import CATALOGUE, CATALOGUE_NAME, VERSIONS
from apps.store.history.writing import Change, changing

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["PATIENCE_S", "HistoryStore", "Stored"]

_LOGGER = logging.getLogger(__name__)

T = TypeVar("T")

PATIENCE_S = 10.0
"""How long one process waits for another that writes."""

_OPENINGS = 20


@dataclass(frozen=True, slots=True)
class Stored:
    """What there is of one series. ``first`` and ``last`` are starts of bars, None without any."""

    series: Series
    bars: int
    first: datetime | None
    last: datetime | None
    files: int
    bytes: int
    covered: tuple[Span, ...]
    holes: tuple[Span, ...]


class HistoryStore:
    """Bars on disk, for all threads of this process."""

    def __init__(self, folder: Path, db: sqlite3.Connection) -> None:
        self.folder = folder
        self._db = db
        self._catalogue = Catalogue(db)
        self._lock = threading.RLock()

    @classmethod
    def is_at(cls, folder: Path) -> bool:
        """Tell whether anything was ever kept in ``folder``. Raises HistoryRefused."""
        return CATALOGUE.is_ours(folder / CATALOGUE_NAME)

    @classmethod
    @contextmanager
    def open(
        cls,
        folder: Path,
        *,
        patience_s: float = PATIENCE_S,
        versions: Sequence[str] = VERSIONS,
    ) -> Iterator[HistoryStore]:
        """Keep bars in ``folder`` while the block runs; it is made if it is not there.

        Raises HistoryRefused for a store that is damaged, foreign or of a newer desk; that is left
        as it is.
        """
        path = folder / CATALOGUE_NAME
        with CATALOGUE.refusal_of(path):
            try:
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            except OSError as error:
                raise HistoryRefused(
                    f"The folder {folder} cannot be made: {error.strerror}. DESK_HOME may hold a "
                    "folder that can be written to."
                ) from error
            CATALOGUE.is_ours(path)
            db = sqlite3.connect(
                path, isolation_level=None, timeout=patience_s, check_same_thread=False
            )
        with closing(db):
            store = cls(folder, db)
            with CATALOGUE.refusal_of(path):
                store._begin(versions)
            yield store

    # ── what is there ────────────────────────────────────────────────────────────────────────

    def covered(self, series: Series) -> tuple[Span, ...]:
        """Give what was asked of the broker and kept; see `History.covered`."""
        return self._known(series, Catalogue.covered)

    def known_holes(self, series: Series) -> tuple[Span, ...]:
        """Give what the broker has no bars of; see `History.known_holes`."""
        return self._known(series, Catalogue.holes)

    def schedule(self, series: Series) -> Schedule:
        """Give the sessions that were noted; see `History.schedule`."""
        with self._reading():
            return self._catalogue.schedule(series)

    def all_series(self) -> tuple[Series, ...]:
        """Give every series of which anything was kept, by symbol and bar size."""
        with self._reading():
            return self._catalogue.all_series()

    def check(self, series: Series, span: Span) -> None:
        """Set aside the damaged files of ``span``; see `History.check`."""
        for row in self._files(series, span):
            try:
                self._bytes(row)
            except Damaged:
                self._read(series, row)

    def stored(self, series: Series) -> Stored:
        """Tell how much there is of a series."""
        with self._reading():
            number = self._catalogue.number_of(series)
            files = () if number is None else self._catalogue.files(number)
            return Stored(
                series=series,
                bars=sum(each.bars for each in files),
                first=instant(files[0].first) if files else None,
                last=instant(files[-1].last) if files else None,
                files=len(files),
                bytes=sum(each.bytes for each in files),
                covered=() if number is None else self._catalogue.covered(number),
                holes=() if number is None else self._catalogue.holes(number),
            )

    def count(self, series: Series, span: Span) -> int:
        """Give how many bars of ``span`` there are."""
        start, end = microseconds(span.start), microseconds(span.end)
        total = 0
        for row in self._files(series, span):
            if start <= row.first and row.last < end:
                total += row.bars
            elif (table := self._read(series, row)) is not None:
                total += _slice(table, row, span).num_rows
        return total

    def rescaled(self, series: Series) -> tuple[Rescaled, ...]:
        """Give what was told anew in another scale while bars in the old one may be there."""
        return self._known(series, Catalogue.rescaled)

    def set_aside(self) -> tuple[SetAside, ...]:
        """Give the files that turned out to be damaged, whose parts hold nothing since."""
        with self._reading():
            return self._catalogue.set_aside()

    def bars(self, series: Series, start: datetime, end: datetime) -> tuple[Bar, ...]:
        """Give the bars that start in ``[start, end)``; see `History.bars`."""
        return tuple(bars_of(self.table(series, start, end), series.bar_seconds))

    def newest(self, series: Series, most: int) -> tuple[Bar, ...]:
        """Give the ``most`` newest bars, rising."""
        found: list[Bar] = []
        for row in reversed(self._files(series, None)):
            table = self._read(series, row)
            if table is not None:
                found = bars_of(table, series.bar_seconds)[len(found) - most :] + found
            if len(found) >= most:
                break
        return tuple(found)

    def table(self, series: Series, start: datetime, end: datetime) -> pa.Table:
        """Give the same bars as columns; see `apps.store.history.bar_file.COLUMNS`."""
        tables = list(self.tables(series, Span(start, end)))
        if len(tables) == 1:
            return tables[0]
        import pyarrow as pa  # noqa: PLC0415 - slow to load, and not needed to show help

        return pa.concat_tables([empty(), *tables])

    def tables(self, series: Series, span: Span | None = None) -> Iterator[pa.Table]:
        """Give the bars of ``span``, or all, file by file; a damaged one is set aside."""
        for row in self._files(series, span):
            table = self._read(series, row)
            if table is not None:
                yield table if span is None else _slice(table, row, span)

    # ── what is changed ──────────────────────────────────────────────────────────────────────

    def add(self, series: Series, span: Span, bars: Iterable[Bar]) -> None:
        """Keep the answer to a question; see `History.add`."""
        self.add_all(series, [(span, bars)])

    def add_all(
        self,
        series: Series,
        answers: Iterable[tuple[Span, Iterable[Bar]]],
        holes: Iterable[Span] = (),
    ) -> None:
        """Keep several answers, and remember holes; see `History.add_all`."""
        told = [(span, tuple(bars)) for span, bars in answers]
        table = table_of(_checked(series, told))
        with self._changing() as change:
            number = self._take(change, series, [span for span, _ in told], table)
            change.catalogue.put_holes(number, merged(change.catalogue.holes(number), holes))

    def add_tables(self, tables: Iterable[tuple[Series, Iterable[Span], pa.Table]]) -> None:
        """Keep tables, each rising and without a start twice, and have spans be covered: as one."""
        with self._changing() as change:
            for series, spans, table in tables:
                self._take(change, series, spans, table)

    def note_hole(self, series: Series, span: Span) -> None:
        """Remember that the broker has no bars; see `History.note_hole`."""
        with self._changing() as change:
            number = change.catalogue.entered(series)
            change.catalogue.put_holes(number, merged(change.catalogue.holes(number), [span]))

    def note_schedule(self, series: Series, schedule: Schedule) -> None:
        """Remember when the instrument trades; see `History.note_schedule`."""
        with self._changing() as change:
            known = change.catalogue.schedule(series)
            learnt = known.learn(schedule)
            if learnt != known:
                change.catalogue.put_schedule(series, learnt)

    def forget(self, series: Series, span: Span) -> None:
        """Remove the bars of ``span``; see `History.forget`."""
        with self._changing() as change:
            number = change.catalogue.number_of(series)
            if number is None:
                return
            for row in change.catalogue.files(number, span):
                self._cut(change, number, series, row, span)
            change.catalogue.uncover(number, span)

    # ── within ───────────────────────────────────────────────────────────────────────────────

    def _begin(self, versions: Sequence[str]) -> None:
        path, db = self.folder / CATALOGUE_NAME, self._db
        if version_of(db) > len(versions):
            CATALOGUE.migrate(path, db, versions)  # refuses, before anything is touched
        (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(found)
        CATALOGUE.migrate(path, db, versions)
        _write_ahead(db)
        # a file goes once the row that replaces it is committed: so that has to be on the disk
        db.execute("PRAGMA synchronous = FULL")

    def _known(
        self, series: Series, what: Callable[[Catalogue, int], tuple[T, ...]]
    ) -> tuple[T, ...]:
        with self._reading():
            number = self._catalogue.number_of(series)
            return () if number is None else what(self._catalogue, number)

    def _files(self, series: Series, span: Span | None) -> tuple[BarFileRow, ...]:
        return self._known(series, lambda catalogue, number: catalogue.files(number, span))

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._lock, CATALOGUE.refusal_of(self.folder / CATALOGUE_NAME):
            yield

    @contextmanager
    def _changing(self) -> Iterator[Change]:
        with self._lock, changing(self.folder, self._db) as change:
            yield change

    def _read(self, series: Series, row: BarFileRow) -> pa.Table | None:
        try:
            return self._content(row)
        except Damaged:
            pass  # or it was replaced since its row was read: only who writes can tell
        with self._changing() as change:
            number = change.catalogue.number_of(series)
            now = None if number is None else change.catalogue.file_of(number, row.part)
            return None if number is None or now is None else self._whole(change, number, now)

    def _whole(self, change: Change, number: int, row: BarFileRow) -> pa.Table | None:
        """Give a file's bars; set it aside if it is damaged."""
        try:
            return self._content(row)
        except Damaged as damaged:
            kept_as = change.set_aside(number, part_named(row.part), row, str(damaged))
            _LOGGER.warning(
                "%s is damaged: %s. It was %s, and its bars count as never loaded",
                self.folder / row.path,
                damaged,
                f"moved to {kept_as}" if kept_as else "dropped",
            )
            return None

    def _content(self, row: BarFileRow) -> pa.Table:
        return table_from(self._bytes(row))

    def _bytes(self, row: BarFileRow) -> bytes:
        path = self.folder / row.path
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise Damaged("it is gone") from None
        except OSError as error:
            if error.errno == errno.EIO:
                raise Damaged("its disk cannot read it") from error
            raise HistoryRefused(
                f"The bars in {path} cannot be read: {error.strerror}. Look at its rights."
            ) from error
        require_whole(content, size=row.bytes, crc=row.crc)
        return content

    def _take(self, change: Change, series: Series, spans: Iterable[Span], table: pa.Table) -> int:
        """Keep a table and cover spans; give the row of the series."""
        number = change.catalogue.entered(series)
        for part, bars in _by_part(series, table):
            self._merge(change, number, series, part, bars)
        change.catalogue.cover(number, spans)
        holes = change.catalogue.holes(number)
        if holes and table.num_rows:
            change.catalogue.put_holes(number, missing(holes, _lasting(series, table)))
        return number

    def _merge(
        self, change: Change, number: int, series: Series, part: Part, bars: pa.Table
    ) -> None:
        row = change.catalogue.file_of(number, part.name)
        before = None if row is None else self._whole(change, number, row)
        if before is not None:
            _note_rescaled(change, number, series, before, bars)
            bars = _united(before, bars)
        change.keep(number, series, part, bars)

    def _cut(
        self, change: Change, number: int, series: Series, row: BarFileRow, span: Span
    ) -> None:
        part = part_named(row.part)
        if span.start <= part.span.start and part.span.end <= span.end:
            change.drop(number, part)
            return
        before = self._whole(change, number, row)
        if before is None:
            return
        first, last = positions(before, microseconds(span.start), microseconds(span.end))
        import pyarrow as pa  # noqa: PLC0415

        change.keep(
            number, series, part, pa.concat_tables([before.slice(0, first), before.slice(last)])
        )


def _write_ahead(db: sqlite3.Connection) -> None:
    """Have readers not wait for who writes; several processes may be opening a new store."""
    for _ in range(_OPENINGS):
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not is_locked(error):
                raise
        else:
            return
        db.execute("BEGIN IMMEDIATE")  # this waits for the other one, and the above does not
        db.execute("COMMIT")
    db.execute("PRAGMA journal_mode = WAL")


def _checked(series: Series, answers: Iterable[tuple[Span, Iterable[Bar]]]) -> Sequence[Bar]:
    """Give the bars of all answers, rising. Raises InvalidInput."""
    kept = []
    for span, bars in answers:
        for bar in bars:
            _check(series, span, bar)
            kept.append(bar)
    kept.sort(key=lambda bar: bar.start)
    for bar, following in pairwise(kept):
        if bar.start == following.start:
            raise InvalidInput(f"Two bars of {series} were told that start {bar.start}.")
    return kept


def _check(series: Series, span: Span, bar: Bar) -> None:
    if bar.start not in span:
        raise InvalidInput(
            f"A bar that starts {bar.start} was told as one of {span.start} to {span.end}."
        )
    if bar.seconds != series.bar_seconds:
        raise InvalidInput(f"A bar of {bar.seconds} s was told as one of {series}.")
    figures = (bar.open, bar.high, bar.low, bar.close, bar.volume, bar.wap, bar.count)
    if not all(map(isfinite, figures)):
        raise InvalidInput(f"A bar of {series} that starts {bar.start} holds what is no number.")


def _by_part(series: Series, table: pa.Table) -> Iterator[tuple[Part, pa.Table]]:
    starts = starts_of(table)
    at = 0
    while at < len(starts):
        part = part_at(series, instant(starts[at]))
        end = bisect_left(starts, microseconds(part.span.end), at)
        yield part, table.slice(at, end - at)
        at = end


def _slice(table: pa.Table, row: BarFileRow, span: Span) -> pa.Table:
    start, end = microseconds(span.start), microseconds(span.end)
    if start <= row.first and row.last < end:
        return table
    first, last = positions(table, start, end)
    return table.slice(first, last - first)


def _united(before: pa.Table, after: pa.Table) -> pa.Table:
    """Put the bars of both in order; where both have one, that of ``after`` counts."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    replaced = pc.is_in(before["start"], value_set=after["start"].combine_chunks())
    both = pa.concat_tables([before.filter(pc.invert(replaced)), after])
    return both.sort_by("start")


def _note_rescaled(
    change: Change, number: int, series: Series, before: pa.Table, after: pa.Table
) -> None:
    old, new = (
        dict(zip(starts_of(each), each["close"].to_numpy().tolist(), strict=True))
        for each in (before, after)
    )
    both = sorted(old.keys() & new.keys())
    ratio = rescaled_by([old[at] for at in both], [new[at] for at in both])
    if ratio is not None:
        end = instant(both[-1]) + timedelta(seconds=series.bar_seconds)
        rescaled = Rescaled(Span(instant(both[0]), end), ratio)
        change.catalogue.note_rescaled(number, rescaled)
        _LOGGER.warning(
            "%s: bars of %s are told anew in another scale, as after a split %s",
            series,
            rescaled.span.start.date(),
            rescaled,
        )


def _lasting(series: Series, table: pa.Table) -> list[Span]:
    length = timedelta(seconds=series.bar_seconds)
    return [Span(at, at + length) for at in map(instant, starts_of(table))]
