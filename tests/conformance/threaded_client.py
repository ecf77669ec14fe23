"""ibapi and nautilus-ibapi: IB's own EClient and EWrapper, with their reader threads.

Messages are decoded on a thread of the client's, as in any program that calls ``EClient.run``;
what is heard is handed to the loop that the checks run in.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import socket
import threading
from typing import Any

from tests.conformance.client import Client, NotInThisClient, Timeouts
from tests.conformance.whole_messages import CountedFields

__all__ = ["ThreadedClient"]

_MODULES = {
    "Contract": "ibapi.contract",
    "ComboLeg": "ibapi.contract",
    "DeltaNeutralContract": "ibapi.contract",
    "Order": "ibapi.order",
    "OrderCancel": "ibapi.order_cancel",
    "ExecutionFilter": "ibapi.execution",
    "ScannerSubscription": "ibapi.scanner",
}
_CONDITION_TYPES = {
    "Price": 1,
    "Time": 3,
    "Margin": 4,
    "Execution": 5,
    "Volume": 6,
    "PercentChange": 7,
}


class ThreadedClient(Client):
    """A connection of IB's own classes. ``cancels_by_value``: cancelOrder takes an OrderCancel."""

    def __init__(self, host: str, port: int, client_id: int, *, cancels_by_value: bool) -> None:
        super().__init__(host, port, client_id)
        self._loop = asyncio.get_running_loop()
        self._cancels_by_value = cancels_by_value
        self._client: Any = importlib.import_module("ibapi.client").EClient(_Overheard(self))
        self._thread: threading.Thread | None = None
        self._next_id = 0

    async def connect(self, within_s: float = Timeouts.CONNECT_S) -> None:
        await asyncio.wait_for(
            asyncio.to_thread(self._client.connect, self.host, self.port, self.client_id),
            within_s,
        )
        if self._client.serverVersion() is None:
            raise ConnectionError("not connected")
        _watch(self, self._client.decoder)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        first = await self._ready()
        self._next_id = first

    async def _ready(self) -> int:
        """Wait for the order id that says that requests may be sent; or for the refusal."""
        while self._thread is not None and self._thread.is_alive():
            for reply in self.all("nextValidId"):
                return int(reply.args[0])
            await asyncio.sleep(0.01)
        raise ConnectionError("turned away")

    def _run(self) -> None:
        # what a decoder raises was noted where it did; 10.46 also trips over its own reset when
        # the socket ends while messages are waiting
        with contextlib.suppress(Exception):
            self._client.run()

    async def close(self) -> None:
        if self._client.isConnected():
            # the reader thread may sit in recv for another second, and the socket lives as long
            self._client.conn.socket.shutdown(socket.SHUT_RDWR)
        self._client.disconnect()  # the thread that decodes ends by itself, within 0.2 s

    @property
    def is_connected(self) -> bool:
        return bool(self._client.isConnected())

    @property
    def server_version(self) -> int:
        return int(self._client.serverVersion())

    def new_id(self) -> int:
        self._next_id += 1
        return self._next_id - 1

    def call(self, request: str, *arguments: Any) -> None:
        method = getattr(self._client, request, None)
        if method is None:
            raise NotInThisClient(f"EClient has no {request}")
        method(*arguments)

    def make(self, kind: str) -> Any:
        return getattr(importlib.import_module(_MODULES[kind]), kind)()

    def order(self, **fields: Any) -> Any:
        # 9.81 sets these two by default, which IB has long refused: every program unsets them
        order = super().order(**fields)
        order.eTradeOnly = order.firmQuoteOnly = False
        return order

    def place(self, contract: Any, order: Any) -> int:
        if not order.orderId:
            order.orderId = self.new_id()
        self._client.placeOrder(order.orderId, contract, order)
        return int(order.orderId)

    def cancel(self, order_id: int) -> None:
        self.call("cancelOrder", order_id, *self._cancel_value())

    def cancel_everything(self) -> None:
        self.call("reqGlobalCancel", *self._cancel_value())

    def _cancel_value(self) -> tuple[Any, ...]:
        return (self.make("OrderCancel"),) if self._cancels_by_value else ()

    def tag_value(self, tag: str, value: str) -> Any:
        return importlib.import_module("ibapi.tag_value").TagValue(tag, value)

    def condition(self, kind: str, **fields: Any) -> Any:
        condition = importlib.import_module("ibapi.order_condition").Create(_CONDITION_TYPES[kind])
        for name, value in fields.items():
            if name == "conjunction":
                condition.isConjunctionConnection = value == "a"
            else:
                setattr(condition, name, value)
        return condition

    def note(self, problem: str) -> None:
        """Take note of a problem, from any thread."""
        self._loop.call_soon_threadsafe(self.problems.append, problem)

    def hand_over(self, name: str, args: tuple[Any, ...]) -> None:
        """Take note of a reply, from the decoder's thread."""
        self._loop.call_soon_threadsafe(self.hear, name, args)


class _Overheard:
    """The EWrapper: it keeps what it is told, and does nothing else."""

    def __init__(self, client: ThreadedClient) -> None:
        self._client = client
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        def overheard(*args: Any) -> None:
            self.calls += 1
            self._client.hand_over(*_as_ib_has_it(name, args))

        return overheard


def _as_ib_has_it(name: str, args: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    match name:
        case "tickPrice":
            return name, args[:3]
        case "commissionAndFeesReport":
            return "commissionReport", args
        case "error" if not isinstance(args[2], str):  # 10.46 has the time in second place
            return name, (args[0], *args[2:4])
        case "error":
            return name, args[:3]
        case _:
            return name, args


def _watch(client: ThreadedClient, decoder: Any) -> None:
    """See that the decoder takes every field and calls somebody.

    Messages that it decodes by a method's signature it counts itself, and logs what is wrong.
    """
    interpret, wrapper = decoder.interpret, client._client.wrapper

    def counted(fields: Any, *msg_id: int) -> None:
        number = msg_id[0] if msg_id else int(fields[0])
        client.seen.add(number)
        whole, before = CountedFields(fields), wrapper.calls
        try:
            interpret(whole, *msg_id)
        except Exception as error:
            client.note(f"the decoder failed: {error!r} at {number} {fields}")
            raise
        by_method = decoder.msgId2handleInfo[number].processMeth is not None
        if by_method and whole.taken != len(whole):
            client.note(f"{len(whole) - whole.taken} fields were not read: {number} {fields}")
        if wrapper.calls == before:
            client.note(f"nothing was called for {number} {fields}")

    decoder.interpret = counted
