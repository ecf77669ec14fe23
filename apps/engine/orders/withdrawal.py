"""Withdrawing an entry that was not filled in time, without leaving what was filled naked.

Cancelling a partly filled parent can kill its children at the broker, so a part that is filled
is kept: the entry's quantity is reduced to it, and the exits are fitted to it. Only an entry of
which nothing is filled is cancelled. A fill may still cross that cancellation on its way, or
somebody else cancels the entry; then the position is there and its exits are gone, so the stop is
sent anew, but only after the broker's own list of open orders shows that none is left.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

from apps.domain.errors import BrokerError, DeadlineExceeded, DeskError, NotConnected, NotFound
from apps.domain.orders import OrderState, Ticket
from apps.engine.deadlines import Changes
from apps.engine.orders.dispatch import Dispatch
from apps.engine.orders.legs import Leg, LegRole
from apps.engine.orders.trades import Trade
from apps.engine.ports import Broker, Clock

__all__ = ["Withdrawal"]

ANSWER_TIMEOUT_S = 10.0
"""How long the broker may take to confirm a cancellation or a change."""

EXITS_FOLLOW_S = 2.0
"""How long after a cancelled entry the broker may take to tell that its exits went with it."""

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
        filled keeps exits of its own size.
        """
        attempts = 0
        while not trade.entry.is_over and attempts < ATTEMPTS:
            await self._link_changes.ever(self._link_is_ready)
            attempts += 1
            with suppress(NotConnected, NotFound):  # lost, or ended: the trade tells which
                self._ask(trade)
            await trade.changes.until(lambda: trade.entry.is_over, ANSWER_TIMEOUT_S, self._clock)
        if trade.entry.is_over and trade.open_quantity > 0:
            await self._keep_protected(trade)
        return trade.entry.is_over

    def _link_is_ready(self) -> bool:
        return self._broker.link.takes_orders

    def _ask(self, trade: Trade) -> None:
        entry = trade.entry
        filled = max(entry.filled, entry.order.filled if entry.order else Decimal(0))
        if filled > 0:
            self._dispatch.modify(entry.order_id, replace(entry.ticket, quantity=filled))
        else:
            self._dispatch.cancel(entry.order_id)

    async def _keep_protected(self, trade: Trade) -> None:
        """Fit the exits to what was filled; send the stop anew if both went with the entry."""
        await self._link_changes.ever(self._link_is_ready)
        for leg in (trade.take_profit, trade.stop_loss):
            if leg is not None and not leg.has_ended:
                with suppress(NotConnected, NotFound):  # lost, or ended: the trade tells which
                    self._fit(leg, trade.open_quantity)
        if trade.entry.is_reduced:
            return
        stop = trade.stop_loss
        await trade.changes.until(
            lambda: trade.is_over or _exits_are_gone(trade), EXITS_FOLLOW_S, self._clock
        )
        if stop is not None and _exits_are_gone(trade):
            await self._send_stop_anew(trade, stop)

    def _fit(self, leg: Leg, quantity: Decimal) -> None:
        asked = leg.order.quantity if leg.order is not None else leg.ticket.quantity
        if asked > quantity + leg.filled:
            leg.ticket = replace(leg.ticket, quantity=quantity + leg.filled)
            self._dispatch.modify(leg.order_id, leg.ticket)

    async def _send_stop_anew(self, trade: Trade, stop: Leg) -> None:
        standing = [order for order in await self._open_orders() if _protects(order, trade)]
        if not standing and trade.open_quantity > 0:
            ticket: Ticket = replace(stop.ticket, quantity=trade.open_quantity)
            role = LegRole.STOP_LOSS
            trade.add(role, self._dispatch.place(trade.instrument, ticket, role), ticket)

    async def _open_orders(self) -> tuple[OrderState, ...]:
        """Ask until the broker answers, within the attempts there are; then raise."""
        last: DeskError | None = None
        for _ in range(ATTEMPTS):
            await self._link_changes.ever(self._link_is_ready)
            try:
                return await self._broker.open_orders()
            except (BrokerError, DeadlineExceeded, NotConnected) as error:
                last = error
        raise last or DeadlineExceeded("the broker's open orders could not be read")


def _exits_are_gone(trade: Trade) -> bool:
    """Tell whether no exit is left; beside one that works, a new stop could trade it twice."""
    target = trade.take_profit
    return trade.has_lost_its_stop and (target is None or target.has_ended)


def _protects(order: OrderState, trade: Trade) -> bool:
    return (
        order.order_ref == trade.order_ref
        and order.side is trade.bracket.entry.side.opposite
        and order.stop_price is not None
        and not order.status.is_done
    )
