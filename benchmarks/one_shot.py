"""A single command against a gateway: how long from start to exit, and where it goes.

``summary --json`` against a gateway in a process of its own, each time with a client id that was
not used before: IB's side frees one with a delay, which the desk keeps. What it does when is read
off its log. The floor is an interpreter that does nothing.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.desk_settings import desk_settings
from benchmarks.figures import BenchmarkFailed, Report, Table, ratio
from benchmarks.observed_gateway import ObservedGateway, Pace, Wanted
from benchmarks.started import start

__all__ = ["measure"]

_WORDS = ("summary", "--json")
_STAGES = ("Connecting to", "API connection ready", "Synchronised", "Disconnecting")
_PARTS = (
    "interpreter",
    "imports, settings, journal",
    "handshake",
    "IB's synchronisation",
    "the desk's opening, and the requests",
    "disconnecting, and the end",
)


async def measure(*, quick: bool) -> Report:
    """Give the whole of it, and its parts in the order in which they come."""
    wanted = Wanted(pace=Pace.RUNNING.value)
    async with ObservedGateway.start(wanted) as gateway:
        return await asyncio.to_thread(_measure, gateway.port, 1 if quick else 10)


def _measure(port: int, runs: int) -> Report:
    floor_s: list[float] = []
    seen: list[_Run] = []
    with tempfile.TemporaryDirectory(prefix="desk-benchmark-") as home:
        for number in range(runs + 1):
            floor_s.append(start([sys.executable, "-c", "pass"], dict(os.environ)).took_s)
            seen.append(_run(port, Path(home), number + 1))
    # the first one makes the state folder, and what Python keeps of compiled modules
    floor, kept = statistics.median(floor_s[1:]), seen[1:]
    whole = statistics.median(each.took_s for each in kept)
    fastest = min(each.took_s for each in kept)
    rows = [("all", whole * 1000, fastest * 1000, ratio(whole, floor))]
    parts = [_median(each.parts_s(floor)[place] for each in kept) for place in range(len(_PARTS))]
    spent = [
        (name, part * 1000, part / whole * 100) for name, part in zip(_PARTS, parts, strict=True)
    ]
    return Report(
        "one-shot",
        (
            Table(f"summary --json (runs: {runs})", _COLUMNS, tuple(rows)),
            Table("Where it goes (medians)", ("part", "ms", "%"), tuple(spent)),
        ),
    )


_COLUMNS = ("start to exit", "median ms", "fastest ms", "× the floor")


@dataclass(frozen=True, slots=True)
class _Run:
    """One run: when it began, what it took, and when each stage was logged (of the epoch)."""

    began_at: float
    took_s: float
    stages: tuple[float, ...]

    def parts_s(self, floor_s: float) -> tuple[float, ...]:
        """Give what each part took."""
        connecting, ready, synchronised, leaving = self.stages
        return (
            floor_s,
            connecting - self.began_at - floor_s,
            ready - connecting,
            synchronised - ready,
            leaving - synchronised,
            self.began_at + self.took_s - leaving,
        )


def _run(port: int, home: Path, client_id: int) -> _Run:
    log = home / f"{client_id}.log"
    settings = desk_settings(
        str(home),
        IB_HOST="127.0.0.1",
        IB_PORT=str(port),
        IB_CLIENT_ID=str(client_id),
        LOG_LEVEL="INFO",
        LOG_FILE=str(log),
    )
    began_at = time.time()
    took = start([sys.executable, "-m", "apps.api.cli", *_WORDS], {**os.environ, **settings})
    return _Run(began_at, took.took_s, tuple(_logged_at(log, words) for words in _STAGES))


def _logged_at(log: Path, words: str) -> float:
    lines = [line for line in log.read_text(encoding="utf-8").splitlines() if words in line]
    if not lines:
        raise BenchmarkFailed(f"{log.name} has no line with {words!r}")
    whole, _, millis = " ".join(lines[0].split(" ", 2)[:2]).partition(",")
    return time.mktime(time.strptime(whole, "%Y-%m-%d %H:%M:%S")) + int(millis) / 1000


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)
