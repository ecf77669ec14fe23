"""The trading floor: what happens to orders once they are accepted.

At home here: what an order waits for, one thing after the other, its fills, its end, and carrying
out what one order's fate does to its kin. Whether an order is accepted at all, and what clients
may ask, is the `exchange`'s; how orders meet the market stands in `pits`. What happened collects
in ``events``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from apps.paper.books.ledger import Account
from apps.paper.exchange import notices
from apps.paper.exchange.behaviour import Auction, Limit, Tif
from apps.paper.exchange.book.book import Book
from apps.paper.exchange.brackets import (
    Arm,
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
from apps.paper.exchange.fees import FeeTable
from apps.paper.exchange.floor.clearing import Cleared, Clearing
from apps.paper.exchange.floor.combos import LegOffer
from apps.paper.exchange.floor.condition_watch import hold, next_time, watches_conditions
from apps.paper.exchange.floor.matching import Offer
from apps.paper.exchange.floor.pits import Pits
from apps.paper.exchange.floor.scene import MarketScene, Quotes
from apps.paper.exchange.hours import HoursCache, Sessions
from apps.paper.exchange.orders import OrderKey, OrderSnapshot, Stage
from apps.paper.exchange.policies import ExchangePolicy
from apps.paper.feed.market import Millis, Print, Touch
from apps.paper.instruments.listing import Listing

__all__ = ["Floor", "Quotes"]

_REMAINDERS: Mapping[str, Ending] = {
    Tif.IOC: Ending.IOC_REMAINDER,
    Tif.FOK: Ending.FOK_REMAINDER,
    Tif.OPG: Ending.OPENING_REMAINDER,
}


class Floor:
    """Accepted orders and the market they meet; ``now`` is the market time of what happens."""

    def __init__(
        self,
        accounts: Mapping[str, Account],
        *,
        quotes: Quotes,
        sessions: Sessions,
        fees: FeeTable,
        policy: ExchangePolicy,
    ) -> None:
        self.now: Millis = 0
        self.book = Book()
        self.events: list[Event] = []
        self.hours = HoursCache(sessions)
        self.accounts = accounts
        self.fees = fees
        self.policy = policy
        self.clearing = Clearing(accounts, fees)
        self.pits = Pits(self, quotes)
        self._scene = MarketScene(
            accounts,
            now=lambda: self.now,
            quotes=quotes,
            hours=self.hours,
            clearing=self.clearing,
            watch=self.pits.watch,
        )

    # -- entering and leaving ------------------------------------------------------------------

    def enter(self, snapshot: OrderSnapshot) -> None:
        """Transmit a held order: it gets its stage, and is shown."""
        order = snapshot.order
        entered = replace(
            snapshot.moved(self._stage_for(snapshot)),
            expires_at=self.hours.ends_at(order, self.now),
        )
        window = self.hours.first_session(order, self.now)
        warning = notices.held_until_open(entered, window)
        if warning:
            entered = replace(entered, warning=warning)
        entered = self._with_next_waking(entered)
        self.book.put(entered)
        self.events.append(OrderAccepted(entered))
        for notice in notices.on_entry(entered):
            self._warn(entered.key, notice)

    def end(self, key: OrderKey, ending: Ending) -> None:
        """Cancel a transmitted order, and do to its kin what follows from it."""
        ended = replace(
            self.book[key].moved(Stage.CANCELLED), done_at=self.now, done_reason=ending.value
        )
        self.show(ended)
        self._warn(key, notices.cancelled(ending.value))
        self._carry_out(after_end(self.book, ended, ending, self.policy))

    def drop_remainder(self, key: OrderKey) -> None:
        """End what was not filled at once, or at the opening."""
        order = self.book[key]
        if order.stage.is_alive:
            self.end(key, _REMAINDERS[order.order.time_in_force])

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
        """Take an order with changed terms into the book; a cut goes on to its children."""
        before = self.book[changed.key]
        is_smaller = changed.order.quantity < before.order.quantity
        if changed.remaining == 0:
            changed = replace(changed.moved(Stage.FILLED), done_at=self.now)
        else:
            changed = self._refitted(before, changed)
        self.show(changed)
        if is_smaller:
            self._carry_out(after_shrink(self.book, changed))

    def wake(self, key: OrderKey) -> bool:
        """Look again at an order whose time has come; tell whether it may trade now."""
        order = self.book[key]
        if order.stage is Stage.WORKING and order.order.behaviour.auction is Auction.CLOSING:
            self.pits.close(order)
        elif self._judge_one(order):
            return True
        order = self.book[key]
        if not order.stage.is_alive:
            return False
        stage = order.stage if order.stage is Stage.WORKING else self._stage_for(order)
        if stage is not order.stage:
            self.show(replace(order.moved(stage), warning=""))
            return True
        self.book.put(self._with_next_waking(order))
        return False

    # -- the market ------------------------------------------------------------------------------

    def meet(self, listing: Listing, touch: Touch, trade: Print | None) -> None:
        """Let the orders of a listing meet one moment of its market."""
        self.pits.meet(listing, touch, trade)

    def meet_now(self, listings: Iterable[Listing]) -> None:
        """Let the orders of these listings meet the market as it is now; a BAG's do so by leg."""
        places: dict[Listing, None] = {}
        for listing in listings:
            if self.book.has_market(listing.con_id):
                places[listing] = None
            else:
                for order in self.book.alive_of(listing.con_id):
                    places.update(dict.fromkeys(_markets(order)))
        self.pits.meet_now(places)

    def judge(self, listing: Listing) -> list[Listing]:
        """Judge the conditions that look at a listing; give where orders began to work by it."""
        woken: dict[Listing, None] = {}
        for order in self.book.conditional_on(listing.con_id):
            if self._judge_one(self.book[order.key]):
                woken.update(dict.fromkeys(_markets(order)))
        return list(woken)

    def fillable(self, snapshot: OrderSnapshot) -> Decimal:
        """Give how many an order may trade now."""
        return fillable(self.book, snapshot, self.policy)

    def fill(self, before: OrderSnapshot, offer: Offer, quantity: Decimal) -> None:
        """Carry out a fill and all that follows from it."""
        after = _traded(before, quantity, offer.price)
        cleared = self.clearing.fill(
            after, quantity, offer.price, removed=offer.removed_liquidity, at=self.now
        )
        self._book_fill(after, cleared, quantity)

    def fill_legs(
        self, before: OrderSnapshot, price: Decimal, quantity: Decimal, offers: tuple[LegOffer, ...]
    ) -> None:
        """Carry out a fill of a combination, which is one of each leg."""
        after = _traded(before, quantity, price)
        self._book_fill(after, self.clearing.fill_legs(after, quantity, offers, self.now), quantity)

    def show(self, snapshot: OrderSnapshot) -> None:
        """Take a changed order into the book, and tell of it."""
        if snapshot.stage.is_alive:
            snapshot = self._with_next_waking(snapshot)
        self.book.put(snapshot)
        self.events.append(StatusChanged(snapshot))

    def _book_fill(self, after: OrderSnapshot, cleared: Cleared, quantity: Decimal) -> None:
        after = replace(after, commission=after.commission + cleared.commission)
        if after.remaining == 0:
            after = replace(after.moved(Stage.FILLED), done_at=self.now)
        self.book.put(after)
        self.events += (Executed(after, execution) for execution, _ in cleared.trades)
        self.events.append(StatusChanged(after))
        client = after.order.client_id
        self.events += (CommissionReported(client, report) for _, report in cleared.trades)
        self._carry_out(after_fill(self.book, after, quantity, self.policy))

    # -- what an order waits for -------------------------------------------------------------------

    def _stage_for(self, snapshot: OrderSnapshot) -> Stage:
        order = snapshot.order
        if awaits_parent(self.book.parent(order), self.policy):
            return Stage.AWAITS_PARENT
        if snapshot.locate_until is not None and self.now < snapshot.locate_until:
            return Stage.AWAITS_LOCATE
        if order.good_after is not None and self.now < order.good_after:
            return Stage.AWAITS_TIME
        if watches_conditions(snapshot) and not order.conditions_cancel_order:
            return Stage.AWAITS_CONDITION
        if snapshot.awaits_election:
            return Stage.AWAITS_TRIGGER
        is_open = self.hours.first_session(order, self.now).is_open
        return Stage.WORKING if is_open else Stage.AWAITS_SESSION

    def _with_next_waking(self, snapshot: OrderSnapshot) -> OrderSnapshot:
        times = [at for at in self._wakings(snapshot) if at is not None]
        wakes_at = min(times, default=None)
        return snapshot if wakes_at == snapshot.wakes_at else replace(snapshot, wakes_at=wakes_at)

    def _wakings(self, snapshot: OrderSnapshot) -> Iterable[Millis | None]:
        order, stage = snapshot.order, snapshot.stage
        if stage is Stage.AWAITS_LOCATE:
            yield snapshot.locate_until
        elif stage is Stage.AWAITS_TIME:
            yield order.good_after
        elif stage is Stage.AWAITS_SESSION:
            yield self.hours.first_session(order, self.now).start
        elif stage is Stage.WORKING and order.behaviour.auction is Auction.CLOSING:
            yield self.hours.of_order(order, self.now).end
        if watches_conditions(snapshot) and stage is not Stage.AWAITS_PARENT:
            yield next_time(order.conditions, self.now)
            if not (order.conditions_ignore_rth or self._is_regular(snapshot)):
                yield self.hours.regular(order, self.now).start

    def _refitted(self, before: OrderSnapshot, changed: OrderSnapshot) -> OrderSnapshot:
        """Give a changed order the times and the stage that its new terms ask for."""
        if _times(changed) != _times(before):
            changed = replace(changed, expires_at=self.hours.ends_at(changed.order, self.now))
        waits_anew = changed.order.conditions != before.order.conditions
        if waits_anew:
            changed = replace(changed, conditions_met=False)
        if changed.stage is Stage.AWAITS_PARENT:
            return changed
        stage = self._stage_for(changed)
        # what works already is only stopped by conditions that it did not have before
        if changed.stage is Stage.WORKING and not (waits_anew and stage is Stage.AWAITS_CONDITION):
            return changed
        return changed if stage is changed.stage else changed.moved(stage)

    def _judge_one(self, order: OrderSnapshot) -> bool:
        """Judge an order's conditions, if it is their time; tell whether it works by them now."""
        cancels = order.order.conditions_cancel_order
        is_due = (
            order.stage.is_alive and order.stage is not Stage.AWAITS_PARENT
            if cancels
            else order.stage is Stage.AWAITS_CONDITION
        )
        if not (is_due and watches_conditions(order)):
            return False
        if not (order.order.conditions_ignore_rth or self._is_regular(order)):
            return False
        if not hold(order, self._scene):
            return False
        if cancels:
            self.end(order.key, Ending.BY_CONDITION)
            return False
        met = replace(order, conditions_met=True)
        self.show(replace(met.moved(self._stage_for(met)), warning=""))
        return True

    def _is_regular(self, order: OrderSnapshot) -> bool:
        return self.hours.regular(order.order, self.now).is_open

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
                case Arm():
                    self._arm(order)

    def _arm(self, child: OrderSnapshot) -> None:
        stage = self._stage_for(child)
        if stage is not Stage.AWAITS_PARENT:
            self.show(child.moved(stage))

    def _warn(self, key: OrderKey, notice: notices.Notice) -> None:
        self.events.append(Warned(*key, notice.code, notice.text))


def _markets(order: OrderSnapshot) -> list[Listing]:
    """Give the listings by whose market an order trades."""
    return [leg.listing for leg in order.order.legs] or [order.order.listing]


def _traded(before: OrderSnapshot, quantity: Decimal, price: Decimal) -> OrderSnapshot:
    """Give the order after a fill; a market-to-limit order has found its limit by it."""
    finds_limit = before.order.behaviour.limit is Limit.FIRST_FILL and before.found_limit is None
    return replace(
        before,
        filled=before.filled + quantity,
        traded_value=before.traded_value + quantity * price,
        last_fill_price=price,
        found_limit=price if finds_limit else before.found_limit,
    )


def _times(snapshot: OrderSnapshot) -> tuple[object, ...]:
    order = snapshot.order
    return (order.time_in_force, order.good_after, order.good_till, order.outside_rth)
