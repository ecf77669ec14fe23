"""The book: every order of the gateway, findable by what the exchange asks for.

A container and its indices; nothing here decides anything. Snapshots are replaced, never
changed.
"""

from __future__ import annotations

from collections.abc import Iterator

from apps.domain.orders import Side
from apps.paper.exchange.orders import Order, OrderKey, OrderSnapshot, Stage
from apps.paper.listing import Listing

__all__ = ["Book"]


class Book:
    """All orders by key, with the alive ones by contract and the related ones by kinship."""

    def __init__(self) -> None:
        self.version = 0
        """Grows with every change, so that what is derived from the book can be kept."""
        self._orders: dict[OrderKey, OrderSnapshot] = {}
        self._alive: dict[int, dict[OrderKey, None]] = {}
        self._listings: dict[int, Listing] = {}
        self._listing_set: frozenset[Listing] | None = frozenset()
        self._children: dict[OrderKey, list[OrderKey]] = {}
        self._groups: dict[tuple[str, str], list[OrderKey]] = {}
        self._held: dict[OrderKey, None] = {}
        self._done: dict[OrderKey, None] = {}
        self._highest_id: dict[int, int] = {}

    def find(self, key: OrderKey) -> OrderSnapshot | None:
        """Give the order with this key, if there ever was one."""
        return self._orders.get(key)

    def __getitem__(self, key: OrderKey) -> OrderSnapshot:
        return self._orders[key]

    def add(self, snapshot: OrderSnapshot) -> None:
        """Take a new order; its kinship never changes afterwards."""
        order = snapshot.order
        self._highest_id[order.client_id] = max(
            order.order_id, self.highest_order_id(order.client_id)
        )
        if order.parent_key is not None:
            self._children.setdefault(order.parent_key, []).append(order.key)
        if order.oca_group:
            self._groups.setdefault((order.account, order.oca_group), []).append(order.key)
        self.put(snapshot)

    def put(self, snapshot: OrderSnapshot) -> None:
        """Replace an order's snapshot."""
        self.version += 1
        key, listing = snapshot.key, snapshot.order.listing
        self._orders[key] = snapshot
        self._held.pop(key, None)
        if snapshot.stage is Stage.HELD:
            self._held[key] = None
        elif snapshot.stage.is_alive:
            if listing.con_id not in self._alive:
                self._alive[listing.con_id] = {}
                self._listings[listing.con_id] = listing
                self._listing_set = None
            self._alive[listing.con_id][key] = None
        else:
            self._retire(listing.con_id, key)

    def discard(self, key: OrderKey) -> None:
        """Drop a held order as if it had never been; its id stays used."""
        self.version += 1
        order = self._orders.pop(key).order
        del self._held[key]
        if order.parent_key is not None:
            self._children[order.parent_key].remove(key)
        if order.oca_group:
            self._groups[order.account, order.oca_group].remove(key)

    def alive_of(self, con_id: int) -> list[OrderSnapshot]:
        """Give the orders of one contract that can still trade, oldest first."""
        return [self._orders[key] for key in self._alive.get(con_id, ())]

    def alive(self) -> Iterator[OrderSnapshot]:
        """Go through all orders that can still trade, contract by contract."""
        for con_id in tuple(self._alive):
            yield from self.alive_of(con_id)

    def held(self) -> list[OrderSnapshot]:
        """Give the untransmitted orders, oldest first."""
        return [self._orders[key] for key in self._held]

    def done(self) -> tuple[OrderSnapshot, ...]:
        """Give the orders that ended, in the order of ending."""
        return tuple(self._orders[key] for key in self._done)

    def listings(self) -> frozenset[Listing]:
        """Give the listings with orders that can still trade."""
        if self._listing_set is None:
            self._listing_set = frozenset(self._listings.values())
        return self._listing_set

    def children(self, key: OrderKey) -> list[OrderSnapshot]:
        """Give an order's children, oldest first, ended ones included."""
        return [self._orders[child] for child in self._children.get(key, ())]

    def parent(self, order: Order) -> OrderSnapshot | None:
        """Give an order's parent, if it has one and it is known."""
        return self._orders.get(order.parent_key) if order.parent_key else None

    def oca_rest(self, snapshot: OrderSnapshot) -> list[OrderSnapshot]:
        """Give the other orders of an order's OCA groups, the bracket's implicit one included."""
        order = snapshot.order
        keys: dict[OrderKey, None] = {}
        if order.parent_key is not None:
            keys.update(dict.fromkeys(self._children[order.parent_key]))
        if order.oca_group:
            keys.update(dict.fromkeys(self._groups[order.account, order.oca_group]))
        keys.pop(order.key, None)
        return [self._orders[key] for key in keys]

    def count_on_side(self, account: str, con_id: int, side: Side) -> int:
        """Count the orders that are working, or held, on one side of a contract."""
        standing = [*self.alive_of(con_id), *self.held()]
        return sum(
            (held.order.account, held.order.listing.con_id, held.order.side)
            == (account, con_id, side)
            for held in standing
        )

    def highest_order_id(self, client_id: int) -> int:
        """Give the highest order id that this client has used; 0 before the first."""
        return self._highest_id.get(client_id, 0)

    def _retire(self, con_id: int, key: OrderKey) -> None:
        self._done[key] = None
        alive = self._alive.get(con_id)
        if alive is None:
            return
        alive.pop(key, None)
        if not alive:
            del self._alive[con_id], self._listings[con_id]
            self._listing_set = None
