"""Allocations over a real socket, judged by the gateway's own books."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from apps.domain.errors import AlreadyDone, DeadlineExceeded, Refused, TradingHalted
from apps.domain.risk import RiskLimits
from apps.domain.trading_state import HaltCause
from apps.engine.orders.account_order import AccountOrderState
from apps.engine.routines.allocation import ALLOCATION, Allocated
from apps.engine.routines.runner import Answered, Asked, RoutineRunner
from apps.paper.exchange.orders import OrderSnapshot
from tests.engine_on_paper.play import ACCOUNT, Play, a_play

D = Decimal
WET, DRY = Asked(), Asked(dry_run=True)
PRICE = D("190.41")


def a_runner(play: Play) -> RoutineRunner:
    return RoutineRunner(play.desk, play.clock, encode=lambda _: {}, configuration={})


async def allocated(
    play: Play,
    weights: str,
    asked: Asked = WET,
    **values: Any,
) -> Allocated:
    answered = await play.done(a_runner(play).run(ALLOCATION, {"weights": weights} | values, asked))
    assert isinstance(answered.result, Allocated)
    assert answered.is_done == answered.result.is_good
    return answered.result


def every_order(play: Play) -> tuple[OrderSnapshot, ...]:
    exchange = play.gateway.hub.exchange
    every = {each.key: each for each in (*exchange.completed_orders(), *exchange.working_orders())}
    return tuple(every.values())


def offer(play: Play, *symbols: str, bid: str = "190.39", ask: str = "190.41") -> None:
    for symbol in symbols:
        play.market.put(symbol, bid, ask, 100_000)


def states(done: Allocated) -> list[tuple[str, AccountOrderState]]:
    return [(each.symbol, each.state) for each in done.sent]


async def test_empty_account_is_brought_to_its_weights_within_a_share() -> None:
    async with a_play(cash=100_000) as play:
        offer(play, "AAPL", "MSFT")
        done = await allocated(play, "AAPL=0.4 MSFT=0.3")
        assert done.is_good
        assert (play.held("AAPL"), play.held("MSFT")) == (D(210), D(157))
        assert play.desk.own_quantity("AAPL") == 0
        assert play.desk.trades() == ()
        assert (await play.desk.reconcile()).agrees
        assert {each.commission is not None for each in done.sent} == {True}


async def test_dry_run_leaves_the_gateway_as_it_was() -> None:
    async with a_play(cash=100_000) as play:
        done = await allocated(play, "AAPL=0.4 MSFT=0.3", DRY)
        assert [line.delta for line in done.plan.lines] == [D(210), D(157)]
        assert every_order(play) == ()


async def test_account_is_moved_to_other_weights_and_what_is_not_named_is_closed() -> None:
    async with a_play(cash=100_000) as play:
        offer(play, "AAPL", "MSFT", "NVDA")
        await allocated(play, "AAPL=0.5 MSFT=0.5")
        await allocated(play, "AAPL=0.2 NVDA=0.7", close_others=True)
        worth = play.gateway.hub.accounts[ACCOUNT].balances(play.gateway.hub.mark).net_liquidation
        for symbol, weight in (("AAPL", D("0.2")), ("NVDA", D("0.7")), ("MSFT", D(0))):
            assert abs(play.held(symbol) * PRICE - worth * weight) < 2 * PRICE
        assert play.held("MSFT") == 0


async def test_shorts_are_sold_and_covered_again() -> None:
    async with a_play(cash=100_000) as play:
        offer(play, "AAPL")
        await allocated(play, "AAPL=-0.3", allow_short=True)
        assert play.held() == -157
        done = await allocated(play, "AAPL=0.2")
        assert play.held() > 0  # turned around by two orders: IB refuses one that crosses (2137)
        assert len(done.sent) == 2
        assert done.sent[0].quantity == 157


@pytest.mark.parametrize(
    ("how", "order_type"), [("lmt", "LMT"), ("adaptive", "MKT"), ("moc", "MOC")]
)
async def test_order_arrives_as_the_style_that_was_chosen(how: str, order_type: str) -> None:
    async with a_play(cash=100_000) as play:
        offer(play, "AAPL")
        done = await allocated(play, "AAPL=0.4", order=how, urgency="patient")
        (order,) = (each.order for each in every_order(play))
        assert (order.order_type, order.time_in_force) == (order_type, "DAY")
        is_adaptive = how == "adaptive"
        assert order.instructions.algo_strategy == ("Adaptive" if is_adaptive else "")
        assert dict(order.instructions.algo_params) == (
            {"adaptivePriority": "Patient"} if is_adaptive else {}
        )
        assert done.is_good


async def test_connection_that_drops_behind_the_second_order_is_told_of_each() -> None:
    async with a_play(cash=100_000) as play:
        offer(play, "AAPL", "MSFT", "NVDA")
        play.gateway.faults.inject("disconnect on=placeOrder nth=3 lose_message=true")
        done = await allocated(play, "AAPL=0.2 MSFT=0.2 NVDA=0.2", wait=10)
        assert [symbol for symbol, _ in states(done)] == ["AAPL", "MSFT", "NVDA"]
        assert not done.is_good
        await play.turn(30)
        placed = {each.order.listing.symbol for each in every_order(play)}
        assert placed == {"AAPL", "MSFT"}
        ended = {each.instrument.symbol: each.state for each in play.desk.account_orders.orders}
        assert ended == {
            "AAPL": AccountOrderState.FILLED,
            "MSFT": AccountOrderState.FILLED,
            "NVDA": AccountOrderState.NEVER_ACCEPTED,
        }
        assert play.held("NVDA") == 0
        assert (play.held("AAPL"), play.held("MSFT")) == (D(105), D(105))
        with pytest.raises(AlreadyDone):
            await allocated(play, "AAPL=0.2 MSFT=0.2 NVDA=0.2")
        await allocated(play, "AAPL=0.2 MSFT=0.2 NVDA=0.2", again=True)
        assert [play.held(each) for each in ("AAPL", "MSFT", "NVDA")] == [D(105), D(105), D(105)]


async def test_link_that_is_gone_before_the_buys_leaves_them_unsent() -> None:
    async with a_play(cash=100_000) as play:
        offer(play, "AAPL", "MSFT")
        await allocated(play, "MSFT=0.5")
        play.gateway.faults.inject("disconnect on=orderStatus status=Filled")
        done = await allocated(play, "AAPL=0.5 MSFT=0", wait=5)
        if done.not_sent:
            assert [each.symbol for each in done.not_sent] == ["AAPL"]
            assert play.held("AAPL") == 0
        await play.turn(30)
        assert play.held("MSFT") == 0
        assert all(each.is_over for each in play.desk.account_orders.orders)


async def test_rejected_order_is_told_with_the_brokers_code() -> None:
    async with a_play(cash=100_000) as play:
        offer(play, "AAPL", "MSFT")
        play.gateway.faults.inject("reject_order on=placeOrder nth=1")
        done = await allocated(play, "AAPL=0.4 MSFT=0.3")
        assert states(done) == [
            ("AAPL", AccountOrderState.REJECTED),
            ("MSFT", AccountOrderState.FILLED),
        ]
        assert done.sent[0].code == 201
        assert not done.is_good


async def test_live_bracket_refuses_the_whole_before_anything_is_sent() -> None:
    async with a_play(cash=100_000) as play:
        await play.protected()
        before = every_order(play)
        with pytest.raises(Refused, match="a bracket of the desk's is live"):
            await allocated(play, "AAPL=0.4 MSFT=0.3")
        assert every_order(play) == before


async def test_kill_switch_refuses_it_and_withdraws_what_rests() -> None:
    async with a_play(cash=100_000) as play:
        offer(play, "AAPL")
        await allocated(play, "AAPL=0.4", order="lmt", offset_pct="-1", wait=1)
        assert [each.order.order_type for each in play.orders] == ["LMT"]
        await play.done(play.desk.halt())
        assert play.orders == ()
        with pytest.raises(TradingHalted):
            await allocated(play, "AAPL=0.3")
        assert play.held() == 0
        play.desk.resume()
        play.desk.halt_now(HaltCause.COMMAND)
        shown = await allocated(play, "AAPL=0.3", DRY)
        assert "halted" in shown.plan.problems[0]


async def test_what_rests_from_an_earlier_run_is_cancelled_before_the_next() -> None:
    async with a_play(cash=100_000) as play:
        offer(play, "AAPL")
        await allocated(play, "AAPL=0.4", order="lmt", offset_pct="-1", wait=1)
        await play.restart()
        done = await allocated(play, "AAPL=0.4", order="mkt")
        assert [each.state for each in done.stale] == [AccountOrderState.CANCELLED]
        assert play.held() == 210
        assert play.orders == ()


async def test_cancellation_that_is_lost_leaves_everything_unsent() -> None:
    async with a_play(cash=100_000) as play:
        offer(play, "AAPL", "MSFT")
        await allocated(play, "AAPL=0.4", order="lmt", offset_pct="-1", wait=1)
        play.gateway.faults.inject("drop on=cancelOrder times=0")
        with pytest.raises(Refused, match="not known to be over"):
            await allocated(play, "MSFT=0.4")
        assert len(every_order(play)) == 1


async def test_deadline_leaves_what_was_sent_followed_to_its_end() -> None:
    async with a_play(cash=100_000) as play:
        offer(play, "AAPL")
        runner = a_runner(play)
        values = {"weights": "AAPL=0.4", "order": "lmt", "offset_pct": "-1"}
        with pytest.raises(DeadlineExceeded):
            await play.done(runner.run(ALLOCATION, values, Asked(deadline_s=3.0)))
        (order,) = play.desk.account_orders.orders
        assert order.state is AccountOrderState.WORKING
        with pytest.raises(AlreadyDone):
            await allocated(play, "AAPL=0.4", order="lmt", offset_pct="-1")


async def test_two_at_once_are_one() -> None:
    async with a_play(cash=100_000) as play:
        offer(play, "AAPL")
        runner = a_runner(play)

        async def both() -> list[Answered | BaseException]:
            works = (runner.run(ALLOCATION, {"weights": "AAPL=0.4"}) for _ in range(2))
            return await asyncio.gather(*works, return_exceptions=True)

        results = await play.done(both())
        assert sum(isinstance(each, AlreadyDone) for each in results) == 1
        assert play.held() == 210


async def test_account_of_its_own_is_traded_where_there_are_several() -> None:
    async with a_play(cash=100_000, accounts=("DU1", "DU2"), account="DU2") as play:
        offer(play, "AAPL")
        await allocated(play, "AAPL=0.4")
        assert {each.order.account for each in every_order(play)} == {"DU2"}
        books = play.gateway.hub.accounts
        assert [held.quantity for held in books["DU2"].positions()] == [D(210)]
        assert books["DU1"].positions() == ()


async def test_limit_of_the_account_refuses_before_anything_is_sent() -> None:
    async with a_play(cash=100_000, limits=RiskLimits(max_total_exposure=D(50_000))) as play:
        offer(play, "AAPL", "MSFT")
        await allocated(play, "AAPL=0.4")
        with pytest.raises(Refused, match="MAX_TOTAL_EXPOSURE"):
            await allocated(play, "AAPL=0.4 MSFT=0.3")
        assert play.held("MSFT") == 0
