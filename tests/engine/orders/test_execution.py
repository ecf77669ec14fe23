from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from apps.domain.errors import InvalidInput, NotConnected, Refused, RiskRefused
from apps.domain.orders import OrderStatus, OrderType
from apps.domain.risk import RiskLimits, TradingMode
from apps.engine.alerts import AlertKind
from apps.engine.orders.trade_states import TradeState
from apps.engine.ports import BrokerNotice, LinkState
from apps.engine.requests import BracketRequest
from tests.engine.conftest import Stage, Staging
from tests.engine.fakes import AAPL, a_bar, settle

BUY = BracketRequest("buy", "AAPL", "10")


async def send(stage: Stage, request: BracketRequest = BUY) -> tuple[int, ...]:
    trade = await stage.desk.send_bracket(await stage.desk.preview_bracket(request))
    await settle()
    return trade.view().order_ids


async def test_unfilled_entry_is_withdrawn_after_ten_seconds(stage: Stage) -> None:
    entry, target, stop = await stage.enter()
    stage.broker.accept(entry, target, stop)
    await stage.clock.advance(9.9)
    assert f"cancel {entry}" not in stage.broker.sent
    await stage.clock.advance(0.2)
    assert stage.broker.sent[-1] == f"cancel {entry}"
    assert stage.desk.trades()[0].state is TradeState.WITHDRAWN
    assert "nothing was filled" in stage.texts(AlertKind.ORDER)[-1]
    assert (await stage.desk.watcher_ended("w1")).end_reason == "entered, withdrawn"


async def test_partly_filled_entry_is_reduced_and_its_exits_are_fitted(stage: Stage) -> None:
    entry, target, stop = await stage.enter()
    stage.broker.accept(entry, target, stop)
    stage.broker.fill(entry, "4", "190.62")
    assert stage.desk.trades()[0].state is TradeState.PARTLY_FILLED
    await stage.clock.advance(10.1)
    assert stage.broker.sent[1:] == [f"modify {entry}", f"modify {target}", f"modify {stop}"]
    assert stage.broker.orders[stop].ticket.quantity == 4
    assert stage.desk.trades()[0].state is TradeState.PROTECTED


async def test_fill_that_crosses_the_withdrawal_gets_its_exits_anew(stage: Stage) -> None:
    entry, target, stop = await stage.enter()
    stage.broker.accept(entry, target, stop)
    stage.broker.obeys = False
    await stage.clock.advance(10.1)
    assert stage.broker.sent[-1] == f"cancel {entry}"
    stage.broker.fill(entry, "3", "190.62")
    stage.broker.end(entry)
    await stage.clock.advance(3.5)
    anew = max(stage.broker.orders)
    placed = stage.broker.orders[anew]
    assert stage.broker.sent[-1] == f"place {anew}"
    assert placed.ticket.quantity == 3
    assert placed.ticket.stop_price == stage.broker.orders[stop].ticket.stop_price
    stage.broker.obeys = True
    stage.broker.accept(anew)
    await stage.clock.advance(0.5)
    assert stage.desk.trades()[0].state is TradeState.PROTECTED
    beside = stage.broker.orders[anew + 1].ticket
    assert beside.quantity == 3
    assert beside.oca_group == placed.ticket.oca_group != ""
    stage.broker.accept(anew + 1)
    stage.broker.fill(anew, "3", "189.60")
    stage.broker.end(anew + 1)
    await settle()
    assert stage.desk.trades()[0].state is TradeState.CLOSED


async def test_entry_that_fills_while_it_is_withdrawn_is_not_called_withdrawn(stage: Stage) -> None:
    entry, target, stop = await stage.enter()
    stage.broker.accept(entry, target, stop)
    stage.broker.obeys = False
    await stage.clock.advance(10.1)
    stage.broker.fill(entry, "10", "190.62")
    await settle()
    assert stage.desk.trades()[0].state is TradeState.PROTECTED
    assert not [text for text in stage.texts(AlertKind.ORDER) if "withdrawn" in text]


async def test_withdrawal_waits_for_the_link(stage: Stage) -> None:
    entry, target, stop = await stage.enter()
    stage.broker.accept(entry, target, stop)
    stage.broker.set_link(LinkState.BROKER_LOST, "1100", epoch=1)
    await stage.clock.advance(30.0)
    assert f"cancel {entry}" not in stage.broker.sent
    stage.broker.set_link(LinkState.READY)
    await settle()
    assert stage.desk.trades()[0].state is TradeState.WITHDRAWN


