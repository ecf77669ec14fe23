"""Noticing where the first intent's life is, in the very call that brings it there."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from apps.domain.orders import Side
from apps.domain.records import IntentReserved, Record
from apps.engine.alerts import Alert, AlertKind
from apps.paper.wire import (
    CancelOrder,
    ExecutionDetails,
    OpenOrder,
    OrderStatus,
    PlaceOrder,
    Request,
    Response,
)
from tests.chaos.plan import SYMBOLS, Phase

__all__ = ["PhaseWatch"]

_WORKS = frozenset({"PreSubmitted", "Submitted"})
_BOUGHT = {"BOT": Side.BUY, "SLD": Side.SELL}


class PhaseWatch:
    """Calls ``reached`` once for each phase, when the first symbol's intent comes to it."""

    def __init__(self, side: Side, quantity: int, reached: Callable[[Phase], None]) -> None:
        self.seen: set[Phase] = set()
        self._side = side
        self._quantity = Decimal(quantity)
        self._reached = reached
        self._entries: set[int] = set()
        self._stops: set[int] = set()
        self._entered = Decimal(0)

    def armed(self) -> None:
        """Take note that everything is armed, and bars stream."""
        self._to(Phase.ARMED)

    def on_alert(self, alert: Alert) -> None:
        """Take note of a trigger."""
        if alert.kind is AlertKind.TRIGGER and alert.symbol == SYMBOLS[0]:
            self._to(Phase.CONFIRMING)

    def on_records(self, records: tuple[Record, ...]) -> None:
        """Take note of a reservation."""
        if any(isinstance(each, IntentReserved) and each.symbol == SYMBOLS[0] for each in records):
            self._to(Phase.RESERVING)

    def on_request(self, request: Request) -> None:
        """Take note of orders as they come in."""
        match request:
            case PlaceOrder(order_id=order_id, order=order, contract=contract):
                if contract.symbol != SYMBOLS[0] or order.what_if:
                    return
                if order.action == self._side.value:
                    self._entries.add(order_id)
                    self._to(Phase.SENDING)
                elif order.parent_id and order_id not in self._stops and not self._entered:
                    self._stops |= {order_id} if order.order_type.startswith("STP") else set()
                elif self._entered:
                    self._to(Phase.EXITING)
            case CancelOrder():
                if self._entered:
                    self._to(Phase.EXITING)

    def on_response(self, response: Response) -> None:
        """Take note of what is told of orders."""
        match response:
            case OpenOrder(order_id=order_id) if order_id in self._entries:
                self._to(Phase.ACKNOWLEDGED)
            case OrderStatus(order_id=order_id, status=status, why_held=why) if (
                order_id in self._stops and status in _WORKS and "child" not in why
            ):
                if self._entered >= self._quantity:
                    self._to(Phase.PROTECTED)
            case ExecutionDetails(req_id=-1):
                self._on_execution(response)

    def _on_execution(self, told: ExecutionDetails) -> None:
        if told.order_id not in self._entries:
            if told.contract.symbol == SYMBOLS[0]:
                self._to(Phase.EXITING)
            return
        self._entered = Decimal(told.cum_qty)
        if self._entered < self._quantity:
            self._to(Phase.PARTLY_FILLED)

    def _to(self, phase: Phase) -> None:
        if phase not in self.seen:
            self.seen.add(phase)
            self._reached(phase)
