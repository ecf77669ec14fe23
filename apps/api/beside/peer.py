"""One caller at the desk's socket, from its connecting to its hanging up.

Bytes in and out, and the bounds within which a caller may be as it likes: it has to ask soon, to
read what it is told, and to speak in turn; else it is cut off, and its command with it.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from apps.api.beside.address import peer_of
from apps.api.beside.desk_side import DeskSide
from apps.api.beside.messages import (
    VERSION,
    Answer,
    Asked,
    Done,
    Garbled,
    Greeting,
    Message,
    Question,
    Refusal,
    Shown,
    encoded,
)
from apps.api.outcomes import ExitCode
from apps.domain.errors import DeskError, NotConnected

if TYPE_CHECKING:
    from apps.engine.supervisor import Supervised

__all__ = ["Desk", "Peer"]

ASKED_WITHIN_S = 5.0
READ_WITHIN_S = 10.0
"""How long what is left to be read is kept for a caller, once it was told everything."""

MOST_UNREAD_BYTES = 8_000_000
"""More than any command comes to; a caller that does not read is cut off there."""


class Desk(Protocol):
    """What a peer wants of the desk."""

    process: int

    def joined(self, peer: Peer) -> str:
        """Take a caller in; give why not, or nothing."""

    def asked(self, peer: Peer, asked: Asked) -> Supervised:
        """Begin a command in a task of its own."""

    def left(self, peer: Peer) -> None:
        """Forget a caller."""


class Peer(asyncio.Protocol):
    """One caller. ``caller_process`` is None where the system cannot tell."""

    def __init__(self, desk: Desk) -> None:
        self.caller_process: int | None = None
        self._desk = desk
        self._side = DeskSide()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._work: Supervised | None = None
        self._answer: asyncio.Future[Answer] | None = None

    # ------------------------------------------------------------------- what asyncio tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet, or turn away."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what a stream socket has
        self._transport = transport
        connection: socket.socket = transport.get_extra_info("socket")
        refusal = self._desk.joined(self)
        try:
            self.caller_process = peer_of(connection)
        except (DeskError, OSError):
            transport.abort()
            return
        self.send(Greeting(VERSION, self._desk.process))
        if refusal:
            self.refuse(refusal)
        else:
            self._within(ASKED_WITHIN_S, lambda: self.refuse("Nothing was asked."))

    def data_received(self, data: bytes) -> None:
        """Take what the caller says."""
        if self._transport is None or self._transport.is_closing():
            return
        try:
            for said in self._side.feed(data):
                self._take(said)
        except Garbled as error:
            self.refuse(f"The desk did not understand: {error}. Nothing more was done.")

    def connection_lost(self, _error: Exception | None) -> None:
        """End what the caller began: it has left."""
        self._stop_timer()
        self._transport = None
        self._stop_work()
        self._desk.left(self)

    # ------------------------------------------------------------------- what the desk does

    def send(self, message: Message) -> None:
        """Send, unless the caller has left; one that does not read is cut off."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        transport.write(encoded(message))
        if transport.get_write_buffer_size() > MOST_UNREAD_BYTES:
            transport.abort()

    def show(self, text: str, to_stderr: bool) -> None:
        """Have the caller write ``text``."""
        self.send(Shown(text, to_stderr))

    async def ask(self, prompt: str) -> Answer:
        """Ask the caller. Raises NotConnected when it leaves."""
        if self._transport is None:
            raise NotConnected("The one who is to be asked has left.")
        self._side.ask()
        self._answer = asyncio.get_running_loop().create_future()
        self.send(Question(prompt))
        try:
            return await self._answer
        finally:
            self._answer = None

    def done(self, code: ExitCode) -> None:
        """Say how the command ended, and hang up."""
        self.send(Done(code))
        self._hang_up()

    def refuse(self, reason: str) -> None:
        """Say why nothing is done, and hang up."""
        self.send(Refusal(reason))
        self._hang_up()

    def cut(self) -> None:
        """Hang up at once."""
        if self._transport is not None:
            self._transport.abort()

    def _take(self, said: Asked | Answer) -> None:
        if isinstance(said, Asked):
            self._stop_timer()
            self._work = self._desk.asked(self, said)
        elif self._answer is not None and not self._answer.done():
            self._answer.set_result(said)

    def _hang_up(self) -> None:
        """Close the socket once the caller has read everything, or does not."""
        self._stop_work()
        if self._transport is not None:
            self._transport.close()
            self._within(READ_WITHIN_S, self.cut)

    def _stop_work(self) -> None:
        """Cancel what the caller began, once: a second time would cut its cleaning up short."""
        work, self._work = self._work, None
        if work is not None:
            work.stop()

    def _within(self, seconds: float, otherwise: Callable[[], None]) -> None:
        self._stop_timer()
        if self._transport is not None:
            self._timer = asyncio.get_running_loop().call_later(seconds, otherwise)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
