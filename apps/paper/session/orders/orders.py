"""Orders: placed, changed, cancelled, listed; and what the client hears of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

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
from apps.paper.exchange.orders import Execution, Order, OrderSnapshot
from apps.paper.feed.market import Millis
from apps.paper.manual import MANUAL_CLIENT
from apps.paper.session.client import Client
from apps.paper.session.faults import RequestRefused
from apps.paper.session.orders import order_speech
from apps.paper.session.orders.order_reading import read_order
from apps.paper.session.times import BadTime, names_zone, parse_moment, start_of_day
from apps.paper.session.topic import Topic
from apps.paper.wire import (
    CancelOrder,
    CompletedOrdersEnd,
    ErrorMessage,
    ExecutionDetailsEnd,
    OpenOrderEnd,
    OrderBound,
    PlaceOrder,
    ReqAllOpenOrders,
    ReqAutoOpenOrders,
    ReqCompletedOrders,
    ReqExecutions,
    ReqGlobalCancel,
    ReqOpenOrders,
    Response,
)
from apps.paper.world import World

__all__ = ["Orders"]

_UNBOUND = 0
_NO_ZONE = (
    "Warning: You submitted request with date-time attributes without explicit time zone. Please "
    "switch to use yyyymmdd-hh:mm:ss in UTC or use instrument time zone, like US/Eastern."
)


class Orders(Topic):
    """The orders of one client: its own, and those that it may hear of.

    The master client hears of everybody's; client 0 also of those made by hand, which it sees
    under the id 0 until it has bound them.
    """

    def __init__(self, world: World, client: Client) -> None:
        super().__init__(world, client)
        self._binds_new = False
        self._bound: set[int] = set()

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
        speech = self.world.status_speech
        match event:
            case Refused() | Warned() if event.client_id == self.client.client_id:
                yield ErrorMessage(event.order_id, event.code, event.text)
            case OrderAccepted(snapshot) if self._hears(snapshot.order):
                yield from self._bind(snapshot, wanted=self._binds_new)
                yield from order_speech.accepted(snapshot, self._id_of(snapshot.order), speech)
            case StatusChanged(snapshot) if self._hears(snapshot.order):
                yield from order_speech.changed(snapshot, self._id_of(snapshot.order), speech)
            case Executed(snapshot, execution) if self._hears(snapshot.order):
                yield order_speech.execution_details(execution, self._id_of(snapshot.order))
            case CommissionReported(client_id, report) if self._hears_client(client_id):
                yield order_speech.commission_report(report)
            case WhatIfAnswered() if self._is_mine(event.order):
                yield order_speech.what_if_answer(event)

    def _is_mine(self, order: Order) -> bool:
        return order.client_id == self.client.client_id

    def _hears(self, order: Order) -> bool:
        return self._hears_client(order.client_id)

    def _hears_client(self, client_id: int) -> bool:
        return self.client.client_id in (client_id, self.world.master_client)

    def _id_of(self, order: Order) -> int:
        """Give the id by which this client knows an order; one made by hand has none unbound."""
        if order.manual and order.order_id not in self._bound:
            return _UNBOUND
        return order.order_id

    def _bind(self, snapshot: OrderSnapshot, *, wanted: bool) -> Iterator[Response]:
        order = snapshot.order
        if not wanted or not order.manual or order.order_id in self._bound:
            return
        self._bound.add(order.order_id)
        yield OrderBound(snapshot.perm_id, self.client.client_id, order.order_id)

    def _place(self, request: PlaceOrder) -> None:
        order = read_order(self, request)
        times = (request.order.good_after_time, request.order.good_till_date)
        if any(text.strip() and not names_zone(text) for text in times):
            self.client.refuse(request.order_id, 2174, _NO_ZONE)
        if order.what_if:
            self.world.what_if(order)
        else:
            self.world.place(order)

    def _cancel(self, request: CancelOrder) -> None:
        self.world.cancel(self.client.client_id, request.order_id)

    def _cancel_all(self, _: ReqGlobalCancel) -> None:
        self.world.cancel_all()

    def _open_orders(self, _: ReqOpenOrders) -> None:
        """List the client's own; client 0 binds by it what was made by hand, as IB has it."""
        self._list_open(own_only=True)

    def _all_open_orders(self, _: ReqAllOpenOrders) -> None:
        self._list_open(own_only=False)

    def _list_open(self, *, own_only: bool) -> None:
        for snapshot in self.world.exchange.working_orders():
            if own_only and not self._is_mine(snapshot.order):
                continue
            for response in self._bind(snapshot, wanted=own_only):
                self.client.send(response)
            order_id = self._id_of(snapshot.order)
            self.client.send(order_speech.open_order(snapshot, order_id))
            self.client.send(order_speech.order_status(snapshot, order_id))
        self.client.send(OpenOrderEnd())

    def _auto_open_orders(self, request: ReqAutoOpenOrders) -> None:
        """Bind the orders made by hand from now on; only client 0 may."""
        if self.client.client_id != MANUAL_CLIENT:
            text = "Only the default client (i.e 0) can auto bind orders."
            self.client.refuse(-1, 321, f"Error validating request.-'{text}'")
            return
        self._binds_new = request.auto_bind

    def _completed_orders(self, request: ReqCompletedOrders) -> None:
        """List what ended today."""
        today = start_of_day(self.world.now)
        for snapshot in self.world.exchange.completed_orders():
            ended = snapshot.done_at or snapshot.placed_at
            if ended >= today and not (request.api_only and snapshot.order.manual):
                self.client.send(order_speech.completed_order(snapshot))
        self.client.send(CompletedOrdersEnd())

    def _executions(self, request: ReqExecutions) -> None:
        """List today's executions, of all clients unless the filter names one."""
        exchange, wanted = self.world.exchange, _filter(request, start_of_day(self.world.now))
        for execution in exchange.executions():
            if wanted(execution):
                self.client.send(
                    order_speech.execution_details(
                        execution, max(_UNBOUND, execution.order_id), request.req_id
                    )
                )
                report = exchange.commission_report(execution.exec_id)
                self.client.send(order_speech.commission_report(report))
        self.client.send(ExecutionDetailsEnd(request.req_id))


def _filter(request: ReqExecutions, today: Millis) -> Callable[[Execution], bool]:
    """Give the test that a request puts to executions; what it leaves empty passes."""
    earliest = max(today, _earliest(request))
    exact: list[tuple[object, Callable[[Execution], object]]] = [
        (request.client_id, lambda execution: execution.client_id),
        (request.account, lambda execution: execution.account),
        (request.symbol, lambda execution: execution.listing.symbol),
        (request.sec_type, lambda execution: execution.listing.sec_type),
        (request.side.upper()[:1], lambda execution: execution.side.value[:1]),
    ]
    asked = [(wanted, of) for wanted, of in exact if wanted]

    def passes(execution: Execution) -> bool:
        return (
            execution.at >= earliest
            and all(of(execution) == wanted for wanted, of in asked)
            and (not request.exchange or execution.listing.trades_on(request.exchange))
        )

    return passes


def _earliest(request: ReqExecutions) -> Millis:
    """Read the filter's time, ``yyyymmdd hh:mm:ss`` or with a dash for UTC; else all."""
    text = request.time.strip()
    if not text:
        return 0
    try:
        return parse_moment(text)
    except BadTime as error:
        bad = f"Error validating request.-'invalid execution filter time {text}'"
        raise RequestRefused(request.req_id, 321, bad) from error
