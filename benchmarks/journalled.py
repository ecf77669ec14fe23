"""A journal with a past: brackets of an earlier day, each from its reservation to its outcome."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from apps.domain.orders import OrderStatus, Side
from apps.domain.records import (
    CommissionReported,
    Executed,
    IntentReserved,
    OrderReserved,
    OrderSeen,
    OutcomeKnown,
    Record,
)
from apps.store.journal.file import JournalFile
from benchmarks.script import us_stocks

__all__ = ["LEGS", "fill_journal"]

LEGS = 3
_AT = datetime(2026, 11, 18, 15, 0, tzinfo=UTC)
_SHARES = Decimal(10)
_FIRST_ID = 1_000
_PRICES = {"entry": Decimal("100.65"), "take-profit": Decimal("101.66"), "stop": Decimal("100.15")}
_STATUSES = (OrderStatus.PENDING_SUBMIT, OrderStatus.SUBMITTED)


def fill_journal(path: Path, brackets: int, client_id: int) -> None:
    """Write down so many closed brackets of three orders."""
    with JournalFile.open(path) as journal:
        for number in range(brackets):
            journal.write(*_life(number, client_id))


def _life(number: int, client_id: int) -> list[Record]:
    listing = us_stocks(60)[number % 60]
    order_ref = f"BD-20261118-bracket-{number:06d}"
    first_id = _FIRST_ID + LEGS * number
    records: list[Record] = [
        IntentReserved(
            order_ref=order_ref,
            label="bracket",
            con_id=listing.con_id,
            symbol=listing.symbol,
            primary_exchange="NASDAQ",
            side=Side.BUY,
            quantity=_SHARES,
            reference=_PRICES["entry"],
            rests=False,
            at=_AT,
        )
    ]
    for order_id, (role, price) in enumerate(_PRICES.items(), first_id):
        is_entry, is_stop = role == "entry", role == "stop"
        records.append(
            OrderReserved(
                order_ref=order_ref,
                client_id=client_id,
                order_id=order_id,
                parent_id=0 if is_entry else first_id,
                role=role,
                con_id=listing.con_id,
                symbol=listing.symbol,
                side=Side.BUY if is_entry else Side.SELL,
                quantity=_SHARES,
                order_type="STP" if is_stop else "LMT",
                limit_price=None if is_stop else price,
                stop_price=price if is_stop else None,
                time_in_force="DAY" if is_entry else "GTC",
                at=_AT,
            )
        )
        end = OrderStatus.CANCELLED if is_stop else OrderStatus.FILLED
        records += [_seen(order_ref, client_id, order_id, status) for status in (*_STATUSES, end)]
        if not is_stop:
            records += _executed(order_ref, client_id, order_id, listing.con_id, role)
    records.append(OutcomeKnown(order_ref, "closed", is_over=True, reason="", at=_AT))
    return records


def _seen(order_ref: str, client_id: int, order_id: int, status: OrderStatus) -> OrderSeen:
    filled = _SHARES if status is OrderStatus.FILLED else Decimal(0)
    return OrderSeen(
        order_ref=order_ref,
        client_id=client_id,
        order_id=order_id,
        perm_id=10_000_000 + order_id,
        status=status,
        quantity=_SHARES,
        filled=filled,
        remaining=_SHARES - filled,
        avg_fill_price=None,
        limit_price=None,
        stop_price=None,
        why_held="",
        warning="",
        at=_AT,
    )


def _executed(
    order_ref: str, client_id: int, order_id: int, con_id: int, role: str
) -> tuple[Record, ...]:
    exec_id = f"0000past.{order_id:08d}.01.01"
    return (
        Executed(
            exec_id=exec_id,
            execution=exec_id.rpartition(".")[0],
            revision=1,
            order_ref=order_ref,
            client_id=client_id,
            order_id=order_id,
            perm_id=10_000_000 + order_id,
            account="DU1234567",
            con_id=con_id,
            symbol="AAPL",
            side=Side.BUY if role == "entry" else Side.SELL,
            quantity=_SHARES,
            price=_PRICES[role],
            at=_AT,
        ),
        CommissionReported(exec_id, order_ref, Decimal(1), None, _AT),
    )
