"""What a journal keeps for a desk that comes back: its watchers, and until when they heard bars."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from typing import cast

from apps.domain.records import BarsHeard, KeptWatcher, WatcherSeen
from apps.domain.watching.terms import number_of
from apps.store.journal.layouts import LAYOUTS

__all__ = ["bars_heard", "has_reserved", "highest_watcher", "watchers"]

_SEEN, _HEARD = LAYOUTS[WatcherSeen], LAYOUTS[BarsHeard]

_LAST_WORDS = (
    f"SELECT {', '.join(_SEEN.columns)} FROM watchers WHERE NOT has_ended AND number IN "  # noqa: S608 - names of our own
    "(SELECT max(number) FROM watchers GROUP BY watcher_id)"
)

_INTENTS = (
    "SELECT label, order_ref FROM intents "
    "WHERE order_ref NOT IN (SELECT order_ref FROM drops) ORDER BY number"
)

_NEWEST_BARS = (
    f"SELECT {', '.join(_HEARD.columns)} FROM heard WHERE number IN "  # noqa: S608 - names of our own
    "(SELECT max(number) FROM heard GROUP BY con_id)"
)

_NAMES = "SELECT DISTINCT watcher_id FROM watchers UNION SELECT DISTINCT label FROM intents"


_RESERVED = (
    "SELECT 1 FROM intents WHERE label = ? AND (at IS NULL OR at >= ?) "
    "AND order_ref NOT IN (SELECT order_ref FROM drops) LIMIT 1"
)


def watchers(db: sqlite3.Connection) -> tuple[KeptWatcher, ...]:
    """Give the watchers that have not ended; see `Journal.watchers`."""
    seen = [cast("WatcherSeen", _SEEN.record(row)) for row in db.execute(_LAST_WORDS)]
    intents = dict(db.execute(_INTENTS)) if seen else {}
    in_order = sorted(seen, key=lambda each: number_of(each.watcher_id) or 0)
    return tuple(KeptWatcher(each, intents.get(each.watcher_id, "")) for each in in_order)


def highest_watcher(db: sqlite3.Connection) -> int:
    """Give the highest number of a watcher; see `Journal.highest_watcher`."""
    return max((number_of(name) or 0 for (name,) in db.execute(_NAMES)), default=0)


def bars_heard(db: sqlite3.Connection) -> tuple[BarsHeard, ...]:
    """Give until when each contract was heard; see `Journal.bars_heard`."""
    return tuple(cast("BarsHeard", _HEARD.record(row)) for row in db.execute(_NEWEST_BARS))


def has_reserved(db: sqlite3.Connection, label: str, since: datetime) -> bool:
    """Tell whether an intent of a label was reserved since; see `Journal.has_reserved`."""
    row = db.execute(_RESERVED, (label, since.astimezone(UTC).isoformat())).fetchone()
    return row is not None
