"""The socket of a desk that runs: single commands come in here, each in a task of its own.

Everything of it is bounded and ends with the session: callers at once, what each may leave unread,
how long one may say nothing. Whatever a caller does, the desk goes on.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from apps.api.beside.address import CAN_LISTEN, bound
from apps.api.beside.commanded import done_for
from apps.api.beside.far_console import far_console
from apps.api.beside.messages import Asked, Begun
from apps.api.beside.peer import Peer
from apps.api.clock import SystemClock
from apps.api.menu import own_error
from apps.api.outcomes import ExitCode
from apps.api.session import Session
from apps.api.state import announce
from apps.domain.errors import DeskError
from apps.engine.supervisor import Supervised, Supervisor, TaskEnd

__all__ = ["MOST_CALLERS", "Listener", "listening"]

MOST_CALLERS = 16

_LEAVING_S = 0.5

_QUITTING = (
    "The desk that runs is quitting. What was sent stays; look at `orders` at its next start."
)


@asynccontextmanager
async def listening(session: Session, folder: Path) -> AsyncIterator[None]:
    """Take commands from beside while the block runs; ``folder`` is held.

    Where there can be no socket the desk goes on without, and says so.
    """
    async with AsyncExitStack() as stack:
        if CAN_LISTEN:
            try:
                listens, path = stack.enter_context(bound(folder))
                await stack.enter_async_context(Listener(session).serving(listens))
                announce(folder, socket=path, endpoint=session.settings.endpoint)
            except DeskError as error:
                session.console.say(f"{error.message} Commands beside this desk are refused.")
        yield


class Listener:
    """Who is at the socket, and what is done for them: a `Desk` of `Peer`'s."""

    def __init__(self, session: Session) -> None:
        self.process = os.getpid()
        self._session = session
        self._supervisor = Supervisor(SystemClock())
        self._peers: set[Peer] = set()
        self._empty = asyncio.Event()
        self._closing = False

    @asynccontextmanager
    async def serving(self, listens: socket.socket) -> AsyncIterator[Listener]:
        """Serve on a socket that listens; at the end every command is ended, and everybody told."""
        loop = asyncio.get_running_loop()
        server = await loop.create_unix_server(lambda: Peer(self), sock=listens)
        try:
            yield self
        finally:
            self._closing = True
            server.close()
            await self._send_away()

    def joined(self, peer: Peer) -> str:
        """Take a caller in; give why not, or nothing."""
        self._peers.add(peer)
        if self._closing:
            return _QUITTING
        if len(self._peers) > MOST_CALLERS:
            return f"{MOST_CALLERS} commands are under way in the desk that runs. Try again."
        return ""

    def asked(self, peer: Peer, asked: Asked) -> Supervised:
        """Begin a command in a task of its own."""
        console = far_console(asked.screen, peer.show, peer.ask, in_json="--json" in asked.words)

        async def work() -> None:
            peer.send(Begun())
            codes.append(await done_for(asked, peer.caller_process, self._session, console))

        def ended(task: Supervised) -> None:
            if task.end is TaskEnd.STOPPED:
                # by the caller, who has left, or by the end of the desk
                peer.refuse(_QUITTING)
                return
            if task.end is TaskEnd.FAILED and isinstance(task.error, Exception):
                console.show_error(own_error(list(asked.words), task.error))
            peer.done(codes[0] if codes else ExitCode.ERROR)

        codes: list[ExitCode] = []
        return self._supervisor.start(f"beside: {' '.join(asked.words)}", work, ended)

    def left(self, peer: Peer) -> None:
        """Forget a caller."""
        self._peers.discard(peer)
        if not self._peers:
            self._empty.set()

    async def _send_away(self) -> None:
        await self._supervisor.aclose(_LEAVING_S)
        for peer in tuple(self._peers):
            peer.refuse(_QUITTING)
        for cut in (False, True):
            for peer in tuple(self._peers) if cut else ():
                peer.cut()
            if self._peers:
                self._empty.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._empty.wait(), _LEAVING_S)
