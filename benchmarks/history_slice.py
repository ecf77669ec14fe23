"""A day's slice out of five million stored bars, beside pyarrow reading that day's file bare.

The store holds so many 5-second bars of one stock, a file for each day. A day is asked for, each
time another one: as columns, which is what the store adds to the reading of a file (finding it,
checking each byte of it, cutting out what was asked for), and as the desk's own bars, which pyarrow
alone does not make. The floor is ``ParquetFile(path).read`` of the same files, in turn with it, in
one thread: for files of this size that is quicker than in several.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from apps.domain.history.series import Series, What
from apps.domain.instruments import InstrumentKind
from apps.domain.sessions import Span
from apps.store.history.bar_file import microseconds, schema
from apps.store.history.store import HistoryStore
from benchmarks.figures import Cell, Report, Table, percentile, ratio

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["measure"]

_SERIES = Series(265598, "AAPL", InstrumentKind.STOCK, "NASDAQ", "USD", What.TRADES, 5)
_NEW_YORK = ZoneInfo("America/New_York")
_FIRST_DAY = date(2022, 1, 3)
_BARS_A_DAY = 4_680
_WEEKDAYS = 5
_SEED = 1


async def measure(*, quick: bool) -> Report:
    """Give the milliseconds of a day's slice, and of the floor."""
    return await asyncio.to_thread(_measured, 20 if quick else 1_069, 40 if quick else 400)


def _measured(days: int, rounds: int) -> Report:
    import pyarrow.parquet as pq  # noqa: PLC0415 - loaded for this one alone

    with tempfile.TemporaryDirectory(prefix="history-benchmark-") as folder:
        home = Path(folder)
        with HistoryStore.open(home) as store:
            sessions = _sessions(days)
            _fill(store, sessions)
            bars = store.stored(_SERIES).bars
            files = {path.name[:10]: path for path in home.glob("*/*/*.parquet")}

            def bare(session: Span) -> object:
                path = files[f"{session.start:%Y-%m-%d}"]
                return pq.ParquetFile(path).read(use_threads=False)

            acts: dict[str, Callable[[Span], object]] = {
                "pyarrow, the file bare": bare,
                "the store, columns": lambda each: store.table(_SERIES, each.start, each.end),
                "the store, bars": lambda each: store.bars(_SERIES, each.start, each.end),
            }
            taken = _in_turn(list(acts.values()), sessions, rounds)
    floor_ms = median(taken[0])
    rows: list[tuple[Cell, ...]] = [
        (name, median(each), percentile(each, 99), ratio(median(each), floor_ms))
        for name, each in zip(acts, taken, strict=True)
    ]
    columns = ("a day by", "p50 ms", "p99 ms", "× bare")
    title = f"{_BARS_A_DAY:,} of {bars:,} bars in {days:,} files"
    return Report("history-slice", (Table(title, columns, tuple(rows)),))


def _in_turn(
    acts: Sequence[Callable[[Span], object]], sessions: Sequence[Span], rounds: int
) -> list[list[float]]:
    chance = random.Random(_SEED)  # noqa: S311 - which day, not a secret
    taken: list[list[float]] = [[] for _ in acts]
    for each in acts:
        each(sessions[0])
    for _ in range(rounds):
        session = chance.choice(sessions)
        for act, taken_ms in zip(acts, taken, strict=True):
            began_s = perf_counter()
            act(session)
            taken_ms.append((perf_counter() - began_s) * 1000)
    return taken


def _sessions(days: int) -> list[Span]:
    found: list[Span] = []
    day = _FIRST_DAY
    while len(found) < days:
        if day.weekday() < _WEEKDAYS:
            opens = datetime.combine(day, time(9, 30), _NEW_YORK).astimezone(UTC)
            found.append(Span(opens, opens + timedelta(hours=6, minutes=30)))
        day += timedelta(days=1)
    return found


def _fill(store: HistoryStore, sessions: Sequence[Span]) -> None:
    chance = random.Random(_SEED)  # noqa: S311 - prices, not secrets
    price = 100.0
    for session in sessions:
        rows = []
        start = microseconds(session.start)
        for nth in range(_BARS_A_DAY):
            opened, price = price, round(max(1.0, price + chance.gauss(0, 0.03)), 2)
            high, low = max(opened, price) + 0.02, min(opened, price) - 0.02
            volume = float(chance.randrange(100, 20_000))
            wap = round((opened + price) / 2, 4)
            at = start + nth * 5_000_000
            rows.append((at, opened, high, low, price, volume, wap, chance.randrange(1, 90)))
        store.add_tables([(_SERIES, (session,), _table(rows))])


def _table(rows: Sequence[tuple[float, ...]]) -> pa.Table:
    import pyarrow as pa  # noqa: PLC0415

    arrays = [
        pa.array(column, pa.int64()).cast(each.type) if each.name == "start"
        else pa.array(column, each.type)
        for column, each in zip(zip(*rows, strict=True), schema(), strict=True)
    ]  # fmt: skip
    return pa.Table.from_arrays(arrays, schema=schema())
