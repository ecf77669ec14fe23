"""One client's socket: bytes to requests, responses to bytes. Decides nothing.

A protocol, not streams: a request is answered in the same call that read it.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import Protocol, cast
from zoneinfo import ZoneInfo

from apps.paper.hub import ClientIdTaken, Hub, TooManyClients
from apps.paper.session.session import Session
from apps.paper.wire import (
    ClientHello,
    Connection,
    ErrorMessage,
    ProtocolError,
    Request,
    StartApi,
    VersionRefused,
)

__all__ = ["ClientSocket", "Host"]

_LOGGER = logging.getLogger(__name__)

_GREETING_S = 10.0
"""How long a client may take to name itself."""

_MOST_UNREAD = 64 * 1024 * 1024
"""Bytes that may wait for a client that does not read; then it is cut off, as IB does."""

_ZONE = ZoneInfo("US/Eastern")


class Host(Protocol):
    """The gateway, as one of its sockets sees it."""

    hub: Hub

    def joined(self, socket: ClientSocket) -> None:
        """Take note of a new connection."""

    def left(self, socket: ClientSocket) -> None:
        """Forget a connection that ended."""

    def settle(self) -> None:
        """Bring the hub to the clock's present."""

    def flush(self) -> None:
        """Send what waits for any client."""


class ClientSocket(asyncio.Protocol):
    """A client from its connection to its end."""

    def __init__(self, gateway: Host) -> None:
        self.closed = asyncio.Event()
        self._gateway = gateway
        self._wire = Connection()
        self._session: Session | None = None
        self._transport: asyncio.Transport | None = None
        self._greeting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the client to name itself, but not for ever."""
        self._transport = cast("asyncio.Transport", transport)
        self._gateway.joined(self)
        loop = asyncio.get_running_loop()
        self._greeting = loop.call_later(_GREETING_S, self._greeting_overdue)

    def data_received(self, data: bytes) -> None:
        """Answer what came."""
        try:
            self._wire.receive(data)
            for event in self._wire.events():
                self._react(event)
        except ProtocolError as error:
            _LOGGER.warning("%s breaks the protocol: %s", self._name(), error)
            self.close()
        self._gateway.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the session go; its orders stay."""
        if exc is not None:
            _LOGGER.info("%s was lost: %s", self._name(), exc)
        if self._greeting is not None:
            self._greeting.cancel()
        if self._session is not None:
            self._gateway.hub.close_session(self._session)
            self._session = None
        self._transport = None
        self._gateway.left(self)
        self.closed.set()

    def flush(self) -> None:
        """Send what waits in the session's outbox, as one write."""
        session, transport = self._session, self._transport
        if session is None or transport is None or not session.outbox:
            return
        sent = self._wire.send(*session.outbox)
        session.outbox.clear()
        if not transport.is_closing():
            transport.write(sent)
            if transport.get_write_buffer_size() > _MOST_UNREAD:
                _LOGGER.warning("%s does not read; cut off", self._name())
                transport.abort()

    def close(self) -> None:
        """Send what is left, then close."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Cut the connection."""
        if self._transport is not None:
            self._transport.abort()

    def _react(self, event: ClientHello | Request) -> None:
        match event:
            case ClientHello():
                self._greet()
            case StartApi():
                self._start(event)
            case _ if self._session is not None:
                self._gateway.settle()
                self._session.handle(event)
            case _:
                pass  # refused at startApi: the socket is closing, nothing more is answered

    def _greet(self) -> None:
        try:
            now = datetime.fromtimestamp(self._gateway.hub.now / 1000, UTC).astimezone(_ZONE)
            self._write(self._wire.accept(f"{now:%Y%m%d %H:%M:%S} US/Eastern"))
        except VersionRefused as refusal:
            _LOGGER.warning("%s: %s", self._name(), refusal)
            self._write(self._wire.refuse(refusal))
            self.close()

    def _start(self, request: StartApi) -> None:
        if self._greeting is not None:
            self._greeting.cancel()
        self._gateway.settle()
        try:
            self._session = self._gateway.hub.open_session(request.client_id)
        except ClientIdTaken:
            self._turn_away(
                326,
                "Unable to connect as the client id is already in use. "
                "Retry with a unique client id.",
            )
        except TooManyClients:
            self._turn_away(507, "Bad Message Length: all places for clients are taken.")

    def _turn_away(self, code: int, text: str) -> None:
        self._write(self._wire.send(ErrorMessage(-1, code, text)))
        self.close()

    def _write(self, sent: bytes) -> None:
        if self._transport is not None:
            self._transport.write(sent)

    def _greeting_overdue(self) -> None:
        _LOGGER.warning("%s never sent startApi; closed", self._name())
        self.close()

    def _name(self) -> str:
        if self._session is not None:
            return f"client {self._session.client_id}"
        peer = self._transport.get_extra_info("peername") if self._transport else None
        return f"a client at {peer}"
