"""Tables of what the account and the desk hold: at most seven columns at 80 characters."""

from __future__ import annotations

from decimal import Decimal

from rich import box
from rich.table import Table
from rich.text import Text

from apps.api.replies import (
    CancelOutcomes,
    CloseOutcomes,
    Executions,
    Orders,
    Positions,
    Trades,
    Verdict,
    Watchers,
)
from apps.api.views import formats
from apps.domain.exits.protection import ProtectionState
from apps.domain.intents import OrderRef
from apps.domain.levels import Direction
from apps.domain.orders import OrderState
from apps.engine.breakout_watcher import Readiness, WatcherView
from apps.engine.orders.trade_views import TradeView
from apps.engine.portfolio import PositionView

__all__ = [
    "cancellations",
    "closings",
    "executions",
    "orders",
    "positions",
    "table",
    "trades",
    "verdict",
    "watchers",
]

View = Table | Text


def table(*columns: str, title: str = "") -> Table:
    """Give an empty table; a column whose name begins with ``>`` is of numbers.

    Numbers are right-aligned and never broken; of words that do not fit, the line goes on below.
    """
    made = Table(
        box=box.SIMPLE_HEAD,
        title=title or None,
        title_justify="left",
        pad_edge=False,
        show_edge=False,
    )
    for column in columns:
        numbers = column.startswith(">")
        made.add_column(
            column.removeprefix(">"),
            justify="right" if numbers else "left",
            no_wrap=numbers,
            overflow="fold",
        )
    return made


def watchers(reply: Watchers) -> View:
    """Show breakout watchers."""
    if not reply.rows:
        return Text("No watchers.")
    made = table("ID", "Symbol", ">Level", ">Away", ">Qty", "State", "Trade")
    for row in reply.rows:
        made.add_row(
            row.id,
            row.symbol,
            _level(row),
            formats.percent(row.distance_pct),
            formats.quantity(row.quantity),
            _watcher_state(row),
            _watcher_trade(row),
        )
    return made


def trades(reply: Trades) -> View:
    """Show brackets of this session."""
    if not reply.rows:
        return Text("No trades.")
    made = table("Side", ">Qty", "Symbol", ">Entry", ">Target / stop", "State", ">P&L")
    for row in reply.rows:
        made.add_row(
            formats.side(row.side),
            formats.quantity(row.quantity),
            row.symbol,
            formats.price(row.entry_avg_price or row.limit_price),
            f"{formats.price(row.take_profit)} / {formats.price(row.stop_loss)}",
            _trade_state(row),
            formats.change(row.realized_pnl),
        )
    return made


def positions(reply: Positions) -> View:
    """Show holdings, each with what protects it."""
    if not reply.rows:
        return Text("No positions.")
    made = table("Symbol", ">Qty", ">Cost", ">Price", ">P&L", "Protection")
    for row in reply.rows:
        held = row.position
        made.add_row(
            held.symbol,
            formats.quantity(held.quantity),
            formats.price(held.average_cost),
            formats.price(held.market_price),
            formats.change(held.unrealized_pnl),
            _protection(row),
        )
    return made


def orders(reply: Orders) -> View:
    """Show working orders."""
    if not reply.rows:
        return Text("No working orders.")
    made = table(">ID", "Side", ">Qty", "Symbol", "Order", "Status", "Belongs to")
    for row in reply.rows:
        made.add_row(
            str(row.order_id or row.perm_id),
            formats.side(row.side),
            _of_total(row.filled, row.quantity),
            row.symbol,
            _terms(row),
            row.status.value + (f" ({row.why_held})" if row.why_held else ""),
            _owner(row),
        )
    return made


