"""The tables of a state file, and how a file is known to be one.

A file is ours when its header carries `APPLICATION_ID`, which is looked at before SQLite is let
near it: what is somebody else's is refused as it is, without so much as a recovery. Reading and
writing what stands in the tables is not at home here.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from apps.paper.state.errors import StateRefused

__all__ = ["APPLICATION_ID", "VERSION", "create", "is_ours", "version_of"]

APPLICATION_ID = 0x42445047
"""'BDPG', in the four bytes that SQLite leaves to the application."""

VERSION = 1

_MAGIC = b"SQLite format 3\0"
_APPLICATION_ID_AT = 68
_HEADER = 100

_TABLES = """
CREATE TABLE gateway (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    cash TEXT NOT NULL,
    market_time INTEGER,
    next_perm_id INTEGER NOT NULL DEFAULT 1,
    next_execution INTEGER NOT NULL DEFAULT 1
);
CREATE TABLE accounts (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE clients (client_id INTEGER PRIMARY KEY, highest_order_id INTEGER NOT NULL);
CREATE TABLE contracts (con_id INTEGER PRIMARY KEY, listing TEXT NOT NULL);
CREATE TABLE orders (
    perm_id INTEGER PRIMARY KEY,
    client_id INTEGER NOT NULL,
    order_id INTEGER NOT NULL,
    parent_perm_id INTEGER NOT NULL,
    ended INTEGER,
    done_at INTEGER,
    snapshot TEXT NOT NULL
);
CREATE TABLE requests (perm_id INTEGER PRIMARY KEY, request TEXT NOT NULL);
CREATE TABLE executions (
    number INTEGER PRIMARY KEY,
    exec_id TEXT NOT NULL UNIQUE,
    execution TEXT NOT NULL,
    report TEXT NOT NULL
);
"""
"""``gateway`` has one row; ``market_time`` is NULL until a gateway has begun.

``ended`` counts orders in the order in which they ended; an order is keyed by its permId.

``requests`` has the placeOrder that an order was made of, for the openOrder that echoes it: it is
long, and changes seldom. ``contracts`` has each listing that an order is of, so that a file stays
readable when the catalogue has moved on. Executions are only ever added.
"""


def is_ours(path: Path) -> bool:
    """Tell whether there is a state file at ``path``; False where there is nothing yet.

    Raises StateRefused for a file that is something else, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StateRefused(f"The state file {path} cannot be read: {error.strerror}.") from error
    if not header:
        return False
    mark = header[_APPLICATION_ID_AT : _APPLICATION_ID_AT + 4]
    if header.startswith(_MAGIC) and int.from_bytes(mark) == APPLICATION_ID:
        return True
    kind = "another program's database" if header.startswith(_MAGIC) else "something else"
    raise StateRefused(
        f"{path} is not a state file of this gateway but {kind}; it was not touched. "
        "Choose another file."
    )


def create(db: sqlite3.Connection) -> None:
    """Make the tables, all or none."""
    db.executescript(
        f"BEGIN IMMEDIATE; PRAGMA application_id = {APPLICATION_ID}; "
        f"PRAGMA user_version = {VERSION}; {_TABLES} COMMIT;"
    )


def version_of(db: sqlite3.Connection) -> int:
    """Give the version of the tables; 0 where there are none."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    return int(version)
