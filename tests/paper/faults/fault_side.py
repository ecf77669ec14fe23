"""A gateway on hand-turned clocks, a client that places orders, and what both of them saw."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from apps.paper.clock import ManualClock
from apps.paper.feed.market import Market
from apps.paper.limits import NO_LIMITS
from apps.paper.server import PaperGateway
from apps.paper.settings import GatewaySettings
from apps.paper.tap import NullTap
from apps.paper.wall import ManualWall
from apps.paper.wire import Contract, Order, PlaceOrder, Request
from apps.paper.wire.requests.parse import REQUEST_MESSAGES
from apps.paper.wire.writing import writer_of
from tests.paper.paper_client import OPEN, RawClient

AAPL = (0, "AAPL", "STK", "", 0.0, "", "", "SMART", "", "USD", "", "")
EURUSD = (0, "EUR", "CASH", "", 0.0, "", "", "IDEALPRO", "", "USD", "", "")
STOCK = Contract(symbol="AAPL", sec_type="STK", exchange="SMART", currency="USD")
VERSION = 176


def frame_of(request: Request) -> list[str]:
    """Give a request's fields, as a client would write them."""
    message = next(each for each in REQUEST_MESSAGES.values() if each.record.shape is type(request))
    fields = [message.id_text]
    writer_of(message.record, VERSION)(request, fields)
    return fields


def order(
    order_id: int,
    side: str = "BUY",
    quantity: int = 10,
    kind: str = "LMT",
    price: str | None = "1.00",
    **more: Any,
) -> PlaceOrder:
    limit = Decimal(price) if price is not None else None
    wanted = Order(
        action=side,
        total_quantity=Decimal(quantity),
        order_type=kind,
        limit_price=limit if kind == "LMT" else None,
        stop_price=limit if kind == "STP" else None,
        time_in_force="DAY",
        transmit=True,
    )
    return PlaceOrder(order_id, STOCK, replace(wanted, **more))


class Listener(NullTap):
    """A tap that remembers the faults and the sent messages' ids."""

    def __init__(self) -> None:
        self.faults: list[Mapping[str, object]] = []
        self.heard: list[tuple[str, ...]] = []
        self.ended: list[int | None] = []
        self.one_ended = asyncio.Event()

    def received(
        self, connection_no: int, client_id: int | None, request: Request, raw: Sequence[str]
    ) -> None:
        self.heard.append(("in", raw[0]))

    def sent(
        self, connection_no: int, client_id: int | None, response: Any, raw: Sequence[str]
    ) -> None:
        self.heard.append(("out", raw[0]))

    def closed(self, connection_no: int, client_id: int | None) -> None:
        self.ended.append(client_id)
        self.one_ended.set()

    def fault(self, what: Mapping[str, object]) -> None:
        self.faults.append(what)


@dataclass
class Stage:
    """A gateway and its clients."""

    gateway: PaperGateway
    clock: ManualClock
    wall: ManualWall
    tap: Listener
    stack: AsyncExitStack
    clients: list[RawClient] = field(default_factory=list)

    async def connect(self) -> RawClient:
        """Give a client whose socket is open, and nothing more."""
        client = RawClient(*await asyncio.open_connection(self.gateway.host, self.gateway.port))
        self.stack.push_async_callback(_closed, client)
        return client

    async def client(self, client_id: int = 1) -> RawClient:
        """Give a client that has been greeted."""
        client = await self.connect()
        await client.start(client_id)
        return client

    def play(self, seconds: float) -> None:
        """Let the market go on."""
        self.gateway.advance_to(self.clock.now() + round(seconds * 1000))

    async def left(self, count: int = 0) -> None:
        """Wait until so many connections are left."""
        async with asyncio.timeout(10):
            while self.gateway.counts().connections > count:
                self.tap.one_ended.clear()
                await self.tap.one_ended.wait()


async def _closed(client: RawClient) -> None:
    with suppress(ConnectionError):  # the gateway was first
        await client.close()


async def synced(client: RawClient) -> list[list[str]]:
    """Give what came until the gateway has answered all that was asked."""
    client.send(49, 1)
    seen: list[list[str]] = []
    while True:
        fields = await client.frame()
        if fields[0] == "49":
            return seen
        seen.append(fields)


async def place(client: RawClient, *orders: PlaceOrder) -> list[list[str]]:
    """Place orders; give what came back."""
    for each in orders:
        client.send(*frame_of(each))
    return await synced(client)


def ids(frames: Sequence[Sequence[str]]) -> list[str]:
    return [frame[0] for frame in frames]


def codes(frames: Sequence[Sequence[str]]) -> list[int]:
    return [int(frame[3]) for frame in frames if frame[0] == "4"]


def statuses(frames: Sequence[Sequence[str]]) -> list[tuple[int, str]]:
    return [(int(frame[1]), frame[2]) for frame in frames if frame[0] == "3"]


@asynccontextmanager
async def a_stage(*, market: Market | None = None, **settings: Any) -> AsyncIterator[Stage]:
    clock, wall, tap = ManualClock(OPEN), ManualWall(), Listener()
    wanted = GatewaySettings(**{"seed": 7, "limits": NO_LIMITS, **settings})
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(
            PaperGateway.open(wanted, market=market, clock=clock, wall=wall, tap=tap)
        )
        clients = await stack.enter_async_context(AsyncExitStack())
        yield Stage(gateway, clock, wall, tap, clients)
