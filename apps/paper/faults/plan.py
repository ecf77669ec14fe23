"""Which faults fire, and when: a pure function of the faults, a seed, and what occurs.

    step(plan, occurrence, moment) → (plan, steps)

An occurrence is that time has passed (None) or a message that comes by. A step begins a fault's
effect, or ends one that has stood for its time. Chance is drawn from the seed, the fault's number
and how often it was asked, so that no fault changes the luck of another: the same seed and the same
occurrences give the same steps.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from apps.paper.faults.fault import Clock, Effect, Fault, When
from apps.paper.faults.kinds import ANY_REQUEST, ANY_RESPONSE
from apps.paper.feed.market import Millis

__all__ = ["Armed", "Begin", "End", "Happening", "Moment", "Plan", "Running", "Step", "step"]

_ZONE = ZoneInfo("US/Eastern")
_NEVER = math.inf


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, on both clocks: the market's milliseconds and this machine's seconds."""

    market_ms: Millis
    wall_s: float

    def on(self, clock: Clock) -> float:
        """Give the seconds of one of them."""
        return self.market_ms / 1000 if clock is Clock.MARKET else self.wall_s


@dataclass(frozen=True, slots=True)
class Happening:
    """A message that comes by: its kind and what it is about."""

    kind: str
    is_request: bool
    client_id: int | None = None
    order_id: int | None = None
    order_ref: str = ""
    symbol: str = ""
    status: str = ""
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Armed:
    """A fault that waits: how often it was met, how often it fired, when it is due next."""

    number: int
    fault: Fault
    since: Moment
    due_s: float
    """On the fault's clock: when it fires by itself, or from when on messages count."""
    met: int = 0
    fired: int = 0

    @property
    def waits_for_message(self) -> bool:
        """It is a message that sets it off."""
        return bool(self.fault.on)


@dataclass(frozen=True, slots=True)
class Running:
    """An effect that stands."""

    number: int
    firing: int
    clock: Clock
    until_s: float


@dataclass(frozen=True, slots=True)
class Begin:
    """A fault fires for the ``firing``-th time; ``chance`` gives its effect's own draws."""

    number: int
    fault: Fault
    firing: int
    chance: str

    def draws(self) -> Random:
        """Give the luck of this firing."""
        return Random(self.chance)  # noqa: S311 - repeatable luck is the point


@dataclass(frozen=True, slots=True)
class End:
    """What the ``firing``-th firing of a fault began is over."""

    number: int
    firing: int


Step = Begin | End


@dataclass(frozen=True, slots=True)
class Plan:
    """All faults of a gateway as they stand."""

    seed: int = 1
    armed: tuple[Armed, ...] = ()
    running: tuple[Running, ...] = ()
    next_number: int = 1

    def inject(self, fault: Fault, moment: Moment) -> tuple[Plan, int]:
        """Add a fault; give its number too. Nothing fires before the next `step`."""
        number = self.next_number
        armed = Armed(number, fault, moment, _first_due(fault.when, moment))
        return replace(self, armed=(*self.armed, armed), next_number=number + 1), number

    def remove(self, number: int) -> tuple[Plan, tuple[Step, ...]]:
        """Take a fault away, and end what of it stands; nothing happens if it is gone."""
        ends = tuple(
            End(each.number, each.firing) for each in self.running if each.number == number
        )
        kept = tuple(each for each in self.armed if each.number != number)
        running = tuple(each for each in self.running if each.number != number)
        return replace(self, armed=kept, running=running), ends

    def next_due_s(self, clock: Clock) -> float | None:
        """Give the seconds at which time alone will make something happen, None for never."""
        dues = [each.until_s for each in self.running if each.clock is clock]
        dues += [
            each.due_s
            for each in self.armed
            if each.fault.when.clock is clock and not each.waits_for_message
        ]
        due = min(dues, default=_NEVER)
        return None if due == _NEVER else due

    @property
    def listens(self) -> bool:
        """Some fault waits for a message."""
        return any(each.waits_for_message for each in self.armed)


