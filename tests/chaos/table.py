"""What a campaign came to, as text: fault by phase, and what did not hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from tests.chaos.campaign import Blocks, Report, Result
from tests.chaos.fault_table import CELLS, FAULTS
from tests.chaos.plan import Phase

__all__ = ["MOST_BLOCKS_A_RUN", "growth_a_run", "markdown", "summary"]

MOST_BLOCKS_A_RUN = 60.0
"""What a process may keep of a run, in blocks: caches that fill up, not what was forgotten."""

_WARM_RUNS = 100
_MOST_LISTED = 40


def markdown(report: Report) -> str:
    """Give the table of faults by phases: runs that struck there, and in bold those that failed."""
    struck: Counter[tuple[str, Phase]] = Counter()
    failed: Counter[tuple[str, Phase]] = Counter()
    for result in report.results:
        struck.update(result.struck)
        if not result.is_good:
            failed.update(result.struck)
    heading = ["fault", *(phase.value for phase in Phase)]
    rows = [
        [name, *(_cell(struck[name, phase], failed[name, phase], (name, phase)) for phase in Phase)]
        for name in FAULTS
    ]
    return "\n".join([_row(heading), _row(["---"] * len(heading)), *map(_row, rows)])


def summary(report: Report) -> str:
    """Say what failed, what never fired, what was never reached, and what memory was like."""
    lines = [f"{len(report.results)} runs, {len(report.failed)} failed"]
    broken = Counter(name for each in report.failed for name in {name for name, _ in each.broken})
    lines += [f"  {count:5d}  {name}" for name, count in broken.most_common()]
    lines += [f"  seed {each.seed}: {_first(each)}" for each in report.failed[:_MOST_LISTED]]
    if len(report.failed) > _MOST_LISTED:
        lines.append(f"  … and {len(report.failed) - _MOST_LISTED} more")
    lines += [f"  never fired: {name}" for name in report.never_fired]
    lines += [f"  never reached: {name}, {phase.value}" for name, phase in report.never_reached]
    growth = growth_a_run(report.blocks)
    if growth is not None:
        lines.append(f"memory: {growth:+.1f} blocks a run, of at most {MOST_BLOCKS_A_RUN:g}")
    return "\n".join(lines)


def growth_a_run(blocks: Iterable[Blocks]) -> float | None:
    """Give by how many blocks a process grew with each run once it was warm; None for too few."""
    by_process: dict[int, list[Blocks]] = {}
    for each in blocks:
        if each.runs >= _WARM_RUNS:
            by_process.setdefault(each.process, []).append(each)
    spans = [(seen[0], seen[-1]) for seen in by_process.values() if seen[-1].runs > seen[0].runs]
    if not spans:
        return None
    return max((last.count - first.count) / (last.runs - first.runs) for first, last in spans)


def _cell(struck: int, failed: int, cell: tuple[str, Phase]) -> str:
    if cell not in CELLS:
        return "–" if not struck else f"({struck})"
    return f"{struck}, **{failed} failed**" if failed else f"{struck}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _first(result: Result) -> str:
    if result.error:
        return result.error.strip().splitlines()[-1]
    return " ".join(result.broken[0][1].split()[1:])[:200]
