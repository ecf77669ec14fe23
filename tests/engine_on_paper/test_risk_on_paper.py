"""Live mode, margin and the day's result over a real socket, judged by the gateway's ledger."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from apps.domain.errors import RiskRefused, TradingDisabled
from apps.domain.exits.session_end import SessionEndRule
from apps.domain.risk import RiskLimits, TradingMode
from apps.engine.requests import BracketRequest
from tests.engine_on_paper.play import Play, a_play

LIVE = "U7654321"
BUY = BracketRequest("buy", "AAPL", "10")


async def send(play: Play, request: BracketRequest) -> None:
    await play.desk.send_bracket(await play.done(play.desk.preview_bracket(request)))
    await play.sync()


@pytest.mark.parametrize("confirmed", [True, False])
async def test_live_account_is_traded_once_it_is_confirmed_and_not_before(confirmed: bool) -> None:
    live = TradingMode.LIVE
    async with a_play(mode=live, accounts=(LIVE,), live_is_confirmed=confirmed) as play:
        assert play.desk.is_read_only is not confirmed
        if confirmed:
            await send(play, BUY)
        else:
            with pytest.raises(RiskRefused, match="read-only"):
                await send(play, BUY)
        assert play.entries_placed == int(confirmed)


@pytest.mark.parametrize("is_filled", [True, False])
@pytest.mark.parametrize("why", [{"is_confirmed": False}, {"is_enabled": False}])
async def test_read_only_desk_looks_on_and_is_refused_nothing(
    is_filled: bool, why: dict[str, bool]
) -> None:
    live = TradingMode.LIVE
    rule = SessionEndRule(timedelta(hours=7))  # all of the session is its end
    async with a_play(mode=live, accounts=(LIVE,), live_is_confirmed=True) as play:
        if is_filled:
            await play.protected()
            play.gateway.hub.cancel(7, play.order_id("STP"))
        else:
            await play.enter(size=0)
        desk = play.desk
        desk._unsubscribe()
        await play.done(desk._supervisor.aclose(1.0))
        standing = len(play.orders)
        told = len(play.told)
        play.desk = play.new_desk(**why, session_end=rule)
        assert play.desk.is_read_only
        await play.desk.__aenter__()
        await play.turn(20)
        report = await play.shut_down()
        assert len(play.orders) == standing
        assert "read-only" not in str(play.texts()[told:])
        assert "TRADING_ENABLED" not in str(play.texts()[told:])
        assert report.problems == ()


async def test_desk_that_may_not_trade_refuses_entries_exits_and_cancellations() -> None:
    async with a_play() as play:
        await play.protected()
        await play.shut_down()
        play.desk = play.new_desk(is_enabled=False)
        await play.desk.__aenter__()
        await play.sync()
        standing = len(play.orders)
        for act in (
            play.desk.preview_bracket(BUY),
            play.desk.cancel("all"),
            play.desk.close("all"),
        ):
            with pytest.raises(TradingDisabled):
                await play.done(act)
        assert (await play.done(play.desk.positions()))[0].position.symbol == "AAPL"
        assert len(play.orders) == standing


async def test_paper_account_is_not_traded_live_however_it_was_confirmed() -> None:
    with pytest.raises((RiskRefused, ExceptionGroup)):
        async with a_play(mode=TradingMode.LIVE, live_is_confirmed=True):
            pass


async def test_margin_is_the_brokers_and_what_is_armed_is_reserved() -> None:
    limits = RiskLimits(max_margin_pct=Decimal(100))
    async with a_play(limits=limits, cash=3_000) as play:
        await play.arm(quantity="40")
        shown = await play.done(play.desk.preview_bracket(BUY))
        assert shown.margin is not None
        assert shown.margin.available == 3_000
        assert Decimal(1_000) < shown.margin.reserved < Decimal(40) * Decimal("190.5") / 2
        with pytest.raises(RiskRefused, match=r"of it reserved.*MAX_MARGIN_PCT"):
            await send(play, BracketRequest("buy", "AAPL", "40"))
        await play.done(play.desk.stop_watcher("w1"))
        await play.turn(2)
        await send(play, BracketRequest("buy", "AAPL", "40"))
        assert play.held() == 40


async def test_margin_that_was_not_asked_in_time_lets_nothing_by_that_may_be_too_much() -> None:
    limits = RiskLimits(max_margin_pct=Decimal(50))
    async with a_play(limits=limits, cash=5_000) as play:
        await play.arm("MSFT", quantity="1")  # it takes the minute's question
        with pytest.raises(RiskRefused, match="whole worth, for its margin is not known yet"):
            await send(play, BracketRequest("buy", "AAPL", "20"))
        await play.turn(61)
        await send(play, BracketRequest("buy", "AAPL", "20"))
        assert play.held() == 20


async def test_restart_in_mid_session_keeps_the_days_result() -> None:
    async with a_play() as play:
        await play.protected()
        await play.bars("190.60", "190.20")
        before = play.desk.day_pnl()
        assert before is not None
        assert before < 0
        await play.restart()
        await play.bars("190.20", "190.20")
        assert play.desk.day_pnl() == before
