"""The exit routine, cancellations, and the end of a desk."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from apps.domain.account import Position
from apps.domain.errors import NotFound, RiskRefused
from apps.domain.exits.protection import ProtectionState
from apps.domain.orders import OrderStatus, OrderType
from apps.engine.alerts import AlertKind
from apps.engine.desk import Desk
from apps.engine.exits.exit_routine import CloseOutcome
from apps.engine.orders.trade_states import TradeState
from apps.engine.parts import Parts
from apps.engine.ports import LinkState
from apps.engine.requests import BracketRequest
from tests.engine.conftest import Stage, Staging, shut_down
from tests.engine.fakes import AAPL, MSFT, settle


async def begin_close(stage: Stage, target: str = "AAPL") -> asyncio.Task[tuple[CloseOutcome, ...]]:
    task = asyncio.create_task(stage.desk.close(target))
    await settle()
    return task


async def test_take_profit_is_priced_through_the_market_and_takes_the_stop_with_it(
    stage: Stage,
) -> None:
    _, target, stop = await stage.enter_and_fill()
    stage.market.set_quote(AAPL, "190.50", "190.52")
    closing = await begin_close(stage)
    assert stage.broker.sent[-1] == f"modify {target}"
    assert stage.broker.orders[target].ticket.limit_price == Decimal("189.54")
    stage.broker.fill(target, "10", "190.50")
    stage.broker.end(stop)
    (outcome,) = await closing
    assert (outcome.ok, outcome.sold, outcome.left) == (True, Decimal(10), Decimal(0))
    await settle()
    assert stage.desk.trades()[0].state is TradeState.CLOSED
    assert all(stream.is_closed for stream in stage.market.quote_streams)


async def test_without_a_take_profit_the_stop_is_cancelled_first_and_the_rest_is_sold(
    stage: Stage,
) -> None:
    _, target, stop = await stage.enter_and_fill()
    stage.broker.set_status(target, OrderStatus.CANCELLED)
    stage.broker.obeys = False
    closing = await begin_close(stage)
    assert stage.broker.sent[-1] == f"cancel {stop}"
    stage.broker.set_status(stop, OrderStatus.CANCELLED)
    await settle()
    market = max(stage.broker.orders)
    ticket = stage.broker.orders[market].ticket
    assert stage.broker.sent[-1] == f"place {market}"
    assert (ticket.order_type, ticket.quantity) == (OrderType.MARKET, Decimal(10))
    stage.broker.accept(market)
    stage.broker.fill(market, "10", "190.48")
    (outcome,) = await closing
    assert outcome.ok
    await stage.clock.advance(5.0)
    assert stage.desk.trades()[0].state is TradeState.CLOSED
    assert stage.texts(AlertKind.ERROR) == []


async def test_stop_that_fires_while_it_is_cancelled_is_not_sold_again(stage: Stage) -> None:
    _, target, stop = await stage.enter_and_fill()
    stage.broker.set_status(target, OrderStatus.CANCELLED)
    stage.broker.obeys = False
    closing = await begin_close(stage)
    stage.broker.fill(stop, "10", "189.60")
    (outcome,) = await closing
    assert outcome.ok
    assert not any(sent.startswith("place") for sent in stage.broker.sent)


async def test_unfilled_entry_is_withdrawn_by_a_close(stage: Stage) -> None:
    entry, target, stop = await stage.enter()
    stage.broker.accept(entry, target, stop)
    (outcome,) = await stage.desk.close("AAPL")
    assert outcome.ok
    assert stage.broker.sent[-1] == f"cancel {entry}"
    await settle()
    assert stage.desk.trades()[0].state is TradeState.WITHDRAWN


async def test_partly_filled_entry_is_reduced_then_closed(stage: Stage) -> None:
    entry, target, stop = await stage.enter()
    stage.broker.accept(entry, target, stop)
    stage.broker.fill(entry, "4", "190.62")
    closing = await begin_close(stage)
    assert f"modify {entry}" in stage.broker.sent
    await settle()
    assert stage.broker.orders[target].ticket.quantity == 4
    stage.broker.fill(target, "4", "190.50")
    stage.broker.end(stop)
    (outcome,) = await closing
    assert (outcome.ok, outcome.sold) == (True, Decimal(4))


async def test_what_belongs_to_others_is_not_touched(stage: Stage) -> None:
    _, target, stop = await stage.enter_and_fill()
    stage.broker.hold(AAPL, "15")
    closing = await begin_close(stage)
    stage.broker.fill(target, "10", "190.50")
    stage.broker.end(stop)
    (outcome,) = await closing
    assert (outcome.ok, outcome.foreign) == (True, Decimal(5))
    assert "5 shares that are not the desk's were not touched" in outcome.text


async def test_symbol_without_anything_of_ours_is_not_found(stage: Stage) -> None:
    stage.broker.hold(MSFT, "5")
    with pytest.raises(NotFound, match="nothing of ours"):
        await stage.desk.close("MSFT")
    assert stage.broker.sent == []


async def test_close_that_gets_no_answer_ends_at_its_deadline(stage: Stage) -> None:
    _, target, _ = await stage.enter_and_fill()
    stage.broker.obeys = False
    closing = await begin_close(stage)
    await stage.clock.advance(61.0)
    (outcome,) = await closing
    assert not outcome.ok
    assert outcome.left == 10
    assert "not closed within 60 s" in outcome.text
    assert stage.broker.sent.count(f"modify {target}") == 1


async def test_entries_are_refused_while_their_symbol_is_being_closed(stage: Stage) -> None:
    _, target, stop = await stage.enter_and_fill()
    preview = await stage.desk.preview_bracket(BracketRequest("buy", "AAPL", "1"))
    closing = await begin_close(stage)
    with pytest.raises(RiskRefused, match="being closed"):
        await stage.desk.send_bracket(preview)
    stage.broker.fill(target, "10", "190.50")
    stage.broker.end(stop)
    await closing
    await stage.desk.send_bracket(preview)


async def test_close_all_closes_each_symbol_of_ours(stage: Stage) -> None:
    _, target, stop = await stage.enter_and_fill()
    closing = await begin_close(stage, "all")
    stage.broker.fill(target, "10", "190.50")
    stage.broker.end(stop)
    assert [outcome.symbol for outcome in await closing] == ["AAPL"]
    assert await stage.desk.close("all") == ()


async def test_link_lost_within_a_close_asks_for_everything_anew(stage: Stage) -> None:
    _, target, stop = await stage.enter_and_fill()
    stage.broker.obeys = False
    closing = await begin_close(stage)
    stage.broker.set_link(LinkState.DISCONNECTED, "socket closed", epoch=1)
    await settle()
    stage.broker.set_link(LinkState.READY)
    await settle()
    assert stage.broker.sent.count(f"modify {target}") == 2
    stage.broker.fill(target, "10", "190.50")
    stage.broker.end(stop)
    assert (await closing)[0].ok


async def test_position_carried_over_from_an_earlier_day_is_known_by_its_stop(
    make_stage: Staging,
) -> None:
    stage = make_stage()
    await leave_a_position(stage)
    async with stage.desk:
        (view,) = await stage.desk.positions()
        assert (view.ours, view.protection.state) == (Decimal(10), ProtectionState.PROTECTED)
        closing = await begin_close(stage)
        assert stage.broker.sent[-1] == "modify 102"
        stage.broker.fill(102, "10", "190.50")
        stage.broker.end(103)
        assert (await closing)[0].ok


async def leave_a_position(stage: Stage) -> None:
    """Leave a protected position of an earlier day, whose executions are not given any more."""
    async with stage.desk:
        await stage.enter_and_fill()
    stage.broker.fills = []
    stage.desk = Desk(
        Parts(
            broker=stage.broker,
            market=stage.market,
            clock=stage.clock,
            limits=stage.desk._gate._limits,
            trading_mode=stage.desk.trading_mode,
            defaults=stage.desk._previews._defaults,
            alerts=stage.told.append,
            journal=stage.journal,
            ref_suffix=lambda: "second",
        )
    )


async def test_carried_exit_that_was_partly_filled_before_today_is_no_riddle(
    make_stage: Staging,
) -> None:
    stage = make_stage()
    await leave_a_position(stage)
    stage.broker.fill(102, "4", "192.00")
    stage.broker.fills = []
    async with stage.desk:
        closing = await begin_close(stage)
        assert stage.broker.sent[-1] == "modify 102"
        stage.broker.fill(102, "6", "190.50")
        stage.broker.end(103)
        (outcome,) = await closing
        assert (outcome.ok, outcome.sold) == (True, Decimal(6))


async def test_stop_taken_away_by_a_close_is_not_told_however_long_that_takes(
    stage: Stage,
) -> None:
    _, target, stop = await stage.enter_and_fill()
    stage.broker.set_status(target, OrderStatus.CANCELLED)
    stage.broker.obeys = False
    closing = await begin_close(stage)
    stage.broker.set_status(stop, OrderStatus.CANCELLED)
    await stage.clock.advance(20.0)
    assert stage.texts(AlertKind.ERROR) == []
    stage.broker.fill(max(stage.broker.orders), "10", "190.48")
    assert (await closing)[0].ok


async def test_two_trades_of_a_symbol_are_both_closed_by_the_order_for_what_is_left(
    stage: Stage,
) -> None:
    for _ in range(2):
        preview = await stage.desk.preview_bracket(BracketRequest("buy", "AAPL", "10"))
        trade = await stage.desk.send_bracket(preview)
        entry, target, stop = trade.view().order_ids
        stage.broker.accept(entry)
        stage.broker.fill(entry, "10", "190.41")
        stage.broker.set_status(target, OrderStatus.CANCELLED)
        stage.broker.set_status(stop, OrderStatus.CANCELLED)
    closing = await begin_close(stage)
    market = max(stage.broker.orders)
    assert stage.broker.orders[market].ticket.quantity == 20
    stage.broker.accept(market)
    stage.broker.fill(market, "20", "190.48")
    assert (await closing)[0].ok
    assert {trade.state for trade in stage.desk.trades()} == {TradeState.CLOSED}


async def test_position_that_an_execution_has_overtaken_is_not_believed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, target, _ = await stage.enter_and_fill()
    ask = stage.broker.positions

    async def overtaken() -> tuple[Position, ...]:
        answer = await ask()
        stage.broker.fill(target, "4", "192.53")
        return answer

    assert await stage.desk._closings._exits._account_position(AAPL.con_id) == 10
    monkeypatch.setattr(stage.broker, "positions", overtaken)
    assert await stage.desk._closings._exits._account_position(AAPL.con_id) is None


async def test_cancel_all_cancels_our_orders_one_by_one(stage: Stage) -> None:
    entry, target, stop = await stage.enter()
    stage.broker.accept(entry, target, stop)
    other = replace(stage.broker.orders[entry].state, order_id=7, client_id=3, order_ref="else")
    stage.broker.foreign_orders.append(other)
    outcomes = await stage.desk.cancel("all")
    assert [(each.order_id, each.ok) for each in outcomes] == [
        (entry, True),
        (target, True),
        (stop, True),
    ]
    assert stage.broker.sent[1:] == [f"cancel {entry}"], "the children went with their entry"


async def test_cancel_by_id_says_what_the_broker_refuses(stage: Stage) -> None:
    _, target, _ = await stage.enter_and_fill()
    stage.broker.obeys = False
    cancelling = asyncio.create_task(stage.desk.cancel(target))
    await settle()
    stage.broker.notice(10148, "OrderId 102 that needs to be cancelled cannot: Filled.", target)
    (outcome,) = await cancelling
    assert (outcome.ok, outcome.code) == (False, 10148)


async def test_cancel_without_an_answer_looks_at_the_open_orders(stage: Stage) -> None:
    _, target, _ = await stage.enter_and_fill()
    stage.broker.obeys = False
    cancelling = asyncio.create_task(stage.desk.cancel(str(target)))
    await stage.clock.advance(10.1)
    (outcome,) = await cancelling
    assert not outcome.ok
    assert "still stands" in outcome.text


async def test_cancelling_a_partly_filled_entry_keeps_the_exits_of_what_is_filled(
    stage: Stage,
) -> None:
    entry, target, stop = await stage.enter()
    stage.broker.accept(entry, target, stop)
    stage.broker.fill(entry, "4", "190.62")
    (outcome,) = await stage.desk.cancel(entry)
    assert outcome.ok
    assert f"cancel {entry}" not in stage.broker.sent
    assert stage.desk.trades()[0].state is TradeState.PROTECTED


@pytest.mark.parametrize("target", [999, "abc"])
async def test_cancel_of_an_unknown_order_is_not_found(stage: Stage, target: int | str) -> None:
    with pytest.raises(NotFound, match=str(target)):
        await stage.desk.cancel(target)


async def test_shutdown_lists_working_orders_and_what_is_left_unprotected(stage: Stage) -> None:
    _, target, stop = await stage.enter_and_fill()
    await stage.arm("MSFT", "411")
    stage.broker.set_status(stop, OrderStatus.CANCELLED)
    report = await stage.desk.shutdown()
    assert report.watchers_kept == ("w1", "w2")
    assert [order.order_id for order in report.working_orders] == [target]
    assert [view.position.symbol for view in report.unprotected] == ["AAPL"]
    assert not report.clean
    assert await stage.desk.shutdown() is report
    assert stage.market.bar_listeners[MSFT.con_id] == []
    assert stage.broker._listeners == []


async def test_shutdown_leaves_a_protected_bracket_and_is_clean(stage: Stage) -> None:
    _, target, stop = await stage.enter_and_fill()
    report = await stage.desk.shutdown()
    assert [order.order_id for order in report.working_orders] == [target, stop]
    assert report.clean


async def test_shutdown_withdraws_an_entry_that_was_to_be_withdrawn(stage: Stage) -> None:
    entry, target, stop = await stage.enter()
    stage.broker.accept(entry, target, stop)
    report = await stage.desk.shutdown()
    assert stage.broker.sent[-1] == f"cancel {entry}"
    assert report.working_orders == ()


async def test_shutdown_without_a_link_says_what_was_last_known(stage: Stage) -> None:
    await stage.enter_and_fill()
    stage.broker.set_link(LinkState.DISCONNECTED, "socket closed", epoch=1)
    report = await stage.desk.shutdown()
    assert "the link is down" in report.problems[0]
    assert len(report.working_orders) == 2


async def test_shutdown_of_a_silent_broker_takes_less_than_five_seconds(stage: Stage) -> None:
    entry, target, stop = await stage.enter()
    stage.broker.accept(entry, target, stop)
    stage.broker.obeys = False
    stage.broker.open_orders = asyncio.Event().wait  # type: ignore[assignment,method-assign]  # never answers
    began_s = stage.clock.now_s
    report = await shut_down(stage.desk, stage.clock)
    assert stage.clock.now_s - began_s < 5
    assert len(report.problems) == 2


async def without_a_take_profit(stage: Stage) -> int:
    """Give the stop of a position whose take-profit is gone, at a broker that takes its time."""
    _, target, stop = await stage.enter_and_fill()
    stage.broker.set_status(target, OrderStatus.CANCELLED)
    stage.broker.obeys = False
    return stop


async def test_close_goes_on_when_nobody_waits_for_it_any_more(stage: Stage) -> None:
    stop = await without_a_take_profit(stage)
    closing = await begin_close(stage)
    assert stage.broker.sent[-1] == f"cancel {stop}"
    closing.cancel()
    await settle()
    assert closing.cancelled()
    stage.broker.set_status(stop, OrderStatus.CANCELLED)
    await settle()
    market = max(stage.broker.orders)
    assert stage.broker.sent[-1] == f"place {market}"
    stage.broker.fill(market, "10", "190.50")
    await settle()
    assert "closed 10 AAPL" in stage.told[-1].text
    assert stage.told[-1].kind is AlertKind.CLOSED
    assert stage.desk.trades()[0].state is TradeState.CLOSED


async def test_close_asked_for_again_waits_for_the_one_that_runs(stage: Stage) -> None:
    stop = await without_a_take_profit(stage)
    first, second = await begin_close(stage), await begin_close(stage)
    stage.broker.set_status(stop, OrderStatus.CANCELLED)
    await settle()
    stage.broker.fill(max(stage.broker.orders), "10", "190.50")
    assert await first == await second
    assert stage.broker.sent.count(f"cancel {stop}") == 1
