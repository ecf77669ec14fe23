"""Whether the desk may open positions: ACTIVE, REDUCING or HALTED, and what moves it.

Pure: `step` takes the state and what happened, and gives the state after it and what is to be
done. Halting only ever goes one way, from ACTIVE over REDUCING to HALTED; nothing but a trader's
`Resume` takes any of it back. Orders that protect or close a position are held back in no state,
so they are not asked about here at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple

from apps.domain.errors import TradingHalted

__all__ = [
    "ACTIVE",
    "Action",
    "Event",
    "Flatten",
    "Flattened",
    "Halt",
    "HaltCause",
    "Keep",
    "Resume",
    "Step",
    "Trading",
    "TradingState",
    "WithdrawEntries",
    "check_opening",
    "step",
]


class TradingState(Enum):
    """What may be opened; the value is shown."""

    ACTIVE = "active"
    REDUCING = "reducing"
    """Only orders that make a position smaller; the account's, whoever bought it."""
    HALTED = "halted"
    """No opening order of any kind."""

    @property
    def severity(self) -> int:
        """How much it holds back: 0 is nothing."""
        return _SEVERITY[self]


_SEVERITY = {TradingState.ACTIVE: 0, TradingState.REDUCING: 1, TradingState.HALTED: 2}


class HaltCause(Enum):
    """Who stopped trading; the value is shown."""

    COMMAND = "the halt command"
    FILE = "the kill file"
    SIGNAL = "a signal"
    UNREADABLE = "a trading state that cannot be read"


@dataclass(frozen=True, slots=True)
class Trading:
    """The state, and why it is so.

    ``since`` is market time (aware UTC), None where it was not known. ``is_flattening``: our
    positions are to be closed, and that has not been seen to its end.
    """

    state: TradingState = TradingState.ACTIVE
    cause: HaltCause | None = None
    reason: str = ""
    since: datetime | None = None
    is_flattening: bool = False

    @property
    def is_active(self) -> bool:
        """Nothing is held back."""
        return self.state is TradingState.ACTIVE

    @property
    def words(self) -> str:
        """Say it in one line, such as ``halted since 2026-11-20 14:31:05 UTC by …``."""
        since = f" since {self.since:%Y-%m-%d %H:%M:%S} UTC" if self.since else ""
        cause = f" by {self.cause.value}" if self.cause else ""
        reason = f" ({self.reason})" if self.reason else ""
        return f"{self.state.value}{since}{cause}{reason}"

    @property
    def way_on(self) -> str:
        """Say how entries are let through again."""
        resume = "`resume` lets entries through again."
        return f"Remove the file; then {resume}" if self.cause is HaltCause.FILE else resume


ACTIVE = Trading()
"""Trading as it is where nobody has stopped it."""


@dataclass(frozen=True, slots=True)
class Halt:
    """Somebody stops trading; ``flatten`` asks for our positions to be closed as well."""

    cause: HaltCause
    to: TradingState = TradingState.HALTED
    flatten: bool = False
    reason: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Resume:
    """The trader lets trading go on."""


@dataclass(frozen=True, slots=True)
class Flattened:
    """What was to be closed is closed, or was given up and told."""


Event = Halt | Resume | Flattened


@dataclass(frozen=True, slots=True)
class Keep:
    """Write the new state down, so that it outlives the desk."""


@dataclass(frozen=True, slots=True)
class WithdrawEntries:
    """Take back every entry that is not filled."""


@dataclass(frozen=True, slots=True)
class Flatten:
    """Close what is ours by the exit routine, once the entries are withdrawn."""


Action = Keep | WithdrawEntries | Flatten


class Step(NamedTuple):
    """What an event led to: the state, and what is to be done in this order."""

    trading: Trading
    actions: tuple[Action, ...] = ()


def step(trading: Trading, event: Event) -> Step:
    """Give the state after ``event``. An event that changes nothing gives the same object back.

    Every halt withdraws again, also one that finds trading halted: what it asks for may not have
    been done. Raises IllegalTransition never: each event has a place in each state.
    """
    return _TABLE[type(event)](trading, event)


def check_opening(trading: Trading, symbol: str, *, only_reduces: bool) -> None:
    """Raise TradingHalted unless an opening order may be sent.

    ``only_reduces``: it can only make the account's position smaller.
    """
    if trading.is_active or (trading.state is TradingState.REDUCING and only_reduces):
        return
    raise TradingHalted(
        f"{symbol}: not sent. Trading is {trading.words}; what protects or closes goes on. "
        f"{trading.way_on}"
    )


def _halt(trading: Trading, event: Halt) -> Step:
    flatten: tuple[Action, ...] = (Flatten(),) if event.flatten else ()
    after = replace(trading, is_flattening=trading.is_flattening or event.flatten)
    if event.to.severity > trading.state.severity:
        after = Trading(event.to, event.cause, event.reason, event.at, after.is_flattening)
    kept: tuple[Action, ...] = () if after == trading else (Keep(),)
    return Step(trading if after == trading else after, (*kept, WithdrawEntries(), *flatten))


def _resume(trading: Trading, _event: Resume) -> Step:
    return Step(trading) if trading.is_active else Step(ACTIVE, (Keep(),))


def _flattened(trading: Trading, _event: Flattened) -> Step:
    if not trading.is_flattening:
        return Step(trading)
    return Step(replace(trading, is_flattening=False), (Keep(),))


# each handler takes the event that it stands beside
_TABLE: Mapping[type[Event], Callable[[Trading, Any], Step]] = {
    Halt: _halt,
    Resume: _resume,
    Flattened: _flattened,
}