def step(plan: Plan, happening: Happening | None, moment: Moment) -> tuple[Plan, tuple[Step, ...]]:
    """Take one occurrence: a message, or None for the passing of time; give what comes of it."""
    if happening is None:
        return _passed(plan, moment)
    armed: list[Armed] = []
    running = list(plan.running)
    steps: list[Step] = []
    for each in plan.armed:
        if each.waits_for_message and _fits(each, happening, moment):
            each, began = _met(each, plan.seed)  # noqa: PLW2901 - the fault as it stands after it
            if began is not None:
                steps.append(began)
                running += _stands(each, began, moment)
        if not _is_spent(each):
            armed.append(each)
    return replace(plan, armed=tuple(armed), running=tuple(running)), tuple(steps)


def _passed(plan: Plan, moment: Moment) -> tuple[Plan, tuple[Step, ...]]:
    """End what is over, then fire what is due."""
    steps: list[Step] = []
    running: list[Running] = []
    for standing in plan.running:
        if standing.until_s <= moment.on(standing.clock):
            steps.append(End(standing.number, standing.firing))
        else:
            running.append(standing)
    armed: list[Armed] = []
    for each in plan.armed:
        while not each.waits_for_message and each.due_s <= moment.on(each.fault.when.clock):
            each, began = _met(each, plan.seed)  # noqa: PLW2901 - the fault as it stands after it
            if began is not None:
                steps.append(began)
                running += _stands(each, began, moment)
            each = replace(each, due_s=_next_due(each))  # noqa: PLW2901 - as above
        if not _is_spent(each):
            armed.append(each)
    return replace(plan, armed=tuple(armed), running=tuple(running)), tuple(steps)


def _met(armed: Armed, seed: int) -> tuple[Armed, Begin | None]:
    """Count one occasion; give what begins if it was the right one, and luck would have it."""
    met = replace(armed, met=armed.met + 1)
    when = armed.fault.when
    if met.met < when.nth:
        return met, None
    chance = f"{seed}:{armed.number}:{met.met}"
    if when.chance < 1 and Random(chance).random() >= when.chance:  # noqa: S311 - as above
        return met, None
    fired = replace(met, fired=met.fired + 1)
    return fired, Begin(fired.number, fired.fault, fired.fired, f"{chance}:effect")


def _stands(armed: Armed, began: Begin, moment: Moment) -> Iterable[Running]:
    effect: Effect = armed.fault.effect
    if effect.lasts_s is None:
        return
    clock = armed.fault.when.clock
    yield Running(armed.number, began.firing, clock, _exact(moment.on(clock) + effect.lasts_s))


def _is_spent(armed: Armed) -> bool:
    when = armed.fault.when
    if armed.waits_for_message or when.every_s is not None or when.is_daily:
        return bool(when.times) and armed.fired >= when.times
    return armed.met > 0


def _fits(armed: Armed, happening: Happening, moment: Moment) -> bool:
    fault, when = armed.fault, armed.fault.when
    any_kind = ANY_REQUEST if happening.is_request else ANY_RESPONSE
    if fault.on not in (happening.kind, any_kind) or moment.on(when.clock) < armed.due_s:
        return False
    wanted = (
        (when.client, happening.client_id),
        (when.order_id, happening.order_id),
        (when.order_ref or None, happening.order_ref),
        (when.symbol or None, happening.symbol),
        (when.status or None, happening.status),
        (when.error_code, happening.code),
    )
    return all(want is None or want == got for want, got in wanted)


def _first_due(when: When, moment: Moment) -> float:
    match when.at:
        case datetime():
            return when.at.timestamp()
        case time():
            return _next_time_of_day(when.at, moment.market_ms / 1000)
        case None:
            return _exact(moment.on(when.clock) + (when.after_s or 0.0))


def _next_due(armed: Armed) -> float:
    when = armed.fault.when
    if isinstance(when.at, time):
        return _next_time_of_day(when.at, armed.due_s + 1)
    return _NEVER if when.every_s is None else _exact(armed.due_s + when.every_s)


def _exact(seconds: float) -> float:
    """Give whole milliseconds, so that a due time is met by the market's own."""
    return round(seconds, 3)


def _next_time_of_day(at: time, from_s: float) -> float:
    """Give the first moment at or after ``from_s`` at which clocks in New York show ``at``."""
    day = datetime.fromtimestamp(from_s, _ZONE).date()
    while True:
        due = datetime.combine(day, at, _ZONE).timestamp()
        if due >= from_s:
            return due
        day += timedelta(days=1)
