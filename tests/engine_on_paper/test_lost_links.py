"""A link that is lost at the worst moment: nothing is sent twice, and nothing is guessed."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from apps.domain.orders import Side
from apps.engine.alerts import AlertKind
from apps.engine.breakout_watcher import Readiness
from apps.engine.orders.trade_states import TradeState
from apps.engine.ports import LinkState
from apps.paper.clock import ManualClock
from apps.paper.limits import NO_LIMITS
from apps.paper.server import PaperGateway
from apps.paper.settings import GatewaySettings
from tests.engine_on_paper.play import Play, a_play

LOST, READY = LinkState.DISCONNECTED, LinkState.READY


async def cut(play: Play) -> None:
    """Cut the wire, and wait until the desk has noticed; a new one is whole."""
    play.wire.before_request, play.wire.loses_answers = lambda _: True, False
    epoch = play.desk.link.epoch
    play.wire.cut()
    await play.until(lambda: play.desk.link.epoch > epoch)


async def back(play: Play) -> None:
    await play.until(lambda: play.desk.link.state is READY)
    await play.sync()


async def test_answer_that_is_lost_makes_a_bracket_unknown_and_it_is_found_again() -> None:
    async with a_play() as play:

        def lose_its_answer(request: bytes) -> bool:
            play.wire.loses_answers = play.wire.loses_answers or b"BD-2026" in request
            return True

        play.wire.before_request = lose_its_answer
        await play.arm()
        play.market.put("AAPL", "190.59", "190.61")
        await play.bars("190.40", "190.55")
        play.bar_now("190.55", "190.60")
        await play.until(lambda: play.wire.loses_answers and play.held() == 10)
        assert play.trade().state is TradeState.SENT
        await cut(play)
        assert play.trade().state is TradeState.UNKNOWN
        assert play.heard("unknown: buy 10 AAPL")
        await back(play)
        assert play.trade().state is TradeState.PROTECTED
        await play.turn(12)
        assert play.entries_placed == 1
        assert play.exits() == {"LMT": Decimal(10), "STP": Decimal(10)}


async def test_bracket_that_never_arrived_is_not_sent_again_and_not_called_live() -> None:
    async with a_play() as play:
        play.wire.before_request = lambda request: b"BD-2026" not in request
        await play.arm()
        await play.bars("190.40", "190.55")
        play.bar_now("190.55", "190.60")
        await play.until(lambda: bool(play.desk.trades()))
        await cut(play)
        assert play.trade().state is TradeState.UNKNOWN
        await back(play)
        await play.turn(12)
        assert play.entries_placed == play.held() == 0
        assert play.trade().state is TradeState.NEVER_ACCEPTED
        assert play.heard("never accepted: buy 10 AAPL")
        await play.bars("190.40", "190.55", "190.60")
        assert play.entries_placed == 0, "one watcher, one intent"


async def test_target_that_fills_while_nobody_listens_is_found_when_the_link_is_back() -> None:
    async with a_play() as play:
        await play.protected()
        play.wire.holds_on = True
        await cut(play)
        play.market.put("AAPL", "192.60", "192.62")
        await play.print("192.61")
        assert play.held() == 0
        play.wire.let_go()
        await back(play)
        await play.turn(1)
        assert play.trade().state is TradeState.CLOSED
        assert play.orders == ()


async def test_watchers_are_blind_while_the_link_is_lost_and_skip_what_they_did_not_see() -> None:
    async with a_play() as play:
        await play.arm()
        await play.bars("190.40")
        play.wire.holds_on = True
        await cut(play)
        assert play.desk.watcher("w1").readiness is Readiness.BLIND
        assert play.heard("watchers are blind")
        play.wire.let_go()
        await back(play)
        await play.until(lambda: play.desk.watcher("w1").readiness is Readiness.READY)
        await play.bars("190.60", "190.62", "190.64")
        assert play.entries_placed == 0
        assert play.heard("the first bar after a gap")
        await play.bars("190.40", "190.55", "190.60")
        assert play.entries_placed == 1


async def test_old_socket_that_is_still_held_is_told_and_tried_until_it_is_let_go() -> None:
    async with a_play() as play:
        play.wire.holds_on = True
        await cut(play)
        await play.until(lambda: play.heard("[326]") or play.heard("IB 326"))
        assert play.desk.link.state is not READY
        told = [text for text in play.texts() if "326" in text]
        assert len(told) == 1, "however often it is tried"
        play.wire.let_go()
        await back(play)
        assert set(play.gateway.hub.sessions) == {7}, "the same client id"


async def test_no_order_id_is_used_twice_over_a_lost_link() -> None:
    async with a_play() as play:
        await play.protected()
        await cut(play)
        await back(play)
        await play.until(lambda: play.trade().state is TradeState.PROTECTED)
        await play.enter()
        ids = [order_id for trade in play.desk.trades() for order_id in trade.order_ids]
        assert len(set(ids)) == len(ids) == 6
        assert play.held() == 20


async def test_gateway_that_comes_back_without_its_memory_is_not_believed_to_hold_our_orders() -> (
    None
):
    async with a_play() as play:
        await play.protected()
        settings = GatewaySettings(accounts=("DU1234567",), limits=NO_LIMITS)
        async with PaperGateway.open(
            settings, market=play.market, clock=ManualClock(play.now)
        ) as anew:
            play.wire.target = anew.port
            await cut(play)
            play.gateway = anew
            await back(play)
            await play.turn(5)
            assert play.entries_placed == play.held() == 0
            assert play.heard("not among the broker's")
            assert play.heard("10 AAPL have no working stop")
            assert await play.desk.positions() == ()
            ids = play.trade().order_ids
            account = anew.hub.accounts["DU1234567"]
            assert account.holding(anew.hub.catalogue.by_con_id(265598)).quantity == 0  # type: ignore[arg-type]  # it is in the catalogue
            await play.enter()
            assert min(play.trade(1).order_ids) > max(ids), "ids go on where they were"
            assert play.held() == 10
            await play.shut_down()


async def test_lost_link_within_a_partly_filled_entry_leaves_exits_of_what_is_filled() -> None:
    async with a_play() as play:
        await play.enter(size=4)
        play.wire.holds_on = True
        await cut(play)
        await play.turn(12)
        play.wire.let_go()
        await back(play)
        await play.until(lambda: play.trade().state is TradeState.PROTECTED)
        assert play.held() == 4
        assert play.exits() == {"LMT": Decimal(4), "STP": Decimal(4)}


async def test_close_over_a_lost_link_ends_flat_and_sells_once() -> None:
    async with a_play() as play:
        await play.protected()
        play.gateway.hub.cancel(7, play.order_id("LMT"))
        play.gateway.flush()
        await play.sync()

        def lose_its_answer(request: bytes) -> bool:
            play.wire.loses_answers = play.wire.loses_answers or b"MKT" in request
            return True

        play.wire.before_request = lose_its_answer
        closing = asyncio.create_task(play.desk.close("AAPL"))
        await play.clock.advance(1)
        await play.until(lambda: play.wire.loses_answers and play.held() == 0)
        await cut(play)
        await back(play)
        await play.turn(6)
        (outcome,) = await closing
        assert outcome.ok, outcome.text
        sells = [each for each in play.gateway.hub.exchange.executions() if each.side is Side.SELL]
        assert sum(each.quantity for each in sells) == 10
        assert play.orders == ()
        assert AlertKind.CLOSED in {each.kind for each in play.told}