async def test_withdrawal_that_is_never_confirmed_is_told(stage: Stage) -> None:
    entry, target, stop = await stage.enter()
    stage.broker.accept(entry, target, stop)
    stage.broker.obeys = False
    await stage.clock.advance(45.0)
    assert stage.broker.sent.count(f"cancel {entry}") == 3
    assert "did not confirm" in stage.texts(AlertKind.ERROR)[-1]
    stage.broker.end(entry)
    await settle()
    assert stage.desk.trades()[0].state is TradeState.WITHDRAWN


async def test_limit_of_the_traders_own_is_left_to_rest(stage: Stage) -> None:
    entry, *exits = await send(stage, replace(BUY, limit="189.00"))
    stage.broker.accept(entry, *exits)
    await stage.clock.advance(60.0)
    assert stage.broker.sent == [f"bracket {entry}"]
    assert stage.desk.trades()[0].state is TradeState.WORKING


async def test_rejection_keeps_the_brokers_code_and_text(stage: Stage) -> None:
    trade = await stage.desk.send_bracket(await stage.desk.preview_bracket(BUY))
    stage.broker.reject(101, 201, "Order rejected - reason: insufficient margin")
    ended = await trade.outcome()
    assert (ended.state, ended.code) == (TradeState.REJECTED, 201)
    assert "insufficient margin" in ended.reason
    assert "[201]" in stage.texts(AlertKind.ERROR)[0]


async def test_refusing_code_without_any_status_ends_an_unanswered_entry(stage: Stage) -> None:
    trade = await stage.desk.send_bracket(await stage.desk.preview_bracket(BUY))
    stage.broker.notice(10006, "Parent order not found", 101)
    assert (await trade.outcome()).state is TradeState.REJECTED


async def test_advice_about_a_live_order_does_not_end_it(stage: Stage) -> None:
    entry, *exits = await send(stage)
    stage.broker.accept(entry, *exits)
    for code in (10349, 399, 110, 202, 2109):
        stage.broker.notice(code, "a word of advice", entry)
    assert stage.desk.trades()[0].state is TradeState.WORKING


async def test_order_held_for_a_locate_is_not_rejected(stage: Stage) -> None:
    entry, *_ = await send(stage, replace(BUY, side="sell"))
    stage.broker._change(entry, status=OrderStatus.INACTIVE, why_held="locate")
    assert stage.desk.trades()[0].state is TradeState.SENT


async def test_link_lost_before_an_answer_makes_a_trade_unknown_until_the_broker_says_more(
    stage: Stage,
) -> None:
    entry, *_ = await send(stage)
    stage.broker.set_link(LinkState.DISCONNECTED, "socket closed", epoch=1)
    assert stage.desk.trades()[0].state is TradeState.UNKNOWN
    assert "unknown" in stage.texts(AlertKind.WARNING)[0]
    listeners, stage.broker._listeners = stage.broker._listeners, []
    stage.broker.accept(entry, entry + 1, entry + 2)
    stage.broker.fill(entry, "10", "190.41")
    stage.broker._listeners = listeners
    stage.broker.set_link(LinkState.READY)
    await settle()
    assert stage.desk.trades()[0].state is TradeState.PROTECTED


async def test_entry_shown_as_cancelled_though_it_is_live_is_taken_up_again(
    stage: Stage,
) -> None:
    entry, target, stop = await send(stage)
    stage.broker.set_status(entry, OrderStatus.CANCELLED)
    await settle()
    assert stage.desk.trades()[0].state is TradeState.WITHDRAWN
    stage.broker.accept(entry, target, stop)
    stage.broker.fill(entry, "10", "190.41")
    assert "not over after all" in stage.texts(AlertKind.WARNING)[0]
    stage.broker.fill(target, "10", "192.41")
    stage.broker.end(stop)
    await settle()
    assert stage.desk.trades()[0].state is TradeState.CLOSED
    assert len(stage.texts(AlertKind.CLOSED)) == 1


async def test_repeated_executions_count_once_and_corrections_replace(stage: Stage) -> None:
    entry, *exits = await send(stage)
    stage.broker.accept(entry, *exits)
    fill = stage.broker.fill(entry, "10", "190.41", commission=None)
    stage.broker.send_fill(fill)
    corrected = fill.exec_id[:-1] + "2"
    stage.broker.send_fill(replace(fill, exec_id=corrected, price=Decimal("190.40")))
    view = stage.desk.trades()[0]
    assert (view.entry_filled, view.entry_avg_price) == (Decimal(10), Decimal("190.40"))
    assert len(stage.texts(AlertKind.FILL)) == 2


