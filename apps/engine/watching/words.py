"""What a breakout watcher says of the rule's actions: one line for each kind."""

from __future__ import annotations

from datetime import datetime
from functools import singledispatch

from apps.domain.breakout_events import (
    Action,
    BackInside,
    BreakLost,
    Enter,
    FalseBreak,
    FalseBreakReason,
    FirstBar,
    Missed,
    Skipped,
    Triggered,
)
from apps.domain.levels import Direction, Level
from apps.domain.numerals import priced
from apps.engine.alerts import AlertKind

__all__ = ["words_of"]

Words = tuple[AlertKind, str]


@singledispatch
def words_of(action: Action, symbol: str, level: Level) -> Words:
    """Give the kind and the line of the alert for ``action``."""
    raise NotImplementedError(f"no words for {type(action).__name__} of {symbol} at {level.price}")


def _way(level: Level) -> str:
    return "above" if level.direction is Direction.LONG else "below"


def _clock(at: datetime) -> str:
    return f"{at:%H:%M:%S} UTC"


@words_of.register
def _(action: Triggered, symbol: str, level: Level) -> Words:
    text = (
        f"{symbol} closed at {priced(action.bar.close)}, at or {_way(level)} "
        f"{priced(level.price)}, in the bar of {_clock(action.bar.start)}; waiting for confirmation"
    )
    return AlertKind.TRIGGER, text


@words_of.register
def _(action: Enter, symbol: str, level: Level) -> Words:
    return (
        AlertKind.TRIGGER,
        f"{symbol} confirmed the break of {priced(level.price)} at {priced(action.bar.close)}",
    )


@words_of.register
def _(action: FalseBreak, symbol: str, level: Level) -> Words:
    price = action.bar.open if _opened_inside(action) else action.bar.close
    return (
        AlertKind.FALSE_BREAK,
        f"{symbol} did not hold {priced(level.price)}: {action.reason.value} ({priced(price)})",
    )


@words_of.register
def _(action: Skipped, symbol: str, level: Level) -> Words:
    text = (
        f"{symbol} is already {_way(level)} {priced(level.price)} ({priced(action.bar.open)}) in "
        f"{_of(action.reason)}; skipped until it closes back inside"
    )
    return AlertKind.WARNING, text


@words_of.register
def _(_action: BackInside, symbol: str, level: Level) -> Words:
    return AlertKind.INFO, f"{symbol} is back inside {priced(level.price)}; a break counts again"


@words_of.register
def _(action: Missed, symbol: str, level: Level) -> Words:
    text = (
        f"{symbol} would have {action.would.value} at {priced(level.price)} at "
        f"{_clock(action.bar.start)}, while no bars came"
    )
    return AlertKind.WARNING, text


@words_of.register
def _(action: BreakLost, symbol: str, level: Level) -> Words:
    bar = action.trigger
    text = (
        f"{symbol} closed at {priced(bar.close)}, at or {_way(level)} {priced(level.price)}, in "
        f"the bar of {_clock(bar.start)}, and nobody watched when it was to be confirmed: missed"
    )
    return AlertKind.WARNING, text


def _opened_inside(action: FalseBreak) -> bool:
    return action.reason is FalseBreakReason.OPENED_INSIDE


def _of(reason: FirstBar) -> str:
    return reason.value
