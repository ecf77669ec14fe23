"""The command line of the fuzzer: a campaign, its progress, and what it found."""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz.campaign import Campaign, Finding, Mark, Outcome

__all__ = ["main"]

_MOST_FRAMES = 5_000_000
"""The market's session ends some time after as many."""

_MIB = 1024 * 1024
_HEADING = "   frames  frames/s  resident MiB   blocks  beyond orders    orders   trades  findings"


def main(argv: Sequence[str] | None = None) -> int:
    """Run a campaign; give 0 when it found nothing, 1 when it did."""
    parser = _parser()
    options = parser.parse_args(argv)
    if not 0 < options.frames <= _MOST_FRAMES:
        parser.error(f"--frames is 1 to {_MOST_FRAMES:,}, not {options.frames}")
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    campaign = Campaign(seed, options.frames, options.first, orders=not options.without_orders)
    print(f"seed {seed}: {options.frames:,} damaged frames, from attack {options.first} on")
    print(_HEADING, flush=True)
    with tempfile.TemporaryDirectory(prefix="desk-fuzz-") as folder:
        errors = Path(folder) / "stderr"
        errors.touch()
        outcome = asyncio.run(campaign.run(errors, _tell, _tell_finding))
    _sum_up(campaign, outcome)
    return 1 if outcome.findings else 0


def _tell(mark: Mark, outcome: Outcome) -> None:
    speed = mark.frames / mark.seconds if mark.seconds else 0
    print(
        f"{mark.frames:9,} {speed:9,.0f} {mark.resident / _MIB:13.1f} {mark.blocks:8,} "
        f"{mark.beyond:14,} {mark.orders:9,} {mark.trades:8,} {len(outcome.findings):9,}",
        flush=True,
    )


def _sum_up(campaign: Campaign, outcome: Outcome) -> None:
    print(
        f"{outcome.attacks:,} attacks with {outcome.frames:,} damaged frames; "
        f"{outcome.heard:,} frames came back; the neighbour had {outcome.lives:,} orders"
    )
    if outcome.findings:
        first = outcome.findings[0].attack
        print(
            f"{len(outcome.findings)} findings. Once more from the first of them, or all of it: "
            f"scripts/fuzz --seed {campaign.seed} [--first {first}] --frames {campaign.frames}"
        )
    else:
        print("nothing was found")


def _tell_finding(finding: Finding) -> None:
    print(f"after attack {finding.attack}: {finding.text}", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/fuzz",
        description="Send damaged frames to a paper gateway, and see that it and others are well.",
    )
    parser.add_argument("--frames", type=int, default=100_000, help="how many (100000)")
    parser.add_argument("--seed", type=int, help="which ones (drawn, and printed)")
    parser.add_argument("--first", type=int, default=0, help="number of the first attack (0)")
    parser.add_argument(
        "--without-orders", action="store_true", help="so that memory can be seen to be flat"
    )
    return parser
