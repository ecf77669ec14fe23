"""A TWS client that speaks bytes, for tests of the gateway over a socket."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from apps.paper.server import PaperGateway

OPEN = int(datetime(2026, 11, 19, 14, 30, tzinfo=UTC).timestamp()) * 1000
"""The open of a regular session."""

DEADLINE_S = 30
"""A machine that does much else may take its time; a gateway that is silent, all of it."""


class RawClient:
    """A TWS client that reads and writes fields, and keeps every byte that it got."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.received = b""

    async def hello(self, versions: str = "v157..176") -> list[str]:
        body = versions.encode()
        self._writer.write(b"API\0" + struct.pack(">I", len(body)) + body)
        return await self.frame()

    async def start(self, client_id: int = 1, versions: str = "v157..176") -> None:
        await self.hello(versions)
        self.send(71, 2, client_id, "")
        await self.until("4")
        await self.frame()
        await self.frame()

    def send(self, *fields: object) -> None:
        self.send_bodies(["".join(f"{field}\0" for field in fields).encode()])

    def send_bodies(self, bodies: Iterable[bytes]) -> None:
        """Send whole frames in one write."""
        self._writer.write(b"".join(struct.pack(">I", len(body)) + body for body in bodies))

    async def frame(self) -> list[str]:
        async with asyncio.timeout(DEADLINE_S):
            head = await self._reader.readexactly(4)
            body = await self._reader.readexactly(struct.unpack(">I", head)[0])
        self.received += head + body
        return body.decode().split("\0")[:-1]

    async def until(self, msg_id: str, accept: Callable[[list[str]], bool] = bool) -> list[str]:
        while True:
            fields = await self.frame()
            if fields[0] == msg_id and accept(fields):
                return fields

    async def at_end(self) -> bool:
        async with asyncio.timeout(DEADLINE_S):
            self.received += await self._reader.read()
        return self._reader.at_eof()

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


@asynccontextmanager
async def raw_client(gateway: PaperGateway) -> AsyncIterator[RawClient]:
    client = RawClient(*await asyncio.open_connection(gateway.host, gateway.port))
    try:
        yield client
    finally:
        await client.close()
