"""The laws of a gateway's books, judged from its trades alone: slow, plain, and not its own code.

Positions are the sum of what was executed. Cash is what there was at first, less what was paid,
plus what was got, less commissions; a future moves cash only by what its price has made since.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

__all__ = ["broken_laws"]

Trade = Mapping[str, Any]
"""As `ObservedGateway.trades` gives them."""


def broken_laws(
    books: Mapping[str, Any], trades: Iterable[Trade], *, began_with: Decimal
) -> list[str]:
    """Say what does not add up; each account began with so many USD."""
    by_account: defaultdict[str, list[Trade]] = defaultdict(list)
    seen: set[str] = set()
    broken = []
    for trade in trades:
        by_account[trade["account"]].append(trade)
        if trade["exec_id"] in seen:
            broken.append(f"execution {trade['exec_id']} is told twice")
        seen.add(trade["exec_id"])
    for name, book in books.items():
        booked = [trade for trade in by_account[name] if not trade["is_combo"]]
        broken += _wrong_positions(name, book, booked)
        broken += _wrong_cash(name, book, booked, began_with)
    return broken


def _wrong_positions(name: str, book: Mapping[str, Any], trades: list[Trade]) -> list[str]:
    summed: defaultdict[int, Decimal] = defaultdict(Decimal)
    for trade in trades:
        summed[trade["con_id"]] += Decimal(trade["signed"])
    held = {each["con_id"]: Decimal(each["quantity"]) for each in book["holdings"]}
    return [
        f"{name} holds {held.get(con_id, 0)} of {con_id}, its executions make {summed[con_id]}"
        for con_id in summed.keys() | held.keys()
        if held.get(con_id, Decimal(0)) != summed[con_id]
    ]


def _wrong_cash(
    name: str, book: Mapping[str, Any], trades: list[Trade], began_with: Decimal
) -> list[str]:
    due: defaultdict[str, Decimal] = defaultdict(Decimal, {"USD": began_with})
    for trade in trades:
        signed, worth = Decimal(trade["signed"]), Decimal(trade["signed"]) * Decimal(trade["price"])
        due[trade["currency"]] -= worth * Decimal(trade["multiplier"])
        due[trade["commission_currency"]] -= Decimal(trade["commission"])
        if trade["sec_type"] == "CASH":
            due[trade["symbol"]] += signed
    for held in book["holdings"]:
        if held["sec_type"] == "FUT":
            due[held["currency"]] += Decimal(held["cost"]) - Decimal(held["opening_fees"])
    cash = {currency: Decimal(amount) for currency, amount in book["cash"].items()}
    return [
        f"{name} has {cash.get(currency, 0)} {currency}, its trades make {due[currency]}"
        for currency in due.keys() | cash.keys()
        if cash.get(currency, Decimal(0)) != due[currency]
    ]
