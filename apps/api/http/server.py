"""The server: uvicorn as a task of the loop that runs already, and nothing of uvicorn's beside it.

It touches no signal and no log's settings, owns no loop and no thread, and its end is bounded:
streams first, then what is being done, then the connections.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from apps.api.http.app import DeskApp
from apps.api.http.problems import MEDIA_TYPE, ProblemError
from apps.domain.errors import BadSetting
from apps.engine.supervisor import Supervised, Supervisor

__all__ = ["HttpServer", "bound"]

_LOGGER = logging.getLogger(__name__)

MOST_CONNECTIONS = 256

HEAD_S = 10.0
"""How long the head of a request may take, and a connection may say nothing before its first."""

FLUSH_S = 10.0
"""How long a connection that is being closed may take to read what was written."""

WORK_ENDS_S, CONNECTIONS_END_S, CUT_ENDS_S = 0.2, 0.4, 0.2
"""How long each part of the end may take; the desk's own takes up to four seconds of five."""

_TICK_S = 0.1

_QUITTING = "the desk is quitting, or does not serve any more"


async def bound(host: str, port: int) -> socket.socket:
    """Give a socket that listens at ``host``. Raises BadSetting."""
    try:
        family, address = await _found(host, port)
        # asyncio sends without delay only where the protocol is named; with delay each answer
        # would wait for the caller's acknowledgement of its head, 40 ms of it
        listens = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listens.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listens.bind(address)
            listens.listen(MOST_CONNECTIONS)
        except BaseException:
            listens.close()
            raise
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadSetting(
            f"HTTP_HOST is {host!r} and HTTP_PORT {port}, where nobody can listen: {reason}. "
            "HTTP_PORT may hold another port, and HTTP_HOST an address of this machine."
        ) from error
    listens.setblocking(False)
    return listens


async def _found(host: str, port: int) -> tuple[int, Any]:
    """Give the family and the address of a host; only a name is looked up, which takes a thread."""
    try:
        version = ip_address(host).version
    except ValueError:
        loop = asyncio.get_running_loop()
        family, _, _, _, address = (await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM))[0]
        return family, address
    return socket.AF_INET if version == 4 else socket.AF_INET6, (host, port)


class _Protocol(H11Protocol):
    """One connection: one of a limited number, and never silent for long without a request."""

    def __init__(self, config: uvicorn.Config, *args: Any, **kwargs: Any) -> None:
        super().__init__(config, *args, **kwargs)
        self._waiting: asyncio.TimerHandle | None = None
        self._is_taken_in = False
        # however the log is set up: a path can hold an account
        self.access_log = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection in, unless there are too many."""
        if len(self.connections) >= MOST_CONNECTIONS:
            transport.abort()
            return
        self._is_taken_in = True
        # what a handler may need: an end that does not wait for who does not read
        self.app_state = {**self.app_state, "abort": transport.abort}
        super().connection_made(transport)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Take bytes; the head of a request has to be whole in time."""
        if not self._is_taken_in:
            return
        super().data_received(data)
        has_begun = self.conn.their_state is h11.IDLE and bool(self.conn.trailing_data[0])
        if not has_begun:
            self._has_head()
        elif self._waiting is None:
            self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        self._has_head()
        if self._is_taken_in:
            super().connection_lost(exc)

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that rests; one that does not read what was written is cut."""
        super().timeout_keep_alive_handler()
        self._waiting = self.loop.call_later(FLUSH_S, self.transport.abort)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's signature
        """Answer what is not HTTP."""
        problem = ProblemError.not_json("This is not HTTP.").problem
        headers = [("content-type", MEDIA_TYPE), ("connection", "close")]
        try:
            head = h11.Response(status_code=problem.status, headers=headers)
            for event in (head, h11.Data(data=problem.body()), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        except h11.LocalProtocolError:
            pass  # an answer is under way: nothing can be said in the midst of it
        self.transport.close()

    def _wait_for_head(self) -> None:
        self._waiting = self.loop.call_later(HEAD_S, self.transport.abort)

    def _has_head(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


class _Uvicorn(uvicorn.Server):
    """uvicorn without the signals, which are the desk's; ``began`` is set once it serves."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.began = asyncio.Event()
        self._is_leaving = asyncio.Event()

    def leave(self) -> None:
        """Take no new connection, and end once those there are have their answers."""
        self.should_exit = True
        self._is_leaving.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        await super().startup(sockets)
        self.began.set()

    async def main_loop(self) -> None:
        """Serve until it is to leave, and then at once; each tick keeps the date of answers."""
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 1
            with suppress(TimeoutError):
                async with asyncio.timeout(_TICK_S):
                    await self._is_leaving.wait()


class HttpServer:
    """Serves one application until it is closed. ``ended`` is called if it ends by itself."""

    def __init__(
        self, app: DeskApp, supervisor: Supervisor, ended: Callable[[Supervised], None]
    ) -> None:
        self._app = app
        self._supervisor = supervisor
        self._ended = ended
        self._server = _Uvicorn(
            uvicorn.Config(
                app,
                loop="none",
                http=_Protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=1,
            )
        )
        self._task: Supervised | None = None

    @property
    def listeners(self) -> int:
        """How many listen to events."""
        return len(self._app.hub)

    async def begin(self, listens: socket.socket) -> None:
        """Serve on a socket that listens; it serves when this returns."""
        self._task = self._supervisor.start(
            "http server", lambda: self._server.serve(sockets=[listens]), self._ended
        )
        began = asyncio.ensure_future(self._server.began.wait())
        over = asyncio.ensure_future(self._task.over())
        await asyncio.wait({began, over}, return_when=asyncio.FIRST_COMPLETED)
        began.cancel()
        over.cancel()

    async def aclose(self) -> None:
        """End it within a second, whatever callers do."""
        self._app.hub.close(_QUITTING)
        await self._app.works.aclose(WORK_ENDS_S)
        self._server.leave()
        if self._task is None or await _ended_within(self._task, CONNECTIONS_END_S):
            return
        self._server.force_exit = True
        for each in tuple(self._server.server_state.connections):
            each.transport.abort()
        if not await _ended_within(self._task, CUT_ENDS_S):
            _LOGGER.warning("the HTTP server did not end in time, and was cut off")
            self._task.stop()


async def _ended_within(task: Supervised, seconds: float) -> bool:
    over = asyncio.ensure_future(task.over())
    done, _ = await asyncio.wait({over}, timeout=seconds)
    over.cancel()
    return bool(done)
