"""The guard where a broker says nothing, and where the guard itself goes wrong."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from apps.domain.exits.guard_view import GuardView
from apps.domain.orders import OrderStatus
from apps.engine.alerts import AlertKind
from apps.engine.exits import guard
from apps.engine.exits.guarded import guard_view
from apps.engine.exits.vigil import Vigil
from apps.engine.orders.trade_states import TradeState
from apps.engine.ports import LinkState
from tests.engine.conftest import Stage
from tests.engine.fakes import AAPL, settle


async def test_stop_that_is_not_listed_after_a_loss_is_cancelled_by_its_id_and_sent_anew(
    stage: Stage,
) -> None:
    _, _, stop = await stage.enter_and_fill()
    stage.broker.set_link(LinkState.BROKER_LOST, "1100", epoch=1)
    stage.broker.unlisted.add(stop)
    stage.broker.set_link(LinkState.READY)
    sent = len(stage.broker.sent)
    await stage.clock.advance(5.0)
    assert stage.broker.sent[sent:] == [], "one answer without it is not enough"
    await stage.clock.advance(8.0)
    anew = max(stage.broker.orders)
    assert stage.broker.sent[sent:] == [f"cancel {stop}", f"place {anew}"]
    stage.broker.accept(anew)
    await stage.clock.advance(1.0)
    assert stage.desk.trades()[0].state is TradeState.PROTECTED


async def test_executions_that_are_all_told_again_are_looked_at_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.enter_and_fill()
    looks: list[int] = []

    def counted(*args: Any, **more: Any) -> GuardView:
        looks.append(1)
        return guard_view(*args, **more)

    monkeypatch.setattr(guard, "guard_view", counted)
    (fill,) = await stage.broker.executions()
    for _ in range(200):
        stage.desk._guard.on_fill(fill)
    assert looks == []
    await settle()
    assert len(looks) == 1


async def test_vigil_that_fails_is_told_and_begun_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, stop = await stage.enter_and_fill()
    run, times = Vigil.run, []

    async def fail_once(self: Vigil) -> None:
        times.append(1)
        if len(times) == 1:
            raise RuntimeError("out of luck")
        await run(self)

    monkeypatch.setattr(Vigil, "run", fail_once)
    stage.broker.end(stop)
    await stage.clock.advance(1.0)
    assert any("the guard of AAPL failed: out of luck" in t for t in stage.texts(AlertKind.ERROR))
    await stage.clock.advance(9.0)
    assert stage.broker.sent[-1] == f"place {max(stage.broker.orders)}"


async def test_what_no_execution_tells_of_is_protected_by_status_and_position(
    stage: Stage,
) -> None:
    entry, target, stop = await stage.enter()
    stage.broker.accept(entry, target, stop)
    stage.broker._change(entry, status=OrderStatus.FILLED, filled=Decimal(10))
    stage.broker.hold(AAPL, "10", "190.62")
    for each in (target, stop):
        stage.broker.set_status(each, OrderStatus.CANCELLED)
    sent = len(stage.broker.sent)
    await stage.clock.advance(20.0)
    anew = [each for each in stage.broker.sent[sent:] if each.startswith("place")]
    assert len(anew) >= 1
    placed = stage.broker.orders[int(anew[0].split()[1])].ticket
    assert (placed.stop_price, placed.quantity) == (Decimal("189.46"), Decimal(10))


async def test_a_status_alone_protects_nothing(stage: Stage) -> None:
    entry, target, stop = await stage.enter()
    stage.broker.accept(entry, target, stop)
    stage.broker._change(entry, status=OrderStatus.FILLED, filled=Decimal(10))
    for each in (target, stop):
        stage.broker.set_status(each, OrderStatus.CANCELLED)
    sent = len(stage.broker.sent)
    await stage.clock.advance(20.0)
    assert not [each for each in stage.broker.sent[sent:] if each.startswith("place")]
