"""Bars into a new file for other programs, CSV or Parquet: what `import_file` reads."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from apps.domain.errors import InvalidInput
from apps.domain.history.series import Series
from apps.domain.sessions import Span
from apps.store.history.bar_file import COLUMNS, bars_of, schema
from apps.store.history.import_file import IDENTITY
from apps.store.history.store import HistoryStore

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["export_file"]


def export_file(
    store: HistoryStore, path: Path, wanted: Iterable[Series], span: Span | None = None
) -> int:
    """Write the bars of ``wanted`` that start in ``span``, or all; give how many.

    Raises InvalidInput for a path that is there, cannot be written, or has another ending.
    """
    write = {".csv": _csv, ".parquet": _parquet}.get(path.suffix.lower())
    if write is None:
        raise InvalidInput(f"{path.name} is neither .csv nor .parquet: end its name so.")
    tables = ((each, table) for each in wanted for table in store.tables(each, span))
    try:
        path.open("xb").close()
    except FileExistsError:
        raise InvalidInput(f"{path} is there already: name another file.") from None
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror}.") from error
    try:
        return write(path, tables)
    except BaseException as error:
        with suppress(OSError):
            path.unlink()
        if isinstance(error, OSError):
            raise InvalidInput(
                f"{path} cannot be written: {error.strerror or error}. It was removed."
            ) from error
        raise


def _csv(path: Path, tables: Iterator[tuple[Series, pa.Table]]) -> int:
    written = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*IDENTITY, *COLUMNS))
        for series, table in tables:
            identity = _identity(series)
            for bar in bars_of(table, series.bar_seconds):
                start = bar.start.isoformat().replace("+00:00", "Z")
                figures = [getattr(bar, name) for name in COLUMNS[1:]]
                writer.writerow((*identity, start, *figures))
            written += table.num_rows
    return written


def _parquet(path: Path, tables: Iterator[tuple[Series, pa.Table]]) -> int:
    import pyarrow as pa  # noqa: PLC0415 - slow to load, and not needed to show help
    import pyarrow.parquet as pq  # noqa: PLC0415

    kinds = {"con_id": pa.int64(), "bar_seconds": pa.int64()}
    fields = [pa.field(name, kinds.get(name, pa.string())) for name in IDENTITY]
    form = pa.schema([*fields, *schema()])
    written = 0
    with pq.ParquetWriter(path, form, compression="zstd") as writer:
        for series, table in tables:
            told = [
                pa.array([value] * table.num_rows, each.type)
                for value, each in zip(_identity(series), fields, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays([*told, *table.columns], schema=form))
            written += table.num_rows
    return written


def _identity(series: Series) -> Sequence[str | int]:
    return (
        series.symbol,
        series.con_id,
        series.kind.value,
        series.primary_exchange,
        series.currency,
        series.what.value,
        series.bar_seconds,
        str(series.regular_hours).lower(),
    )
