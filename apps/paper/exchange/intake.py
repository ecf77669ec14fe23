"""Taking orders: from what a client sends to an order that is held, transmitted or refused.

At home here: ids, the holding and release of brackets by ``transmit``, rejections, modifications
and what-ifs. The rules themselves are tables in `order_rules`, `change_rules`, `precautions` and
`margin`; what a transmitted order does is the `floor`'s.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

from apps.paper.books.ledger import Mark
from apps.paper.exchange import notices
from apps.paper.exchange.book.exposures import Exposures
from apps.paper.exchange.brackets import Ending
from apps.paper.exchange.events import Refused, StatusChanged, Warned
from apps.paper.exchange.floor.floor import Floor
from apps.paper.exchange.margin import answer_what_if, refusal_for_margin
from apps.paper.exchange.orders import Order, OrderKey, OrderSnapshot, Stage
from apps.paper.exchange.policies import (
    CrossSide,
    DirectRouting,
    ExchangePolicy,
    FarLimit,
    TifNotice,
)
from apps.paper.exchange.rules.change_rules import changed, refusal_of_change
from apps.paper.exchange.rules.order_rules import Surroundings, refusal_of_new
from apps.paper.exchange.rules.precautions import capped, is_too_far, refusal_by_precaution
from apps.paper.exchange.rules.refusals import (
    KINSHIP_IS_FIXED,
    WHAT_IF_NEEDS_TRANSMIT,
    WHAT_IF_TOO_SOON,
    Refusal,
)
from apps.paper.exchange.rules.shorting import crosses_sides, needs_locate
from apps.paper.exchange.rules.venues import directly_routed_to
from apps.paper.feed.market import Millis, Touch
from apps.paper.instruments.listing import Listing
from apps.paper.limits import Limits

__all__ = ["Intake", "Sight"]

Sight = Callable[[Listing], Touch]
"""Gives the quotes of a listing as they are now."""

_PARENT_REJECTED = "Parent order was rejected"
_DAY = "DAY"
_MINUTE_MS = 60_000
UNTIL_FOUND: Millis = 9_999_999_999_999
"""How long an order waits for shares to borrow: until somebody says that there are some."""


class Intake:
    """The desk at which orders come in; accepted ones go on to the floor.

    ``mark`` values positions and market orders when margin is weighed, ``sight`` shows the market
    that limits are compared with.
    """

    def __init__(self, floor: Floor, mark: Mark, sight: Sight, limits: Limits) -> None:
        self._floor = floor
        self._book = floor.book
        self._exposures = Exposures(floor.book)
        self._names = frozenset(floor.accounts)
        self._mark = mark
        self._sight = sight
        self._limits = limits
        self._asked: dict[int, deque[Millis]] = {}
        self.turned_down: dict[OrderKey, str] = {}
        """New orders that are to be rejected, whatever they are, and why."""

    # -- what clients ask ------------------------------------------------------------------------

    def place(self, order: Order) -> None:
        """Take a new order, or a change of a known one."""
        known = self._book.find(order.key)
        if known is None or known.stage is Stage.HELD:
            self._take(order, known)
        else:
            self._modify(known, self._completed(order, known.order.time_in_force))

    def what_if(self, order: Order) -> None:
        """Answer what an order would do; it uses no id and touches nothing."""
        order = self._completed(order, _DAY)
        refusal = self._refusal_of_what_if(order)
        if refusal is not None:
            self._refuse(order, refusal)
            return
        account = self._floor.accounts[order.account]
        self._floor.events.append(
            answer_what_if(account, order, self._mark, self._floor.fees, self._floor.now)
        )

    def discard(self, held: OrderSnapshot) -> None:
        """Drop an untransmitted order, and what is held for it."""
        for child in self._book.children(held.key):
            if child.stage is Stage.HELD:
                self.discard(child)
        self._book.discard(held.key)
        for notice in notices.discarded(held.perm_id):
            self._warn(held.key, notice)

    def _completed(self, order: Order, time_in_force: str) -> Order:
        account = order.account or (next(iter(self._names)) if len(self._names) == 1 else "")
        return replace(order, account=account, time_in_force=order.time_in_force or time_in_force)

    # -- new orders ------------------------------------------------------------------------------

    def _take(self, asked: Order, held: OrderSnapshot | None) -> None:
        order = self._completed(asked, _DAY)
        refusal = self._refusal_of_new(order, held)
        if refusal is not None and not refusal.leaves_order:
            self._refuse(order, refusal)
            return
        if self._is_told_its_tif(asked):
            self._warn(order.key, notices.TIF_WAS_SET)
        snapshot = self._hold(order, held)
        if refusal is not None:
            self._reject(snapshot, refusal)
        elif order.transmit:
            self._transmit(self._family(snapshot))

    def _refusal_of_new(self, order: Order, held: OrderSnapshot | None) -> Refusal | None:
        if reason := self.turned_down.pop(order.key, ""):
            return Refusal(201, f"Order rejected - reason:{reason}", leaves_order=True)
        refusal = refusal_of_new(order, self._surroundings(order, held))
        if refusal is not None:
            return refusal
        if held is not None and not _is_kin_alike(order, held.order):
            return KINSHIP_IS_FIXED
        return self._refusal_by_precaution(order, changes=False)

    def _refusal_by_precaution(self, order: Order, *, changes: bool) -> Refusal | None:
        policy, away = self._floor.policy, directly_routed_to(order)
        if away and policy.direct_routing is DirectRouting.REFUSED and not changes:
            text = notices.directly_routed(away).text
            return Refusal(10311, f"{text} Direct routed orders may result in higher trade fees.")
        if order.legs:
            return None
        touch = self._sight(order.listing)
        return refusal_by_precaution(order, touch, policy.precautions, changes=changes)

    def _is_told_its_tif(self, asked: Order) -> bool:
        match self._floor.policy.tif_notice:
            case TifNotice.NOBODY:
                return False
            case TifNotice.WHEN_EMPTY:
                return not asked.time_in_force
            case TifNotice.ALWAYS:
                return asked.time_in_force in ("", _DAY)

    def _hold(self, order: Order, held: OrderSnapshot | None) -> OrderSnapshot:
        if held is not None:
            snapshot = replace(held, order=order)
            self._book.put(snapshot)
            return snapshot
        parent = self._book.parent(order)
        snapshot = OrderSnapshot(
            order=order,
            perm_id=self._book.next_perm_id,
            stage=Stage.HELD,
            placed_at=self._floor.now,
            parent_perm_id=parent.perm_id if parent is not None else 0,
        )
        self._book.add(snapshot)
        return snapshot

    # -- transmission ----------------------------------------------------------------------------

    def _family(self, snapshot: OrderSnapshot) -> list[OrderSnapshot]:
        """Give what an order's transmission releases: its parent, its siblings, its children."""
        root = self._book.parent(snapshot.order) or snapshot
        members = [root, *self._book.children(root.key)]
        return [member for member in members if member.stage is Stage.HELD]

    def _transmit(self, family: Sequence[OrderSnapshot]) -> None:
        for held in family:
            parent = self._book.parent(held.order)
            if parent is not None and parent.stage.is_done and not parent.filled:
                self._drop_child(held, parent.stage)
                continue
            refusal = self._refusal_for_margin(held.order, Decimal(0))
            if refusal is not None:
                self._reject(held, refusal)
            else:
                self._enter(held)
        self._floor.meet_now({held.order.listing: None for held in family})

    def _enter(self, held: OrderSnapshot) -> None:
        """Let an order onto the floor, and tell its client what there is to tell of it."""
        order, policy = held.order, self._floor.policy
        account = self._floor.accounts[order.account]
        crosses = policy.cross_side is CrossSide.WARNED and crosses_sides(account, order)
        if needs_locate(account, self._book, order, policy):
            held = replace(held, locate_until=UNTIL_FOUND)
        self._floor.enter(self._capped(held))
        if crosses and not order.parent_id:
            self._warn(order.key, notices.CROSSES_SIDES)
        if (away := directly_routed_to(order)) and policy.direct_routing is DirectRouting.WARNED:
            self._warn(order.key, notices.directly_routed(away))
        self._end_if_too_far(order)

    def _capped(self, snapshot: OrderSnapshot) -> OrderSnapshot:
        policy = self._floor.policy
        if policy.far_limit is not FarLimit.CAPPED or snapshot.order.legs:
            return snapshot
        touch = self._sight(snapshot.order.listing)
        return capped(snapshot, touch, policy.precautions)

    def _end_if_too_far(self, order: Order) -> None:
        policy = self._floor.policy
        if policy.far_limit is not FarLimit.CANCELLED or order.legs:
            return
        if is_too_far(order, self._sight(order.listing), policy.precautions):
            self._floor.end(order.key, Ending.TOO_FAR)

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

    def _drop_child(self, held: OrderSnapshot, parent: Stage) -> None:
        reason = _PARENT_REJECTED if parent is Stage.REJECTED else Ending.WITH_PARENT.value
        self._show(
            replace(held.moved(Stage.CANCELLED), done_at=self._floor.now, done_reason=reason)
        )
        self._warn(held.key, notices.cancelled(reason))

    # -- changes and questions -------------------------------------------------------------------

    def _modify(self, known: OrderSnapshot, wanted: Order) -> None:
        refusal = (
            refusal_of_change(known, wanted, self._surroundings(wanted, known))
            or self._refusal_by_precaution(wanted, changes=True)
            or self._refusal_for_margin(wanted, known.filled)
        )
        if refusal is not None:
            self._refuse(wanted, refusal)
            return
        self._floor.show_changed(self._capped(changed(known, wanted)))
        self._end_if_too_far(self._book[known.key].order)
        self._floor.meet_now([known.order.listing])

    def _refusal_of_what_if(self, order: Order) -> Refusal | None:
        if not order.transmit:
            return WHAT_IF_NEEDS_TRANSMIT
        if self._asks_too_often(order.client_id):
            return WHAT_IF_TOO_SOON
        around = self._surroundings(order, None)
        # a question uses no id, and may be asked about an order that works already
        return refusal_of_new(order, replace(around, highest_order_id=order.order_id - 1))

    def _asks_too_often(self, client_id: int) -> bool:
        most = self._limits.what_ifs_per_minute
        if most is None:
            return False
        asked = self._asked.setdefault(client_id, deque())
        while asked and asked[0] <= self._floor.now - _MINUTE_MS:
            asked.popleft()
        if len(asked) >= most:
            return True
        asked.append(self._floor.now)
        return False

    def _refusal_for_margin(self, order: Order, filled: Decimal) -> Refusal | None:
        account = self._floor.accounts[order.account]
        return refusal_for_margin(account, self._book, self._exposures, order, filled, self._mark)

    def _surroundings(self, order: Order, known: OrderSnapshot | None) -> Surroundings:
        counted = self._book.count_on_side(order.account, order.listing.con_id, order.side)
        account = self._floor.accounts.get(order.account)
        return Surroundings(
            accounts=self._names,
            highest_order_id=(
                self._book.highest_order_id(order.client_id)
                if known is None
                else order.order_id - 1
            ),
            parent=self._book.parent(order),
            working_on_side=counted if known is None else counted - 1,
            now=self._floor.now,
            policy=self._floor.policy,
            can_book=account is not None and all(map(account.can_book, _listings(order))),
            most_on_side=self._limits.working_orders_per_side,
            group_has_traded=any(
                other.filled for other in self._book.group(order.account, order.oca_group)
            ),
        )

    # -- policy ----------------------------------------------------------------------------------

    def adopt(self, policy: ExchangePolicy) -> None:
        """Go by another policy; shares that are not hard to borrow any more are found."""
        self._floor.policy = policy
        woken: dict[Listing, None] = {}
        for order in tuple(self._book.alive()):
            listing = order.order.listing
            if order.locate_until is None or listing.con_id in policy.hard_to_borrow:
                continue
            self._book.put(replace(order, locate_until=None))
            if order.stage is Stage.AWAITS_LOCATE and self._floor.wake(order.key):
                woken[listing] = None
        self._floor.meet_now(woken)

    # -- telling ---------------------------------------------------------------------------------

    def _refuse(self, order: Order, refusal: Refusal) -> None:
        self._floor.events.append(Refused(*order.key, refusal.code, refusal.text))

    def _warn(self, key: OrderKey, notice: notices.Notice) -> None:
        self._floor.events.append(Warned(*key, notice.code, notice.text))

    def _show(self, snapshot: OrderSnapshot) -> None:
        self._book.put(snapshot)
        self._floor.events.append(StatusChanged(snapshot))


def _is_kin_alike(one: Order, other: Order) -> bool:
    return (one.parent_id, one.oca_group) == (other.parent_id, other.oca_group)


def _listings(order: Order) -> tuple[Listing, ...]:
    return tuple(leg.listing for leg in order.legs) or (order.listing,)
