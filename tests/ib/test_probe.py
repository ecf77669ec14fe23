"""Who listens at a port, asked of sockets that behave in every way that a port can."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from apps.ib.probe import Found, probe
from apps.paper.server import PaperGateway
from apps.paper.settings import GatewaySettings

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

SOON_S = 0.1


@asynccontextmanager
async def a_port(serve: Serve) -> AsyncIterator[int]:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(once, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def says_nothing(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    while await reader.read(1024):
        pass


async def serves_the_web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    writer.write(b"HTTP/1.0 400 Bad Request\r\n\r\n")


async def speaks_first(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")


async def hangs_up(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read(4)


async def greets_in_words(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(64)
    writer.write(b"\0\0\0\5hello")


async def greets_and_rests(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readexactly(8)
    body = b"176\x0020261120 09:30:00 EST\0"
    writer.write(len(body).to_bytes(4, "big") + body)
    await says_nothing(reader, writer)


@pytest.mark.parametrize(
    ("serve", "found", "detail"),
    [
        (says_nothing, Found.SILENT, "no word within 0.1 s"),
        (serves_the_web, Found.FOREIGN, "HTTP"),
        (speaks_first, Found.FOREIGN, "SSH-"),
        (hangs_up, Found.HUNG_UP, ""),
        (greets_in_words, Found.FOREIGN, "hello"),
        (greets_and_rests, Found.GREETED, "no next order id"),
    ],
)
async def test_port_that_takes_no_client_is_told_apart(
    serve: Serve, found: Found, detail: str
) -> None:
    async with a_port(serve) as port:
        seen = await probe("127.0.0.1", port, 77, timeout_s=SOON_S)
    assert seen.found is found
    assert detail in seen.detail
    assert seen.found.is_tws is (found is Found.GREETED)


async def test_port_that_nobody_has_and_host_that_nobody_knows() -> None:
    assert (await probe("127.0.0.1", 1, timeout_s=1)).found is Found.CLOSED
    assert (await probe("no-such-host.invalid", 1, timeout_s=5)).found is Found.UNKNOWN_HOST


async def test_gateway_is_greeted_and_with_an_id_it_says_who_it_is() -> None:
    async with PaperGateway.open(GatewaySettings(accounts=("DU1", "DU2"))) as gateway:
        greeted = await probe("127.0.0.1", gateway.port)
        assert (greeted.found, greeted.server_version) == (Found.GREETED, 176)
        assert greeted.connection_time.startswith("20")
        ready = await probe("127.0.0.1", gateway.port, 77)
        assert (ready.found, ready.accounts) == (Found.READY, ("DU1", "DU2"))


async def test_id_of_another_client_is_told_as_such() -> None:
    async with PaperGateway.open(GatewaySettings()) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        hello, start = b"v157..176", b"71\x002\x0077\x00\x00"
        writer.write(b"API\0" + len(hello).to_bytes(4, "big") + hello)
        await reader.readexactly(4)
        writer.write(len(start).to_bytes(4, "big") + start)
        await reader.readuntil(b"\0DU")
        seen = await probe("127.0.0.1", gateway.port, 77)
        writer.close()
    assert seen.found is Found.ID_IN_USE
    assert "in use" in seen.detail
