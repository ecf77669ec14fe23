"""Routines against the gateway over a real socket: judged by what the gateway has in its books."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from apps.domain.errors import (
    AlreadyDone,
    BadRequest,
    DeadlineExceeded,
    NotConnected,
    RiskRefused,
)
from apps.domain.orders import OrderType, Side, Ticket
from apps.domain.records import Executed
from apps.domain.risk import TradingMode
from apps.domain.trade_reconciliation import TradeReconciliation
from apps.domain.trading_state import HaltCause
from apps.engine.routines.allocation import ALLOCATION
from apps.engine.routines.close_all import CLOSE_ALL, Closed
from apps.engine.routines.reconcile import RECONCILE, Reconciliation
from apps.engine.routines.routine import AnyRoutine
from apps.engine.routines.runner import Answered, Asked, RoutineRunner
from apps.engine.routines.summary import SUMMARY, Summary
from apps.engine.routines.trade_reconciliation import TRADE_RECONCILIATION
from apps.ib.connection import Endpoint
from apps.ib.gateway import IBGateway
from tests.engine.fakes import FakeJournal
from tests.engine_on_paper.play import ACCOUNT, Play, a_play
from tests.ib.desk_side import PATIENT

NOTHING = Asked()


def a_runner(play: Play) -> RoutineRunner:
    return RoutineRunner(play.desk, play.clock, encode=lambda _: {}, configuration={})


async def run(play: Play, routine: AnyRoutine, asked: Asked = NOTHING, **values: Any) -> Answered:
    return await play.done(a_runner(play).run(routine, values, asked))


async def test_summary_tells_the_gateways_own_books() -> None:
    async with a_play() as play:
        await play.protected()
        found = (await run(play, SUMMARY)).result
        assert isinstance(found, Summary)
        (position,) = found.positions
        assert (position.position.symbol, position.ours) == ("AAPL", play.held())
        assert {each.order_type for each in found.orders} == {"LMT", "STP"}
        assert [each.quantity for each in found.executions] == [Decimal(10)]
        assert found.account.account == play.desk.account_name
        assert found.link == "ready"


async def test_summary_of_an_empty_account_is_empty() -> None:
    async with a_play() as play:
        found = (await run(play, SUMMARY)).result
        assert isinstance(found, Summary)
        assert (found.positions, found.orders, found.executions) == ((), (), ())


async def test_a_link_that_is_lost_while_the_summary_asks_is_one_error_as_itself() -> None:
    async with a_play() as play:
        running = asyncio.create_task(a_runner(play).run(SUMMARY, {}))
        await asyncio.sleep(0)
        play.wire.cut()
        with pytest.raises(NotConnected):
            await running


async def test_close_all_leaves_the_account_flat_by_the_gateways_books() -> None:
    async with a_play() as play:
        await play.protected()
        answered = await run(play, CLOSE_ALL)
        assert isinstance(answered.result, Closed)
        assert play.is_flat()
        assert answered.is_done
        assert answered.result.left == ()
        assert [(each.symbol, each.ok, each.sold) for each in answered.result.outcomes] == [
            ("AAPL", True, Decimal(10))
        ]


async def test_close_all_of_a_short_buys_it_back() -> None:
    async with a_play() as play:
        await play.arm(direction="short", level="190.30")
        play.market.put("AAPL", "190.19", "190.21", 1000)
        await play.bars("190.40", "190.25", "190.20")
        await play.until(lambda: play.held() == -10)
        await run(play, CLOSE_ALL, side="long")
        assert play.held() == -10
        await run(play, CLOSE_ALL, side="short")
        assert play.is_flat()


async def test_a_dry_run_of_close_all_sends_nothing() -> None:
    async with a_play() as play:
        await play.protected()
        before = play.orders
        found = (await run(play, CLOSE_ALL, Asked(dry_run=True))).result
        assert isinstance(found, Closed)
        assert [each.position.symbol for each in found.would_close] == ["AAPL"]
        assert play.orders == before
        assert play.held() == 10


async def test_close_all_takes_only_what_was_named() -> None:
    async with a_play() as play:
        await play.protected()
        answered = await run(play, CLOSE_ALL, symbols=["MSFT"])
        assert play.held() == 10
        assert answered.is_done


async def test_close_all_twice_at_once_is_refused_and_the_first_goes_on() -> None:
    async with a_play() as play:
        await play.protected()
        runner = a_runner(play)
        first = asyncio.create_task(runner.run(CLOSE_ALL, {}))
        await asyncio.sleep(0)
        with pytest.raises(AlreadyDone):
            await runner.run(CLOSE_ALL, {})
        assert (await play.done(_of(first))).is_done
        assert play.is_flat()


async def test_close_all_goes_on_while_trading_is_halted() -> None:
    async with a_play() as play:
        await play.protected()
        play.desk.halt_now(HaltCause.COMMAND)
        await run(play, CLOSE_ALL)
        assert play.is_flat()


async def test_a_caller_that_leaves_leaves_the_closing_to_its_end() -> None:
    async with a_play() as play:
        await play.protected()
        play.market.put("AAPL", "190.59", "190.61", 0)
        running = asyncio.create_task(a_runner(play).run(CLOSE_ALL, {}))
        await play.turn(2)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await sold(play)


async def test_a_deadline_that_is_too_short_names_the_routine_and_the_closing_ends() -> None:
    async with a_play() as play:
        await play.protected()
        play.market.put("AAPL", "190.59", "190.61", 0)
        with pytest.raises(DeadlineExceeded, match="close-all was not done within 3 s"):
            await run(play, CLOSE_ALL, Asked(deadline_s=3))
        await sold(play)


async def sold(play: Play) -> None:
    """See that a closing that goes on without its caller sells once there is somebody to buy."""
    assert play.held() == 10
    play.market.put("AAPL", "190.59", "190.61", 1000)
    await play.print("190.60")
    await play.turn(6)
    assert play.is_flat()


async def test_a_live_desk_that_was_not_confirmed_closes_nothing() -> None:
    async with a_play(mode=TradingMode.LIVE, accounts=("U7654321",)) as play:
        with pytest.raises(RiskRefused):
            await run(play, CLOSE_ALL)
        dry = await run(play, CLOSE_ALL, Asked(dry_run=True))
        assert dry.result == Closed((), (), ())


async def test_trade_reconciliation_is_whole_and_the_same_twice() -> None:
    async with a_play() as play:
        await play.protected()
        play.market.put("AAPL", "192.60", "192.62")
        await play.print("192.61")
        await play.turn(1)
        first = (await run(play, TRADE_RECONCILIATION)).result
        again = (await run(play, TRADE_RECONCILIATION)).result
        assert isinstance(first, TradeReconciliation)
        assert first == again
        (intent,) = first.intents
        assert (intent.entered, intent.exited, first.unmatched) == (Decimal(10), Decimal(10), ())
        cash = play.gateway.hub.accounts[ACCOUNT].cash()["USD"]
        assert intent.realized_pnl == cash - 250_000


async def test_what_the_journal_lacks_is_written_once() -> None:
    journal = FakeJournal()
    async with a_play(journal=journal) as play:
        await play.protected()
        lost = [each for each in journal.records if isinstance(each, Executed)]
        journal.records[:] = [each for each in journal.records if each not in lost]
        found = (await run(play, TRADE_RECONCILIATION)).result
        assert isinstance(found, TradeReconciliation)
        assert [each.exec_id for each in found.missing] == [lost[0].exec_id]
        again = (await run(play, TRADE_RECONCILIATION)).result
        assert isinstance(again, TradeReconciliation)
        assert again.missing == ()
        assert again.intents == found.intents


async def test_reconcile_agrees_and_adopt_has_nothing_to_settle() -> None:
    async with a_play() as play:
        await play.protected()
        found = (await run(play, RECONCILE, adopt=True)).result
        assert isinstance(found, Reconciliation)
        assert found.agrees
        assert (found.settled, found.refused) == ((), ())


async def _of(task: asyncio.Task[Answered]) -> Answered:
    return await task


async def test_close_all_leaves_what_is_not_ours_unless_it_is_told() -> None:
    async with a_play() as play:
        await play.protected()
        play.market.put("MSFT", "410.00", "410.02", 1000)
        await run(play, ALLOCATION, weights={"MSFT": "0.01"})
        assert play.held("MSFT") > 0
        kept = (await run(play, CLOSE_ALL)).result
        assert isinstance(kept, Closed)
        assert [each.position.symbol for each in kept.left] == ["MSFT"]
        assert play.is_flat()
        dry = (await run(play, CLOSE_ALL, Asked(dry_run=True), others=True)).result
        assert isinstance(dry, Closed)
        assert [each.position.symbol for each in dry.would_close] == ["MSFT"]
        gone = await run(play, CLOSE_ALL, others=True)
        assert play.held("MSFT") == 0
        assert gone.is_done


async def test_all_clients_ends_the_orders_of_others_once_ours_are_closed() -> None:
    async with a_play() as play:
        await play.protected()
        play.market.put("MSFT", "410.00", "410.02", 1000)
        other = IBGateway(
            Endpoint("127.0.0.1", play.gateway.port, 99),
            clock=play.clock,
            on_error=lambda *_: None,
            timeouts=PATIENT,
        )
        async with other:
            await other.connect()
            msft = await other.market_data.qualify("MSFT")
            limit = Ticket(Side.BUY, Decimal(5), OrderType.LIMIT, Decimal("409.00"))
            other.broker.place(msft, limit)
            await play.until(lambda: len(play.orders) == 3)
            answered = await run(play, CLOSE_ALL)
            assert answered.is_done
            assert [each.order.order_type for each in play.orders] == ["LMT"]
            answered = await run(play, CLOSE_ALL, all_clients=True)
            assert answered.is_done
            assert not play.held()
            assert play.is_flat()


async def test_all_clients_is_not_sent_while_our_stops_are_needed() -> None:
    async with a_play() as play:
        await play.protected()
        play.market.put("AAPL", "190.59", "190.61", 0)
        answered = await run(play, CLOSE_ALL, all_clients=True)
        assert isinstance(answered.result, Closed)
        assert not answered.is_done
        assert "our stops are still needed" in answered.result.warning
        assert play.exits()["STP"] == 10


@pytest.mark.parametrize("values", [{"symbols": ["AAPL"]}, {"side": "long"}])
async def test_all_clients_goes_with_no_choice_of_positions(values: dict[str, Any]) -> None:
    async with a_play() as play:
        with pytest.raises(BadRequest, match="all_clients"):
            await a_runner(play).run(CLOSE_ALL, values | {"all_clients": True})
