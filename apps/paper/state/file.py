"""A gateway's state in one SQLite file: what happened is written as it happens, and read once.

WAL with ``synchronous=NORMAL``: a commit is a write into the system's memory, which outlives the
process however that ends, and waits for no disk. What is in the log is brought into the file by a
thread of its own (`apps.paper.state.upkeep`). One transaction is all that happened between two
moments at which clients were told things; what stands in each table, `apps.paper.state.schema`
says.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from apps.paper.exchange.orders import CommissionReport, Execution, OrderKey, OrderSnapshot
from apps.paper.exchange.record import ExchangeRecord, Trade
from apps.paper.feed.market import Millis
from apps.paper.instruments.listing import Listing
from apps.paper.session.times import start_of_day
from apps.paper.state import lock, schema
from apps.paper.state.errors import StateLost, StateRefused
from apps.paper.state.opening import Kept
from apps.paper.state.upkeep import Upkeep
from apps.paper.state.values import Unreadable, written_as
from apps.paper.wire import PlaceOrder

__all__ = ["StateFile", "clear"]

_SNAPSHOT = written_as(OrderSnapshot)
_REQUEST = written_as(PlaceOrder)
_EXECUTION = written_as(Execution)
_REPORT = written_as(CommissionReport)
_LISTING = written_as(Listing)

_LEASE_WALL_MS = 250

_PUT_ORDER = """
INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (perm_id) DO UPDATE SET
    ended = coalesce(ended, excluded.ended),
    done_at = excluded.done_at,
    snapshot = excluded.snapshot
"""
_ORDERS_THAT_COUNT = """
SELECT perm_id, snapshot, request FROM orders LEFT JOIN requests USING (perm_id)
WHERE ended IS NULL OR done_at >= :since OR order_id < 0
   OR perm_id IN (SELECT parent_perm_id FROM orders WHERE ended IS NULL)
   OR parent_perm_id IN (SELECT perm_id FROM orders WHERE ended IS NULL)
ORDER BY ended IS NOT NULL, ended, perm_id
"""
"""What can still trade, its kin, what ended since a moment, and what was made by hand.

