"""Orders: placed, changed, cancelled, listed; and what the client hears of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from apps.domain.orders import Side
from apps.paper.exchange.events import (
    CommissionReported,
    Event,
    Executed,
    OrderAccepted,
    Refused,
    StatusChanged,
    Warned,
    WhatIfAnswered,
)
from apps.paper.exchange.orders import Execution, Order
from apps.paper.session import order_speech
from apps.paper.session.faults import RequestRefused
from apps.paper.session.topic import Topic
from apps.paper.wire import (
    CancelOrder,
    CompletedOrdersEnd,
    ErrorMessage,
    ExecutionDetailsEnd,
    OpenOrderEnd,
    PlaceOrder,
    ReqAllOpenOrders,
    ReqAutoOpenOrders,
    ReqCompletedOrders,
    ReqExecutions,
    ReqGlobalCancel,
    ReqOpenOrders,
    Response,
)

__all__ = ["Orders"]

_MANUAL_CLIENT = 0


class Orders(Topic):
    """The orders of one client."""

    def handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Give the request types of this topic and who answers them."""
        return {
            PlaceOrder: self._place,
            CancelOrder: self._cancel,
            ReqGlobalCancel: self._cancel_all,
            ReqOpenOrders: self._open_orders,
            ReqAllOpenOrders: self._all_open_orders,
            ReqAutoOpenOrders: self._auto_open_orders,
            ReqCompletedOrders: self._completed_orders,
            ReqExecutions: self._executions,
        }

    def tell(self, event: Event) -> None:
        """Hear of an event; what concerns another client is not told here."""
        for response in self._speech(event):
            self.client.send(response)

    def _speech(self, event: Event) -> Iterator[Response]:
        match event:
            case Refused() | Warned() if event.client_id == self.client.client_id:
                yield ErrorMessage(event.order_id, event.code, event.text)
            case OrderAccepted(snapshot) | StatusChanged(snapshot) if self._is_mine(snapshot.order):
                yield order_speech.open_order(snapshot)
                yield order_speech.order_status(snapshot)
            case Executed(snapshot, execution) if self._is_mine(snapshot.order):
                yield order_speech.execution_details(execution)
            case CommissionReported(client_id, report) if client_id == self.client.client_id:
                yield order_speech.commission_report(report)
            case WhatIfAnswered() if self._is_mine(event.order):
                yield order_speech.what_if_answer(event)

    def _is_mine(self, order: Order) -> bool:
        return order.client_id == self.client.client_id

    def _place(self, request: PlaceOrder) -> None:
        order = self._order(request)
        if order.what_if:
            self.world.what_if(order)
        else:
            self.world.place(order)

    def _order(self, request: PlaceOrder) -> Order:
        """Read an order. Raises RequestRefused where it does not name what to do."""
        listing, wanted = self.resolve(request.order_id, request.contract), request.order
        try:
            side = Side(wanted.action)
        except ValueError as error:
            text = f"Error validating request.-'invalid action {wanted.action}'"
            raise RequestRefused(request.order_id, 321, text) from error
        return Order(
            client_id=self.client.client_id,
            order_id=request.order_id,
            account=self._account(request.order_id, wanted.account),
            listing=listing,
            side=side,
            quantity=wanted.total_quantity,
            order_type=wanted.order_type,
            limit_price=wanted.limit_price,
            stop_price=wanted.stop_price,
            time_in_force=wanted.time_in_force,
            outside_rth=wanted.outside_rth,
            parent_id=wanted.parent_id,
            transmit=wanted.transmit,
            oca_group=wanted.oca_group,
            oca_type=wanted.oca_type,
            order_ref=wanted.order_ref,
            what_if=wanted.what_if,
            wire=request,
        )

    def _account(self, order_id: int, asked: str) -> str:
        accounts = self.world.accounts
        if asked in accounts:
            return asked
        if asked:
            text = f"Error validating request.-'Invalid account code {asked}'"
            raise RequestRefused(order_id, 321, text)
        if len(accounts) > 1:
            raise RequestRefused(order_id, 435, "You must specify an account.")
        return next(iter(accounts))

    def _cancel(self, request: CancelOrder) -> None:
        self.world.cancel(self.client.client_id, request.order_id)

    def _cancel_all(self, _: ReqGlobalCancel) -> None:
        self.world.cancel_all()

    def _open_orders(self, _: ReqOpenOrders) -> None:
        self._list_open(own_only=True)

    def _all_open_orders(self, _: ReqAllOpenOrders) -> None:
        self._list_open(own_only=False)

    def _list_open(self, *, own_only: bool) -> None:
        for snapshot in self.world.exchange.working_orders():
            if self._is_mine(snapshot.order) or not own_only:
                self.client.send(order_speech.open_order(snapshot))
                self.client.send(order_speech.order_status(snapshot))
        self.client.send(OpenOrderEnd())

    def _auto_open_orders(self, _: ReqAutoOpenOrders) -> None:
        """Bind orders made by hand, of which there are none; only client 0 may."""
        if self.client.client_id != _MANUAL_CLIENT:
            text = "Only the default client (i.e 0) can auto bind orders."
            self.client.refuse(-1, 321, f"Error validating request.-'{text}'")

    def _completed_orders(self, _: ReqCompletedOrders) -> None:
        for snapshot in self.world.exchange.completed_orders():
            self.client.send(order_speech.completed_order(snapshot))
        self.client.send(CompletedOrdersEnd())

    def _executions(self, request: ReqExecutions) -> None:
        wanted = _filter(request)
        for execution in self.world.exchange.executions():
            if wanted(execution):
                self.client.send(order_speech.execution_details(execution, request.req_id))
                report = self.world.exchange.commission_report(execution.exec_id)
                self.client.send(order_speech.commission_report(report))
        self.client.send(ExecutionDetailsEnd(request.req_id))


def _filter(request: ReqExecutions) -> Callable[[Execution], bool]:
    """Give the test that a request puts to executions; what it leaves empty passes."""
    earliest = _earliest(request)
    exact: list[tuple[object, Callable[[Execution], object]]] = [
        (request.client_id, lambda execution: execution.client_id),
        (request.account, lambda execution: execution.account),
        (request.symbol, lambda execution: execution.listing.symbol),
        (request.sec_type, lambda execution: execution.listing.sec_type),
        (request.side.upper()[:1], lambda execution: execution.side.value[:1]),
    ]
    asked = [(wanted, of) for wanted, of in exact if wanted]

    def passes(execution: Execution) -> bool:
        return execution.at >= earliest and all(of(execution) == wanted for wanted, of in asked)

    return passes


def _earliest(request: ReqExecutions) -> int:
    """Read the filter's time, ``yyyymmdd hh:mm:ss`` or with a dash for UTC; else all."""
    text = request.time.strip()
    if not text:
        return 0
    zone = "UTC" if text[8:9] == "-" else "US/Eastern"
    try:
        at = datetime.strptime(text[:8] + text[9:].strip()[:8], "%Y%m%d%H:%M:%S")  # noqa: DTZ007
    except ValueError as error:
        bad = f"Error validating request.-'invalid execution filter time {text}'"
        raise RequestRefused(request.req_id, 321, bad) from error
    return int(at.replace(tzinfo=ZoneInfo(zone)).timestamp()) * 1000
