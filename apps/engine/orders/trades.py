"""One trade: a bracket of ours from the moment it was sent to its known outcome.

Here is what is known of it (its legs, executions keyed by exec_id) and the state that follows from
that; the states and what may follow what are in `apps.engine.orders.trade_states`. Nothing here
talks to the broker or decides anything: that is `apps.engine.orders.execution`.

Executions count, not statuses: a status may come late, twice or never. A correction of an
execution replaces it (`apps.domain.pnl.last_word`), in whatever order the two are heard.
"""

from __future__ import annotations

import asyncio
from collections.abc import Container
from decimal import Decimal

from apps.domain.errors import IllegalTransition
from apps.domain.exits.protection import ProtectionState, protection_of
from apps.domain.instruments import Instrument
from apps.domain.orders import Bracket, Fill, OrderState, Ticket
from apps.domain.pnl import last_word
from apps.engine.deadlines import Changes
from apps.engine.orders.legs import Leg, LegRole, roles_of
from apps.engine.orders.trade_states import ENDED, FILLED_SOMEHOW, TRANSITIONS, TradeState
from apps.engine.orders.trade_views import TradeView, exit_filled, view_of
from apps.engine.ports import Clock

__all__ = ["Trade"]

ENTRY_DONE_TIMEOUT_S = 15.0
"""Longer than an unfilled entry is waited for and withdrawn."""


_S = TradeState
_ENTERED = frozenset({_S.FILLED, _S.PROTECTED})
_MAY_BE_NAKED = frozenset({_S.PARTLY_FILLED, _S.FILLED, _S.EXITING})


