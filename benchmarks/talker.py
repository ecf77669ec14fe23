"""A client that says something and waits for the frames that answer it, and no longer."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import cast

from apps.paper.wire import Request, StartApi
from apps.paper.wire.requests.parse import REQUEST_MESSAGES
from apps.paper.wire.writing import writer_of
from benchmarks.figures import BenchmarkFailed

__all__ = ["Talker", "frame_of", "request_body"]

_PREFIX = 4
_VERSION = 176
_PATIENCE_S = 20.0
_BY_SHAPE = {message.record.shape: message for message in REQUEST_MESSAGES.values()}


class Talker(asyncio.Protocol):
    """One conversation, with a gateway or with an echo.

    ``first_byte_at`` is when the first byte came after the latest `say`, by `perf_counter`.
    """

    def __init__(self) -> None:
        self.first_byte_at: float | None = None
        self._rest = b""
        self._transport: asyncio.Transport | None = None
        self._awaited: list[bytes] = []
        self._answered: asyncio.Future[None] | None = None

    @classmethod
    async def connect(cls, port: int) -> Talker:
        """Connect, and say nothing."""
        loop = asyncio.get_running_loop()
        _, talker = await loop.create_connection(cls, "127.0.0.1", port)
        return talker

    async def greet(self, client_id: int) -> None:
        """Greet as a TWS client, and wait until the gateway has named its farms."""
        await self.say(b"API\0" + frame_of(b"v157..176"), [b"176\0"])
        await self.say(frame_of(request_body(StartApi(client_id))), [b"4\0002\000-1\0002158\0"])

    async def say(self, sent: bytes, awaited: list[bytes]) -> None:
        """Send bytes, and wait for one frame with each beginning. Raises BenchmarkFailed."""
        if self._transport is None:
            raise BenchmarkFailed("the client is not connected")
        answered = self._answered = asyncio.get_running_loop().create_future()
        self._awaited = list(awaited)
        self.first_byte_at = None
        self._transport.write(sent)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await answered
        except TimeoutError:
            raise BenchmarkFailed(f"{self._awaited} did not come in {_PATIENCE_S:g} s") from None

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let nobody wait for what will not come."""
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(exc or BenchmarkFailed("the gateway hung up"))

    def data_received(self, data: bytes) -> None:
        """Look at each whole frame's beginning."""
        if self.first_byte_at is None:
            self.first_byte_at = perf_counter()
        unread, at = self._rest + data, 0
        while len(unread) >= at + _PREFIX:
            end = at + _PREFIX + int.from_bytes(unread[at : at + _PREFIX])
            if end > len(unread):
                break
            self._look_at(unread, at + _PREFIX)
            at = end
        self._rest = unread[at:]

    def _look_at(self, unread: bytes, at: int) -> None:
        for beginning in self._awaited:
            if unread.startswith(beginning, at):
                self._awaited.remove(beginning)
                break
        if not self._awaited and self._answered is not None and not self._answered.done():
            self._answered.set_result(None)


def request_body(request: Request) -> bytes:
    """Give the fields of a request as a client of the newest version writes them."""
    message = _BY_SHAPE[type(request)]
    fields = [message.id_text]
    writer_of(message.record, _VERSION)(request, fields)
    return ("\0".join(fields) + "\0").encode()


def frame_of(body: bytes) -> bytes:
    """Give a body with its length before it."""
    return len(body).to_bytes(_PREFIX) + body
