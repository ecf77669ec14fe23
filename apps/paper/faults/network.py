"""Effects on a connection's bytes, and on whether there is a connection at all."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from apps.domain.errors import InvalidInput
from apps.paper.faults.fault import Direction, Effect, until_removed

__all__ = [
    "EFFECTS",
    "ChangePort",
    "Disconnect",
    "HalfOpen",
    "HoldClientId",
    "How",
    "KeepTurnedAway",
    "Latency",
    "MergeFrames",
    "Parting",
    "Refusal",
    "RefuseConnections",
    "Restart",
    "SilentHandshake",
    "SlowRead",
    "SplitFrames",
    "Stage",
]


class How(Enum):
    """How a connection ends."""

    CLEAN = "clean"
    """What was sent arrives, then the end of the stream."""
    RESET = "reset"
    """A TCP reset: what was under way is lost."""
    MID_FRAME = "mid_frame"
    """The end of the stream within a frame, after ``at_byte`` bytes of it."""


class Parting(Enum):
    """How all connections end at once."""

    CLEAN = "clean"
    RESET = "reset"


class Refusal(Enum):
    """What a client meets that may not connect."""

    CLOSED = "closed"
    """Nobody listens: connection refused."""
    RESET = "reset"
    """The connection is made, and reset at once."""


class Stage(Enum):
    """Where a handshake stops being answered."""

    HELLO = "hello"
    START_API = "startApi"


@dataclass(frozen=True, slots=True)
class Disconnect(Effect):
    """Ends connections: that of the message, or all that the fault concerns.

    A request is handled, but its answers are lost; a response is the last thing sent. With
    ``lose_message`` the request is not handled, or the response not sent.
    """

    NAME: ClassVar[str] = "disconnect"

    how: How = How.CLEAN
    at_byte: int = 5
    lose_message: bool = False

    def __post_init__(self) -> None:
        if self.at_byte < 1:
            raise InvalidInput("at_byte must be 1 or more")


@dataclass(frozen=True, slots=True)
class HalfOpen(Effect):
    """The socket takes bytes and says nothing, and never closes.

    ``handles_requests`` tells whether what comes in still has its effects; the request that sets
    it off has them in any case.
    """

    NAME: ClassVar[str] = "half_open"

    for_s: float = 0.0
    handles_requests: bool = False

    @property
    def lasts_s(self) -> float | None:
        """Until it is removed, or for so long; what was to be said meanwhile is lost."""
        return until_removed(self.for_s)


@dataclass(frozen=True, slots=True)
class RefuseConnections(Effect):
    """Nobody gets in for a time; who is in stays."""

    NAME: ClassVar[str] = "refuse_connections"

    for_s: float = 0.0
    how: Refusal = Refusal.CLOSED

    @property
    def lasts_s(self) -> float | None:
        """Until it is removed, or for so long."""
        return until_removed(self.for_s)


@dataclass(frozen=True, slots=True)
class SilentHandshake(Effect):
    """Clients that come while this stands get no answer to their hello, or to startApi."""

    NAME: ClassVar[str] = "silent_handshake"

    for_s: float = 0.0
    stage: Stage = Stage.HELLO

    @property
    def lasts_s(self) -> float | None:
        """Until it is removed, or for so long."""
        return until_removed(self.for_s)


@dataclass(frozen=True, slots=True)
class SplitFrames(Effect):
    """Bytes go in pieces of ``piece_bytes``, ``gap_s`` of this machine's seconds apart."""

    NAME: ClassVar[str] = "split_frames"

    piece_bytes: int = 1
    gap_s: float = 0.0
    direction: Direction = Direction.OUT
    for_s: float = 0.0

    def __post_init__(self) -> None:
        if self.piece_bytes < 1 or self.gap_s < 0:
            raise InvalidInput("piece_bytes must be 1 or more, gap_s 0 or more")

    @property
    def lasts_s(self) -> float | None:
        """Until it is removed, or for so long."""
        return until_removed(self.for_s)


@dataclass(frozen=True, slots=True)
class MergeFrames(Effect):
    """Bytes wait until ``bytes`` of them are there or ``wait_s`` has passed, then go as one."""

    NAME: ClassVar[str] = "merge_frames"

    bytes: int = 4096
    wait_s: float = 0.05
    direction: Direction = Direction.OUT
    for_s: float = 0.0

    def __post_init__(self) -> None:
        if self.bytes < 1 or self.wait_s <= 0:
            raise InvalidInput("bytes must be 1 or more, wait_s above 0")

    @property
    def lasts_s(self) -> float | None:
        """Until it is removed, or for so long."""
        return until_removed(self.for_s)


@dataclass(frozen=True, slots=True)
class Latency(Effect):
    """Bytes arrive ``delay_s`` later, give or take ``jitter_s``, and in order."""

    NAME: ClassVar[str] = "latency"

    delay_s: float = 0.1
    jitter_s: float = 0.0
    direction: Direction = Direction.BOTH
    for_s: float = 0.0

    def __post_init__(self) -> None:
        if self.delay_s < 0 or self.jitter_s < 0:
            raise InvalidInput("delay_s and jitter_s must be 0 or more")

    @property
    def lasts_s(self) -> float | None:
        """Until it is removed, or for so long."""
        return until_removed(self.for_s)


@dataclass(frozen=True, slots=True)
class SlowRead(Effect):
    """The gateway reads no more than ``bytes_per_s`` of what a client sends."""

    NAME: ClassVar[str] = "slow_read"

    bytes_per_s: int = 1000
    for_s: float = 0.0

    def __post_init__(self) -> None:
        if self.bytes_per_s < 1:
            raise InvalidInput("bytes_per_s must be 1 or more")

    @property
    def lasts_s(self) -> float | None:
        """Until it is removed, or for so long."""
        return until_removed(self.for_s)


@dataclass(frozen=True, slots=True)
class HoldClientId(Effect):
    """A client whose connection ends keeps its id taken (326), as if its old socket stood open."""

    NAME: ClassVar[str] = "hold_client_id"

    for_s: float = 0.0

    @property
    def lasts_s(self) -> float | None:
        """Until it is removed, or for so long; then the gateway notices."""
        return until_removed(self.for_s)


@dataclass(frozen=True, slots=True)
class KeepTurnedAway(Effect):
    """A client that is told 326 or 507 is not let go: its socket stays open, and silent."""

    NAME: ClassVar[str] = "keep_turned_away"

    for_s: float = 0.0

    @property
    def lasts_s(self) -> float | None:
        """Until it is removed, or for so long; then those sockets are closed."""
        return until_removed(self.for_s)


@dataclass(frozen=True, slots=True)
class ChangePort(Effect):
    """Error 1300 to everyone, then all connections end and the gateway listens on another port.

    ``port`` 0 takes a free one.
    """

    NAME: ClassVar[str] = "change_port"

    port: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65_535:
            raise InvalidInput("port must be from 0 to 65535")


@dataclass(frozen=True, slots=True)
class Restart(Effect):
    """All connections end, and nobody gets in for a time: the nightly restart."""

    NAME: ClassVar[str] = "restart"

    for_s: float = 60.0
    how: Parting = Parting.CLEAN

    @property
    def lasts_s(self) -> float | None:
        """For so long nobody gets in."""
        return until_removed(self.for_s)


EFFECTS: tuple[type[Effect], ...] = (
    Disconnect,
    HalfOpen,
    RefuseConnections,
    SilentHandshake,
    SplitFrames,
    MergeFrames,
    Latency,
    SlowRead,
    HoldClientId,
    KeepTurnedAway,
    ChangePort,
    Restart,
)
