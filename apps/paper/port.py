"""The port that a gateway listens on: opened, shut for a time, moved, closed.

While it is shut it is still held, so that nobody else can take it, and connections are refused.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

__all__ = ["ListeningPort"]

_BACKLOG = 100


class ListeningPort:
    """A port whose connections get a protocol each. ``host`` and ``port`` are those it has."""

    def __init__(self, host: str, port: int, protocol: Callable[[], asyncio.Protocol]) -> None:
        self.host = host
        self.port = port
        self._protocol = protocol
        self._family = socket.AF_INET
        self._server: asyncio.Server | None = None
        self._listening: socket.socket | None = None
        self._held: socket.socket | None = None
        self._opening: asyncio.Task[None] | None = None
        self._shut = 0

    async def open(self) -> None:
        """Begin to listen; port 0 becomes a free one. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, self.host, self.port)
        listening = self._server.sockets[0]
        self.host, self.port = listening.getsockname()[:2]
        self._family = listening.family

    def shut(self) -> None:
        """Refuse connections, until `open_again` was called as often as this."""
        self._shut += 1
        if self._shut == 1:
            self._stop()
            self._held = self._bound(self.port)

    def open_again(self) -> None:
        """Listen again; whoever connects from now on is taken."""
        self._shut -= 1
        if self._shut == 0 and self._held is not None:
            held, self._held = self._held, None
            self._start(held)

    def move(self, port: int) -> int:
        """Listen on another port, 0 for a free one; give it. Raises OSError."""
        elsewhere = self._bound(port)
        self.port = elsewhere.getsockname()[1]
        if self._shut:
            self._let_go_of_held()
            self._held = elsewhere
        else:
            self._stop()
            self._start(elsewhere)
        return self.port

    async def close(self) -> None:
        """Listen no more; wait until all that came is gone."""
        self._let_go_of_held()
        server = self._server
        self._stop()
        if self._opening is not None:
            await asyncio.wait([self._opening])
        if server is not None:
            await server.wait_closed()

    def _bound(self, port: int) -> socket.socket:
        bound = socket.socket(self._family, socket.SOCK_STREAM)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((self.host, port))
            bound.setblocking(False)
        except OSError:
            bound.close()
            raise
        return bound

    def _start(self, bound: socket.socket) -> None:
        bound.listen(_BACKLOG)  # from here on nobody is refused, whenever the loop comes to it
        self._listening = bound
        self._opening = asyncio.get_running_loop().create_task(self._serve(bound))

    async def _serve(self, bound: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, sock=bound)

    def _stop(self) -> None:
        if self._opening is not None and not self._opening.done():
            self._opening.cancel()
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._listening is not None:
            self._listening.close()  # whether or not the loop had come to it
            self._listening = None

    def _let_go_of_held(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None
