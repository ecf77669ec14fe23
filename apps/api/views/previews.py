"""What is about to be done, before it is done: caps, exits and the money at risk."""

from __future__ import annotations

from rich import box
from rich.table import Table
from rich.text import Text

from apps.api.views import formats
from apps.domain.brackets import EntryStyle
from apps.domain.levels import Direction
from apps.domain.margin import Margin
from apps.engine.previews import BracketPreview, BreakoutPreview

__all__ = ["bracket", "breakout"]

_ENTRIES = {
    EntryStyle.CAPPED: ("Entry cap", "limit"),
    EntryStyle.LIMIT: ("Entry cap", "limit without room"),
    EntryStyle.MARKET: ("Entry", "market"),
    EntryStyle.STOP: ("Entry cap", "stop limit"),
}

_GAPS = {False: "a gap is skipped", True: "a gap is entered"}


def breakout(preview: BreakoutPreview) -> Table:
    """Show what a watcher waits for and what it would send."""
    way = "above" if preview.direction is Direction.LONG else "below"
    made = _sheet(
        f"{preview.direction.value} {formats.quantity(preview.quantity)} "
        f"{preview.instrument.symbol} on a break {way} {formats.price(preview.level)}"
    )
    made.add_row("Last", formats.price(preview.last), f"{preview.bar_seconds} s bars")
    made.add_row("False break", preview.on_false_break.value, _GAPS[preview.gap_entry])
    label, style = _ENTRIES[preview.entry]
    made.add_row(label, formats.price(preview.entry_cap), f"{style}, DAY, at the level")
    return _with_exits(made, preview, _fill_words(preview.entry))


def bracket(preview: BracketPreview) -> Table:
    """Show what would be sent now."""
    made = _sheet(
        f"{preview.side.value} {formats.quantity(preview.quantity)} {preview.instrument.symbol}"
    )
    made.add_row("Reference", formats.price(preview.reference), "")
    made.add_row("Entry cap", formats.price(preview.entry_cap), "limit, DAY")
    return _with_exits(made, preview, _fill_words(EntryStyle.CAPPED))


def _margin_words(margin: Margin) -> str:
    what = "whole worth, not asked yet" if margin.is_estimate else "taken"
    free = None if margin.available is None else margin.available - margin.reserved
    return f"{what}, of {formats.money(free)} free"


def _fill_words(entry: EntryStyle) -> str:
    where = "at the level: no cap" if entry is EntryStyle.MARKET else "at the cap"
    return f"a fill {where}, left at the stop"


def _sheet(title: str) -> Table:
    made = Table(
        box=box.SIMPLE,
        show_header=False,
        show_edge=False,
        title=title,
        title_justify="left",
        pad_edge=False,
    )
    made.add_column()
    made.add_column(justify="right", no_wrap=True)
    made.add_column(style="dim")
    return made


def _with_exits(made: Table, preview: BreakoutPreview | BracketPreview, risk: str) -> Table:
    made.add_row("Take-profit", formats.price(preview.take_profit), "limit, GTC")
    made.add_row("Stop-loss", formats.price(preview.stop_loss), "stop, GTC")
    made.add_row("Notional", formats.money(preview.notional), preview.instrument.currency)
    if preview.margin is not None:
        made.add_row("Margin", formats.money(preview.margin.needed), _margin_words(preview.margin))
    made.add_row(
        "Money at risk",
        Text(formats.money(preview.money_at_risk), style="bold"),
        risk,
    )
    return made
