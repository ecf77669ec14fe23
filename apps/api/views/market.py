"""Quotes, bars, balances and the market's time."""

from __future__ import annotations

from decimal import Decimal

from rich import box
from rich.table import Table
from rich.text import Text

from apps.api.replies import Bars, MarketTime
from apps.api.views import formats
from apps.api.views.tables import table
from apps.domain.account import AccountSummary
from apps.domain.quotes import Quote
from apps.engine.portfolio import QuoteView

__all__ = ["account", "bars", "market_time", "quote"]

_DAY_S = 86_400


def quote(view: QuoteView) -> Table:
    """Show bid, ask and last of one instrument, and how old they are."""
    now = view.quote
    made = table("Symbol", ">Bid", ">Ask", ">Last", ">Change", ">Age", "")
    made.add_row(
        view.instrument.symbol,
        _with_size(now.bid, now.bid_size),
        _with_size(now.ask, now.ask_size),
        formats.price(now.last),
        _day_change(now),
        formats.age(view.age_s),
        Text(_remarks(now), style="yellow"),
    )
    return made


def bars(reply: Bars) -> Table | Text | str:
    """Show bars, oldest first, or give them as CSV text."""
    if reply.csv:
        return _csv(reply)
    if not reply.rows:
        return Text(f"No bars of {reply.symbol}.")
    made = table("Start UTC", ">Open", ">High", ">Low", ">Close", ">Volume")
    form = "%Y-%m-%d" if reply.seconds >= _DAY_S else "%m-%d %H:%M:%S"
    for row in reply.rows:
        made.add_row(
            f"{row.start:{form}}",
            *(formats.price(value) for value in (row.open, row.high, row.low, row.close)),
            formats.quantity(row.volume),
        )
    return made


def account(summary: AccountSummary) -> Table:
    """Show the balances, each on a line."""
    made = Table(box=box.SIMPLE, show_header=False, show_edge=False, pad_edge=False)
    made.add_column()
    made.add_column(justify="right", no_wrap=True)
    made.add_row("Account", summary.account)
    balances = (
        ("Net liquidation", summary.net_liquidation),
        ("Cash", summary.cash),
        ("Buying power", summary.buying_power),
        ("Available funds", summary.available_funds),
        ("Initial margin", summary.initial_margin),
        ("Maintenance margin", summary.maintenance_margin),
    )
    for name, amount in balances:
        made.add_row(name, f"{formats.money(amount)} {summary.currency}")
    made.add_row("Unrealised P&L", formats.change(summary.unrealized_pnl))
    made.add_row("Realised P&L", formats.change(summary.realized_pnl))
    return made


def market_time(reply: MarketTime) -> Text:
    """Show what time it is at the market."""
    return Text(f"The market's time is {formats.stamp(reply.at)}.", style="dim")


def _csv(reply: Bars) -> str:
    from pandas import DataFrame  # noqa: PLC0415 - a third of a second, for those who ask for it

    columns = ["start", "open", "high", "low", "close", "volume", "wap", "count"]
    frame = DataFrame(
        [[getattr(row, name) for name in columns] for row in reply.rows], columns=columns
    )
    text: str = frame.to_csv(index=False, date_format="%Y-%m-%dT%H:%M:%SZ", lineterminator="\n")
    return text.removesuffix("\n")


def _with_size(price: Decimal | None, size: Decimal | None) -> str:
    shown = formats.price(price)
    return f"{shown} ×{formats.quantity(size)}" if price is not None and size else shown


def _day_change(now: Quote) -> Text:
    if now.last is None or now.close is None:
        return formats.change(None)
    return formats.change(now.last - now.close)


def _remarks(now: Quote) -> str:
    marks = (("halted", now.halted), ("delayed", now.delayed), ("frozen", now.frozen))
    return ", ".join(word for word, holds in marks if holds)
