"""Cash brought into the base currency over a real socket, judged by the gateway's own books."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from apps.domain.errors import AlreadyDone, BadRequest, Refused, TradingHalted
from apps.domain.trading_state import HaltCause
from apps.engine.orders.account_order import AccountOrderState
from apps.engine.routines.cash_balancer import CASH_BALANCER, Balanced
from apps.engine.routines.runner import Asked, RoutineRunner
from apps.paper.feed.market import Print
from tests.engine_on_paper.play import ACCOUNT, Play, a_play

D = Decimal
WET, DRY = Asked(), Asked(dry_run=True)
CASH = (("EUR", D("30000.75")), ("JPY", D(-1_500_000)), ("GBP", D(30)))


async def balanced(play: Play, asked: Asked = WET, **values: Any) -> Balanced:
    runner = RoutineRunner(play.desk, play.clock, encode=lambda _: {}, configuration={})
    answered = await play.done(runner.run(CASH_BALANCER, values, asked))
    assert isinstance(answered.result, Balanced)
    assert answered.is_done == answered.result.is_good
    return answered.result


def quoted(play: Play) -> None:
    # the gateway's books name a pair by its first currency
    play.market.put("EUR", "1.0998", "1.1000", 10_000_000)
    play.market.put("GBP", "1.2998", "1.3000", 10_000_000)
    play.market.printed["EUR"] = [Print(0, D("1.0999"), 1)]
    play.market.printed["GBP"] = [Print(0, D("1.2999"), 1)]


def cash_of(play: Play) -> dict[str, Decimal]:
    return dict(play.gateway.hub.accounts[ACCOUNT].cash())


async def test_euros_and_cents_become_dollars_and_the_rest_stays() -> None:
    async with a_play(foreign_cash=CASH[:1]) as play:
        quoted(play)
        done = await balanced(play)
        assert done.is_good
        assert cash_of(play)["EUR"] == D("0.75")
        (order,) = done.sent
        assert (order.symbol, order.quantity, order.state) == (
            "EUR.USD",
            D(30_000),
            AccountOrderState.FILLED,
        )
        assert cash_of(play)["USD"] == 250_000 + 30_000 * D("1.0998") - 2


async def test_odd_lot_is_told_and_is_no_error() -> None:
    async with a_play(foreign_cash=(("EUR", D(5_000)),)) as play:
        quoted(play)
        done = await balanced(play)
        assert done.is_good
        assert done.plan.lines[0].is_odd_lot
        assert "odd lot" in done.sent[0].notices[0]
        assert done.sent[0].notices[0].startswith("[399]")


async def test_debt_is_bought_back_after_what_brings_dollars() -> None:
    async with a_play(cash=100, foreign_cash=(("EUR", D(20_000)), ("GBP", D(-10_000)))) as play:
        quoted(play)
        done = await balanced(play)
        assert [each.symbol for each in done.sent] == ["EUR.USD", "GBP.USD"]
        assert done.is_good
        assert cash_of(play)["EUR"] == 0
        assert cash_of(play)["GBP"] == 0
        assert cash_of(play)["USD"] > 0


async def test_dry_run_and_an_account_without_foreign_cash_send_nothing() -> None:
    async with a_play(foreign_cash=CASH[:1]) as play:
        quoted(play)
        shown = await balanced(play, DRY)
        assert [each.ticket.quantity for each in shown.plan.orders] == [D(30_000)]
        assert not play.gateway.hub.exchange.executions()
    async with a_play() as play:
        assert (await balanced(play)).plan.lines == ()


async def test_closed_market_sends_nothing_and_says_until_when() -> None:
    saturday = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)
    async with a_play(foreign_cash=CASH[:1], start=saturday) as play:
        quoted(play)
        with pytest.raises(Refused, match="IDEALPRO is closed until 2026-11-22"):
            await balanced(play)
        assert not play.gateway.hub.exchange.executions()


async def test_halt_refuses_it_and_reducing_lets_it_pass() -> None:
    async with a_play(foreign_cash=CASH[:1]) as play:
        quoted(play)
        play.desk.halt_now(HaltCause.COMMAND)
        with pytest.raises(TradingHalted):
            await balanced(play)
        play.desk.resume()
        await play.done(play.desk.halt(reduce=True))
        assert (await balanced(play)).is_good


async def test_connection_that_drops_between_two_conversions_is_told_of_each() -> None:
    async with a_play(foreign_cash=(("EUR", D(30_000)), ("GBP", D(30_000)))) as play:
        quoted(play)
        play.gateway.faults.inject("disconnect on=placeOrder nth=2 lose_message=true")
        done = await balanced(play, wait=5)
        assert not done.is_good
        await play.turn(30)
        states = {each.instrument.symbol: each.state for each in play.desk.account_orders.orders}
        assert states == {
            "EUR.USD": AccountOrderState.FILLED,
            "GBP.USD": AccountOrderState.NEVER_ACCEPTED,
        }
        assert cash_of(play)["GBP"] == 30_000
        assert (await balanced(play)).is_good  # what there is now is read anew
        assert cash_of(play)["GBP"] == 0


async def test_conversion_is_no_position_of_the_desks_nor_one_at_risk() -> None:
    async with a_play(foreign_cash=CASH[:1]) as play:
        quoted(play)
        await balanced(play)
        assert play.desk.day_pnl() == 0
        assert play.desk.trades() == ()
        assert play.desk._book.open_symbols() == frozenset()
        await play.desk.positions()  # the broker lists the virtual position
        assert play.desk._book.open_symbols() == frozenset()
        assert play.desk._book.account_exposure() == 0
        assert (await play.desk.reconcile()).agrees


@pytest.mark.parametrize(("name", "value"), [("lot", "0.5"), ("offset_pct", "1")])
async def test_what_cannot_be_asked_for_is_refused(name: str, value: str) -> None:
    with pytest.raises(BadRequest, match=name):
        CASH_BALANCER.asked({name: value})


async def test_two_at_once_are_one() -> None:
    async with a_play(foreign_cash=CASH[:1]) as play:
        quoted(play)
        with play.desk.account_orders.alone("allocation"), pytest.raises(AlreadyDone):
            await balanced(play)
        assert (await balanced(play)).is_good
