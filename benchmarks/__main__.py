"""``python -m benchmarks [NAME…] [--quick] [--json]``: take the figures and print them."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Coroutine, Sequence
from time import perf_counter
from typing import Any

from rich.console import Console

from benchmarks import (
    data_load,
    gateway_load,
    gateway_throughput,
    history_slice,
    http_load,
    latency,
    loop_lag,
    memory,
    one_shot,
    restart,
    startup,
)
from benchmarks.figures import BenchmarkFailed, Report, show

__all__ = ["BENCHMARKS", "main"]

BENCHMARKS: dict[str, Callable[..., Coroutine[Any, Any, Report]]] = {
    "latency-one": latency.one,
    "latency-crowd": latency.crowd,
    "latency-burst": latency.burst,
    "loop-lag": loop_lag.measure,
    "memory": memory.measure,
    "start-up": startup.measure,
    "one-shot": one_shot.measure,
    "restart": restart.measure,
    "http": http_load.measure,
    "history-slice": history_slice.measure,
    "data-load": data_load.measure,
    "gateway": gateway_throughput.measure,
    "gateway-load": gateway_load.measure,
}
"""Each under its name on the command line, in the order in which they run."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmarks that are named, or all of them; give the exit code."""
    parser = _parser()
    options = parser.parse_args(argv)
    if unknown := [name for name in options.names if name not in BENCHMARKS]:
        parser.error(f"there is no {unknown[0]}; there are {', '.join(BENCHMARKS)}")
    words = Console(stderr=True)
    taken = []
    for name in options.names or BENCHMARKS:
        began_s = perf_counter()
        try:
            report = asyncio.run(BENCHMARKS[name](quick=options.quick))
        except BenchmarkFailed as failure:
            words.print(f"{name}: {failure}")
            return 1
        words.print(f"{name}: {perf_counter() - began_s:.0f} s", style="dim")
        taken.append(report)
        if not options.json:
            show(report, Console())
    if options.json:
        print(json.dumps([report.as_json() for report in taken]))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Takes the figures of docs/benchmarks.md."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--quick", action="store_true", help="a few rounds only, to see it run")
    parser.add_argument("--json", action="store_true", help="figures as JSON on stdout")
    return parser


if __name__ == "__main__":
    sys.exit(main())
