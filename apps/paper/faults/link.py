"""One connection's bytes, between its transport and its codec: as they are, or as faults have them.

Each direction is a lane. Without effects bytes go straight through; with some they wait in a queue
in which nothing overtakes. Whose fault it is, and for how long, is not known here.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from apps.paper.faults.fault import Direction
from apps.paper.wall import Alarm, Wall

__all__ = ["Delayed", "Gathered", "Lane", "LaneEffect", "Link", "Muted", "Pieces", "Throttled"]

_FULL = "too many bytes wait"
_LINGER_NOT = struct.pack("ii", 1, 0)
"""SO_LINGER with no time to linger: closing then resets the connection."""


@dataclass(frozen=True, slots=True)
class Delayed:
    """Bytes are ``delay_s`` late, give or take ``jitter_s``."""

    delay_s: float
    jitter_s: float
    luck: Random

    def late_s(self) -> float:
        """Give by how much the next bytes are late."""
        return max(0.0, self.delay_s + self.luck.uniform(-self.jitter_s, self.jitter_s))


@dataclass(frozen=True, slots=True)
class Pieces:
    """Bytes come in pieces of ``most`` bytes, ``gap_s`` apart."""

    most: int
    gap_s: float


@dataclass(frozen=True, slots=True)
class Gathered:
    """Bytes wait until ``least`` are there, or ``wait_s`` has passed."""

    least: int
    wait_s: float


@dataclass(frozen=True, slots=True)
class Throttled:
    """No more than so many bytes a second."""

    bytes_per_s: int


@dataclass(frozen=True, slots=True)
class Muted:
    """Bytes are taken and thrown away."""


LaneEffect = Delayed | Pieces | Gathered | Throttled | Muted
Effect = TypeVar("Effect", Delayed, Pieces, Gathered, Throttled)

_MOST_WAITING = 256 * 1024
"""Bytes that may wait on their way in; then no more are read."""


class Lane:
    """One direction: what is pushed in is delivered, in order, as the effects allow."""

    def __init__(self, wall: Wall, deliver: Callable[[bytes], None]) -> None:
        self._queued_bytes = 0
        self._wall = wall
        self._deliver = deliver
        self._effects: dict[object, LaneEffect] = {}
        self._queue: deque[tuple[float, bytes]] = deque()
        self._latest_s = 0.0
        self._gathered = bytearray()
        self._gathering: Alarm | None = None
        self._alarm: Alarm | None = None

    @property
    def waiting_bytes(self) -> int:
        """How much was pushed and not delivered yet."""
        return self._queued_bytes + len(self._gathered)

    def put(self, key: object, effect: LaneEffect) -> None:
        """Let an effect work from now on."""
        self._effects[key] = effect

    def take_off(self, key: object) -> None:
        """End an effect; what waits because of it is not lost."""
        if isinstance(self._effects.pop(key, None), Gathered):
            self.send_gathered()

    def push(self, chunk: bytes) -> None:
        """Take bytes."""
        if not self._effects and not self._queue and not self._gathered:
            self._deliver(chunk)
        elif any(isinstance(each, Muted) for each in self._effects.values()):
            pass
        elif (gathers := next(self._of(Gathered), None)) is not None:
            self._gather(chunk, gathers)
        else:
            self.send_gathered()
            self._line_up(chunk)

    def cancel(self) -> None:
        """Throw away what waits."""
        for alarm in (self._alarm, self._gathering):
            if alarm is not None:
                alarm.cancel()
        self._alarm = self._gathering = None
        self._queue.clear()
        self._gathered.clear()
        self._queued_bytes = 0

    @property
    def is_throttled(self) -> bool:
        """What comes faster than it may is to be left where it is."""
        return any(isinstance(each, Throttled) for each in self._effects.values())

    def _of(self, kind: type[Effect]) -> Iterator[Effect]:
        return (each for each in self._effects.values() if isinstance(each, kind))

    def _gather(self, chunk: bytes, gathers: Gathered) -> None:
        self._gathered += chunk
        if len(self._gathered) >= gathers.least:
            self.send_gathered()
        elif self._gathering is None:
            self._gathering = self._wall.call_later(gathers.wait_s, self.send_gathered)

    def send_gathered(self) -> None:
        """Wait no longer for more bytes."""
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        gathered = bytes(self._gathered)
        self._gathered.clear()
        if gathered:
            self._line_up(gathered)

    def _line_up(self, chunk: bytes) -> None:
        """Put bytes into the queue with the time at which each piece of them is due."""
        pieces = next(self._of(Pieces), None)
        throttle = next(self._of(Throttled), None)
        most = min(
            pieces.most if pieces else len(chunk), throttle.bytes_per_s if throttle else len(chunk)
        )
        late_s = sum(each.late_s() for each in self._of(Delayed))
        due_s = max(self._latest_s, self._wall.now_s() + late_s)
        for start in range(0, len(chunk), most):
            piece = chunk[start : start + most]
            if throttle:
                due_s += len(piece) / throttle.bytes_per_s
            elif pieces and start:
                due_s += pieces.gap_s
            self._queue.append((due_s, piece))
            self._queued_bytes += len(piece)
        self._latest_s = due_s
        self._run()

    def _run(self) -> None:
        """Deliver what is due, and come back for the rest."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        while self._queue and self._queue[0][0] <= self._wall.now_s():
            _, piece = self._queue.popleft()
            self._queued_bytes -= len(piece)
            self._deliver(piece)
        if self._queue and self._alarm is None:
            wait_s = self._queue[0][0] - self._wall.now_s()
            self._alarm = self._wall.call_later(wait_s, self._run)


