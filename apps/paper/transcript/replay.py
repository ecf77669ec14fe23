"""A transcript as a server: what a gateway said is said again to the client that makes it.

The sockets are here, one after the other for each recorded connection; what to answer is decided
in `playback`. A connection is that of the transcript whose client id is named, the first that no
one has taken yet. There is no market, no clock and no order: only what was recorded.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import cast
from zoneinfo import ZoneInfo

from apps.domain.errors import InvalidInput
from apps.paper.port import ListeningPort
from apps.paper.transcript.playback import (
    Difference,
    Playback,
    Recorded,
    recorded_connections,
)
from apps.paper.transcript.policies import OnDifference
from apps.paper.transcript.reading import Transcript
from apps.paper.wall import Alarm, LoopWall, Wall
from apps.paper.wire import (
    ClientHello,
    Connection,
    ErrorMessage,
    Farewell,
    ProtocolError,
    Request,
    StartApi,
    VersionRefused,
    encode_frame,
)

__all__ = ["ReplayGateway"]

_LOGGER = logging.getLogger(__name__)

_GREETING_S = 10.0
_CLOSING_S = 2.0
_NOT_AS_RECORDED = 321
"""IB's code for a request that does not pass its checks."""

_ZONE = ZoneInfo("US/Eastern")


class ReplayGateway:
    """Serves one transcript. ``findings`` says, a sentence each, what was not as recorded."""

    def __init__(
        self,
        transcript: Transcript,
        *,
        host: str,
        port: int,
        pace: float | None,
        on_difference: OnDifference,
        wall: Wall,
    ) -> None:
        self.findings: list[str] = []
        self.wall = wall
        self.pace = pace
        self.on_difference = on_difference
        self._transcript = transcript
        self._left = recorded_connections(transcript)
        self._sockets: dict[_ReplaySocket, None] = {}
        self._port = ListeningPort(host, port, lambda: _ReplaySocket(self))

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        transcript: Transcript,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        pace: float | None = None,
        on_difference: OnDifference = OnDifference.ERROR,
        wall: Wall | None = None,
    ) -> AsyncIterator[ReplayGateway]:
        """Serve until the block ends. Port 0 takes a free one; read it from the gateway.

        ``pace`` None answers as fast as the client asks; 1 keeps the recorded times, 2 halves them.
        Raises InvalidInput for a transcript without a client, OSError for an address that cannot
        be had.
        """
        gateway = cls(
            transcript,
            host=host,
            port=port,
            pace=pace,
            on_difference=on_difference,
            wall=wall or LoopWall(),
        )
        if not gateway._left:
            raise InvalidInput(f"{transcript.path} cannot be replayed: no client is in it.")
        await gateway._port.open()
        try:
            yield gateway
        finally:
            await gateway._close()

    @property
    def host(self) -> str:
        """The address it listens on."""
        return self._port.host

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port.port

    @property
    def connections_left(self) -> int:
        """How many recorded connections no client has made yet."""
        return len(self._left)

    def note(self, sentence: str) -> None:
        """Take note of what was not as recorded."""
        self.findings.append(sentence)
        _LOGGER.warning("replay of %s: %s", self._transcript.path, sentence)

    def joined(self, socket: _ReplaySocket) -> None:
        """Take note of a new connection."""
        self._sockets[socket] = None

    def left(self, socket: _ReplaySocket) -> None:
        """Forget a connection."""
        self._sockets.pop(socket, None)

    def likely(self) -> Recorded | None:
        """Give the recorded connection that one which has just been made probably is."""
        return self._left[0] if self._left else None

    def claim(self, client_id: int, version: int) -> Recorded | None:
        """Take the first recorded connection of a client that no one has taken yet."""
        for recorded in self._left:
            if recorded.client == client_id and recorded.version == version:
                self._left.remove(recorded)
                return recorded
        return None

    async def _close(self) -> None:
        closed = asyncio.create_task(self._port.close())
        for socket in tuple(self._sockets):
            socket.close()
        try:
            async with asyncio.timeout(_CLOSING_S):
                for socket in tuple(self._sockets):
                    await socket.closed.wait()
        except TimeoutError:
            for socket in tuple(self._sockets):
                socket.abort()
        await closed


