"""Changes of the store: files and the catalogue's rows as one, whatever happens in between.

A new file is written beside its place, brought to the disk and renamed; then the transaction that
names it is committed; then the files that it replaces are removed. Whoever dies on the way leaves
a catalogue that names whole files only, and at most files that nobody names: a mark in the folder
says so, and the next change removes them. The transaction is begun before the first file is made,
so one process writes at a time; it ends with its process, however that ends.
"""

from __future__ import annotations

import os
import re
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from apps.domain.errors import HistoryLost
from apps.domain.history.series import Series
from apps.store.database import is_locked
from apps.store.history.bar_file import bytes_of, checksum, starts_of
from apps.store.history.catalogue import BarFileRow, Catalogue
from apps.store.history.parts import Part

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["DAMAGED", "Change", "changing", "written"]

DAMAGED = "damaged"
"""The folder of files that were set aside."""

_MARK = "unfinished."
_OURS = re.compile(r"\d{4}(-\d\d-\d\d)?\.\d+\.parquet(\.new)?")


class Change:
    """What is changed by one transaction."""

    def __init__(self, folder: Path, db: sqlite3.Connection) -> None:
        self.catalogue = Catalogue(db)
        self._folder = folder
        self._mark = folder / f"{_MARK}{secrets.token_hex(8)}"
        self._made: list[Path] = []
        self._replaced: list[Path] = []

    def keep(self, number: int, series: Series, part: Part, table: pa.Table) -> None:
        """Have ``table``, rising, be all bars of a part; without bars it has no file."""
        self.drop(number, part)
        if not table.num_rows:
            return
        content, starts = bytes_of(table, series), starts_of(table)
        row = self.catalogue.enter_file(
            number,
            part.name,
            size=len(content),
            crc=checksum(content),
            bars=len(starts),
            first=starts[0],
            last=starts[-1],
        )
        self._marked()
        path = self._folder / row.path
        self._made.append(path)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        written(path, content)

    def drop(self, number: int, part: Part) -> None:
        """Have a part hold no bars."""
        row = self.catalogue.file_of(number, part.name)
        if row is not None:
            self._marked()
            self._replaced.append(self._folder / row.path)
            self.catalogue.drop_file(number, part.name)

    def set_aside(self, number: int, part: Part, row: BarFileRow, why: str) -> str:
        """Have a damaged file count for nothing, and keep it; give where, empty if it is gone."""
        path = self._folder / row.path
        kept = self._folder / DAMAGED / path.relative_to(self._folder).as_posix().replace("/", "-")
        kept_as = ""
        with suppress(FileNotFoundError):
            kept.parent.mkdir(exist_ok=True, mode=0o700)
            path.rename(kept)
            kept_as = str(kept)
        self.catalogue.drop_file(number, part.name)
        self.catalogue.uncover(number, part.span)
        self.catalogue.note_set_aside(number, part.name, why, kept_as)
        return kept_as

    def sweep(self) -> None:
        """Remove what changes left behind that never came to their end."""
        marks = list(self._folder.glob(f"{_MARK}*"))
        if not marks:
            return
        named = self.catalogue.paths()
        for path in self._folder.glob("*/*/*"):
            is_named = path.relative_to(self._folder).as_posix() in named
            if not is_named and _OURS.fullmatch(path.name):
                path.unlink(missing_ok=True)
        for mark in marks:
            mark.unlink(missing_ok=True)

    def on_disk(self) -> None:
        """Have the names of the new files outlive a loss of power."""
        for folder in {each.parent for path in self._made for each in (path, path.parent)}:
            _sync_folder(folder)

    def done(self) -> None:
        """Remove what was replaced."""
        self._clean(self._replaced)

    def undone(self) -> None:
        """Remove what was made."""
        self._clean(self._made)

    def _clean(self, paths: list[Path]) -> None:
        # what cannot be removed now is removed by a later change: the mark stays until it is
        with suppress(OSError):
            for path in paths:
                path.unlink(missing_ok=True)
                path.with_name(f"{path.name}.new").unlink(missing_ok=True)
            self._mark.unlink(missing_ok=True)

    def _marked(self) -> None:
        if not self._made and not self._replaced:
            self._mark.touch(mode=0o600)


@contextmanager
def changing(folder: Path, db: sqlite3.Connection) -> Iterator[Change]:
    """Change the store while the block runs: all of it, or nothing.

    Waits for another process that writes as long as ``db`` says. Raises HistoryLost.
    """
    change = Change(folder, db)
    try:
        db.execute("BEGIN IMMEDIATE")
        change.sweep()
        yield change
        change.on_disk()
        db.execute("COMMIT")
    except BaseException as error:
        if db.in_transaction:
            with suppress(sqlite3.Error):
                db.execute("ROLLBACK")
        change.undone()
        if isinstance(error, OSError | sqlite3.Error):
            raise HistoryLost(_why(folder, error)) from error
        raise
    change.done()


def written(path: Path, content: bytes) -> None:
    """Put a whole file into its place: there is never a part of one. Raises OSError."""
    unfinished = path.with_name(f"{path.name}.new")
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # there a folder cannot be opened
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _why(folder: Path, error: OSError | sqlite3.Error) -> str:
    so_far = "Nothing was changed in it"
    if isinstance(error, sqlite3.Error):
        if is_locked(error):
            return (
                f"Another process writes to the bar history {folder} for too long. {so_far}; try "
                "again when that one has ended."
            )
        return (
            f"The bar history {folder} cannot be written to ({error}). {so_far}: look at its disk."
        )
    return (
        f"The bar history {folder} cannot be written to: {error.strerror or error}. {so_far}: "
        "look at its disk and its rights."
    )
