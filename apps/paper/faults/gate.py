"""One connection's messages, between its session and its codec.

Every request and response passes here once. First the conditions that stand have their say, for
what does not reach the wire cannot be seen there; then the faults that wait for such a message.
Without either it costs next to nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol, cast

from apps.paper.faults.fault import Clock, Direction
from apps.paper.faults.kinds import direction_of, kind_of
from apps.paper.faults.link import Link
from apps.paper.faults.network import How
from apps.paper.faults.plan import Happening
from apps.paper.faults.subjects import OrderIds, Subject, Subjects, Subscription
from apps.paper.session.session import Session
from apps.paper.wire import Contract, ErrorMessage, Request, Response

__all__ = ["Ending", "Gate", "Passage", "Rules", "Speaker"]


_NO_SUCH_STREAM = frozenset((300, 310, 365, 366))
"""What the cancellation of a stream is answered with that is not there."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a connection is to end; ``at_byte`` counts in the frame of the last message."""

    how: How
    at_byte: int = 0


@dataclass(slots=True)
class Passage:
    """A message on its way, and what becomes of it."""

    gate: Gate
    message: Request | Response
    subject: Subject
    is_lost: bool = False
    copies: int = 0
    delay: tuple[float, Clock] | None = None
    behind: str | None = None
    ending: Ending | None = None
    followed_by: list[Response] = field(default_factory=list)
    afterwards: list[Callable[[], None]] = field(default_factory=list)
    """What is to be done once the request was handled, or the response sent."""

    @property
    def request(self) -> Request:
        """The message, for who knows that it comes in."""
        return cast("Request", self.message)

    @property
    def response(self) -> Response:
        """The message, for who knows that it goes out."""
        return cast("Response", self.message)

    @property
    def is_request(self) -> bool:
        """It comes from the client."""
        return direction_of(self.message) is Direction.IN

    @property
    def kind(self) -> str:
        """Its name."""
        return kind_of(self.message)

    def happening(self) -> Happening:
        """Give it as an occurrence that faults wait for."""
        subject = self.subject
        order = subject.order
        return Happening(
            kind=self.kind,
            is_request=self.is_request,
            client_id=self.gate.client_id,
            order_id=subject.order_id,
            order_ref=order.order_ref if order else "",
            symbol=subject.symbol,
            status=subject.status,
            code=subject.code,
        )


class Rules(Protocol):
    """What stands and waits, as a gate sees it."""

    @property
    def is_quiet(self) -> bool:
        """Nothing stands, and nothing waits for a message."""

    def weigh(self, passage: Passage) -> None:
        """Let the conditions have their say."""

    def happened(self, passage: Passage) -> None:
        """Let the faults that wait for it fire."""

    def later(self, seconds: float, clock: Clock, call: Callable[[], None]) -> None:
        """Have ``call`` called, and what comes of it sent."""


class Speaker(Protocol):
    """A client's socket, as its gate sees it."""

    link: Link
    session: Session | None

    def handle(self, request: Request) -> None:
        """Have a request answered."""

    def write(self, responses: Iterable[Response]) -> None:
        """Encode and send; the gate has been passed."""

    def catch_up(self) -> None:
        """Send what waits in the session's outbox."""

    def end(self, ending: Ending) -> None:
        """End the connection."""


