"""A TWS of a few lines: the handshake, answers as scripted, and a record of what came in."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Self

Fields = list[str]
Answer = Callable[["Peer", Fields], None]


def frame(*fields: object) -> bytes:
    body = "".join(f"{field}\0" for field in fields).encode()
    return struct.pack(">I", len(body)) + body


class Peer:
    """One client that is connected."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def send(self, *fields: object) -> None:
        self.send_bytes(frame(*fields))

    def send_bytes(self, sent: bytes) -> None:
        self._writer.write(sent)

    def error(self, req_id: int | str, code: int, text: str) -> None:
        self.send(4, 2, req_id, code, text, "")

    def hang_up(self) -> None:
        self._writer.close()


def _version(message: Fields) -> bool:
    return not message[0].isdigit()


class TwsStub:
    """Listens on 127.0.0.1; ``answers`` maps a message id to what is done about it."""

    def __init__(self, *, accounts: str = "DU1", next_id: int = 100) -> None:
        self.accounts = accounts
        self.next_id = next_id
        self.messages: list[Fields] = []
        self.peers: list[Peer] = []
        self.speaks = True
        self.answers: dict[int, Answer] = {
            71: self._start,
            16: lambda peer, _: peer.send(53, 1),
            99: lambda peer, _: peer.send(102),
            7: lambda peer, message: peer.send(55, 1, message[2]),
            6: lambda peer, message: peer.send(54, 1, message[3]),
            49: lambda peer, _: peer.send(49, 1, 1_800_000_000),
            61: lambda peer, _: peer.send(62, 1),
        }
        self._changed = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def peer(self) -> Peer:
        return self.peers[-1]

    def sent(self, message_id: int) -> list[Fields]:
        return [message for message in self.messages if message[0] == str(message_id)]

    async def got(self, message_id: int, count: int = 1) -> list[Fields]:
        """Wait until ``count`` messages of an id have come, over all connections."""
        async with asyncio.timeout(5), self._changed:
            await self._changed.wait_for(lambda: len(self.sent(message_id)) >= count)
        return self.sent(message_id)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()
        async with asyncio.timeout(5), self._changed:
            await self._changed.wait_for(lambda: not self._writers)

    def _start(self, peer: Peer, _: Fields) -> None:
        peer.send(15, 1, self.accounts)
        peer.send(9, 1, self.next_id)
        peer.error(-1, 2104, "Market data farm connection is OK:usfarm")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            await self._talk(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            self._writers.discard(writer)
            async with self._changed:
                self._changed.notify_all()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(writer)
        assert await reader.readexactly(4) == b"API\0"
        while True:
            (length,) = struct.unpack(">I", await reader.readexactly(4))
            message = (await reader.readexactly(length)).decode().removesuffix("\0").split("\0")
            async with self._changed:
                self.messages.append(message)
                if self.speaks:
                    self._answer(peer, message)
                self._changed.notify_all()

    def _answer(self, peer: Peer, message: Fields) -> None:
        if _version(message):
            self.peers.append(peer)
            peer.send(176, "20261120 09:30:00 EST")
            return
        answer = self.answers.get(int(message[0]))
        if answer is not None:
            answer(peer, message)