class Trade:
    """One bracket of ours and what became of it."""

    def __init__(
        self, bracket: Bracket, clock: Clock, *, watcher_id: str = "", has_deadline: bool = False
    ) -> None:
        self.bracket = bracket
        self.has_deadline = has_deadline
        self.is_being_closed = False
        self._clock = clock
        self.watcher_id = watcher_id
        self.changes = Changes()
        self._state = TradeState.SENT
        self._is_gone = False
        self._legs: dict[int, Leg] = {}
        self._fills: dict[str, Fill] = {}
        self._closed_elsewhere = Decimal(0)
        self._over = asyncio.Event()

    @property
    def instrument(self) -> Instrument:
        """What is traded."""
        return self.bracket.instrument

    @property
    def order_ref(self) -> str:
        """The reference that every order of the trade carries."""
        return self.bracket.entry.order_ref

    @property
    def state(self) -> TradeState:
        """Where the trade stands."""
        return self._state

    @property
    def entry(self) -> Leg:
        """The order that opens."""
        return next(leg for leg in self._legs.values() if leg.role is LegRole.ENTRY)

    @property
    def stop_loss(self) -> Leg | None:
        """The newest order that protects, if there was one."""
        return self._newest(LegRole.STOP_LOSS)

    @property
    def take_profit(self) -> Leg | None:
        """The order that takes the profit, if there was one."""
        return self._newest(LegRole.TAKE_PROFIT)

    @property
    def legs(self) -> tuple[Leg, ...]:
        """Every order of the trade, in the order of sending."""
        return tuple(self._legs.values())

    @property
    def fills(self) -> tuple[Fill, ...]:
        """Every execution of the trade, the last word on each."""
        return tuple(self._fills.values())

    @property
    def exit_filled(self) -> Decimal:
        """How much was exited, less what was taken back because it was too much."""
        return exit_filled(self._legs.values())

    @property
    def open_quantity(self) -> Decimal:
        """How much of what was entered has not been exited; never negative."""
        return max(Decimal(0), self.entry.filled - self.exit_filled - self._closed_elsewhere)

    @property
    def is_over(self) -> bool:
        """Nothing more is expected: closed, turned down, withdrawn, never there, or gone."""
        return self._state in ENDED

    @property
    def is_settled(self) -> bool:
        """The outcome was told; nobody follows the trade any more."""
        return self._over.is_set()

    @property
    def fees_are_known(self) -> bool:
        """The broker has reported the commission of every execution."""
        return all(fill.commission is not None for fill in self._fills.values())

    @property
    def lacks_executions(self) -> bool:
        """The broker counts more of an order as filled than it has told executions of."""
        return any(leg.lacks_executions for leg in self._legs.values())

    @property
    def is_unprotected(self) -> bool:
        """Something is entered, and the stop that was sent for it is not seen working."""
        if self.bracket.stop_loss is None or self.is_being_closed or not self.open_quantity:
            return False
        return self._state in _MAY_BE_NAKED and not self._is_stopped()

    @property
    def has_lost_its_stop(self) -> bool:
        """The stop has ended without a fill: turned down, or cancelled."""
        stop = self.stop_loss
        return stop is not None and stop.has_ended and not stop.filled

    def leg(self, order_id: int) -> Leg:
        """Give one of the orders. Raises KeyError for an order of another trade."""
        return self._legs[order_id]

    def is_child(self, leg: Leg) -> bool:
        """Tell whether an order was sent together with the entry, and not by itself later."""
        roles = roles_of(self.bracket)[1:]
        firsts = [next((each for each in self.legs if each.role is role), None) for role in roles]
        return any(first is leg for first in firsts)

    def bind(self, order_ids: tuple[int, ...]) -> None:
        """Take note of the order ids that the broker port gave, in the order of the legs."""
        legs = zip(roles_of(self.bracket), order_ids, self.bracket.legs, strict=True)
        for role, order_id, ticket in legs:
            self.add(role, order_id, ticket)

    def add(self, role: LegRole, order_id: int, ticket: Ticket) -> None:
        """Take note of an order that was sent for the trade."""
        self._legs[order_id] = Leg(role, order_id, ticket)

    def on_order(self, order: OrderState) -> None:
        """Take note of what the broker says of one of the orders."""
        leg = self._legs[order.order_id]
        leg.order, leg.is_missing = order, False
        if order.perm_id or order.status.is_working:
            leg.is_void = False
        if order.status.is_working:
            self._is_gone = False
        self._move()

    def on_open_orders(self, standing: Container[int]) -> tuple[Leg, ...]:
        """Take note of which orders the broker lists; give those that are missing since now.

        An order that was just sent cannot be listed yet, unless the link was lost since.
        """
        missing = []
        for leg in self._legs.values():
            is_due = self._state is TradeState.UNKNOWN or (leg.order and leg.order.perm_id)
            if is_due and not leg.is_over and not leg.has_ended and leg.order_id not in standing:
                missing += [] if leg.is_missing else [leg]
                leg.is_missing = True
        if missing:
            self._move()
        return tuple(missing)

    def on_fill(self, fill: Fill) -> bool:
        """Take note of an execution; tell whether shares or prices changed by it."""
        leg = self._legs[fill.order_id]
        before = leg.filled, leg.value
        known = self._fills.get(fill.execution)
        self._fills[fill.execution] = fill if known is None else last_word((known, fill))[0]
        fills = [each for each in self._fills.values() if each.order_id == leg.order_id]
        leg.filled = sum((each.quantity for each in fills), Decimal(0))
        leg.value = sum((each.quantity * each.price for each in fills), Decimal(0))
        is_news = (leg.filled, leg.value) != before
        if is_news:
            self._is_gone = False
        self._move()
        return is_news

    def on_notice(self, order_id: int, code: int, text: str) -> None:
        """Take note of what the broker says of one of the orders."""
        self._legs[order_id].notice = (code, text)
        self._move()

    def on_link_lost(self) -> None:
        """Take note that an answer to what was just sent may have been lost."""
        if self._state is TradeState.SENT:
            self._to(TradeState.UNKNOWN)

    def on_void(self, order_id: int) -> None:
        """Take note that the broker never had one of the orders."""
        self._legs[order_id].is_void = True
        self._move()

    def on_gone(self) -> None:
        """Take note that nothing is left of it, and that how it ended was not told."""
        for leg in self._legs.values():
            leg.is_void = not leg.has_ended
        self._is_gone = True
        self._to(TradeState.GONE)

    def close_elsewhere(self) -> None:
        """Take note that what was entered has been exited by orders that are not the trade's."""
        if self._state in FILLED_SOMEHOW - {TradeState.CLOSED}:
            self._closed_elsewhere += self.open_quantity
            self._to(TradeState.CLOSED)

    def settle(self) -> None:
        """Say that the outcome is known, and wake those who wait for it."""
        self._over.set()

    def reopen(self) -> None:
        """Say that the outcome that was told was not the last word."""
        self._over.clear()

    async def entry_done(self) -> TradeView:
        """Wait until the entry is over and protected; give the trade as it stands then.

        One that may rest at its own price is only waited for until it works. Ends after
        `ENTRY_DONE_TIMEOUT_S` in any case.
        """
        await self.changes.until(self._is_entered, ENTRY_DONE_TIMEOUT_S, self._clock)
        return self.view()

    async def outcome(self) -> TradeView:
        """Wait until the trade is over and its outcome known, however long that takes."""
        await self._over.wait()
        return self.view()

    def view(self) -> TradeView:
        """Give the trade as it stands."""
        return view_of(self.bracket, self._state, self.legs, self.fills, self.watcher_id)

    def _move(self) -> None:
        target = self._where_it_stands()
        if target is not self._state:
            self._to(target)
        else:
            self.changes.announce()

    def _to(self, target: TradeState) -> None:
        if target not in TRANSITIONS[self._state]:
            raise IllegalTransition(
                f"trade {self.order_ref} cannot go from {self._state.value} to {target.value}"
            )
        self._state = target
        self.changes.announce()

    def _where_it_stands(self) -> TradeState:
        if self._is_gone or (self._state is TradeState.CLOSED and not self.open_quantity):
            return self._state
        has_filled = self.entry.filled > 0 or self._state in FILLED_SOMEHOW
        return self._filled_state() if has_filled else self._unfilled_state()

    def _unfilled_state(self) -> TradeState:
        entry = self.entry
        if entry.has_ended and entry.is_over:
            if entry.is_void:
                return TradeState.NEVER_ACCEPTED
            return TradeState.REJECTED if entry.is_rejected else TradeState.WITHDRAWN
        if entry.order is not None and entry.order.status.is_working:
            return TradeState.WORKING
        return self._state

    def _filled_state(self) -> TradeState:
        if not self.open_quantity and self.entry.is_over:
            return TradeState.CLOSED
        if self.exit_filled > 0:
            return TradeState.EXITING
        if not self.entry.is_over and self._state not in _ENTERED:
            return TradeState.PARTLY_FILLED
        return TradeState.PROTECTED if self._is_stopped() else TradeState.FILLED

    def _is_stopped(self) -> bool:
        """Tell whether stops of the trade work for all that is open."""
        signed = self.bracket.entry.side.sign * self.open_quantity
        stops = [
            leg.order
            for leg in self._legs.values()
            if leg.role is LegRole.STOP_LOSS and leg.order is not None and not leg.is_missing
        ]
        return protection_of(signed, stops).state is ProtectionState.PROTECTED

    def _is_entered(self) -> bool:
        if self._state is TradeState.WORKING and not self.has_deadline:
            return True
        return self.entry.is_over and not self.is_unprotected

    def _newest(self, role: LegRole) -> Leg | None:
        legs = [leg for leg in self._legs.values() if leg.role is role]
        return legs[-1] if legs else None
