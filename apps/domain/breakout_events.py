"""What happens to a breakout rule, and what it answers: its events and its actions, as values.

At home here: the vocabulary of `apps.domain.breakout`, and the order in which bars are told. What
leads to what is decided there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from apps.domain.bars import Bar
from apps.domain.levels import Direction

__all__ = [
    "Action",
    "BackInside",
    "BarCompleted",
    "BaseBar",
    "BreakLost",
    "Disarmed",
    "DisarmedBy",
    "Enter",
    "EntryRefused",
    "Event",
    "FalseBreak",
    "FalseBreakReason",
    "FirstBar",
    "Missed",
    "Restarted",
    "Skipped",
    "Stop",
    "Triggered",
    "Would",
    "bar_events",
]


class FirstBar(Enum):
    """Why the next live bar is the first of its kind; the value completes a sentence."""

    ARMING = "the first bar after arming"
    GAP = "the first bar after a gap"
    SESSION = "the first bar of the session"


class FalseBreakReason(Enum):
    """Which half of the confirmation was missing; the value completes a sentence."""

    OPENED_INSIDE = "the next bar opened back inside the level"
    CLOSED_INSIDE = "the next bar's first 5 seconds closed back inside the level"


class Would(Enum):
    """What a replayed bar would have done, had it been seen live."""

    TRIGGER = "triggered"
    ENTER = "entered"
    FALSE_BREAK = "shown a false break"


class DisarmedBy(Enum):
    """Why a rule stopped without entering."""

    FALSE_BREAK = "a false break"
    COMMAND = "a command"
    RESTART = "a break that a restart came between"
    REFUSAL = "an entry that was refused"


@dataclass(frozen=True, slots=True)
class BaseBar:
    """A 5-second bar. ``live`` is False for one that was replayed to fill a gap.

    ``after_gap`` and ``session_start`` mark the first live bar after either.
    """

    bar: Bar
    live: bool = True
    halted: bool = False
    after_gap: bool = False
    session_start: bool = False


@dataclass(frozen=True, slots=True)
class BarCompleted:
    """A completed bar of the rule's size; ``live`` if the part that closed it was."""

    bar: Bar
    live: bool = True
    halted: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """The trader, or the desk, ends the watch."""


@dataclass(frozen=True, slots=True)
class Restarted:
    """Nobody watched for a while; a wait for confirmation that was under way is over."""


@dataclass(frozen=True, slots=True)
class EntryRefused:
    """What `Enter` asked for was not sent, nor will be.

    ``stays`` is what a halt of trading asks for: the rule goes on, however it is configured.
    """

    stays: bool = False


Event = BaseBar | BarCompleted | Stop | Restarted | EntryRefused


@dataclass(frozen=True, slots=True)
class Triggered:
    """``bar`` closed at or beyond the level; its confirmation is waited for."""

    bar: Bar


@dataclass(frozen=True, slots=True)
class Enter:
    """The break is confirmed: enter now.

    ``bar`` is the deciding 5-second bar, ``reference`` its close on the tick, ``trigger`` the
    bar that was confirmed.
    """

    direction: Direction
    bar: Bar
    reference: Decimal
    trigger: Bar


@dataclass(frozen=True, slots=True)
class FalseBreak:
    """``bar`` did not confirm the break."""

    bar: Bar
    reason: FalseBreakReason


@dataclass(frozen=True, slots=True)
class Skipped:
    """``bar`` opened at or beyond the level, and it was not seen how the price got there."""

    bar: Bar
    reason: FirstBar


@dataclass(frozen=True, slots=True)
class BackInside:
    """``bar`` came back inside the level; from here on a break counts again."""

    bar: Bar


@dataclass(frozen=True, slots=True)
class Missed:
    """``bar`` was replayed: it only tells what would have happened."""

    bar: Bar
    would: Would


@dataclass(frozen=True, slots=True)
class BreakLost:
    """``trigger`` waited for its confirmation when nobody watched any more: it is missed."""

    trigger: Bar


@dataclass(frozen=True, slots=True)
class Disarmed:
    """The rule stopped without entering."""

    reason: DisarmedBy


Action = Triggered | Enter | FalseBreak | Skipped | BackInside | Missed | BreakLost | Disarmed


def bar_events(base: BaseBar, completed: Iterable[BarCompleted]) -> Iterator[Event]:
    """Put a 5-second bar and the bars that its arrival completed in the order of the rule.

    A bar that was overdue ended before ``base`` began, and goes first: ``base`` may be what
    confirms it. The bar that ``base`` itself closes goes last.
    """
    closed_by_base: list[BarCompleted] = []
    for each in completed:
        if each.bar is base.bar or each.bar.end > base.bar.start:
            closed_by_base.append(each)
        else:
            yield each
    yield base
    yield from closed_by_base
