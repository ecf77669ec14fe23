"""One connection's order of things: who may say what, and when. Bytes in, events out.

    GREETING ──hello──▶ GREETED ──accept──▶ ACCEPTED ──startApi──▶ RUNNING
                           └─────refuse─────▶ REFUSED ──anything──▶ PARTED

- GREETING: the client owes the raw bytes ``API`` and NUL, then a frame ``vMIN..MAX[ options]``.
- GREETED: it waits for our version. What it sends meanwhile is kept, for how to read it depends
  on the answer.
- ACCEPTED: it owes startApi. The two-field reply is all that may have been sent by then: the
  official client throws away the bytes that follow it.
- REFUSED: it was told a version that it may not want. The official clients read nothing else at
  this point (an error sent now is dropped unread), and those that look at it hang up with IB's
  503 by themselves. One that goes on, with startApi, can read the error then: a `Farewell`.
- PARTED: nothing is heard any more.
- RUNNING: requests and responses; a second startApi is answered like any request that makes no
  sense.

Anything out of order raises and leaves the phase as it was. There is no clock here: the server
says what time it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from apps.paper.wire import versions
from apps.paper.wire.errors import LocalProtocolError, RemoteProtocolError, VersionRefused
from apps.paper.wire.framing import FrameDecoder, encode_frame, split_fields
from apps.paper.wire.requests.account import StartApi
from apps.paper.wire.requests.parse import Request, parse_request
from apps.paper.wire.requests.unreadable import MalformedRequest
from apps.paper.wire.responses.account import ErrorMessage
from apps.paper.wire.responses.encode import Response, encode

__all__ = ["ClientHello", "Connection", "Farewell", "Phase"]

_PREFIX: Final = b"API\0"
_START_API: Final = 71
_HELLO: Final = re.compile(r"v(\d{1,6})(?:\.\.(\d{1,6}))?(?: (.*))?", re.ASCII | re.DOTALL)


class Phase(Enum):
    """Where a connection stands; the transitions are in the module's picture."""

    GREETING = "greeting"
    GREETED = "greeted"
    ACCEPTED = "accepted"
    RUNNING = "running"
    REFUSED = "refused"
    PARTED = "parted"


@dataclass(frozen=True, slots=True)
class ClientHello:
    """The versions that the client speaks, and its connect options (such as +PACEAPI)."""

    min_version: int
    max_version: int
    options: str = ""


@dataclass(frozen=True, slots=True)
class Farewell:
    """A client that was refused goes on all the same: send it ``reply``, the error; then close."""

    reply: bytes


class Connection:
    """The server's end of one connection.

        connection.receive(chunk)
        for event in connection.events():
            if isinstance(event, ClientHello):
                writer.write(connection.accept("20261120 09:30:00 US/Eastern"))

    The first `Request` is a `StartApi`; from then on `send` gives the bytes of responses.
    """

    __slots__ = ("_decoder", "_has_prefix", "_hello", "_phase", "_refusal", "_version", "fields")

    def __init__(self) -> None:
        self._decoder = FrameDecoder()
        self._phase = Phase.GREETING
        self._has_prefix = False
        self._hello: ClientHello | None = None
        self._refusal: VersionRefused | None = None
        self._version: int | None = None
        self.fields: list[str] = []
        """The fields of the latest request, as they came."""

    @property
    def phase(self) -> Phase:
        """Where the connection stands."""
        return self._phase

    @property
    def version(self) -> int:
        """The version agreed upon.

        Raises:
            LocalProtocolError: None has been yet.
        """
        if self._version is None:
            raise LocalProtocolError("No version was agreed upon yet: accept the hello first.")
        return self._version

    def receive(self, chunk: bytes) -> None:
        """Add what came off the wire, however it was split or merged."""
        self._decoder.receive(chunk)

    def events(self) -> Iterator[ClientHello | Farewell | Request]:
        """Give what the bytes so far amount to; after a hello, accept it before going on.

        Raises:
            RemoteProtocolError: The client broke the order of things, or does not speak this
                protocol. The phase is as it was; all that is left is to close the connection.
        """
        while (event := self._next_event()) is not None:
            yield event

    def accept(self, connected_at: str) -> bytes:
        """Give the reply to the hello: the version from now on, and ``connected_at`` as text.

        Raises:
            VersionRefused: There is no version that both speak; see `refuse`.
            LocalProtocolError: There is no hello to reply to.
        """
        hello = self._expect_hello()
        version = versions.negotiate(hello.min_version, hello.max_version)
        reply = encode_frame([str(version), connected_at])
        self._version, self._phase = version, Phase.ACCEPTED
        return reply

    def refuse(self, refusal: VersionRefused, connected_at: str) -> bytes:
        """Give the reply to a hello that cannot be accepted; a `Farewell` may be due after it.

        Raises:
            LocalProtocolError: There is no hello to reply to.
        """
        self._expect_hello()
        reply = encode_frame([str(refusal.version), connected_at])
        self._refusal, self._phase = refusal, Phase.REFUSED
        return reply

    def send(self, *responses: Response) -> bytes:
        """Give the bytes of ``responses``, in order.

        Raises:
            LocalProtocolError: The client has not sent startApi yet, or a value cannot be sent.
        """
        if self._phase is not Phase.RUNNING:
            raise LocalProtocolError(
                "Nothing may be sent before startApi: the official client would throw it away."
            )
        version = self.version
        return b"".join([encode(response, version) for response in responses])

    def _expect_hello(self) -> ClientHello:
        if self._phase is not Phase.GREETED or self._hello is None:
            raise LocalProtocolError(f"There is no hello to reply to ({self._phase.value}).")
        return self._hello

    def _next_event(self) -> ClientHello | Farewell | Request | None:
        match self._phase:
            case Phase.GREETING:
                return self._next_hello()
            case Phase.ACCEPTED | Phase.RUNNING:
                return self._next_request()
            case Phase.REFUSED:
                return self._next_farewell()
            case _:
                return None

    def _next_hello(self) -> ClientHello | None:
        self._has_prefix = self._has_prefix or self._decoder.take_prefix(_PREFIX)
        if not self._has_prefix or (body := self._decoder.next_body()) is None:
            return None
        self._hello = _parse_hello(body)
        self._phase = Phase.GREETED
        return self._hello

    def _next_farewell(self) -> Farewell | None:
        if self._refusal is None or self._decoder.next_body() is None:
            return None
        self._phase = Phase.PARTED
        error = ErrorMessage(-1, self._refusal.code or 0, self._refusal.text)
        return Farewell(encode(error, self._refusal.version))

    def _next_request(self) -> Request | None:
        body = self._decoder.next_body()
        if body is None:
            return None
        self.fields = split_fields(body)
        request = parse_request(self.fields, self.version)
        if self._phase is Phase.ACCEPTED:
            if not isinstance(request, StartApi):
                raise RemoteProtocolError(
                    f"{type(request).__name__} came before startApi: a client names itself first."
                )
            self._phase = Phase.RUNNING
        elif isinstance(request, StartApi):
            return MalformedRequest(_START_API, "startApi", None, "the API was started already")
        return request


def _parse_hello(body: bytes) -> ClientHello:
    """Read ``v157..176 +PACEAPI``; a single number stands for both bounds."""
    match = _HELLO.fullmatch(body.rstrip(b"\0").decode("utf-8", "backslashreplace"))
    if match is None:
        raise RemoteProtocolError(
            f"The client's hello was {body[:80]!r} instead of vMIN..MAX: this does not look like "
            "a TWS API client."
        )
    low, high, options = match.groups()
    return ClientHello(int(low), int(high or low), options or "")
