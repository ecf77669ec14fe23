"""Close, cancel and quit in every state of a trade; and who may not do so at all."""

from __future__ import annotations

from decimal import Decimal

import pytest

from apps.domain.errors import NotFound, RiskRefused
from apps.domain.orders import Side
from apps.domain.risk import RiskLimits, TradingMode
from apps.engine.alerts import AlertKind
from apps.engine.exits.guard import GuardSettings
from apps.engine.orders.trade_states import TradeState
from apps.engine.requests import BracketRequest
from tests.engine_on_paper.play import Play, a_play


async def close(play: Play, target: str = "AAPL") -> None:
    """Close, and hold that it ended flat with nothing left behind."""
    for outcome in await play.done(play.desk.close(target)):
        assert outcome.ok, outcome.text
    await play.sync()
    assert play.is_flat()


async def test_close_while_a_break_waits_for_confirmation_says_what_goes_on() -> None:
    async with a_play() as play:
        await play.arm()
        await play.bars("190.40", "190.55")
        with pytest.raises(NotFound, match="w1"):
            await play.done(play.desk.close("AAPL"))


async def test_close_withdraws_a_working_entry() -> None:
    async with a_play() as play:
        await play.enter(size=0)
        await close(play)
        assert play.trade().state is TradeState.WITHDRAWN


async def test_close_of_a_partly_filled_entry_sells_what_was_filled_and_no_more() -> None:
    async with a_play() as play:
        await play.enter(size=4)
        play.market.put("AAPL", "190.58", "190.62")
        await close(play)
        assert play.trade().state is TradeState.CLOSED
        await play.turn(12)
        assert play.is_flat()


async def test_close_of_a_protected_position_takes_both_exits_with_it() -> None:
    async with a_play() as play:
        await play.protected()
        await close(play, "all")
        await play.turn(1)
        assert play.trade().state is TradeState.CLOSED
        assert play.texts(AlertKind.ERROR) == []


async def test_close_tells_of_a_watcher_that_may_enter_again() -> None:
    async with a_play() as play:
        await play.protected()
        await play.arm(level="191")
        (outcome,) = await play.done(play.desk.close("AAPL"))
        assert outcome.ok
        assert "w2 still watches" in outcome.text


async def test_close_leaves_the_shares_of_others() -> None:
    async with a_play() as play:
        await play.protected()
        listing = play.orders[0].order.listing
        account = play.gateway.hub.accounts["DU1234567"]
        account.book(listing, Side.BUY, Decimal(5), Decimal(150), Decimal(0))
        (outcome,) = await play.done(play.desk.close("AAPL"))
        assert (outcome.ok, outcome.foreign) == (True, Decimal(5))
        assert play.held() == 5


@pytest.mark.parametrize("size", [0, 4, 1000])
async def test_cancel_all_ends_every_order_and_tells_what_is_naked(size: int) -> None:
    async with a_play(guard=GuardSettings(is_on=False)) as play:
        await play.enter(size=size)
        outcomes = await play.done(play.desk.cancel("all"))
        assert all(outcome.ok for outcome in outcomes), outcomes
        await play.turn(5)
        if size == 4:  # its unfilled part is withdrawn, then its exits are cancelled
            assert play.held() == 4
        assert play.orders == ()
        naked = [text for text in play.texts(AlertKind.ERROR) if "no working stop" in text]
        assert bool(naked) == bool(size)


@pytest.mark.parametrize(
    ("size", "exits"), [(0, {}), (4, {"LMT": 4, "STP": 4}), (1000, {"LMT": 10, "STP": 10})]
)
async def test_quit_leaves_what_is_filled_with_its_exits_and_nothing_else(
    size: int, exits: dict[str, int]
) -> None:
    async with a_play() as play:
        await play.enter(size=size)
        report = await play.shut_down()
        assert report.clean, report.problems
        assert play.held() == min(size, 10)
        assert play.exits() == exits
        assert len(play.orders) == len(exits) == len(report.working_orders)


async def test_quit_while_a_break_waits_for_confirmation_enters_nothing_more() -> None:
    async with a_play() as play:
        await play.arm()
        await play.bars("190.40", "190.55")
        report = await play.shut_down()
        await play.bars("190.60", "190.61")
        assert report.watchers_kept == ("w1",)
        assert play.entries_placed == 0


async def test_quit_names_a_position_without_a_stop() -> None:
    async with a_play() as play:
        await play.protected()
        await play.done(play.desk.cancel("all"))
        report = await play.shut_down()
        assert not report.clean
        assert [each.position.symbol for each in report.unprotected] == ["AAPL"]


async def test_live_mode_sends_changes_and_cancels_nothing() -> None:
    async with a_play(mode=TradingMode.LIVE, accounts=("U1234567",)) as play:
        for act in (
            play.desk.preview_bracket(BracketRequest("buy", "AAPL", "1")),
            play.desk.cancel("all"),
            play.desk.close("all"),
            play.desk.close("AAPL"),
        ):
            with pytest.raises(RiskRefused, match="read-only"):
                await act
        assert play.gateway.hub.exchange.completed_orders() == ()


async def test_paper_mode_refuses_an_account_that_does_not_look_like_one() -> None:
    with pytest.raises((RiskRefused, ExceptionGroup)):
        async with a_play(accounts=("U1234567",)):
            pass


async def test_daily_loss_stops_the_next_entry_of_the_same_bars() -> None:
    async with a_play(limits=RiskLimits(max_daily_loss=Decimal(20))) as play:
        await play.protected()
        await play.arm("MSFT")
        play.market.bar("AAPL", play.now + 10_000, "188.50", "188.40")
        await play.bars("190.40", "190.55", of=("MSFT",))
        await play.bars("190.60", of=("MSFT",))
        assert play.held("MSFT") == 0
        assert play.heard("MAX_DAILY_LOSS")