class Link:
    """A transport with a lane each way. ``incoming`` and ``outgoing`` take effects."""

    def __init__(
        self, transport: asyncio.Transport, wall: Wall, read: Callable[[bytes], None]
    ) -> None:
        self._transport = transport
        self._read = read
        self.incoming = Lane(wall, self._came)
        self.outgoing = Lane(wall, self._go)
        self._pauses: set[str] = set()
        self._is_closing = False
        self._left_to_cut: int | None = None

    def lanes(self, direction: Direction) -> Iterator[Lane]:
        """Give the lanes that an effect with this direction works on."""
        if direction is not Direction.OUT:
            yield self.incoming
        if direction is not Direction.IN:
            yield self.outgoing

    @property
    def unread_bytes(self) -> int:
        """How much was said that the client has not taken yet."""
        return self._transport.get_write_buffer_size() + self.outgoing.waiting_bytes

    @property
    def is_closing(self) -> bool:
        """Nothing more can be said."""
        return self._is_closing or self._transport.is_closing()

    @property
    def was_ended_here(self) -> bool:
        """It is this side that ended the connection, not the client's."""
        return self._is_closing

    def received(self, chunk: bytes) -> None:
        """Take bytes off the transport."""
        lane = self.incoming
        lane.push(chunk)
        if lane.waiting_bytes > (0 if lane.is_throttled else _MOST_WAITING):
            self.pause(_FULL)

    def write(self, chunk: bytes) -> None:
        """Say something; nothing happens when the connection is closing."""
        if not self.is_closing:
            self.outgoing.push(chunk)

    def cut_after(self, count: int) -> None:
        """Let ``count`` more bytes go out, then end the connection."""
        self._left_to_cut = count

    def pause(self, reason: str) -> None:
        """Stop reading; as long as there is any reason, nothing is read."""
        if not self._pauses and not self.is_closing:
            self._transport.pause_reading()
        self._pauses.add(reason)

    def resume(self, reason: str) -> None:
        """Take a reason away."""
        if reason in self._pauses:
            self._pauses.discard(reason)
            if not self._pauses and not self.is_closing:
                self._transport.resume_reading()

    def close(self) -> None:
        """Say what is left, then close."""
        self._is_closing = True
        self.outgoing.send_gathered()
        if not self.outgoing.waiting_bytes:
            self._transport.close()

    def abort(self) -> None:
        """Cut the connection."""
        self._is_closing = True
        self._transport.abort()

    def reset(self) -> None:
        """Cut the connection with a TCP reset."""
        connection = self._transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self.abort()

    def ended(self) -> None:
        """Forget what waits; the connection is gone."""
        self._is_closing = True
        self.incoming.cancel()
        self.outgoing.cancel()

    def _came(self, chunk: bytes) -> None:
        if not self.is_closing:
            self._read(chunk)
        if not self.incoming.waiting_bytes:
            self.resume(_FULL)

    def _go(self, chunk: bytes) -> None:
        if self._transport.is_closing():
            return
        if self._left_to_cut is not None:
            chunk = chunk[: self._left_to_cut]
            self._left_to_cut -= len(chunk)
        self._transport.write(chunk)
        cut = self._left_to_cut == 0
        if cut or (self._is_closing and not self.outgoing.waiting_bytes):
            self._is_closing = True
            self._transport.close()
