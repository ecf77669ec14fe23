"""A trade in numbers, as lists and reports show it: what was filled, at what price, for how much.

Pure: it is added up from the trade's orders and executions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from apps.domain.orders import Bracket, Fill, Side
from apps.engine.orders.legs import Leg, LegRole
from apps.engine.orders.trade_states import TradeState

__all__ = ["TradeView", "exit_filled", "view_of"]


@dataclass(frozen=True, slots=True)
class TradeView:
    """A trade as it stands, for lists and reports. Prices per share, money in the currency.

    ``realized_pnl`` is None until something was exited, and holds the fees known so far.
    ``code`` is IB's where the broker turned the entry down, ``reason`` its text.
    """

    order_ref: str
    symbol: str
    side: Side
    quantity: Decimal
    state: TradeState
    order_ids: tuple[int, ...]
    entry_filled: Decimal
    entry_avg_price: Decimal | None
    exit_filled: Decimal
    exit_avg_price: Decimal | None
    limit_price: Decimal | None
    take_profit: Decimal | None
    stop_loss: Decimal | None
    realized_pnl: Decimal | None
    commission: Decimal | None
    code: int | None
    reason: str
    watcher_id: str


def exit_filled(legs: Iterable[Leg]) -> Decimal:
    """Give how much was exited, less what was taken back because it was too much."""
    return sum((_exit_sign(leg) * leg.filled for leg in legs), Decimal(0))


def view_of(
    bracket: Bracket,
    state: TradeState,
    legs: tuple[Leg, ...],
    fills: Iterable[Fill],
    watcher_id: str,
) -> TradeView:
    """Give the trade of ``legs``, of which one is the entry, as it stands."""
    entry = next(leg for leg in legs if leg.role is LegRole.ENTRY)
    target, stop = bracket.take_profit, bracket.stop_loss
    told = entry.notice if state is TradeState.REJECTED else None
    code, reason = told or (None, "")
    exited, commission = exit_filled(legs), _commission(fills)
    exit_value = sum((_exit_sign(leg) * leg.value for leg in legs), Decimal(0))
    return TradeView(
        order_ref=bracket.entry.order_ref,
        symbol=bracket.instrument.symbol,
        side=bracket.entry.side,
        quantity=bracket.entry.quantity,
        state=state,
        order_ids=tuple(leg.order_id for leg in legs),
        entry_filled=entry.filled,
        entry_avg_price=_average(entry.value, entry.filled),
        exit_filled=exited,
        exit_avg_price=_average(exit_value, exited),
        limit_price=bracket.entry.limit_price,
        take_profit=target.limit_price if target is not None else None,
        stop_loss=stop.stop_price if stop is not None else None,
        realized_pnl=_realized_pnl(bracket.entry.side, entry, exited, exit_value, commission),
        commission=commission,
        code=code,
        reason=reason,
        watcher_id=watcher_id,
    )


def _realized_pnl(
    side: Side, entry: Leg, exited: Decimal, exit_value: Decimal, commission: Decimal | None
) -> Decimal | None:
    if not exited or not entry.filled:
        return None
    cost = entry.value * exited / entry.filled
    return side.sign * (exit_value - cost) - (commission or Decimal(0))


def _commission(fills: Iterable[Fill]) -> Decimal | None:
    known = [fill.commission for fill in fills if fill.commission is not None]
    return sum(known, Decimal(0)) if known else None


def _exit_sign(leg: Leg) -> int:
    """Give how a leg counts among the exits: an entry not at all, a correction against them."""
    return {LegRole.ENTRY: 0, LegRole.CORRECTION: -1}.get(leg.role, 1)


def _average(value: Decimal, quantity: Decimal) -> Decimal | None:
    return value / quantity if quantity else None
