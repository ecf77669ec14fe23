"""How many real-time bars a second the gateway makes and sends, to one client and to eight.

The gateway runs alone, with a market clock that never waits; each client holds 60 contracts. The
floor is a server that writes ready-made frames of the same size to the same clients.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from time import perf_counter

from benchmarks.figures import BenchmarkFailed, Cell, Report, Table, ratio
from benchmarks.raw_client import RawClient
from benchmarks.script import us_stocks
from benchmarks.served import served

__all__ = ["measure"]

_CONTRACTS = 60
_CLIENTS = (1, 8)


@dataclass(frozen=True, slots=True)
class _Flow:
    frames_per_s: float
    bytes_per_frame: float


async def measure(*, quick: bool) -> Report:
    """Give bars a second by number of clients, beside the floor's frames."""
    seconds = 0.3 if quick else 1.5
    rows = [await _row(count, seconds) for count in _CLIENTS]
    columns = (
        "clients",
        "bars/s, all",
        "bars/s, each",
        "bytes a bar",
        "floor frames/s, all",
        "floor / gateway",
    )
    title = f"Real-time bars of {_CONTRACTS} contracts from the gateway ({seconds:g} s)"
    return Report("gateway", (Table(title, columns, tuple(rows)),))


async def _row(count: int, seconds: float) -> tuple[Cell, ...]:
    async with served("benchmarks.flat_out_gateway") as gateway:
        bars = await _flow(gateway.port, count, seconds, subscribe=True)
    async with served("benchmarks.frame_source", str(round(bars.bytes_per_frame))) as source:
        floor = await _flow(source.port, count, seconds, subscribe=False)
    return (
        str(count),
        bars.frames_per_s,
        bars.frames_per_s / count,
        bars.bytes_per_frame,
        floor.frames_per_s,
        ratio(floor.frames_per_s, bars.frames_per_s),
    )


async def _flow(port: int, count: int, seconds: float, *, subscribe: bool) -> _Flow:
    """Count what ``count`` clients are sent in ``seconds``, after a moment of warm-up."""
    clients = [await RawClient.connect(port) for _ in range(count)]
    if subscribe:
        for number, client in enumerate(clients, 1):
            await client.subscribe(number, us_stocks(_CONTRACTS))
    await asyncio.sleep(seconds / 2)
    before, began_s = [(each.frames, each.size) for each in clients], perf_counter()
    await asyncio.sleep(seconds)
    took_s = perf_counter() - began_s
    frames = sum(each.frames for each in clients) - sum(frames for frames, _ in before)
    size = sum(each.size for each in clients) - sum(size for _, size in before)
    for each in clients:
        each.close()
    if not frames:
        raise BenchmarkFailed(f"nothing came for {seconds:g} s")
    return _Flow(frames / took_s, size / frames - 4)
