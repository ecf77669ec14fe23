"""The exit routine's decisions: how a position is closed without being naked or sold twice.

At home here: which step comes next, as ``decide(view, progress)``. One routine serves every way
of closing. Not at home here: sending, waiting, deadlines, and asking the broker for what the view
holds; the engine calls `decide` again after every broker event and does what comes back.

The order of steps, each naive one of which leaves a position naked or sells it twice:

1. **Entries.** One with nothing filled is withdrawn. A partly filled one is reduced to what is
   filled, for cancelling it can kill its children. Nothing else is done until no entry can fill.
2. **Recount.** What may be closed is never more than min(ours, the account's position), and
   executions are waited for where an order's status is ahead of them.
3. **Take-profits** are re-priced through the market, so that the broker's own OCA removes the
   stop with the fill; one that is larger than what may be closed is cut to it.
4. **Without a take-profit** (or a price, or after tries enough) the exits are cancelled; once they
   are over and counted, a market order closes what is left.
5. **Leftovers.** With nothing left to close, exits of ours that still work could only open a
   position: they are cancelled.

`decide` is idempotent: what was asked for stands in the progress, and is not asked for twice.
After a lost link the engine begins with a fresh `ExitProgress`, and so asks again; but only once
open orders and executions have been read anew, for what had been sent may be among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from apps.domain.exits.view import ExitOrder, ExitRole, ExitView
from apps.domain.numerals import plain
from apps.domain.orders import OrderStatus, Side

__all__ = [
    "MAX_MARKET_ORDERS",
    "MAX_REPRICES",
    "THROUGH_PCT",
    "CancelStop",
    "CancelTakeProfit",
    "Done",
    "ExitAction",
    "ExitOrder",
    "ExitProgress",
    "ExitRole",
    "ExitView",
    "ReduceEntry",
    "RepriceTakeProfit",
    "Repriced",
    "SendMarket",
    "Stuck",
    "Wait",
    "WithdrawEntry",
    "decide",
]

THROUGH_PCT = Decimal("0.5")
"""How far through the market a take-profit is priced: it fills at the touch, and this is room for
the market to move on the way. IB cancels orders that are much farther away (202)."""

MAX_REPRICES = 5
MAX_MARKET_ORDERS = 3

_ZERO = Decimal(0)
_EXITS = (ExitRole.TAKE_PROFIT, ExitRole.STOP)
_BEING_CANCELLED = frozenset({OrderStatus.PENDING_CANCEL, OrderStatus.PRE_CANCELLED})


@dataclass(frozen=True, slots=True)
class Repriced:
    """What a take-profit was last asked to be, and how often it was asked."""

    price: Decimal
    quantity: Decimal
    times: int


@dataclass(frozen=True, slots=True)
class ExitProgress:
    """What the routine has asked for so far; a fresh one asks for everything.

    ``before_market`` are the ids of the closing orders that were known when the newest one was
    asked for: until another is seen, that one is under way.
    """

    withdrawn: frozenset[int] = frozenset()
    reduced: Mapping[int, Decimal] = field(default_factory=dict)
    repriced: Mapping[int, Repriced] = field(default_factory=dict)
    cancelled: frozenset[int] = frozenset()
    market_orders: int = 0
    before_market: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class WithdrawEntry:
    """Cancel an entry of which nothing is filled."""

    order_id: int


@dataclass(frozen=True, slots=True)
class ReduceEntry:
    """Change a partly filled entry's total quantity to what is filled."""

    order_id: int
    to_quantity: Decimal


@dataclass(frozen=True, slots=True)
class RepriceTakeProfit:
    """Change a take-profit's limit, and its total quantity (filled shares included)."""

    order_id: int
    price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class CancelStop:
    """Cancel a stop."""

    order_id: int


@dataclass(frozen=True, slots=True)
class CancelTakeProfit:
    """Cancel a take-profit."""

    order_id: int


