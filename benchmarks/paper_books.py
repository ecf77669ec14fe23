"""A gateway's books as plain values, numbers as text, for whoever judges them from outside."""

from __future__ import annotations

from typing import Any

from apps.domain.orders import Side
from apps.paper.books.holdings import Holding
from apps.paper.books.ledger import Account
from apps.paper.exchange.orders import CommissionReport, Execution
from apps.paper.hub import Hub

__all__ = ["books_of", "trades_of"]

Plain = dict[str, Any]


def books_of(hub: Hub) -> Plain:
    """Give by account its ``cash`` per currency and its ``holdings``."""
    return {name: _account(account) for name, account in hub.accounts.items()}


def trades_of(hub: Hub) -> list[Plain]:
    """Give every execution with what it cost, oldest first; ``signed`` is negative for a sale."""
    exchange = hub.exchange
    return [
        _trade(each, exchange.commission_report(each.exec_id)) for each in exchange.executions()
    ]


def _account(account: Account) -> Plain:
    return {
        "cash": {currency: str(amount) for currency, amount in account.cash().items()},
        "holdings": [_holding(held) for held in account.positions()],
    }


def _holding(held: Holding) -> Plain:
    return {
        "con_id": held.listing.con_id,
        "sec_type": str(held.listing.sec_type),
        "currency": held.listing.currency,
        "quantity": str(held.quantity),
        "cost": str(held.cost),
        "opening_fees": str(held.opening_fees),
    }


def _trade(execution: Execution, report: CommissionReport) -> Plain:
    listing, sign = execution.listing, 1 if execution.side is Side.BUY else -1
    return {
        "exec_id": execution.exec_id,
        "account": execution.account,
        "client_id": execution.client_id,
        "con_id": listing.con_id,
        "sec_type": str(listing.sec_type),
        "symbol": listing.symbol,
        "currency": listing.currency,
        "multiplier": str(listing.multiplier),
        "signed": str(sign * execution.quantity),
        "price": str(execution.price),
        "is_combo": execution.is_combo,
        "commission": str(report.commission),
        "commission_currency": report.currency,
    }
