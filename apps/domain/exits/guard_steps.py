"""What the guard can do about a symbol in trouble, and what it remembers of having done it.

At home here: the values. Which of them comes next is decided in `apps.domain.exits.guard`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum

from apps.domain.orders import Side

__all__ = [
    "CancelExit",
    "CloseSymbol",
    "Correct",
    "GuardAction",
    "GuardProgress",
    "PlaceStop",
    "PlaceTarget",
    "Problem",
    "ReadAgain",
    "Report",
    "ResizeExit",
    "Wait",
    "Well",
]


class Problem(Enum):
    """What the guard can only tell of; the value is said."""

    WAITS_FOR_OPEN = "the rest waits for the regular session"
    SHORT_OF_POSITION = "the account holds less than our trades: their exits are cut to it"
    NOT_CROSSED = "exits have traded more than was entered, but the account's position is not"
    CORRECTION_FAILED = "what exits have traded too much could not be taken back"
    STUCK = "closing it has failed again and again"


@dataclass(frozen=True, slots=True)
class GuardProgress:
    """What the guard knows of its own doings in one symbol, for as long as there is trouble.

    ``since`` are the counted seconds at which each trade's trouble began. The broker was asked
    ``asked`` times, the last of them at ``asked_s``. ``resized`` holds what an order was asked to
    be, and when. ``closings`` counts the exit routines, the last of them begun at ``closed_s``.
    """

    since: Mapping[str, float] = field(default_factory=dict)
    asked: int = 0
    asked_s: float | None = None
    cancelled: frozenset[int] = frozenset()
    resized: Mapping[int, tuple[Decimal, float]] = field(default_factory=dict)
    told: frozenset[tuple[Problem, str]] = frozenset()
    closings: int = 0
    closed_s: float | None = None


@dataclass(frozen=True, slots=True)
class ReadAgain:
    """Ask the broker for open orders, executions and positions."""


@dataclass(frozen=True, slots=True)
class PlaceStop:
    """Send a stop of its own, in a new group; never a second one for the same shares."""

    order_ref: str
    side: Side
    quantity: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True)
class PlaceTarget:
    """Send a take-profit in the group of the stop that works."""

    order_ref: str
    side: Side
    quantity: Decimal
    price: Decimal
    oca_group: str


@dataclass(frozen=True, slots=True)
class ResizeExit:
    """Change an exit's total quantity (filled shares included)."""

    order_ref: str
    order_id: int
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class CancelExit:
    """Cancel an exit that does not work, or protects nothing."""

    order_ref: str
    order_id: int


@dataclass(frozen=True, slots=True)
class Correct:
    """Send a market order that takes back what exits have traded too much."""

    order_ref: str
    side: Side
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class CloseSymbol:
    """Run the exit routine; ``reason`` is a clause that says why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """Tell the trader, once."""

    problem: Problem
    order_ref: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do until the broker says more, or time has passed."""


@dataclass(frozen=True, slots=True)
class Well:
    """There is no trouble."""


GuardAction = (
    ReadAgain
    | PlaceStop
    | PlaceTarget
    | ResizeExit
    | CancelExit
    | Correct
    | CloseSymbol
    | Report
    | Wait
    | Well
)