@dataclass(frozen=True, slots=True)
class SendMarket:
    """Send a market order."""

    side: Side
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do until the broker says more; ``reason`` says what is awaited."""

    reason: str


@dataclass(frozen=True, slots=True)
class Done:
    """Our position is closed and no order of ours is left."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """The routine cannot go on by itself; ``reason`` is a sentence for the trader."""

    reason: str


ExitAction = (
    WithdrawEntry
    | ReduceEntry
    | RepriceTakeProfit
    | CancelStop
    | CancelTakeProfit
    | SendMarket
    | Wait
    | Done
    | Stuck
)

_Decision = tuple[ExitProgress, tuple[ExitAction, ...]]


def decide(view: ExitView, progress: ExitProgress) -> _Decision:
    """Give the progress to decide with next time, and what to do now.

    There is always at least one action; Wait, Done and Stuck come alone. Keep the progress only
    of what was sent: where sending raised, decide again with the one before.
    """
    if _live(view, ExitRole.ENTRY):
        return _stop_entries(view, progress)
    awaited = _awaited(view, progress)
    if awaited:
        return progress, (Wait(awaited),)
    if not view.closable:
        return _clear_leftovers(view, progress)
    price = _price_through(view)
    if price is not None and _may_reprice(view, progress):
        return _reprice(view, progress, price)
    return _cancel_then_market(view, progress)


def _stop_entries(view: ExitView, progress: ExitProgress) -> _Decision:
    withdrawn, reduced = set(progress.withdrawn), dict(progress.reduced)
    actions: list[ExitAction] = []
    live = _live(view, ExitRole.ENTRY)
    for entry in live:
        filled = entry.order.quantity - entry.left
        if entry.order_id in withdrawn or entry.order.status in _BEING_CANCELLED:
            continue
        if not filled:
            withdrawn.add(entry.order_id)
            actions.append(WithdrawEntry(entry.order_id))
        elif reduced.get(entry.order_id) != filled:
            reduced[entry.order_id] = filled
            actions.append(ReduceEntry(entry.order_id, filled))
    progress = replace(progress, withdrawn=frozenset(withdrawn), reduced=reduced)
    return _or_wait(progress, actions, f"the end of entry {live[0].order_id}")


def _awaited(view: ExitView, progress: ExitProgress) -> str:
    """Say what is not known yet and has to be before shares are counted; empty if nothing is."""
    closing = {order.order_id for order in view.orders if order.role is ExitRole.MARKET}
    if progress.market_orders and closing <= progress.before_market:
        return "the closing order to be acknowledged"
    for order in _live(view, ExitRole.MARKET):
        return f"the closing order {order.order_id}"
    for order in view.orders:
        if order.traded < order.order.filled:
            return f"the executions of order {order.order_id}"
    return "the account's position" if view.ours and view.account_position is None else ""


def _clear_leftovers(view: ExitView, progress: ExitProgress) -> _Decision:
    if _live(view, *_EXITS):
        return _cancel_exits(view, progress)
    if not view.ours:
        return progress, (Done(),)
    return progress, (
        Stuck(
            f"{view.symbol}: by our executions we hold {plain(view.ours)}, but the account holds "
            f"{plain(view.account_position or _ZERO)}. Nothing of ours is left to close there: "
            "compare positions and executions."
        ),
    )


def _may_reprice(view: ExitView, progress: ExitProgress) -> bool:
    """Tell whether take-profits alone can close the position, or a part of it.

    Not once the other way was begun; nor where several would together close too much.
    """
    take_profits = _live(view, ExitRole.TAKE_PROFIT)
    if not take_profits:
        return False
    if len(take_profits) > 1 and sum(order.left for order in take_profits) > view.closable:
        return False
    return not any(
        order.order_id in progress.cancelled
        or order.order.status is OrderStatus.INACTIVE
        or _is_exhausted(view, progress.repriced.get(order.order_id))
        for order in take_profits
    )


def _is_exhausted(view: ExitView, asked: Repriced | None) -> bool:
    return asked is not None and asked.times >= MAX_REPRICES and not _is_through(view, asked.price)


def _reprice(view: ExitView, progress: ExitProgress, price: Decimal) -> _Decision:
    repriced = dict(progress.repriced)
    actions: list[ExitAction] = []
    live = _live(view, ExitRole.TAKE_PROFIT)
    for order in live:
        asked = repriced.get(order.order_id)
        quantity = order.traded + min(order.left, view.closable)
        if not order.order.status.is_working or not _needs_asking(view, order, asked, quantity):
            continue
        times = asked.times + 1 if asked else 1
        repriced[order.order_id] = Repriced(price, quantity, times)
        actions.append(RepriceTakeProfit(order.order_id, price, quantity))
    progress = replace(progress, repriced=repriced)
    return _or_wait(progress, actions, f"the take-profit {live[0].order_id} to fill")


def _needs_asking(
    view: ExitView, order: ExitOrder, asked: Repriced | None, quantity: Decimal
) -> bool:
    if asked is None:
        return True
    state = order.order
    if (state.limit_price, state.quantity) != (asked.price, asked.quantity):
        return False  # the last change is still under way: one at a time
    return quantity != asked.quantity or not _is_through(view, asked.price)


def _cancel_then_market(view: ExitView, progress: ExitProgress) -> _Decision:
    if _live(view, *_EXITS):
        return _cancel_exits(view, progress)
    if progress.market_orders >= MAX_MARKET_ORDERS:
        return progress, (
            Stuck(
                f"{view.symbol}: {plain(view.closable)} shares are still open after "
                f"{MAX_MARKET_ORDERS} market orders, and no order protects them: look at the "
                "broker's answers and close them by hand."
            ),
        )
    closing = (order.order_id for order in view.orders if order.role is ExitRole.MARKET)
    progress = replace(
        progress, market_orders=progress.market_orders + 1, before_market=frozenset(closing)
    )
    return progress, (SendMarket(view.closing_side, view.closable),)


def _cancel_exits(view: ExitView, progress: ExitProgress) -> _Decision:
    actions: list[ExitAction] = []
    live = _live(view, *_EXITS)
    for order in live:
        if order.order_id in progress.cancelled or order.order.status in _BEING_CANCELLED:
            continue
        cancel = CancelStop if order.role is ExitRole.STOP else CancelTakeProfit
        actions.append(cancel(order.order_id))
    ids = frozenset(order.order_id for order in live)
    progress = replace(progress, cancelled=progress.cancelled | ids)
    return _or_wait(progress, actions, f"the end of order {live[0].order_id}")


def _live(view: ExitView, *roles: ExitRole) -> list[ExitOrder]:
    return [order for order in view.orders if order.role in roles and not order.is_over]


def _or_wait(progress: ExitProgress, actions: list[ExitAction], reason: str) -> _Decision:
    return progress, tuple(actions) or (Wait(reason),)


def _touch(view: ExitView) -> Decimal | None:
    """Give the price at which the market would take our shares now."""
    if view.quote is None or not view.quote.is_live:
        return None
    return view.quote.bid if view.closing_side is Side.SELL else view.quote.ask


def _is_through(view: ExitView, price: Decimal) -> bool:
    touch = _touch(view)
    if touch is None:
        return True
    return price <= touch if view.closing_side is Side.SELL else price >= touch


def _price_through(view: ExitView) -> Decimal | None:
    market = _touch(view) or view.mark
    if market is None or market <= 0:
        return None
    through = market * (1 + view.closing_side.sign * THROUGH_PCT / 100)
    if view.closing_side is Side.BUY:
        return view.ticks.up(through)
    return view.ticks.down(through) or None
