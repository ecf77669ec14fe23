"""The tables of a journal, their versions, and how a file is known to be one.

A file is ours when its header carries `APPLICATION_ID`, which is looked at before SQLite is let
near it: what is somebody else's is refused as it is, without so much as a recovery. Each version
is a script that makes it of the one before; they are only ever added to. Before a journal is
brought to a newer version a copy of it is kept beside it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from apps.domain.errors import JournalRefused

__all__ = ["APPLICATION_ID", "VERSIONS", "copy_of", "is_ours", "migrate", "version_of"]

APPLICATION_ID = 0x42444A4C
"""'BDJL', in the four bytes that SQLite leaves to the application."""

_MAGIC = b"SQLite format 3\0"
_APPLICATION_ID_AT = 68
_HEADER = 100

_FIRST = """
CREATE TABLE desks (
    number INTEGER PRIMARY KEY, account TEXT NOT NULL, client_id INTEGER NOT NULL,
    trading_mode TEXT NOT NULL, at TEXT
);
CREATE TABLE commands (number INTEGER PRIMARY KEY, text TEXT NOT NULL, at TEXT);
CREATE TABLE intents (
    number INTEGER PRIMARY KEY, order_ref TEXT NOT NULL UNIQUE, label TEXT NOT NULL,
    con_id INTEGER NOT NULL, symbol TEXT NOT NULL, primary_exchange TEXT NOT NULL,
    side TEXT NOT NULL, quantity TEXT NOT NULL, reference TEXT NOT NULL, rests INTEGER NOT NULL,
    at TEXT
);
CREATE TABLE drops (
    number INTEGER PRIMARY KEY, order_ref TEXT NOT NULL, reason TEXT NOT NULL, at TEXT
);
CREATE TABLE orders (
    number INTEGER PRIMARY KEY, order_ref TEXT NOT NULL, client_id INTEGER NOT NULL,
    order_id INTEGER NOT NULL, parent_id INTEGER NOT NULL, role TEXT NOT NULL,
    con_id INTEGER NOT NULL, symbol TEXT NOT NULL, side TEXT NOT NULL, quantity TEXT NOT NULL,
    order_type TEXT NOT NULL, limit_price TEXT, stop_price TEXT, time_in_force TEXT NOT NULL,
    at TEXT
);
CREATE TABLE changes (
    number INTEGER PRIMARY KEY, order_ref TEXT NOT NULL, client_id INTEGER NOT NULL,
    order_id INTEGER NOT NULL, change TEXT NOT NULL, quantity TEXT, limit_price TEXT,
    stop_price TEXT, at TEXT
);
CREATE TABLE statuses (
    number INTEGER PRIMARY KEY, order_ref TEXT NOT NULL, client_id INTEGER NOT NULL,
    order_id INTEGER NOT NULL, perm_id INTEGER NOT NULL, status TEXT NOT NULL,
    quantity TEXT NOT NULL, filled TEXT NOT NULL, remaining TEXT NOT NULL, avg_fill_price TEXT,
    limit_price TEXT, stop_price TEXT, why_held TEXT NOT NULL, warning TEXT NOT NULL, at TEXT
);
CREATE TABLE notices (
    number INTEGER PRIMARY KEY, order_ref TEXT NOT NULL, client_id INTEGER NOT NULL,
    order_id INTEGER NOT NULL, code INTEGER NOT NULL, text TEXT NOT NULL, at TEXT
);
CREATE TABLE executions (
    number INTEGER PRIMARY KEY, exec_id TEXT NOT NULL UNIQUE, execution TEXT NOT NULL,
    revision INTEGER NOT NULL, order_ref TEXT NOT NULL, client_id INTEGER NOT NULL,
    order_id INTEGER NOT NULL, perm_id INTEGER NOT NULL, account TEXT NOT NULL,
    con_id INTEGER NOT NULL, symbol TEXT NOT NULL, side TEXT NOT NULL, quantity TEXT NOT NULL,
    price TEXT NOT NULL, at TEXT NOT NULL
);
CREATE TABLE commissions (
    number INTEGER PRIMARY KEY, exec_id TEXT NOT NULL UNIQUE, order_ref TEXT NOT NULL,
    commission TEXT NOT NULL, realized_pnl TEXT, at TEXT
);
CREATE TABLE alerts (
    number INTEGER PRIMARY KEY, kind TEXT NOT NULL, text TEXT NOT NULL, symbol TEXT NOT NULL,
    watcher_id TEXT NOT NULL, order_ref TEXT NOT NULL, at TEXT
);
CREATE TABLE links (
    number INTEGER PRIMARY KEY, state TEXT NOT NULL, epoch INTEGER NOT NULL, reason TEXT NOT NULL,
    at TEXT
);
CREATE TABLE balances (
    number INTEGER PRIMARY KEY, account TEXT NOT NULL, currency TEXT NOT NULL,
    net_liquidation TEXT, cash TEXT, buying_power TEXT, available_funds TEXT, initial_margin TEXT,
    maintenance_margin TEXT, unrealized_pnl TEXT, realized_pnl TEXT, at TEXT
);
CREATE TABLE positions (
    number INTEGER PRIMARY KEY, account TEXT NOT NULL, con_id INTEGER NOT NULL,
    symbol TEXT NOT NULL, quantity TEXT NOT NULL, average_cost TEXT NOT NULL, market_price TEXT,
    at TEXT
);
CREATE TABLE watchers (
    number INTEGER PRIMARY KEY, watcher_id TEXT NOT NULL, symbol TEXT NOT NULL,
    phase TEXT NOT NULL, terms TEXT NOT NULL, state TEXT NOT NULL, has_ended INTEGER NOT NULL,
    reason TEXT NOT NULL, at TEXT
);
CREATE INDEX drops_of_intent ON drops (order_ref);
CREATE INDEX orders_of_intent ON orders (order_ref);
CREATE INDEX changes_of_intent ON changes (order_ref);
CREATE INDEX statuses_of_intent ON statuses (order_ref);
CREATE INDEX notices_of_intent ON notices (order_ref);
CREATE INDEX executions_of_intent ON executions (order_ref);
CREATE INDEX commissions_of_intent ON commissions (order_ref);
CREATE INDEX alerts_of_intent ON alerts (order_ref) WHERE order_ref <> '';
CREATE INDEX watchers_by_id ON watchers (watcher_id);
"""

_WITH_OUTCOMES = """
CREATE TABLE outcomes (
    number INTEGER PRIMARY KEY, order_ref TEXT NOT NULL, outcome TEXT NOT NULL,
    is_over INTEGER NOT NULL, reason TEXT NOT NULL, at TEXT
);
CREATE INDEX outcomes_of_intent ON outcomes (order_ref, number);
CREATE INDEX orders_of_client ON orders (client_id, order_id);
"""
"""Which intents are over is known without reading their stories, so a start stays quick."""

_WITH_HEARD = """
CREATE TABLE heard (
    number INTEGER PRIMARY KEY, con_id INTEGER NOT NULL, symbol TEXT NOT NULL, close TEXT NOT NULL,
    at TEXT NOT NULL
);
CREATE INDEX heard_of_contract ON heard (con_id, number);
"""

_WITH_SESSIONS = """
CREATE TABLE sessions (
    number INTEGER PRIMARY KEY, start TEXT NOT NULL, "end" TEXT NOT NULL, at TEXT
);
CREATE TABLE carried (
    number INTEGER PRIMARY KEY, con_id INTEGER NOT NULL, symbol TEXT NOT NULL,
    quantity TEXT NOT NULL, mark TEXT, at TEXT
);
CREATE TABLE halts (
    number INTEGER PRIMARY KEY, state TEXT NOT NULL, cause TEXT NOT NULL, reason TEXT NOT NULL,
    is_flattening INTEGER NOT NULL, at TEXT
);
CREATE INDEX executions_by_time ON executions (at);
CREATE INDEX executions_by_name ON executions (execution);
"""
"""With what the day's result began, and who halted trading."""

