"""The breakout rule: one level, one direction, at most one entry.

Everything that decides whether a watcher enters lives here, as ``step(rule, state, event)``; the
same step runs live and in replay. Events and actions are values of `apps.domain.breakout_events`,
given again here. Not at home here: order prices and sizes, quotes, clocks, and how 5-second bars
become larger ones (`apps.domain.aggregation`).

The rule. A *completed* bar of the rule's size closes at or beyond the level: the watcher waits
for confirmation. The next bar must open at or beyond the level, and its first 5-second bar must
close there too, for that is the first moment at which anyone can know: it enters. Otherwise the
break was false, and the watcher re-arms or stops, as configured.

What a bar is worth. A bar proves something only if it has trades (``count > 0``), its symbol was
not halted, and its prices are prices: any other neither triggers nor confirms, and a wait goes on
past it. Bars replayed to fill a gap (``live=False``) neither trigger nor confirm either; what
they would have done is told as `Missed`. A wait whose confirming bar was replayed is over.

Where bars begin. After arming, after a gap and at the start of a session, the first live 5-second
bar that proves something is judged by its open: at or beyond the level, the break is not one that
was seen to happen, so it is skipped, and a bar has to close back inside before a break counts.
``gap_entry`` lets such a break count like any other.

Two kinds of event carry bars. `BaseBar` is each 5-second bar, `BarCompleted` a completed bar of
the rule's size; for a rule of 5-second bars the same bar comes as the first and then as the
second. `bar_events` puts them in order, `run` feeds them until the rule is over.

    phase       BaseBar                              BarCompleted                   Stop
    ----------  -----------------------------------  -----------------------------  -------
    ARMED       first one beyond → BEYOND            live, beyond     → CONFIRMING  STOPPED
                                                     replayed, beyond → BEYOND
    CONFIRMING  beyond → ENTERED                     nothing: base bars decide      STOPPED
                not beyond → ARMED, or STOPPED
                first one beyond → BEYOND
                replayed, beyond → BEYOND
                replayed, not beyond → ARMED,
                                     or STOPPED
    BEYOND      first one inside → ARMED             inside → ARMED                 STOPPED
                replayed: what a replayed trigger
                would have led to is told
    ENTERED     illegal                              illegal                        illegal
    STOPPED     illegal                              illegal                        illegal

What is illegal raises IllegalTransition and changes nothing.

Two more events come from outside of the market. `Restarted`: nobody watched for a while. What is
at rest stays there, and the next live bar is judged as after a gap; a wait for confirmation is
over and told as `BreakLost`: → BEYOND, for its price may still be there, or STOPPED, as after a
false break. `EntryRefused` is the one event that ENTERED takes: nothing was sent, so the same
follows, but a halt of trading leaves the rule in BEYOND in any case.

>>> from datetime import UTC, datetime, timedelta
>>> from apps.domain.ticks import TickRule
>>> rule = BreakoutRule(Decimal("190.50"), Direction.LONG, ticks=TickRule.of("0.01"))
>>> def bar(n, open, close):
...     start = datetime(2026, 11, 20, 14, 30, tzinfo=UTC) + timedelta(seconds=5 * n)
...     high, low = max(open, close), min(open, close)
...     return Bar(start, 5, open, high, low, close, volume=900.0, wap=close, count=7)
>>> state = BreakoutState()
>>> for each in (bar(0, 190.40, 190.45), bar(1, 190.45, 190.52), bar(2, 190.53, 190.55)):
...     state, actions = run(rule, state, bar_events(BaseBar(each), [BarCompleted(each)]))
...     print(state.phase.value, [type(action).__name__ for action in actions])
armed []
confirming ['Triggered']
entered ['Enter']
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import Enum
from itertools import zip_longest
from math import inf
from typing import Any, NamedTuple

from apps.domain.bars import BASE_SECONDS, Bar
from apps.domain.breakout_events import (
    Action,
    BackInside,
    BarCompleted,
    BaseBar,
    BreakLost,
    Disarmed,
    DisarmedBy,
    Enter,
    EntryRefused,
    Event,
    FalseBreak,
    FalseBreakReason,
    FirstBar,
    Missed,
    Restarted,
    Skipped,
    Stop,
    Triggered,
    Would,
    bar_events,
)
from apps.domain.calm import Calm
from apps.domain.errors import IllegalTransition, InvalidInput
from apps.domain.levels import Direction
from apps.domain.sessions import Span
from apps.domain.ticks import TickRule

__all__ = [
    "Action",
    "BackInside",
    "BarCompleted",
    "BaseBar",
    "BreakLost",
    "BreakoutRule",
    "BreakoutState",
    "Direction",
    "Disarmed",
    "DisarmedBy",
    "Enter",
    "EntryRefused",
    "Event",
    "FalseBreak",
    "FalseBreakReason",
    "FirstBar",
    "Missed",
    "OnFalseBreak",
    "Phase",
    "Restarted",
    "Skipped",
    "Step",
    "Stop",
    "Triggered",
    "Would",
    "bar_events",
    "calm_bars",
    "parse_on_false_break",
    "run",
    "step",
]


class OnFalseBreak(Enum):
    """What follows a break that was not confirmed; the value is the word that is typed."""

    REARM = "rearm"
    STOP = "stop"


class Phase(Enum):
    """Where a watcher stands; the value is the word that is shown."""

    ARMED = "armed"
    CONFIRMING = "confirming"
    BEYOND = "beyond"
    """The price is already beyond: a bar has to close back inside before a break counts."""
    ENTERED = "entered"
    STOPPED = "stopped"

    is_over: bool
    """Nothing more comes of the rule; it takes no more events."""

    def __init__(self, word: str) -> None:
        self.is_over = word in ("entered", "stopped")


@dataclass(frozen=True, slots=True)
class BreakoutRule:
    """What is watched for; it does not change while it is watched.

    ``level`` is on the tick of ``ticks``; ``bar_seconds`` the size of the bars that trigger.
    ``gap_entry`` lets a break count that was not seen to happen. Raises InvalidInput.
    """

    level: Decimal
    direction: Direction
    bar_seconds: int = BASE_SECONDS
    on_false_break: OnFalseBreak = OnFalseBreak.REARM
    gap_entry: bool = False
    ticks: TickRule = field(default_factory=lambda: TickRule.of("0.01"))
    _unsure_from: float = field(init=False, repr=False, compare=False)
    _unsure_to: float = field(init=False, repr=False, compare=False)
    _is_long: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.level.is_finite() or self.level <= 0:
            raise InvalidInput(f"the level {self.level} is not a price above zero.")
        if not self.ticks.is_on_tick(self.level):
            raise InvalidInput(f"the level {self.level} is not on the instrument's tick.")
        if self.bar_seconds < BASE_SECONDS or self.bar_seconds % BASE_SECONDS:
            raise InvalidInput(f"bars of {self.bar_seconds} s cannot be built of 5-second bars.")
        unsure_from, unsure_to = _unsure_range(self.level, self.ticks)
        object.__setattr__(self, "_unsure_from", unsure_from)
        object.__setattr__(self, "_unsure_to", unsure_to)
        object.__setattr__(self, "_is_long", self.direction is Direction.LONG)

    def is_beyond(self, price: float) -> bool:
        """Tell whether ``price``, on the tick, is at or beyond the level.

        Exactly ``direction.reaches(ticks.nearest(price), level)``; two comparisons of floats
        answer for all prices but those within a tick of the level.
        """
        if price < self._unsure_from:
            return not self._is_long
        if price > self._unsure_to:
            return self._is_long
        return self.direction.reaches(self.ticks.nearest(price), self.level)

    @property
    def inside(self) -> tuple[float, float]:
        """Two prices between which, both left out, every price is surely inside the level."""
        return (-inf, self._unsure_from) if self._is_long else (self._unsure_to, inf)


@dataclass(frozen=True, slots=True)
class BreakoutState:
    """Where the rule stands: a fresh one is armed, with no bar seen yet.

    ``first`` says why the next live bar that proves something is judged by its open, None once
    one was. ``trigger`` is the bar that closed beyond: in CONFIRMING the one to be confirmed, in
    BEYOND a replayed one of which it is still to be told how it would have ended.
    """

    phase: Phase = Phase.ARMED
    first: FirstBar | None = FirstBar.ARMING
    trigger: Bar | None = None


class Step(NamedTuple):
    """What an event led to. A tuple, since one is made for every bar of every watcher."""

    state: BreakoutState
    actions: tuple[Action, ...] = ()


def step(rule: BreakoutRule, state: BreakoutState, event: Event) -> Step:
    """Give the state after ``event``, and what is to be done.

    An uneventful bar gives the same state object back. Raises IllegalTransition for an event that
    the phase has no place for; the state is as it was.
    """
    handler = _TABLE[state.phase].get(type(event))
    if handler is None:
        raise IllegalTransition(
            f"a breakout rule that is {state.phase.value} takes no {type(event).__name__}."
        )
    return handler(rule, state, event)


def run(rule: BreakoutRule, state: BreakoutState, events: Iterable[Event]) -> Step:
    """Feed ``events`` in order; what follows the one that ends the rule is left unread."""
    actions: tuple[Action, ...] = ()
    for event in events:
        if state.phase.is_over:
            break
        state, led_to = step(rule, state, event)
        actions += led_to
    return Step(state, actions)


def calm_bars(rule: BreakoutRule, state: BreakoutState, session: Span) -> Calm | None:
    """Give the bars of which the rule need not be told as it stands; None for none.

    For each live one of them that follows no gap, `run` would give ``state`` back and no action.
    ``session`` is the one whose bars were told so far: the first of another must be.
    """
    if state.phase is not Phase.ARMED or state.first is not None:
        return None
    if rule.bar_seconds != BASE_SECONDS:
        return None  # larger bars are built of all of them
    low, high = rule.inside
    return Calm(session.start, session.end, low, high)


def parse_on_false_break(text: str) -> OnFalseBreak:
    """Read ``rearm`` or ``stop``. Raises InvalidInput."""
    try:
        return OnFalseBreak(text.strip().lower())
    except ValueError:
        raise InvalidInput(
            f"after a false break there is rearm or stop, but not {text!r}."
        ) from None


def _proves_something(event: BaseBar | BarCompleted) -> bool:
    bar = event.bar
    return bar.count > 0 and not event.halted and 0.0 < bar.open < inf and 0.0 < bar.close < inf


def _first_after(state: BreakoutState, event: BaseBar) -> FirstBar | None:
    if not event.live:
        return state.first or FirstBar.GAP
    if event.session_start:
        return FirstBar.SESSION
    return FirstBar.GAP if event.after_gap else state.first


def _false_break(rule: BreakoutRule, bar: Bar) -> FalseBreakReason | None:
    if not rule.is_beyond(bar.open):
        return FalseBreakReason.OPENED_INSIDE
    return None if rule.is_beyond(bar.close) else FalseBreakReason.CLOSED_INSIDE


def _base_bar_at_rest(rule: BreakoutRule, state: BreakoutState, event: BaseBar) -> Step:
    """ARMED and BEYOND: only the first live bar of its kind says anything, by its open."""
    first = _first_after(state, event)
    if first is None:
        return Step(state)
    if not event.live or not _proves_something(event):
        return Step(replace(state, first=first))
    if not rule.is_beyond(event.bar.open):
        came_back = state.phase is Phase.BEYOND
        return Step(BreakoutState(first=None), (BackInside(event.bar),) if came_back else ())
    if rule.gap_entry:
        return Step(BreakoutState(first=None))
    return Step(BreakoutState(Phase.BEYOND, None), (Skipped(event.bar, first),))


def _base_bar_while_beyond(rule: BreakoutRule, state: BreakoutState, event: BaseBar) -> Step:
    if event.live or state.trigger is None or not _follows(state.trigger, event):
        return _base_bar_at_rest(rule, state, event)
    return _missed(_false_break(rule, event.bar), event.bar)


def _base_bar_while_confirming(rule: BreakoutRule, state: BreakoutState, event: BaseBar) -> Step:
    trigger, first, bar = state.trigger, _first_after(state, event), event.bar
    if trigger is None:
        raise IllegalTransition("a breakout rule is confirming, but no bar has triggered it.")
    if not _follows(trigger, event):
        return Step(state if first is state.first else replace(state, first=first))
    reason = _false_break(rule, bar)
    if not event.live:
        ends = reason is not None and rule.on_false_break is OnFalseBreak.STOP
        missed = _missed(reason, bar)
        return _stopped_by_false_break(missed.actions) if ends else missed
    if first is not None and not rule.gap_entry and reason is not FalseBreakReason.OPENED_INSIDE:
        return Step(BreakoutState(Phase.BEYOND, None), (Skipped(bar, first),))
    if reason is None:
        entered = BreakoutState(Phase.ENTERED, None, trigger)
        return Step(entered, (Enter(rule.direction, bar, rule.ticks.nearest(bar.close), trigger),))
    if rule.on_false_break is OnFalseBreak.STOP:
        return _stopped_by_false_break((FalseBreak(bar, reason),))
    return Step(BreakoutState(first=None), (FalseBreak(bar, reason),))


def _follows(trigger: Bar, event: BaseBar) -> bool:
    """Tell whether ``event`` decides about ``trigger``: of a later bar, and worth something."""
    return _proves_something(event) and event.bar.start >= trigger.end


def _missed(reason: FalseBreakReason | None, bar: Bar) -> Step:
    if reason is None:
        return Step(BreakoutState(Phase.BEYOND, FirstBar.GAP), (Missed(bar, Would.ENTER),))
    return Step(BreakoutState(first=FirstBar.GAP), (Missed(bar, Would.FALSE_BREAK),))


def _stopped_by_false_break(told: tuple[Action, ...]) -> Step:
    return Step(BreakoutState(Phase.STOPPED, None), (*told, Disarmed(DisarmedBy.FALSE_BREAK)))


def _bar_completed_while_armed(
    rule: BreakoutRule, state: BreakoutState, event: BarCompleted
) -> Step:
    bar = event.bar
    if not _proves_something(event) or not rule.is_beyond(bar.close):
        return Step(state)
    if not event.live:
        # kept as the trigger, so that the next replayed bar can tell how it would have ended
        return Step(BreakoutState(Phase.BEYOND, FirstBar.GAP, bar), (Missed(bar, Would.TRIGGER),))
    if state.first is not None:
        # its trades came before the gap and nothing was seen since: the next bar is the judge
        return Step(state)
    return Step(BreakoutState(Phase.CONFIRMING, None, bar), (Triggered(bar),))


def _bar_completed_while_confirming(
    _rule: BreakoutRule, state: BreakoutState, _event: BarCompleted
) -> Step:
    return Step(state)


def _bar_completed_while_beyond(
    rule: BreakoutRule, state: BreakoutState, event: BarCompleted
) -> Step:
    if not _proves_something(event) or rule.is_beyond(event.bar.close):
        return Step(state)
    return Step(BreakoutState(first=state.first), (BackInside(event.bar),))


def _stop(_rule: BreakoutRule, _state: BreakoutState, _event: Stop) -> Step:
    return Step(BreakoutState(Phase.STOPPED, None), (Disarmed(DisarmedBy.COMMAND),))


def _restarted_at_rest(_rule: BreakoutRule, state: BreakoutState, _event: Restarted) -> Step:
    return Step(replace(state, first=state.first or FirstBar.GAP))


def _restarted_while_confirming(
    rule: BreakoutRule, state: BreakoutState, _event: Restarted
) -> Step:
    if state.trigger is None:
        raise IllegalTransition("a breakout rule is confirming, but no bar has triggered it.")
    lost = BreakLost(state.trigger)
    if rule.on_false_break is OnFalseBreak.STOP:
        return Step(BreakoutState(Phase.STOPPED, None), (lost, Disarmed(DisarmedBy.RESTART)))
    # the trigger is kept, so that the bars that are replayed tell how it would have ended
    return Step(BreakoutState(Phase.BEYOND, FirstBar.GAP, state.trigger), (lost,))


def _entry_refused(rule: BreakoutRule, _state: BreakoutState, event: EntryRefused) -> Step:
    if rule.on_false_break is OnFalseBreak.STOP and not event.stays:
        return Step(BreakoutState(Phase.STOPPED, None), (Disarmed(DisarmedBy.REFUSAL),))
    return Step(BreakoutState(Phase.BEYOND, None))  # it does not run after the price later on


# the events of a row differ in type, and each handler takes the one that it stands beside
_Handler = Callable[[BreakoutRule, BreakoutState, Any], Step]

_TABLE: Mapping[Phase, Mapping[type[Event], _Handler]] = {
    Phase.ARMED: {
        BaseBar: _base_bar_at_rest,
        BarCompleted: _bar_completed_while_armed,
        Stop: _stop,
        Restarted: _restarted_at_rest,
    },
    Phase.CONFIRMING: {
        BaseBar: _base_bar_while_confirming,
        BarCompleted: _bar_completed_while_confirming,
        Stop: _stop,
        Restarted: _restarted_while_confirming,
    },
    Phase.BEYOND: {
        BaseBar: _base_bar_while_beyond,
        BarCompleted: _bar_completed_while_beyond,
        Stop: _stop,
        Restarted: _restarted_at_rest,
    },
    Phase.ENTERED: {EntryRefused: _entry_refused},
    Phase.STOPPED: {},
}


def _unsure_range(level: Decimal, ticks: TickRule) -> tuple[float, float]:
    """Give the range outside of which a float's side of the level needs no rounding to know.

    Within a band a price moves by at most half an increment when it is rounded, so only the part
    of the band that is that near to the level needs a closer look. The range is widened by far
    more than the error of a float.
    """
    low = high = level
    edges = [band.low_edge for band in ticks.bands[1:]]
    for band, next_edge in zip_longest(ticks.bands, edges):
        half = band.increment / 2
        nearest = max(level - half, band.low_edge)
        farthest = level + half if next_edge is None else min(level + half, next_edge)
        if nearest <= farthest:
            low, high = min(low, nearest), max(high, farthest)
    return float(low) * (1 - 1e-12), float(high) * (1 + 1e-12)
