"""Matching executions: whole intents, corrections, other halves that are missing, slippage."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from apps.domain.orders import Fill, Side
from apps.domain.records import IntentReserved, OrderReserved
from apps.domain.trade_reconciliation import TradingRecords, match_trades

AT = datetime(2026, 11, 20, 14, 31, 5, tzinfo=UTC)
REF = "BD-20261120-w1-000001"
CLIENT = 7
D = Decimal

INTENT = IntentReserved(REF, "w1", 1, "AAPL", "NASDAQ", Side.BUY, D(10), D("190.60"), False, AT)


def an_order(order_id: int, role: str, **prices: Decimal) -> OrderReserved:
    side = Side.BUY if role == "entry" else Side.SELL
    return OrderReserved(
        order_ref=REF,
        client_id=CLIENT,
        order_id=order_id,
        parent_id=0 if role == "entry" else 101,
        role=role,
        con_id=1,
        symbol="AAPL",
        side=side,
        quantity=D(10),
        order_type="LMT",
        limit_price=prices.get("limit"),
        stop_price=prices.get("stop"),
        time_in_force="DAY",
        at=AT,
    )


ORDERS = (
    an_order(101, "entry", limit=D("190.98")),
    an_order(102, "take-profit", limit=D("192.50")),
    an_order(103, "stop", stop=D("189.60")),
)


def a_fill(name: str, order_id: int, quantity: str, price: str, fee: str | None = "1") -> Fill:
    side = Side.BUY if order_id == 101 else Side.SELL
    return Fill(
        exec_id=f"{name}.01",
        order_id=order_id,
        perm_id=order_id + 1000,
        client_id=CLIENT,
        account="DU1",
        con_id=1,
        symbol="AAPL",
        side=side,
        quantity=D(quantity),
        price=D(price),
        at=AT + timedelta(seconds=order_id),
        order_ref=REF,
        commission=None if fee is None else D(fee),
    )


ENTRY = a_fill("0001.e", 101, "10", "190.70")
STOPPED = a_fill("0001.s", 103, "10", "189.50")


def records(*fills: Fill) -> TradingRecords:
    return TradingRecords((INTENT,), ORDERS, fills)


def test_an_intent_is_whole_with_its_result_and_what_it_lost_to_the_market() -> None:
    found = match_trades(records(ENTRY, STOPPED), (ENTRY, STOPPED), CLIENT)
    (intent,) = found.intents
    assert (intent.entered, intent.exited, intent.open) == (D(10), D(10), D(0))
    assert (intent.entry_avg_price, intent.exit_avg_price) == (D("190.70"), D("189.50"))
    assert intent.entry_slippage == D("1.00")  # ten shares, ten cents above the reference
    assert intent.exit_slippage == D("1.00")  # ten cents below the stop
    assert intent.commission == D(2)
    assert intent.realized_pnl == found.realized_pnl == D("-14.00")
    assert (found.unmatched, found.missing, found.commissions) == ((), (), ())


def test_a_short_loses_to_the_market_the_other_way() -> None:
    short = replace(INTENT, side=Side.SELL)
    order = replace(ORDERS[0], side=Side.SELL)
    fill = replace(ENTRY, side=Side.SELL, price=D("190.50"))
    (intent,) = match_trades(TradingRecords((short,), (order,), (fill,)), (fill,), CLIENT).intents
    assert intent.entry_slippage == D("1.00")
    assert intent.realized_pnl is None


def test_what_only_the_broker_knows_is_counted_and_named_to_be_written() -> None:
    found = match_trades(records(ENTRY), (ENTRY, STOPPED), CLIENT)
    assert found.missing == (STOPPED,)
    assert found.intents[0].exited == D(10)
    assert found.unmatched == ()


def test_a_correction_holds_and_is_written() -> None:
    corrected = replace(ENTRY, exec_id="0001.e.02", quantity=D(8))
    known = replace(ENTRY, exec_id="0001.e.01")
    found = match_trades(records(known), (corrected,), CLIENT)
    assert found.intents[0].entered == D(8)
    assert found.missing == (corrected,)


def test_a_report_of_costs_that_the_journal_lacks_is_taken() -> None:
    awaited = replace(ENTRY, commission=None)
    found = match_trades(records(awaited), (ENTRY,), CLIENT)
    assert found.commissions == (ENTRY,)
    assert found.intents[0].commission == D(1)
    assert found.missing == ()


def test_an_execution_without_its_costs_is_named() -> None:
    awaited = replace(ENTRY, commission=None)
    found = match_trades(records(awaited), (awaited,), CLIENT)
    assert [each.exec_id for each in found.unmatched] == [ENTRY.exec_id]
    assert "commission" in found.unmatched[0].text
    assert found.intents[0].commission is None


def test_what_the_broker_does_not_tell_of_its_own_day_is_named() -> None:
    found = match_trades(records(ENTRY, STOPPED), (ENTRY,), CLIENT)
    assert [each.exec_id for each in found.unmatched] == [STOPPED.exec_id]
    assert "does not tell" in found.unmatched[0].text


def test_what_was_before_the_brokers_memory_is_not_missed() -> None:
    earlier = replace(ENTRY, at=AT - timedelta(days=1))
    found = match_trades(records(earlier, STOPPED), (STOPPED,), CLIENT)
    assert found.unmatched == ()


def test_an_execution_of_ours_without_intent_is_named_and_a_foreign_one_is_not() -> None:
    stray = replace(ENTRY, order_ref="BD-20261120-w9-000009", exec_id="0002.x.01")
    foreign = replace(ENTRY, order_ref="by hand", exec_id="0003.x.01")
    other_client = replace(ENTRY, client_id=99, exec_id="0004.x.01")
    found = match_trades(records(), (stray, foreign, other_client), CLIENT)
    assert [each.exec_id for each in found.unmatched] == [stray.exec_id]
    assert found.missing == (stray,)


def test_an_order_outside_of_intents_accounts_for_its_execution() -> None:
    ref = "BD-20261120-close-000009"
    order = replace(ORDERS[0], order_ref=ref, order_id=300)
    fill = replace(ENTRY, order_ref=ref, order_id=300)
    found = match_trades(TradingRecords((), (order,), (fill,)), (fill,), CLIENT)
    assert (found.intents, found.unmatched) == ((), ())


def test_nothing_traded_is_nothing_found() -> None:
    found = match_trades(TradingRecords((), (), ()), (), CLIENT)
    assert (found.intents, found.unmatched, found.realized_pnl) == ((), (), D(0))


@given(
    st.permutations(range(4)),
    st.lists(st.integers(0, 3), max_size=6),
)
def test_order_and_repetition_of_what_is_told_change_nothing(
    order: list[int], repeated: list[int]
) -> None:
    told = (
        a_fill("0001.a", 101, "4", "190.70"),
        a_fill("0001.b", 101, "6", "190.80"),
        a_fill("0001.c", 102, "3", "192.50"),
        a_fill("0001.d", 103, "7", "189.55", None),
    )
    shuffled = [told[each] for each in (*order, *repeated)]
    assert match_trades(records(), shuffled, CLIENT) == match_trades(records(), told, CLIENT)
