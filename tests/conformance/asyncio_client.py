"""ib_insync and its successor ib_async: clients that live in the loop.

A connection is made by ``IB().connectAsync``, as their users make it, with all that it asks for by
itself; orders go through ``IB.placeOrder``. Single requests go through ``IB.client``, which has
IB's own request methods, after the wrapper was told to expect an answer, as ``IB`` does it.
"""

from __future__ import annotations

import importlib
from typing import Any

from tests.conformance.client import Client, NotInThisClient, Timeouts
from tests.conformance.whole_messages import LastFieldTest

__all__ = ["AsyncioClient"]

_TICKERS = {"reqMktData": "mktData", "reqMktDepth": "mktDepth"}
_WITHOUT_ID = {
    "reqCurrentTime": "currentTime",
    "reqPositions": "positions",
    "reqOpenOrders": "openOrders",
    "reqAllOpenOrders": "openOrders",
    "reqCompletedOrders": "completedOrders",
    "reqScannerParameters": "scannerParams",
    "reqMktDepthExchanges": "mktDepthExchanges",
    "reqNewsProviders": "newsProviders",
    "reqFamilyCodes": "familyCodes",
}
"""Under what key the wrapper expects the answer to a request that has no id."""


class AsyncioClient(Client):
    """A connection of ib_insync or ib_async; ``ib`` is its IB, ``library`` the module."""

    def __init__(self, library: str, host: str, port: int, client_id: int) -> None:
        super().__init__(host, port, client_id)
        self.library: Any = importlib.import_module(library)
        self.ib: Any = self.library.IB()
        self._decoder = _WatchedDecoder(self, self.ib.client.decoder)

    async def connect(self, within_s: float = Timeouts.CONNECT_S) -> None:
        await self.ib.connectAsync(self.host, self.port, clientId=self.client_id, timeout=within_s)

    async def close(self) -> None:
        self.ib.disconnect()

    @property
    def is_connected(self) -> bool:
        return bool(self.ib.isConnected())

    @property
    def server_version(self) -> int:
        return int(self.ib.client.serverVersion())

    def new_id(self) -> int:
        return int(self.ib.client.getReqId())

    def call(self, request: str, *arguments: Any) -> None:
        method = getattr(self.ib.client, request, None)
        if method is None:
            raise NotInThisClient(f"{type(self.ib.client).__name__} has no {request}")
        self._expect(request, arguments)
        method(*arguments)

    def _expect(self, request: str, arguments: tuple[Any, ...]) -> None:
        wrapper = self.ib.wrapper
        if request in _TICKERS:
            wrapper.startTicker(arguments[0], arguments[1], _TICKERS[request])
        elif request == "reqTickByTickData":
            wrapper.startTicker(arguments[0], arguments[1], arguments[2])
        elif request == "reqScannerSubscription":
            wrapper.startSubscription(arguments[0], self.library.ScanDataList())
        elif request in _WITHOUT_ID:
            wrapper.startReq(_WITHOUT_ID[request])
        elif request == "reqMarketRule":
            wrapper.startReq(f"marketRule-{arguments[0]}")
        elif request.startswith(("req", "calculate")) and arguments:
            wrapper.startReq(arguments[0])

    def make(self, kind: str) -> Any:
        return getattr(self.library, kind)()

    def place(self, contract: Any, order: Any) -> int:
        return int(self.ib.placeOrder(contract, order).order.orderId)

    def cancel(self, order_id: int) -> None:
        self.ib.client.cancelOrder(order_id, "")

    def cancel_everything(self) -> None:
        self.ib.reqGlobalCancel()

    def tag_value(self, tag: str, value: str) -> Any:
        return self.library.TagValue(tag, value)

    def condition(self, kind: str, **fields: Any) -> Any:
        condition = getattr(self.library, f"{kind}Condition")()
        for name, value in fields.items():
            setattr(condition, "exch" if name == "exchange" else name, value)
        return condition


class _WatchedDecoder:
    """Sees each message before the library's decoder does, and that none of it is left unread."""

    def __init__(self, client: AsyncioClient, decoder: Any) -> None:
        self._client = client
        self._decoder = decoder
        self._interpret = decoder.interpret
        self._last_field = LastFieldTest(client.library.__name__)
        decoder.wrapper = _Overheard(client, decoder.wrapper)
        decoder.interpret = self.interpret

    def interpret(self, fields: list[str]) -> None:
        client, before = self._client, self._client.mark()
        client.seen.add(int(fields[0]))
        if not self._last_field.passes(fields, self._decoder.serverVersion):
            client.problems.append(f"the last field was not read: {fields}")
        self._interpret(fields)
        if client.mark() == before and not _is_empty_price(fields):
            client.problems.append(f"nothing was called for {fields}")


def _is_empty_price(fields: list[str]) -> bool:
    """Tell whether it is a tick without a price, for which nothing is called."""
    return fields[0] == "1" and fields[4] in ("", "0")


class _Overheard:
    """The library's wrapper, with every call noted."""

    def __init__(self, client: AsyncioClient, wrapper: Any) -> None:
        self._client = client
        self._wrapper = wrapper

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._wrapper, name)
        if not callable(method):
            return method  # ib_async's decoder also reads its settings from the wrapper

        def overheard(*args: Any) -> None:
            self._client.hear(*_as_ib_has_it(name, args))
            method(*args)

        return overheard


def _as_ib_has_it(name: str, args: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    match name:
        case "priceSizeTick":
            return "tickPrice", args[:3]
        case "error":
            return name, args[:3]
        case _:
            return name, args
