"""No position of ours without a working stop, judged by what stands at the gateway."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from apps.domain.orders import Side
from apps.engine.alerts import AlertKind
from apps.engine.exits.guard import GuardSettings
from apps.engine.orders.trade_states import TradeState
from apps.engine.ports import LinkState
from apps.engine.requests import BracketRequest
from apps.paper.exchange.policies import ExchangePolicy
from apps.paper.feed.market import Print
from apps.store.journal.file import JournalFile
from tests.engine_on_paper.play import OPEN, Play, a_play, ms, signed

AAPL = 265598
PAIR = {"LMT": Decimal(10), "STP": Decimal(10)}


def cancel(play: Play, order_type: str = "STP") -> None:
    """Have an exit cancelled at the broker, as by hand: its sibling goes with it."""
    play.gateway.hub.cancel(7, play.order_id(order_type))
    play.gateway.flush()


def working(play: Play) -> dict[str, Decimal]:
    return {each.order.order_type: each.remaining for each in play.orders}


def is_one_pair(play: Play) -> bool:
    """Both exits work for all that is held, in one group."""
    groups = {each.order.oca_group for each in play.orders}
    return working(play) == PAIR and len(groups) == 1 and groups != {""}


async def test_stop_that_was_cancelled_elsewhere_comes_back_with_its_target() -> None:
    async with a_play() as play:
        await play.protected()
        cancel(play)
        await play.turn(2)
        assert working(play) == {}, "its own patience is let pass"
        await play.turn(2)
        assert is_one_pair(play)
        assert {order.order.time_in_force for order in play.orders} == {"GTC"}
        assert play.trade().state is TradeState.PROTECTED
        assert play.heard("guard: the stop does not work, sent anew: sell 10 AAPL stop 189.66")
        play.market.put("AAPL", "189.50", "189.52")
        await play.print("189.50")
        await play.turn(1)
        assert play.is_flat()
        assert play.trade().state is TradeState.CLOSED


async def leave_the_target_alone(play: Play) -> None:
    """Have a long of 10 whose stop is gone, and whose target is not."""
    await play.protected()
    cancel(play)
    await play.turn(4)
    cancel(play)  # of the pair in a named group: there each is cancelled alone
    assert working(play) == {"LMT": Decimal(10)}


async def test_bracket_whose_stop_is_rejected_leaves_nothing_behind() -> None:
    async with a_play() as play:
        play.gateway.faults.inject("reject_order on=placeOrder nth=3")
        await play.enter()
        await play.turn(12)
        assert play.is_flat()
        assert play.trade().state is TradeState.WITHDRAWN


async def test_target_that_is_left_alone_is_bound_to_the_new_stop() -> None:
    async with a_play() as play:
        await leave_the_target_alone(play)
        await play.turn(5)
        assert is_one_pair(play)
        play.market.put("AAPL", "192.60", "192.62")
        await play.print("192.61")
        await play.turn(1)
        assert play.is_flat()


async def test_short_is_guarded_as_a_long_is() -> None:
    async with a_play() as play:
        asked = BracketRequest("sell", "AAPL", "10")
        await play.desk.send_bracket(await play.done(play.desk.preview_bracket(asked)))
        await play.sync()
        assert play.held() == -10
        cancel(play)
        await play.turn(4)
        assert is_one_pair(play)
        assert {each.order.side for each in play.orders} == {Side.BUY}


async def test_stop_refused_again_and_again_is_closed_by_the_exit_routine() -> None:
    async with a_play() as play:
        await play.protected()
        play.gateway.faults.inject("reject_order on=placeOrder times=2")
        cancel(play)
        await play.turn(8)
        assert play.is_flat()
        assert play.heard("the broker refuses the stop: AAPL is closed")
        assert signed(play) == 0


async def test_stop_that_must_be_located_makes_room_and_is_sent_again() -> None:
    async with a_play(policy=ExchangePolicy(hard_to_borrow=frozenset({AAPL}))) as play:
        await leave_the_target_alone(play)
        await play.turn(12)
        assert is_one_pair(play)
        stops = [text for text in play.texts() if "sent anew" in text]
        assert len(stops) == 3, "the second was held, for the target sold the same shares"


@pytest.mark.parametrize("limit", [None, "192.00"])
async def test_entry_that_is_held_for_a_locate_is_withdrawn(limit: str | None) -> None:
    async with a_play(policy=ExchangePolicy(hard_to_borrow=frozenset({AAPL}))) as play:
        asked = BracketRequest("sell", "AAPL", "10", limit=limit)
        await play.desk.send_bracket(await play.done(play.desk.preview_bracket(asked)))
        await play.turn(9)
        assert play.entries_placed == 1
        assert play.orders != ()
        await play.turn(3)
        assert play.is_flat()
        assert play.trade().state is TradeState.WITHDRAWN


async def test_market_beyond_the_stop_is_closed_and_told() -> None:
    async with a_play() as play:
        await play.protected()
        play.market.put("AAPL", "189.00", "189.02")
        cancel(play)
        await play.turn(6)
        assert play.is_flat()
        assert play.heard("guard: the market is beyond the stop already: AAPL is closed")
        assert play.trade().state is TradeState.CLOSED


async def test_outside_hours_a_stop_is_placed_and_nothing_is_sold() -> None:
    async with a_play() as play:
        await play.protected()
        play.now = ms(OPEN + timedelta(hours=8))
        play.gateway.advance_to(play.now)
        await play.sync()
        cancel(play)
        play.market.put("AAPL", "189.00", "189.02")
        await play.turn(5)
        assert play.held() == 10
        assert is_one_pair(play)


async def test_stop_and_target_that_both_fill_are_taken_back_once() -> None:
    async with a_play() as play:
        await leave_the_target_alone(play)
        play.gateway.faults.inject("drop on=cancelOrder times=0")
        await play.turn(4)
        assert working(play) == PAIR, "the old target still stands beside the new stop"
        hub, listing = play.gateway.hub, play.orders[0].order.listing
        for bid, ask in (("192.60", "192.62"), ("189.40", "189.42")):  # before we hear a word
            play.market.put("AAPL", bid, ask)
            trade = Print(play.now, Decimal(bid), 100)
            touch = play.market.touch(listing, play.now)
            hub.publish(hub.exchange.on_market(listing, touch, trade, play.now))
        assert play.held() == -10
        play.gateway.flush()
        await play.turn(5)
        assert play.is_flat()
        assert play.heard("guard: exits have traded too much, taken back: buy 10 AAPL")
        bought = [each for each in hub.exchange.executions() if each.side is Side.BUY]
        assert sum(each.quantity for each in bought) == 20
        assert play.trade().exit_filled == 10, "net of what was taken back"
        await play.turn(10)
        assert play.is_flat()


async def test_halted_symbol_is_waited_for() -> None:
    async with a_play() as play:
        await play.protected()
        halt = play.gateway.faults.inject("halt symbol=AAPL")
        await play.sync()
        cancel(play)
        await play.turn(8)
        assert play.orders == ()
        play.gateway.faults.remove(halt)
        await play.turn(5)
        assert is_one_pair(play)


async def test_guard_works_while_trading_is_halted() -> None:
    async with a_play() as play:
        await play.protected()
        await play.done(play.desk.halt())
        cancel(play)
        await play.turn(4)
        assert is_one_pair(play)


async def test_stop_that_is_lost_with_the_link_comes_back_with_it() -> None:
    async with a_play() as play:
        await play.protected()
        target, play.wire.target = play.wire.target, 1  # nobody is there
        play.wire.cut()
        await play.until(lambda: play.desk.link.state is not LinkState.READY)
        cancel(play)
        await play.turn(6)
        assert play.orders == ()
        play.wire.target = target
        await play.turn(35)
        assert is_one_pair(play)


async def test_position_that_is_naked_at_a_restart_gets_its_stop(tmp_path: Path) -> None:
    with JournalFile.open(tmp_path / "journal.sqlite") as journal:
        async with a_play(journal=journal) as play:
            await play.protected()
            await play.shut_down()
            cancel(play)
            await play.restart()
            await play.turn(6)
            assert play.held() == 10
            assert is_one_pair(play)


async def test_guard_that_is_off_says_so_and_does_nothing() -> None:
    async with a_play(guard=GuardSettings(is_on=False)) as play:
        assert play.heard("the guard is off (GUARD=off)")
        await play.protected()
        cancel(play)
        await play.turn(6)
        assert play.orders == ()
        assert any("no working stop" in text for text in play.texts(AlertKind.ERROR))


async def test_pair_in_a_group_is_changed_without_a_word_about_its_group() -> None:
    async with a_play() as play:
        await play.protected()
        cancel(play)
        await play.turn(4)
        assert {each.order.oca_type for each in play.orders} == {3}
        (outcome,) = await play.done(play.desk.close("AAPL"))
        assert outcome.ok
        await play.sync()
        assert play.is_flat()
        assert not play.heard("10326")


@pytest.mark.parametrize("part", [3, 7])
async def test_target_that_fills_in_part_beside_the_new_stop_leaves_the_rest_protected(
    part: int,
) -> None:
    async with a_play() as play:
        await play.protected()
        cancel(play)
        await play.turn(4)
        play.market.put("AAPL", "192.60", "192.62", part)
        await play.print("190.60")
        assert play.held() == 10 - part
        assert working(play) == {"LMT": Decimal(10 - part), "STP": Decimal(10 - part)}
        await play.turn(5)
        assert working(play) == {"LMT": Decimal(10 - part), "STP": Decimal(10 - part)}
