"""What a load of bars came to."""

from __future__ import annotations

from datetime import timedelta

from rich.console import Group, RenderableType
from rich.text import Text

from apps.api.commands.history.opening import size_name
from apps.api.views.tables import table
from apps.domain.history.spans import length
from apps.engine.history.loading import Loaded, LoadReport

__all__ = ["report"]


def report(value: LoadReport) -> RenderableType:
    """Show what was there, what came and what is missing, in hours of open market."""
    made = table("Symbol", "Bar", ">There h", ">Came h", ">Bars", ">Requests", ">Holes h")
    for row in value.rows:
        made.add_row(
            row.series.symbol,
            size_name(row.series.bar_seconds),
            _hours(row.there),
            _hours(row.came),
            f"{row.bars:,}",
            str(row.requests),
            _hours(length(row.holes)),
        )
    return Group(made, *(Text(words) for words in _words(value)))


def _words(value: LoadReport) -> list[str]:
    words = [f"{row.series.symbol}: {_why(row)}" for row in value.rows if row.missing or row.error]
    if value.is_cut_short:
        words.append("The deadline ended it; the same command goes on from here.")
    return [*words, f"{value.bars:,} bars in {value.took_s:.1f} s."]


def _why(row: Loaded) -> str:
    missing = f"{_hours(row.missing)} h of open market are missing"
    if row.error is None:
        return f"{missing}."
    return f"{missing}. {row.error.message}" if row.missing else row.error.message


def _hours(time: timedelta) -> str:
    return f"{time / timedelta(hours=1):,.1f}"
