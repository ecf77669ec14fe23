"""What the journal says, beside what the gateway did."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

from apps.domain.records import Executed, OrderReserved, OrderSeen
from apps.domain.risk import RiskLimits, TradingMode
from apps.engine.desk import Desk
from apps.engine.orders.trade_states import TradeState
from apps.engine.parts import Parts
from apps.engine.previews import OrderDefaults
from apps.engine.requests import BracketRequest
from apps.ib.connection import Endpoint
from apps.ib.gateway import IBGateway
from apps.paper.faults.messages import RollBackIds
from apps.store.journal.file import JournalFile
from apps.store.journal.reading import JournalReader, WrittenIntent
from tests.engine_on_paper.play import Play, a_play
from tests.ib.desk_side import PATIENT


def read(path: Path) -> tuple[WrittenIntent, ...]:
    with JournalReader.open(path) as reader:
        return reader.intents()


def reserved(path: Path) -> list[int]:
    with JournalReader.open(path) as reader:
        records = [each.record for each in reader.everything()]
    return [each.order_id for each in records if isinstance(each, OrderReserved)]


def sent(play: Play) -> set[int]:
    """The order ids that the gateway has ever taken from us."""
    exchange = play.gateway.hub.exchange
    every = (*exchange.working_orders(), *exchange.completed_orders())
    return {each.order.order_id for each in every}


async def test_journal_of_a_closed_trade_equals_the_gateways_ledger(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with JournalFile.open(path) as journal:
        async with a_play(journal=journal) as play:
            await play.protected()
            play.market.put("AAPL", "192.60", "192.62")
            await play.print("192.60", 1000)
            await play.until(play.is_flat)
            await play.until(lambda: play.trade().state.value == "closed")
            at_gateway = play.gateway.hub.exchange.executions()
            (intent,) = read(path)
            assert intent.outcome == "closed"
            assert intent.entered == intent.exited == Decimal(10)
            with JournalReader.open(path) as reader:
                story = [each.record for each in reader.story(intent.intent.order_ref)]
            executed = [each for each in story if isinstance(each, Executed)]
            assert {(each.exec_id, each.quantity, each.price) for each in executed} == {
                (each.exec_id, each.quantity, each.price) for each in at_gateway
            }
            assert intent.commission == play.trade().commission
            assert set(reserved(path)) == sent(play)
            last = {each.order_id: each for each in story if isinstance(each, OrderSeen)}
            assert sorted(each.status.value for each in last.values()) == [
                "Cancelled",
                "Filled",
                "Filled",
            ]


@asynccontextmanager
async def a_restarted_desk(play: Play, journal: JournalFile) -> AsyncIterator[Desk]:
    """The desk of a new process, at the gateway of a play whose own desk has gone."""
    await play.shut_down()
    await play.ib.disconnect()
    endpoint = Endpoint("127.0.0.1", play.gateway.port, 7)
    async with IBGateway(
        endpoint, clock=play.clock, on_error=lambda *_: None, timeouts=PATIENT
    ) as ib:
        await ib.connect()
        desk = Desk(
            Parts(
                broker=ib.broker,
                market=ib.market_data,
                clock=play.clock,
                limits=RiskLimits(),
                trading_mode=TradingMode.PAPER,
                defaults=OrderDefaults(),
                alerts=lambda _: None,
                journal=journal,
                ref_suffix=lambda: "second",
            )
        )
        await desk.__aenter__()
        yield desk
        await play.done(desk.shutdown())


async def test_no_order_id_is_used_twice_when_the_broker_rolls_its_counter_back(
    tmp_path: Path,
) -> None:
    path = tmp_path / "journal.sqlite"
    with JournalFile.open(path) as journal:
        async with a_play(journal=journal) as play:
            await play.protected()
            await play.done(play.desk.close("AAPL"))
            first = sent(play)
            play.gateway.faults.inject(RollBackIds(1_000), times=0)
            async with a_restarted_desk(play, journal) as desk:
                asked = BracketRequest("buy", "AAPL", "10", limit="180.00")
                trade = await desk.send_bracket(await desk.preview_bracket(asked))
                await play.until(lambda: trade.state is TradeState.WORKING)
                again = sent(play) - first
    assert len(again) == 3
    assert min(again) > max(first)
    ids = reserved(path)
    assert len(ids) == len(set(ids))
    assert set(ids) == first | again
