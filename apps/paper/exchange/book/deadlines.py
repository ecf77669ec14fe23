"""When something is due to happen to an order by itself. One time an order; the next is at hand."""

from __future__ import annotations

from heapq import heappop, heappush

from apps.paper.exchange.orders import OrderKey
from apps.paper.feed.market import Millis

__all__ = ["Deadlines"]


class Deadlines:
    """The next due time of each order, the earliest of all in front."""

    def __init__(self) -> None:
        self._due: dict[OrderKey, Millis] = {}
        self._heap: list[tuple[Millis, OrderKey]] = []

    def set(self, key: OrderKey, due: Millis | None) -> None:
        """Have an order due at ``due`` and at no other time; None is never."""
        if due is None:
            self._due.pop(key, None)
        elif self._due.get(key) != due:
            self._due[key] = due
            heappush(self._heap, (due, key))

    def next(self) -> Millis | None:
        """Give the earliest time at which an order is due."""
        while self._heap:
            due, key = self._heap[0]
            if self._due.get(key) == due:
                return due
            heappop(self._heap)
        return None

    def take(self, until: Millis) -> list[OrderKey]:
        """Take the orders that are due by ``until``, the earliest first."""
        taken: dict[OrderKey, None] = {}
        while (due := self.next()) is not None and due <= until:
            _, key = heappop(self._heap)
            del self._due[key]
            taken[key] = None
        return list(taken)
