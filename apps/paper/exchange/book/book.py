"""The book: every order of the gateway, findable by what the exchange asks for.

A container and its indices; nothing here decides anything. Snapshots are replaced, never
changed. What is asked at every moment of the market costs the same whatever number of orders
works elsewhere.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from apps.domain.orders import Side
from apps.paper.exchange.book.ladder import Ladder
from apps.paper.exchange.floor.condition_watch import listings_of, watches_conditions
from apps.paper.exchange.orders import Order, OrderKey, OrderSnapshot, Stage
from apps.paper.instruments.listing import Listing

__all__ = ["Book"]

_FIRST_PERM_ID = 1_500_000_001


class Book:
    """All orders by key, with the alive ones by contract and the related ones by kinship.

    ``version`` grows with every change, so that what is derived from the book can be kept;
    ``next_perm_id`` is the number that the next new order gets.
    """

    def __init__(self) -> None:
        self.version = 0
        self.next_perm_id = _FIRST_PERM_ID
        self._orders: dict[OrderKey, OrderSnapshot] = {}
        self._alive: dict[int, dict[OrderKey, None]] = {}
        # two lists side by side: all that can still trade is asked for often, and copied as it is
        self._ages: list[int] = []
        self._by_age: list[OrderSnapshot] = []
        self._ladders: dict[int, Ladder] = {}
        self._combos: dict[int, dict[OrderKey, None]] = {}
        self._conditional: dict[int, dict[OrderKey, None]] = {}
        self._conditional_keys: dict[OrderKey, None] = {}
        self._followed: dict[OrderKey, frozenset[Listing]] = {}
        self._followers: Counter[Listing] = Counter()
        self._listing_set: frozenset[Listing] | None = frozenset()
        self._children: dict[OrderKey, list[OrderKey]] = {}
        self._groups: dict[tuple[str, str], list[OrderKey]] = {}
        self._held: dict[OrderKey, None] = {}
        self._done: dict[OrderKey, None] = {}
        self._standing: Counter[tuple[str, int, Side]] = Counter()
        self._highest_id: dict[int, int] = {}
        self._changes: list[dict[OrderKey, None]] = []

    def find(self, key: OrderKey) -> OrderSnapshot | None:
        """Give the order with this key, if there ever was one."""
        return self._orders.get(key)

    def __getitem__(self, key: OrderKey) -> OrderSnapshot:
        return self._orders[key]

    # -- changing ------------------------------------------------------------------------------

    def add(self, snapshot: OrderSnapshot) -> None:
        """Take a new order; its kinship never changes afterwards."""
        order = snapshot.order
        self.next_perm_id = max(self.next_perm_id, snapshot.perm_id + 1)
        self.use_order_id(order.client_id, order.order_id)
        if order.parent_key is not None:
            self._children.setdefault(order.parent_key, []).append(order.key)
        if order.oca_group:
            self._groups.setdefault((order.account, order.oca_group), []).append(order.key)
        self.put(snapshot)

    def put(self, snapshot: OrderSnapshot) -> None:
        """Replace an order's snapshot."""
        key, before = snapshot.key, self._orders.get(snapshot.key)
        self._orders[key] = snapshot
        self._count(before, snapshot)
        self._held.pop(key, None)
        if snapshot.stage is Stage.HELD:
            self._held[key] = None
        elif snapshot.stage.is_alive:
            self._keep_alive(snapshot, is_new=before is None or not before.stage.is_alive)
        else:
            self._retire(snapshot)
        self._note(key)

    def discard(self, key: OrderKey) -> None:
        """Drop a held order as if it had never been; its id stays used."""
        snapshot = self._orders.pop(key)
        order = snapshot.order
        self._count(snapshot, None)
        del self._held[key]
        if order.parent_key is not None:
            self._children[order.parent_key].remove(key)
        if order.oca_group:
            self._groups[order.account, order.oca_group].remove(key)
        self._note(key)

    def use_order_id(self, client_id: int, order_id: int) -> None:
        """Take note that a client has used an order id."""
        self._highest_id[client_id] = max(order_id, self.highest_order_id(client_id))

    def restore(self, orders: Iterable[OrderSnapshot]) -> None:
        """Take the orders of another book; those that ended stand in the order of ending."""
        known = list(orders)
        for snapshot in sorted(known, key=lambda each: each.perm_id):
            self.add(snapshot)
        for snapshot in known:
            if snapshot.stage.is_done:
                self.put(snapshot)

    def changes(self) -> dict[OrderKey, None]:
        """Give a collection to which the keys of changed orders come from now on, oldest first.

        Its owner empties it. A key that is not in the book any more was discarded.
        """
        self._changes.append({})
        return self._changes[-1]

    # -- what can still trade --------------------------------------------------------------------

    def alive_of(self, con_id: int) -> list[OrderSnapshot]:
        """Give the orders of one contract that can still trade, oldest first."""
        return [self._orders[key] for key in self._alive.get(con_id, ())]

    def alive(self) -> tuple[OrderSnapshot, ...]:
        """Give all orders that can still trade, the older first."""
        return tuple(self._by_age)

    def ladder(self, con_id: int) -> Ladder | None:
        """Give one contract's orders by price, None when there are none."""
        return self._ladders.get(con_id)

    def has_market(self, con_id: int) -> bool:
        """Tell whether there is an order to which this contract's own market matters."""
        return con_id in self._ladders or con_id in self._combos or con_id in self._conditional

    def combos_of(self, con_id: int) -> list[OrderSnapshot]:
        """Give the orders that can still trade and have this contract for a leg."""
        return [self._orders[key] for key in self._combos.get(con_id, ())]

    def conditional_on(self, con_id: int) -> list[OrderSnapshot]:
        """Give the orders whose conditions must be looked at when this contract moves."""
        return [self._orders[key] for key in self._conditional.get(con_id, ())]

    def listings(self) -> frozenset[Listing]:
        """Give the listings in which, or on whose account, orders wait or work."""
        if self._listing_set is None:
            self._listing_set = frozenset(self._followers)
        return self._listing_set

    # -- the rest --------------------------------------------------------------------------------

    def held(self) -> list[OrderSnapshot]:
        """Give the untransmitted orders, oldest first."""
        return [self._orders[key] for key in self._held]

    def done(self) -> tuple[OrderSnapshot, ...]:
        """Give the orders that ended, in the order of ending."""
        return tuple(self._orders[key] for key in self._done)

    def children(self, key: OrderKey) -> list[OrderSnapshot]:
        """Give an order's children, oldest first, ended ones included."""
        return [self._orders[child] for child in self._children.get(key, ())]

    def parent(self, order: Order) -> OrderSnapshot | None:
        """Give an order's parent, if it has one and it is known."""
        return self._orders.get(order.parent_key) if order.parent_key else None

    def group(self, account: str, name: str) -> list[OrderSnapshot]:
        """Give the orders that ever named an OCA group, oldest first, ended ones included."""
        return [self._orders[key] for key in self._groups.get((account, name), ())]

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
        return self._standing[account, con_id, side]

    def highest_order_id(self, client_id: int) -> int:
        """Give the highest order id that this client has used; 0 before the first."""
        return self._highest_id.get(client_id, 0)

    def highest_order_ids(self) -> Mapping[int, int]:
        """Give the highest order id of every client that has used one."""
        return MappingProxyType(dict(self._highest_id))

    # -- indices ---------------------------------------------------------------------------------

    def _note(self, key: OrderKey) -> None:
        self.version += 1
        for changed in self._changes:
            changed.pop(key, None)  # what changed last stands last
            changed[key] = None

    def _count(self, before: OrderSnapshot | None, after: OrderSnapshot | None) -> None:
        for snapshot, step in ((before, -1), (after, 1)):
            if snapshot is not None and not snapshot.stage.is_done:
                order = snapshot.order
                self._standing[order.account, order.listing.con_id, order.side] += step

    def _keep_alive(self, snapshot: OrderSnapshot, *, is_new: bool) -> None:
        key, con_id = snapshot.key, snapshot.order.listing.con_id
        age = bisect_left(self._ages, snapshot.perm_id)
        if not is_new:
            self._by_age[age] = snapshot
        else:
            self._ages.insert(age, snapshot.perm_id)
            self._by_age.insert(age, snapshot)
            self._alive.setdefault(con_id, {})[key] = None
            for leg in snapshot.order.legs:
                self._combos.setdefault(leg.listing.con_id, {})[key] = None
        if not snapshot.order.legs:
            self._ladders.setdefault(con_id, Ladder()).put(snapshot)
        self._follow(snapshot)

    def _retire(self, snapshot: OrderSnapshot) -> None:
        key, con_id = snapshot.key, snapshot.order.listing.con_id
        self._done.pop(key, None)
        self._done[key] = None
        if key not in self._alive.get(con_id, ()):
            return
        age = bisect_left(self._ages, snapshot.perm_id)
        del self._ages[age], self._by_age[age]
        _take_out(self._alive, con_id, key)
        for leg in snapshot.order.legs:
            _take_out(self._combos, leg.listing.con_id, key)
        if con_id not in self._alive:
            self._ladders.pop(con_id, None)
        elif con_id in self._ladders:
            self._ladders[con_id].drop(key)
        self._follow(snapshot)

    def _follow(self, snapshot: OrderSnapshot) -> None:
        """Keep the listings that an order needs to hear of, and its place among the conditional."""
        order, key = snapshot.order, snapshot.key
        before = self._followed.get(key)
        is_plain = not order.legs and not order.conditions and key not in self._conditional_keys
        if before and is_plain and snapshot.stage.is_alive:
            return
        before = before or frozenset()
        now = listings_of(snapshot) if snapshot.stage.is_alive else frozenset()
        watches = bool(now) and watches_conditions(snapshot)
        self._conditional_keys.pop(key, None)
        if watches:
            self._conditional_keys[key] = None
        for listing in before | now:
            if watches and listing in now:
                self._conditional.setdefault(listing.con_id, {})[key] = None
            else:
                _take_out(self._conditional, listing.con_id, key)
        if now != before:
            self._followed[key] = now
            self._refollow(before, now)

    def _refollow(self, before: frozenset[Listing], now: frozenset[Listing]) -> None:
        for listing in now - before:
            self._followers[listing] += 1
        for listing in before - now:
            self._followers[listing] -= 1
            if not self._followers[listing]:
                del self._followers[listing]
        self._listing_set = None


def _take_out(index: dict[int, dict[OrderKey, None]], con_id: int, key: OrderKey) -> None:
    keys = index.get(con_id)
    if keys is not None:
        keys.pop(key, None)
        if not keys:
            del index[con_id]
