"""From a bar to a flat account, judged by the gateway's ledger."""

from __future__ import annotations

from decimal import Decimal

import pytest

from apps.domain.orders import Side
from apps.domain.risk import RiskLimits
from apps.engine.alerts import AlertKind
from apps.engine.orders.trade_states import TradeState
from apps.engine.requests import BreakoutRequest
from tests.engine_on_paper.play import a_play

FIVE = ("AAPL", "MSFT", "NVDA", "AMD", "INTC")


async def test_break_is_entered_protected_and_closed_by_its_target() -> None:
    async with a_play() as play:
        await play.protected()
        assert play.held() == 10
        assert play.exits() == {"LMT": Decimal(10), "STP": Decimal(10)}
        play.market.put("AAPL", "192.60", "192.62")
        await play.print("192.61")
        assert play.held() == 0
        assert play.orders == ()
        await play.turn(1)
        assert play.trade().state is TradeState.CLOSED
        assert len(play.texts(AlertKind.CLOSED)) == 1


@pytest.mark.parametrize("entry", ["limit", "mkt", "stop"])
async def test_every_style_of_entry_is_taken_by_the_gateway_and_ends_protected(entry: str) -> None:
    async with a_play() as play:
        await play.enter(entry=entry)
        if entry == "stop":
            assert play.held() == 0
            play.market.put("AAPL", "190.63", "190.65")
            await play.print("190.65")
        assert play.held() == 10
        assert play.exits() == {"LMT": Decimal(10), "STP": Decimal(10)}


async def test_exits_of_a_partly_filled_entry_are_those_of_what_is_filled() -> None:
    async with a_play() as play:
        await play.enter(size=4)
        assert play.held() == 4
        await play.turn(11)
        assert play.exits() == {"LMT": Decimal(4), "STP": Decimal(4)}
        assert play.trade().state is TradeState.PROTECTED
        play.market.put("AAPL", "189.50", "189.52")
        await play.print("189.50")
        assert play.is_flat()
        await play.turn(1)
        assert play.trade().state is TradeState.CLOSED


async def test_unfilled_entry_is_withdrawn_with_its_exits() -> None:
    async with a_play() as play:
        await play.enter(size=0)
        assert len(play.orders) == 3
        await play.turn(11)
        assert play.is_flat()
        assert play.trade().state is TradeState.WITHDRAWN


async def test_partly_filled_entry_that_is_cancelled_elsewhere_gets_its_stop_anew() -> None:
    async with a_play() as play:
        await play.enter(size=4)
        play.gateway.hub.cancel(7, play.trade().order_ids[0])
        play.gateway.flush()
        assert play.exits() == {}, "they went with their entry"
        await play.turn(4)
        left = {each.order.order_type: each.remaining for each in play.orders}
        assert left == {"STP": Decimal(4), "LMT": Decimal(4)}
        assert play.trade().state is TradeState.PROTECTED


async def test_rejected_entry_is_told_with_its_code_and_leaves_nothing() -> None:
    async with a_play(cash=100) as play:
        await play.enter()
        assert play.is_flat()
        assert play.trade().state is TradeState.REJECTED
        assert play.trade().code == 201
        assert any("[201]" in text for text in play.texts(AlertKind.ERROR))


async def test_target_that_fills_in_part_takes_as_much_from_the_stop() -> None:
    async with a_play() as play:
        await play.protected()
        play.market.put("AAPL", "192.60", "192.62", 3)
        await play.print("190.60")
        assert play.held() == 7
        assert play.exits() == {"LMT": Decimal(7), "STP": Decimal(7)}
        await play.turn(5)
        assert play.texts(AlertKind.ERROR) == [], "what is left is protected"


async def test_stop_that_is_gone_after_a_part_was_exited_is_told() -> None:
    async with a_play() as play:
        await play.protected()
        play.market.put("AAPL", "192.60", "192.62", 3)
        await play.print("190.60")
        play.gateway.hub.cancel(7, play.order_id("STP"))
        play.gateway.flush()
        await play.turn(4)
        assert any("7 AAPL have no working stop" in text for text in play.texts(AlertKind.ERROR))


async def test_position_cap_holds_in_a_burst_of_bars() -> None:
    async with a_play(limits=RiskLimits(max_open_positions=1)) as play:
        for symbol in FIVE:
            await play.arm(symbol)
        for symbol in FIVE:
            play.market.put(symbol, "190.59", "190.61")
        await play.bars("190.40", "190.55", "190.60", of=FIVE)
        assert play.entries_placed == 1
        assert sum(play.held(symbol) for symbol in FIVE) == 10
        refused = [text for text in play.texts(AlertKind.ERROR) if "MAX_OPEN_POSITIONS" in text]
        assert len(refused) == 4, "each of them once"


async def test_two_longs_of_a_symbol_each_keep_their_own_exits() -> None:
    async with a_play() as play:
        await play.arm()
        await play.enter()
        assert play.held() == 20
        assert sorted(each.remaining for each in play.orders) == [10, 10, 10, 10]
        play.market.put("AAPL", "189.50", "189.52")
        await play.print("189.50")
        assert play.is_flat()


@pytest.mark.parametrize("apart", [False, True])
async def test_opposite_side_is_refused_while_one_is_live(apart: bool) -> None:
    async with a_play() as play:
        for level, direction in (("190.50", "long"), ("190.30", "short")):
            preview = await play.desk.preview_breakout(
                BreakoutRequest("AAPL", level, direction, "10", gap_entry=True)
            )
            await play.desk.arm(preview)
        await play.sync()
        await play.bars("190.55", "190.56", "190.57")
        assert play.held() == 10
        if apart:
            await play.turn(15)
        await play.bars("190.25", "190.24", "190.23")
        assert play.held() == 10
        assert play.entries_placed == 1
        assert any("opposite" in text for text in play.texts(AlertKind.ERROR))


async def test_short_against_shares_that_are_not_ours_is_refused() -> None:
    async with a_play() as play:
        listing = play.gateway.hub.catalogue.by_con_id(265598)
        assert listing is not None
        account = play.gateway.hub.accounts["DU1234567"]
        account.book(listing, Side.BUY, Decimal(100), Decimal(150), Decimal(0))
        await play.desk.positions()
        await play.arm(level="190.30")
        await play.bars("190.40", "190.25", "190.24")
        assert play.held() == 100
        assert play.entries_placed == 0
