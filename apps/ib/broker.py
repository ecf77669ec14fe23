"""The `Broker` port on IB: one object over orders, queries and account."""

from __future__ import annotations

from apps.domain.account import AccountSummary, CurrencyCash, Position, WhatIf
from apps.domain.instruments import Instrument
from apps.domain.orders import Bracket, Fill, OrderState, Ticket
from apps.engine.ports import BrokerListener, Link, Subscription
from apps.ib.account import IBAccount
from apps.ib.connection import IBConnection
from apps.ib.order_book import OrderBook
from apps.ib.order_queries import IBOrderQueries
from apps.ib.orders import IBOrders
from apps.ib.reports import Fanout

__all__ = ["IBBroker"]


class IBBroker:
    """Orders and account of one account; every method is described by `Broker`."""

    def __init__(
        self,
        connection: IBConnection,
        orders: IBOrders,
        queries: IBOrderQueries,
        account: IBAccount,
        book: OrderBook,
        fanout: Fanout,
    ) -> None:
        self._connection = connection
        self._orders = orders
        self._queries = queries
        self._account = account
        self._book = book
        self._fanout = fanout

    @property
    def account(self) -> str:
        """The account that orders are for; empty until the first link is made."""
        return self._connection.account

    @property
    def client_id(self) -> int:
        """The client id that our orders carry; only the same one may change them."""
        return self._connection.endpoint.client_id

    @property
    def link(self) -> Link:
        """The link's state now."""
        return self._connection.link

    def listen(self, listener: BrokerListener) -> Subscription:
        """Send everything that happens to ``listener`` until the subscription is closed."""
        return self._fanout.listen(listener)

    def keep_ids_above(self, order_id: int) -> None:
        """Have every id from here on be above ``order_id``."""
        self._connection.keep_ids_above(order_id)

    def reserve_ids(self, count: int) -> tuple[int, ...]:
        """Give ``count`` ids that no order has carried."""
        return self._orders.reserve_ids(count)

    def place_bracket(self, bracket: Bracket, order_ids: tuple[int, ...] = ()) -> tuple[int, ...]:
        """Send a bracket as one; give its order ids in the order of its legs."""
        return self._orders.place_bracket(bracket, order_ids)

    def place(
        self,
        instrument: Instrument,
        ticket: Ticket,
        order_id: int | None = None,
        *,
        opens: bool = False,
    ) -> int:
        """Send a single order; give its order id."""
        return self._orders.place(instrument, ticket, order_id, opens=opens)

    def modify(self, order_id: int, ticket: Ticket) -> None:
        """Send a changed price or quantity for one of our own orders."""
        self._orders.modify(order_id, ticket)

    def cancel(self, order_id: int) -> None:
        """Ask for the cancellation of one of our own orders."""
        self._orders.cancel(order_id)

    def discard(self, order_id: int) -> None:
        """Ask for the end of an order of ours that the broker does not list."""
        self._orders.discard(order_id)

    def cancel_everything(self) -> None:
        """Ask for the end of every order of the account, whoever sent it."""
        self._orders.cancel_everything()

    def known_orders(self) -> tuple[OrderState, ...]:
        """Give what was seen of orders so far, without asking."""
        return self._book.orders()

    async def open_orders(self) -> tuple[OrderState, ...]:
        """Ask for the working orders of all clients of the account."""
        return await self._queries.open_orders()

    async def completed_orders(self) -> tuple[OrderState, ...]:
        """Ask for the orders of the account that ended today, of all clients."""
        return await self._queries.completed_orders()

    async def executions(self) -> tuple[Fill, ...]:
        """Ask for the day's executions of the account, with commissions where known."""
        return await self._queries.executions()

    async def positions(self) -> tuple[Position, ...]:
        """Ask for the positions of the account, with market values where known."""
        return await self._account.positions()

    async def account_summary(self) -> AccountSummary:
        """Ask for the account's balances."""
        return await self._account.account_summary()

    async def cash_by_currency(self) -> tuple[CurrencyCash, ...]:
        """Ask for the account's cash in each currency."""
        return await self._account.cash_by_currency()

    async def what_if(self, instrument: Instrument, ticket: Ticket) -> WhatIf:
        """Ask what an order would cost; nothing is sent to the market."""
        return await self._orders.what_if(instrument, ticket)
