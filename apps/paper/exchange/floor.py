"""The trading floor: what happens to orders once they are accepted.

At home here: letting orders work when their session and their parent allow it, electing stops,
matching, booking fills, and carrying out what one order's fate does to its kin. Whether an order
is accepted at all, and what clients may ask, is the `exchange`'s. What happened collects in
``events``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import Protocol

from apps.domain.orders import TimeInForce
from apps.paper.exchange import notices
from apps.paper.exchange.book import Book
from apps.paper.exchange.brackets import (
    Arm,
    BracketPolicy,
    Cancel,
    Consequence,
    Ending,
    Resize,
    after_end,
    after_fill,
    after_shrink,
    awaits_parent,
    fillable,
)
from apps.paper.exchange.events import (
    CommissionReported,
    Event,
    Executed,
    OrderAccepted,
    StatusChanged,
    Warned,
)
from apps.paper.exchange.fees import FeeSchedule
from apps.paper.exchange.hours import HoursCache, Sessions, Window
from apps.paper.exchange.matching import (
    Liquidity,
    Offer,
    crosses,
    is_elected_by,
    offer_to,
    priority,
)
from apps.paper.exchange.orders import (
    CommissionReport,
    Execution,
    OrderKey,
    OrderSnapshot,
    Stage,
)
from apps.paper.feed.market import Millis, Print, Touch
from apps.paper.ledger import Account
from apps.paper.listing import Listing

__all__ = ["Floor", "Quotes"]


class Quotes(Protocol):
    """What the exchange reads of the market by itself (a `Market` will do)."""

    def touch(self, listing: Listing, at: Millis) -> Touch:
        """Give bid and ask at ``at``."""

    def last(self, listing: Listing, at: Millis) -> Print:
        """Give the newest print at or before ``at``."""


class Floor:
    """Accepted orders and the market they meet; ``now`` is the market time of what happens."""

    def __init__(
        self,
        accounts: Mapping[str, Account],
        *,
        quotes: Quotes,
        sessions: Sessions,
        fees: FeeSchedule,
        policy: BracketPolicy,
    ) -> None:
        self.now: Millis = 0
        self.book = Book()
        self.events: list[Event] = []
        self.executions: list[Execution] = []
        self.reports: dict[str, CommissionReport] = {}
        self.hours = HoursCache(sessions)
        self.accounts = accounts
        self._quotes = quotes
        self.fees = fees
        self._policy = policy
        self._liquidity: dict[int, Liquidity] = {}
        self._numbers = count(1)

    # -- entering and leaving ------------------------------------------------------------------

    def enter(self, snapshot: OrderSnapshot) -> None:
        """Transmit a held order: it gets its stage, and is shown."""
        window = self._window(snapshot)
        is_day = snapshot.order.time_in_force == TimeInForce.DAY.value
        entered = replace(
            snapshot.moved(self._stage_for(snapshot)), expires_at=window.end if is_day else None
        )
        entered = replace(entered, warning=notices.held_until_open(entered, window))
        self.book.put(entered)
        self.events.append(OrderAccepted(entered))
        for notice in notices.on_entry(entered):
            self._warn(entered.key, notice)

    def end(self, key: OrderKey, ending: Ending) -> None:
        """Cancel a transmitted order, and do to its kin what follows from it."""
        ended = replace(
            self.book[key].moved(Stage.CANCELLED), done_at=self.now, done_reason=ending.value
        )
        self._show(ended)
        self._warn(key, notices.cancelled(ending.value))
        self._carry_out(after_end(self.book, ended, ending, self._policy))

    def resize(self, key: OrderKey, quantity: Decimal, given_up: Decimal = Decimal(0)) -> None:
        """Give an order a smaller total size; down to what has traded, it is filled."""
        order = self.book[key]
        resized = replace(
            order,
            order=replace(order.order, quantity=quantity),
            given_up=order.given_up + given_up,
        )
        self.show_changed(resized)

    def show_changed(self, changed: OrderSnapshot) -> None:
        """Take an order with changed size or price into the book; a cut goes on to its children."""
        is_smaller = changed.order.quantity < self.book[changed.key].order.quantity
        if changed.remaining == 0:
            changed = replace(changed.moved(Stage.FILLED), done_at=self.now)
        self._show(changed)
        if is_smaller:
            self._carry_out(after_shrink(self.book, changed))

    def wake(self, key: OrderKey) -> None:
        """Let an order work that waited for its session."""
        self._show(replace(self.book[key].moved(Stage.WORKING), warning=""))

    # -- matching ------------------------------------------------------------------------------

    def meet(self, listing: Listing, touch: Touch, trade: Print | None) -> None:
        """Let the orders of a listing meet one moment of its market."""
        liquidity = self._liquidity.get(listing.con_id)
        if liquidity is None:
            liquidity = self._liquidity[listing.con_id] = Liquidity(touch, trade)
        else:
            liquidity.follow(touch, trade)
        # a fill may arm children, and an election make an order work: ask until nothing moves
        while self._elect(listing, trade) or self._match(listing, liquidity):
            pass
        self._drop_remainders(listing)

    def meet_now(self, listings: Iterable[Listing]) -> None:
        """Let the orders of these listings meet the market as it is now."""
        for listing in listings:
            self.meet(listing, self._quotes.touch(listing, self.now), None)

    def _elect(self, listing: Listing, trade: Print | None) -> bool:
        waiting = [
            order
            for order in self.book.alive_of(listing.con_id)
            if order.stage is Stage.AWAITS_TRIGGER and self._window(order).is_open
        ]
        if not waiting:
            return False
        last = trade or self._quotes.last(listing, self.now)
        elected = [
            order
            for order in waiting
            if last.at >= self._window(order).start and is_elected_by(order, last)
        ]
        for order in elected:
            self._show(replace(order.moved(Stage.WORKING), elected=True))
        return bool(elected)

    def _match(self, listing: Listing, liquidity: Liquidity) -> bool:
        queue = sorted(self.book.alive_of(listing.con_id), key=priority)
        return any(self._match_one(order.key, liquidity) for order in queue)

    def _match_one(self, key: OrderKey, liquidity: Liquidity) -> bool:
        # read again: a fill of an order before it in the queue may have reduced or ended it
        order = self.book[key]
        window = self._window(order)
        if order.stage is not Stage.WORKING or not window.is_open:
            return False
        offer = offer_to(order, liquidity, rests=order.rested_since == window.start)
        quantity = min(offer.size, fillable(self.book, order)) if offer else Decimal(0)
        if offer is not None and quantity > 0:
            liquidity.take(order.order.side, offer.source, quantity)
            self._fill(order, offer, quantity)
            return True
        if order.rested_since != window.start and not crosses(order, liquidity.touch):
            self.book.put(replace(order, rested_since=window.start))
        return False

    def _drop_remainders(self, listing: Listing) -> None:
        for order in self.book.alive_of(listing.con_id):
            now = self.book[order.key]
            is_due = now.stage in (Stage.WORKING, Stage.AWAITS_SESSION)
            if is_due and now.order.time_in_force == TimeInForce.IOC.value:
                self.end(now.key, Ending.IOC_REMAINDER)

    def _fill(self, before: OrderSnapshot, offer: Offer, quantity: Decimal) -> None:
        filled = before.filled + quantity
        value = before.traded_value + quantity * offer.price
        owed = self.fees.owed(filled, value * before.order.listing.multiplier)
        after = replace(
            before,
            filled=filled,
            traded_value=value,
            last_fill_price=offer.price,
            commission=owed,
        )
        if after.remaining == 0:
            after = replace(after.moved(Stage.FILLED), done_at=self.now)
        execution = self._execution(after, offer, quantity)
        report = self._booked(execution, owed - before.commission)
        self.book.put(after)
        self.events += (
            Executed(after, execution),
            StatusChanged(after),
            CommissionReported(after.order.client_id, report),
        )
        self._carry_out(after_fill(self.book, after, quantity, self._policy))

    def _execution(self, after: OrderSnapshot, offer: Offer, quantity: Decimal) -> Execution:
        order = after.order
        return Execution(
            exec_id=f"0000e0d5.{after.perm_id:08x}.{next(self._numbers):08x}.01",
            client_id=order.client_id,
            order_id=order.order_id,
            perm_id=after.perm_id,
            account=order.account,
            listing=order.listing,
            side=order.side,
            quantity=quantity,
            price=offer.price,
            at=self.now,
            cumulative_quantity=after.filled,
            avg_price=after.avg_fill_price,
            order_ref=order.order_ref,
            removed_liquidity=offer.removed_liquidity,
        )

    def _booked(self, execution: Execution, commission: Decimal) -> CommissionReport:
        realized = self.accounts[execution.account].book(
            execution.listing, execution.side, execution.quantity, execution.price, commission
        )
        report = CommissionReport(
            exec_id=execution.exec_id,
            account=execution.account,
            commission=commission,
            currency=execution.listing.currency,
            realized_pnl=realized,
        )
        self.executions.append(execution)
        self.reports[execution.exec_id] = report
        return report

    # -- consequences --------------------------------------------------------------------------

    def _carry_out(self, consequences: list[Consequence]) -> None:
        for consequence in consequences:
            order = self.book[consequence.key]
            if order.stage.is_done:
                continue  # one of the consequences before it has ended this order already
            match consequence:
                case Cancel(key, ending):
                    self.end(key, ending)
                case Resize(key, quantity, given_up):
                    self.resize(key, quantity, given_up)
                case Arm(key):
                    self._arm(order)

    def _arm(self, child: OrderSnapshot) -> None:
        stage = self._stage_for(child)
        if stage is not Stage.AWAITS_PARENT:
            self._show(child.moved(stage))

    def _stage_for(self, snapshot: OrderSnapshot) -> Stage:
        if awaits_parent(self.book.parent(snapshot.order), self._policy):
            return Stage.AWAITS_PARENT
        if snapshot.awaits_election:
            return Stage.AWAITS_TRIGGER
        return Stage.WORKING if self._window(snapshot).is_open else Stage.AWAITS_SESSION

    def _window(self, snapshot: OrderSnapshot) -> Window:
        return self.hours.of_order(snapshot.order, self.now)

    def _show(self, snapshot: OrderSnapshot) -> None:
        self.book.put(snapshot)
        self.events.append(StatusChanged(snapshot))

    def _warn(self, key: OrderKey, notice: notices.Notice) -> None:
        self.events.append(Warned(*key, notice.code, notice.text))
