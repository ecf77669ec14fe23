"""Reading from a journal what may not be over: see `apps.engine.ports.Journal.open_intents`.

Only those intents are read whose end was not written down, each table once, so that a start does
not grow with the years.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from typing import TypeVar

from apps.domain.orders import Fill
from apps.domain.pnl import last_word
from apps.domain.reconciling.open_intents import OpenIntent, OpenOrder
from apps.domain.records import (
    CommissionReported,
    Executed,
    IntentReserved,
    NoticeHeard,
    OrderReserved,
    OrderSeen,
)
from apps.store.journal.layouts import LAYOUTS

__all__ = ["open_intents"]

R = TypeVar(
    "R", IntentReserved, OrderReserved, OrderSeen, NoticeHeard, Executed, CommissionReported
)

_OPEN = """
CREATE TEMP TABLE IF NOT EXISTS open_refs (order_ref TEXT PRIMARY KEY);
DELETE FROM temp.open_refs;
INSERT INTO temp.open_refs
SELECT order_ref FROM intents AS intent
WHERE NOT EXISTS (SELECT 1 FROM drops WHERE drops.order_ref = intent.order_ref)
AND NOT coalesce((
    SELECT is_over FROM outcomes WHERE outcomes.order_ref = intent.order_ref
    ORDER BY number DESC LIMIT 1
), 0);
"""


def open_intents(
    db: sqlite3.Connection, client_id: int, also: Iterable[str] = ()
) -> tuple[OpenIntent, ...]:
    """Give the intents of a client that are not known to be over, oldest first.

    Those whose references are in ``also`` are given in any case, where they are known.
    """
    db.executescript(_OPEN)
    db.executemany("INSERT OR IGNORE INTO temp.open_refs VALUES (?)", [(each,) for each in also])
    orders: dict[str, list[OrderReserved]] = defaultdict(list)
    for each in _records(db, OrderReserved):
        orders[each.order_ref].append(each)
    seen = {(each.client_id, each.order_id): each for each in _records(db, OrderSeen)}
    notices = {
        (each.client_id, each.order_id): (each.code, each.text)
        for each in _records(db, NoticeHeard)
    }
    fills = _fills(_records(db, Executed), _records(db, CommissionReported))
    return tuple(
        OpenIntent(
            intent,
            tuple(
                OpenOrder(each, seen.get(_key(each)), notices.get(_key(each)))
                for each in orders[intent.order_ref]
            ),
            last_word(fills[intent.order_ref]),
        )
        for intent in _records(db, IntentReserved)
        if any(each.client_id == client_id for each in orders[intent.order_ref])
    )


def _key(order: OrderReserved) -> tuple[int, int]:
    return order.client_id, order.order_id


def _records(db: sqlite3.Connection, kind: type[R]) -> list[R]:
    """Read one kind of record of the open intents, oldest first."""
    layout = LAYOUTS[kind]
    rows = db.execute(
        f"SELECT {', '.join(layout.columns)} FROM {layout.table} "  # noqa: S608 - names of our own
        "WHERE order_ref IN (SELECT order_ref FROM temp.open_refs) ORDER BY number"
    )
    records = [layout.record(row) for row in rows]
    return [each for each in records if isinstance(each, kind)]


def _fills(
    executed: Iterable[Executed], reports: Iterable[CommissionReported]
) -> dict[str, list[Fill]]:
    costs = {each.exec_id: each for each in reports}
    fills: dict[str, list[Fill]] = defaultdict(list)
    for each in executed:
        cost = costs.get(each.exec_id)
        fills[each.order_ref].append(
            Fill(
                exec_id=each.exec_id,
                order_id=each.order_id,
                perm_id=each.perm_id,
                client_id=each.client_id,
                account=each.account,
                con_id=each.con_id,
                symbol=each.symbol,
                side=each.side,
                quantity=each.quantity,
                price=each.price,
                at=each.at,
                order_ref=each.order_ref,
                commission=None if cost is None else cost.commission,
                realized_pnl=None if cost is None else cost.realized_pnl,
            )
        )
    return fills
