"""One client's socket: bytes to requests, responses to bytes. Decides nothing.

    transport ↔ link (bytes) ↔ codec ↔ gate (messages) ↔ session

A protocol, not streams: a request is answered in the same call that read it. What goes wrong on
purpose on the way happens in the link and the gate (`apps.paper.faults`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Protocol, cast
from zoneinfo import ZoneInfo

from apps.paper.faults.conditions import Act
from apps.paper.faults.gate import Ending, Gate
from apps.paper.faults.injector import FaultInjector
from apps.paper.faults.link import Link
from apps.paper.faults.network import How
from apps.paper.hub import ClientIdTaken, Hub, TooManyClients
from apps.paper.limits import Limits, RateBreach
from apps.paper.message_rate import MessageRate
from apps.paper.session.session import Session
from apps.paper.tap import NullTap, Tap
from apps.paper.wall import Alarm, Wall
from apps.paper.wire import (
    ClientHello,
    Connection,
    Farewell,
    LocalProtocolError,
    Phase,
    ProtocolError,
    Request,
    Response,
    StartApi,
    VersionRefused,
    response_fields,
)
from apps.paper.wire import ErrorMessage as Error

__all__ = ["ClientSocket", "Host"]

_LOGGER = logging.getLogger(__name__)

_GREETING_S = 10.0
"""How long a client may take to name itself."""

_PACED = "too many messages a second"
_WANTS_PACING = "+PACEAPI"
"""With this connect option a client asks to be paced rather than refused."""

_TOO_MANY_MESSAGES, _ID_IN_USE, _NO_PLACE = 100, 326, 507

_ZONE = ZoneInfo("US/Eastern")


class Host(Protocol):
    """The gateway, as one of its sockets sees it."""

    hub: Hub
    wall: Wall
    tap: Tap
    faults: FaultInjector

    def joined(self, socket: ClientSocket) -> int:
        """Take note of a new connection; give its number."""

    def left(self, socket: ClientSocket) -> None:
        """Forget a connection that ended."""

    def settle(self) -> None:
        """Bring the hub to the clock's present."""

    def commit(self) -> bool:
        """Have all that happened outlive this process; False when it cannot, and all is over."""

    def flush(self) -> None:
        """Send what waits for any client."""


