"""Many clients, bad clients, and what is left behind when they go."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.paper.clock import ManualClock
from apps.paper.hub import HubCounts
from apps.paper.limits import IB_LIMITS, NO_LIMITS
from apps.paper.server import GatewayCounts, PaperGateway
from apps.paper.settings import GatewaySettings
from apps.paper.wall import ManualWall
from tests.paper.faults.fault_side import Listener
from tests.paper.paper_client import OPEN, RawClient, raw_client

AAPL = (0, "AAPL", "STK", "", 0.0, "", "", "SMART", "", "USD", "", "")
NOTHING = GatewayCounts(0, HubCounts(0, 0, 0))


@asynccontextmanager
async def a_gateway(wall: ManualWall | None = None, **limits: Any) -> AsyncIterator[PaperGateway]:
    wanted = GatewaySettings(limits=replace(NO_LIMITS, **limits))
    async with PaperGateway.open(
        wanted, clock=ManualClock(OPEN), wall=wall, tap=Listener()
    ) as gateway:
        yield gateway


async def until_left(gateway: PaperGateway, connections: int = 0) -> None:
    tap = gateway.tap
    assert isinstance(tap, Listener)
    async with asyncio.timeout(30):
        while gateway.counts().connections > connections:
            tap.one_ended.clear()
            await tap.one_ended.wait()


async def test_thirty_two_clients_are_served_and_the_next_is_told_507() -> None:
    assert IB_LIMITS.clients == 32
    async with a_gateway(clients=32) as gateway, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(raw_client(gateway)) for _ in range(32)]
        for client_id, client in enumerate(clients):
            await client.start(client_id)
        extra = await stack.enter_async_context(raw_client(gateway))
        await extra.hello()
        extra.send(71, 2, 99, "")
        assert (await extra.frame())[3] == "507"
        assert await extra.at_end()
        for client in clients:
            client.send(49, 1)
        for client in clients:
            await client.until("49")
        await clients[0].close()
        await until_left(gateway, 31)
        late = await stack.enter_async_context(raw_client(gateway))
        await late.start(99)


async def test_nothing_is_left_of_clients_that_are_gone() -> None:
    async with a_gateway() as gateway:
        for _ in range(3):
            async with raw_client(gateway) as client:
                await client.start()
                client.send(50, 3, 1, *AAPL, 5, "TRADES", 1, "")
                client.send(1, 11, 2, *AAPL, 0, "", 0, 0, "")
                client.send(6, 2, 1, "DU1234567")
                client.send(20, 3, *AAPL, 0, "", "5 secs", "60 S", 1, "TRADES", 2, 1, "")
                client.send(49, 1)
                await client.until("49")
                assert gateway.counts().hub.streams > 2
            await until_left(gateway)
            assert gateway.counts() == NOTHING


async def test_client_that_never_sends_start_api_is_closed_in_time() -> None:
    wall = ManualWall()
    async with (
        a_gateway(wall) as gateway,
        raw_client(gateway) as mute,
        raw_client(gateway) as half,
        raw_client(gateway) as good,
    ):
        await half.hello()
        await good.start()
        wall.advance(9.9)
        assert gateway.counts().connections == 3
        wall.advance(0.1)
        assert await mute.at_end()
        assert await half.at_end()
        good.send(49, 1)
        await good.until("49")


async def test_client_that_never_reads_is_cut_off_and_others_are_unharmed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with a_gateway(unread_bytes=100_000) as gateway, raw_client(gateway) as good:
        await good.start(2)
        small = socket.socket()
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        small.setblocking(False)
        await asyncio.get_running_loop().sock_connect(small, (gateway.host, gateway.port))
        _, writer = await asyncio.open_connection(sock=small, limit=1)
        writer.write(HELLO + START)
        begun = gateway.faults.inject("drop on=reqIds client=1")
        writer.write(_frame("8", "1", "1"))
        await begun.fired()
        with suppress(ConnectionError):
            for _ in range(20_000):
                writer.write(_frame("24", "1"))
                await writer.drain()
        await until_left(gateway, 1)
        assert "client 1 does not read; cut off" in caplog.text
        assert gateway.counts().hub.sessions == 1
        good.send(49, 1)
        await good.until("49")
        writer.transport.abort()


def _frame(*fields: str) -> bytes:
    body = "".join(f"{field}\0" for field in fields).encode()
    return struct.pack(">I", len(body)) + body


HELLO = b"API\0" + struct.pack(">I", 9) + b"v157..176"
START = struct.pack(">I", 8) + b"71\x002\x001\x00\x00"
REQUESTS = (
    START,
    struct.pack(">I", 5) + b"49\x001\x00",
    struct.pack(">I", 5) + b"17\x001\x00",
    struct.pack(">I", 6) + b"12345\x00",
    struct.pack(">I", 0),
    struct.pack(">I", 3) + b"3\x001",
)


@contextmanager
def running_gateway() -> Iterator[tuple[asyncio.Runner, PaperGateway]]:
    """Keep one gateway for all examples of a property."""
    with asyncio.Runner() as runner:
        wanted = GatewaySettings(limits=NO_LIMITS)
        opened = PaperGateway.open(wanted, clock=ManualClock(OPEN), tap=Listener())
        gateway = runner.run(opened.__aenter__())
        try:
            yield runner, gateway
        finally:
            runner.run(opened.__aexit__(None, None, None))


def test_any_byte_stream_leaves_the_gateway_and_its_other_clients_alone() -> None:
    with running_gateway() as (runner, gateway):

        async def victim() -> RawClient:
            client = RawClient(*await asyncio.open_connection(gateway.host, gateway.port))
            await client.start(77)
            return client

        good = runner.run(victim())

        @given(
            st.lists(st.one_of(st.sampled_from(REQUESTS), st.binary(max_size=40)), max_size=8).map(
                b"".join
            ),
            st.booleans(),
            st.lists(st.integers(1, 30), max_size=6),
            st.integers(0, 60),
        )
        @settings(
            max_examples=60,
            deadline=None,
            suppress_health_check=[HealthCheck.function_scoped_fixture],
        )
        def attack(stream: bytes, greets: bool, cuts: list[int], lost: int) -> None:
            stream = (HELLO + START if greets else b"") + stream
            runner.run(_send(gateway, stream[: len(stream) - lost], cuts))
            runner.run(_answers(good))

        try:
            attack()
            runner.run(until_left(gateway, 1))
            assert gateway.counts().hub.sessions == 1
        finally:
            runner.run(good.close())


async def _send(gateway: PaperGateway, stream: bytes, cuts: list[int]) -> None:
    _, writer = await asyncio.open_connection(gateway.host, gateway.port)
    with suppress(ConnectionError):  # the gateway has heard enough
        for cut in cuts:
            writer.write(stream[:cut])
            stream = stream[cut:]
            await asyncio.sleep(0)
        writer.write(stream)
        await writer.drain()
    writer.transport.abort()


async def _answers(client: RawClient) -> None:
    client.send(49, 1)
    assert (await client.until("49"))[2] == str(OPEN // 1000)


async def test_port_that_is_taken_raises_and_leaves_nothing() -> None:
    async with a_gateway() as first:
        wanted = GatewaySettings(port=first.port)
        with pytest.raises(OSError, match=str(first.port)):
            async with PaperGateway.open(wanted, clock=ManualClock(OPEN)):
                pass
