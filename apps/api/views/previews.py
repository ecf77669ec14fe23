"""What is about to be done, before it is done: caps, exits and the money at risk."""

from __future__ import annotations

from rich import box
from rich.table import Table
from rich.text import Text

from apps.api.views import formats
from apps.domain.levels import Direction
from apps.engine.previews import BracketPreview, BreakoutPreview

__all__ = ["bracket", "breakout"]


def breakout(preview: BreakoutPreview) -> Table:
    """Show what a watcher waits for and what it would send."""
    way = "above" if preview.direction is Direction.LONG else "below"
    made = _sheet(
        f"{preview.direction.value} {formats.quantity(preview.quantity)} "
        f"{preview.instrument.symbol} on a break {way} {formats.price(preview.level)}"
    )
    made.add_row("Last", formats.price(preview.last), f"{preview.bar_seconds} s bars")
    made.add_row("False break", preview.on_false_break.value, "")
    made.add_row("Entry cap", formats.price(preview.entry_cap), "limit, DAY, at the level")
    return _with_exits(made, preview)


def bracket(preview: BracketPreview) -> Table:
    """Show what would be sent now."""
    made = _sheet(
        f"{preview.side.value} {formats.quantity(preview.quantity)} {preview.instrument.symbol}"
    )
    made.add_row("Reference", formats.price(preview.reference), "")
    made.add_row("Entry cap", formats.price(preview.entry_cap), "limit, DAY")
    return _with_exits(made, preview)


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


def _with_exits(made: Table, preview: BreakoutPreview | BracketPreview) -> Table:
    made.add_row("Take-profit", formats.price(preview.take_profit), "limit, GTC")
    made.add_row("Stop-loss", formats.price(preview.stop_loss), "stop, GTC")
    made.add_row("Notional", formats.money(preview.notional), preview.instrument.currency)
    made.add_row(
        "Money at risk",
        Text(formats.money(preview.money_at_risk), style="bold"),
        "a fill at the cap, left at the stop",
    )
    return made
