"""A client library as the checks see it: requests by IB's names, and what came back.

All four libraries have IB's request methods (``reqContractDetails`` …) and call IB's wrapper
methods (``contractDetails`` …) for each message that they decode. So a check reads like a program
of any of them:

    req_id = client.request("reqContractDetails", client.contract(symbol="AAPL", …))
    found = await client.until_end("contractDetails", "contractDetailsEnd", req_id)

What differs between the libraries (how to connect, to place, where the decoder sits) is in
`asyncio_client` and `threaded_client`. Here is what they share: the record of what was heard, and
waiting for it with a deadline.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["CON_IDS", "NOTICES", "NO_OPTIONS", "Client", "NotInThisClient", "Reply", "Timeouts"]

NOTICES = frozenset({2104, 2106, 2158})
"""The farms' notices after startApi, which every client gets and none asks for."""


CON_IDS = {
    "AAPL": 265598,
    "AMD": 4391,
    "IBM": 8314,
    "KO": 8894,
    "MSFT": 272093,
    "TSLA": 76792991,
}
"""IB's own, as published in open examples."""

NO_OPTIONS: list[Any] = []
"""The options that many requests end with, and that IB keeps to itself."""

_REFUSALS = frozenset({111, 162, 200, 201, 320, 321, 387})
"""After one of these no answer comes, and an order is dead."""


class Timeouts:
    """Seconds that may pass; far more than is needed, so that only what hangs is cut off."""

    CONNECT_S = 10.0
    REPLY_S = 6.0


class NotInThisClient(Exception):
    """The library has no such request."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One call of a wrapper method; ``args`` as the library's decoder made them.

    Three callbacks are brought to one form, since the libraries differ: ``error(req_id, code,
    text)``, ``tickPrice(req_id, tick_type, price)`` and ``commissionReport(report)``.
    """

    name: str
    args: tuple[Any, ...]

    def __str__(self) -> str:
        text = f"{self.name}{self.args}"
        return text if len(text) < 200 else f"{text[:200]}…"


