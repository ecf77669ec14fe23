"""What a reconciliation found: what needs the trader first, then the rest."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from apps.api.views.tables import table
from apps.domain.reconciling.findings import Finding, Verdict
from apps.engine.reconciling.reconciler import Reconciled

__all__ = ["report"]

_STYLES = {
    Verdict.AGREES: "green",
    Verdict.ADOPTED: "green",
    Verdict.FOREIGN: "dim",
    Verdict.DIFFERS: "bold red",
    Verdict.UNKNOWN: "bold red",
}


def report(value: Reconciled) -> RenderableType:
    """Show the findings as a table, under a line that sums them up."""
    parts: list[RenderableType] = [_sum(value)]
    parts += [Text(f"Not read: {problem}", "bold red") for problem in value.problems]
    if value.findings:
        parts.append(_table(value.findings))
    return Group(*parts)


def _sum(value: Reconciled) -> Text:
    open_ones = sum(each.needs_the_trader for each in value.findings)
    if open_ones:
        verb = "needs" if open_ones == 1 else "need"
        return Text(f"{open_ones} of {len(value.findings)} findings {verb} you.", "bold red")
    if value.problems:
        return Text("Not everything could be read.", "yellow")
    return Text("Journal and broker agree.", "green")


def _table(findings: tuple[Finding, ...]) -> Table:
    made = table("Found", "Symbol", "Intent", "What")
    for each in sorted(findings, key=lambda one: not one.needs_the_trader):
        made.add_row(
            Text(each.verdict.value, _STYLES.get(each.verdict, "yellow")),
            each.symbol,
            each.order_ref.removeprefix("BD-"),
            each.text,
        )
    return made
