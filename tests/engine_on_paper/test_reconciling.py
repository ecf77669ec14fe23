"""Crashes, lost answers and a broker that forgets: what the desk makes of them, by the gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from apps.domain.errors import Refused
from apps.domain.orders import OrderType, Side, Ticket
from apps.domain.reconciling.findings import Verdict
from apps.domain.records import OrderReserved
from apps.engine.desk import Desk
from apps.engine.orders.trade_states import TradeState
from apps.engine.ports import Journal
from apps.engine.routines.reconcile import RECONCILE, Reconciliation
from apps.engine.routines.runner import RoutineRunner
from apps.ib.connection import Endpoint
from apps.ib.gateway import IBGateway
from apps.ib.pacing import Limits
from apps.paper.clock import ManualClock
from apps.paper.faults.messages import MuteOrder, RollBackIds
from apps.paper.limits import NO_LIMITS
from apps.paper.server import PaperGateway
from apps.paper.settings import GatewaySettings
from apps.store.journal.file import JournalFile
from apps.store.journal.reading import JournalReader
from tests.engine.fakes import settle
from tests.engine_on_paper.play import Play, a_play
from tests.ib.desk_side import PATIENT


async def kill(play: Play) -> None:
    """End the desk as a kill does: nothing is withdrawn, told or written any more."""
    desk = play.desk
    desk._unsubscribe()
    await play.done(desk._supervisor.aclose(1.0))
    await play.ib.disconnect()
    await settle()


def a_link(play: Play, client_id: int) -> IBGateway:
    return IBGateway(
        Endpoint("127.0.0.1", play.gateway.port, client_id),
        clock=play.clock,
        on_error=lambda *_: None,
        timeouts=PATIENT,
        limits=Limits(messages_per_s=100_000),
    )


@asynccontextmanager
async def a_new_process(play: Play, *, journal: Journal | None = None) -> AsyncIterator[Desk]:
    """A desk of a new process, on the journal of the one that was killed or on ``journal``."""
    async with a_link(play, 7) as ib:
        await ib.connect()
        play.ib = ib
        play.desk = again = play.new_desk(ib, journal) if journal else play.new_desk(ib)
        await again.__aenter__()
        await play.sync()
        yield again
        await play.shut_down()


def outcomes(path: Path) -> list[str]:
    with JournalReader.open(path) as reader:
        return [each.outcome for each in reader.intents()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


async def test_trade_is_taken_up_again_after_a_kill_with_its_exits_and_is_followed_to_its_end(
    path: Path,
) -> None:
    with JournalFile.open(path) as journal:
        async with a_play(journal=journal) as play:
            await play.protected()
            await kill(play)
            async with a_new_process(play) as desk:
                assert play.trade().state is TradeState.PROTECTED
                assert play.trade().entry_filled == play.held() == 10
                assert (await desk.reconcile()).agrees
                play.market.put("AAPL", "192.60", "192.62")
                await play.print("192.60", 1000)
                await play.until(lambda: play.trade().state is TradeState.CLOSED)
                assert play.is_flat()
                await play.turn(1)
    with JournalFile.open(path) as journal:
        assert journal.open_intents(7) == (), "its end is written down"
    assert outcomes(path) == ["closed"]


async def test_kill_between_journal_and_socket_leaves_an_intent_that_was_never_accepted(
    path: Path,
) -> None:
    with JournalFile.open(path) as journal:
        async with a_play(journal=journal) as play:
            play.wire.before_request = lambda request: b"BD-2026" not in request
            await play.arm()
            await play.bars("190.40", "190.55", "190.60")
            assert play.trade().state is TradeState.SENT
            await kill(play)
            async with a_new_process(play):
                assert play.trade().state is TradeState.UNKNOWN, "one look is not enough"
                await play.turn(8)
                assert play.trade().state is TradeState.NEVER_ACCEPTED
                await play.turn(60)
                assert play.entries_placed == play.held() == 0
            reserved = [each.order_id for each in _orders(path)]
            assert len(reserved) == len(set(reserved)) == 3


async def test_kill_after_sending_finds_the_fill_that_nobody_heard_of(path: Path) -> None:
    with JournalFile.open(path) as journal:
        async with a_play(journal=journal) as play:

            def lose_its_answer(request: bytes) -> bool:
                play.wire.loses_answers = play.wire.loses_answers or b"BD-2026" in request
                return True

            play.wire.before_request = lose_its_answer
            await play.arm()
            play.market.put("AAPL", "190.59", "190.61")
            await play.bars("190.40", "190.55")
            play.bar_now("190.55", "190.60")
            await play.until(lambda: play.held() == 10)
            assert play.trade().state is TradeState.SENT
            await kill(play)
            async with a_new_process(play):
                assert play.trade().state is TradeState.PROTECTED
                assert play.heard("bought 10 AAPL @ 190.61 (entry)")
                await play.turn(20)
                assert play.entries_placed == 1
                assert play.exits() == {"LMT": Decimal(10), "STP": Decimal(10)}


async def test_unfilled_entry_whose_time_is_over_is_withdrawn_after_a_kill(path: Path) -> None:
    with JournalFile.open(path) as journal:
        async with a_play(journal=journal) as play:
            await play.enter(size=0)
            assert play.trade().state is TradeState.WORKING
            await kill(play)
            play.now += 60_000
            play.gateway.advance_to(play.now)
            async with a_new_process(play):
                await play.turn(1)
                assert play.trade().state is TradeState.WITHDRAWN
                assert play.is_flat()


async def test_partly_filled_entry_is_reduced_and_not_cancelled_after_a_kill(path: Path) -> None:
    with JournalFile.open(path) as journal:
        async with a_play(journal=journal) as play:
            await play.enter(size=0)
            await kill(play)
            play.market.put("AAPL", "190.59", "190.61", 4)
            await play.print("190.61", 4)
            assert play.held() == 4
            play.now += 60_000
            play.gateway.advance_to(play.now)
            async with a_new_process(play):
                await play.turn(3)
                assert play.trade().state is TradeState.PROTECTED
                assert play.held() == 4
                assert play.exits() == {"LMT": Decimal(4), "STP": Decimal(4)}


async def test_acknowledgement_that_never_comes_is_asked_for() -> None:
    async with a_play() as play:
        play.gateway.faults.inject(MuteOrder(family=True), on="placeOrder")
        await play.arm()
        play.market.put("AAPL", "190.59", "190.61", 0)
        await play.bars("190.40", "190.55", "190.60")
        assert play.trade().state is TradeState.SENT
        await play.turn(20)
        assert play.trade().state is TradeState.WITHDRAWN
        assert play.is_flat()
        assert play.entries_placed == 1


async def test_what_the_journal_lacks_after_a_power_loss_is_made_anew_from_the_references(
    path: Path,
) -> None:
    with JournalFile.open(path) as journal:
        async with a_play(journal=journal) as play:
            await play.protected()
            ref = play.trade().order_ref
            await kill(play)
            fresh = path.with_name("fresh.sqlite")
            with JournalFile.open(fresh) as anew:
                async with a_new_process(play, journal=anew) as desk:
                    assert play.trade().order_ref == ref
                    assert play.trade().state is TradeState.PROTECTED
                    assert play.heard("was not in the journal")
                    assert (await desk.reconcile()).agrees
                    (outcome,) = await play.done(desk.close("AAPL"))
                    assert outcome.ok
                    assert play.is_flat()
            assert outcomes(fresh) == ["closed"]


async def test_orders_of_others_are_told_and_never_touched() -> None:
    async with a_play() as play, a_link(play, 9) as other:
        await other.connect()
        instrument = await other.market_data.qualify("AAPL")
        ticket = Ticket(Side.BUY, Decimal(5), OrderType.LIMIT, Decimal("150.00"))
        order_id = other.broker.place(instrument, ticket)
        await play.sync()
        found = await play.desk.reconcile()
        (foreign,) = [each for each in found.findings if each.verdict is Verdict.FOREIGN]
        assert foreign.order_id == order_id
        assert found.agrees
        await play.turn(70)
        assert [each.order.order_id for each in play.orders] == [order_id]


@pytest.mark.parametrize("by_adopting", [False, True])
async def test_broker_without_memory_is_not_believed_and_the_trader_settles_it(
    path: Path, by_adopting: bool
) -> None:
    with JournalFile.open(path) as journal:
        async with a_play(journal=journal) as play:
            await play.protected()
            first = set(play.trade().order_ids)
            await kill(play)
            settings = GatewaySettings(accounts=("DU1234567",), limits=NO_LIMITS)
            async with PaperGateway.open(
                settings, market=play.market, clock=ManualClock(play.now)
            ) as anew:
                play.gateway = anew
                async with a_new_process(play) as desk:
                    await play.turn(8)
                    assert play.trade().state not in (TradeState.GONE, TradeState.CLOSED)
                    assert play.heard("was it reset?")
                    assert play.entries_placed == play.held() == 0
                    if by_adopting:
                        await play.done(adopted(play, desk))
                    else:
                        await play.done(desk.settle(play.trade().order_ref[-6:]))
                    assert play.trade().state is TradeState.GONE
                    assert (await desk.reconcile()).agrees
                    await play.enter()
                    assert play.held() == 10
                    assert min(play.trade(1).order_ids) > max(first)
    with JournalFile.open(path) as journal:
        assert len(journal.open_intents(7)) == 1


async def adopted(play: Play, desk: Desk) -> None:
    """Take the broker's word for all that is doubtful."""
    ref = play.trade().order_ref
    runner = RoutineRunner(desk, play.clock, encode=lambda _: {}, configuration={})
    found = (await runner.run(RECONCILE, {"adopt": True})).result
    assert isinstance(found, Reconciliation)
    assert (found.settled, found.refused, found.agrees) == ((ref,), (), True)


async def test_intent_of_which_orders_stand_cannot_be_settled() -> None:
    async with a_play() as play:
        await play.protected()
        with pytest.raises(Refused, match="cancel"):
            await play.done(play.desk.settle(play.trade().order_ref))
        assert play.trade().state is TradeState.PROTECTED


async def test_ids_go_on_after_a_kill_when_the_broker_rolls_its_counter_back(path: Path) -> None:
    with JournalFile.open(path) as journal:
        async with a_play(journal=journal) as play:
            play.wire.before_request = lambda request: b"BD-2026" not in request
            await play.arm()
            await play.bars("190.40", "190.55", "190.60")
            await kill(play)
            play.gateway.faults.inject(RollBackIds(1_000), times=0)
            async with a_new_process(play):
                await play.turn(8)
                await play.enter()
                assert play.held() == 10
            ids = [each.order_id for each in _orders(path)]
            assert len(ids) == len(set(ids)) == 6


def _orders(path: Path) -> list[OrderReserved]:
    with JournalReader.open(path) as reader:
        records = [each.record for each in reader.everything()]
    return [each for each in records if isinstance(each, OrderReserved)]
