"""A client that asks for bars and counts what comes, without reading any of it."""

from __future__ import annotations

import asyncio
from typing import cast

from apps.paper.instruments.catalogue import Listing

__all__ = ["RawClient"]

_PREFIX = 4


class RawClient(asyncio.Protocol):
    """Counts frames (each with its length before it) and their bytes."""

    def __init__(self) -> None:
        self.frames = 0
        self.size = 0
        self._rest = b""
        self._transport: asyncio.Transport | None = None
        self._greeted = asyncio.Event()

    @classmethod
    async def connect(cls, port: int) -> RawClient:
        """Connect, and say nothing."""
        loop = asyncio.get_running_loop()
        _, client = await loop.create_connection(cls, "127.0.0.1", port)
        return client

    async def subscribe(
        self, client_id: int, listings: tuple[Listing, ...], *, quotes: bool = False
    ) -> None:
        """Greet as a TWS client, and ask for the real-time bars of ``listings``.

        With ``quotes`` their quotes are asked for too.
        """
        self._write(b"API\0" + _frame(b"v157..176"))
        await self._greeted.wait()
        asked = [_message(71, 2, client_id, "")]
        asked += [
            # conId alone names the contract; the five fields after it describe what is asked for
            _message(50, 3, number, each.con_id, *_NOT_SAID, 5, "TRADES", 1, "")
            for number, each in enumerate(listings, 1)
        ]
        if quotes:
            asked += [
                _message(1, 11, number, each.con_id, *_NOT_SAID, 0, "", 0, 0, "")
                for number, each in enumerate(listings, 1 + len(listings))
            ]
        self._write(b"".join(asked))

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Count the frames that are whole."""
        unread, at = self._rest + data, 0
        while len(unread) >= at + _PREFIX:
            end = at + _PREFIX + int.from_bytes(unread[at : at + _PREFIX])
            if end > len(unread):
                break
            self.frames += 1
            at = end
        self.size += at
        self._rest = unread[at:]
        self._greeted.set()

    def _write(self, sent: bytes) -> None:
        if self._transport is not None:
            self._transport.write(sent)


_NOT_SAID = ("", "STK", "", "0.0", "", "", "SMART", "", "", "", "")
"""The rest of a contract: symbol, kind, expiry, strike, right, multiplier, exchange, primary
exchange, currency, local symbol, trading class."""


def _message(*fields: object) -> bytes:
    return _frame("".join(f"{field}\0" for field in fields).encode())


def _frame(body: bytes) -> bytes:
    return len(body).to_bytes(_PREFIX) + body