async def test_execution_of_another_client_with_the_same_id_is_not_ours(stage: Stage) -> None:
    entry, *exits = await send(stage)
    stage.broker.accept(entry, *exits)
    fill = stage.broker.fill(entry, "4", "190.41")
    stage.broker.send_fill(replace(fill, exec_id="0001.0002.01", order_ref="somebody else"))
    assert stage.desk.trades()[0].entry_filled == 4


async def test_close_waits_for_the_commissions_and_gives_up_on_those_that_do_not_come(
    stage: Stage,
) -> None:
    entry, target, stop = await stage.enter_and_fill()
    fill = stage.broker.fill(target, "10", "192.53", commission=None)
    stage.broker.end(stop)
    await settle()
    assert stage.texts(AlertKind.CLOSED) == []
    stage.broker.send_fill(replace(fill, commission=Decimal("1.50")))
    await settle()
    assert "P&L +16.60 (fees 2.50)" in stage.texts(AlertKind.CLOSED)[0]
    assert entry


async def test_missing_commission_is_said_to_be_missing(stage: Stage) -> None:
    _, target, _ = await stage.enter_and_fill()
    stage.broker.fill(target, "10", "192.53", commission=None)
    await stage.clock.advance(6.0)
    assert "fees not reported yet" in stage.texts(AlertKind.CLOSED)[0]


async def test_stop_that_is_gone_is_told_after_a_moment(stage: Stage) -> None:
    _, _, stop = await stage.enter_and_fill()
    stage.broker.set_status(stop, OrderStatus.CANCELLED)
    await settle()
    assert stage.texts(AlertKind.ERROR) == []
    await stage.clock.advance(3.1)
    assert "10 AAPL have no working stop" in stage.texts(AlertKind.ERROR)[0]


async def test_stop_taken_away_by_the_targets_fill_is_not_told(stage: Stage) -> None:
    _, target, stop = await stage.enter_and_fill()
    stage.broker.set_status(stop, OrderStatus.CANCELLED)
    await stage.clock.advance(1.0)
    stage.broker.fill(target, "10", "192.53")
    await stage.clock.advance(5.0)
    assert stage.texts(AlertKind.ERROR) == []


async def test_entry_whose_stop_is_turned_down_is_withdrawn_at_once(stage: Stage) -> None:
    entry, target, stop = await send(stage, replace(BUY, limit="189.00"))
    stage.broker.accept(entry, target)
    stage.broker.reject(stop, 201, "too far from the market")
    await settle()
    assert stage.broker.sent[-1] == f"cancel {entry}"
    assert stage.desk.trades()[0].state is TradeState.WITHDRAWN


async def test_part_of_a_resting_entry_without_a_working_stop_is_told(stage: Stage) -> None:
    entry, target, stop = await send(stage, replace(BUY, limit="189.00"))
    stage.broker.accept(entry, target, stop)
    stage.broker.fill(entry, "4", "189.00")
    assert stage.desk.trades()[0].state is TradeState.PARTLY_FILLED
    stage.broker._change(stop, why_held="child")
    await stage.clock.advance(3.1)
    assert "4 AAPL have no working stop" in stage.texts(AlertKind.ERROR)[0]


async def test_correction_that_is_heard_before_what_it_corrects_stands(stage: Stage) -> None:
    entry, *exits = await send(stage)
    stage.broker.accept(entry, *exits)
    fill = stage.broker.fill(entry, "10", "190.41")
    corrected = replace(fill, exec_id=fill.exec_id[:-1] + "2", price=Decimal("190.40"))
    for told in (corrected, fill, corrected):
        stage.broker.send_fill(told)
    assert stage.desk.trades()[0].entry_avg_price == Decimal("190.40")
    assert len(stage.texts(AlertKind.FILL)) == 2, "the execution and its correction, once each"


async def test_orders_of_another_client_are_not_cancelled_under_our_ids(stage: Stage) -> None:
    entry, *exits = await send(stage)
    stage.broker.accept(entry, *exits)
    theirs = replace(stage.broker.orders[entry].state, client_id=8)
    stage.broker.foreign_orders.append(replace(theirs, order_id=exits[0]))
    outcomes = await stage.desk.cancel("all")
    assert [each.order_id for each in outcomes] == [entry, *exits]


async def test_notice_that_names_no_order_is_told_unless_all_is_well(stage: Stage) -> None:
    stage.broker.notice(10197, "AAPL bars: No market data during competing live session")
    stage.broker._listeners[0].on_notice(BrokerNotice(2104, "farm is OK", is_routine=True))
    assert stage.texts(AlertKind.WARNING) == [
        "[10197] AAPL bars: No market data during competing live session"
    ]


