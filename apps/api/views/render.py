"""From a value to what is shown: one place that knows every kind of reply."""

from __future__ import annotations

from functools import singledispatch

from rich.console import RenderableType
from rich.text import Text

from apps.api import replies
from apps.api.views import halts, journal, link, live, market, previews, reconciled, tables
from apps.engine.breakout_watcher import WatcherView
from apps.engine.orders.trade_views import TradeView
from apps.engine.portfolio import QuoteView
from apps.engine.previews import BracketPreview, BreakoutPreview
from apps.engine.reconciling.reconciler import Reconciled
from apps.engine.risk.kill_switch import HaltOutcome

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
def _(value: replies.Note) -> RenderableType:
    return Text(value.text)


render.register(replies.MarketTime, market.market_time)
render.register(replies.Bars, market.bars)
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
render.register(replies.JournalIntents, journal.intents)
render.register(replies.IntentStory, journal.story)
render.register(replies.CancelOutcomes, tables.cancellations)
render.register(replies.CloseOutcomes, tables.closings)
render.register(replies.Verdict, tables.verdict)
