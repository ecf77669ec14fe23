"""Writing down what is said on the wire: a `Tap` into a file.

Here is noted what was heard and when, which costs the loop next to nothing: messages never change,
so they become text later, in the writer's thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from apps.paper.feed.market import Millis
from apps.paper.transcript.entries import FORMAT, Entry, Header, Kind, market_text
from apps.paper.transcript.plain import plain, plain_fields
from apps.paper.transcript.writer import LineWriter
from apps.paper.wire import ClientHello, Request, Response

__all__ = ["Recorder"]

_DIGITS = 6


class _Heard(NamedTuple):
    """What was heard, as it came. ``what`` is a message, or plain values."""

    kind: Kind | None
    market: Millis
    elapsed_s: float
    connection: int | None = None
    client: int | None = None
    version: int | None = None
    what: object = None
    raw: Sequence[str] = ()


class Recorder:
    """A `Tap` that writes a transcript.

        with Recorder.to(Path("session.jsonl")) as recorder:
            async with PaperGateway.open(settings, tap=recorder):
                ...

    One recorder records one gateway. ``failure`` says why recording ended early, '' while it goes
    on; the session goes on whatever happens to the file.
    """

    def __init__(self, writer: LineWriter[_Heard], about: Mapping[str, object]) -> None:
        self._writer = writer
        self._about = about
        self._market_now: Callable[[], Millis] = lambda: 0
        self._wall_s: Callable[[], float] = lambda: 0.0
        self._began_s = 0.0
        self._versions: dict[int, int | None] = {}
        self._hung_up: set[int] = set()
        self._has_heard = False

    @classmethod
    @contextmanager
    def to(cls, path: Path, about: Mapping[str, object] | None = None) -> Iterator[Recorder]:
        """Record into a new file until the block ends; ``about`` goes into its first line.

        Raises InvalidInput when the file exists already, or cannot be written.
        """
        recorder = cls(LineWriter(path, _line_of), about or {})
        try:
            yield recorder
        except BaseException:
            recorder._writer.close()
            if not recorder._has_heard:  # the gateway never began: the name is free again
                path.unlink(missing_ok=True)
            raise
        recorder._writer.close()

    @property
    def failure(self) -> str:
        """Why nothing is recorded any more, '' while all is."""
        return self._writer.failure

    def started(self, market_now: Callable[[], Millis], wall_s: Callable[[], float]) -> None:
        """Begin."""
        self._market_now, self._wall_s, self._began_s = market_now, wall_s, wall_s()
        self._writer.put(_Heard(None, market_now(), 0.0, what=self._about))

    def opened(self, connection_no: int) -> None:
        """Note a new connection."""
        self._note(Kind.OPENED, connection_no)

    def greeted(self, connection_no: int, hello: ClientHello, version: int | None) -> None:
        """Note what a client offered, and what was agreed upon."""
        self._versions[connection_no] = version
        self._note(Kind.GREETED, connection_no, what=hello)

    def received(
        self, connection_no: int, client_id: int | None, request: Request, raw: Sequence[str]
    ) -> None:
        """Note a request."""
        self._note(Kind.REQUEST, connection_no, client_id, request, raw)

    def sent(
        self, connection_no: int, client_id: int | None, response: Response, raw: Sequence[str]
    ) -> None:
        """Note a response."""
        self._note(Kind.RESPONSE, connection_no, client_id, response, raw)

    def hung_up(self, connection_no: int, client_id: int | None) -> None:  # noqa: ARG002 - the Tap's signature
        """Remember who ended a connection."""
        self._hung_up.add(connection_no)

    def closed(self, connection_no: int, client_id: int | None) -> None:
        """Note that a connection has ended."""
        by_gateway = connection_no in self._hung_up
        self._note(Kind.CLOSED, connection_no, client_id, {"by_gateway": by_gateway})
        self._hung_up.discard(connection_no)
        self._versions.pop(connection_no, None)

    def fault(self, what: Mapping[str, object]) -> None:
        """Note a fault."""
        self._note(Kind.FAULT, None, what=dict(what))

    def _note(
        self,
        kind: Kind,
        connection: int | None,
        client: int | None = None,
        what: object = None,
        raw: Sequence[str] = (),
    ) -> None:
        version = None if connection is None else self._versions.get(connection)
        elapsed_s = self._wall_s() - self._began_s
        self._has_heard = True
        self._writer.put(
            _Heard(kind, self._market_now(), elapsed_s, connection, client, version, what, raw)
        )


def _line_of(heard: _Heard) -> str:
    market = market_text(heard.market)
    if heard.kind is None:
        about: Any = plain(heard.what)
        return Header(FORMAT, {"market": market, **about}).as_text()
    is_message = bool(heard.kind.direction)
    return Entry(
        heard.kind,
        market,
        round(heard.elapsed_s, _DIGITS),
        heard.connection,
        heard.client,
        heard.version,
        type(heard.what).__name__ if is_message else "",
        _values_of(heard.what),
        tuple(heard.raw),
    ).as_text()


def _values_of(what: object) -> dict[str, Any]:
    if what is None:
        return {}
    if isinstance(what, Mapping):
        return {str(key): plain(value) for key, value in what.items()}
    return plain_fields(what)
