"""The desk over HTTP: what it adds to a routine, and what a crowd of callers does to the watchers.

Three processes: the gateway on a scripted market (this one), the desk, which serves, and the
callers. Fifty watchers are armed; every two seconds one fires, and is timed from the bar on the
wire to the bracket on the wire, first with nobody calling, then with all of them.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from benchmarks.figures import BenchmarkFailed, Cell, Report, Table, percentile
from benchmarks.latency import DeskSide, Plan, desk_worker
from benchmarks.script import LEVEL
from benchmarks.timed_gateway import TimedGateway
from benchmarks.worker import Worker

__all__ = ["measure"]

_WATCHERS = 50
_PERCENTS = (50, 90, 99)
_BLOCK = 25


@dataclass(frozen=True, slots=True)
class _Size:
    callers: int
    requests: int
    portion: int
    asked: int
    rounds: int
    every_s: float
    """Between two watchers that fire. Each leaves a trade behind, which answers then tell of."""


_FULL = _Size(callers=64, requests=1_000, portion=20, asked=400, rounds=40, every_s=2.0)
_QUICK = _Size(callers=8, requests=20, portion=10, asked=25, rounds=4, every_s=0.2)


async def measure(*, quick: bool) -> Report:
    """Give what HTTP adds, what the crowd was answered, and what the watchers noticed of it."""
    size = _QUICK if quick else _FULL
    plan = Plan("http", "", contracts=4 if quick else _WATCHERS, watchers=_WATCHERS)
    async with AsyncExitStack() as stack:
        script = plan.script(has_triggers=True)
        gateway = await stack.enter_async_context(TimedGateway.follow(script))
        unlimited = {"HTTP_PORT": "0", "HTTP_REQUESTS_PER_S": "1000000"}
        desk = await stack.enter_async_context(desk_worker(gateway, **unlimited))
        callers = await stack.enter_async_context(Worker.start("benchmarks.http_clients"))
        await desk.ask("look_up", symbols=plan.symbols, level=str(LEVEL))
        await desk.ask("crowd", symbols=plan.symbols, watchers=plan.watchers - 1)
        where = await desk.ask("serve_http")
        at = {"port": int(where["address"].rpartition(":")[2]), "token": where["token"]}
        added = await _added(desk, callers, at, size)
        side = DeskSide(gateway, desk, plan, script)
        await side.arm(0)
        await side.prepare(0)
        calm_ns, number = await _rounds(side, 0, size.every_s, lambda fired: fired < size.rounds)
        crowd = asyncio.create_task(_crowd(callers, at, size))
        crowded_ns, _ = await _rounds(side, number, size.every_s, lambda _: not crowd.done())
        return Report("http", (added, _answered(await crowd, size), _fired(calm_ns, crowded_ns)))


async def _added(desk: Worker, callers: Worker, at: dict[str, Any], size: _Size) -> Table:
    """Run the routine and call it, in turns."""
    alone_ms: list[float] = []
    called_ms: list[float] = []
    for _ in range(0, size.asked, _BLOCK):
        alone_ms += (await desk.ask("summaries", times=_BLOCK))["took_ms"]
        answer = await callers.ask("one_by_one", path="/summary", times=_BLOCK, **at)
        called_ms += answer["took_ms"]
    alone, called = _row("the routine, in the desk", alone_ms), _row("GET /summary", called_ms)
    more = [each - of for each, of in zip(_figures(called_ms), _figures(alone_ms), strict=True)]
    columns = ("summary", *(f"p{each} ms" for each in _PERCENTS), "worst ms")
    rows = (alone, called, ("added by HTTP", *more[:-1], None))
    return Table(f"A routine over HTTP ({len(called_ms)} times)", columns, rows)


async def _crowd(callers: Worker, at: dict[str, Any], size: _Size) -> dict[str, Any]:
    """Have the crowd ask, a portion at a time."""
    statuses: Counter[str] = Counter()
    took_ms: list[float] = []
    began_s = perf_counter()
    for seed in range(size.requests // size.portion):
        answer = await callers.ask(
            "crowd", callers=size.callers, requests=size.portion, seed=seed, **at
        )
        statuses.update(answer["statuses"])
        took_ms += answer["took_ms"]
    return {"statuses": statuses, "took_ms": took_ms, "took_s": perf_counter() - began_s}


async def _rounds(
    side: DeskSide, number: int, every_s: float, goes_on: Callable[[int], bool]
) -> tuple[list[int], int]:
    """Fire one watcher after the other; give what each took, and the number of the next."""
    took_ns: list[int] = []
    loop = asyncio.get_running_loop()
    next_s = loop.time() + every_s
    while goes_on(len(took_ns)):
        await asyncio.sleep(next_s - loop.time())
        next_s = max(next_s, loop.time()) + every_s
        took_ns.append(await side.fire(number))
        await side.tidy(number)
        number += 1
        await side.prepare(number)
    return took_ns, number


def _answered(crowd: dict[str, Any], size: _Size) -> Table:
    asked = size.callers * (size.requests // size.portion) * size.portion
    statuses: Counter[str] = crowd["statuses"]
    if statuses != {"200": asked}:
        raise BenchmarkFailed(f"of {asked} requests not all were answered by 200: {statuses}")
    row = _row(f"{size.callers} callers", crowd["took_ms"])
    title = f"{asked:,} requests, all answered"
    columns = ("crowd", "requests/s", *(f"p{each} ms" for each in _PERCENTS), "worst ms")
    return Table(title, columns, ((row[0], asked / crowd["took_s"], *row[1:]),))


def _fired(calm_ns: list[int], crowded_ns: list[int]) -> Table:
    rows = (
        _row(f"nobody calls ({len(calm_ns)} rounds)", [each / 1e6 for each in calm_ns]),
        _row(f"the crowd calls ({len(crowded_ns)} rounds)", [each / 1e6 for each in crowded_ns]),
    )
    columns = ("bar to bracket", *(f"p{each} ms" for each in _PERCENTS), "worst ms")
    return Table(f"{_WATCHERS} watchers meanwhile", columns, rows)


def _figures(took_ms: list[float]) -> list[float]:
    return [*(percentile(took_ms, each) for each in _PERCENTS), max(took_ms)]


def _row(name: str, took_ms: list[float]) -> tuple[Cell, ...]:
    return (name, *_figures(took_ms))
