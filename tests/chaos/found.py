"""Every plan that failed once, and what it found: each of them is a test from then on.

Whole plans rather than seeds: what a seed means changes with the table of faults.
"""

from __future__ import annotations

from tests.chaos.plan import Ending, Phase, Plan, Policy

__all__ = ["FOUND"]

FOUND: tuple[tuple[str, Plan], ...] = (
    (
        "reconciling spun without an await while the link was down: the whole loop stood still",
        Plan(
            seed=138,
            faults=("half-open, requests count",),
            phase=Phase.RESERVING,
            is_long=True,
            watchers=2,
            policy=Policy.TOLD_OF_TIF,
            ending=Ending.TARGET,
            breaks_at_s=40,
            breaks_apart_s=0,
            rests_s=1.5,
            pieces=(4,),
            late_s=0.0,
            apart_s=10.0,
            ends_after_s=16,
            by_hand_after_s=0.0,
        ),
    ),
    (
        "an entry Filled without executions was taken for withdrawn, and its stop cancelled",
        Plan(
            seed=366,
            faults=("executions never told",),
            phase=Phase.RESERVING,
            is_long=False,
            watchers=3,
            policy=Policy.DEFAULT,
            ending=Ending.TARGET,
            breaks_at_s=25,
            breaks_apart_s=0,
            rests_s=0.0,
            pieces=(4,),
            late_s=0.0,
            apart_s=0.0,
            ends_after_s=35,
        ),
    ),
    (
        "the exits of an entry that had filled were cancelled as if they had never been sent",
        Plan(
            seed=274,
            faults=("no word until the link is new",),
            phase=Phase.ARMED,
            is_long=True,
            watchers=3,
            policy=Policy.LATE_CHILDREN,
            ending=Ending.CLOSE,
            breaks_at_s=20,
            breaks_apart_s=0,
            rests_s=1.5,
            pieces=(),
            late_s=0.05,
            apart_s=10.0,
            ends_after_s=41,
        ),
    ),
    (
        "a desk that was killed after the stop's fill never wrote down the end of its sibling",
        Plan(
            seed=587,
            faults=("desk killed",),
            phase=Phase.EXITING,
            is_long=False,
            watchers=1,
            policy=Policy.LATE_CHILDREN,
            ending=Ending.STOP,
            breaks_at_s=35,
            breaks_apart_s=5,
            rests_s=1.5,
            pieces=(),
            late_s=0.0,
            apart_s=3.0,
            ends_after_s=40,
        ),
    ),
    (
        "as before, with a bust in between: exits of a filled entry were taken for never sent",
        Plan(
            seed=895,
            faults=("no word until the link is new", "10225 bust"),
            phase=Phase.CONFIRMING,
            is_long=True,
            watchers=1,
            policy=Policy.TOLD_OF_TIF,
            ending=Ending.TARGET,
            breaks_at_s=20,
            breaks_apart_s=20,
            rests_s=0.0,
            pieces=(),
            late_s=0.05,
            apart_s=10.0,
            ends_after_s=41,
            by_hand_after_s=0.2,
        ),
    ),
    (
        "a partly filled entry, its stop asleep until all is filled, stayed naked too long",
        Plan(
            seed=1173,
            faults=("spike up", "2157 → 2158", "clock skew"),
            phase=Phase.PARTLY_FILLED,
            is_long=True,
            watchers=1,
            policy=Policy.LATE_CHILDREN,
            ending=Ending.STAYS,
            breaks_at_s=35,
            breaks_apart_s=0,
            rests_s=0.0,
            pieces=(6, 1),
            late_s=0.0,
            apart_s=3.0,
            ends_after_s=15,
        ),
    ),
)
