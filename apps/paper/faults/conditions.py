"""What stands for a time, once a fault has begun it: the base, and those about single orders.

A condition sees every message before any fault that waits for one, may lose it, hold it or change
it, and puts right what it held when it ends.
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum

from apps.paper.faults.broker import ClockSkew
from apps.paper.faults.fault import When
from apps.paper.faults.gate import Gate, Passage
from apps.paper.faults.kinds import message_id
from apps.paper.faults.messages import Until
from apps.paper.wire import CurrentTime, RealTimeBar, Response

__all__ = [
    "Act",
    "Condition",
    "HeldChildren",
    "MutedOrder",
    "SkewedClock",
    "concerns",
]

_OPEN_ORDER, _ORDER_STATUS = 5, 3


class Act(Enum):
    """What a gateway does by itself, unless a condition keeps it from it."""

    LET_IN = "take a connection"
    ANSWER_HELLO = "answer a client's hello"
    ANSWER_START = "answer startApi"
    LET_GO = "let the session of a lost connection go"
    CLOSE_TURNED_AWAY = "close the socket of a client that was turned away"


class Condition:
    """Base of all conditions: it changes nothing. ``is_over`` tells that it will not any more."""

    is_over = False

    def weigh_request(self, passage: Passage) -> None:
        """Have a say in a request."""

    def weigh_response(self, passage: Passage) -> None:
        """Have a say in a response."""

    def forbids(self, gate: Gate, act: Act) -> bool:  # noqa: ARG002 - what conditions may answer
        """Keep the gateway from doing something with a connection."""
        return False

    def connected(self, gate: Gate) -> None:
        """Hear of a new connection."""

    def joined(self, gate: Gate) -> None:
        """Hear that a client has named itself."""

    def left(self, gate: Gate) -> None:
        """Hear that a connection has ended."""

    def flushed(self) -> None:
        """Hear that everything was sent."""

    def end(self) -> None:
        """Put right what was held; it has no say any more."""


def concerns(when: When, gate: Gate) -> bool:
    """Tell whether a fault is about this client; one that has no name yet is not a client."""
    return when.client is None or when.client == gate.client_id


class MutedOrder(Condition):
    """Nothing is said of one order, and of its children."""

    def __init__(self, client_id: int | None, order_id: int, *, until: Until, family: bool) -> None:
        self._client_id = client_id
        self._order_id = order_id
        self._until = until
        self._family = family

    def weigh_response(self, passage: Passage) -> None:
        """Lose what is about the order."""
        order = passage.subject.order
        if self.is_over or order is None or passage.gate.client_id != self._client_id:
            return
        is_kin = self._family and order.parent_id == self._order_id
        if order.order_id == self._order_id or is_kin:
            passage.is_lost = True

    def left(self, gate: Gate) -> None:
        """Speak again once the client has gone, and may come back."""
        if gate.client_id == self._client_id and self._until is Until.RECONNECT:
            self.is_over = True


class HeldChildren(Condition):
    """What is said of child orders waits."""

    def __init__(self, when: When, parent_id: int | None) -> None:
        self._when = when
        self._parent_id = parent_id
        self._held: list[tuple[Gate, Response]] = []

    def weigh_response(self, passage: Passage) -> None:
        """Hold the states of children."""
        order = passage.subject.order
        if message_id(passage.message) not in (_OPEN_ORDER, _ORDER_STATUS):
            return
        if order is None or not order.parent_id or not concerns(self._when, passage.gate):
            return
        if self._parent_id in (None, order.parent_id):
            passage.is_lost = True
            self._held.append((passage.gate, passage.response))

    def left(self, gate: Gate) -> None:
        """Forget what was held for a client that is gone."""
        self._held = [(held, response) for held, response in self._held if held is not gate]

    def end(self) -> None:
        """Tell what was held, in order."""
        for gate, response in self._held:
            gate.resume_response(response)


class SkewedClock(Condition):
    """The gateway's clock is wrong."""

    def __init__(self, skew: ClockSkew, when: When) -> None:
        self._skew = skew
        self._when = when

    def weigh_response(self, passage: Passage) -> None:
        """Change the times in what is said."""
        if not concerns(self._when, passage.gate):
            return
        match passage.message:
            case CurrentTime(time=time) as told:
                passage.message = replace(told, time=time + self._skew.by_s)
            case RealTimeBar(time=time) as bar if self._skew.stamps_by_s:
                passage.message = replace(bar, time=time + self._skew.stamps_by_s)
