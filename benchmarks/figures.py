"""Figures: percentiles, and the tables that they are shown in, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import floor
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

__all__ = ["BenchmarkFailed", "Cell", "Report", "Table", "percentile", "ratio", "show"]

Cell = str | float | int | None
"""A cell: a name, a figure, or None where there is none."""


class BenchmarkFailed(Exception):
    """A benchmark could not be taken; its text says what did not happen."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of figures. ``columns`` carry their units in their names."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def as_json(self) -> dict[str, Any]:
        """Give the table as plain values, each row by its columns' names."""
        rows = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        return {"title": self.title, "rows": rows}


@dataclass(frozen=True, slots=True)
class Report:
    """What one benchmark found: its tables, and sentences that belong to them."""

    name: str
    tables: tuple[Table, ...]
    notes: tuple[str, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """Give the report as plain values."""
        tables = [table.as_json() for table in self.tables]
        return {"name": self.name, "tables": tables, "notes": list(self.notes)}


def percentile(values: Sequence[float], percent: float) -> float:
    """Give the value below which ``percent`` of ``values`` lie, between two of them if need be.

    >>> percentile([1, 2, 3, 4, 5], 50), percentile([1, 2], 50), percentile([7], 99)
    (3, 1.5, 7)
    """
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    below = floor(place)
    share = place - below
    if not share:
        return ordered[below]
    return ordered[below] * (1 - share) + ordered[below + 1] * share


def ratio(figure: float, of: float) -> float | None:
    """Give how many times ``of`` the figure is; None where ``of`` is nothing."""
    return figure / of if of else None


def show(report: Report, console: Console) -> None:
    """Print a report."""
    parts: list[RenderableType] = [_rendered(table) for table in report.tables]
    parts.extend(Text(note, style="dim") for note in report.notes)
    console.print(Group(*parts))


def _rendered(table: Table) -> RichTable:
    rendered = RichTable(title=table.title, title_justify="left", title_style="bold")
    for number, column in enumerate(table.columns):
        rendered.add_column(column, justify="right" if number else "left")
    for row in table.rows:
        rendered.add_row(*(_text(cell) for cell in row))
    return rendered


def _text(cell: Cell) -> str:
    """Give a cell's text: three digits that count, whole numbers from a thousand on."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int) or abs(cell) >= 1000:
        return f"{cell:,.0f}"
    return f"{cell:.3g}" if abs(cell) < 100 else f"{cell:.0f}"