class _ReplaySocket(asyncio.Protocol):
    """One client's connection."""

    _transport: asyncio.Transport

    def __init__(self, gateway: ReplayGateway) -> None:
        self.closed = asyncio.Event()
        self._gateway = gateway
        self._wire = Connection()
        self._playback: Playback | None = None
        self._alarm: Alarm | None = None
        self._was_ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._gateway.joined(self)
        self._alarm = self._gateway.wall.call_later(_GREETING_S, self.close)

    def data_received(self, data: bytes) -> None:
        try:
            self._wire.receive(data)
            for event in self._wire.events():
                self._react(event)
        except ProtocolError as error:
            self._gateway.note(f"a client breaks the protocol: {error}")
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._rest()
        playback = self._playback
        if playback is not None and not self._was_ended and (missing := playback.missing):
            first = missing[0]
            self._gateway.note(
                f"client {playback.recorded.client} left before {len(missing)} recorded "
                f"requests, of which the first is {first.message} in line {first.line}"
            )
        self._gateway.left(self)
        self.closed.set()

    def close(self) -> None:
        """Say what was said, then close."""
        self._transport.close()

    def abort(self) -> None:
        """Cut the connection."""
        self._transport.abort()

    def _react(self, event: ClientHello | Farewell | Request) -> None:
        match event:
            case ClientHello():
                self._greet()
            case Farewell(reply=reply):
                self._transport.write(reply)
                self.close()
            case StartApi():
                self._start(event)
            case _:
                self._answer(event)

    def _greet(self) -> None:
        likely = self._gateway.likely()
        connected_at = "" if likely is None else _as_ib_says(likely.greeted_at)
        try:
            self._transport.write(self._wire.accept(connected_at))
        except VersionRefused as refusal:
            self._transport.write(self._wire.refuse(refusal, connected_at))

    def _start(self, request: StartApi) -> None:
        recorded = self._gateway.claim(request.client_id, self._wire.version)
        if recorded is None:
            self._gateway.note(
                f"no connection of client {request.client_id} with version {self._wire.version} "
                "is recorded that was not made already"
            )
            self.close()
            return
        self._playback = Playback(
            recorded, pace=self._gateway.pace, on_difference=self._gateway.on_difference
        )
        self._answer(request)

    def _answer(self, request: Request) -> None:
        playback = self._playback
        if playback is None or self._transport.is_closing():
            return
        difference = playback.take(request, self._gateway.wall.now_s())
        if difference is not None:
            self._tell(request, difference)
        self._go_on()

    def _tell(self, request: Request, difference: Difference) -> None:
        self._gateway.note(str(difference))
        match self._gateway.on_difference:
            case OnDifference.END:
                self._was_ended = True
                self.close()
            case OnDifference.ERROR:
                text = f"Error validating request: this is a replay, and {difference}"
                error = ErrorMessage(_id_of(request), _NOT_AS_RECORDED, text)
                self._transport.write(self._wire.send(error))
            case OnDifference.GO_ON:
                pass

    def _go_on(self) -> None:
        """Send what is due, and come back for what is due later."""
        self._rest()
        playback = self._playback
        if playback is None or self._transport.is_closing():
            return
        now_s = self._gateway.wall.now_s()
        self._transport.write(b"".join(encode_frame(each) for each in playback.due(now_s)))
        due_s = playback.next_due_s()
        if due_s is not None:
            self._alarm = self._gateway.wall.call_later(due_s - now_s, self._go_on)
        elif playback.is_over and playback.recorded.closed_by_gateway:
            self.close()

    def _rest(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None


def _id_of(request: Request) -> int:
    """Give the id by which an error reaches whoever waits for an answer."""
    ids = (getattr(request, name, None) for name in ("req_id", "order_id", "request_id"))
    return next((number for number in ids if number is not None), -1)


def _as_ib_says(market: str) -> str:
    at = datetime.fromisoformat(market).astimezone(_ZONE)
    return f"{at:%Y%m%d %H:%M:%S} US/Eastern"
