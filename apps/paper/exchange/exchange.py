"""The exchange: one simulated broker's servers, as its clients' sessions see them.

Synchronous and pure: time comes in as `Millis`, prices through `Quotes`, hours through
`Sessions`; what happened goes out as a list of events, in the order in which IB would tell it.
At home here: the surface, cancellations, and the passing of time. How orders are taken stands in
`intake`, what accepted orders do in `floor`.

The same calls at the same times give the same events: permIds and execIds are counted, nothing
is random.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from apps.paper.exchange import notices
from apps.paper.exchange.brackets import DEFAULT_POLICY, BracketPolicy, Ending
from apps.paper.exchange.events import Event, Refused
from apps.paper.exchange.fees import IBKR_PRO_FIXED_US, FeeSchedule
from apps.paper.exchange.floor import Floor, Quotes
from apps.paper.exchange.hours import Sessions
from apps.paper.exchange.intake import Intake
from apps.paper.exchange.orders import (
    CommissionReport,
    Execution,
    Order,
    OrderSnapshot,
    Stage,
)
from apps.paper.feed.market import Millis, Print, Touch
from apps.paper.ledger import Account
from apps.paper.listing import Listing

__all__ = ["Exchange", "Quotes", "Sessions"]


class Exchange:
    """Orders, matching and fills of the accounts of one gateway.

    Every call first brings the exchange to ``at`` (sessions open, DAY orders expire), so the
    events of a call may begin with those. Times never go back: that raises ValueError. `place`
    matches at once against ``quotes.touch(listing, at)``: bring the market up to ``at`` with
    `on_market` first.
    """

    def __init__(
        self,
        accounts: Iterable[Account],
        *,
        quotes: Quotes,
        sessions: Sessions,
        fees: FeeSchedule = IBKR_PRO_FIXED_US,
        policy: BracketPolicy = DEFAULT_POLICY,
    ) -> None:
        self._quotes = quotes
        self._floor = Floor(
            {account.name: account for account in accounts},
            quotes=quotes,
            sessions=sessions,
            fees=fees,
            policy=policy,
        )
        self._intake = Intake(self._floor, self._mark)
        self._book = self._floor.book
        self._deadline: Millis | None = None
        self._deadline_version = -1
        self._marks: dict[int, Decimal] = {}
        self._marks_at: Millis | None = None

    # -- what clients ask ----------------------------------------------------------------------

    def place(self, order: Order, at: Millis) -> list[Event]:
        """Take a new order, or a change of the one with the same client and order id.

        Held orders (``transmit=False``) give no events. A what-if is answered as by `what_if`.
        """
        if order.what_if:
            return self.what_if(order, at)
        self._advance(at)
        self._intake.place(order)
        return self._told()

    def cancel(self, client_id: int, order_id: int, at: Millis) -> list[Event]:
        """Cancel one order of this client; another client's order is not found."""
        self._advance(at)
        known = self._book.find((client_id, order_id))
        if known is None:
            self._refuse(client_id, order_id, notices.unknown_order(order_id))
        elif known.stage is Stage.HELD:
            self._intake.discard(known)
        elif known.stage.is_alive:
            self._floor.end(known.key, Ending.BY_CLIENT)
        else:
            self._refuse(client_id, order_id, notices.not_cancellable(known))
        return self._told()

    def cancel_all(self, at: Millis) -> list[Event]:
        """Cancel every order of every client (reqGlobalCancel)."""
        self._advance(at)
        while held := self._book.held():
            self._intake.discard(held[0])
        for order in list(self._book.alive()):
            if self._book[order.key].stage.is_alive:
                self._floor.end(order.key, Ending.BY_CLIENT)
        return self._told()

    def what_if(self, order: Order, at: Millis) -> list[Event]:
        """Say what an order would do to margin and cost, or why it would be refused.

        It never fills, uses no id, and touches nothing.
        """
        self._advance(at)
        self._intake.what_if(order)
        return self._told()

    # -- the market and the clock ----------------------------------------------------------------

    def on_market(
        self, listing: Listing, touch: Touch, trade: Print | None, at: Millis
    ) -> list[Event]:
        """Take one moment of the market: elect stops, match what can trade."""
        self._advance(at)
        self._floor.meet(listing, touch, trade)
        return self._told()

    def on_time(self, at: Millis) -> list[Event]:
        """Let time pass: orders held for a session start to work, DAY orders expire."""
        self._advance(at)
        return self._told()

    def next_deadline(self) -> Millis | None:
        """Give the next time at which `on_time` will change something by itself."""
        if self._deadline_version != self._book.version:
            times = (self._due_at(order) for order in self._book.alive())
            self._deadline = min((at for at in times if at is not None), default=None)
            self._deadline_version = self._book.version
        return self._deadline

    # -- what there is ---------------------------------------------------------------------------

    def working_orders(self) -> tuple[OrderSnapshot, ...]:
        """Give the transmitted orders that can still trade, oldest first."""
        return tuple(sorted(self._book.alive(), key=lambda order: order.perm_id))

    def completed_orders(self) -> tuple[OrderSnapshot, ...]:
        """Give the orders that ended (filled, cancelled, rejected), in the order of ending."""
        return self._book.done()

    def executions(self) -> tuple[Execution, ...]:
        """Give all executions, oldest first."""
        return tuple(self._floor.executions)

    def commission_report(self, exec_id: str) -> CommissionReport:
        """Give what an execution cost. Raises KeyError."""
        return self._floor.reports[exec_id]

    def working_listings(self) -> frozenset[Listing]:
        """Give the listings that `on_market` must be told of."""
        return self._book.listings()

    def next_order_id(self, client_id: int) -> int:
        """Give the lowest order id above all that this client has used."""
        return self._book.highest_order_id(client_id) + 1

    # -- time ------------------------------------------------------------------------------------

    def _advance(self, at: Millis) -> None:
        if at < self._floor.now:
            raise ValueError(f"market time went back from {self._floor.now} to {at}")
        while (due := self.next_deadline()) is not None and due <= at:
            self._floor.now = max(self._floor.now, due)
            self._run_deadlines()
        self._floor.now = at

    def _run_deadlines(self) -> None:
        woken: dict[Listing, None] = {}
        for order in self.working_orders():
            now = self._book[order.key]
            due = self._due_at(now) if now.stage.is_alive else None
            if due is None or due > self._floor.now:
                continue
            if now.expires_at is not None and now.expires_at <= self._floor.now:
                self._floor.end(now.key, Ending.EXPIRED)
            else:
                self._floor.wake(now.key)
                woken[now.order.listing] = None
        self._floor.meet_now(woken)

    def _due_at(self, order: OrderSnapshot) -> Millis | None:
        if order.stage is not Stage.AWAITS_SESSION:
            return order.expires_at
        window = self._floor.hours.of_order(order.order, self._floor.now)
        opens = self._floor.now if window.is_open else window.start
        return opens if order.expires_at is None else min(opens, order.expires_at)

    # -- telling ---------------------------------------------------------------------------------

    def _mark(self, listing: Listing) -> Decimal:
        # one call may value every position several times, and reading a market path is not free
        if self._marks_at != self._floor.now:
            self._marks, self._marks_at = {}, self._floor.now
        mark = self._marks.get(listing.con_id)
        if mark is None:
            mark = self._marks[listing.con_id] = self._quotes.last(listing, self._floor.now).price
        return mark

    def _refuse(self, client_id: int, order_id: int, notice: notices.Notice) -> None:
        self._floor.events.append(Refused(client_id, order_id, notice.code, notice.text))

    def _told(self) -> list[Event]:
        events, self._floor.events = self._floor.events, []
        return events
