"""A fault as a value: when it happens, and what happens then.

Times are counted on the market's clock unless ``clock`` says otherwise, so that the same scenario
gives the same faults at any speed; the delays of a line are always seconds of this machine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, time
from enum import Enum
from typing import ClassVar

from apps.domain.errors import InvalidInput

__all__ = [
    "AT_ONCE",
    "Clock",
    "Direction",
    "Effect",
    "Fault",
    "Trigger",
    "When",
    "until_removed",
]

AT_ONCE: float | None = None
"""How long an effect lasts that is over as soon as it has happened."""


class Clock(Enum):
    """Whose seconds a fault is counted in."""

    MARKET = "market"
    WALL = "wall"


class Direction(Enum):
    """Which way bytes or messages go, seen from the gateway."""

    IN = "in"
    OUT = "out"
    BOTH = "both"


class Trigger(Enum):
    """What an effect must be set off by."""

    ANYTHING = "anything"
    MESSAGE = "a message"
    REQUEST = "a request"
    RESPONSE = "a response"


@dataclass(frozen=True, slots=True)
class When:
    """When a fault happens, and whom it concerns.

    Without any key it happens at once. ``at`` is a moment, or a time of day (US/Eastern) that comes
    back every day; ``after_s`` counts from the injection, ``every_s`` repeats. ``on`` names a
    message (placeOrder, orderStatus), or ``request`` or ``response`` for any; it then happens on
    the ``nth`` that fits and on those after it, ``times`` in all (0 for no end), each with
    probability ``chance``. With both a time and ``on``, messages count from that time on.

    The rest narrows it: ``client``, ``order_ref``, ``order_id`` and ``symbol`` both the messages
    that count and what a timed fault acts upon; ``status`` (of an orderStatus or openOrder) and
    ``error_code`` (of an error) the messages alone.
    """

    at: datetime | time | None = None
    after_s: float | None = None
    every_s: float | None = None
    clock: Clock = Clock.MARKET
    on: str = ""
    nth: int = 1
    times: int = 1
    chance: float = 1.0
    client: int | None = None
    order_ref: str = ""
    order_id: int | None = None
    symbol: str = ""
    status: str = ""
    error_code: int | None = None

    def __post_init__(self) -> None:
        if isinstance(self.at, datetime) and self.at.tzinfo is None:
            raise InvalidInput(f"at = {self.at} has no time zone; write 2026-11-20T14:30:00Z")
        if self.at is not None and (self.after_s is not None or self.clock is Clock.WALL):
            raise InvalidInput("at is a time of the market: leave out after_s and clock")
        if (self.after_s or 0) < 0 or (self.every_s is not None and self.every_s <= 0):
            raise InvalidInput("after_s must be 0 or more, every_s above 0")
        if self.nth < 1 or self.times < 0 or not 0 < self.chance <= 1:
            raise InvalidInput("nth must be 1 or more, times 0 or more, chance in (0, 1]")

    @property
    def is_daily(self) -> bool:
        """It comes back at a time of day."""
        return isinstance(self.at, time)


class Effect:
    """Base of all that a fault can do; each is a frozen dataclass of its parameters.

    ``NAME`` is its word in a scenario, ``TRIGGER`` what may set it off, and ``ON`` the message that
    does so where the fault names none.
    """

    __slots__ = ()

    NAME: ClassVar[str]
    TRIGGER: ClassVar[Trigger] = Trigger.ANYTHING
    ON: ClassVar[str] = ""

    @property
    def lasts_s(self) -> float | None:
        """Seconds for which it stands; None for what is over at once, inf until it is removed."""
        return AT_ONCE


def until_removed(for_s: float) -> float:
    """Give how long an effect stands whose parameter ``for_s`` is 0 for no end.

    >>> until_removed(2.5), until_removed(0)
    (2.5, inf)
    """
    if for_s < 0:
        raise InvalidInput("for_s must be 0 (until the fault is removed) or more")
    return for_s or math.inf


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: ``effect`` happens ``when``; ``name`` is how a transcript calls it."""

    effect: Effect
    when: When = When()
    name: str = ""

    def __post_init__(self) -> None:
        effect = self.effect
        effect.lasts_s  # noqa: B018 - it raises for a time that cannot be
        when = self.when
        if not self.on and (when.nth != 1 or when.status or when.error_code is not None):
            raise InvalidInput("nth, status and error_code belong to a message: name it with on")
        if not self.on and effect.TRIGGER is not Trigger.ANYTHING:
            raise InvalidInput(
                f"the fault '{effect.NAME}' happens to {effect.TRIGGER.value}: say which with on"
            )

    @property
    def on(self) -> str:
        """The message that sets it off, '' for none: the fault's own word, or its effect's."""
        return self.when.on or ("" if self._is_timed else self.effect.ON)

    @property
    def _is_timed(self) -> bool:
        if self.effect.TRIGGER is not Trigger.ANYTHING:
            return False
        return self.when.at is not None or self.when.after_s is not None

    @property
    def label(self) -> str:
        """Its name, or else its effect's."""
        return self.name or self.effect.NAME
