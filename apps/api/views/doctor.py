"""What the doctor found: a line each, its remedy below it."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from apps.api.doctor.findings import Diagnosis, Severity

__all__ = ["diagnosis"]

_STYLES = {Severity.OK: "green", Severity.WARNING: "yellow", Severity.FAILED: "bold red"}


def diagnosis(value: Diagnosis) -> Table:
    """Show every line, and the details of a configuration that is not the default."""
    made = Table.grid(padding=(0, 2, 0, 0))
    made.add_column(no_wrap=True)
    made.add_column(no_wrap=True)
    made.add_column(overflow="fold")
    for each in value.findings:
        style = _STYLES[each.severity]
        made.add_row(Text(each.severity.value, style), each.topic, Text(each.text))
        if each.remedy:
            made.add_row("", "", Text(f"→ {each.remedy}", style))
        if each.topic == "Configuration":
            for line in each.details:
                made.add_row("", "", Text(line, "dim"))
    return made
