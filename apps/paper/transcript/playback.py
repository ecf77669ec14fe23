"""One recorded connection, held against a client that makes it again.

    take(request) ──▶ None, or a Difference      due(now) ──▶ the frames to send now

Requests are expected in the recorded order; their ids may be others (`numbering`), and a field may
be written otherwise as long as it means the same. A response may go once all requests that were
recorded before it have come: at once, or as long after the latest of them as it was recorded,
times a pace. Pure: seconds come in, fields go out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, cast

from apps.paper.transcript.entries import Entry, Kind
from apps.paper.transcript.numbering import ORDER_IDS, REQUEST_IDS, Numbering
from apps.paper.transcript.policies import OnDifference
from apps.paper.transcript.reading import Transcript
from apps.paper.wire import Request, Response, parse_request, response_fields
from apps.paper.wire.codecs import FieldError
from apps.paper.wire.reading import Cursor, read
from apps.paper.wire.responses.encode import RESPONSE_MESSAGES

__all__ = ["Difference", "Playback", "Recorded", "recorded_connections"]


@dataclass(frozen=True, slots=True)
class Difference:
    """A request that is not the recorded one. ``line`` is the transcript's, 0 past its end.

    ``fields`` are name, recorded value and actual value; none where the messages are not even of
    one kind.
    """

    line: int
    recorded: str
    actual: str
    fields: tuple[tuple[str, object, object], ...] = ()

    def __str__(self) -> str:
        if not self.line:
            return f"{self.actual} came, and no more requests are recorded"
        if not self.fields:
            return f"line {self.line}: {self.recorded} is recorded, {self.actual} came"
        listed = "; ".join(
            f"{name}: {old!r} recorded, {new!r} came" for name, old, new in self.fields
        )
        return f"line {self.line}, {self.recorded}: {listed}"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One connection of a transcript: its requests and responses, as they came."""

    number: int
    version: int | None
    greeted_at: str
    client: int | None
    steps: tuple[Entry, ...]
    closed_by_gateway: bool = False


def recorded_connections(transcript: Transcript) -> list[Recorded]:
    """Give the connections in which a client said hello, oldest first."""
    by_number: dict[int, list[Entry]] = {}
    for entry in transcript.entries:
        if entry.connection is not None:
            by_number.setdefault(entry.connection, []).append(entry)
    return [
        recorded
        for number, entries in by_number.items()
        if (recorded := _recorded(number, entries)) is not None
    ]


def _recorded(number: int, entries: Sequence[Entry]) -> Recorded | None:
    greeted = next((each for each in entries if each.kind is Kind.GREETED), None)
    if greeted is None:
        return None
    steps = tuple(each for each in entries if each.kind.direction)
    start = next((each for each in steps if each.message == "StartApi"), None)
    closed = next((each for each in entries if each.kind is Kind.CLOSED), None)
    return Recorded(
        number,
        greeted.version,
        greeted.market,
        None if start is None else start.values.get("client_id", 0),
        steps,
        closed is not None and closed.values.get("by_gateway") is True,
    )


class Playback:
    """The server's side of a recorded connection.

    ``pace`` None is as fast as the client asks; 1 is as it was recorded, 2 twice as fast.
    """

    def __init__(
        self,
        recorded: Recorded,
        *,
        pace: float | None = None,
        on_difference: OnDifference = OnDifference.ERROR,
    ) -> None:
        self.recorded = recorded
        self._pace = pace
        self._on_difference = on_difference
        self._steps = recorded.steps
        self._numbering = Numbering()
        self._expected = self._next_request(0)
        self._place = 0
        self._since: dict[int, float] = {}
        self._latest = 0

    @property
    def missing(self) -> tuple[Entry, ...]:
        """The recorded requests that have not come."""
        return tuple(each for each in self._steps[self._expected :] if each.kind is Kind.REQUEST)

    @property
    def is_over(self) -> bool:
        """All was asked and said."""
        return self._place == len(self._steps)

    def take(self, request: Request, now_s: float) -> Difference | None:
        """Hear a request at ``now_s``; say what of it is not as recorded, if anything is."""
        if self._expected == len(self._steps):
            return Difference(0, "", type(request).__name__)
        entry = self._steps[self._expected]
        recorded = parse_request(entry.raw, self.recorded.version or 0)
        difference = self._compared(entry, recorded, request)
        if difference is None or self._on_difference is OnDifference.GO_ON:
            if type(recorded) is type(request):
                self._numbering.learn(recorded, request)
            self._since[self._expected] = now_s
            self._expected = self._next_request(self._expected + 1)
        return difference

    def due(self, now_s: float) -> Iterator[list[str]]:
        """Take what is to be sent at ``now_s``, in order, as the fields of frames."""
        while (due_s := self.next_due_s()) is not None and due_s <= now_s:
            entry = self._steps[self._place]
            self._place += 1
            yield self._fields_of(entry)
        self._pass_requests()

    def next_due_s(self) -> float | None:
        """Give when the next response is due; None when a request must come first, or all is over.

        It may be in the past.
        """
        self._pass_requests()
        if self._place >= self._expected or self._place == len(self._steps):
            return None
        if self._pace is None or not self._since:
            return 0.0
        asked = self._steps[self._latest]
        after_s = self._steps[self._place].elapsed_s - asked.elapsed_s
        return self._since[self._latest] + after_s / self._pace

    def _pass_requests(self) -> None:
        """Go past the requests that have come."""
        while self._place < self._expected and self._steps[self._place].kind is Kind.REQUEST:
            self._latest = self._place
            self._place += 1

    def _next_request(self, start: int) -> int:
        """Give the place of the first request from ``start`` on; the end when there is none."""
        return next(
            (n for n in range(start, len(self._steps)) if self._steps[n].kind is Kind.REQUEST),
            len(self._steps),
        )

    def _compared(self, entry: Entry, recorded: Request, actual: Request) -> Difference | None:
        if type(recorded) is not type(actual):
            return Difference(entry.line, type(recorded).__name__, type(actual).__name__)
        unlike = tuple(self._unlike(recorded, actual, ""))
        name = type(actual).__name__
        return Difference(entry.line, name, name, unlike) if unlike else None

    def _unlike(
        self, recorded: object, actual: object, path: str
    ) -> Iterator[tuple[str, object, object]]:
        """Yield the fields of two values of one shape that differ."""
        shape: Any = recorded
        for each in fields(shape):
            name = each.name
            old, new = getattr(recorded, name), getattr(actual, name)
            if name in REQUEST_IDS | ORDER_IDS:
                if not self._numbering.fits(name, old, new):
                    yield path + name, old, new
            elif old == new:
                continue
            elif is_dataclass(old) and type(old) is type(new):
                yield from self._unlike(old, new, f"{path}{name}.")
            else:
                yield path + name, old, new

    def _fields_of(self, entry: Entry) -> list[str]:
        """Give the recorded fields, with the ids that the client chose."""
        if self._numbering.is_same:
            return list(entry.raw)
        version = self.recorded.version or 0
        response = _response_of(entry, version)
        if response is None:
            return list(entry.raw)
        return response_fields(self._numbering.translated(response), version)


def _response_of(entry: Entry, version: int) -> Response | None:
    """Read a recorded response; None for one that this program would write otherwise."""
    message = _BY_NAME.get(entry.message)
    if message is None:
        return None
    try:
        response = cast("Response", read(message.record, Cursor(entry.raw, 1), version))
    except FieldError:
        return None
    return response if response_fields(response, version) == list(entry.raw) else None


_BY_NAME = {shape.__name__: message for shape, message in RESPONSE_MESSAGES.items()}