async def test_held_position_of_an_earlier_session_is_counted_at_its_running_price(
    make_stage: Staging,
) -> None:
    stage = make_stage(RiskLimits(max_daily_loss=Decimal(50)))
    async with stage.desk:
        ids = await send(stage)
        stage.broker.accept(*ids)
        stage.broker.fill(ids[0], "10", "190.41")
    again = make_stage(RiskLimits(max_daily_loss=Decimal(50)))
    async with again.desk:
        await settle()
        again.market.emit(AAPL, a_bar(9, 186.0, 185.0))
        preview = await again.desk.preview_bracket(replace(BUY, symbol="MSFT"))
        with pytest.raises(RiskRefused, match="MAX_DAILY_LOSS"):
            await again.desk.send_bracket(preview)


async def test_rejected_stop_is_told_with_its_code(stage: Stage) -> None:
    entry, target, stop = await send(stage)
    stage.broker.accept(entry, target)
    stage.broker.reject(stop, 201, "stop price through the market")
    assert "the stop of AAPL was turned down: [201]" in stage.texts(AlertKind.ERROR)[0]


async def test_notional_cap_refuses_the_preview_already(make_stage: Staging) -> None:
    stage = make_stage(RiskLimits(max_order_notional=Decimal(1000)))
    async with stage.desk:
        with pytest.raises(RiskRefused, match="MAX_ORDER_NOTIONAL"):
            await stage.desk.preview_bracket(BUY)


async def test_position_cap_counts_entries_under_way(make_stage: Staging) -> None:
    stage = make_stage(RiskLimits(max_open_positions=1))
    async with stage.desk:
        await send(stage)
        preview = await stage.desk.preview_bracket(replace(BUY, symbol="MSFT"))
        with pytest.raises(RiskRefused, match="MAX_OPEN_POSITIONS"):
            await stage.desk.send_bracket(preview)
        assert len(stage.broker.brackets) == 1


async def test_position_cap_counts_what_the_account_holds(make_stage: Staging) -> None:
    stage = make_stage(RiskLimits(max_open_positions=1))
    stage.broker.hold(AAPL, "5")
    async with stage.desk:
        preview = await stage.desk.preview_bracket(replace(BUY, symbol="MSFT"))
        with pytest.raises(RiskRefused, match="MAX_OPEN_POSITIONS"):
            await stage.desk.send_bracket(preview)


async def test_daily_loss_counts_open_positions_at_their_running_price(
    make_stage: Staging,
) -> None:
    stage = make_stage(RiskLimits(max_daily_loss=Decimal(50)))
    async with stage.desk:
        ids = await send(stage)
        stage.broker.accept(*ids)
        stage.broker.fill(ids[0], "10", "190.41")
        await settle()
        preview = await stage.desk.preview_bracket(replace(BUY, symbol="MSFT"))
        stage.market.emit(AAPL, a_bar(9, 186.0, 185.0))
        with pytest.raises(RiskRefused, match="MAX_DAILY_LOSS"):
            await stage.desk.send_bracket(preview)
        stage.market.emit(AAPL, a_bar(10, 190.0, 190.0))
        await stage.desk.send_bracket(preview)


async def test_live_mode_refuses_every_order(make_stage: Staging) -> None:
    stage = make_stage(mode=TradingMode.LIVE)
    stage.broker.account = "U1234567"
    async with stage.desk:
        with pytest.raises(RiskRefused, match="read-only"):
            await stage.desk.preview_bracket(BUY)
        with pytest.raises(RiskRefused, match="read-only"):
            await stage.desk.close("AAPL")
        assert stage.broker.sent == []


async def test_paper_mode_refuses_an_account_that_is_not_one(make_stage: Staging) -> None:
    stage = make_stage()
    stage.broker.account = "U1234567"
    with pytest.raises(RiskRefused):
        await stage.desk.__aenter__()


async def test_nothing_is_sent_while_the_link_is_not_ready(stage: Stage) -> None:
    preview = await stage.desk.preview_bracket(BUY)
    stage.broker.set_link(LinkState.BROKER_LOST, "1100", epoch=1)
    with pytest.raises(NotConnected, match="nothing was sent"):
        await stage.desk.send_bracket(preview)
    stage.broker.set_link(LinkState.READY)


async def test_old_preview_at_the_markets_price_is_refused(stage: Stage) -> None:
    preview = await stage.desk.preview_bracket(BUY)
    await stage.clock.advance(61.0)
    with pytest.raises(Refused, match="61 s old"):
        await stage.desk.send_bracket(preview)


