"""The form of a file of bars: Parquet, rows rising by start, no start twice.

Each page carries a checksum of its own and the catalogue one of the whole file, with its size: a
file is compared with that before a byte of it is believed. pyarrow is loaded with the first file.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from apps.domain.bars import Bar
from apps.domain.history.series import Series

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "COLUMNS",
    "Damaged",
    "bars_of",
    "bytes_of",
    "checksum",
    "empty",
    "instant",
    "microseconds",
    "positions",
    "require_whole",
    "schema",
    "starts_of",
    "table_from",
    "table_of",
]

COLUMNS = ("start", "open", "high", "low", "close", "volume", "wap", "count")
"""The columns, in order: `start` a timestamp in UTC, `count` an integer, all others doubles."""

_FORM = "1"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Damaged(Exception):
    """A file that is not what was written; its text says in what way."""


def microseconds(at: datetime) -> int:
    """Give a time as it stands in files and in the catalogue: microseconds since 1970, UTC."""
    return (at - _EPOCH) // _MICROSECOND


def instant(since_1970: int) -> datetime:
    """Give the time of `microseconds`."""
    return _EPOCH + timedelta(microseconds=since_1970)


def checksum(content: bytes) -> int:
    """Give what the catalogue keeps of the bytes of a file."""
    return zlib.crc32(content)


@lru_cache(maxsize=1)
def schema() -> pa.Schema:
    """Give the columns of every file."""
    import pyarrow as pa  # noqa: PLC0415 - slow to load, and not needed to show help

    kinds: dict[str, pa.DataType] = {
        "start": pa.timestamp("us", tz="UTC"),
        "count": pa.int64(),
    }
    return pa.schema(
        [pa.field(name, kinds.get(name, pa.float64()), nullable=False) for name in COLUMNS]
    )


def empty() -> pa.Table:
    """Give a table without bars."""
    return schema().empty_table()


def table_of(bars: Iterable[Bar]) -> pa.Table:
    """Give bars as a table, in the order in which they come."""
    import pyarrow as pa  # noqa: PLC0415

    rows = [
        (
            microseconds(bar.start),
            bar.open,
            bar.high,
            bar.low,
            bar.close,
            bar.volume,
            bar.wap,
            bar.count,
        )
        for bar in bars
    ]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(COLUMNS)
    return pa.Table.from_arrays(
        [
            pa.array(column, pa.int64()).cast(field.type)
            if field.name == "start"
            else pa.array(column, field.type)
            for column, field in zip(columns, schema(), strict=True)
        ],
        schema=schema(),
    )


def bars_of(table: pa.Table, seconds: int) -> list[Bar]:
    """Give the bars of a table; each lasts ``seconds``."""
    columns = [table.column(name).to_pylist() for name in COLUMNS[1:]]
    at = map(instant, starts_of(table))
    return [Bar(start, seconds, *values) for start, *values in zip(at, *columns, strict=True)]


def starts_of(table: pa.Table) -> list[int]:
    """Give when each bar of a table starts, in microseconds since 1970."""
    import pyarrow as pa  # noqa: PLC0415

    starts: list[int] = table.column("start").cast(pa.int64()).to_numpy().tolist()
    return starts


def positions(table: pa.Table, *starts: int) -> list[int]:
    """Give how many bars of a table, rising, start before each of ``starts``, in microseconds."""
    import pyarrow as pa  # noqa: PLC0415

    there = table.column("start").cast(pa.int64()).to_numpy()
    return [int(there.searchsorted(each)) for each in starts]


def bytes_of(table: pa.Table, series: Series) -> bytes:
    """Give the file of a table; it tells of itself what it holds."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    told = {"breakout-desk": json.dumps(_identity(series), sort_keys=True)}
    sink = pa.BufferOutputStream()
    pq.write_table(
        table.replace_schema_metadata(told),
        sink,
        compression="zstd",
        use_dictionary=False,
        write_page_checksum=True,
    )
    return sink.getvalue().to_pybytes()


def require_whole(content: bytes, *, size: int, crc: int) -> None:
    """Raise Damaged unless a file has ``size`` bytes, and those of the checksum."""
    if len(content) != size:
        raise Damaged(f"it has {len(content):,} bytes instead of {size:,}")
    if checksum(content) != crc:
        raise Damaged("its checksum is another one")


def table_from(content: bytes) -> pa.Table:
    """Give the table of a whole file. Raises Damaged."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        table = pq.ParquetFile(pa.BufferReader(content)).read(use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise Damaged(f"it cannot be read ({error})") from error
    if not table.schema.equals(schema()):
        raise Damaged("its columns are others")
    return table


def _identity(series: Series) -> dict[str, object]:
    return {
        "form": _FORM,
        "con_id": series.con_id,
        "symbol": series.symbol,
        "kind": series.kind.value,
        "primary_exchange": series.primary_exchange,
        "currency": series.currency,
        "what": series.what.value,
        "bar_seconds": series.bar_seconds,
        "regular_hours": series.regular_hours,
    }