Orders by hand are numbered on from those that are known, so all of them have to be.
"""


class StateFile:
    """One state file, held by this process: the `Store` of a gateway's world.

    ``lease_ms`` is market time that may pass without being written down: a gateway that was
    killed begins again by up to so much later, so that no client ever sees time go back.
    """

    def __init__(self, path: Path, db: sqlite3.Connection, lease_ms: Millis) -> None:
        self.path = path
        self._db = db
        self._lease_ms = lease_ms
        self._upkeep = Upkeep(path)
        self._lost = ""
        self._now = -1
        self._time_kept = -1
        self._next_ended = 1
        self._contracts: set[int] = set()
        self._standing: dict[OrderKey, int] = {}
        self._requests: dict[int | None, PlaceOrder] = {}

    @classmethod
    @contextmanager
    def open(cls, path: Path, *, lease_ms: Millis = 0) -> Iterator[StateFile]:
        """Hold the file at ``path`` while the block runs; it is made if there is none.

        Raises StateInUse while another process holds it, and StateRefused for what cannot be
        used, which is left as it was.
        """
        where = path.expanduser().resolve()
        schema.is_ours(where)  # beside somebody else's file not even a lock is left
        with lock.held(where):
            is_old = schema.is_ours(where)
            file = cls(where, sqlite3.connect(where, isolation_level=None), lease_ms)
            try:
                with _refusal_of(where):
                    file._begin(is_old=is_old)
                yield file
            finally:
                file.close()

    @staticmethod
    def lease_for(speed: float) -> Millis:
        """Give a lease at which time is written down four times a second."""
        return int(speed * _LEASE_WALL_MS)

    # -- before a world is made ------------------------------------------------------------------

    def kept(self) -> Kept:
        """Give what is known before a world is made; nothing of a new file."""
        row = self._db.execute("SELECT market_time, cash FROM gateway").fetchone()
        if row is None:
            return Kept()
        names = self._db.execute("SELECT name FROM accounts ORDER BY number")
        return Kept(row[0], Decimal(row[1]), tuple(name for (name,) in names))

    def settle(self, *, accounts: tuple[str, ...], cash: Decimal) -> None:
        """Have the file be that of a gateway with these accounts.

        A new file takes over all of it, an old one the accounts that are new to it. Raises
        StateRefused where an account of the file is missing among ``accounts``, or the file
        cannot be written to.
        """
        known = self.kept().accounts
        if missing := [name for name in known if name not in accounts]:
            raise StateRefused(
                f"The state file {self.path} holds {_listed(missing)}, which this gateway was not "
                "given: name every account of the file, or choose another file."
            )
        with _refusal_of(self.path), self._transaction():
            self._db.execute(
                "INSERT INTO gateway (id, cash) VALUES (1, ?) ON CONFLICT DO NOTHING", (str(cash),)
            )
            self._db.executemany(
                "INSERT INTO accounts (name) VALUES (?)",
                [(name,) for name in accounts if name not in known],
            )

    # -- the store of a world --------------------------------------------------------------------

    def restored(self) -> ExchangeRecord | None:
        """Give what the exchange knew when it was last kept; None where no time was kept yet.

        Raises StateRefused where that cannot be read.
        """
        with _refusal_of(self.path):
            return self._restored()

    def keep(self, changes: ExchangeRecord | None, now: Millis) -> None:
        """Write down what happened, and that it is ``now``. Raises StateLost.

        A file that could not be written to is never tried again: what this gateway knows and what
        it has written would not agree any more.
        """
        self._now = max(self._now, now)
        if changes is None and now <= self._time_kept:
            return
        if self._lost:
            raise StateLost(self._lost)
        try:
            with self._transaction():
                if changes is not None:
                    self._write(changes)
                if now > self._time_kept:
                    self._write_time(now + self._lease_ms)
        except sqlite3.Error as error:
            self._lost = (
                f"The state file {self.path} cannot be written to ({error}): the gateway stops, "
                "and goes on from what was written when it is started again."
            )
            raise StateLost(self._lost) from error
        self._upkeep.committed()

    def close(self) -> None:
        """Write down the time as it is now, bring the log in, and let go of the file."""
        self._upkeep.close()
        try:
            if not self._lost and self._now > -1:
                self._write_time(self._now)
        except sqlite3.Error:
            return  # the time that was leased stands
        finally:
            self._db.close()

    # -- reading ---------------------------------------------------------------------------------

    def _begin(self, *, is_old: bool) -> None:
        version = schema.version_of(self._db) if is_old else 0
        if version > schema.VERSION:
            raise StateRefused(
                f"The state file {self.path} was written by a newer gateway (version {version} of "
                f"its tables, this one knows {schema.VERSION}): start that one, or choose another "
                "file."
            )
        if not version:
            schema.create(self._db)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("PRAGMA wal_autocheckpoint = 0")
        (found,) = self._db.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(found)
        (self._next_ended,) = self._db.execute(
            "SELECT coalesce(max(ended), 0) + 1 FROM orders"
        ).fetchone()

    def _restored(self) -> ExchangeRecord | None:
        row = self._db.execute(
            "SELECT market_time, next_perm_id, next_execution FROM gateway"
        ).fetchone()
        if row is None or row[0] is None:
            return None
        at, next_perm_id, next_execution = row
        listings = self._listings()
        self._contracts = set(listings)
        return ExchangeRecord(
            at=at,
            next_perm_id=next_perm_id,
            next_execution=next_execution,
            orders=tuple(self._orders(listings, start_of_day(at))),
            trades=tuple(self._trades(listings)),
            order_ids=dict(self._db.execute("SELECT client_id, highest_order_id FROM clients")),
        )

    def _listings(self) -> dict[int, Listing]:
        rows = self._db.execute("SELECT con_id, listing FROM contracts")
        return {con_id: _LISTING.read(text, _no_listing) for con_id, text in rows}

    def _orders(self, listings: dict[int, Listing], since: Millis) -> Iterator[OrderSnapshot]:
        for perm_id, text, request in self._db.execute(_ORDERS_THAT_COUNT, {"since": since}):
            snapshot = _SNAPSHOT.read(text, listings.__getitem__)
            if request is not None:
                wire = self._requests[perm_id] = _REQUEST.read(request, listings.__getitem__)
                snapshot = replace(snapshot, order=replace(snapshot.order, wire=wire))
            if not snapshot.stage.is_done:
                self._standing[snapshot.key] = perm_id
            yield snapshot

    def _trades(self, listings: dict[int, Listing]) -> Iterator[Trade]:
        rows = self._db.execute("SELECT execution, report FROM executions ORDER BY number")
        for execution, report in rows:
            yield (
                _EXECUTION.read(execution, listings.__getitem__),
                _REPORT.read(report, listings.__getitem__),
            )

    # -- writing ---------------------------------------------------------------------------------

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _write(self, changes: ExchangeRecord) -> None:
        for snapshot in changes.orders:
            self._write_order(snapshot)
        for key in changes.discarded:
            perm_id = self._standing.pop(key, None)
            self._requests.pop(perm_id, None)
            self._db.execute("DELETE FROM orders WHERE perm_id = ?", (perm_id,))
            self._db.execute("DELETE FROM requests WHERE perm_id = ?", (perm_id,))
        for execution, report in changes.trades:
            texts = (_EXECUTION.text_of(execution, self._know), _REPORT.text_of(report, self._know))
            self._db.execute(
                "INSERT INTO executions (exec_id, execution, report) VALUES (?, ?, ?)",
                (execution.exec_id, *texts),
            )
        self._db.executemany(
            "INSERT OR REPLACE INTO clients VALUES (?, ?)", list(changes.order_ids.items())
        )
        self._db.execute(
            "UPDATE gateway SET next_perm_id = ?, next_execution = ?",
            (changes.next_perm_id, changes.next_execution),
        )

    def _write_order(self, snapshot: OrderSnapshot) -> None:
        order, perm_id = snapshot.order, snapshot.perm_id
        ended = None
        if not snapshot.stage.is_done:
            self._standing[order.key] = perm_id
        else:
            self._standing.pop(order.key, None)
            ended, self._next_ended = self._next_ended, self._next_ended + 1
        self._db.execute(
            _PUT_ORDER,
            (
                perm_id,
                *order.key,
                snapshot.parent_perm_id,
                ended,
                snapshot.done_at,
                _SNAPSHOT.text_of(snapshot, self._know),
            ),
        )
        if isinstance(order.wire, PlaceOrder) and self._requests.get(perm_id) is not order.wire:
            self._requests[perm_id] = order.wire
            self._db.execute(
                "INSERT OR REPLACE INTO requests VALUES (?, ?)",
                (perm_id, _REQUEST.text_of(order.wire, self._know)),
            )

    def _know(self, listing: Listing) -> None:
        if listing.con_id not in self._contracts:
            self._contracts.add(listing.con_id)
            self._db.execute(
                "INSERT OR REPLACE INTO contracts VALUES (?, ?)",
                (listing.con_id, _LISTING.text_of(listing, self._know)),
            )

    def _write_time(self, at: Millis) -> None:
        self._db.execute("UPDATE gateway SET market_time = ?", (at,))
        self._time_kept = at


def clear(path: Path) -> bool:
    """Remove the state file at ``path``; tell whether there was one.

    Raises StateInUse while a gateway holds it, and StateRefused for a file that is none.
    """
    where = path.expanduser().resolve()
    schema.is_ours(where)
    with lock.held(where):
        if not schema.is_ours(where):
            return False
        # the file first: a log without its file is dropped by SQLite, the reverse is not so
        for each in (where, *(where.with_name(where.name + end) for end in ("-wal", "-shm"))):
            each.unlink(missing_ok=True)
    return True


@contextmanager
def _refusal_of(path: Path) -> Iterator[None]:
    """Say in one sentence why a file cannot be begun from."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StateRefused(
            f"The state file {path} cannot be used ({error}): see that it can be written to and "
            "that no other program has it open."
        ) from error
    except (sqlite3.Error, Unreadable) as error:
        what = " ".join(str(error).split())  # SQLite's findings come in several lines
        raise StateRefused(
            f"The state file {path} is damaged ({what}); it was left as it is. Bring back a copy "
            "of it, or choose another file."
        ) from error


def _no_listing(con_id: int) -> Listing:
    raise KeyError(con_id)


def _listed(names: list[str]) -> str:
    word = "account" if len(names) == 1 else "accounts"
    return f"{word} {', '.join(names)}"
