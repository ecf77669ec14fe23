"""Trades of the engine as the guard's decisions see them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from apps.domain.exits.guard_view import GuardedTrade, GuardOrder, GuardRole, GuardView, Reading
from apps.domain.instruments import Instrument
from apps.domain.quotes import Quote
from apps.engine.orders.legs import Leg, LegRole
from apps.engine.orders.trade_states import TradeState
from apps.engine.orders.trades import Trade

__all__ = ["guard_view", "live_exit_ids"]

_ZERO = Decimal(0)

_ROLES = {
    LegRole.STOP_LOSS: GuardRole.STOP,
    LegRole.TAKE_PROFIT: GuardRole.TAKE_PROFIT,
    LegRole.EXIT: GuardRole.EXIT,
    LegRole.CORRECTION: GuardRole.CORRECTION,
}


def guard_view(
    instrument: Instrument,
    trades: Iterable[Trade],
    *,
    account_position: Decimal,
    at: datetime | None,
    now_s: float,
    quote: Quote | None = None,
    readings: tuple[Reading, ...] = (),
) -> GuardView:
    """Give what the guard is told of ``trades``, all of one contract."""
    every = tuple(trades)
    guarded = tuple(_guarded(each) for each in every if each.state is not TradeState.GONE)
    return GuardView(
        instrument.symbol,
        guarded,
        account_position,
        now_s,
        touch=_touch(quote, account_position),
        is_open=None if at is None else instrument.hours.is_open(at),
        is_being_closed=any(each.is_being_closed for each in every),
        readings=readings,
    )


def live_exit_ids(trades: Iterable[Trade]) -> frozenset[int]:
    """Give the orders of trades, save entries, whose end is not known."""
    return frozenset(
        leg.order_id
        for trade in trades
        for leg in trade.legs
        if leg.role is not LegRole.ENTRY and not leg.has_ended
    )


def _guarded(trade: Trade) -> GuardedTrade:
    exits = tuple(_order(leg) for leg in trade.legs if leg.role is not LegRole.ENTRY)
    entered = _entered(trade.entry)
    if trade.is_over:  # also where others closed it: nothing of it is open any more
        entered = min(entered, trade.exit_filled)
    stop, target = trade.bracket.stop_loss, trade.bracket.take_profit
    return GuardedTrade(
        order_ref=trade.order_ref,
        side=trade.bracket.entry.side,
        entered=entered,
        is_entering=not trade.entry.is_over and not trade.is_over,
        stop_price=None if stop is None else stop.stop_price,
        target_price=None if target is None else target.limit_price,
        exits=exits,
    )


def _entered(entry: Leg) -> Decimal:
    """Give what an entry traded, by whichever of executions and status is ahead.

    Executions can stay away for good, also when they are asked for. A status alone protects
    nothing: what the account holds bounds it.
    """
    return max(entry.filled, _ZERO if entry.order is None else entry.order.filled)


def _order(leg: Leg) -> GuardOrder:
    return GuardOrder(
        role=_ROLES[leg.role],
        order_id=leg.order_id,
        quantity=leg.ticket.quantity if leg.order is None else leg.order.quantity,
        traded=leg.filled,
        order=leg.order,
        is_over=leg.has_ended or leg.is_filled,
        was_refused=leg.is_rejected,
        is_missing=leg.is_missing,
        oca_group=leg.ticket.oca_group,
    )


def _touch(quote: Quote | None, position: Decimal) -> Decimal | None:
    if quote is None or not quote.is_live or not position:
        return None
    touch = quote.bid if position > 0 else quote.ask
    return touch if touch is not None and touch > 0 else None
