"""The exchange's words in the wire's: how an order, a fill and a fee are told to a client."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from apps.domain.orders import Side
from apps.paper.exchange.behaviour import Limit
from apps.paper.exchange.events import WhatIfAnswered
from apps.paper.exchange.orders import CommissionReport, Execution, Order, OrderSnapshot
from apps.paper.session.instruments.contracts import contract_of
from apps.paper.session.times import in_market_zone
from apps.paper.settings import StatusSpeech
from apps.paper.wire import (
    CommissionReport as WireCommissionReport,
)
from apps.paper.wire import (
    CompletedOrder,
    Contract,
    ExecutionDetails,
    OpenOrder,
    OrderState,
    OrderStatus,
    PlaceOrder,
    Response,
)
from apps.paper.wire import Order as WireOrder

__all__ = [
    "accepted",
    "changed",
    "commission_report",
    "completed_order",
    "execution_details",
    "open_order",
    "order_status",
    "what_if_answer",
]

UNREQUESTED = -1
_PRICE_DIGITS = Decimal("1.000000")
_PENDING = "PendingSubmit"
_SIDE = {Side.BUY: "BOT", Side.SELL: "SLD"}


def accepted(snapshot: OrderSnapshot, order_id: int, speech: StatusSpeech) -> Iterator[Response]:
    """Tell of an order that was taken."""
    if speech is StatusSpeech.AS_IB:
        yield from _told(snapshot, order_id, _PENDING)
    yield from _told(snapshot, order_id)


def changed(snapshot: OrderSnapshot, order_id: int, speech: StatusSpeech) -> Iterator[Response]:
    """Tell of an order that has changed."""
    yield from _told(snapshot, order_id)
    if speech is StatusSpeech.AS_IB and snapshot.filled:
        yield from _told(snapshot, order_id)


def _told(snapshot: OrderSnapshot, order_id: int, status: str = "") -> Iterator[Response]:
    """Tell an order and then its status: ib_insync drops the status of one it does not know."""
    yield open_order(snapshot, order_id, status)
    yield order_status(snapshot, order_id, status)


def open_order(snapshot: OrderSnapshot, order_id: int, status: str = "") -> OpenOrder:
    """Tell what an order is now; sizes and prices are the exchange's, the rest is echoed.

    ``order_id`` is the id by which the client knows it, ``status`` another than its own.
    """
    state = OrderState(status=status or snapshot.status.value, warning_text=snapshot.warning)
    return OpenOrder(
        order_id=order_id,
        client_id=snapshot.order.client_id,
        perm_id=snapshot.perm_id,
        contract=_contract(snapshot.order),
        order=_order(snapshot),
        state=state,
    )


def order_status(snapshot: OrderSnapshot, order_id: int, status: str = "") -> OrderStatus:
    """Tell how an order stands."""
    return OrderStatus(
        order_id=order_id,
        status=status or snapshot.status.value,
        filled=snapshot.filled,
        remaining=snapshot.remaining,
        avg_fill_price=_rounded(snapshot.avg_fill_price),
        perm_id=snapshot.perm_id,
        parent_id=snapshot.order.parent_id,
        last_fill_price=snapshot.last_fill_price or Decimal(0),
        client_id=snapshot.order.client_id,
        why_held=snapshot.why_held,
        market_cap_price=snapshot.price_cap or Decimal(0),
    )


def completed_order(snapshot: OrderSnapshot) -> CompletedOrder:
    """Tell of an order that ended."""
    done_at = snapshot.done_at or snapshot.placed_at
    if snapshot.filled and not snapshot.remaining:
        sentence = f"Filled Size: {snapshot.filled}"
    else:
        sentence = snapshot.done_reason or "Cancelled by Trader"
    return CompletedOrder(
        perm_id=snapshot.perm_id,
        contract=_contract(snapshot.order),
        order=_order(snapshot),
        status=snapshot.status.value,
        filled_quantity=snapshot.filled,
        parent_perm_id=snapshot.parent_perm_id,
        completed_time=in_market_zone(done_at),
        completed_status=sentence,
    )


def execution_details(
    execution: Execution, order_id: int, req_id: int = UNREQUESTED
) -> ExecutionDetails:
    """Tell of one fill of the order that the client knows by ``order_id``."""
    return ExecutionDetails(
        req_id=req_id,
        order_id=order_id,
        contract=contract_of(execution.listing),
        exec_id=execution.exec_id,
        time=in_market_zone(execution.at),
        account=execution.account,
        exchange=_venue(execution),
        side=_SIDE[execution.side],
        shares=execution.quantity,
        price=execution.price,
        perm_id=execution.perm_id,
        client_id=execution.client_id,
        cum_qty=execution.cumulative_quantity,
        avg_price=_rounded(execution.avg_price),
        order_ref=execution.order_ref,
        last_liquidity=2 if execution.removed_liquidity else 1,
    )


def commission_report(report: CommissionReport) -> WireCommissionReport:
    """Tell what a fill cost."""
    realized = report.realized_pnl
    return WireCommissionReport(
        exec_id=report.exec_id,
        commission=report.commission,
        currency=report.currency,
        realized_pnl=None if realized is None else _rounded(realized),
    )


def what_if_answer(answer: WhatIfAnswered, perm_id: int = 0) -> OpenOrder:
    """Tell what an order would do."""
    initial, maintenance = answer.initial_margin, answer.maintenance_margin
    equity = answer.equity_with_loan
    state = OrderState(
        status="PreSubmitted",
        init_margin_before=_rounded(initial.before),
        maint_margin_before=_rounded(maintenance.before),
        equity_with_loan_before=_rounded(equity.before),
        init_margin_change=_rounded(initial.change),
        maint_margin_change=_rounded(maintenance.change),
        equity_with_loan_change=_rounded(equity.change),
        init_margin_after=_rounded(initial.after),
        maint_margin_after=_rounded(maintenance.after),
        equity_with_loan_after=_rounded(equity.after),
        commission=_rounded(answer.commission),
        min_commission=_rounded(answer.commission),
        max_commission=_rounded(answer.commission),
        commission_currency=answer.currency,
    )
    order = answer.order
    placed = _placed(order)
    return OpenOrder(
        order_id=order.order_id,
        client_id=order.client_id,
        perm_id=perm_id,
        contract=_contract(order),
        order=placed.order if placed else WireOrder(),
        state=state,
    )


def _contract(order: Order) -> Contract:
    placed = _placed(order)
    if placed is None:
        return contract_of(order.listing)
    asked = placed.contract
    return replace(
        contract_of(order.listing, asked.exchange or None),
        combo_legs_description=asked.combo_legs_description,
        combo_legs=asked.combo_legs,
        delta_neutral=asked.delta_neutral,
    )


def _order(snapshot: OrderSnapshot) -> WireOrder:
    order, placed = snapshot.order, _placed(snapshot.order)
    return replace(
        placed.order if placed else WireOrder(),
        action=order.side.value,
        total_quantity=order.quantity,
        order_type=order.order_type,
        limit_price=_limit(snapshot),
        stop_price=order.stop_price,
        trail_stop_price=snapshot.trail_stop or order.trail_stop_price,
        time_in_force=order.time_in_force or "DAY",
        outside_rth=order.outside_rth,
        oca_group=snapshot.oca_group,
        oca_type=snapshot.oca_type,
        parent_id=order.parent_id,
        order_ref=order.order_ref,
        account=order.account,
    )


def _limit(snapshot: OrderSnapshot) -> Decimal | None:
    """Give the limit as it stands: that of a trailing stop limit moves with its stop."""
    if snapshot.order.behaviour.limit is Limit.TRAILING and snapshot.found_limit is not None:
        return snapshot.found_limit
    return snapshot.order.limit_price


def _placed(order: Order) -> PlaceOrder | None:
    return order.wire if isinstance(order.wire, PlaceOrder) else None


def _venue(execution: Execution) -> str:
    """Name a venue, as IB does: an execution happens on an exchange, not on SMART."""
    primary = execution.listing.primary_exchange
    return "ISLAND" if primary == "NASDAQ" else primary or execution.listing.exchange


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(_PRICE_DIGITS).normalize()
