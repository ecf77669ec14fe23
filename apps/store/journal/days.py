"""Reading the day's result's beginning from a journal: see `apps.engine.ports.Journal.kept_day`."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import cast

from apps.domain.day_result import CORRECTED_WITHIN, KeptDay, Opening
from apps.domain.orders import Fill
from apps.domain.records import CarriedIn, CommissionReported, Executed
from apps.domain.sessions import Span
from apps.store.journal.layouts import LAYOUTS

__all__ = ["newest"]

_SESSION = 'SELECT number, start, "end" FROM sessions ORDER BY number DESC LIMIT 1'

_CARRIED, _EXECUTED, _COST = LAYOUTS[CarriedIn], LAYOUTS[Executed], LAYOUTS[CommissionReported]

_CARRIED_INTO = (
    f"SELECT {', '.join(_CARRIED.columns)} FROM carried "  # noqa: S608 - names of our own
    "WHERE number > ? ORDER BY number"
)

_OF_THE_DAY = "number > :number OR at >= :start"

_SINCE = f"SELECT {', '.join(_EXECUTED.columns)} FROM executions WHERE {_OF_THE_DAY}"  # noqa: S608 - names of our own

_BEFORE = (
    f"SELECT {', '.join(_EXECUTED.columns)} FROM executions "  # noqa: S608 - names of our own
    f"WHERE NOT ({_OF_THE_DAY}) AND at > :oldest"
)

_COSTS = (
    f"SELECT {', '.join(_COST.columns)} FROM commissions "  # noqa: S608 - names of our own
    f"WHERE exec_id IN (SELECT exec_id FROM executions WHERE {_OF_THE_DAY})"
)


def newest(db: sqlite3.Connection) -> KeptDay | None:
    """Give the newest session that was begun, with what was carried into it and executed since."""
    row = db.execute(_SESSION).fetchone()
    if row is None:
        return None
    number, start, end = row
    session = Span(datetime.fromisoformat(start), datetime.fromisoformat(end))
    oldest = (session.start - CORRECTED_WITHIN).isoformat()
    day = {"number": number, "start": start, "oldest": oldest}
    reports = [cast("CommissionReported", _COST.record(row)) for row in db.execute(_COSTS, day)]
    costs = {each.exec_id: each for each in reports}
    return KeptDay(
        session,
        _openings(db, number),
        _fills(db, _BEFORE, day, {}),
        _fills(db, _SINCE, day, costs),
    )


def _openings(db: sqlite3.Connection, number: int) -> tuple[Opening, ...]:
    carried = [
        cast("CarriedIn", _CARRIED.record(row)) for row in db.execute(_CARRIED_INTO, (number,))
    ]
    newest = {each.con_id: each for each in carried}
    return tuple(
        Opening(each.con_id, each.symbol, each.quantity, each.mark) for each in newest.values()
    )


def _fills(
    db: sqlite3.Connection,
    query: str,
    day: dict[str, object],
    costs: dict[str, CommissionReported],
) -> tuple[Fill, ...]:
    executed = [cast("Executed", _EXECUTED.record(row)) for row in db.execute(query, day)]
    return tuple(each.fill(costs.get(each.exec_id)) for each in executed)
