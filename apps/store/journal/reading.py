"""Reading a journal: each intent, what became of it, and everything else in order.

Reads beside a desk that writes, and holds it up in nothing. What became of an intent follows from
its executions, corrections applied, and from what the broker last said of its orders.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from pathlib import Path

from apps.domain.activities import KeptActivity
from apps.domain.errors import JournalRefused, NotFound
from apps.domain.intents import is_for_account
from apps.domain.orders import OrderStatus
from apps.domain.records import (
    CommissionReported,
    DeskOpened,
    Executed,
    IntentDropped,
    IntentReserved,
    LinkSeen,
    OrderReserved,
    OrderSeen,
    Record,
)
from apps.store.journal import schema
from apps.store.journal.activities import last_activities
from apps.store.journal.layouts import LAYOUTS, Layout

__all__ = ["Entry", "JournalReader", "WrittenIntent"]

_READ_TIMEOUT_S = 5.0

_ENTRY = "entry"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was written down; ``number`` grows by one with each."""

    number: int
    record: Record


@dataclass(frozen=True, slots=True)
class WrittenIntent:
    """An intent as the journal knows it. Prices are averages per share, money in the currency.

    ``realized_pnl`` is the broker's and None until it told any; ``commission`` likewise.
    ``outcome`` says in a word or two where it stands.
    """

    intent: IntentReserved
    outcome: str
    entered: Decimal
    entry_avg_price: Decimal | None
    exited: Decimal
    exit_avg_price: Decimal | None
    commission: Decimal | None
    realized_pnl: Decimal | None


