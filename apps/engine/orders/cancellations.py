"""Cancelling our own orders, one by one, each followed to what became of it.

Never by the broker's global cancel: that would reach orders made by hand and by others. An
order whose cancellation is not answered is looked for among the broker's open orders before
anything is said of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from apps.domain.errors import BrokerError, DeadlineExceeded, NotConnected, NotFound
from apps.domain.orders import OrderState, OrderStatus
from apps.engine.deadlines import Changes
from apps.engine.orders.execution import Execution
from apps.engine.ports import Broker, BrokerNotice, Clock

__all__ = ["CancelOutcome", "Cancellations"]

ANSWER_TIMEOUT_S = 10.0
"""How long an order may take to end after its cancellation was asked for."""

CANNOT_CANCEL = frozenset({135, 136, 161, 10147, 10148})
"""IB's words for "not possible (any more)"; also seen after cancellations that succeeded, so
the order's status is looked at first."""


@dataclass(frozen=True, slots=True)
class CancelOutcome:
    """What became of one cancellation; ``code`` is IB's where it refused."""

    order_id: int
    symbol: str
    ok: bool
    text: str
    code: int | None = None


class Cancellations:
    """Cancels orders of the desk and awaits what becomes of each."""

    def __init__(self, broker: Broker, clock: Clock, execution: Execution) -> None:
        self._broker = broker
        self._execution = execution
        self._clock = clock
        self._changes = Changes()
        self._refusals: dict[int, BrokerNotice] = {}
        self._asked: set[int] = set()

    def on_order(self) -> None:
        """Take note that an order changed."""
        self._changes.announce()

    def on_notice(self, notice: BrokerNotice) -> None:
        """Take note of a refusal of a cancellation that was asked for."""
        if notice.code in CANNOT_CANCEL and notice.order_id in self._asked:
            self._refusals[notice.order_id] = notice
            self._changes.announce()

    async def cancel_each(self, orders: Iterable[OrderState]) -> tuple[CancelOutcome, ...]:
        """Cancel ``orders`` one after the other, entries before exits."""
        entries_first = sorted(orders, key=lambda order: (order.parent_id != 0, order.order_id))
        return tuple([await self.cancel(order) for order in entries_first])

    async def cancel(self, order: OrderState) -> CancelOutcome:
        """Cancel one order and give what became of it; failures are outcomes, not exceptions."""
        order_id = order.order_id
        order = self._latest(order)
        if order.status.is_done:
            return _told(order)
        self._asked.add(order_id)
        try:
            if self._is_partly_filled_entry(order):  # cancelling it could kill its exits
                return await self._reduce(order)
            self._execution.cancel(order_id)
            return await self._answer(order)
        except (NotFound, NotConnected) as error:
            return CancelOutcome(order_id, order.symbol, ok=False, text=error.message)
        finally:
            self._asked.discard(order_id)
            self._refusals.pop(order_id, None)

    def _latest(self, asked: OrderState) -> OrderState:
        """Give what the session has last seen of an order; other clients use the same ids."""
        key = asked.client_id, asked.order_id
        known = self._broker.known_orders()
        return next((each for each in known if (each.client_id, each.order_id) == key), asked)

    async def _answer(self, asked: OrderState) -> CancelOutcome:
        order_id = asked.order_id
        await self._changes.until(
            lambda: self._latest(asked).status.is_done or order_id in self._refusals,
            ANSWER_TIMEOUT_S,
            self._clock,
        )
        order = self._latest(asked)
        if order.status.is_done:
            return _told(order)
        if (refusal := self._refusals.get(order_id)) is not None:
            text = f"not cancelled: {refusal.text}"
            return CancelOutcome(order_id, order.symbol, ok=False, text=text, code=refusal.code)
        return await self._look(order)

    def _is_partly_filled_entry(self, order: OrderState) -> bool:
        trade = self._execution.trade_of(order.order_id, order.order_ref)
        if trade is None or trade.entry.order_id != order.order_id:
            return False
        return trade.entry.filled > 0 or order.filled > 0

    async def _reduce(self, order: OrderState) -> CancelOutcome:
        """Take back the unfilled part of an entry; what is filled keeps its exits."""
        if await self._execution.withdraw(order.order_id, order.order_ref):
            text = "the unfilled part is withdrawn; what was filled keeps its exits"
            return CancelOutcome(order.order_id, order.symbol, ok=True, text=text)
        text = "the broker did not confirm that the unfilled part is withdrawn"
        return CancelOutcome(order.order_id, order.symbol, ok=False, text=text)

    async def _look(self, order: OrderState) -> CancelOutcome:
        """Ask the broker whether an order that gave no answer still stands."""
        order_id, symbol = order.order_id, order.symbol
        try:
            standing = {
                each.order_id
                for each in await self._broker.open_orders()
                if each.client_id == order.client_id
            }
        except (BrokerError, DeadlineExceeded, NotConnected) as error:
            text = f"not known whether it is cancelled: {error.message}"
            return CancelOutcome(order_id, symbol, ok=False, text=text, code=error.code)
        if order_id not in standing:
            return CancelOutcome(order_id, symbol, ok=True, text="gone at the broker")
        text = f"no answer within {ANSWER_TIMEOUT_S:.0f} s; it still stands at the broker"
        return CancelOutcome(order_id, symbol, ok=False, text=text)


def _told(order: OrderState) -> CancelOutcome:
    if order.status is OrderStatus.FILLED:
        text = "filled before it could be cancelled"
        return CancelOutcome(order.order_id, order.symbol, ok=False, text=text)
    part = f", {order.filled} of {order.quantity} filled" if order.filled else ""
    return CancelOutcome(order.order_id, order.symbol, ok=True, text=f"cancelled{part}")
