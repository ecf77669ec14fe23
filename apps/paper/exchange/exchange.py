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

from apps.paper.books.ledger import Account
from apps.paper.exchange import notices
from apps.paper.exchange.behaviour import Auction
from apps.paper.exchange.book.change_log import ChangeLog
from apps.paper.exchange.book.deadlines import Deadlines
from apps.paper.exchange.brackets import Ending
from apps.paper.exchange.events import Event, Refused
from apps.paper.exchange.fees import IBKR_PRO_FIXED, FeeTable
from apps.paper.exchange.floor.floor import Floor, Quotes
from apps.paper.exchange.floor.matching import FillSizes
from apps.paper.exchange.hours import Sessions
from apps.paper.exchange.intake import Intake
from apps.paper.exchange.orders import (
    CommissionReport,
    Execution,
    Order,
    OrderKey,
    OrderSnapshot,
    Stage,
)
from apps.paper.exchange.policies import DEFAULT_RULES, ExchangePolicy
from apps.paper.exchange.record import ExchangeRecord
from apps.paper.feed.market import Millis, Print, Touch
from apps.paper.instruments.listing import Listing
from apps.paper.limits import IB_LIMITS, Limits

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
        fees: FeeTable = IBKR_PRO_FIXED,
        policy: ExchangePolicy = DEFAULT_RULES,
        limits: Limits = IB_LIMITS,
    ) -> None:
        self.policy = policy
        self._quotes = quotes
        self._floor = Floor(
            {account.name: account for account in accounts},
            quotes=quotes,
            sessions=sessions,
            fees=fees,
            policy=policy,
        )
        self._intake = Intake(self._floor, self._mark, self._touch, limits)
        self._book = self._floor.book
        self._deadlines = Deadlines()
        self._undated = self._book.changes()
        self._log = ChangeLog(self._floor)
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
        for order in self._book.alive():
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
        """Take one moment of the market: judge conditions, elect stops, match what can trade."""
        self._advance(at)
        self._floor.meet(listing, touch, trade)
        return self._told()

    def on_time(self, at: Millis) -> list[Event]:
        """Let time pass: orders whose session, time or close has come move, others expire."""
        self._advance(at)
        return self._told()

    def next_deadline(self) -> Millis | None:
        """Give the next time at which `on_time` will change something by itself."""
        for key in self._undated:
            order = self._book.find(key)
            is_alive = order is not None and order.stage.is_alive
            self._deadlines.set(key, _due_at(order) if order is not None and is_alive else None)
        self._undated.clear()
        return self._deadlines.next()

    def halt(self, listing: Listing, at: Millis) -> list[Event]:
        """Stop trading in a listing: nothing of it trades, or is elected by it, until `resume`.

        Orders are taken and cancelled all the same, and end when their time is over.
        """
        self._advance(at)
        self._floor.pits.halt(listing)
        return self._told()

    def resume(self, listing: Listing, at: Millis) -> list[Event]:
        """Let a halted listing trade again, beginning with the market as it is."""
        self._advance(at)
        self._floor.pits.resume(listing)
        self._floor.meet_now([listing])
        return self._told()

    def is_halted(self, listing: Listing) -> bool:
        """Tell whether trading in a listing is stopped."""
        return self._floor.pits.is_halted(listing)

    def adopt(self, policy: ExchangePolicy, at: Millis) -> list[Event]:
        """Go by another policy from now on; orders whose shares are found by it begin to work."""
        self._advance(at)
        self.policy = policy
        self._intake.adopt(policy)
        return self._told()

    def turn_down(self, key: OrderKey, reason: str) -> None:
        """Reject the order with this key when it comes (201); with '' it is taken after all."""
        if reason:
            self._intake.turned_down[key] = reason
        else:
            self._intake.turned_down.pop(key, None)

    @property
    def fill_sizes(self) -> FillSizes | None:
        """What holds fills back, if anything does."""
        return self._floor.pits.fill_sizes

    @fill_sizes.setter
    def fill_sizes(self, sizes: FillSizes | None) -> None:
        self._floor.pits.fill_sizes = sizes

    # -- what there is ---------------------------------------------------------------------------

    def working_orders(self) -> tuple[OrderSnapshot, ...]:
        """Give the transmitted orders that can still trade, oldest first."""
        return self._book.alive()

    def completed_orders(self) -> tuple[OrderSnapshot, ...]:
        """Give the orders that ended (filled, cancelled, rejected), in the order of ending."""
        return self._book.done()

    def executions(self) -> tuple[Execution, ...]:
        """Give all executions, oldest first. A BAG's come before those of its legs."""
        return tuple(self._floor.clearing.executions)

    def commission_report(self, exec_id: str) -> CommissionReport:
        """Give what an execution cost. Raises KeyError."""
        return self._floor.clearing.reports[exec_id]

    def working_listings(self) -> frozenset[Listing]:
        """Give the listings that `on_market` must be told of.

        Those of the orders, or of their legs, and those that their conditions look at.
        """
        return self._book.listings()

    def next_order_id(self, client_id: int) -> int:
        """Give the lowest order id above all that this client has used."""
        return self._book.highest_order_id(client_id) + 1

    # -- being kept ------------------------------------------------------------------------------

    def changes(self) -> ExchangeRecord | None:
        """Give what became different since this was last called; None when nothing did."""
        return self._log.take()

    def restore(self, record: ExchangeRecord) -> None:
        """Begin with what is in ``record``; trades are booked, and no event is told.

        Raises ValueError for an exchange that has an order or an order id already.
        """
        self._log.restore(record)

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
        due = [self._book[key] for key in self._deadlines.take(self._floor.now)]
        for order in sorted(due, key=lambda each: each.perm_id):
            if self._wake_or_end(order.key):
                woken[order.order.listing] = None
        self._floor.meet_now(woken)

    def _wake_or_end(self, key: OrderKey) -> bool:
        """Do what is due to an order; tell whether it may trade now."""
        order, now = self._book[key], self._floor.now
        if not order.stage.is_alive:
            return False
        is_over = order.expires_at is not None and order.expires_at <= now
        closes = order.order.behaviour.auction is Auction.CLOSING
        may_trade = (closes or not is_over) and self._floor.wake(key)
        if is_over and self._book[key].stage.is_alive:
            self._floor.end(key, Ending.EXPIRED)
            return False
        return may_trade

    # -- telling ---------------------------------------------------------------------------------

    def _mark(self, listing: Listing) -> Decimal:
        # one call may value every position several times, and reading a market path is not free
        if self._marks_at != self._floor.now:
            self._marks, self._marks_at = {}, self._floor.now
        mark = self._marks.get(listing.con_id)
        if mark is None:
            mark = self._marks[listing.con_id] = self._quotes.last(listing, self._floor.now).price
        return mark

    def _touch(self, listing: Listing) -> Touch:
        return self._quotes.touch(listing, self._floor.now)

    def _refuse(self, client_id: int, order_id: int, notice: notices.Notice) -> None:
        self._floor.events.append(Refused(client_id, order_id, notice.code, notice.text))

    def _told(self) -> list[Event]:
        events, self._floor.events = self._floor.events, []
        return events


def _due_at(order: OrderSnapshot) -> Millis | None:
    times = [at for at in (order.expires_at, order.wakes_at) if at is not None]
    return min(times, default=None)