class Gate:
    """What passes between one client and its session. ``number`` counts connections."""

    def __init__(self, speaker: Speaker, rules: Rules, number: int) -> None:
        self.speaker = speaker
        self.number = number
        self.client_id: int | None = None
        self.subjects = Subjects(OrderIds(), lambda contract: contract.symbol)
        self._rules = rules
        self._leaving: list[Response] | None = None
        self._behind: list[tuple[str, Subject, Response]] = []
        self._ending: Ending | None = None

    def named(self, client_id: int, orders: OrderIds, symbol_of: Callable[[Contract], str]) -> None:
        """Take note of who the client is."""
        self.client_id = client_id
        self.subjects = Subjects(orders, symbol_of)

    # -- requests ------------------------------------------------------------------------------

    def receive(self, request: Request) -> None:
        """Let a request in: it is handled now, later, several times, or never."""
        subject = self.subjects.of_request(request)
        if self._rules.is_quiet:
            self.speaker.handle(request)
            return
        passage = Passage(self, request, subject)
        self._rules.happened(passage)
        if not passage.is_lost and passage.delay is not None:
            seconds, clock = passage.delay
            self._rules.later(seconds, clock, lambda: self.resume_request(request))
        elif not passage.is_lost:
            for _ in range(1 + passage.copies):
                self.resume_request(request)
        self._finish(passage)

    def resume_request(self, request: Request) -> None:
        """Handle a request that was held back, unless something holds it still."""
        passage = Passage(self, request, self.subjects.of_request(request))
        self._rules.weigh(passage)
        if not passage.is_lost:
            self.speaker.handle(request)

    def handle_unheard(self, request: Request) -> bool:
        """Have a request handled without a word to anybody; tell whether it found its stream."""
        session = self.speaker.session
        if session is None:
            return False
        self.speaker.catch_up()
        self.subjects.of_request(request)
        session.handle(request)
        codes = {each.code for each in session.outbox if isinstance(each, ErrorMessage)}
        session.outbox.clear()
        return not codes & _NO_SUCH_STREAM

    def end_stream(self, stream: Subscription) -> bool:
        """Have a stream end without a word; tell whether there was one."""
        return self.handle_unheard(stream.cancel())

    # -- responses -----------------------------------------------------------------------------

    def send(self, responses: Iterable[Response]) -> None:
        """Let responses out, in order."""
        if self._rules.is_quiet and not self._behind:
            self.speaker.write(responses)
            return
        outer, leaving = self._leaving, list[Response]()
        self._leaving = leaving
        try:
            for response in responses:
                if not self._let_out(response, leaving):
                    break
        finally:
            self._leaving = outer
        self._write(leaving)

    def resume_response(self, response: Response) -> None:
        """Send a response that was held back, unless something holds it still."""
        passage = self._weighed(response)
        if passage is not None:
            self.tell(passage.response)

    def tell(self, *responses: Response) -> None:
        """Send something past all faults, after what was said before."""
        if self._leaving is not None:
            self._leaving.extend(responses)
        else:
            self.speaker.catch_up()
            self.speaker.write(responses)

    def tell_error(self, code: int, text: str, req_id: int = -1) -> None:
        """Send an error past all faults."""
        self.tell(ErrorMessage(req_id, code, text))

    def _let_out(self, response: Response, leaving: list[Response]) -> bool:
        """Let one response out; tell whether another can follow."""
        passage = self._weighed(response)
        if passage is None:
            return True
        self._rules.happened(passage)
        message = passage.response
        if passage.is_lost:
            pass
        elif passage.delay is not None:
            seconds, clock = passage.delay
            self._rules.later(seconds, clock, lambda: self.resume_response(message))
        elif passage.behind is not None:
            self._behind.append((passage.behind, passage.subject, message))
        else:
            leaving += [message] * (1 + passage.copies)
            leaving += self._come_behind(passage.kind, passage.subject)
        leaving += passage.followed_by
        self._finish(passage)
        return self._ending is None

    def _weighed(self, response: Response) -> Passage | None:
        """Give a response as the conditions leave it; None if they take it."""
        passage = Passage(self, response, self.subjects.of_response(response))
        self._rules.weigh(passage)
        return None if passage.is_lost else passage

    def _come_behind(self, kind: str, subject: Subject) -> list[Response]:
        """Give what waited for a message of this kind, about the same order."""
        ready = [each for each in self._behind if _comes_behind(each, kind, subject)]
        self._behind = [each for each in self._behind if each not in ready]
        return [message for _, _, message in ready]

    def _finish(self, passage: Passage) -> None:
        if passage.ending is not None and passage.is_request:
            self.speaker.end(passage.ending)
        elif passage.ending is not None:
            self._ending = passage.ending
        for act in passage.afterwards:
            act()

    def _write(self, leaving: list[Response]) -> None:
        ending, self._ending = self._ending, None
        if ending is None:
            self.speaker.write(leaving)
            return
        if ending.how is How.MID_FRAME and leaving:
            self.speaker.write(leaving[:-1])
            self.speaker.link.cut_after(ending.at_byte)
            self.speaker.write(leaving[-1:])
            return
        self.speaker.write(leaving)
        self.speaker.end(ending)


def _comes_behind(waiting: tuple[str, Subject, Response], kind: str, subject: Subject) -> bool:
    wanted, about, _ = waiting
    same_order = about.order_id is None or about.order_id == subject.order_id
    return same_order and wanted in ("", kind)
