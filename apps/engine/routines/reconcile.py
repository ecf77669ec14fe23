"""reconcile: the journal held against the broker, and what the broker knows better taken over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.domain.errors import DeskError
from apps.engine.routines.parameters import parameter, switch
from apps.engine.routines.routine import Grounds, Routine

if TYPE_CHECKING:
    from apps.domain.reconciling.findings import Finding

__all__ = ["RECONCILE", "ReconcileRequest", "Reconciliation"]


@dataclass(frozen=True, slots=True)
class ReconcileRequest:
    """What is done about intents of which nobody can tell what became."""

    adopt: bool = parameter(
        "Count as over each open intent of which the broker lists nothing any more, on your word.",
        switch(),
        default=False,
    )


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What was found. ``problems`` are what could not be read, a sentence each.

    ``settled`` are the references of the intents that were counted as over; ``refused`` tells for
    each other one that was asked for why it was not.
    """

    findings: tuple[Finding, ...]
    problems: tuple[str, ...]
    settled: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    @property
    def agrees(self) -> bool:
        """Everything was read, and nothing is left for the trader to look at."""
        return not self.problems and not any(each.needs_the_trader for each in self.findings)


async def _run(grounds: Grounds, request: ReconcileRequest) -> Reconciliation:
    desk = grounds.desk
    found = await desk.reconcile()
    doubtful = {each.order_ref for each in found.findings if each.needs_the_trader}
    if not request.adopt or found.problems or not (doubtful := doubtful - {""}):
        return Reconciliation(found.findings, found.problems)
    settled, refused = [], []
    for order_ref in sorted(doubtful):
        try:
            await desk.settle(order_ref)
        except DeskError as error:
            refused.append(f"{order_ref}: {error.message}")
        else:
            settled.append(order_ref)
    again = await desk.reconcile()
    return Reconciliation(again.findings, again.problems, tuple(settled), tuple(refused))


RECONCILE = Routine(
    name="reconcile",
    meaning="Hold the journal against the broker: orders, executions, positions.",
    explanation="Compare every open intent and position with what the broker says, now. It runs "
    "by itself at the start, after every loss of the link, and every minute. What the broker "
    "knows better is taken over; what is not ours is told and not touched; what nobody can know "
    "but you stays unknown until you say that it is over, for one intent with --settle or for all "
    "of which the broker lists nothing with --adopt.",
    request=ReconcileRequest,
    run=_run,
    examples=("reconcile", "reconcile --json", "reconcile --adopt", "reconcile --settle k3f9a2"),
    is_done=lambda result: result.agrees,
    deciding=frozenset({"adopt"}),
)