def executions(reply: Executions) -> View:
    """Show the day's fills, with what they realised in all."""
    if not reply.rows:
        return Text("No executions.")
    made = table("UTC", "Side", ">Qty", "Symbol", ">Price", ">Fee", ">P&L")
    made.show_footer = True
    made.columns[-2].footer = "realised"
    made.columns[-1].footer = formats.change(reply.realized_pnl)
    for row in reply.rows:
        made.add_row(
            formats.moment(row.at),
            formats.side(row.side),
            formats.quantity(row.quantity),
            row.symbol,
            formats.price(row.price),
            formats.money(row.commission),
            formats.change(row.realized_pnl),
        )
    return made


def cancellations(reply: CancelOutcomes) -> View:
    """Show what became of each cancellation."""
    if not reply.rows:
        return Text("No orders of ours to cancel.")
    made = table(">ID", "Symbol", "Outcome")
    for row in reply.rows:
        made.add_row(str(row.order_id), row.symbol, _outcome(row.text, ok=row.ok))
    return made


def closings(reply: CloseOutcomes) -> View:
    """Show what became of each closing."""
    if not reply.rows:
        return Text("No positions of ours to close.")
    made = table("Symbol", ">Closed", ">Left", "Outcome")
    for row in reply.rows:
        made.add_row(
            row.symbol,
            formats.quantity(row.sold),
            formats.quantity(row.left),
            _outcome(row.text, ok=row.ok),
        )
    return made


def verdict(reply: Verdict) -> View:
    """Show which parts of the demo's story stand in the gateway's books."""
    made = table("", "Part", "In the gateway's books", title=f"Demo, seed {reply.seed}")
    for check in reply.checks:
        mark = Text("✓", style="green") if check.holds else Text("✗ missing", style="bold red")
        made.add_row(mark, check.part, check.found)
    return made


def _outcome(text: str, *, ok: bool) -> Text:
    return Text(text) if ok else Text(f"✗ {text}", style="red")


def _level(row: WatcherView) -> str:
    arrow = "↑" if row.direction is Direction.LONG else "↓"
    return f"{arrow} {formats.price(row.level)}"


def _watcher_state(row: WatcherView) -> Text:
    if row.failed:
        return Text("failed", style="red")
    if row.readiness is Readiness.READY:
        return Text(row.phase.value)
    if row.readiness is not Readiness.BLIND:
        return Text(row.readiness.value)
    turn = f", its turn in {formats.age(row.bars_in_s)}" if row.bars_in_s else ""
    return Text(f"{row.readiness.value}{turn}", style="yellow")


def _watcher_trade(row: WatcherView) -> Text:
    if row.trade is None:
        return Text(row.end_reason)
    words = Text(row.trade.state.value)
    if row.trade.realized_pnl is not None:
        words.append(" ").append_text(formats.change(row.trade.realized_pnl))
    return words


def _trade_state(row: TradeView) -> Text:
    words = Text(row.state.value)
    return words.append(f": {row.reason}", style="red") if row.reason else words


def _protection(row: PositionView) -> Text:
    protection = row.protection
    words = Text(protection.state.value)
    if protection.stop_price is not None:
        words = Text(
            f"{formats.quantity(protection.quantity)} at {formats.price(protection.stop_price)}"
        )
    if protection.state is ProtectionState.PROTECTED:
        return words
    return words.append(" ⚠", style="bold red") if row.ours else words.append(" (not ours)")


def _terms(row: OrderState) -> str:
    limit = f" {formats.price(row.limit_price)}" if row.limit_price else ""
    stop = f" {formats.price(row.stop_price)}" if row.stop_price else ""
    return f"{row.order_type}{limit}{stop} {row.time_in_force}"


def _owner(row: OrderState) -> str:
    """Give who wanted the order: a watcher, a bracket, or somebody else."""
    reference = OrderRef.parse(row.order_ref)
    return reference.label if reference else row.order_ref or "another program"


def _of_total(filled: Decimal, total: Decimal) -> str:
    if not filled:
        return formats.quantity(total)
    return f"{formats.quantity(filled)}/{formats.quantity(total)}"
