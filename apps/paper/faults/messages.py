"""Effects on single messages, and on what is told of an order."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from apps.domain.errors import InvalidInput
from apps.paper.faults.fault import Effect, Trigger, until_removed

__all__ = [
    "EFFECTS",
    "CancelOrders",
    "Delay",
    "Drop",
    "Duplicate",
    "HoldChildren",
    "MuteOrder",
    "Refuse",
    "RejectOrder",
    "Reorder",
    "RollBackIds",
    "SendError",
    "Until",
]


class Until(Enum):
    """When an order is spoken of again."""

    RECONNECT = "reconnect"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Drop(Effect):
    """The message is lost: a request before it was accepted, a response before it was sent."""

    NAME: ClassVar[str] = "drop"
    TRIGGER: ClassVar[Trigger] = Trigger.MESSAGE


@dataclass(frozen=True, slots=True)
class Delay(Effect):
    """The message comes ``by_s`` later, give or take ``jitter_s``; what follows overtakes it.

    Seconds are of the fault's clock.
    """

    NAME: ClassVar[str] = "delay"
    TRIGGER: ClassVar[Trigger] = Trigger.MESSAGE

    by_s: float = 1.0
    jitter_s: float = 0.0

    def __post_init__(self) -> None:
        if self.by_s < 0 or self.jitter_s < 0:
            raise InvalidInput("by_s and jitter_s must be 0 or more")


@dataclass(frozen=True, slots=True)
class Duplicate(Effect):
    """The message comes ``copies`` times more, right after itself."""

    NAME: ClassVar[str] = "duplicate"
    TRIGGER: ClassVar[Trigger] = Trigger.MESSAGE

    copies: int = 1

    def __post_init__(self) -> None:
        if self.copies < 1:
            raise InvalidInput("copies must be 1 or more")


@dataclass(frozen=True, slots=True)
class Reorder(Effect):
    """The message comes right after the next one of the kind ``behind``, '' for any.

    Of an order's message, the next one of the same order is meant.
    """

    NAME: ClassVar[str] = "reorder"
    TRIGGER: ClassVar[Trigger] = Trigger.MESSAGE

    behind: str = ""


@dataclass(frozen=True, slots=True)
class SendError(Effect):
    """An error or notice is sent, and everything else goes on.

    ``req_id`` is −1 unless given; set off by a message, it is that message's request or order id
    (``req_id = -1`` then says so). ``text`` '' is IB's own for the code. Before a request is
    handled, after a response is sent.
    """

    NAME: ClassVar[str] = "error"

    code: int
    text: str = ""
    req_id: int | None = None


@dataclass(frozen=True, slots=True)
class Refuse(Effect):
    """The request is not handled; its answer is an error under its id.

    ``text`` '' is IB's own for the code.
    """

    NAME: ClassVar[str] = "refuse"
    TRIGGER: ClassVar[Trigger] = Trigger.REQUEST

    code: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class RejectOrder(Effect):
    """The order is rejected as IB does it: error 201, openOrder Inactive, orderStatus Inactive."""

    NAME: ClassVar[str] = "reject_order"
    TRIGGER: ClassVar[Trigger] = Trigger.REQUEST
    ON: ClassVar[str] = "placeOrder"

    reason: str = "The exchange is closed."


@dataclass(frozen=True, slots=True)
class CancelOrders(Effect):
    """The broker cancels working orders by itself (202): that of the message, or all concerned."""

    NAME: ClassVar[str] = "cancel_orders"


@dataclass(frozen=True, slots=True)
class MuteOrder(Effect):
    """The order is accepted and works, but nothing is said of it until its client comes back.

    With ``until = "never"`` nothing is ever said of it. ``family`` takes its children along.
    """

    NAME: ClassVar[str] = "mute_order"
    TRIGGER: ClassVar[Trigger] = Trigger.MESSAGE
    ON: ClassVar[str] = "placeOrder"

    until: Until = Until.RECONNECT
    family: bool = True

    @property
    def lasts_s(self) -> float | None:
        """Until it is removed; what it holds back ends by itself as ``until`` says."""
        return until_removed(0)


@dataclass(frozen=True, slots=True)
class HoldChildren(Effect):
    """What is said of child orders is held back: a parent is filled, and its children seem asleep.

    Set off by a message of a parent, it concerns that parent's children.
    """

    NAME: ClassVar[str] = "hold_children"

    for_s: float = 5.0

    @property
    def lasts_s(self) -> float | None:
        """For so long; then all of it is told."""
        return until_removed(self.for_s)


@dataclass(frozen=True, slots=True)
class RollBackIds(Effect):
    """nextValidId is ``by`` too low, though never below 1."""

    NAME: ClassVar[str] = "roll_back_ids"
    TRIGGER: ClassVar[Trigger] = Trigger.RESPONSE
    ON: ClassVar[str] = "nextValidId"

    by: int = 1

    def __post_init__(self) -> None:
        if self.by < 1:
            raise InvalidInput("by must be 1 or more")


EFFECTS: tuple[type[Effect], ...] = (
    Drop,
    Delay,
    Duplicate,
    Reorder,
    SendError,
    Refuse,
    RejectOrder,
    CancelOrders,
    MuteOrder,
    HoldChildren,
    RollBackIds,
)
