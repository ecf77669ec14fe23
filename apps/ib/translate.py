"""Between ib_insync's objects and the domain's values. Pure: no socket, no clock.

Prices and sizes come off the wire as floats; `exact` gives the decimal that a person would
write. Unset values (1.797e308, 2147483647, −1 for a price, NaN) become None.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING

from apps.domain.account import AccountSummary, CurrencyCash, Position, WhatIf
from apps.domain.bars import Bar
from apps.domain.errors import NotFound
from apps.domain.instruments import Instrument, InstrumentKind
from apps.domain.orders import Fill, OrderState, OrderStatus, Side, Ticket
from apps.domain.sessions import TradingHours
from apps.domain.ticks import PriceBand, TickRule
from apps.ib.hours import trading_hours

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ib_insync import contract as ibc
    from ib_insync import objects as ibo
    from ib_insync import order as ibd

__all__ = [
    "account_summary",
    "bar_from_history",
    "cash_by_currency",
    "completed_order_from",
    "exact",
    "exact_or_none",
    "fill_from",
    "fill_ib_order",
    "hours_from",
    "instrument_from",
    "order_state_from",
    "position_from",
    "tick_rule_from",
    "what_if_from",
]

_UNSET_DOUBLE = 1.7976931348623157e308
_SIDES = {
    "BUY": Side.BUY,
    "BOT": Side.BUY,
    "SELL": Side.SELL,
    "SSHORT": Side.SELL,
    "SLD": Side.SELL,
}
_REDUCE = 3
"""The type of group that a bracket's children are in: a fill reduces the rest, and blocks none.
Type 1 would cancel a whole stop at the first part of a take-profit."""

_LIMIT_TYPES = {"LMT", "STP LMT", "LIT", "LOC", "LOO", "REL", "TRAIL LIMIT"}
_STOP_TYPES = {"STP", "STP LMT", "MIT", "LIT"}


def exact(value: float | str) -> Decimal:
    """Give the shortest decimal for ``value``, without a trailing ``.0``.

    >>> exact(100.0), exact(190.05), exact("5e-05")
    (Decimal('100'), Decimal('190.05'), Decimal('0.00005'))
    """
    number = Decimal(str(value))
    if number == number.to_integral_value():
        return number.quantize(Decimal(1))
    return number


def exact_or_none(value: float | str | None) -> Decimal | None:
    """Give the decimal for ``value``, or None where IB left it unset."""
    if value is None or value == "":
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    if not math.isfinite(number) or abs(number) >= _UNSET_DOUBLE:
        return None
    return exact(value)


# ---------------------------------------------------------------------- instruments


def instrument_from(
    details: ibc.ContractDetails, ticks: TickRule, hours: TradingHours
) -> Instrument:
    """Give the instrument that ``details`` describes. Raises NotFound for an unknown kind."""
    contract = details.contract
    if contract is None:
        raise NotFound("IB described a contract without its name.")
    try:
        kind = InstrumentKind(contract.secType)
    except ValueError:
        raise NotFound(
            f"{contract.symbol} is of kind {contract.secType}, which the desk does not know."
        ) from None
    return Instrument(
        con_id=contract.conId,
        symbol=_symbol(contract, kind),
        kind=kind,
        exchange="SMART" if kind is InstrumentKind.STOCK else contract.exchange,
        primary_exchange=contract.primaryExchange or contract.exchange,
        currency=contract.currency,
        ticks=ticks,
        hours=hours,
        multiplier=exact(contract.multiplier or "1"),
        size_increment=exact(details.sizeIncrement) if details.sizeIncrement > 0 else Decimal(1),
        name=details.longName,
    )


def _symbol(contract: ibc.Contract, kind: InstrumentKind) -> str:
    # what can be typed to find the instrument again
    if kind is InstrumentKind.FOREX:
        return f"{contract.symbol}.{contract.currency}"
    if kind is InstrumentKind.FUTURE:
        return contract.localSymbol
    return contract.symbol


def hours_from(details: ibc.ContractDetails) -> TradingHours:
    """Give the trading hours. Raises NotFound for an unknown zone, ValueError for odd text."""
    if not details.timeZoneId:
        return TradingHours()
    return trading_hours(
        liquid=details.liquidHours, trading=details.tradingHours, zone=details.timeZoneId
    )


def tick_rule_from(increments: Iterable[ibo.PriceIncrement]) -> TickRule:
    """Give a market rule's bands. Raises InvalidInput for bands out of order."""
    return TickRule(
        tuple(PriceBand(exact(band.lowEdge), exact(band.increment)) for band in increments)
    )


