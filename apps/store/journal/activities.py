"""Runs of routines in a journal: found again by their key, by what they did, and the last ones."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import cast

from apps.domain.activities import ActivityBegan, ActivityEnded, KeptActivity
from apps.store.journal.layouts import LAYOUTS

__all__ = ["last_activities", "last_with_key", "last_with_signature"]

_BEGAN, _ENDED = LAYOUTS[ActivityBegan], LAYOUTS[ActivityEnded]

_COLUMNS = ", ".join(
    [f"b.{each}" for each in _BEGAN.columns] + [f"e.{each}" for each in _ENDED.columns]
)

_RUNS = (
    f"SELECT {_COLUMNS} FROM activities b "  # noqa: S608 - names of our own
    "LEFT JOIN activity_ends e ON e.activity_id = b.activity_id"
)


def last_with_key(db: sqlite3.Connection, request_key: str) -> KeptActivity | None:
    """Give the newest run that was asked for under a key; None where none was."""
    return _newest(db, "b.request_key = ?", request_key)


def last_with_signature(
    db: sqlite3.Connection, signature: str, but_not: Collection[str] = ()
) -> KeptActivity | None:
    """Give the newest run of a signature that was no dry run; None where there was none.

    Those whose ids are in ``but_not`` are passed over.
    """
    marks = ", ".join("?" * len(but_not))
    condition = f"b.signature = ? AND NOT b.is_dry_run AND b.activity_id NOT IN ({marks})"
    return _newest(db, condition, signature, *but_not)


def last_activities(db: sqlite3.Connection, most: int) -> tuple[KeptActivity, ...]:
    """Give the newest ``most`` runs, oldest first."""
    rows = db.execute(f"{_RUNS} ORDER BY b.number DESC LIMIT ?", (most,)).fetchall()
    return tuple(_kept(row) for row in reversed(rows))


def _newest(db: sqlite3.Connection, condition: str, *values: str) -> KeptActivity | None:
    row = db.execute(f"{_RUNS} WHERE {condition} ORDER BY b.number DESC LIMIT 1", values).fetchone()
    return None if row is None else _kept(row)


def _kept(row: tuple[str | int | None, ...]) -> KeptActivity:
    width = len(_BEGAN.columns)
    began = cast("ActivityBegan", _BEGAN.record(row[:width]))
    ended = row[width:]
    return KeptActivity(
        began, None if ended[0] is None else cast("ActivityEnded", _ENDED.record(ended))
    )