class ClientSocket(asyncio.Protocol):
    """A client from its connection to its end. ``number`` counts connections from 1."""

    link: Link
    gate: Gate

    def __init__(self, gateway: Host) -> None:
        self.closed = asyncio.Event()
        self.session: Session | None = None
        self.number = 0
        self._gateway = gateway
        self._wire = Connection()
        self._rate = MessageRate(self._limits.messages_per_second)
        self._paces = self._limits.rate_breach is RateBreach.PACE
        self._greeting: Alarm | None = None
        self._rest: Alarm | None = None
        self._is_flushing = False
        self._peer: object = None

    @property
    def _limits(self) -> Limits:
        return self._gateway.hub.limits

    # -- what the transport tells ----------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the client to name itself, but not for ever."""
        gateway = self._gateway
        gateway.settle()
        self._peer = transport.get_extra_info("peername")
        self.link = Link(cast("asyncio.Transport", transport), gateway.wall, self._read)
        self.number = gateway.joined(self)
        self.gate = Gate(self, gateway.faults, self.number)
        gateway.tap.opened(self.number)
        if gateway.faults.forbids(self.gate, Act.LET_IN):
            self.link.reset()
            return
        gateway.faults.connected(self.gate)
        self._greeting = gateway.wall.call_later(_GREETING_S, self._greeting_overdue)

    def data_received(self, data: bytes) -> None:
        """Answer what came."""
        self.link.received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the session go; its orders stay."""
        if exc is not None:
            _LOGGER.info("%s was lost: %s", self._name(), exc)
        for alarm in (self._greeting, self._rest):
            if alarm is not None:
                alarm.cancel()
        gateway, session = self._gateway, self.session
        hung_up = self.link.was_ended_here
        self.link.ended()
        if session is not None and not gateway.faults.forbids(self.gate, Act.LET_GO):
            gateway.hub.close_session(session)
        gateway.faults.left(self.gate)
        if hung_up:
            gateway.tap.hung_up(self.number, self.gate.client_id)
        gateway.tap.closed(self.number, self.gate.client_id)
        self.session = None
        gateway.left(self)
        self.closed.set()

    # -- what the gateway asks -------------------------------------------------------------------

    @property
    def has_news(self) -> bool:
        """Something waits in the session's outbox that a flush would send."""
        return self.session is not None and bool(self.session.outbox) and not self._is_flushing

    def flush(self) -> None:
        """Send what waits in the session's outbox, as one write."""
        session = self.session
        if session is None or not session.outbox or self._is_flushing:
            return
        self._is_flushing = True
        try:
            while session.outbox:
                responses = tuple(session.outbox)
                session.outbox.clear()
                if not self.link.is_closing:
                    self.gate.send(responses)
        finally:
            self._is_flushing = False

    def catch_up(self) -> None:
        """Send what waits now, out of turn: nothing is told that would not outlive a kill."""
        if self._gateway.commit():
            self.flush()

    def close(self) -> None:
        """Send what is left, then close."""
        self.link.close()

    def abort(self) -> None:
        """Cut the connection."""
        self.link.abort()

    # -- what the gate asks ----------------------------------------------------------------------

    def handle(self, request: Request) -> None:
        """Have a request answered."""
        if isinstance(request, StartApi):
            self._start(request)
        elif self.session is not None:
            self._gateway.settle()
            self.session.handle(request)

    def write(self, responses: Iterable[Response]) -> None:
        """Encode and send, past the gate."""
        responses = tuple(responses)
        if not responses or self.link.is_closing:
            return
        try:
            self.link.write(self._wire.send(*responses))
        except LocalProtocolError:
            _LOGGER.exception("%s cannot be told something; cut off", self._name())
            self.link.abort()
            return
        self._tap_sent(responses)
        if self.link.unread_bytes > self._limits.unread_bytes:
            _LOGGER.warning("%s does not read; cut off", self._name())
            self.link.abort()

    def end(self, ending: Ending) -> None:
        """End the connection in one of the ways in which connections end."""
        match ending.how:
            case How.CLEAN:
                self.link.close()
            case How.RESET:
                self.link.reset()
            case How.MID_FRAME:
                self.link.cut_after(ending.at_byte)

    # -- from bytes to requests ------------------------------------------------------------------

    def _read(self, chunk: bytes) -> None:
        self._gateway.settle()  # so that what came is written down at the time at which it came
        try:
            self._wire.receive(chunk)
            while self._may_read_on() and (event := next(self._wire.events(), None)):
                self._react(event)
        except ProtocolError as error:
            _LOGGER.warning("%s breaks the protocol: %s", self._name(), error)
            self.link.close()
        self._gateway.flush()

    def _may_read_on(self) -> bool:
        """Tell whether the next request may be taken; if it must wait, come back for it."""
        if self.link.is_closing:
            return False
        if self.session is None or not self._paces:
            return True
        wait_s = self._rate.wait_s(self._gateway.wall.now_s())
        if wait_s > 0 and self._rest is None:
            self.link.pause(_PACED)
            self._rest = self._gateway.wall.call_later(wait_s, self._read_on)
        return wait_s <= 0

    def _read_on(self) -> None:
        self._rest = None
        self.link.resume(_PACED)
        self._read(b"")

    def _react(self, event: ClientHello | Farewell | Request) -> None:
        match event:
            case ClientHello():
                self._greet(event)
            case Farewell(reply=reply):
                self.link.write(reply)
                self.link.close()
            case _:
                self._take(event)

    def _take(self, request: Request) -> None:
        gateway = self._gateway
        if isinstance(request, StartApi):
            gateway.faults.named(self.gate, request.client_id)
        gateway.tap.received(self.number, self.gate.client_id, request, self._wire.fields)
        if isinstance(request, StartApi):
            self.gate.receive(request)
        elif self.session is not None:  # else turned away: nothing more is answered
            if self._rate.admit(gateway.wall.now_s()):
                self.gate.receive(request)
            else:
                self._refuse_for_rate()

    def _refuse_for_rate(self) -> None:
        self.gate.tell_error(_TOO_MANY_MESSAGES, self._rate.refusal)
        if self._rate.is_unbearable:
            _LOGGER.warning("%s sends too many messages a second; its session ends", self._name())
            self.link.close()

    # -- the handshake ---------------------------------------------------------------------------

    def _greet(self, hello: ClientHello) -> None:
        if self._gateway.faults.forbids(self.gate, Act.ANSWER_HELLO):
            self._wait_no_longer()
            return
        now = datetime.fromtimestamp(self._gateway.hub.now / 1000, UTC).astimezone(_ZONE)
        connected_at = f"{now:%Y%m%d %H:%M:%S} US/Eastern"
        self._paces = self._paces or _WANTS_PACING in hello.options
        try:
            self.link.write(self._wire.accept(connected_at))
            self._gateway.tap.greeted(self.number, hello, self._wire.version)
        except VersionRefused as refusal:
            _LOGGER.warning("%s: %s", self._name(), refusal)
            self.link.write(self._wire.refuse(refusal, connected_at))
            self._gateway.tap.greeted(self.number, hello, None)

    def _start(self, request: StartApi) -> None:
        self._wait_no_longer()
        if self._gateway.faults.forbids(self.gate, Act.ANSWER_START):
            return
        self._gateway.settle()
        try:
            self.session = self._gateway.hub.open_session(request.client_id)
        except ClientIdTaken:
            self._turn_away(
                _ID_IN_USE,
                "Unable to connect as the client id is already in use. "
                "Retry with a unique client id.",
            )
        except TooManyClients:
            self._turn_away(_NO_PLACE, "Bad Message Length: all places for clients are taken.")
        else:
            self.catch_up()
            self._gateway.faults.joined(self.gate)

    def _turn_away(self, code: int, text: str) -> None:
        self.write((Error(-1, code, text),))
        if not self._gateway.faults.forbids(self.gate, Act.CLOSE_TURNED_AWAY):
            self.link.close()
        self.gate.client_id = None  # another connection has this id

    def _greeting_overdue(self) -> None:
        if self._wire.phase is not Phase.REFUSED:  # that was said already
            _LOGGER.warning("%s never sent startApi; closed", self._name())
        self.link.close()

    def _wait_no_longer(self) -> None:
        if self._greeting is not None:
            self._greeting.cancel()

    # -- telling ---------------------------------------------------------------------------------

    def _tap_sent(self, responses: Sequence[Response]) -> None:
        tap = self._gateway.tap
        if isinstance(tap, NullTap):
            return
        for response in responses:
            raw = response_fields(response, self._wire.version)
            tap.sent(self.number, self.gate.client_id, response, raw)

    def _name(self) -> str:
        if self.session is not None:
            return f"client {self.session.client_id}"
        return f"a client at {self._peer}"
