"""Taking orders: from what a client sends to an order that is held, transmitted or refused.

At home here: ids, the holding and release of brackets by ``transmit``, rejections, modifications
and what-ifs. The rules themselves are tables in `order_rules` and `margin`; what a transmitted
order does is the `floor`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from apps.domain.orders import TimeInForce
from apps.paper.exchange import notices
from apps.paper.exchange.events import Refused, StatusChanged, Warned
from apps.paper.exchange.floor import Floor
from apps.paper.exchange.margin import answer_what_if, refusal_for_margin
from apps.paper.exchange.order_rules import (
    KINSHIP_IS_FIXED,
    WHAT_IF_NEEDS_TRANSMIT,
    Refusal,
    Surroundings,
    refusal_of_change,
    refusal_of_new,
)
from apps.paper.exchange.orders import Order, OrderKey, OrderSnapshot, Stage
from apps.paper.ledger import Mark

__all__ = ["Intake"]

_FIRST_PERM_ID = 1_500_000_001
_PARENT_REJECTED = "Parent order was rejected"


class Intake:
    """The desk at which orders come in; accepted ones go on to the floor.

    ``mark`` values positions and market orders when margin is weighed.
    """

    def __init__(self, floor: Floor, mark: Mark) -> None:
        self._floor = floor
        self._book = floor.book
        self._names = frozenset(floor.accounts)
        self._mark = mark
        self._next_perm_id = _FIRST_PERM_ID

    def place(self, order: Order) -> None:
        """Take a new order, or a change of a known one."""
        order = self._completed(order)
        known = self._book.find(order.key)
        if known is None or known.stage is Stage.HELD:
            self._take(order, known)
        else:
            self._modify(known, order)

    def what_if(self, order: Order) -> None:
        """Answer what an order would do; it uses no id and touches nothing."""
        order = self._completed(order)
        refusal = self._refusal_of_what_if(order)
        if refusal is not None:
            self._refuse(order, refusal)
            return
        account = self._floor.accounts[order.account]
        self._floor.events.append(answer_what_if(account, order, self._mark, self._floor.fees))

    def discard(self, held: OrderSnapshot) -> None:
        """Drop an untransmitted order, and what is held for it."""
        for child in self._book.children(held.key):
            if child.stage is Stage.HELD:
                self.discard(child)
        self._book.discard(held.key)
        for notice in notices.discarded(held.perm_id):
            self._warn(held.key, notice)

    def _completed(self, order: Order) -> Order:
        account = order.account or (next(iter(self._names)) if len(self._names) == 1 else "")
        tif = order.time_in_force or TimeInForce.DAY.value
        return replace(order, account=account, time_in_force=tif)

    def _take(self, order: Order, held: OrderSnapshot | None) -> None:
        refusal = refusal_of_new(order, self._surroundings(order, held))
        if held is not None and not _is_kin_alike(order, held.order):
            refusal = refusal or KINSHIP_IS_FIXED
        if refusal is not None and not refusal.leaves_order:
            self._refuse(order, refusal)
            return
        snapshot = self._hold(order, held)
        if refusal is not None:
            self._reject(snapshot, refusal)
        elif order.transmit:
            self._transmit(self._family(snapshot))

    def _hold(self, order: Order, held: OrderSnapshot | None) -> OrderSnapshot:
        if held is not None:
            snapshot = replace(held, order=order)
            self._book.put(snapshot)
            return snapshot
        parent = self._book.parent(order)
        snapshot = OrderSnapshot(
            order=order,
            perm_id=self._next_perm_id,
            stage=Stage.HELD,
            placed_at=self._floor.now,
            parent_perm_id=parent.perm_id if parent is not None else 0,
        )
        self._next_perm_id += 1
        self._book.add(snapshot)
        return snapshot

    def _family(self, snapshot: OrderSnapshot) -> list[OrderSnapshot]:
        """Give what an order's transmission releases: its parent, its siblings, its children."""
        root = self._book.parent(snapshot.order) or snapshot
        members = [root, *self._book.children(root.key)]
        return [member for member in members if member.stage is Stage.HELD]

    def _transmit(self, family: Sequence[OrderSnapshot]) -> None:
        for held in family:
            parent = self._book.parent(held.order)
            if parent is not None and parent.stage is Stage.REJECTED:
                self._drop_child(held)
                continue
            refusal = self._refusal_for_margin(held.order, Decimal(0))
            if refusal is not None:
                self._reject(held, refusal)
            else:
                self._floor.enter(held)
        self._floor.meet_now({held.order.listing: None for held in family})

    def _reject(self, snapshot: OrderSnapshot, refusal: Refusal) -> None:
        """Turn an order down as the servers do: the error first, then the Inactive order."""
        self._refuse(snapshot.order, refusal)
        self._show(
            replace(
                snapshot.moved(Stage.REJECTED),
                done_at=self._floor.now,
                done_reason=refusal.text,
            )
        )

    def _drop_child(self, held: OrderSnapshot) -> None:
        self._show(
            replace(
                held.moved(Stage.CANCELLED),
                done_at=self._floor.now,
                done_reason=_PARENT_REJECTED,
            )
        )
        self._warn(held.key, notices.cancelled(_PARENT_REJECTED))

    def _modify(self, known: OrderSnapshot, wanted: Order) -> None:
        refusal = refusal_of_change(known, wanted, self._surroundings(wanted, known))
        if refusal is None:
            refusal = self._refusal_for_margin(wanted, known.filled)
        if refusal is not None:
            self._refuse(wanted, refusal)
            return
        changed = replace(
            known.order,
            quantity=wanted.quantity,
            limit_price=wanted.limit_price,
            stop_price=wanted.stop_price,
            time_in_force=wanted.time_in_force,
            wire=wanted.wire,
        )
        self._floor.show_changed(replace(known, order=changed, rested_since=None))
        self._floor.meet_now([known.order.listing])

    def _refusal_of_what_if(self, order: Order) -> Refusal | None:
        if not order.transmit:
            return WHAT_IF_NEEDS_TRANSMIT
        around = self._surroundings(order, None)
        # a question uses no id, and may be asked about an order that works already
        return refusal_of_new(order, replace(around, highest_order_id=order.order_id - 1))

    def _refusal_for_margin(self, order: Order, filled: Decimal) -> Refusal | None:
        account = self._floor.accounts[order.account]
        return refusal_for_margin(account, self._book, order, filled, self._mark)

    def _surroundings(self, order: Order, known: OrderSnapshot | None) -> Surroundings:
        counted = self._book.count_on_side(order.account, order.listing.con_id, order.side)
        return Surroundings(
            accounts=self._names,
            highest_order_id=(
                self._book.highest_order_id(order.client_id)
                if known is None
                else order.order_id - 1
            ),
            parent=self._book.parent(order),
            working_on_side=counted if known is None else counted - 1,
        )

    def _refuse(self, order: Order, refusal: Refusal) -> None:
        self._floor.events.append(Refused(*order.key, refusal.code, refusal.text))

    def _warn(self, key: OrderKey, notice: notices.Notice) -> None:
        self._floor.events.append(Warned(*key, notice.code, notice.text))

    def _show(self, snapshot: OrderSnapshot) -> None:
        self._book.put(snapshot)
        self._floor.events.append(StatusChanged(snapshot))


def _is_kin_alike(one: Order, other: Order) -> bool:
    return (one.parent_id, one.oca_group) == (other.parent_id, other.oca_group)
