"""Orders on their way out: brackets, single orders, changes, cancellations, what-ifs.

Everything goes to the socket in the call that asks for it, in one piece; only when IB's rate
is used up does it wait, ahead of all requests. What IB answers goes to the `OrderBook`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from apps.domain.account import WhatIf
from apps.domain.errors import BrokerError, BrokerRejected, InvalidInput, NotFound
from apps.domain.instruments import Instrument
from apps.domain.orders import Bracket, OrderStatus, Ticket
from apps.engine.ports import BrokerNotice
from apps.ib.connection import IBConnection
from apps.ib.contracts import Contracts
from apps.ib.order_book import BookEntry, OrderBook
from apps.ib.pacer import Pacer
from apps.ib.pacing import Lane
from apps.ib.reports import Fanout
from apps.ib.session import Session
from apps.ib.translate import fill_ib_order, what_if_from

if TYPE_CHECKING:
    from ib_insync import contract as ibc
    from ib_insync import order as ibd

__all__ = ["IBOrders"]

_NOT_SENT = 504
_ECHOED = ("parentId", "ocaGroup", "ocaType", "tif", "outsideRth", "orderRef", "account")


class IBOrders:
    """Sends orders of one account and one client."""

    def __init__(
        self,
        connection: IBConnection,
        contracts: Contracts,
        book: OrderBook,
        *,
        pacer: Pacer,
        fanout: Fanout,
    ) -> None:
        self._connection = connection
        self._contracts = contracts
        self._book = book
        self._pacer = pacer
        self._fanout = fanout
        self._blank: ibd.Order | None = None
        self._unsent: set[int] = set()
        self.discarded: set[int] = set()
        """Ids of orders whose end was asked for though the broker does not show them."""

    @property
    def _client_id(self) -> int:
        return self._connection.endpoint.client_id

    # ------------------------------------------------------------------------- sending

    def reserve_ids(self, count: int) -> tuple[int, ...]:
        """Give ids for orders; see `Broker.reserve_ids`."""
        session = self._connection.ready_session()
        return tuple([session.next_id() for _ in range(count)])

    def place_bracket(self, bracket: Bracket, order_ids: tuple[int, ...] = ()) -> tuple[int, ...]:
        """Send a bracket as one; see `Broker.place_bracket`."""
        session = self._connection.ready_session(opens=True)
        contract = self._contracts.contract_for(bracket.instrument)
        legs = bracket.legs
        ids = order_ids or self.reserve_ids(len(legs))
        orders = [
            self._order(session, ticket, order_id)
            for ticket, order_id in zip(legs, ids, strict=True)
        ]
        for child in orders[1:]:
            child.parentId = ids[0]
        # held at TWS until the last of them arrives, which releases all
        for held in orders[:-1]:
            held.transmit = False
        self._send(session, contract, orders, Lane.ORDER)
        return ids

    def place(
        self,
        instrument: Instrument,
        ticket: Ticket,
        order_id: int | None = None,
        *,
        opens: bool = False,
    ) -> int:
        """Send a single order; see `Broker.place`."""
        session = self._connection.ready_session(opens=opens)
        order = self._order(session, ticket, session.next_id() if order_id is None else order_id)
        contract = self._contracts.contract_for(instrument)
        self._send(session, contract, [order], Lane.ORDER if opens else Lane.PROTECTION)
        return order.orderId

    def modify(self, order_id: int, ticket: Ticket) -> None:
        """Change price or quantity; see `Broker.modify`. Raises InvalidInput for another type."""
        session = self._connection.ready_session()
        entry = self._working(order_id)
        said = entry.order
        if ticket.order_type.value != said.orderType:
            raise InvalidInput(
                f"Order {order_id} is {said.orderType}; its type cannot be changed to "
                f"{ticket.order_type.value}. Cancel it and send a new one."
            )
        order = self._order(session, ticket, order_id)
        # what the broker says of the rest is said back: it refuses to have it changed
        for field in _ECHOED:
            setattr(order, field, getattr(said, field))

        def send() -> None:
            session.client.placeOrder(order_id, entry.contract, order)

        self._submit_about(order_id, send, "change")

    def cancel(self, order_id: int) -> None:
        """Ask for a cancellation; see `Broker.cancel`. Allowed while IB's servers are lost."""
        session = self._connection.session
        self._working(order_id)

        def send() -> None:
            session.client.cancelOrder(order_id, "")

        self._submit_about(order_id, send, "cancellation")

    def discard(self, order_id: int) -> None:
        """Ask for the end of an order that is not listed; see `Broker.discard`."""
        session = self._connection.session
        self.discarded.add(order_id)

        def send() -> None:
            session.client.cancelOrder(order_id, "")

        self._submit_about(order_id, send, "cancellation")

    def cancel_everything(self) -> None:
        """Ask for the end of every order; see `Broker.cancel_everything`."""
        session = self._connection.ready_session()
        self._pacer.submit_order(1, session.client.reqGlobalCancel, lambda: None, Lane.PROTECTION)

    async def what_if(self, instrument: Instrument, ticket: Ticket) -> WhatIf:
        """Ask what an order would cost; see `Broker.what_if`. Raises BrokerRejected."""
        session = self._connection.session
        contract = self._contracts.contract_for(instrument)

        def ask(req_id: int) -> None:
            order = self._order(session, ticket, req_id)
            order.whatIf = True
            session.client.placeOrder(req_id, contract, order)

        what = f"the margin of {ticket.quantity} {instrument.symbol}"
        try:
            return what_if_from(await self._connection.requests.by_id(what, ask))
        except BrokerError as error:
            raise BrokerRejected(error.message, code=error.code) from None

    def _order(self, session: Session, ticket: Ticket, order_id: int) -> ibd.Order:
        if self._blank is None:
            self._blank = session.library.Order(clientId=self._client_id)
        order = _copied(self._blank)
        order.orderId = order_id
        return fill_ib_order(order, ticket, account=self._connection.account)

    def _send(
        self, session: Session, contract: ibc.Contract, orders: list[ibd.Order], lane: Lane
    ) -> None:
        ids = {order.orderId for order in orders}

        def send() -> None:
            self._unsent.difference_update(ids)
            with _one_write(session.client.conn):
                for order in orders:
                    session.client.placeOrder(order.orderId, contract, order)

        def dropped() -> None:
            self._unsent.difference_update(ids)
            for order in orders:
                self._book.conclude(
                    (self._client_id, order.orderId),
                    OrderStatus.API_CANCELLED,
                    "The link was lost before the order was sent.",
                )
                self._tell_not_sent(order.orderId, "order")()

        self._unsent.update(ids)
        self._pacer.submit_order(len(orders), send, dropped, lane)
        # the bytes are out first; nothing can be answered before this returns to the loop
        for order in orders:
            self._book.placed(contract, order)

    def _submit_about(self, order_id: int, send: Callable[[], None], what: str) -> None:
        """Send a change or a cancellation ahead of what opens, but never ahead of its order."""
        lane = Lane.ORDER if order_id in self._unsent else Lane.PROTECTION
        self._pacer.submit_order(1, send, self._tell_not_sent(order_id, what), lane)

    def _working(self, order_id: int) -> BookEntry:
        entry = self._book.own(self._client_id, order_id)
        if entry.state.status.is_done:
            raise NotFound(
                f"Order {order_id} is {entry.state.status.value}: there is nothing left to change."
            )
        return entry

    def _tell_not_sent(self, order_id: int, what: str) -> Callable[[], None]:
        text = f"The link was lost before the {what} of order {order_id} was sent."
        return lambda: self._fanout.on_notice(BrokerNotice(_NOT_SENT, text, order_id))


def _copied(blank: ibd.Order) -> ibd.Order:
    # a sixth of what making one with its hundred fields costs, three times on the way of a bar
    order = object.__new__(type(blank))
    vars(order).update(vars(blank))
    return order


@contextmanager
def _one_write(connection: Any) -> Iterator[None]:
    """Send all messages of the block at its end and in one piece; none when it raises.

    ib_insync writes each to the socket by itself: two more system calls on the way of a bar, and
    legs that may arrive one without the other.
    """
    messages: list[bytes] = []
    transport, connection.transport = connection.transport, SimpleNamespace(write=messages.append)
    try:
        yield
    finally:
        connection.transport = transport
    transport.write(b"".join(messages))
