"""What comes of a run, and the one crash that it may be about."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum

from tests.chaos.judge import Broken
from tests.chaos.plan import Phase, Plan

__all__ = ["Crash", "Outcome", "Victim"]


class Victim(Enum):
    """Who is killed."""

    DESK = "desk"
    GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class Crash:
    """``victim`` dies right after so many of its writes, counted from the reservation."""

    victim: Victim
    after_writes: int


@dataclass(slots=True)
class Outcome:
    """What came of a run. ``cells`` are the faults that struck, each with its phase."""

    plan: Plan
    broken: list[Broken] = field(default_factory=list)
    cells: set[tuple[str, Phase]] = field(default_factory=set)
    fired: set[str] = field(default_factory=set)
    lines: list[str] = field(default_factory=list)
    writes: Counter[Victim] = field(default_factory=Counter)
    """How often each wrote from the reservation on, to its file and its socket."""

    @property
    def is_good(self) -> bool:
        """Everything held."""
        return not self.broken
