"""Bars out of a Parquet file, where pyarrow is installed; nothing else here knows of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from apps.domain.errors import InvalidInput
from apps.paper.feed.bar_file import Table

__all__ = ["read_parquet"]


def read_parquet(path: Path) -> Table:
    """Read a Parquet file; its rows count from 1. Raises InvalidInput, also without pyarrow."""
    try:
        # not a dependency: whoever has such files has it
        parquet: Any = import_module("pyarrow.parquet")
    except ImportError:
        raise InvalidInput(
            f"{path} cannot be read without pyarrow; install it, or give a CSV."
        ) from None
    try:
        held = parquet.read_table(path)
    except (OSError, ValueError) as error:  # pyarrow's own errors are ValueErrors
        raise InvalidInput(f"{path} cannot be read: {error}.") from None
    return Table(held.column_names, _rows(held))


def _rows(held: Any) -> Iterator[tuple[int, Sequence[object]]]:
    columns = [column.to_pylist() for column in held.columns]
    return enumerate(zip(*columns, strict=True), start=1)
