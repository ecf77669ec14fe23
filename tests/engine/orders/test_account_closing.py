"""Closing what is not the desk's: only that, flat by the broker's word, and nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal

import pytest

from apps.domain.account import Position
from apps.domain.errors import AlreadyDone, NotConnected
from apps.domain.instruments import Instrument
from apps.domain.intents import AccountLabel
from apps.domain.link import LinkState
from apps.domain.orders import OrderType, Side, Ticket
from apps.domain.trading_state import HaltCause
from apps.engine.exits.exit_routine import CloseOutcome
from apps.engine.orders.account_orders import Wanted
from tests.engine.conftest import Stage
from tests.engine.fakes import AAPL, MSFT, an_instrument, settle

D = Decimal


async def begun(
    stage: Stage, positions: Sequence[Position] | None = None
) -> asyncio.Task[tuple[CloseOutcome, ...]]:
    asked = stage.broker.holdings if positions is None else positions
    task = asyncio.create_task(stage.desk.account_closing.close_foreign(asked))
    await settle()
    return task


def sent(stage: Stage) -> list[tuple[str, str, Decimal, str]]:
    return [
        (
            each.instrument.symbol,
            each.ticket.side.value,
            each.ticket.quantity,
            each.instrument.exchange,
        )
        for each in stage.broker.orders.values()
        if each.ticket.order_ref.split("-")[2] == "all"
    ]


async def test_longs_and_shorts_are_closed_at_smart_and_flat_by_the_brokers_word(
    stage: Stage,
) -> None:
    stage.broker.hold(AAPL, "100")
    stage.broker.hold(MSFT, "-40")
    task = await begun(stage)
    assert sent(stage) == [
        ("AAPL", "SELL", D(100), "SMART"),
        ("MSFT", "BUY", D(40), "SMART"),
    ]
    for order_id, quantity in ((101, "100"), (102, "40")):
        stage.broker.accept(order_id)
        stage.broker.fill(order_id, quantity, "190.40")
    await stage.clock.advance(1)
    outcomes = await task
    assert [(each.symbol, each.ok, each.sold) for each in outcomes] == [
        ("AAPL", True, D(100)),
        ("MSFT", True, D(40)),
    ]
    assert stage.broker.holdings == ()


async def test_what_is_the_desks_own_stays_with_its_stop(stage: Stage) -> None:
    await stage.enter_and_fill()  # 10 of ours
    stage.broker.hold(AAPL, "30")
    before = dict(stage.broker.orders)
    task = await begun(stage)
    assert sent(stage) == [("AAPL", "SELL", D(20), "SMART")]
    order_id = max(stage.broker.orders)
    stage.broker.accept(order_id)
    stage.broker.fill(order_id, "20", "190.40")
    await stage.clock.advance(1)
    (outcome,) = await task
    assert outcome.ok
    assert stage.desk.own_quantity("AAPL") == 10
    assert all(not stage.broker.orders[each].state.status.is_done for each in list(before)[1:])


async def test_closing_passes_a_halt(stage: Stage) -> None:
    stage.broker.hold(AAPL, "100")
    stage.desk.halt_now(HaltCause.COMMAND)
    task = await begun(stage)
    assert len(sent(stage)) == 1
    stage.broker.fill(101, "100", "190.40")
    await stage.clock.advance(1)
    assert (await task)[0].ok


async def test_position_that_somebody_else_closed_meanwhile_is_not_sold_short(
    stage: Stage,
) -> None:
    stage.broker.hold(AAPL, "100")
    asked = stage.broker.holdings
    stage.broker.hold(AAPL, "0")
    task = await begun(stage, asked)
    assert await task == ()
    assert stage.broker.orders == {}


async def test_order_that_is_turned_down_leaves_the_position_and_says_so(stage: Stage) -> None:
    stage.broker.hold(AAPL, "100")
    task = await begun(stage)
    stage.broker.reject(101, 201, "Order rejected - reason: closed")
    await stage.clock.advance(11)
    (outcome,) = await task
    assert not outcome.ok
    assert outcome.foreign == 100
    assert "rejected" in outcome.text


async def test_order_that_does_not_fill_in_time_is_left_and_told(stage: Stage) -> None:
    stage.broker.hold(AAPL, "100")
    task = await begun(stage)
    stage.broker.accept(101)
    await stage.clock.advance(31)
    (outcome,) = await task
    assert not outcome.ok
    assert "order 101 is working" in outcome.text


async def test_orders_of_ours_for_the_account_are_ended_before(stage: Stage) -> None:
    stage.broker.hold(AAPL, "100")
    ticket = Ticket(Side.SELL, D(100), OrderType.LIMIT, D("250.00"))
    resting = stage.desk.account_orders.place(
        Wanted(AAPL, ticket, AccountLabel.ALLOCATION, D("250.00"))
    )
    stage.broker.accept(resting.order_id)
    await begun(stage)
    assert resting.is_over
    assert sent(stage) == [("AAPL", "SELL", D(100), "SMART")]


async def test_nothing_is_sent_where_an_order_of_ours_is_not_known_to_have_ended(
    stage: Stage,
) -> None:
    stage.broker.hold(AAPL, "100")
    ticket = Ticket(Side.SELL, D(100), OrderType.LIMIT, D("250.00"))
    resting = stage.desk.account_orders.place(
        Wanted(AAPL, ticket, AccountLabel.ALLOCATION, D("250.00"))
    )
    stage.broker.accept(resting.order_id)
    stage.broker.obeys = False
    task = await begun(stage)
    await stage.clock.advance(60)
    (outcome,) = await task
    assert not outcome.ok
    assert "not known to be over" in outcome.text
    assert sent(stage) == []


def of_kind(instrument: Instrument, kind: str, currency: str = "USD") -> Position:
    return Position("DU1234567", instrument.con_id, instrument.symbol, kind, currency, D(5), D(100))


async def test_what_cannot_be_traded_is_told_and_a_currency_is_no_position(stage: Stage) -> None:
    unknown = of_kind(an_instrument("ODD", 9), "OPT")
    euros = of_kind(an_instrument("EUR", 8), "CASH")
    stage.broker.holdings = (unknown, euros)
    task = await begun(stage)
    await stage.clock.advance(11)
    (outcome,) = await task
    assert (outcome.symbol, outcome.ok) == ("ODD", False)
    assert stage.broker.orders == {}


async def test_another_contract_of_the_same_name_is_not_traded(stage: Stage) -> None:
    stage.broker.holdings = (of_kind(an_instrument("AAPL", 999), "STK", "EUR"),)
    task = await begun(stage)
    await stage.clock.advance(11)
    assert "another contract" in (await task)[0].text
    assert stage.broker.orders == {}


async def test_it_waits_for_nobody_who_trades_for_the_account(stage: Stage) -> None:
    stage.broker.hold(AAPL, "100")
    with stage.desk.account_orders.alone("allocation"), pytest.raises(AlreadyDone):
        await stage.desk.account_closing.close_foreign(stage.broker.holdings)


async def test_position_is_not_called_flat_where_it_cannot_be_read(stage: Stage) -> None:
    stage.broker.hold(AAPL, "100")
    task = await begun(stage)
    stage.broker.fill(101, "100", "190.40")
    stage.broker.set_link(LinkState.DISCONNECTED, epoch=1)
    await stage.clock.advance(1)
    (outcome,) = await task
    assert not outcome.ok
    assert "could not be read" in outcome.text


async def test_global_cancel_is_confirmed_by_what_stands(stage: Stage) -> None:
    ticket = Ticket(Side.BUY, D(1), OrderType.LIMIT, D("100.00"))
    order = stage.desk.account_orders.place(
        Wanted(AAPL, ticket, AccountLabel.ALLOCATION, D("100.00"))
    )
    stage.broker.accept(order.order_id)
    stage.desk.account_closing.cancel_everything()
    assert await stage.desk.account_closing.still_standing(1.0) == ()
    stage.broker.set_link(LinkState.DISCONNECTED)
    with pytest.raises(NotConnected):
        stage.desk.account_closing.cancel_everything()
