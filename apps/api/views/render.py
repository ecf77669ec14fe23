"""From a value to what is shown: one place that knows every kind of reply."""

from __future__ import annotations

import json
from functools import singledispatch

from rich.console import Group, RenderableType
from rich.text import Text

from apps.api import replies
from apps.api.doctor.findings import Diagnosis
from apps.api.gateway.launch import GatewayUp
from apps.api.views import (
    allocation,
    doctor,
    gateway,
    halts,
    history,
    http,
    journal,
    link,
    live,
    loads,
    market,
    previews,
    reconciled,
    routines,
    tables,
)
from apps.domain.trade_reconciliation import TradeReconciliation
from apps.engine.breakout_watcher import WatcherView
from apps.engine.history.loading import LoadReport
from apps.engine.orders.account_order import AccountOrderView
from apps.engine.orders.trade_views import TradeView
from apps.engine.portfolio import QuoteView
from apps.engine.previews import BracketPreview, BreakoutPreview
from apps.engine.reconciling.reconciler import Reconciled
from apps.engine.risk.kill_switch import HaltOutcome
from apps.engine.routines.allocation import Allocated
from apps.engine.routines.cash_balancer import Balanced
from apps.engine.routines.close_all import Closed
from apps.engine.routines.collect_market_data import Collected
from apps.engine.routines.reconcile import Reconciliation
from apps.engine.routines.runner import Answered
from apps.engine.routines.summary import Summary

__all__ = ["render"]


@singledispatch
def render(value: object) -> RenderableType:
    """Give what is shown for ``value``; a plain string is written as it is, never wrapped."""
    raise TypeError(f"{type(value).__name__} has no view")


@render.register
def _(value: WatcherView) -> RenderableType:
    return tables.watchers(replies.Watchers((value,)))


@render.register
def _(value: TradeView) -> RenderableType:
    return tables.trades(replies.Trades((value,)))


@render.register
def _(value: AccountOrderView) -> RenderableType:
    return allocation.account_orders((value,))


@render.register
def _(value: replies.Note) -> RenderableType:
    return Text(value.text)


@render.register
def _(value: Answered) -> RenderableType:
    if value.is_repeated:
        return Text(f"Done before; the first answer: {json.dumps(value.result)}")
    head = Text("Dry run: nothing was sent.", "yellow") if value.dry_run else None
    shown = render(value.result)
    return shown if head is None else Group(head, shown)


render.register(replies.Activities, routines.activities)
render.register(Summary, routines.summary)
render.register(Reconciliation, routines.reconciliation)
render.register(TradeReconciliation, routines.trades)
render.register(Closed, routines.closed)
render.register(Allocated, allocation.allocated)
render.register(Balanced, allocation.balanced)
render.register(Collected, routines.collected)
render.register(replies.MarketTime, market.market_time)
render.register(replies.Bars, market.bars)
render.register(LoadReport, loads.report)
render.register(QuoteView, market.quote)
render.register(replies.Account, halts.account)
render.register(HaltOutcome, halts.outcome)
render.register(Reconciled, reconciled.report)
render.register(replies.LiveOpening, live.opening)
render.register(BreakoutPreview, previews.breakout)
render.register(BracketPreview, previews.bracket)
render.register(replies.LinkReport, link.report)
render.register(replies.Watchers, tables.watchers)
render.register(replies.Trades, tables.trades)
render.register(replies.Positions, halts.positions)
render.register(replies.Orders, tables.orders)
render.register(replies.Executions, tables.executions)
render.register(replies.StoredSeries, history.stored)
render.register(replies.HistoryVerified, history.verified)
render.register(replies.JournalIntents, journal.intents)
render.register(replies.IntentStory, journal.story)
render.register(replies.CancelOutcomes, tables.cancellations)
render.register(replies.CloseOutcomes, tables.closings)
render.register(GatewayUp, gateway.gateway)
render.register(Diagnosis, doctor.diagnosis)
render.register(replies.Verdict, tables.verdict)


@render.register
def _(value: replies.HttpReport) -> RenderableType:
    return http.served(value)