class JournalReader:
    """One journal, to be read."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator[JournalReader]:
        """Read the journal at ``path`` while the block runs.

        Raises NotFound where there is none, and JournalRefused for one that cannot be read.
        """
        if not schema.is_ours(path):
            raise NotFound(f"There is no journal at {path} yet; a desk writes one when it trades.")
        try:
            # not read-only: where a desk was killed its log has to be recovered first
            with closing(_connected(path)) as db:
                _require_known(path, schema.version_of(db))
                db.execute("BEGIN")  # one moment of it, whatever is written meanwhile
                yield cls(db)
        except sqlite3.Error as error:
            raise JournalRefused(f"The journal {path} cannot be read ({error}).") from error

    def intents(self, last: int | None = None) -> tuple[WrittenIntent, ...]:
        """Give the ``last`` intents, or all, oldest first, each with what became of it."""
        intents = LAYOUTS[IntentReserved]
        rows = self._db.execute(
            f"SELECT order_ref FROM {intents.table} ORDER BY number DESC LIMIT ?",  # noqa: S608 - a table of our own
            (-1 if last is None else last,),
        ).fetchall()
        return tuple([self.intent(order_ref) for (order_ref,) in reversed(rows)])

    def intent(self, order_ref: str) -> WrittenIntent:
        """Give one intent and what became of it. Raises NotFound."""
        return _what_became(self._records_of(order_ref))

    def story(self, order_ref: str) -> tuple[Entry, ...]:
        """Give everything that was written down of one intent, in order. Raises NotFound."""
        layouts = [each for each in LAYOUTS.values() if each.has_intent]
        story = self._read(layouts, "WHERE order_ref = ?", order_ref)
        if not story:
            raise NotFound(f"The journal knows no intent {order_ref}; see `journal`.")
        return tuple(story)

    def around(self, first: int, last: int) -> tuple[Entry, ...]:
        """Give what happened to desk and link between two entries, in order."""
        layouts = [LAYOUTS[each] for each in (DeskOpened, LinkSeen)]
        return tuple(self._read(layouts, "WHERE number BETWEEN ? AND ?", first, last))

    def named(self, text: str) -> str:
        """Give the one order reference that ``text`` names: all of it, or its end.

        Raises NotFound.
        """
        rows = self._db.execute(
            "SELECT order_ref FROM intents WHERE substr(order_ref, -length(?1)) = ?1 LIMIT 2",
            (text,),
        ).fetchall()
        if len(rows) == 1:
            return str(rows[0][0])
        if rows:
            raise NotFound(f"Several intents end in {text!r}; give more of the reference.")
        raise NotFound(f"The journal knows no intent {text!r}; see `journal`.")

    def activities(self, last: int) -> tuple[KeptActivity, ...]:
        """Give the ``last`` runs of routines, oldest first."""
        return last_activities(self._db, last)

    def everything(self) -> Iterator[Entry]:
        """Give every entry of the journal, in order."""
        return iter(self._read(LAYOUTS.values()))

    def _records_of(self, order_ref: str) -> list[Record]:
        return [entry.record for entry in self.story(order_ref)]

    def _read(
        self, layouts: Iterable[Layout], condition: str = "", *values: str | int
    ) -> list[Entry]:
        entries = [
            Entry(number, layout.record(cells))
            for layout in layouts
            for number, *cells in self._db.execute(
                f"SELECT number, {', '.join(layout.columns)} FROM {layout.table} {condition}",  # noqa: S608 - names and conditions of our own
                values,
            )
        ]
        return sorted(entries, key=lambda entry: entry.number)


def _connected(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, timeout=_READ_TIMEOUT_S)
    db.execute("PRAGMA query_only = 1")
    return db


def _require_known(path: Path, version: int) -> None:
    if version != len(schema.VERSIONS):
        age = "a newer" if version > len(schema.VERSIONS) else "an older"
        raise JournalRefused(
            f"The journal {path} was written by {age} desk (version {version} of its tables, this "
            f"one knows {len(schema.VERSIONS)}). Read it with that one."
        )


def _what_became(records: list[Record]) -> WrittenIntent:
    intent = next((each for each in records if isinstance(each, IntentReserved)), None)
    if intent is None:
        raise NotFound("That is not the reference of an intent; see `journal`.")
    entry_ids = {
        each.order_id for each in records if isinstance(each, OrderReserved) and each.role == _ENTRY
    }
    executed = _last_words(each for each in records if isinstance(each, Executed))
    ours = [each for each in executed if each.order_id in entry_ids]
    exits = [each for each in executed if each.order_id not in entry_ids]
    entered, exited = _quantity(ours), _quantity(exits)
    fees = _fees(records)
    realized = [each.realized_pnl for each in fees if each.realized_pnl is not None]
    return WrittenIntent(
        intent=intent,
        outcome=_outcome(records, entry_ids, entered, exited),
        entered=entered,
        entry_avg_price=_average(ours),
        exited=exited,
        exit_avg_price=_average(exits),
        commission=sum((each.commission for each in fees), Decimal(0)) if fees else None,
        realized_pnl=sum(realized, Decimal(0)) if realized else None,
    )


def _last_words(executed: Iterable[Executed]) -> list[Executed]:
    """Keep the last correction of each execution."""
    by_name = sorted(executed, key=lambda each: (each.execution, each.revision))
    return [list(same)[-1] for _, same in groupby(by_name, key=lambda each: each.execution)]


def _fees(records: list[Record]) -> list[CommissionReported]:
    """Keep the last report on each execution, whichever correction of it was reported on."""
    names = {each.exec_id: each.execution for each in records if isinstance(each, Executed)}
    reports = [each for each in records if isinstance(each, CommissionReported)]
    return list({names.get(each.exec_id, each.exec_id): each for each in reports}.values())


def _outcome(records: list[Record], entry_ids: set[int], entered: Decimal, exited: Decimal) -> str:
    statuses = [
        each.status
        for each in records
        if isinstance(each, OrderSeen) and each.order_id in entry_ids
    ]
    intent = next(each for each in records if isinstance(each, IntentReserved))
    if entered and is_for_account(intent.order_ref):  # it is exited by no order of its own
        return "filled" if entered >= intent.quantity else "partly filled"
    if entered:
        return "open" if exited < entered else "closed"
    if any(isinstance(each, IntentDropped) for each in records):
        return "not sent"
    if not statuses:
        return "sent, not answered"
    return _UNFILLED.get(statuses[-1], "working")


_UNFILLED = {
    OrderStatus.API_PENDING: "sent, not answered",
    OrderStatus.PENDING_SUBMIT: "sent, not answered",
    OrderStatus.INACTIVE: "rejected or held",
    OrderStatus.CANCELLED: "cancelled",
    OrderStatus.API_CANCELLED: "cancelled",
    OrderStatus.FILLED: "filled, executions missing",
}


def _quantity(executed: Iterable[Executed]) -> Decimal:
    return sum((each.quantity for each in executed), Decimal(0))


def _average(executed: list[Executed]) -> Decimal | None:
    quantity = _quantity(executed)
    value = sum((each.quantity * each.price for each in executed), Decimal(0))
    return value / quantity if quantity else None
