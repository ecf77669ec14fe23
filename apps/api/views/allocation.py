"""What trades for the account: the plan of an allocation, and what became of each order."""

from __future__ import annotations

from decimal import Decimal

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from apps.api.views import formats, tables
from apps.domain.allocation import AllocationPlan, PlanLine
from apps.domain.cash_balance import CashLine, CashPlan
from apps.domain.orders import Ticket
from apps.engine.orders.account_order import AccountOrderState, AccountOrderView
from apps.engine.orders.account_trading import NotSent
from apps.engine.routines.allocation import Allocated
from apps.engine.routines.cash_balancer import Balanced

__all__ = ["account_orders", "allocated", "balanced"]

_BAD = frozenset(
    {
        AccountOrderState.REJECTED,
        AccountOrderState.UNKNOWN,
        AccountOrderState.NEVER_ACCEPTED,
        AccountOrderState.GONE,
        AccountOrderState.SENT,
    }
)


def allocated(value: Allocated) -> RenderableType:
    """Show the plan; then, where something was sent, each order."""
    return Group(_plan(value.plan), *_what_became(value))


def balanced(value: Balanced) -> RenderableType:
    """Show what is converted; then, where something was sent, each order."""
    return Group(_conversions(value.plan), *_what_became(value))


def _what_became(value: Allocated | Balanced) -> list[RenderableType]:
    parts: list[RenderableType] = []
    if value.stale:
        parts += [Text("\nOf an earlier run"), account_orders(value.stale)]
    if value.sent:
        parts += [Text("\nSent"), account_orders(value.sent)]
    if value.not_sent:
        parts += [Text("\nNot sent", "bold red"), _left_out(value.not_sent)]
    return parts


def account_orders(rows: tuple[AccountOrderView, ...]) -> RenderableType:
    """Show orders for the account as they stand, and what the broker said of them."""
    made = tables.table(">Id", "Symbol", "Order", ">Filled", ">Price", "State")
    notes: list[RenderableType] = []
    for each in rows:
        made.add_row(
            str(each.order_id),
            each.symbol,
            f"{each.side.value.lower()} {formats.quantity(each.quantity)} {each.order_type.value}",
            formats.quantity(each.filled),
            formats.price(each.avg_price),
            Text(each.state.value, "bold red" if each.state in _BAD else ""),
        )
        said = [f"[{each.code}] {each.text}" if each.code else each.text] if each.text else []
        notes += [Text(f"{each.order_id}: {_one_line(text)}") for text in (*said, *each.notices)]
    return Group(made, *notes)


def _left_out(rows: tuple[NotSent, ...]) -> Table:
    """Show orders that were planned and not sent."""
    made = tables.table("Symbol", "Order", "Why")
    for each in rows:
        made.add_row(
            each.symbol, f"{each.side.value.lower()} {formats.quantity(each.quantity)}", each.why
        )
    return made


def _plan(plan: AllocationPlan) -> RenderableType:
    made = tables.table("Symbol", ">Weight", ">Now", ">Target", ">Price", ">Worth", "Order")
    for line in plan.lines:
        made.add_row(
            line.symbol,
            f"{line.weight:.2%}",
            formats.quantity(line.current),
            formats.quantity(line.target),
            _market(line.price, line.price_age_s),
            _money(line.notional),
            _orders(line),
        )
    parts: list[RenderableType] = [made, Text(_totals(plan))]
    parts += [Text(f"Note: {each}") for each in plan.notes]
    parts += [Text(f"Refused: {each}", "bold red") for each in plan.problems]
    return Group(*parts)


def _conversions(plan: CashPlan) -> RenderableType:
    made = tables.table("Currency", ">Cash", ">Worth", ">Price", ">After", "Order")
    for line in plan.lines:
        made.add_row(
            line.currency,
            _money(line.amount),
            _money(line.worth),
            _market(line.price, line.price_age_s),
            _money(line.after),
            _conversion(line),
        )
    base = f"{plan.base or 'base'} {_money(plan.base_before)} → {_money(plan.base_after)}"
    parts: list[RenderableType] = [made] if plan.lines else [Text("There is no foreign cash.")]
    odd = [each.currency for each in plan.lines if each.is_odd_lot]
    if odd:
        parts.append(Text(f"Note: {', '.join(odd)} below IDEALPRO's minimum, so as an odd lot"))
    return Group(
        *parts, Text(base), *[Text(f"Refused: {each}", "bold red") for each in plan.problems]
    )


def _conversion(line: CashLine) -> Text:
    if line.order is not None:
        return Text(f"{_order(line.order.ticket)} {line.pair}")
    return Text(line.note or "–", "bold red" if line.is_refused else "")


def _totals(plan: AllocationPlan) -> str:
    return (
        f"Net liquidation {_money(plan.net_liquidation)} {plan.currency}   "
        f"cash {_money(plan.cash_before)} → {_money(plan.cash_after)}   "
        f"held in all {_money(plan.gross_after)}"
    )


def _market(price: Decimal | None, age_s: float | None) -> str:
    if price is None:
        return "–"
    age = "" if age_s is None else f" ({formats.age(age_s)})"
    return f"{formats.price(price)}{age}"


def _orders(line: PlanLine) -> Text:
    if line.orders:
        return Text(", ".join(_order(each.ticket) for each in line.orders))
    return Text(line.note or "–", "bold red" if line.is_refused else "")


def _order(ticket: Ticket) -> str:
    kind = ticket.order_type.value if ticket.adaptive is None else "adaptive"
    price = "" if ticket.limit_price is None else f" {formats.price(ticket.limit_price)}"
    return f"{ticket.side.value.lower()} {formats.quantity(ticket.quantity)} {kind}{price}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _money(amount: Decimal | None) -> str:
    return "–" if amount is None else f"{amount:,.2f}"