# ---------------------------------------------------------------------------- orders


def fill_ib_order(order: ibd.Order, ticket: Ticket, *, account: str) -> ibd.Order:
    """Write ``ticket`` into ``order``, every field explicitly, and give it back.

    TWS fills what is missing from its presets (and says so with 10349), so nothing is missing.
    """
    order.action = ticket.side.value
    order.totalQuantity = _wire_quantity(ticket.quantity)
    order.orderType = ticket.order_type.value
    if ticket.limit_price is not None:
        order.lmtPrice = float(ticket.limit_price)
    if ticket.stop_price is not None:
        order.auxPrice = float(ticket.stop_price)
    order.tif = ticket.time_in_force.value
    order.outsideRth = ticket.outside_rth
    order.orderRef = ticket.order_ref
    if ticket.oca_group:
        order.ocaGroup, order.ocaType = ticket.oca_group, _REDUCE
    if ticket.adaptive is not None:
        order.algoStrategy = "Adaptive"
        order.algoParams = [_tag_value("adaptivePriority", ticket.adaptive.value)]
    order.account = account
    return order


def _tag_value(tag: str, value: str) -> ibc.TagValue:
    from ib_insync.contract import TagValue  # noqa: PLC0415 - whoever has an order has loaded it

    return TagValue(tag, value)


def _wire_quantity(quantity: Decimal) -> float:
    # an int stands on the wire as "100", a float as "100.0": whole shares go as whole numbers
    return int(quantity) if quantity == quantity.to_integral_value() else float(quantity)


def order_state_from(
    contract: ibc.Contract,
    order: ibd.Order,
    *,
    status: OrderStatus,
    before: OrderState | None,
    warning: str = "",
) -> OrderState:
    """Give what an openOrder message says; fills and holds are kept from ``before``."""
    quantity = exact(order.totalQuantity)
    filled = before.filled if before is not None else Decimal(0)
    return OrderState(
        order_id=order.orderId,
        perm_id=order.permId,
        client_id=order.clientId,
        account=order.account,
        con_id=contract.conId,
        symbol=contract.symbol,
        side=_SIDES[order.action],
        quantity=quantity,
        order_type=order.orderType,
        limit_price=_price(order.lmtPrice) if order.orderType in _LIMIT_TYPES else None,
        stop_price=_stop_price(order),
        time_in_force=order.tif,
        order_ref=order.orderRef,
        parent_id=order.parentId,
        oca_group=order.ocaGroup,
        status=status,
        filled=filled,
        remaining=quantity - filled,
        avg_fill_price=before.avg_fill_price if before is not None else None,
        why_held=before.why_held if before is not None else "",
        warning=warning or (before.warning if before is not None else ""),
    )


def completed_order_from(
    contract: ibc.Contract, order: ibd.Order, state: ibd.OrderState, status: OrderStatus
) -> OrderState:
    """Give what a completedOrder message says: neither order id, client nor parent is in it.

    TWS leaves the quantity of many at 0; then it is what was filled.
    """
    filled = exact_or_none(order.filledQuantity) or Decimal(0)
    order.orderId, order.clientId = 0, -1
    said = order_state_from(contract, order, status=status, before=None)
    quantity = max(said.quantity, filled)
    return replace(
        said,
        quantity=quantity,
        filled=filled,
        remaining=quantity - filled,
        warning=state.completedStatus or "",
    )


def _stop_price(order: ibd.Order) -> Decimal | None:
    if order.orderType in _STOP_TYPES:
        return _price(order.auxPrice)
    if order.orderType.startswith("TRAIL"):
        return _price(order.trailStopPrice)
    return None


def _price(value: float) -> Decimal | None:
    # IB writes 0 for a price that the order type has no use for
    price = exact_or_none(value)
    return price or None


