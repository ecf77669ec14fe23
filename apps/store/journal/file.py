"""The journal that a desk writes: see `apps.engine.ports.Journal`.

WAL with ``synchronous=NORMAL``: a commit is a write into the system's memory, which outlives the
process however that ends, and waits for no disk. Nothing is waited for but opening: a file in
which somebody else writes is an error at once, for the desk that holds the folder is its only
writer. The log is brought into the file by a thread of its own (`apps.store.journal.upkeep`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from apps.domain.day_result import KeptDay
from apps.domain.errors import JournalLost, JournalRefused
from apps.domain.reconciling.open_intents import OpenIntent
from apps.domain.records import BarsHeard, KeptWatcher, Record
from apps.store.journal import days, keeping, schema
from apps.store.journal.layouts import LAYOUTS
from apps.store.journal.open_intents import open_intents
from apps.store.journal.upkeep import Upkeep

__all__ = ["JournalFile"]

_OPENING_TIMEOUT_S = 2.0

_LAST_NUMBERS = " UNION ALL ".join(
    f"SELECT max(number) FROM {each.table}"  # noqa: S608 - tables of our own
    for each in LAYOUTS.values()
)


class JournalFile:
    """One journal, written by this process alone."""

    def __init__(self, path: Path, db: sqlite3.Connection) -> None:
        self.path = path
        self._db = db
        self._upkeep = Upkeep(path)
        self._next_number = 1

    @classmethod
    @contextmanager
    def open(
        cls, path: Path, *, versions: Sequence[str] = schema.VERSIONS
    ) -> Iterator[JournalFile]:
        """Write the journal at ``path`` while the block runs; it is made if there is none.

        The folder must be held. Raises JournalRefused for a file that cannot be begun from; that
        is left as it was.
        """
        with _refusal_of(path):
            schema.is_ours(path)
            db = sqlite3.connect(path, isolation_level=None, timeout=_OPENING_TIMEOUT_S)
        with closing(db):
            journal = cls(path, db)
            with _refusal_of(path):
                journal._begin(versions)
            try:
                yield journal
            finally:
                journal._upkeep.close()

    def write(self, *records: Record) -> None:
        """Keep ``records``; see `Journal.write`."""
        execute, number = self._db.execute, self._next_number
        try:
            if len(records) > 1:
                execute("BEGIN IMMEDIATE")
            for record in records:
                layout = LAYOUTS[type(record)]
                execute(layout.insert, (number, *layout.cells(record)))
                number += 1
            if len(records) > 1:
                execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise JournalLost(
                f"The journal {self.path} cannot be written to ({error}). Look at its disk and "
                "at who else has it open; until then nothing is opened."
            ) from error
        self._next_number = number
        self._upkeep.committed()

    def highest_order_id(self, client_id: int) -> int:
        """Give the highest order id ever reserved; see `Journal.highest_order_id`."""
        row = self._db.execute(
            "SELECT coalesce(max(order_id), 0) FROM orders WHERE client_id = ?", (client_id,)
        ).fetchone()
        return int(row[0])

    def open_intents(self, client_id: int, also: Iterable[str] = ()) -> tuple[OpenIntent, ...]:
        """Give the intents that are not known to be over; see `Journal.open_intents`."""
        return open_intents(self._db, client_id, also)

    def watchers(self) -> tuple[KeptWatcher, ...]:
        """Give the watchers that have not ended; see `Journal.watchers`."""
        return keeping.watchers(self._db)

    def highest_watcher(self) -> int:
        """Give the highest number of a watcher; see `Journal.highest_watcher`."""
        return keeping.highest_watcher(self._db)

    def bars_heard(self) -> tuple[BarsHeard, ...]:
        """Give until when each contract was heard; see `Journal.bars_heard`."""
        return keeping.bars_heard(self._db)

    def kept_day(self) -> KeptDay | None:
        """Give the newest session that was begun; see `Journal.kept_day`."""
        return days.newest(self._db)

    def last_account(self) -> str | None:
        """Give the account of the desk that wrote last; None where none has."""
        row = self._db.execute("SELECT account FROM desks ORDER BY number DESC LIMIT 1").fetchone()
        return None if row is None else str(row[0])

    def _begin(self, versions: Sequence[str]) -> None:
        db = self._db
        if schema.version_of(db) > len(versions):
            schema.migrate(self.path, db, versions)  # refuses, before anything is touched
        (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(found)
        schema.migrate(self.path, db, versions)  # a new file is marked as ours before all else
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA wal_autocheckpoint = 0")
        db.execute("BEGIN IMMEDIATE")  # that somebody else writes is to be known before trading
        db.execute("COMMIT")
        db.execute("PRAGMA busy_timeout = 0")
        self._next_number = 1 + max(last or 0 for (last,) in db.execute(_LAST_NUMBERS))

    def _roll_back(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")


@contextmanager
def _refusal_of(path: Path) -> Iterator[None]:
    """Say in one sentence why a journal cannot be begun from."""
    try:
        yield
    except sqlite3.OperationalError as error:
        locked = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
        why = (
            "is locked: another program writes to it. Close that one, then start again"
            if locked
            else f"cannot be opened ({error}). Look at the folder's rights and at the disk"
        )
        raise JournalRefused(f"The journal {path} {why}. Nothing was traded.") from error
    except sqlite3.DatabaseError as error:
        raise JournalRefused(
            f"The journal {path} is damaged ({error}); it was not touched, and nothing was traded. "
            "Put a copy of it in its place, or move it away to begin a new one: the broker's own "
            "orders and positions are not lost by that."
        ) from error
