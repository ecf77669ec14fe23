"""Records of every kind, to be written and read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from apps.domain.account import AccountSummary, Position
from apps.domain.activities import ActivityBegan, ActivityEnded, ActivityOutcome
from apps.domain.orders import Fill, OrderStatus, Side
from apps.domain.records import (
    AccountSeen,
    AlertTold,
    BarsHeard,
    CarriedIn,
    ChangeAsked,
    ChangeKind,
    CommandGiven,
    CommissionReported,
    DeskOpened,
    Executed,
    IntentDropped,
    IntentReserved,
    LinkSeen,
    NoticeHeard,
    OrderReserved,
    OrderSeen,
    OutcomeKnown,
    PositionSeen,
    Record,
    SessionBegan,
    TradingChanged,
    WatcherSeen,
)

AT = datetime(2026, 11, 20, 14, 31, 5, tzinfo=UTC)
REF = "BD-20261120-w1-000001"
CLIENT = 7


def an_intent(order_ref: str = REF, symbol: str = "AAPL") -> IntentReserved:
    return IntentReserved(
        order_ref=order_ref,
        label="w1",
        con_id=265598,
        symbol=symbol,
        primary_exchange="NASDAQ",
        side=Side.BUY,
        quantity=Decimal(10),
        reference=Decimal("190.60"),
        rests=False,
        at=AT,
    )


def an_order(order_id: int = 101, role: str = "entry", order_ref: str = REF) -> OrderReserved:
    is_entry = role == "entry"
    return OrderReserved(
        order_ref=order_ref,
        client_id=CLIENT,
        order_id=order_id,
        parent_id=0 if is_entry else 101,
        role=role,
        con_id=265598,
        symbol="AAPL",
        side=Side.BUY if is_entry else Side.SELL,
        quantity=Decimal(10),
        order_type="STP" if role == "stop" else "LMT",
        limit_price=None if role == "stop" else Decimal("190.98"),
        stop_price=Decimal("189.65") if role == "stop" else None,
        time_in_force="DAY" if is_entry else "GTC",
        at=AT,
    )


def a_bracket(order_ref: str = REF, first_id: int = 101) -> tuple[Record, ...]:
    roles = enumerate(("entry", "take-profit", "stop"), first_id)
    return (an_intent(order_ref), *(an_order(each, role, order_ref) for each, role in roles))


def a_status(
    status: OrderStatus, order_id: int = 101, filled: str = "0", order_ref: str = REF
) -> OrderSeen:
    return OrderSeen(
        order_ref=order_ref,
        client_id=CLIENT,
        order_id=order_id,
        perm_id=900000 + order_id,
        status=status,
        quantity=Decimal(10),
        filled=Decimal(filled),
        remaining=10 - Decimal(filled),
        avg_fill_price=None,
        limit_price=Decimal("190.98"),
        stop_price=None,
        why_held="",
        warning="",
        at=AT + timedelta(seconds=1),
    )


def a_fill(
    exec_id: str = "0000e0d5.00000001.01.01",
    order_id: int = 101,
    quantity: str = "10",
    price: str = "190.62",
    side: Side = Side.BUY,
    order_ref: str = REF,
) -> Fill:
    return Fill(
        exec_id=exec_id,
        order_id=order_id,
        perm_id=900000 + order_id,
        client_id=CLIENT,
        account="DU1234567",
        con_id=265598,
        symbol="AAPL",
        side=side,
        quantity=Decimal(quantity),
        price=Decimal(price),
        at=AT + timedelta(seconds=2),
        order_ref=order_ref,
    )


def a_commission(exec_id: str = "0000e0d5.00000001.01.01", pnl: str | None = None) -> Record:
    realized = None if pnl is None else Decimal(pnl)
    return CommissionReported(exec_id, REF, Decimal("1.00"), realized, AT)


_MONEY = Decimal("250000.00")

ONE_OF_EACH: tuple[Record, ...] = (
    DeskOpened("DU1234567", CLIENT, "paper", None),
    CommandGiven("breakout start AAPL --level 190.50", AT),
    an_intent(),
    an_order(101),
    an_order(103, "stop"),
    IntentDropped(REF, "the link was lost", AT),
    OutcomeKnown(REF, "never accepted", True, "", AT),
    ChangeAsked(REF, CLIENT, 101, ChangeKind.CANCEL, None, None, None, AT),
    ChangeAsked(REF, CLIENT, 101, ChangeKind.MODIFY, Decimal(4), Decimal("190.98"), None, AT),
    a_status(OrderStatus.SUBMITTED),
    NoticeHeard(REF, CLIENT, 101, 399, "will not be placed at the exchange until 09:30", AT),
    Executed.of(a_fill()),
    a_commission(pnl="12.34"),
    AlertTold("fill", "bought 10 AAPL @ 190.62 (entry)", "AAPL", "w1", REF, AT),
    LinkSeen("ready", 2, "", AT),
    AccountSeen.of(
        AccountSummary("DU1234567", "USD", _MONEY, _MONEY, None, None, None, None, None, None), AT
    ),
    PositionSeen.of(
        Position("DU1234567", 265598, "AAPL", "STK", "USD", Decimal(-3), Decimal("190.123456")), AT
    ),
    WatcherSeen("w1", "AAPL", "armed", '{"level": "190.50"}', "{}", False, "", AT),
    BarsHeard(265598, "AAPL", Decimal("190.55"), AT),
    SessionBegan(AT, AT + timedelta(hours=6), AT),
    CarriedIn(265598, "AAPL", Decimal(-3), None, AT),
    TradingChanged("halted", "the kill file", "KILL is there", True, AT),
    ActivityBegan(
        "a1", "close-all", "0baa2e7352f07ad2", "{}", "paper", "{}", "prompt", False, "k-1", AT
    ),
    ActivityEnded("a1", ActivityOutcome.FAILED, "the link was lost", 504, "", AT),
)


def corrected(fill: Fill, revision: int, quantity: str) -> Fill:
    """The same execution, as its broker corrects it."""
    stem = fill.exec_id.rpartition(".")[0]
    return replace(fill, exec_id=f"{stem}.{revision:02d}", quantity=Decimal(quantity))
