"""A crash after each write of a bracket's life: of the desk, and of the gateway.

A write is one to the journal, to the gateway's state file, or to a socket. Each is counted from
the moment at which the intent is reserved; how many there are is found out by a life without a
crash.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from tests.chaos.outcome import Crash, Outcome, Victim
from tests.chaos.plan import Ending, Phase, Plan, Policy
from tests.chaos.run import run_plan

__all__ = ["LIVES", "crash_series", "crashes"]


def _life(ending: Ending, pieces: tuple[int, ...], *, is_long: bool) -> Plan:
    return Plan(
        seed=0,
        faults=(),
        phase=Phase.ARMED,
        is_long=is_long,
        watchers=1,
        policy=Policy.DEFAULT,
        ending=ending,
        breaks_at_s=20,
        breaks_apart_s=0,
        rests_s=0.0,
        pieces=pieces,
        late_s=0.0,
        apart_s=0.0,
        ends_after_s=30,
    )


LIVES = tuple(
    _life(ending, pieces, is_long=is_long)
    for ending, pieces, is_long in product(
        (Ending.CLOSE, Ending.TARGET, Ending.STOP), ((), (4,), (3, 0)), (True, False)
    )
)
"""Entries at once, in pieces, and never whole; out by hand, at the target and at the stop."""


def crashes(life: Plan, *, every: int = 1, first: int = 1) -> Iterator[tuple[Crash, Outcome]]:
    """Live ``life`` once for each crash."""
    whole = run_plan(life)
    for victim in Victim:
        for after in range(first, whole.writes[victim] + 1, every):
            crash = Crash(victim, after)
            yield crash, run_plan(life, crash=crash)


def crash_series(*, every: int = 1) -> Iterator[tuple[str, bool]]:
    """Crash all lives everywhere; give a line for each, and whether everything held."""
    for life in LIVES:
        name = f"{'long' if life.is_long else 'short'}, pieces {life.pieces}, {life.ending.value}"
        for crash, outcome in crashes(life, every=every):
            said = "; ".join(str(each) for each in outcome.broken) or "held"
            yield (
                f"{name}: {crash.victim.value} after {crash.after_writes}: {said}",
                outcome.is_good,
            )
