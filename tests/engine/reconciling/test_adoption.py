"""What is done about findings, and what is left alone because more was heard meanwhile."""

from __future__ import annotations

import pytest

from apps.domain.account import Position
from apps.domain.errors import BrokerError
from apps.domain.orders import OrderStatus
from apps.domain.records import Executed, OrderSeen, OutcomeKnown
from apps.engine.desk import Desk
from apps.engine.orders.trade_states import TradeState
from apps.engine.parts import Parts
from tests.engine.conftest import Stage, shut_down
from tests.engine.fakes import AAPL


async def reopen(stage: Stage) -> None:
    """Open another desk on the same journal and broker."""
    old = stage.desk
    stage.desk = Desk(
        Parts(
            broker=stage.broker,
            market=stage.market,
            clock=stage.clock,
            limits=old._limits,
            trading_mode=old.trading_mode,
            defaults=old._previews._defaults,
            alerts=stage.told.append,
            journal=stage.journal,
            ref_suffix=lambda: f"{len(stage.journal.records):06d}",
        )
    )
    await stage.desk.__aenter__()


async def test_kill_between_the_stops_fill_and_its_siblings_end_leaves_no_order_open_in_the_journal(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, target, stop = await stage.enter_and_fill()
    stage.broker.fill(stop, "10", "188.00")
    records = stage.journal.records
    exits = [each for each in records if isinstance(each, Executed) and each.order_id == stop]
    kept = records[: records.index(exits[0]) + 1]
    await shut_down(stage.desk, stage.clock)
    records[:] = kept
    stage.broker.set_status(target, OrderStatus.CANCELLED)
    # a new session is not told of what has ended, unless it asks
    monkeypatch.setattr(stage.broker, "known_orders", lambda: ())
    await reopen(stage)
    seen = [each for each in records if isinstance(each, OrderSeen) and each.order_id == target]
    (outcome,) = (each for each in records if isinstance(each, OutcomeKnown))
    assert seen[-1].status is OrderStatus.CANCELLED
    assert (outcome.outcome, outcome.is_over) == ("closed", True)
    assert records.index(outcome) > records.index(seen[-1])


async def test_outcome_is_not_written_at_a_return_while_the_ended_orders_cannot_be_read(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, stop = await stage.enter_and_fill()
    stage.broker.fill(stop, "10", "188.00")
    records = stage.journal.records
    exits = [each for each in records if isinstance(each, Executed) and each.order_id == stop]
    kept = records[: records.index(exits[0]) + 1]
    await shut_down(stage.desk, stage.clock)
    records[:] = kept
    ask = stage.broker.completed_orders

    async def fail() -> object:
        raise BrokerError("no answer")

    monkeypatch.setattr(stage.broker, "completed_orders", fail)
    await reopen(stage)
    assert not [each for each in records if isinstance(each, OutcomeKnown)]
    monkeypatch.setattr(stage.broker, "completed_orders", ask)
    await stage.desk.reconcile()
    assert [each.is_over for each in records if isinstance(each, OutcomeKnown)] == [True]


async def test_order_that_is_answered_while_the_account_is_asked_is_not_given_up(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = await stage.enter()
    stage.broker.unlisted |= set(orders)
    await stage.desk.reconcile()
    await stage.clock.advance(5.0)

    async def answer_late() -> tuple[Position, ...]:
        stage.broker.accept(*orders)
        return ()

    monkeypatch.setattr(stage.broker, "positions", answer_late)
    await stage.desk.reconcile()
    assert not [each for each in stage.broker.sent if each.startswith("discard")]
    assert stage.desk.trades()[0].state is TradeState.WORKING


async def test_orders_that_nobody_lists_are_left_alone_once_the_account_holds_what_they_buy(
    stage: Stage,
) -> None:
    orders = await stage.enter()
    stage.broker.unlisted |= set(orders)
    await stage.desk.reconcile()
    stage.broker.hold(AAPL, "10")
    await stage.clock.advance(5.0)
    found = await stage.desk.reconcile()
    assert not found.agrees
    assert not [each for each in stage.broker.sent if each.startswith("discard")]
    assert stage.desk.trades()[0].state is TradeState.SENT
    stage.broker.obeys = False
    stage.broker.hold(AAPL, "0")
    await stage.clock.advance(5.0)
    await stage.desk.reconcile()
    assert stage.desk.trades()[0].state is TradeState.NEVER_ACCEPTED
    assert [each for each in stage.broker.sent if each.startswith("discard")]


async def test_execution_that_was_lost_alone_is_asked_for_within_seconds(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = await stage.enter()
    stage.broker.accept(*orders)
    with monkeypatch.context() as lost:
        lost.setattr(stage.broker, "send_fill", stage.broker.fills.append)
        stage.broker.fill(orders[0], "10", "190.62", commission=None)
    assert stage.desk.trades()[0].entry_filled == 0
    await stage.clock.advance(3.1)
    assert stage.desk.trades()[0].entry_filled == 10
    assert stage.desk.trades()[0].state is TradeState.PROTECTED
