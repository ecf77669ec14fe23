"""Conditions of the line: how bytes go, and whether connections are made, kept and let go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from random import Random

from apps.paper.faults.conditions import Act, Condition, concerns
from apps.paper.faults.fault import Direction, Effect, When
from apps.paper.faults.gate import Gate
from apps.paper.faults.link import Delayed, Gathered, Lane, LaneEffect, Muted, Pieces, Throttled
from apps.paper.faults.network import (
    HalfOpen,
    Latency,
    MergeFrames,
    Refusal,
    SlowRead,
    SplitFrames,
    Stage,
)
from apps.paper.session.session import Session

__all__ = ["BadLine", "Door", "HeldClientIds", "KeptSockets", "MuteHandshake"]


class BadLine(Condition):
    """Bytes of some connections go otherwise than they should.

    ``spreads`` tells that connections that come later are concerned too.
    """

    def __init__(
        self, effect: Effect, when: When, chance: str, gates: Iterable[Gate], *, spreads: bool
    ) -> None:
        self._effect = effect
        self._spreads = spreads
        self._when = when
        self._chance = chance
        self._lanes: dict[Gate, list[Lane]] = {}
        for gate in gates:
            self._apply(gate)

    def connected(self, gate: Gate) -> None:
        """Work on a new connection too."""
        if self._spreads:
            self._apply(gate)

    def joined(self, gate: Gate) -> None:
        """Work on it now that its client is known."""
        if self._spreads:
            self._apply(gate)

    def left(self, gate: Gate) -> None:
        """Forget a connection."""
        self._lanes.pop(gate, None)

    def end(self) -> None:
        """Let bytes go as they should; what waits is delivered."""
        for lanes in self._lanes.values():
            for lane in lanes:
                lane.take_off(self)

    def _apply(self, gate: Gate) -> None:
        if gate in self._lanes or not concerns(self._when, gate):
            return
        luck = Random(f"{self._chance}:{gate.number}")  # noqa: S311 - repeatable luck is the point
        lanes = self._lanes[gate] = []
        for direction, effect in _on_lanes(self._effect, luck):
            for lane in gate.speaker.link.lanes(direction):
                lane.put(self, effect)
                lanes.append(lane)


def _on_lanes(effect: Effect, luck: Random) -> Iterator[tuple[Direction, LaneEffect]]:
    """Give what an effect does to which lanes."""
    match effect:
        case Latency(delay_s=delay_s, jitter_s=jitter_s, direction=direction):
            yield direction, Delayed(delay_s, jitter_s, luck)
        case SplitFrames(piece_bytes=most, gap_s=gap_s, direction=direction):
            yield direction, Pieces(most, gap_s)
        case MergeFrames(bytes=least, wait_s=wait_s, direction=direction):
            yield direction, Gathered(least, wait_s)
        case SlowRead(bytes_per_s=bytes_per_s):
            yield Direction.IN, Throttled(bytes_per_s)
        case HalfOpen(handles_requests=handles_requests):
            yield Direction.OUT if handles_requests else Direction.BOTH, Muted()


class Door(Condition):
    """Nobody gets in. ``shut`` and ``open_again`` close and open the port itself."""

    def __init__(
        self, how: Refusal, shut: Callable[[], None], open_again: Callable[[], None]
    ) -> None:
        self._how = how
        self._open_again = open_again
        if how is Refusal.CLOSED:
            shut()

    def forbids(self, gate: Gate, act: Act) -> bool:  # noqa: ARG002 - it is the same for all
        """Reset whoever comes through an open port."""
        return act is Act.LET_IN and self._how is Refusal.RESET

    def end(self) -> None:
        """Let people in again."""
        if self._how is Refusal.CLOSED:
            self._open_again()


class MuteHandshake(Condition):
    """A client's hello, or its startApi, is not answered."""

    def __init__(self, stage: Stage, when: When) -> None:
        self._act = Act.ANSWER_HELLO if stage is Stage.HELLO else Act.ANSWER_START
        self._when = when

    def forbids(self, gate: Gate, act: Act) -> bool:
        """Say nothing."""
        return act is self._act and concerns(self._when, gate)


class HeldClientIds(Condition):
    """Sessions live on after their connections are lost, and keep their client ids."""

    def __init__(self, when: When, let_go: Callable[[Session], None]) -> None:
        self._when = when
        self._let_go = let_go
        self._held: list[Session] = []

    def forbids(self, gate: Gate, act: Act) -> bool:
        """Keep the session, as if the old socket stood open."""
        session = gate.speaker.session
        if act is not Act.LET_GO or session is None or not concerns(self._when, gate):
            return False
        self._held.append(session)
        return True

    def flushed(self) -> None:
        """Throw away what is said to nobody."""
        for session in self._held:
            session.outbox.clear()

    def end(self) -> None:
        """Notice that they are gone."""
        for session in self._held:
            self._let_go(session)


class KeptSockets(Condition):
    """Sockets of clients that were turned away stay open."""

    def __init__(self, when: When) -> None:
        self._when = when
        self._kept: list[Gate] = []

    def forbids(self, gate: Gate, act: Act) -> bool:
        """Keep the socket."""
        if act is not Act.CLOSE_TURNED_AWAY or not concerns(self._when, gate):
            return False
        self._kept.append(gate)
        return True

    def left(self, gate: Gate) -> None:
        """Forget a socket that its client closed."""
        self._kept = [each for each in self._kept if each is not gate]

    def end(self) -> None:
        """Close them after all."""
        for gate in self._kept:
            gate.speaker.link.close()