async def test_entry_done_ends_when_the_position_is_protected(stage: Stage) -> None:
    trade = await stage.desk.send_bracket(await stage.desk.preview_bracket(BUY))
    waiting = asyncio.create_task(trade.entry_done())
    stage.broker.accept(101, 102, 103)
    await settle()
    assert not waiting.done()
    stage.broker.fill(101, "10", "190.41")
    assert (await waiting).state is TradeState.PROTECTED


async def test_preview_shows_what_is_sent(stage: Stage) -> None:
    preview = await stage.desk.preview_bracket(BUY)
    await stage.desk.send_bracket(preview)
    bracket = stage.broker.brackets[0]
    assert bracket.entry.limit_price == preview.entry_cap == Decimal("190.79")
    assert bracket.entry.order_type is OrderType.LIMIT
    assert preview.money_at_risk == (preview.entry_cap - Decimal("189.46")) * 10


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (replace(BUY, side="hold"), "neither buy nor sell"),
        (replace(BUY, quantity="0"), "zero"),
        (replace(BUY, quantity="1.5"), "fraction"),
        (replace(BUY, stop_loss="-1"), "wrong side"),
        (replace(BUY, limit="abc"), "not a number"),
        (replace(BUY, symbol=" "), "empty"),
        (replace(BUY, symbol="SPX"), "stocks"),
    ],
)
async def test_bad_bracket_is_refused_in_a_sentence(
    stage: Stage, request_: BracketRequest, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        await stage.desk.preview_bracket(request_)


async def test_entry_that_is_filled_but_whose_executions_are_late_is_left_alone(
    stage: Stage,
) -> None:
    entry, *exits = await send(stage)
    stage.broker.accept(entry, *exits)
    stage.broker.set_status(entry, OrderStatus.FILLED)
    sent = list(stage.broker.sent)
    await stage.clock.advance(60)
    assert [each for each in stage.broker.sent[len(sent) :] if each.endswith(f" {entry}")] == []
    assert stage.texts(AlertKind.ERROR) == []
    assert stage.texts(AlertKind.CLOSED) == []
    stage.broker.fill(entry, "10", "190.41")
    await settle()
    assert stage.desk.trades()[0].state is TradeState.PROTECTED


async def test_trade_is_over_once_the_end_of_its_other_exit_was_heard(stage: Stage) -> None:
    entry, target, stop = await send(stage)
    stage.broker.accept(entry, target, stop)
    stage.broker.fill(entry, "10", "190.41")
    stage.broker.obeys = False
    stage.broker.fill(target, "10", "192.41")
    await settle()
    assert stage.texts(AlertKind.CLOSED) == []
    stage.broker.end(stop)
    await settle()
    assert len(stage.texts(AlertKind.CLOSED)) == 1


async def test_part_whose_exits_sleep_is_cut_loose_sooner_than_an_unfilled_entry(
    stage: Stage,
) -> None:
    entry, target, stop = await send(stage)
    stage.broker.accept(entry)
    stage.broker.fill(entry, "4", "190.41")
    await stage.clock.advance(2.9)
    assert f"modify {entry}" not in " ".join(stage.broker.sent)
    await stage.clock.advance(0.2)
    assert stage.broker.orders[entry].ticket.quantity == 4
    stage.broker.accept(target, stop)
    await settle()
    assert stage.desk.trades()[0].state is TradeState.PROTECTED


async def test_trade_that_goes_on_while_its_fees_are_awaited_is_told_once_and_with_all_of_them(
    stage: Stage,
) -> None:
    entry, target, stop = await send(stage)
    stage.broker.accept(entry, target, stop)
    stage.broker.fill(entry, "4", "190.41")
    stage.broker.set_status(entry, OrderStatus.CANCELLED)
    first = stage.broker.fill(target, "4", "192.41", commission=None)
    await settle()
    assert stage.desk.trades()[0].state is TradeState.CLOSED
    stage.broker.fill(entry, "2", "190.42")
    assert stage.desk.trades()[0].state is TradeState.EXITING
    stage.broker.set_status(entry, OrderStatus.CANCELLED)
    last = stage.broker.fill(target, "2", "192.41", commission=None)
    stage.broker.set_status(target, OrderStatus.CANCELLED)
    stage.broker.set_status(stop, OrderStatus.CANCELLED)
    stage.broker.send_fill(replace(first, commission=Decimal(1)))
    await settle()
    assert stage.texts(AlertKind.CLOSED) == []
    stage.broker.send_fill(replace(last, commission=Decimal(1)))
    await settle()
    (told,) = stage.texts(AlertKind.CLOSED)
    assert "(fees 4.00)" in told
