"""A broker's snapshot with its orders put beside those that are expected.

Pure. Orders are matched by order_ref first, then by perm_id, then by client and order id where
the broker's carries no reference; never by an id alone when the references differ, for a broker
may roll its counter back. What is concluded stands in `apps.domain.reconciling.reconciliation`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from decimal import Decimal

from apps.domain.orders import Fill, OrderState, OrderStatus
from apps.domain.reconciling.broker_snapshot import BrokerSnapshot, is_one_trading_day
from apps.domain.reconciling.expectations import ExpectedIntent, ExpectedOrder

__all__ = ["APART_S", "EarlierLook", "Look", "are_apart"]

APART_S = 5.0
"""How far apart two snapshots have to be for what neither of them lists to count as absent."""


@dataclass(frozen=True, slots=True)
class EarlierLook:
    """A snapshot taken before, and which orders (reference, order id) were looked for in it."""

    snapshot: BrokerSnapshot
    looked_for: frozenset[tuple[str, int]]


class Look:
    """One snapshot with its orders put beside those that are expected.

    ``looked_for`` are the orders (reference, order id) that were counted with when it was taken.
    """

    def __init__(
        self,
        intents: tuple[ExpectedIntent, ...],
        snapshot: BrokerSnapshot,
        looked_for: frozenset[tuple[str, int]] = frozenset(),
    ) -> None:
        self.snapshot = snapshot
        self._looked_for = looked_for
        self.told: dict[tuple[int, int], OrderState] = {}
        self.strangers: list[OrderState] = []
        self.unmatched_ends: list[OrderState] = []
        self.executed: dict[tuple[str, int], list[Fill]] = defaultdict(list)
        self.executions = {fill.execution for fill in snapshot.fills}
        self._by_ref: dict[str, list[ExpectedOrder]] = defaultdict(list)
        self._by_perm: dict[int, ExpectedOrder] = {}
        self._by_key: dict[tuple[int, int], ExpectedOrder] = {}
        for order in (order for intent in intents for order in intent.orders):
            self._by_ref[order.order_ref].append(order)
            self._by_key[order.key] = order
            if order.perm_id:
                self._by_perm[order.perm_id] = order
        for state in snapshot.standing:
            self._place(state, self.strangers)
        for state in snapshot.ended:
            self._place(state, self.unmatched_ends)
        for fill in snapshot.fills:
            self.executed[fill.order_ref, fill.order_id].append(fill)

    def tells_of(self, order: ExpectedOrder) -> bool:
        """The broker lists the order somewhere: open, ended, or by an execution."""
        return order.key in self.told or order.name in self.executed

    def missed(self, order: ExpectedOrder) -> bool:
        """The order was looked for, and the broker did not list it."""
        return order.name in self._looked_for and not self.tells_of(order)

    def _place(self, state: OrderState, others: list[OrderState]) -> None:
        order = self._match(state)
        if order is None:
            others.append(state)
        elif order.key not in self.told:  # an order that ended meanwhile may stand in both
            self.told[order.key] = _as_ours(state, order)

    def _match(self, state: OrderState) -> ExpectedOrder | None:
        same = self._by_ref.get(state.order_ref, []) if state.order_ref else []
        for order in same:
            if state.order_id and order.key == (state.client_id, state.order_id):
                return order
        if state.perm_id and (order_by_perm := self._by_perm.get(state.perm_id)) is not None:
            return order_by_perm
        if not state.order_id:
            return self._by_look(state, same)
        if state.order_ref:
            return None
        return self._by_key.get((state.client_id, state.order_id))

    def _by_look(self, state: OrderState, same: list[ExpectedOrder]) -> ExpectedOrder | None:
        """Find which order of its intent an ended one is: it comes without an order id."""
        alike = [
            order
            for order in same
            if not order.perm_id
            and order.key not in self.told
            and (order.side, order.order_type) == (state.side, state.order_type)
        ]
        prices = state.limit_price, state.stop_price
        alike.sort(key=lambda order: (order.limit_price, order.stop_price) != prices)
        return alike[0] if alike else None


def are_apart(before: Look, now: Look) -> bool:
    """Tell whether two looks may speak for each other: one epoch, one day, and apart."""
    first, second = before.snapshot, now.snapshot
    return (
        first.is_complete
        and second.is_complete
        and first.epoch == second.epoch
        and second.taken_s - first.taken_s >= APART_S
        and is_one_trading_day(first.at, second.at)
    )


def _as_ours(state: OrderState, order: ExpectedOrder) -> OrderState:
    """Give back to an ended order what the broker does not say of it."""
    if state.order_id:
        return state
    quantity = order.quantity if state.status is not OrderStatus.FILLED else state.filled
    return replace(
        state,
        order_id=order.order_id,
        client_id=order.client_id,
        parent_id=order.parent_id,
        order_ref=order.order_ref,
        quantity=quantity or order.quantity,
        remaining=max(quantity - state.filled, Decimal(0)),
    )
