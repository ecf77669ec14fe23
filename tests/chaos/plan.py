"""What a run is to be: everything that is chosen, from its seed.

A plan is a value. The same seed gives the same plan on every machine, and the plan says the whole
story beforehand: which market, which trader, what goes wrong when.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from random import Random
from typing import Protocol

from apps.paper.exchange.policies import (
    BracketPolicy,
    ChildArming,
    ExchangePolicy,
    PartialParentCancel,
    TifNotice,
)

__all__ = [
    "BY_HAND",
    "SYMBOLS",
    "Ending",
    "Phase",
    "Plan",
    "Policy",
    "Striking",
    "cells_of",
    "plan_of",
]

SYMBOLS = ("AAPL", "MSFT", "NVDA")
"""The watchers' symbols, in order: the first is the one whose phases count."""

BY_HAND = "AMD"
"""What the trader enters by hand, at the worst of moments."""


class Phase(Enum):
    """Where in the first intent's life a fault strikes."""

    ARMED = "armed"
    CONFIRMING = "confirming"
    RESERVING = "reserving"
    SENDING = "sending"
    ACKNOWLEDGED = "acknowledged"
    PARTLY_FILLED = "partly filled"
    PROTECTED = "protected"
    EXITING = "exiting"


class Ending(Enum):
    """How the trade is to end, as far as the faults let it."""

    CLOSE = "the trader closes it"
    TARGET = "the market reaches the target"
    STOP = "the market reaches the stop"
    STAYS = "it stays open, with its exits"


class Policy(Enum):
    """What the exchange does where IB leaves it open."""

    DEFAULT = "default"
    LATE_CHILDREN = "children begin when the parent is filled"
    TOLD_OF_TIF = "every DAY order hears 10349"
    CHILDREN_STAY = "children outlive a partly filled parent"

    @property
    def rules(self) -> ExchangePolicy:
        """Give it as the exchange takes it."""
        return _RULES[self]


_RULES = {
    Policy.DEFAULT: ExchangePolicy(),
    Policy.LATE_CHILDREN: ExchangePolicy(BracketPolicy(arming=ChildArming.WHEN_FILLED)),
    Policy.TOLD_OF_TIF: ExchangePolicy(tif_notice=TifNotice.ALWAYS),
    Policy.CHILDREN_STAY: ExchangePolicy(
        BracketPolicy(partial_parent_cancel=PartialParentCancel.CHILDREN_STAY)
    ),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """One run. Times are seconds after the market's start, of the market and the machine alike.

    ``faults`` are names in the table of faults. ``rests_s`` is how long the entry finds nobody to
    trade with, ``pieces`` the sizes in which it then fills ((): at once). ``late_s`` is how long
    after its phase has begun the first fault strikes; each further one comes ``apart_s`` later.
    """

    seed: int
    faults: tuple[str, ...]
    phase: Phase
    is_long: bool
    watchers: int
    policy: Policy
    ending: Ending
    breaks_at_s: int
    breaks_apart_s: int
    rests_s: float
    pieces: tuple[int, ...]
    late_s: float
    apart_s: float
    ends_after_s: int
    by_hand_after_s: float | None = None
    quantity: int = 10
    level: Decimal = Decimal("190.50")


class Striking(Protocol):
    """What a plan has to know of a fault: see `tests.chaos.fault_table.ChaosFault`."""

    @property
    def phases(self) -> frozenset[Phase]:
        """Where it may strike."""

    @property
    def needs_close(self) -> frozenset[Phase]:
        """The phases in which nothing would happen unless the trade is closed by hand."""

    @property
    def needs_exit(self) -> frozenset[Phase]:
        """The phases in which nothing would happen unless the trade ends."""


def cells_of(faults: Mapping[str, Striking]) -> tuple[tuple[str, Phase], ...]:
    """Give every fault at every phase at which it may strike."""
    return tuple(
        (name, phase) for name, fault in faults.items() for phase in Phase if phase in fault.phases
    )


def plan_of(seed: int, faults: Mapping[str, Striking]) -> Plan:
    """Give the plan of a seed: its cell in turn, so that all are reached; the rest by luck.

    The first round through the cells has one fault a run; after it, three of five runs have one
    or two more, whichever.
    """
    random = Random(f"chaos {seed}")  # noqa: S311 - repeatable luck is the point
    cells = cells_of(faults)
    name, phase = cells[seed % len(cells)]
    more = random.choice((0, 0, 1, 1, 2)) if seed >= len(cells) else 0
    others = tuple(random.sample([each for each in faults if each != name], more))
    rests_s, pieces = _fills(random, phase)
    return Plan(
        seed=seed,
        faults=(name, *others),
        phase=phase,
        is_long=random.random() < 0.5,
        watchers=random.randint(1, 3),
        policy=random.choice((Policy.DEFAULT, *Policy)),
        ending=_ending(random, phase, faults[name]),
        breaks_at_s=random.randrange(20, 45, 5),
        breaks_apart_s=random.choice((0, 0, 5, 20)),
        rests_s=rests_s,
        pieces=pieces,
        late_s=random.choice((0.0, 0.0, 0.05, 0.4, 2.0)) if phase in _LASTING else 0.0,
        apart_s=random.choice((0.0, 0.2, 3.0, 10.0)),
        ends_after_s=random.randrange(15, 50),
        by_hand_after_s=random.choice((None, None, 0.0, 0.2, 2.0)),
    )


_LASTING = frozenset({Phase.ARMED, Phase.CONFIRMING, Phase.ACKNOWLEDGED, Phase.PROTECTED})
"""Phases that go on for seconds, so that a fault may strike within them."""


def _fills(random: Random, phase: Phase) -> tuple[float, tuple[int, ...]]:
    """Give how the entry fills: the phase must last long enough to be struck in."""
    match phase:
        case Phase.ACKNOWLEDGED:
            return random.choice((2.5, 5.5, 30.0)), random.choice(((), (4,)))
        case Phase.PARTLY_FILLED:
            return 0.0, random.choice(((3,), (3, 0), (6, 1), (1,)))
        case _:
            return random.choice((0.0, 0.0, 1.5)), random.choice(((), (), (4,)))


def _ending(random: Random, phase: Phase, fault: Striking) -> Ending:
    if phase in fault.needs_close:
        return Ending.CLOSE
    if phase in fault.needs_exit or phase is Phase.EXITING:
        return random.choice((Ending.CLOSE, Ending.TARGET, Ending.STOP))
    return random.choice(tuple(Ending))
