"""The journal that a desk writes: see `apps.engine.ports.Journal`.

WAL with ``synchronous=NORMAL``: a commit is a write into the system's memory, which outlives the
process however that ends, and waits for no disk. Nothing is waited for but opening: a file in
which somebody else writes is an error at once, for the desk that holds the folder is its only
writer. The log is brought into the file by a thread of its own, which holds up a writer only while
it begins the log anew (`apps.store.journal.upkeep`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from itertools import count, groupby
from pathlib import Path

from apps.domain.activities import KeptActivity
from apps.domain.day_result import KeptDay
from apps.domain.errors import JournalLost, JournalRefused
from apps.domain.reconciling.open_intents import OpenIntent
from apps.domain.records import BarsHeard, KeptWatcher, Record
from apps.domain.trade_reconciliation import TradingRecords
from apps.store.journal import activities, days, keeping, schema, trading
from apps.store.journal.layouts import LAYOUTS
from apps.store.journal.open_intents import open_intents
from apps.store.journal.upkeep import SAME_MARK, Upkeep

__all__ = ["JournalFile"]

_OPENING_TIMEOUT_S = 2.0

_IN_MEMORY = ":memory:"

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
        with schema.refusal_of(path):
            schema.is_ours(path)
            db = sqlite3.connect(path, isolation_level=None, timeout=_OPENING_TIMEOUT_S)
        with closing(db):
            journal = cls(path, db)
            with schema.refusal_of(path):
                journal._begin(versions)
            try:
                yield journal
            finally:
                journal._upkeep.close()

    def write(self, *records: Record) -> None:
        """Keep ``records``; see `Journal.write`."""
        with self._upkeep.beginning_anew:
            self._next_number = self._insert(records)
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

    def has_reserved(self, label: str, since: datetime) -> bool:
        """Tell whether a label traded; see `Journal.has_reserved`."""
        return keeping.has_reserved(self._db, label, since)

    def activity_of_key(self, request_key: str) -> KeptActivity | None:
        """Give the newest run under a key; see `Journal.activity_of_key`."""
        return activities.last_with_key(self._db, request_key)

    def activity_of_signature(
        self, signature: str, but_not: Collection[str] = ()
    ) -> KeptActivity | None:
        """Give the newest real run of a signature; see `Journal.activity_of_signature`."""
        return activities.last_with_signature(self._db, signature, but_not)

    def trading_records(self, start: datetime, end: datetime) -> TradingRecords:
        """Give what was traded in a stretch of time; see `Journal.trading_records`.

        Over a connection of its own: a thread may do it while the desk writes.
        """
        if str(self.path) == _IN_MEMORY:
            return trading.trading_records(self._db, start, end)
        try:
            with closing(sqlite3.connect(self.path, timeout=_OPENING_TIMEOUT_S)) as db:
                return trading.trading_records(db, start, end)
        except sqlite3.Error as error:
            raise JournalRefused(f"The journal {self.path} cannot be read ({error}).") from error

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
        # that somebody else writes is to be known before trading, and the log's new header on disk
        db.execute(SAME_MARK)
        db.execute("PRAGMA busy_timeout = 0")
        self._next_number = 1 + max(last or 0 for (last,) in db.execute(_LAST_NUMBERS))

    def _insert(self, records: tuple[Record, ...]) -> int:
        """Write all of ``records`` or none; give the number after theirs."""
        numbers = count(self._next_number)
        try:
            if len(records) > 1:
                self._db.execute("BEGIN IMMEDIATE")
            # a bracket's orders go in by one statement: an execute of its own costs each some 10 µs
            for kind, alike in groupby(records, type):
                layout = LAYOUTS[kind]
                rows = [(next(numbers), *layout.cells(each)) for each in alike]
                self._db.executemany(layout.insert, rows)
            if len(records) > 1:
                self._db.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise JournalLost(
                f"The journal {self.path} cannot be written to ({error}). Look at its disk and "
                "at who else has it open; until then nothing is opened."
            ) from error
        return next(numbers)

    def _roll_back(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
