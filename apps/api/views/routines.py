"""What routines came to: the account at a glance, findings, matched trades, closings."""

from __future__ import annotations

import json
from decimal import Decimal

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from apps.api.replies import Account, Activities, CloseOutcomes, Executions, Orders, Positions
from apps.api.views import formats, halts, loads, reconciled, tables
from apps.domain.activities import ActivityOutcome
from apps.domain.trade_reconciliation import MatchedIntent, TradeReconciliation, Unmatched
from apps.engine.reconciling.reconciler import Reconciled
from apps.engine.routines.close_all import Closed
from apps.engine.routines.collect_market_data import Collected
from apps.engine.routines.reconcile import Reconciliation
from apps.engine.routines.summary import Summary

__all__ = ["activities", "closed", "collected", "reconciliation", "summary", "trades"]

_NAMED_BY = 6
"""So much of a reference's end is shown: enough to give to `journal`."""


def summary(value: Summary) -> RenderableType:
    """Show the account at a glance."""
    parts: list[RenderableType] = [halts.account(Account(value.account, value.trading))]
    own = "unknown" if value.day_pnl is None else f"{value.day_pnl:+,.2f}"
    parts.append(Text(f"Ours today {own}   link {value.link}   watchers {value.watchers}"))
    parts.append(_titled("Positions", tables.positions(Positions(value.positions))))
    parts.append(_titled("Orders", tables.orders(Orders(value.orders))))
    parts.append(_titled("Executions", tables.executions(Executions(value.executions))))
    return Group(*parts)


def reconciliation(value: Reconciliation) -> RenderableType:
    """Show the findings, and what was counted as over."""
    parts: list[RenderableType] = [
        reconciled.report(Reconciled(None, value.findings, value.problems))
    ]
    parts += [Text(f"{each} counts as over.", "yellow") for each in value.settled]
    parts += [Text(f"Not settled: {each}", "bold red") for each in value.refused]
    return Group(*parts)


def trades(value: TradeReconciliation) -> RenderableType:
    """Show each intent with what it made, then what has no other half."""
    if not value.intents and not value.unmatched:
        return Text("Nothing was traded.")
    parts: list[RenderableType] = []
    if value.intents:
        parts += [_intents(value.intents), Text(f"Realised {value.realized_pnl:+,.2f}")]
    if written := len(value.missing) + len(value.commissions):
        parts.append(Text(f"{written} of the broker's words were written into the journal."))
    if value.unmatched:
        parts += [Text(f"{len(value.unmatched)} without another half", "bold red")]
        parts.append(_unmatched(value.unmatched))
    return Group(*parts)


def closed(value: Closed) -> RenderableType:
    """Show what became of each symbol, or what would be closed, and what is held at the end."""
    parts: list[RenderableType] = []
    if value.would_close:
        parts.append(_titled("Would be closed", tables.positions(Positions(value.would_close))))
    if outcomes := (*value.outcomes, *value.foreign):
        parts.append(tables.closings(CloseOutcomes(outcomes)))
    if value.warning:
        parts.append(Text(value.warning, "bold red"))
    if value.standing:
        parts.append(_titled("Orders still standing", tables.orders(Orders(value.standing))))
    others = [each for each in value.left if each not in value.would_close]
    if others:
        parts.append(_titled("Held and not touched", tables.positions(Positions(others))))
    return Group(*parts) if parts else Text("Nothing of ours is open.")


def collected(value: Collected) -> RenderableType:
    """Show the quotes, what became of each series, and what failed."""
    parts: list[RenderableType] = []
    if value.quotes:
        made = tables.table("Symbol", ">Bid", ">Ask", ">Last", ">Close", "")
        for each in value.quotes:
            quote = each.quote
            prices = (
                (None,) * 4 if quote is None else (quote.bid, quote.ask, quote.last, quote.close)
            )
            made.add_row(each.symbol, *(formats.price(price) for price in prices), each.error)
        parts.append(made)
    parts.append(loads.report(value.bars))
    parts += [Text(f"{each.symbol}: {each.error}", "red") for each in value.failed]
    return Group(*parts)


def activities(value: Activities) -> RenderableType:
    """Show runs of routines."""
    if not value.rows:
        return Text("No routine was run yet.")
    made = tables.table("Began", "What", "From", "Outcome")
    for each in value.rows:
        began, ended = each.began, each.ended
        what = f"{began.routine}{_parameters(began.parameters)}"
        if began.is_dry_run:
            what += " (dry run)"
        outcome = each.word if ended is None or not ended.error else f"failed: {ended.error}"
        is_good = ended is not None and ended.outcome is ActivityOutcome.DONE
        made.add_row(
            formats.stamp(began.at), what, began.caller, Text(outcome, "" if is_good else "red")
        )
    return made


def _parameters(written: str) -> str:
    """Give what was said of the parameters that a run was asked with."""
    said = {name: value for name, value in json.loads(written).items() if value}
    return "".join(f" {name}={_word(value)}" for name, value in said.items())


def _word(value: object) -> str:
    if isinstance(value, dict):
        return ",".join(f"{name}={each}" for name, each in value.items())
    if isinstance(value, list):
        return ",".join(str(each) for each in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _titled(title: str, shown: RenderableType) -> RenderableType:
    if isinstance(shown, Text):  # a sentence: there are none
        return shown
    return Group(Text(""), Text(title, "bold"), shown)


def _intents(rows: tuple[MatchedIntent, ...]) -> Table:
    made = tables.table("Intent", "Symbol", ">In", ">Out", ">Slippage", ">Fees", ">Realised")
    for each in rows:
        made.add_row(
            f"{each.label} {each.order_ref[-_NAMED_BY:]}",
            each.symbol,
            _filled(each.entered, each.entry_avg_price),
            _filled(each.exited, each.exit_avg_price),
            _money(_sum(each.entry_slippage, each.exit_slippage)),
            _money(each.commission),
            _money(each.realized_pnl),
        )
    return made


def _unmatched(rows: tuple[Unmatched, ...]) -> Table:
    made = tables.table("Execution", "Symbol", "Intent", "What is missing")
    for each in rows:
        made.add_row(each.exec_id, each.symbol, each.order_ref.removeprefix("BD-"), each.text)
    return made


def _filled(quantity: Decimal, price: Decimal | None) -> str:
    return "–" if price is None else f"{formats.quantity(quantity)} @ {formats.price(price)}"


def _money(amount: Decimal | None) -> str:
    return "–" if amount is None else f"{amount:,.2f}"


def _sum(*amounts: Decimal | None) -> Decimal | None:
    known = [each for each in amounts if each is not None]
    return sum(known, Decimal(0)) if known else None
