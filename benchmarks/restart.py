"""A desk that comes back: from its start to all its watchers at work again.

First a desk arms the watchers, and is quit; then its journal is given a past. The second start is
what is measured: from the process's first breath until the desk is open, and until every watcher
has heard what it missed. IB's pacing is left out, for it is the broker's: sixty watched contracts
are all that it lets anyone subscribe to, and catch up on, in ten minutes. The floor is a desk in an
empty folder.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

from apps.api.state import JOURNAL_NAME
from benchmarks.desk_settings import desk_settings
from benchmarks.figures import Cell, Report, Table, ratio
from benchmarks.journalled import LEGS, fill_journal
from benchmarks.observed_gateway import ObservedGateway, Pace, Wanted
from benchmarks.script import us_stocks
from benchmarks.worker import Worker

__all__ = ["measure"]

_MODULE = "benchmarks.desk_process"
_CLIENT_ID = 1


async def measure(*, quick: bool) -> Report:
    """Give the seconds to ready, with the pacing and without."""
    contracts, watchers, orders, runs = (4, 20, 300, 1) if quick else (60, 500, 10_000, 5)
    wanted = Wanted(pace=Pace.RUNNING.value, unread_bytes=1 << 28)
    with tempfile.TemporaryDirectory(prefix="desk-benchmark-") as folder:
        async with ObservedGateway.start(wanted) as gateway:
            home = Path(folder) / "home"
            settings = _settings(home, gateway.port)
            floors = [(await _start(settings, watchers=0))[0] for _ in range(runs)]
            await _arm(settings, contracts, watchers)
            (journal,) = home.glob(f"*/{JOURNAL_NAME}")
            fill_journal(journal, orders // LEGS, _CLIENT_ID)
            starts = [await _start(settings, watchers=watchers) for _ in range(runs)]
    floor_s = median(floors)
    open_s, ready_s = (median(each) for each in zip(*starts, strict=True))
    rows: list[tuple[Cell, ...]] = [
        ("an empty folder", floor_s, None, None),
        ("desk open", open_s, open_s - floor_s, ratio(open_s, floor_s)),
        ("all watchers ready", ready_s, ready_s - floor_s, ratio(ready_s, floor_s)),
    ]
    columns = ("start until", "median s", "more than empty s", "× empty")
    title = f"{watchers} watchers on {contracts} contracts, {orders} journalled orders"
    return Report("restart", (Table(title, columns, tuple(rows)),))


def _settings(home: Path, port: int) -> dict[str, str]:
    settings = desk_settings(str(home), IB_HOST="127.0.0.1", IB_PORT=str(port))
    return settings | {"BENCHMARK_UNPACED": "1"}


async def _arm(settings: dict[str, str], contracts: int, watchers: int) -> None:
    symbols = [listing.symbol for listing in us_stocks(contracts)]
    async with Worker.start(_MODULE, environment=settings) as desk:
        await desk.ask("look_up", symbols=symbols, level="+5%")
        await desk.ask("crowd", symbols=symbols, watchers=watchers)


async def _start(settings: dict[str, str], *, watchers: int) -> tuple[float, float]:
    """Start a desk; give the seconds until it was open, and until its watchers were ready."""
    began_s = perf_counter()
    async with Worker.start(_MODULE, environment=settings) as desk:
        open_s = perf_counter() - began_s
        await desk.ask("bring_back", watchers=watchers)
        return open_s, perf_counter() - began_s
