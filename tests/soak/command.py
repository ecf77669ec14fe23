"""The command line of the soak: a week of the market's, day by day, and what must not be."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from tests.soak.week import Day, Soak

__all__ = ["main"]

_MONDAY = datetime(2026, 11, 23, 14, 25, tzinfo=UTC)
"""Five minutes before the open; Thursday is a holiday, and Friday ends early."""

_MIB = 1024 * 1024
_HEADING = (
    "day           bars  watching  trades  epochs  clock off s    blocks  tasks  sockets  "
    "streams  journal MiB  machine s"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Soak; give 0 when nothing was broken, 1 when something was."""
    options = _parser().parse_args(argv)
    logging.disable(logging.CRITICAL)  # a restart each night is what the soak is for
    soak = Soak(
        _MONDAY,
        _MONDAY + timedelta(days=options.days),
        crowd=options.watchers - options.traders,
        traders=options.traders,
        seed=options.seed,
    )
    print(f"{options.days} days from {_MONDAY:%A %d %B %Y}, {options.watchers} watchers")
    print(_HEADING, flush=True)
    story = soak.run(_tell)
    for text in story.broken:
        print(f"broken: {text}")
    for alert in story.errors:
        print(f"the desk said: {alert.text}")
    print("nothing was broken" if not story.broken else f"{len(story.broken)} broken")
    return 1 if story.broken else 0


def _tell(day: Day) -> None:
    print(
        f"{day.date} {day.bars:8,} {day.watching:9} {day.trades:7} {day.epochs:7} "
        f"{day.drift_s:12.1f} {day.blocks:9,} {day.tasks:6} {day.sockets:8} {day.streams:8} "
        f"{day.journal_bytes / _MIB:12.1f} {day.machine_s:10.0f}",
        flush=True,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    parser.add_argument("--days", type=int, default=7, help="how many, weekends too (7)")
    parser.add_argument("--watchers", type=int, default=200, help="at once, at least (200)")
    parser.add_argument(
        "--traders", type=int, default=20, help="of them near the price, anew each session (20)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the market (1)")
    return parser
