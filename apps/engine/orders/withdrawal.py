"""Withdrawing an entry that was not filled in time, without leaving what was filled naked.

Cancelling a partly filled parent can kill its children at the broker, so a part that is filled
is kept: the entry's quantity is reduced to it, and the exits are fitted to it. Only an entry of
which nothing is filled is cancelled. A fill may still cross that cancellation on its way, or
somebody else cancels the entry; then the position is there and its exits are gone, and the guard
sends them anew.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

from apps.domain.errors import NotConnected, NotFound
from apps.engine.deadlines import Changes
from apps.engine.orders.dispatch import Dispatch
from apps.engine.orders.legs import Leg
from apps.engine.orders.trades import Trade
from apps.engine.ports import Broker, Clock

__all__ = ["Withdrawal"]

ANSWER_TIMEOUT_S = 10.0
"""How long the broker may take to confirm a cancellation or a change."""

ATTEMPTS = 3


class Withdrawal:
    """Takes back what is unfilled of an entry. ``link_changes`` is announced with every link."""

    def __init__(
        self, broker: Broker, dispatch: Dispatch, clock: Clock, link_changes: Changes
    ) -> None:
        self._broker = broker
        self._dispatch = dispatch
        self._clock = clock
        self._link_changes = link_changes

    async def withdraw(self, trade: Trade) -> bool:
        """End the entry of ``trade``; tell whether the broker confirmed that it is over.

        Waits for the link where it is down: nothing can be taken back without it. What was
        filled keeps exits of its own size. Of one that has ended, but whose executions are late,
        nothing is asked.
        """
        attempts = 0
        while not trade.entry.is_over and attempts < ATTEMPTS:
            await self._link_changes.ever(self._link_is_ready)
            attempts += 1
            with suppress(NotConnected, NotFound):  # lost, or ended: the trade tells which
                if not trade.entry.has_ended:  # else only its executions are late
                    self._ask(trade)
            await trade.changes.until(lambda: trade.entry.is_over, ANSWER_TIMEOUT_S, self._clock)
        if trade.entry.is_over and trade.open_quantity > 0:
            await self._fit_exits(trade)
        return trade.entry.is_over or trade.entry.has_ended

    def _link_is_ready(self) -> bool:
        return self._broker.link.takes_orders

    def _ask(self, trade: Trade) -> None:
        entry = trade.entry
        filled = max(entry.filled, entry.order.filled if entry.order else Decimal(0))
        if filled > 0:
            self._dispatch.modify(entry.order_id, replace(entry.ticket, quantity=filled))
        else:
            self._dispatch.cancel(entry.order_id)

    async def _fit_exits(self, trade: Trade) -> None:
        """Cut the exits to what was filled."""
        await self._link_changes.ever(self._link_is_ready)
        for leg in (trade.take_profit, trade.stop_loss):
            if leg is not None and not leg.has_ended:
                with suppress(NotConnected, NotFound):  # lost, or ended: the trade tells which
                    self._fit(leg, trade.open_quantity)

    def _fit(self, leg: Leg, quantity: Decimal) -> None:
        asked = leg.order.quantity if leg.order is not None else leg.ticket.quantity
        if asked > quantity + leg.filled:
            leg.ticket = replace(leg.ticket, quantity=quantity + leg.filled)
            self._dispatch.modify(leg.order_id, leg.ticket)
