"""Many runs: shared among processes, each seed by itself, and added up in the order of seeds."""

from __future__ import annotations

import gc
import sys
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context

from tests.chaos.fault_table import CELLS, FAULTS, NAMES
from tests.chaos.judge import Broken, Invariant
from tests.chaos.plan import Phase, Plan, plan_of
from tests.chaos.run import run_plan
from tests.chaos.virtual_loop import Stuck

__all__ = ["Blocks", "Report", "Result", "plan_for", "results"]

Cell = tuple[str, Phase]

_CHUNK = 25
"""Runs that a process does before it says so; after each, memory is looked at."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a campaign keeps of a run: no more than can be sent from process to process."""

    seed: int
    struck: frozenset[Cell]
    fired: frozenset[str]
    broken: tuple[tuple[str, str], ...]
    """Invariant and sentence, of each that did not hold."""
    error: str = ""
    """How the run itself failed."""

    @property
    def is_good(self) -> bool:
        """Everything held."""
        return not self.broken and not self.error


@dataclass(frozen=True, slots=True)
class Blocks:
    """Memory blocks of one process after so many runs."""

    process: int
    runs: int
    count: int


@dataclass(slots=True)
class Report:
    """All results so far, and what memory was like."""

    results: list[Result] = field(default_factory=list)
    blocks: list[Blocks] = field(default_factory=list)

    @property
    def failed(self) -> list[Result]:
        """The runs in which something did not hold."""
        return [each for each in self.results if not each.is_good]

    @property
    def never_fired(self) -> list[str]:
        """The faults that never had an effect."""
        fired = {name for each in self.results for name in each.fired}
        return [name for name in NAMES if name not in fired]

    @property
    def never_reached(self) -> list[Cell]:
        """The cells in which no fault ever struck."""
        reached = {cell for each in self.results for cell in each.struck}
        return [cell for cell in CELLS if cell not in reached]


def plan_for(seed: int) -> Plan:
    """Give the plan of a seed, by the table of faults."""
    return plan_of(seed, FAULTS)


def results(seeds: Sequence[int], jobs: int) -> Iterator[tuple[list[Result], Blocks]]:
    """Run all seeds; give what came of each chunk as it is done."""
    chunks = [tuple(seeds[at : at + _CHUNK]) for at in range(0, len(seeds), _CHUNK)]
    if jobs == 1:
        yield from map(_run_chunk, chunks)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("fork")) as pool:
        yield from pool.map(_run_chunk, chunks)


_RUNS = 0


def _run_chunk(seeds: tuple[int, ...]) -> tuple[list[Result], Blocks]:
    global _RUNS  # noqa: PLW0603 - of this process, for its memory is what is looked at
    done = [_result(seed) for seed in seeds]
    _RUNS += len(done)
    gc.collect()
    import os  # noqa: PLC0415

    return done, Blocks(os.getpid(), _RUNS, sys.getallocatedblocks())


def _result(seed: int) -> Result:
    try:
        outcome = run_plan(plan_for(seed))
    except Stuck as stuck:
        broken = Broken(Invariant.ALIVE, 0.0, str(stuck))
        return Result(
            seed, frozenset(), frozenset(), ((Invariant.ALIVE.value, str(broken)),), str(stuck)
        )
    except Exception:  # noqa: BLE001 - a campaign goes on, and says which seed it was
        return Result(seed, frozenset(), frozenset(), (), traceback.format_exc(limit=-3))
    return Result(
        seed,
        frozenset(outcome.cells),
        frozenset(outcome.fired),
        tuple((each.invariant.value, str(each)) for each in outcome.broken),
    )
