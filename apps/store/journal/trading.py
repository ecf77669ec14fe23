"""What a journal holds of the trading in a stretch of time, read beside the desk that writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from apps.domain.orders import Fill
from apps.domain.records import CommissionReported, Executed, IntentReserved, OrderReserved
from apps.domain.trade_reconciliation import TradingRecords
from apps.store.journal.layouts import LAYOUTS

__all__ = ["trading_records"]

_REFS_OF = (
    "SELECT order_ref FROM intents WHERE at >= ?1 AND at < ?2 "
    "UNION SELECT order_ref FROM executions WHERE at >= ?1 AND at < ?2"
)


def trading_records(db: sqlite3.Connection, start: datetime, end: datetime) -> TradingRecords:
    """Give all of every intent that began, or traded, in ``[start, end)``."""
    span = tuple(each.astimezone(UTC).isoformat() for each in (start, end))
    costs = {each.exec_id: each for each in _read(db, CommissionReported, span)}
    executed: Iterable[Executed] = _read(db, Executed, span)
    return TradingRecords(
        intents=tuple(_read(db, IntentReserved, span)),
        orders=tuple(_read(db, OrderReserved, span)),
        fills=tuple(_with_cost(each, costs) for each in executed),
    )


def _with_cost(executed: Executed, costs: dict[str, CommissionReported]) -> Fill:
    return executed.fill(costs.get(executed.exec_id))


def _read(db: sqlite3.Connection, kind: type, span: Sequence[str]) -> list[Any]:
    layout = LAYOUTS[kind]
    rows = db.execute(
        f"SELECT {', '.join(layout.columns)} FROM {layout.table} "  # noqa: S608 - names of our own
        f"WHERE order_ref IN ({_REFS_OF}) ORDER BY number",
        span,
    )
    return [layout.record(row) for row in rows]