VERSIONS: tuple[str, ...] = (_FIRST, _WITH_OUTCOMES, _WITH_HEARD, _WITH_SESSIONS)
"""Script *n* makes version *n* + 1 of version *n*; a new file is version 0."""


def is_ours(path: Path) -> bool:
    """Tell whether there is a journal at ``path``; False where there is nothing yet.

    Raises JournalRefused for a file that is something else, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise JournalRefused(
            f"The journal {path} cannot be read: {error.strerror}. Nothing was traded."
        ) from error
    if not header:
        return False
    mark = header[_APPLICATION_ID_AT : _APPLICATION_ID_AT + 4]
    if header.startswith(_MAGIC) and int.from_bytes(mark) == APPLICATION_ID:
        return True
    kind = "another program's database" if header.startswith(_MAGIC) else "no database"
    raise JournalRefused(
        f"{path} should be the desk's journal and is {kind}; it was not touched, and nothing was "
        "traded. Move it away, or choose another folder by DESK_HOME."
    )


def version_of(db: sqlite3.Connection) -> int:
    """Give the version of the tables; 0 where there are none."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    return int(version)


def copy_of(path: Path, version: int) -> Path:
    """Give where the copy of a journal of ``version`` is kept."""
    return path.with_name(f"{path.name}.v{version}")


def migrate(path: Path, db: sqlite3.Connection, versions: Sequence[str] = VERSIONS) -> None:
    """Bring a journal to the newest of ``versions``, all or nothing; first copy what is there.

    Raises JournalRefused for one that is newer.
    """
    there, newest = version_of(db), len(versions)
    if there > newest:
        raise JournalRefused(
            f"The journal {path} was written by a newer desk (version {there} of its tables, this "
            f"one knows {newest}); it was not touched, and nothing was traded. Start that desk, or "
            "choose another folder by DESK_HOME."
        )
    if there == newest:
        return
    if there:
        _keep_copy(db, copy_of(path, there))
    db.executescript(
        f"BEGIN IMMEDIATE; PRAGMA application_id = {APPLICATION_ID}; "
        f"PRAGMA user_version = {newest}; {' '.join(versions[there:])} COMMIT;"
    )


def _keep_copy(db: sqlite3.Connection, path: Path) -> None:
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    copy = sqlite3.connect(unfinished)
    try:
        db.backup(copy)
    finally:
        copy.close()
    unfinished.replace(path)
