"""What became different at an exchange, to be kept elsewhere; and the way back from it.

The shape of it is `record`'s. Who keeps it, and how, is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

from apps.paper.exchange.floor.floor import Floor
from apps.paper.exchange.orders import OrderKey, OrderSnapshot
from apps.paper.exchange.record import ExchangeRecord, Trade

__all__ = ["ChangeLog"]


class ChangeLog:
    """Notices every change of a floor's book, and what was traded since it was last asked."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._changed = floor.book.changes()
        self._trades_told = 0
        self._order_ids_told: dict[int, int] = {}

    def take(self) -> ExchangeRecord | None:
        """Give what became different since the last time; None when nothing did."""
        book = self._floor.book
        trades = self._trades()
        order_ids = {
            client: highest
            for client, highest in book.highest_order_ids().items()
            if self._order_ids_told.get(client) != highest
        }
        if not (self._changed or trades or order_ids):
            return None
        orders, discarded = self._orders(self._changed)
        self._told(order_ids)
        return ExchangeRecord(
            at=self._floor.now,
            next_perm_id=book.next_perm_id,
            next_execution=self._floor.clearing.next_number,
            orders=orders,
            discarded=discarded,
            trades=trades,
            order_ids=MappingProxyType(order_ids),
        )

    def restore(self, record: ExchangeRecord) -> None:
        """Give the floor what is in ``record``. Raises ValueError for one that is in use."""
        book = self._floor.book
        if book.version or book.highest_order_ids():
            raise ValueError("only an exchange that has seen no order can be restored")
        self._floor.clearing.restore(record.trades, record.next_execution)
        book.restore(record.orders)
        for client_id, order_id in record.order_ids.items():
            book.use_order_id(client_id, order_id)
        book.next_perm_id = max(book.next_perm_id, record.next_perm_id)
        self._floor.now = record.at
        self._told(dict(book.highest_order_ids()))

    def _told(self, order_ids: dict[int, int]) -> None:
        self._changed.clear()
        self._trades_told = len(self._floor.clearing.executions)
        self._order_ids_told.update(order_ids)

    def _trades(self) -> tuple[Trade, ...]:
        clearing = self._floor.clearing
        new = clearing.executions[self._trades_told :]
        return tuple((execution, clearing.reports[execution.exec_id]) for execution in new)

    def _orders(
        self, keys: Iterable[OrderKey]
    ) -> tuple[tuple[OrderSnapshot, ...], tuple[OrderKey, ...]]:
        found = [(key, self._floor.book.find(key)) for key in keys]
        return (
            tuple(snapshot for _, snapshot in found if snapshot is not None),
            tuple(key for key, snapshot in found if snapshot is None),
        )
