"""SQLite files of ours: how one is known, brought to a newer version, and refused.

A file is ours when its header carries our application id, which is looked at before SQLite is let
near it: what is somebody else's is refused as it is, without so much as a recovery. Each version
is a script that makes it of the one before; they are only ever added to. Before a file is brought
to a newer version a copy of it is kept beside it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from apps.domain.errors import DeskError

__all__ = ["DatabaseKind", "copy_of", "is_locked", "version_of"]

_MAGIC = b"SQLite format 3\0"
_APPLICATION_ID_AT = 68
_HEADER = 100


@dataclass(frozen=True, slots=True)
class DatabaseKind:
    """One kind of file: what it is called, its mark, and the words by which it is refused.

    ``so_far`` tells what was not done ("nothing was traded"), ``way_out`` in a sentence what helps
    where it is damaged.
    """

    name: str
    application_id: int
    refused: type[DeskError]
    so_far: str
    way_out: str

    def is_ours(self, path: Path) -> bool:
        """Tell whether there is one at ``path``; False where there is nothing yet.

        Raises ``refused`` for a file that is something else, or cannot be read.
        """
        try:
            with path.open("rb") as file:
                header = file.read(_HEADER)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self.refused(
                f"The {self.name} {path} cannot be read: {error.strerror}. {self._done()}"
            ) from error
        if not header:
            return False
        mark = header[_APPLICATION_ID_AT : _APPLICATION_ID_AT + 4]
        if header.startswith(_MAGIC) and int.from_bytes(mark) == self.application_id:
            return True
        kind = "another program's database" if header.startswith(_MAGIC) else "no database"
        raise self.refused(
            f"{path} should be the desk's {self.name} and is {kind}; it was not touched, and "
            f"{self.so_far}. Move it away, or choose another folder by DESK_HOME."
        )

    def migrate(self, path: Path, db: sqlite3.Connection, versions: Sequence[str]) -> None:
        """Bring a file to the newest of ``versions``, all or nothing; first copy what is there.

        Script *n* makes version *n* + 1 of version *n*; a new file is version 0. Raises
        ``refused`` for one that is newer.
        """
        there, newest = version_of(db), len(versions)
        if there > newest:
            raise self.refused(
                f"The {self.name} {path} was written by a newer desk (version {there} of its "
                f"tables, this one knows {newest}); it was not touched, and {self.so_far}. Start "
                "that desk, or choose another folder by DESK_HOME."
            )
        if there == newest:
            return
        if there:
            _keep_copy(db, copy_of(path, there))
        try:
            db.executescript(
                f"BEGIN IMMEDIATE; PRAGMA application_id = {self.application_id}; "
                f"PRAGMA user_version = {newest}; {' '.join(versions[there:])} COMMIT;"
            )
        except sqlite3.OperationalError:
            if db.in_transaction:
                db.execute("ROLLBACK")
            if version_of(db) != newest:  # somebody else may have done it at the same time
                raise

    @contextmanager
    def refusal_of(self, path: Path) -> Iterator[None]:
        """Say in one sentence why a file cannot be begun from."""
        try:
            yield
        except sqlite3.OperationalError as error:
            why = (
                "is locked: another program writes to it. Close that one, then start again"
                if is_locked(error)
                else f"cannot be opened ({error}). Look at the folder's rights and at the disk"
            )
            raise self.refused(f"The {self.name} {path} {why}. {self._done()}") from error
        except sqlite3.DatabaseError as error:
            raise self.refused(
                f"The {self.name} {path} is damaged ({error}); it was not touched, and "
                f"{self.so_far}. {self.way_out}"
            ) from error

    def _done(self) -> str:
        return f"{self.so_far[0].upper()}{self.so_far[1:]}."


def is_locked(error: sqlite3.Error) -> bool:
    """Tell whether somebody else was in the way."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def version_of(db: sqlite3.Connection) -> int:
    """Give the version of the tables; 0 where there are none."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    return int(version)


def copy_of(path: Path, version: int) -> Path:
    """Give where the copy of a file of ``version`` is kept."""
    return path.with_name(f"{path.name}.v{version}")


def _keep_copy(db: sqlite3.Connection, path: Path) -> None:
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    copy = sqlite3.connect(unfinished)
    try:
        db.backup(copy)
    finally:
        copy.close()
    unfinished.replace(path)
