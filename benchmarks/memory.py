"""What a watcher weighs, and whether the desk grows with the bars that it sees.

The desk runs in its own process; this one is the gateway, and sends a quiet bar of each of 60
contracts as fast as the desk takes them. Blocks are what Python's allocator holds: an object
that is kept for each bar shows as a block a bar.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from benchmarks.figures import Cell, Report, Table, ratio
from benchmarks.latency import desk_worker
from benchmarks.script import BAR_MS, SCRIPT_START, Script, us_stocks
from benchmarks.timed_gateway import TimedGateway
from benchmarks.worker import Answer, Worker

__all__ = ["measure"]

_STEPS_AT_ONCE = 20
_KIB = 1024


async def measure(*, quick: bool) -> Report:
    """Give the memory held after so many bars, and with so many more watchers."""
    contracts, watchers = (8, 100) if quick else (60, 1000)
    marks = (100, 500, 1000) if quick else (10_000, 25_000, 50_000, 75_000, 100_000)
    listings = us_stocks(contracts)
    symbols = [listing.symbol for listing in listings]
    script = Script(crowd=frozenset(listing.con_id for listing in listings), steady=True)
    async with (
        TimedGateway.follow(script) as gateway,
        desk_worker(gateway) as desk,
    ):
        await desk.ask("look_up", symbols=symbols, level="+25%")
        await desk.ask("crowd", symbols=symbols, watchers=contracts)
        held = [(bars, memory) async for bars, memory in _fed(gateway, desk, contracts, marks)]
        await desk.ask("trace")
        await desk.ask("crowd", symbols=symbols, watchers=watchers)
        grown = await desk.ask("memory")
    return Report("memory", (_over_bars(contracts, held), _per_watcher(watchers, grown)))


async def _fed(
    gateway: TimedGateway, desk: Worker, contracts: int, marks: tuple[int, ...]
) -> AsyncIterator[tuple[int, Answer]]:
    """Feed bars up to each mark, and give what the desk holds then."""
    sent, at = 0, SCRIPT_START
    for mark in marks:
        while sent < mark:
            for _ in range(_STEPS_AT_ONCE):
                at += BAR_MS
                gateway.advance_to(at)
                sent += contracts
                await asyncio.sleep(0)
            await desk.ask("reach", at=datetime.fromtimestamp(at / 1000, UTC).isoformat())
        yield sent, await desk.ask("memory")


def _over_bars(contracts: int, held: list[tuple[int, Answer]]) -> Table:
    bars_at_first, first = held[0]
    rows: list[tuple[Cell, ...]] = [
        (
            f"{bars:,}",
            memory["blocks"],
            ratio(memory["blocks"] - first["blocks"], bars - bars_at_first),
            memory["resident"] / _KIB,
            ratio(memory["resident"] - first["resident"], bars - bars_at_first),
        )
        for bars, memory in held
    ]
    title = f"Memory of the desk over bars of {contracts} contracts, a watcher each"
    columns = ("after bars", "blocks", "more a bar", "resident KiB", "more bytes a bar")
    return Table(title, columns, tuple(rows))


def _per_watcher(watchers: int, grown: Answer) -> Table:
    title = "Memory of one more watcher on a contract that is watched already"
    each = grown["traced"] / watchers / _KIB
    return Table(title, ("watchers armed", "KiB each"), ((f"{watchers:,}", each),))
