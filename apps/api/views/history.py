"""The bars on disk: what is kept, and what is wrong with it."""

from __future__ import annotations

from datetime import timedelta

from rich.table import Table
from rich.text import Text

from apps.api.commands.history.opening import size_name
from apps.api.replies import HistoryVerified, StoredSeries
from apps.api.views.tables import table
from apps.domain.history.findings import Finding
from apps.store.history.store import Stored

__all__ = ["stored", "verified"]

_MANY_HOURS = 72
_MOST = 50
"""So many findings are shown; a person asks for the rest as JSON."""


def stored(reply: StoredSeries) -> Table | Text:
    """Show what is kept of each series."""
    rows = [each for each in reply.rows if each.bars]
    if not rows:
        return Text("No bars are kept.")
    made = table("Symbol", "Bar", "Prices", ">Bars", "From", "To", ">kB")
    for row in rows:
        made.add_row(
            row.series.symbol,
            size_name(row.series.bar_seconds),
            _prices(row),
            f"{row.bars:,}",
            f"{row.first:%Y-%m-%d}",
            f"{row.last:%Y-%m-%d}",
            f"{row.bytes / 1000:,.0f}",
        )
    return made


def _prices(row: Stored) -> str:
    hours = "" if row.series.regular_hours else ", all hours"
    return f"{row.series.what.value.lower()}{hours}"


def verified(reply: HistoryVerified) -> Text:
    """Show what was found, a line each, and what was looked through."""
    found = reply.verified
    looked = f"{found.bars:,} bars of {_counted(found.series, 'series', 'series')} in "
    looked += _counted(found.files, "file", "files")
    unknown = (
        f" Of {_stretch(found.hours_unknown)} of it the exchange's hours are not known: there no "
        "hole is found."
        if found.hours_unknown
        else ""
    )
    if not found.findings:
        return Text(f"Nothing is wrong with {looked}.{unknown}")
    lines = [_finding(each) for each in found.findings[:_MOST]]
    if more := len(found.findings) - len(lines):
        lines.append(Text(f"… and {more:,} more: --json gives all of them."))
    wrong = _counted(len(found.findings), "finding", "findings")
    return Text("\n").join([*lines, Text(f"{wrong} in {looked}.{unknown}", style="bold")])


def _finding(found: Finding) -> Text:
    series, span = found.series, found.span
    line = Text(f"{found.kind.value:<15}", style="yellow")
    line.append(f"{series.symbol} {size_name(series.bar_seconds)}, ", style="default")
    line.append(f"{span.start:%Y-%m-%d %H:%M:%S} to {span.end:%Y-%m-%d %H:%M:%S} UTC: ", "default")
    return line.append(f"{found.words}.", style="default")


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _stretch(length: timedelta) -> str:
    hours = length.total_seconds() / 3600
    return f"{hours / 24:,.0f} days" if hours >= _MANY_HOURS else f"{hours:,.0f} h"
