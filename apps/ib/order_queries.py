"""Asking the broker for orders and executions, and what to make of a code that names one.

The answers go to the `OrderBook` as they come; here is only which of them belong to whom.
"""

from __future__ import annotations

import asyncio
from typing import Any

from apps.domain.errors import DeskError
from apps.domain.orders import Fill, OrderState, OrderStatus
from apps.ib.connection import IBConnection
from apps.ib.errors import CodeKind, explain, meaning
from apps.ib.order_book import OrderBook, OrderKey
from apps.ib.reports import Reporter
from apps.ib.requests import Requests
from apps.ib.session import Session

__all__ = ["Doubts", "IBOrderQueries"]

# a cancellation that was refused: the order may be in another state than we think
_NOT_CANCELLED = frozenset({135, 136, 161, 10147, 10148})


class IBOrderQueries:
    """Reads the orders and executions of one account."""

    def __init__(self, connection: IBConnection, book: OrderBook) -> None:
        self._connection = connection
        self._book = book

    async def synchronise_open(self, session: Session, requests: Requests) -> None:
        """Read the open orders into the book."""
        await self._open_keys(session, requests)

    async def synchronise_completed(self, session: Session, requests: Requests) -> None:
        """Read the ends of the orders that we knew."""
        await self._read_completed(session, requests)

    async def synchronise_executions(self, session: Session, requests: Requests) -> None:
        """Read the day's executions; from now on, each that is new is passed on."""
        await self._read_executions(session, requests)
        self._book.tells_all_fills = True

    async def open_orders(self) -> tuple[OrderState, ...]:
        """Ask for the working orders of all clients of the account."""
        states = [self._book.state(key) for key in await self.open_keys()]
        account = self._connection.account
        return tuple(
            state for state in states if state.account == account and not state.status.is_done
        )

    async def open_keys(self) -> set[OrderKey]:
        """Ask which orders are open."""
        return await self._open_keys(self._connection.session, self._connection.requests)

    async def read_completed(self) -> None:
        """Ask for the orders that ended today; the book takes the ends it did not know."""
        await self._read_completed(self._connection.session, self._connection.requests)

    async def completed_orders(self) -> tuple[OrderState, ...]:
        """Ask for the orders of the account that ended today, of all clients."""
        session, requests = self._connection.session, self._connection.requests
        account = self._connection.account
        completed = await self._read_completed(session, requests)
        return tuple(each for each in completed if each.account == account)

    async def executions(self) -> tuple[Fill, ...]:
        """Ask for the day's executions of the account, with commissions where known."""
        return await self._read_executions(self._connection.session, self._connection.requests)

    async def _open_keys(self, session: Session, requests: Requests) -> set[OrderKey]:
        seen: set[OrderKey] = set()

        def ask() -> asyncio.Future[Any]:
            nonlocal seen
            seen = self._book.collect_open()
            answer: asyncio.Future[Any] = session.wrapper.startReq("openOrders")
            session.client.reqAllOpenOrders()
            return answer

        await requests.by_name("openOrders", "the open orders", ask)
        return seen

    async def _read_completed(self, session: Session, requests: Requests) -> list[OrderState]:
        seen: list[OrderState] = []

        def ask() -> asyncio.Future[Any]:
            nonlocal seen
            seen = self._book.collect_completed()
            answer: asyncio.Future[Any] = session.wrapper.startReq("completedOrders")
            session.client.reqCompletedOrders(False)
            return answer

        await requests.by_name("completedOrders", "the completed orders", ask)
        return seen

    async def _read_executions(self, session: Session, requests: Requests) -> tuple[Fill, ...]:
        account, asked_by = self._connection.account, -1

        def ask(req_id: int) -> None:
            nonlocal asked_by
            asked_by = req_id
            only_ours = session.library.ExecutionFilter(acctCode=account)
            session.client.reqExecutions(req_id, only_ours)

        try:
            await requests.by_id("the executions", ask)
        finally:
            fills = self._book.asked(asked_by)
        return tuple(fill for fill in fills if fill.account == account)


class Doubts:
    """Own orders named by a code that may be their end: asked about before anything is said.

    ib_insync would call each of them Cancelled. The open orders, then the completed ones, decide;
    where neither lists the order, IB's code stands if it is a rejection, or if IB has never
    accepted the order. Else nothing is concluded.
    """

    def __init__(
        self,
        connection: IBConnection,
        queries: IBOrderQueries,
        book: OrderBook,
        reporter: Reporter,
    ) -> None:
        self._connection = connection
        self._queries = queries
        self._book = book
        self._reporter = reporter
        self._doubted: dict[OrderKey, tuple[int, str]] = {}
        self._asking: Session | None = None

    def on_code(self, key: OrderKey, code: int, text: str) -> None:
        """Take a code that names one of our own orders."""
        warning = meaning(code).kind in (CodeKind.INFO, CodeKind.WARNING)
        if self._is_settled(key) or (warning and code not in _NOT_CANCELLED):
            return
        self._doubted[key] = code, text
        session = self._connection.session
        if self._asking is not session:
            self._asking = session
            session.spawn(self._settle(session))

    def _is_settled(self, key: OrderKey) -> bool:
        status = self._book.state(key).status
        return status.is_done or status is OrderStatus.INACTIVE

    async def _settle(self, session: Session) -> None:
        try:
            while self._doubted:
                doubted, self._doubted = self._doubted, {}
                missing = doubted.keys() - await self._queries.open_keys()
                if any(not self._is_settled(key) for key in missing):
                    await self._queries.read_completed()
                for key in missing:
                    self._judge(key, *doubted[key])
        except DeskError as error:
            self._reporter.say(f"What became of an order could not be asked. {error}", error)
        finally:
            if self._asking is session:
                self._asking = None

    def _judge(self, key: OrderKey, code: int, text: str) -> None:
        if self._is_settled(key):
            return
        accepted = self._book.state(key).perm_id != 0
        if not accepted or meaning(code).kind is CodeKind.ORDER_REJECTED:
            self._book.conclude(key, OrderStatus.CANCELLED, explain(code, text))
