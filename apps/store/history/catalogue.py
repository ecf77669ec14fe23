"""The rows of the catalogue: which series and files there are, and what is known of which spans.

Nothing here begins or ends a transaction, or touches a file: see `apps.store.history.writing`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from apps.domain.history.rescaling import Rescaled
from apps.domain.history.schedule import Schedule
from apps.domain.history.series import Series, What
from apps.domain.history.spans import merged, missing
from apps.domain.instruments import InstrumentKind
from apps.domain.sessions import Span
from apps.store.history.bar_file import instant, microseconds

__all__ = ["BarFileRow", "Catalogue", "SetAside"]

_SERIES = "con_id, symbol, kind, primary_exchange, currency, what, bar_seconds, regular_hours"

_FILE = "files.number, series.folder, part, bytes, crc, bars, first, last"


@dataclass(frozen=True, slots=True)
class BarFileRow:
    """One file of bars; ``path`` is below the store's folder, ``bytes`` its size."""

    number: int
    path: str
    part: str
    bytes: int
    crc: int
    bars: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class SetAside:
    """A file that was damaged, of which part of which series, and where it is kept, if it is."""

    series: Series
    part: str
    why: str
    kept_as: str


class Catalogue:
    """Reads and changes rows over one connection."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def all_series(self) -> tuple[Series, ...]:
        """Give every series of which anything was ever kept, by symbol and bar size."""
        rows = self._db.execute(
            f"SELECT {_SERIES} FROM series "  # noqa: S608 - names of our own
            "ORDER BY symbol, con_id, bar_seconds, what, regular_hours"
        )
        return tuple(_series(row) for row in rows)

    def number_of(self, series: Series) -> int | None:
        """Give the row of a series, None where nothing was ever kept of it."""
        row = self._db.execute(
            "SELECT id FROM series "
            "WHERE con_id = ? AND what = ? AND bar_seconds = ? AND regular_hours = ?",
            (series.con_id, series.what.value, series.bar_seconds, series.regular_hours),
        ).fetchone()
        return None if row is None else int(row[0])

    def entered(self, series: Series) -> int:
        """Give the row of a series, made if there is none, with the names it has now."""
        cells = (series.symbol, series.kind.value, series.primary_exchange, series.currency)
        number = self.number_of(series)
        if number is not None:
            self._db.execute(
                "UPDATE series SET symbol = ?, kind = ?, primary_exchange = ?, currency = ? "
                "WHERE id = ?",
                (*cells, number),
            )
            return number
        made = self._db.execute(
            "INSERT INTO series (con_id, what, bar_seconds, regular_hours, symbol, kind, "
            "primary_exchange, currency, folder) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                series.con_id,
                series.what.value,
                series.bar_seconds,
                series.regular_hours,
                *cells,
                folder_of(series),
            ),
        )
        return int(made.lastrowid or 0)

    # ── files ────────────────────────────────────────────────────────────────────────────────

    def files(self, number: int, span: Span | None = None) -> tuple[BarFileRow, ...]:
        """Give the files of a series that hold bars of ``span``, or all; rising."""
        wanted, cells = "", [number]
        if span is not None:
            wanted = "AND last >= ? AND first < ? "
            cells += [microseconds(span.start), microseconds(span.end)]
        rows = self._db.execute(
            f"SELECT {_FILE} FROM files JOIN series ON series.id = files.series "  # noqa: S608 - names of our own
            f"WHERE series = ? {wanted}ORDER BY first",
            cells,
        )
        return tuple(_file(row) for row in rows)

    def file_of(self, number: int, part: str) -> BarFileRow | None:
        """Give the file of one part of a series, if it has one."""
        row = self._db.execute(
            f"SELECT {_FILE} FROM files JOIN series ON series.id = files.series "  # noqa: S608 - names of our own
            "WHERE series = ? AND part = ?",
            (number, part),
        ).fetchone()
        return None if row is None else _file(row)

    def paths(self) -> frozenset[str]:
        """Give the path of every file there should be."""
        rows = self._db.execute(
            f"SELECT {_FILE} FROM files JOIN series ON series.id = files.series"  # noqa: S608 - names of our own
        )
        return frozenset(_file(row).path for row in rows)

    def enter_file(
        self, number: int, part: str, *, size: int, crc: int, bars: int, first: int, last: int
    ) -> BarFileRow:
        """Have a part be kept in a new file, in place of the one it was in; give its row."""
        self.drop_file(number, part)
        self._db.execute("DELETE FROM set_aside WHERE series = ? AND part = ?", (number, part))
        self._db.execute(
            "INSERT INTO files (series, part, bytes, crc, bars, first, last) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (number, part, size, crc, bars, first, last),
        )
        row = self.file_of(number, part)
        assert row is not None  # noqa: S101 - it was inserted in this transaction
        return row

    def drop_file(self, number: int, part: str) -> None:
        """Have a part hold no bars."""
        self._db.execute("DELETE FROM files WHERE series = ? AND part = ?", (number, part))

    # ── spans ────────────────────────────────────────────────────────────────────────────────

    def covered(self, number: int) -> tuple[Span, ...]:
        """Give what was asked for and kept."""
        return self._spans("covered", number)

    def holes(self, number: int) -> tuple[Span, ...]:
        """Give what there are no bars of."""
        return self._spans("holes", number)

    def cover(self, number: int, spans: Iterable[Span]) -> None:
        """Have ``spans`` be covered."""
        self._put("covered", number, merged(self.covered(number), spans))

    def uncover(self, number: int, span: Span) -> None:
        """Have nothing be known of ``span`` any more."""
        self._put("covered", number, missing(self.covered(number), [span]))
        self._put("holes", number, missing(self.holes(number), [span]))

    def put_holes(self, number: int, spans: Iterable[Span]) -> None:
        """Have ``spans``, merged, be all of the holes."""
        self._put("holes", number, spans)

    def rescaled(self, number: int) -> tuple[Rescaled, ...]:
        """Give what was told anew in another scale while older files are there still."""
        rows = self._db.execute(
            'SELECT start, "end", ratio FROM rescaled WHERE series = ? AND EXISTS ('
            "SELECT * FROM files WHERE files.series = rescaled.series AND number <= after) "
            "ORDER BY start",
            (number,),
        )
        return tuple(
            Rescaled(Span(instant(start), instant(end)), ratio) for start, end, ratio in rows
        )

    def note_rescaled(self, number: int, rescaled: Rescaled) -> None:
        """Remember that bars are told anew in another scale, before they are entered."""
        start, end = microseconds(rescaled.span.start), microseconds(rescaled.span.end)
        self._db.execute(
            "INSERT OR REPLACE INTO rescaled "
            "SELECT ?, ?, ?, ?, coalesce(max(number), 0) FROM files",
            (number, start, end, rescaled.ratio),
        )

    # ── sessions ─────────────────────────────────────────────────────────────────────────────

    def schedule(self, series: Series) -> Schedule:
        """Give when the instrument trades, as far as it was told."""
        key = (series.con_id, series.regular_hours)
        return Schedule(*(tuple(self._hours(table, key)) for table in ("hours_known", "sessions")))

    def put_schedule(self, series: Series, schedule: Schedule) -> None:
        """Have ``schedule`` be all that is known of the instrument's hours."""
        key = (series.con_id, series.regular_hours)
        for table, spans in (("hours_known", schedule.known), ("sessions", schedule.sessions)):
            self._db.execute(
                f"DELETE FROM {table} WHERE con_id = ? AND regular_hours = ?",  # noqa: S608 - names of our own
                key,
            )
            self._db.executemany(
                f"INSERT INTO {table} VALUES (?, ?, ?, ?)",  # noqa: S608 - names of our own
                [(*key, microseconds(each.start), microseconds(each.end)) for each in spans],
            )

    # ── damage ───────────────────────────────────────────────────────────────────────────────

    def note_set_aside(self, number: int, part: str, why: str, kept_as: str) -> None:
        """Remember that a file was damaged, and where it is kept."""
        self._db.execute(
            "INSERT INTO set_aside (series, part, why, kept_as) VALUES (?, ?, ?, ?)",
            (number, part, why, kept_as),
        )

    def set_aside(self) -> tuple[SetAside, ...]:
        """Give the files that were damaged and whose parts hold nothing since, oldest first."""
        rows = self._db.execute(
            f"SELECT {_SERIES}, part, why, kept_as FROM set_aside "  # noqa: S608 - names of our own
            "JOIN series ON series.id = set_aside.series ORDER BY number"
        )
        return tuple(SetAside(_series(row[:8]), *row[8:]) for row in rows)

    def _spans(self, table: str, number: int) -> tuple[Span, ...]:
        rows = self._db.execute(
            f'SELECT start, "end" FROM {table} WHERE series = ? ORDER BY start',  # noqa: S608 - names of our own
            (number,),
        )
        return tuple(Span(instant(start), instant(end)) for start, end in rows)

    def _put(self, table: str, number: int, spans: Iterable[Span]) -> None:
        self._db.execute(f"DELETE FROM {table} WHERE series = ?", (number,))  # noqa: S608 - names of our own
        self._db.executemany(
            f"INSERT INTO {table} VALUES (?, ?, ?)",  # noqa: S608 - names of our own
            [(number, microseconds(each.start), microseconds(each.end)) for each in spans],
        )

    def _hours(self, table: str, key: tuple[int, bool]) -> Iterator[Span]:
        rows = self._db.execute(
            f'SELECT start, "end" FROM {table} WHERE con_id = ? AND regular_hours = ? '  # noqa: S608 - names of our own
            "ORDER BY start",
            key,
        )
        return (Span(instant(start), instant(end)) for start, end in rows)


def folder_of(series: Series) -> str:
    """Give the folder of a new series, below the store's; a person finds it by its name."""
    symbol = "".join(each if each.isascii() and each.isalnum() else "_" for each in series.symbol)
    hours = "" if series.regular_hours else "-all-hours"
    return f"{symbol}-{series.con_id}/{series.what.value.lower()}-{series.bar_seconds}s{hours}"


def _series(row: tuple[object, ...]) -> Series:
    con_id, symbol, kind, primary_exchange, currency, what, bar_seconds, regular_hours = row
    return Series(
        con_id=int(str(con_id)),
        symbol=str(symbol),
        kind=InstrumentKind(kind),
        primary_exchange=str(primary_exchange),
        currency=str(currency),
        what=What(what),
        bar_seconds=int(str(bar_seconds)),
        regular_hours=bool(regular_hours),
    )


def _file(row: tuple[int, str, str, int, int, int, int, int]) -> BarFileRow:
    number, folder, part, *figures = row
    return BarFileRow(number, f"{folder}/{part}.{number}.parquet", part, *figures)
