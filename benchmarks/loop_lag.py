"""How late the desk's event loop is, with 500 watchers on 60 contracts of the synthetic market.

The desk stands against a gateway in a process of its own, at the market's own speed and at sixty
times that; and, the hardest, embeds the gateway in its own loop at sixty times the speed.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from benchmarks.desk_settings import desk_settings
from benchmarks.figures import BenchmarkFailed, Cell, Report, Table, percentile, ratio
from benchmarks.loop_lag_sampler import lags_ms
from benchmarks.script import us_stocks
from benchmarks.worker import Worker

__all__ = ["measure"]

_LISTENING = b"paper gateway listening on "
_PERCENTS = (50, 99, 99.9)
_START_S = 10.0


@dataclass(frozen=True, slots=True)
class _Case:
    title: str
    speed: str
    embedded: bool


_CASES = (
    _Case("gateway apart, 1×", "1", embedded=False),
    _Case("gateway apart, 60×", "60", embedded=False),
    _Case("gateway embedded, 60×", "60", embedded=True),
)


async def measure(*, quick: bool) -> Report:
    """Give the lags of each case beside those of a loop that has nothing to do."""
    contracts, watchers, seconds = (8, 40, 0.5) if quick else (60, 500, 6.0)
    idle = await lags_ms(seconds / 2)
    cases = _CASES[-1:] if quick else _CASES
    rows = [
        _row(case.title, await _lags(case, contracts, watchers, seconds), idle) for case in cases
    ]
    title = f"Lag of the event loop, {watchers} watchers on {contracts} contracts ({seconds:g} s)"
    columns = ("desk", *(f"p{each:g} ms" for each in _PERCENTS), "worst ms", "p99.9 / idle loop")
    return Report("loop-lag", (Table(title, columns, (*rows, _row("idle loop", idle, idle))),))


async def _lags(case: _Case, contracts: int, watchers: int, seconds: float) -> list[float]:
    symbols = [listing.symbol for listing in us_stocks(contracts)]
    async with AsyncExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="desk-benchmark-"))
        if case.embedded:
            settings = desk_settings(home, PAPER_SPEED=case.speed)
        else:
            port = await stack.enter_async_context(_paper_gateway("--speed", case.speed))
            settings = desk_settings(home, IB_HOST="127.0.0.1", IB_PORT=str(port))
        worker = Worker.start("benchmarks.desk_process", environment=settings)
        desk = await stack.enter_async_context(worker)
        await desk.ask("look_up", symbols=symbols, level="+25%")
        await desk.ask("crowd", symbols=symbols, watchers=watchers)
        answer = await desk.ask("lag", seconds=seconds)
        lags: list[float] = answer["lags_ms"]
        return lags


@asynccontextmanager
async def _paper_gateway(*words: str) -> AsyncIterator[int]:
    """Run ``python -m apps.paper`` on a free port until the block ends; give the port."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "apps.paper", "--port", "0"),
        *words,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield await _port(process)
    finally:
        process.terminate()
        await process.wait()


async def _port(process: asyncio.subprocess.Process) -> int:
    if process.stdout is None:
        raise BenchmarkFailed("the paper gateway has no stdout")
    async with asyncio.timeout(_START_S):
        line = await process.stdout.readline()
    if not line.startswith(_LISTENING):
        raise BenchmarkFailed(f"the paper gateway did not start: {line!r}")
    return int(line.rpartition(b":")[2])


def _row(title: str, lags: list[float], idle: list[float]) -> tuple[Cell, ...]:
    figures = [percentile(lags, each) for each in _PERCENTS]
    return (title, *figures, max(lags), ratio(figures[-1], percentile(idle, _PERCENTS[-1])))
