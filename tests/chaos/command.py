"""The command line of the chaos campaign: many seeds and their table, or one seed and its story."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.chaos.campaign import Report, plan_for, results
from tests.chaos.crashes import crash_series
from tests.chaos.kills import kill_series
from tests.chaos.run import run_plan
from tests.chaos.table import MOST_BLOCKS_A_RUN, growth_a_run, markdown, summary

__all__ = ["main"]

_BEGIN, _END = "<!-- campaign: begin -->", "<!-- campaign: end -->"


def main(argv: Sequence[str] | None = None) -> int:
    """Run what was asked for; give 0 when everything held, 1 when something did not."""
    options = _parser().parse_args(argv)
    logging.disable(logging.CRITICAL)  # the story is told in lines of our own
    if options.kill:
        return _series(kill_series(every=options.every))
    if options.crashes:
        return _series(crash_series(every=options.every))
    if options.seed is not None:
        return _one(options.seed, tells=options.verbose)
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    return _campaign(seeds, options.jobs, options.into)


def _one(seed: int, *, tells: bool) -> int:
    outcome = run_plan(plan_for(seed), tells=tells)
    print(f"{outcome.plan}\n")
    for line in outcome.lines:
        print(line)
    for broken in outcome.broken:
        print(broken)
    print("everything held" if outcome.is_good else f"{len(outcome.broken)} did not hold")
    return 0 if outcome.is_good else 1


def _campaign(seeds: Sequence[int], jobs: int, into: Path | None) -> int:
    began_s, report = time.monotonic(), Report()
    for done, blocks in results(seeds, jobs):
        report.results += done
        report.blocks.append(blocks)
        took_s = time.monotonic() - began_s
        counts = f"{len(report.results)} of {len(seeds)} runs, {len(report.failed)} failed"
        print(f"{counts}, {took_s:.0f} s", file=sys.stderr, flush=True)
    said = f"seeds {seeds[0]} to {seeds[-1]}: {summary(report)}"
    print(f"{markdown(report)}\n\n{said}")
    if into is not None:
        _put(into, f"```\n{said}\n```\n\n{markdown(report)}")
    growth = growth_a_run(report.blocks)
    is_flat = growth is None or growth <= MOST_BLOCKS_A_RUN
    is_good = not (report.failed or report.never_fired or report.never_reached)
    return 0 if is_good and is_flat else 1


def _put(path: Path, table: str) -> None:
    """Put the table between its two marks in a document."""
    before, _, rest = path.read_text(encoding="utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    path.write_text(f"{before}{_BEGIN}\n{table}\n{_END}{after}", encoding="utf-8")


def _series(lines: Iterable[tuple[str, bool]]) -> int:
    failed = total = 0
    for text, is_good in lines:
        total += 1
        failed += not is_good
        print(text, flush=True)
    print(f"{total} crashes, {failed} of which left something wrong")
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/chaos",
        description="Let everything go wrong, and see whether the promises hold.",
    )
    parser.add_argument("--seeds", type=int, default=700, help="how many runs (700)")
    parser.add_argument("--first-seed", type=int, default=0, help="the first of them (0)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at once")
    parser.add_argument("--into", type=Path, help="a document whose table is to be renewed")
    parser.add_argument("--seed", type=int, help="one run alone")
    parser.add_argument("-v", "--verbose", action="store_true", help="with its whole story")
    parser.add_argument(
        "--crashes", action="store_true", help="kill desk and gateway after each of their writes"
    )
    parser.add_argument(
        "--kill", action="store_true", help="the same, with processes of their own and kill -9"
    )
    parser.add_argument(
        "--every", type=int, default=1, help="of the crashes, only every so many (1)"
    )
    return parser