class Client(ABC):
    """One connection of one library; made by a `Bench`, closed by it.

    ``heard`` is every reply in order, ``seen`` the ids of all messages that were decoded,
    ``problems`` what the instrumented decoder found wrong with them.
    """

    def __init__(self, host: str, port: int, client_id: int) -> None:
        self.host = host
        self.port = port
        self.client_id = client_id
        self.heard: list[Reply] = []
        self.seen: set[int] = set()
        self.problems: list[str] = []
        self._awaited: set[int] = set()
        self._expected = set(NOTICES)
        self._more = asyncio.Event()

    # ---- what a library's adapter knows

    @abstractmethod
    async def connect(self, within_s: float = Timeouts.CONNECT_S) -> None:
        """Connect, and be ready for requests.

        Raises ConnectionError when turned away; ib_insync and ib_async raise TimeoutError.
        """

    @abstractmethod
    async def close(self) -> None:
        """Disconnect."""

    @property
    @abstractmethod
    def is_connected(self) -> bool:
        """What the library believes of its connection."""

    @property
    @abstractmethod
    def server_version(self) -> int:
        """The version that was agreed upon."""

    @abstractmethod
    def new_id(self) -> int:
        """Give an id that was not used yet, for a request or an order."""

    @abstractmethod
    def call(self, request: str, *arguments: Any) -> None:
        """Call the library's request method of that name. Raises NotInThisClient."""

    @abstractmethod
    def make(self, kind: str) -> Any:
        """Give a new Contract, Order, ExecutionFilter, ScannerSubscription … of the library's."""

    @abstractmethod
    def place(self, contract: Any, order: Any) -> int:
        """Place ``order``, or change it when it has its id already; give the id."""

    @abstractmethod
    def cancel(self, order_id: int) -> None:
        """Cancel an order."""

    @abstractmethod
    def cancel_everything(self) -> None:
        """Cancel all orders of all clients."""

    @abstractmethod
    def condition(self, kind: str, **fields: Any) -> Any:
        """Give an order's condition: Price, Time, Margin, Execution, Volume or PercentChange."""

    @abstractmethod
    def tag_value(self, tag: str, value: str) -> Any:
        """Give a parameter of an algo."""

    # ---- asking

    def request(self, request: str, *arguments: Any) -> int:
        """Call a request that takes an id first, with a new one; give the id."""
        req_id = self.new_id()
        self.call(request, req_id, *arguments)
        return req_id

    def contract(self, **fields: Any) -> Any:
        """Give a contract with these fields, by IB's names."""
        return _filled(self.make("Contract"), fields)

    def order(self, **fields: Any) -> Any:
        """Give an order with these fields, by IB's names; DAY unless it says otherwise."""
        return _filled(self.make("Order"), {"tif": "DAY", **fields})

    def stock(self, symbol: str = "AAPL", exchange: str = "SMART") -> Any:
        """Give a US stock, with its conId: ib_async takes no other for market data."""
        con_id = {"conId": CON_IDS[symbol]} if symbol in CON_IDS else {}
        return self.contract(
            symbol=symbol, secType="STK", exchange=exchange, currency="USD", **con_id
        )

    def pair(self) -> Any:
        """Give the currency pair EURUSD."""
        return self.contract(
            symbol="EUR", secType="CASH", exchange="IDEALPRO", currency="USD", conId=12087792
        )

    # ---- hearing

    def hear(self, name: str, args: tuple[Any, ...]) -> None:
        """Take note of a reply (on the loop's thread)."""
        self.heard.append(Reply(name, args))
        self._more.set()

    def mark(self) -> int:
        """Give the present end of ``heard``, for ``since``."""
        return len(self.heard)

    def all(self, name: str, *first: Any, since: int = 0) -> list[Reply]:
        """Give the replies so far of that name whose first arguments are these."""
        return [reply for reply in self.heard[since:] if self._is(reply, name, first)]

    async def until(
        self,
        name: str,
        *first: Any,
        where: Callable[[Reply], bool] = lambda _: True,
        since: int = 0,
        within_s: float = Timeouts.REPLY_S,
    ) -> Reply:
        """Wait for the first such reply. Raises AssertionError when it does not come."""
        at = since
        try:
            async with asyncio.timeout(within_s):
                while True:
                    while at < len(self.heard):
                        reply = self.heard[at]
                        if self._is(reply, name, first) and where(reply):
                            self._awaited.add(at)
                            return reply
                        at += 1
                    self._see_that_it_was_not_refused(name, first)
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            last = "\n".join(f"    {reply}" for reply in self.heard[-12:])
            raise AssertionError(
                f"no {name}{first} within {within_s:g} s; the last heard were\n{last}"
            ) from None

    @staticmethod
    def _is(reply: Reply, name: str, first: tuple[Any, ...]) -> bool:
        return reply.name == name and reply.args[: len(first)] == first

    def _see_that_it_was_not_refused(self, name: str, first: tuple[Any, ...]) -> None:
        """Raise AssertionError rather than wait for the answer to a request that was refused."""
        if name == "error":
            return
        for at, reply in enumerate(self.heard):
            mine = reply.name == "error" and reply.args[0] in (-1, *first[:1])
            if mine and reply.args[1] in _REFUSALS and at not in self._awaited:
                raise AssertionError(f"no {name}{first}, but {reply}")

    async def until_end(self, name: str, end: str, *first: Any) -> list[Reply]:
        """Wait for ``end``; give the replies ``name`` that came before it."""
        await self.until(end, *first)
        return self.all(name, *first)

    async def count(self, wanted: int, name: str, *first: Any, since: int = 0) -> list[Reply]:
        """Wait until there are ``wanted`` such replies; give them."""
        await self.until(
            name,
            *first,
            since=since,
            where=lambda _: len(self.all(name, *first, since=since)) >= wanted,
        )
        return self.all(name, *first, since=since)

    async def error(self, req_id: int, code: int, *, since: int = 0) -> str:
        """Wait for an error that is meant to come; give its text."""
        reply = await self.until("error", req_id, code, since=since)
        return str(reply.args[2])

    async def status(self, order_id: int, status: str, *, since: int = 0) -> Reply:
        """Wait until an order has that status."""
        return await self.until("orderStatus", order_id, status, since=since)

    def executions(self, order_id: int) -> list[Any]:
        """Give the executions heard of one of this client's orders."""
        heard = (reply.args[2] for reply in self.all("execDetails"))
        return [
            execution
            for execution in heard
            if (execution.clientId, execution.orderId) == (self.client_id, order_id)
        ]

    async def settle(self) -> None:
        """Wait until what was asked before has been answered."""
        since = self.mark()
        self.call("reqCurrentTime")
        await self.until("currentTime", since=since)

    def expect(self, *codes: int) -> None:
        """Let errors of these codes come without waiting for them."""
        self._expected.update(codes)

    def unexpected_errors(self) -> list[str]:
        """Give the errors that no check waited for, besides the farms' notices."""
        return [
            str(reply)
            for at, reply in enumerate(self.heard)
            if reply.name == "error"
            and at not in self._awaited
            and reply.args[1] not in self._expected
        ]


def _filled(thing: Any, fields: dict[str, Any]) -> Any:
    for name, value in fields.items():
        if not hasattr(thing, name):
            raise NotInThisClient(f"{type(thing).__name__} has no {name}")
        setattr(thing, name, value)
    return thing
