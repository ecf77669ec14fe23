"""What is said of a trade: one line for each thing that happens to it."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from apps.domain.numerals import plain, priced
from apps.domain.orders import Bracket, Fill, Side
from apps.engine.orders.legs import Leg
from apps.engine.orders.trades import Trade

__all__ = [
    "closed_words",
    "fill_words",
    "gone_words",
    "missing_words",
    "never_accepted_words",
    "refused_exit_words",
    "rejected_words",
    "reopened_words",
    "sent_words",
    "unknown_words",
    "unprotected_words",
    "withdrawn_words",
]

_CENT = Decimal("0.01")


def _money(amount: Decimal) -> str:
    return f"{amount.quantize(_CENT):+,f}"


def _price(price: Decimal | None) -> str:
    return "the market" if price is None else priced(price)


def _order(bracket: Bracket) -> str:
    entry = bracket.entry
    stop = f" stop {_price(entry.stop_price)}" if entry.stop_price is not None else ""
    limit = f" limit {_price(entry.limit_price)}" if entry.limit_price is not None else ""
    what = f"{entry.side.value.lower()} {plain(entry.quantity)} {bracket.instrument.symbol}"
    return f"{what}{stop}{limit}"


def reopened_words(trade: Trade) -> str:
    """Say that an entry that was taken for over is not."""
    return f"not over after all: {_order(trade.bracket)} is {trade.state.value}"


def sent_words(trade: Trade) -> str:
    """Say what was sent, with its exits and order ids."""
    bracket = trade.bracket
    target, stop = bracket.take_profit, bracket.stop_loss
    parts = [f"sent {_order(bracket)}"]
    parts += [f"take-profit {_price(target.limit_price)}"] if target is not None else []
    parts += [f"stop {_price(stop.stop_price)}"] if stop is not None else []
    ids = ", ".join(str(leg.order_id) for leg in trade.legs)
    return f"{', '.join(parts)} (orders {ids})"


def fill_words(fill: Fill, leg: Leg | None) -> str:
    """Say what was bought or sold, and for what."""
    verb = "bought" if fill.side is Side.BUY else "sold"
    role = f" ({leg.role.value})" if leg is not None else ""
    return f"{verb} {plain(fill.quantity)} {fill.symbol} @ {_price(fill.price)}{role}"


def missing_words(trade: Trade, legs: Iterable[Leg]) -> str:
    """Say which orders the broker does not list, though nothing was told of their end."""
    named = ", ".join(f"{leg.order_id} ({leg.role.value})" for leg in legs)
    return (
        f"not among the broker's open orders, and their end was not told: {named} of "
        f"{trade.instrument.symbol}; look at `positions` and `executions` ({trade.order_ref})"
    )


def rejected_words(trade: Trade) -> str:
    """Say that the broker turned the entry down, with its code and text."""
    return f"rejected: {_order(trade.bracket)}: {_told(trade.entry)}"


def refused_exit_words(trade: Trade, leg: Leg) -> str:
    """Say that the broker turned an exit down, with its code and text."""
    return f"the {leg.role.value} of {trade.instrument.symbol} was turned down: {_told(leg)}"


def withdrawn_words(trade: Trade) -> str:
    """Say that the entry is off the market, and what was filled of it."""
    filled = trade.entry.filled
    part = f"{plain(filled)} filled before" if filled else "nothing was filled"
    told = f" ({_told(trade.entry)})" if trade.entry.notice is not None else ""
    return f"withdrawn: {_order(trade.bracket)}, {part}{told}"


def never_accepted_words(trade: Trade) -> str:
    """Say that the broker never had the entry."""
    return (
        f"never accepted: {_order(trade.bracket)}; the broker was asked twice, and has none of it"
    )


def gone_words(trade: Trade) -> str:
    """Say that nothing of the trade is left, and that nobody told how it ended."""
    held = f" after {plain(trade.entry.filled)} were entered" if trade.entry.filled else ""
    return (
        f"gone: nothing is left of {_order(trade.bracket)}{held}; how it ended was not told, look "
        f"at the trades in TWS ({trade.order_ref})"
    )


def unknown_words(trade: Trade) -> str:
    """Say that the link was lost before the broker answered."""
    return (
        f"unknown: {_order(trade.bracket)} was sent, and the link was lost before the broker "
        f"answered; it is looked for when the link is back ({trade.order_ref})"
    )


def unprotected_words(trade: Trade) -> str:
    """Say that a position has no working stop, and what to do."""
    symbol = trade.instrument.symbol
    return (
        f"{plain(trade.open_quantity)} {symbol} have no working stop; the guard sends one, unless "
        f"it is off. See `positions`; `close {symbol}` leaves the position"
    )


def closed_words(trade: Trade) -> str:
    """Say what the whole trade came to, fees included."""
    view = trade.view()
    long = view.side is Side.BUY
    entered, exited = ("bought", "sold") if long else ("sold short", "bought back")
    paid = (view.commission or Decimal(0)).quantize(_CENT)
    fees = f"fees {paid:,f}" if trade.fees_are_known else "fees not reported yet"
    return (
        f"closed {view.symbol}: {entered} {plain(view.entry_filled)} @ "
        f"{_price(view.entry_avg_price)}, {exited} @ {_price(view.exit_avg_price)}, "
        f"P&L {_money(view.realized_pnl or Decimal(0))} ({fees})"
    )


def _told(leg: Leg) -> str:
    if leg.notice is None:
        return "the broker gave no reason"
    code, text = leg.notice
    return f"[{code}] {text}"