def fill_from(
    contract: ibc.Contract, execution: ibo.Execution, report: ibo.CommissionReport | None
) -> Fill:
    """Give one execution, with what its commission report says, if that has come."""
    return Fill(
        exec_id=execution.execId,
        order_id=execution.orderId,
        perm_id=execution.permId,
        client_id=execution.clientId,
        account=execution.acctNumber,
        con_id=contract.conId,
        symbol=contract.symbol,
        side=_SIDES[execution.side],
        quantity=exact(execution.shares),
        price=exact(execution.price),
        at=execution.time,
        order_ref=execution.orderRef,
        commission=exact_or_none(report.commission) if report is not None else None,
        realized_pnl=exact_or_none(report.realizedPNL) if report is not None else None,
    )


def what_if_from(state: ibd.OrderState) -> WhatIf:
    """Give the answer to a what-if; a commission may be given as a range, its top is taken."""
    commission = exact_or_none(state.commission)
    return WhatIf(
        initial_margin_change=exact_or_none(state.initMarginChange),
        maintenance_margin_change=exact_or_none(state.maintMarginChange),
        commission=exact_or_none(state.maxCommission) if commission is None else commission,
        warning=state.warningText,
    )


# --------------------------------------------------------------------------- account


def position_from(position: ibo.Position, valued: ibo.PortfolioItem | None) -> Position:
    """Give one holding, with the market value of the last account update where there is one."""
    contract = position.contract
    return Position(
        account=position.account,
        con_id=contract.conId,
        symbol=contract.symbol,
        kind=contract.secType,
        currency=contract.currency,
        quantity=exact(position.position),
        average_cost=exact(position.avgCost),
        market_price=exact_or_none(valued.marketPrice) if valued is not None else None,
        unrealized_pnl=exact_or_none(valued.unrealizedPNL) if valued is not None else None,
        realized_pnl=exact_or_none(valued.realizedPNL) if valued is not None else None,
    )


def account_summary(account: str, values: Mapping[tuple[str, str], str]) -> AccountSummary:
    """Give the balances from ``values``, keyed by (tag, currency), in the base currency."""
    currency = next((unit for tag, unit in values if tag == "NetLiquidation" and unit), "")

    def value(tag: str) -> Decimal | None:
        for unit in (currency, "BASE", ""):
            if (tag, unit) in values:
                return exact_or_none(values[tag, unit])
        return None

    return AccountSummary(
        account=account,
        currency=currency,
        net_liquidation=value("NetLiquidation"),
        cash=value("TotalCashValue"),
        buying_power=value("BuyingPower"),
        available_funds=value("AvailableFunds"),
        initial_margin=value("InitMarginReq"),
        maintenance_margin=value("MaintMarginReq"),
        unrealized_pnl=_ledger(values, currency, "UnrealizedPnL"),
        realized_pnl=_ledger(values, currency, "RealizedPnL"),
        settled_cash=value("SettledCash"),
        account_type=values.get(("AccountType", ""), ""),
    )


def cash_by_currency(values: Mapping[tuple[str, str], str]) -> tuple[CurrencyCash, ...]:
    """Give the cash of each currency from ``values``, keyed by (tag, currency), by name."""
    held: list[CurrencyCash] = []
    for tag, currency in sorted(values):
        amount = exact_or_none(values[tag, currency]) if tag == "CashBalance" else None
        if amount is not None and currency not in ("", "BASE"):
            rate = exact_or_none(values.get(("ExchangeRate", currency)))
            held.append(CurrencyCash(currency, amount, rate if rate and rate > 0 else None))
    return tuple(held)


def _ledger(values: Mapping[tuple[str, str], str], currency: str, tag: str) -> Decimal | None:
    # per currency, a ledger holds that currency's part only: the total comes first
    for unit in ("BASE", currency):
        if (tag, unit) in values:
            return exact_or_none(values[tag, unit])
    return None


# ------------------------------------------------------------------------------ bars


def bar_from_history(bar: ibo.BarData, seconds: int) -> Bar:
    """Give one bar of a historical answer; a daily bar starts at midnight UTC of its date."""
    return Bar(
        start=_start(bar.date),
        seconds=seconds,
        open=bar.open,
        high=bar.high,
        low=bar.low,
        close=bar.close,
        volume=bar.volume,
        wap=bar.average,
        count=bar.barCount,
    )


def _start(at: date | datetime) -> datetime:
    if isinstance(at, datetime):
        return at.astimezone(UTC)
    return datetime.combine(at, time(), UTC)
