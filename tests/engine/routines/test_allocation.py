"""The allocation on fakes: what is sent, in which order, and what is left when something fails."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from apps.domain.activities import ActivityEnded
from apps.domain.errors import (
    AlreadyDone,
    BadRequest,
    BrokerError,
    DeskError,
    NotConnected,
    Refused,
    RiskRefused,
)
from apps.domain.instruments import InstrumentKind
from apps.domain.link import LinkState
from apps.domain.orders import OrderStatus
from apps.domain.quotes import Quote
from apps.domain.risk import RiskLimits
from apps.domain.trading_state import HaltCause
from apps.engine.orders.account_order import AccountOrderState
from apps.engine.routines.allocation import ALLOCATION, Allocated
from apps.engine.routines.runner import Asked, RoutineRunner
from tests.engine.conftest import Stage, Staging, shut_down
from tests.engine.fakes import AAPL, MSFT, OPEN, an_instrument, settle

D = Decimal
WHOLE = D(100_000)


def a_runner(stage: Stage) -> RoutineRunner:
    return RoutineRunner(stage.desk, stage.clock, encode=lambda value: {}, configuration={})


def begun(
    stage: Stage, weights: str, *, dry_run: bool = False, **asked: Any
) -> asyncio.Task[Allocated]:
    """Begin an allocation in the background."""
    values: Mapping[str, object] = {"weights": weights} | asked

    async def run() -> Allocated:
        runner = getattr(stage, "runner", None) or a_runner(stage)
        answered = await runner.run(ALLOCATION, values, Asked(dry_run=dry_run))
        assert isinstance(answered.result, Allocated)
        assert answered.is_done == answered.result.is_good
        return answered.result

    return asyncio.create_task(run())


async def tried(stage: Stage, weights: str, **asked: Any) -> Allocated:
    return await begun(stage, weights, dry_run=True, **asked)


def a_whole(stage: Stage, whole: Decimal = WHOLE) -> None:
    """Have the account be worth so much, and borrow up to four times that."""
    summary = stage.broker.summary
    stage.broker.summary = replace(
        summary, net_liquidation=whole, cash=whole, available_funds=whole, buying_power=4 * whole
    )


def sides(stage: Stage) -> list[tuple[str, str, Decimal]]:
    return [
        (each.instrument.symbol, each.ticket.side.value, each.ticket.quantity)
        for each in stage.broker.orders.values()
    ]


def fill_all(stage: Stage, price: str = "190.40") -> None:
    for order_id, each in tuple(stage.broker.orders.items()):
        if not each.state.status.is_done:
            stage.broker.accept(order_id)
            stage.broker.fill(order_id, str(each.state.remaining), price)


async def test_weights_become_orders_and_the_result_tells_their_fills(stage: Stage) -> None:
    a_whole(stage)
    task = begun(stage, "AAPL=0.4 MSFT=0.3")
    await settle()
    assert sides(stage) == [("AAPL", "BUY", D(210)), ("MSFT", "BUY", D(73))]
    fill_all(stage)
    done = await task
    assert done.is_good
    assert [each.state for each in done.sent] == [AccountOrderState.FILLED] * 2
    assert done.not_sent == ()


async def test_dry_run_sends_nothing_and_shows_the_plan(stage: Stage) -> None:
    a_whole(stage)
    shown = await tried(stage, "AAPL=0.4 MSFT=0.3")
    assert [(line.symbol, line.delta) for line in shown.plan.lines] == [
        ("AAPL", D(210)),
        ("MSFT", D(73)),
    ]
    assert shown.is_good
    assert stage.broker.sent == []


async def test_dry_run_says_what_would_be_refused(make_stage: Staging) -> None:
    stage = make_stage(RiskLimits(max_order_notional=D(1000)))
    async with stage.desk:
        a_whole(stage)
        shown = await tried(stage, "AAPL=0.4")
        assert "MAX_ORDER_NOTIONAL" in shown.plan.problems[0]
        assert not shown.is_good
        with pytest.raises(RiskRefused, match="MAX_ORDER_NOTIONAL"):
            await begun(stage, "AAPL=0.4")
        assert stage.broker.sent == []
        await shut_down(stage.desk, stage.clock)


async def test_plan_of_more_orders_than_a_minute_allows_is_refused_as_a_whole(
    make_stage: Staging,
) -> None:
    stage = make_stage(RiskLimits(max_orders_per_minute=1))
    async with stage.desk:
        a_whole(stage)
        with pytest.raises(RiskRefused, match="MAX_ORDERS_PER_MINUTE"):
            await begun(stage, "AAPL=0.4 MSFT=0.3")
        assert stage.broker.sent == []
        await shut_down(stage.desk, stage.clock)


async def test_buys_wait_until_the_sells_are_filled(stage: Stage) -> None:
    a_whole(stage)
    stage.broker.hold(MSFT, "200")
    task = begun(stage, "AAPL=0.4 MSFT=0")
    await settle()
    assert sides(stage) == [("MSFT", "SELL", D(200))]
    stage.broker.accept(101)
    stage.broker.fill(101, "150", "410.00")
    await settle()
    assert len(stage.broker.orders) == 1
    stage.broker.fill(101, "50", "410.00")
    await settle()
    assert sides(stage)[1:] == [("AAPL", "BUY", D(210))]
    fill_all(stage)
    assert (await task).is_good


async def test_sell_of_which_nothing_is_heard_holds_every_buy_back(stage: Stage) -> None:
    a_whole(stage)
    stage.broker.hold(MSFT, "200")
    task = begun(stage, "AAPL=0.4 MSFT=0")
    await settle()

    async def unread() -> tuple[Any, ...]:
        raise BrokerError("the completed orders were not told")

    stage.broker.completed_orders = unread  # type: ignore[method-assign]  # so nothing is certain
    await stage.clock.advance(31)
    done = await task
    assert [each.symbol for each in done.not_sent] == ["AAPL"]
    assert "not known" in done.not_sent[0].why
    assert not done.is_good
    assert len(stage.broker.orders) == 1


async def test_sells_that_rest_leave_the_buys_that_can_be_paid_for_without_them(
    stage: Stage,
) -> None:
    a_whole(stage)
    stage.broker.summary = replace(
        stage.broker.summary, buying_power=D(45_000), available_funds=D(11_250)
    )
    nvda = an_instrument("NVDA", 4815747)
    stage.market.instruments["NVDA"] = nvda
    stage.market.set_quote(nvda, "100.00", "100.00", "100.00")
    stage.broker.hold(MSFT, "200")
    task = begun(stage, "AAPL=0.4 MSFT=0 NVDA=0.4", order="lmt")
    await settle()
    stage.broker.accept(101)
    await stage.clock.advance(31)
    bought = [each.instrument.symbol for each in stage.broker.orders.values()][1:]
    assert bought == ["AAPL"]
    fill_all(stage)
    done = await task
    assert [(each.symbol, each.why) for each in done.not_sent] == [
        ("NVDA", "what was to be sold for it is not sold")
    ]


async def test_orders_for_the_close_are_not_waited_for_beyond_their_acceptance(
    stage: Stage,
) -> None:
    a_whole(stage)
    stage.broker.hold(MSFT, "200")
    task = begun(stage, "AAPL=0.4 MSFT=0", order="moc")
    await settle()
    stage.broker.accept(101)
    await settle()
    assert sides(stage)[1:] == [("AAPL", "BUY", D(210))]
    stage.broker.accept(102)
    done = await task
    assert done.is_good
    assert {each.state for each in done.sent} == {AccountOrderState.WORKING}


async def test_link_that_drops_between_two_orders_leaves_the_rest_unsent_and_all_told(
    stage: Stage,
) -> None:
    a_whole(stage)
    nvda = an_instrument("NVDA", 4815747)
    stage.market.instruments["NVDA"] = nvda
    stage.market.set_quote(nvda, "100.00", "100.00", "100.00")
    send = stage.broker.place

    def place(*given: Any, **named: Any) -> int:
        if len(stage.broker.orders) == 2:
            stage.broker.fill(101, "105", "190.40")
            stage.broker.set_link(LinkState.DISCONNECTED, "cut", epoch=1)
        return send(*given, **named)

    stage.broker.place = place  # type: ignore[method-assign]  # the link drops before the third
    task = begun(stage, "AAPL=0.2 MSFT=0.2 NVDA=0.2")
    await settle()
    await stage.clock.advance(61)
    done = await task
    assert [(each.symbol, each.state) for each in done.sent] == [
        ("AAPL", AccountOrderState.FILLED),
        ("MSFT", AccountOrderState.UNKNOWN),
    ]
    assert [each.symbol for each in done.not_sent] == ["NVDA"]
    assert "link" in done.not_sent[0].why
    assert not done.is_good
    stage.broker.set_link(LinkState.READY, epoch=1)
    await stage.clock.advance(20)
    assert len(stage.broker.orders) == 2  # nothing is sent again by itself


async def test_halt_between_sells_and_buys_stops_the_buys(stage: Stage) -> None:
    a_whole(stage)
    stage.broker.hold(MSFT, "200")
    task = begun(stage, "AAPL=0.4 MSFT=0")
    await settle()
    stage.desk.halt_now(HaltCause.COMMAND)
    fill_all(stage)
    done = await task
    assert [each.state for each in done.sent] == [AccountOrderState.FILLED]
    assert [each.symbol for each in done.not_sent] == ["AAPL"]
    assert "halted" in done.not_sent[0].why


async def test_rejected_order_is_told_and_the_others_go_on(stage: Stage) -> None:
    a_whole(stage)
    task = begun(stage, "AAPL=0.4 MSFT=0.3")
    await settle()
    stage.broker.reject(101, 201, "Order rejected - reason: no")
    stage.broker.accept(102)
    stage.broker.fill(102, "73", "410.02")
    done = await task
    assert [each.state for each in done.sent] == [
        AccountOrderState.REJECTED,
        AccountOrderState.FILLED,
    ]
    assert done.sent[0].code == 201
    assert not done.is_good


# -------------------------------------------------------------------- what refuses the whole of it


async def test_live_bracket_in_one_of_the_symbols_refuses_all_before_anything_is_sent(
    stage: Stage,
) -> None:
    a_whole(stage)
    await stage.enter_and_fill()
    before = list(stage.broker.sent)
    with pytest.raises(Refused, match=r"AAPL: a bracket of the desk's is live"):
        await begun(stage, "AAPL=0.4 MSFT=0.3")
    assert stage.broker.sent == before


async def test_unknown_symbols_are_all_named_and_nothing_is_sent(stage: Stage) -> None:
    with pytest.raises(BadRequest) as refused:
        await begun(stage, "AAPL=0.4 XXXX=0.1 YYYY=0.1")
    assert "XXXX" in refused.value.problems["weights"]
    assert "YYYY" in refused.value.problems["weights"]
    assert stage.broker.sent == []


async def test_weight_without_a_price_or_that_cannot_be_traded_refuses_the_whole(
    stage: Stage,
) -> None:
    a_whole(stage)
    silent = an_instrument("SIL", 5)
    stage.market.instruments["SIL"] = silent
    index = an_instrument("SPX", 416904, InstrumentKind.INDEX)
    stage.market.set_quote(index, "5000.00", "5000.00", "5000.00")
    with pytest.raises(Refused, match="SIL: there is no price of it"):
        await begun(stage, "AAPL=0.4 SIL=0.1")
    with pytest.raises(Refused, match="SPX: SPX is IND in USD"):
        await begun(stage, "AAPL=0.4 SPX=0.1")
    assert stage.broker.sent == []


async def test_empty_account_is_refused(stage: Stage) -> None:
    a_whole(stage, D(0))
    with pytest.raises(Refused, match="net liquidation"):
        await begun(stage, "AAPL=0.4")
    assert stage.broker.sent == []


async def test_what_is_not_named_is_left_unless_it_is_asked_for(stage: Stage) -> None:
    a_whole(stage)
    stage.broker.hold(MSFT, "50")
    left = await tried(stage, "AAPL=0.4")
    closed = await tried(stage, "AAPL=0.4", close_others=True)
    assert [line.symbol for line in left.plan.lines] == ["AAPL"]
    assert [(line.symbol, line.delta) for line in closed.plan.lines] == [
        ("AAPL", D(210)),
        ("MSFT", D(-50)),
    ]


async def test_working_orders_of_others_are_named(stage: Stage) -> None:
    a_whole(stage)
    task = begun(stage, "MSFT=0.1")
    await settle()
    fill_all(stage)
    await task
    state = stage.broker.orders[101].state
    by_hand = replace(
        state, client_id=0, order_id=0, order_ref="", symbol="AAPL", status=OrderStatus.SUBMITTED
    )
    stage.broker.foreign_orders = [by_hand]
    shown = await tried(stage, "AAPL=0.4")
    assert shown.plan.notes == ("order 0 of client 0 works in AAPL and is not counted with",)


async def test_account_in_another_currency_is_reckoned_in_dollars(stage: Stage) -> None:
    a_whole(stage)
    stage.broker.summary = replace(stage.broker.summary, currency="EUR")
    stage.broker.cash = (replace(stage.broker.cash[0], rate=D("0.8")),)
    shown = await tried(stage, "AAPL=0.4")
    assert shown.plan.net_liquidation == 125_000
    stage.broker.cash = ()
    shown = await tried(stage, "AAPL=0.4")
    assert not shown.is_good
    assert shown.plan.notes == ("the rate of USD in EUR is not known",)


async def test_halted_share_is_not_traded(stage: Stage) -> None:
    a_whole(stage)
    quote = stage.market.quotes[AAPL.con_id]
    stage.market.quotes[AAPL.con_id] = replace(quote, halted=True)
    with pytest.raises(Refused, match="halted"):
        await begun(stage, "AAPL=0.4")


# ------------------------------------------------------------------------------- an earlier run


async def test_what_an_earlier_run_left_working_is_cancelled_and_counted_before_the_plan(
    stage: Stage,
) -> None:
    a_whole(stage)
    first = begun(stage, "AAPL=0.4", order="lmt", offset_pct="-1")
    await settle()
    stage.broker.accept(101)
    stage.broker.fill(101, "10", "188.50")
    await stage.clock.advance(31)
    assert [each.state for each in (await first).sent] == [AccountOrderState.PARTLY_FILLED]
    second = begun(stage, "AAPL=0.4")
    await settle()
    assert sides(stage)[1:] == [("AAPL", "BUY", D(200))]
    fill_all(stage)
    done = await second
    assert [(each.state, each.filled) for each in done.stale] == [
        (AccountOrderState.CANCELLED, D(10))
    ]


async def test_nothing_is_sent_while_an_earlier_order_is_not_known_to_have_ended(
    stage: Stage,
) -> None:
    a_whole(stage)
    first = begun(stage, "AAPL=0.4", order="lmt", offset_pct="-1")
    await settle()
    stage.broker.accept(101)
    await stage.clock.advance(31)
    await first
    stage.broker.obeys = False
    second = begun(stage, "AAPL=0.3")
    await settle()
    await stage.clock.advance(60)
    with pytest.raises(Refused, match="not known to be over"):
        await second
    assert len(stage.broker.orders) == 1


async def test_same_allocation_is_not_sent_twice_within_the_window(stage: Stage) -> None:
    a_whole(stage)
    stage.market.began_s = stage.clock.now_s
    task = begun(stage, "AAPL=0.4")
    await settle()
    fill_all(stage)
    await task
    with pytest.raises(AlreadyDone, match=r"--again"):
        await begun(stage, "AAPL=0.4")
    assert (await begun(stage, "AAPL=0.4", again=True)).plan.orders == ()
    with pytest.raises(AlreadyDone):
        await begun(stage, "AAPL=0.40", wait=5)  # the same, however it is written
    another = begun(stage, "AAPL=0.5")
    await settle()
    fill_all(stage)
    assert (await another).is_good
    stage.desk._market_clock.observe(OPEN.replace(hour=15))
    assert (await begun(stage, "AAPL=0.4", exposure="1.25", window=0)).is_good
    assert (await begun(stage, "AAPL=0.5")).is_good  # the window is over


async def test_allocation_that_was_refused_may_be_sent_at_once_and_one_cut_off_not(
    stage: Stage,
) -> None:
    a_whole(stage)
    stage.desk.halt_now(HaltCause.COMMAND)
    with pytest.raises(DeskError, match="halted"):
        await begun(stage, "AAPL=0.4")
    stage.desk.resume()
    task = begun(stage, "AAPL=0.4")
    await settle()
    assert len(stage.broker.orders) == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    records = stage.journal.records
    records[:] = [e for e in records if not isinstance(e, ActivityEnded)]  # as after a kill
    with pytest.raises(AlreadyDone, match="begun and cut off"):
        await begun(stage, "AAPL=0.4")


async def test_allocation_that_was_cut_off_before_its_first_order_counts_as_sent(
    stage: Stage,
) -> None:
    a_whole(stage)
    stage.desk.halt_now(HaltCause.COMMAND)
    with pytest.raises(DeskError, match="halted"):
        await begun(stage, "AAPL=0.4")
    stage.desk.resume()
    records = stage.journal.records
    records[:] = [e for e in records if not isinstance(e, ActivityEnded)]
    with pytest.raises(AlreadyDone, match="begun and cut off"):
        await begun(stage, "AAPL=0.4")


async def test_order_that_cannot_be_sent_ends_the_sending_of_those_behind_it(
    stage: Stage,
) -> None:
    a_whole(stage)
    nvda = an_instrument("NVDA", 4815747)
    stage.market.instruments["NVDA"] = nvda
    stage.market.set_quote(nvda, "100.00", "100.00", "100.00")
    send = stage.broker.place

    def place(*given: Any, **named: Any) -> int:
        if given[0] == MSFT:
            raise NotConnected("not this one")
        return send(*given, **named)

    stage.broker.place = place  # type: ignore[method-assign]  # fails once
    task = begun(stage, "AAPL=0.2 MSFT=0.2 NVDA=0.2")
    await settle()
    fill_all(stage)
    done = await task
    assert [each.symbol for each in done.sent] == ["AAPL"]
    assert [(each.symbol, each.why) for each in done.not_sent] == [
        ("MSFT", "not this one"),
        ("NVDA", "not this one"),
    ]


async def test_cancelled_run_sends_nothing_more_and_its_orders_stay_followed(
    stage: Stage,
) -> None:
    a_whole(stage)
    stage.broker.hold(MSFT, "200")
    task = begun(stage, "AAPL=0.4 MSFT=0")
    await settle()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    fill_all(stage, "410.00")
    await stage.clock.advance(60)
    assert sides(stage) == [("MSFT", "SELL", D(200))]
    (order,) = stage.desk.account_orders.orders
    assert order.state is AccountOrderState.FILLED


async def test_two_at_once_send_one(stage: Stage) -> None:
    a_whole(stage)
    runner = a_runner(stage)

    async def run() -> object:
        return await runner.run(ALLOCATION, {"weights": "AAPL=0.4"})

    tasks = [asyncio.create_task(run()) for _ in range(2)]
    await settle()
    fill_all(stage)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(each, AlreadyDone) for each in results) == 1
    assert len(stage.broker.orders) == 1


async def test_shorts_only_where_they_are_allowed(stage: Stage) -> None:
    a_whole(stage)
    with pytest.raises(BadRequest, match="allow-short"):
        await begun(stage, "AAPL=-0.2")
    stage.broker.hold(AAPL, "-50")
    task = begun(stage, "AAPL=-0.2", allow_short=True)
    await settle()
    assert sides(stage) == [("AAPL", "SELL", D(55))]
    fill_all(stage)
    assert (await task).is_good


async def test_quote_that_is_refused_is_no_price(stage: Stage) -> None:
    a_whole(stage)
    stage.market.quotes[AAPL.con_id] = Quote(None, None, None, None, None, None, 0.0)
    with pytest.raises(Refused, match="AAPL: there is no price of it"):
        await begun(stage, "AAPL=0.4")
