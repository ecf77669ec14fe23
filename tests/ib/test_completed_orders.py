"""Orders that are over, as TWS tells them: without ids; and those that it does not show at all."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from apps.domain.errors import DeadlineExceeded
from apps.domain.orders import OrderState, OrderStatus
from apps.engine.ports import BrokerNotice
from apps.paper import wire
from tests.ib.desk_side import BRACKET, DeskSide
from tests.ib.order_desk import OrderDesk
from tests.ib.tws_stub import Fields, Peer, TwsStub


@pytest.fixture
def floor(tws: TwsStub) -> OrderDesk:
    return OrderDesk(tws)


async def placed(tws: TwsStub, desk: DeskSide) -> tuple[int, ...]:
    await desk.gateway.connect()
    ids = desk.gateway.broker.place_bracket(BRACKET)
    await tws.got(3, len(ids))
    return ids


def newest(desk: DeskSide, order_id: int) -> OrderState:
    return next(one for one in desk.gateway.broker.known_orders() if one.order_id == order_id)


def complete(
    floor: OrderDesk, order_id: int, status: str, filled: int = 0, perm_id: int = 0
) -> None:
    """Have the answer to "completed orders" hold one, with the quantity that TWS leaves at 0."""

    def answer(peer: Peer, _: Fields) -> None:
        order = floor.placed[order_id]
        floor.say(
            wire.CompletedOrder(
                perm_id=perm_id or 900_000 + order_id,
                contract=order.contract,
                order=replace(order.order, total_quantity=Decimal(0)),
                status=status,
                filled_quantity=Decimal(filled),
                completed_status="",
            )
        )
        peer.send(102)

    floor.tws.answers[99] = answer


async def test_completed_orders_come_without_ids_and_with_what_they_filled(
    tws: TwsStub, desk: DeskSide, floor: OrderDesk
) -> None:
    entry, *_ = await placed(tws, desk)
    complete(floor, entry, "Filled", 100)
    (order,) = await desk.gateway.broker.completed_orders()
    assert (order.order_id, order.client_id, order.perm_id) == (0, -1, 900_000 + entry)
    assert order.quantity == order.filled == 100
    assert order.remaining == 0
    assert order.order_ref == BRACKET.entry.order_ref


async def test_order_that_was_never_answered_ends_by_its_reference(
    tws: TwsStub, desk: DeskSide, floor: OrderDesk
) -> None:
    entry, target, stop = await placed(tws, desk)
    complete(floor, stop, "Cancelled")
    await desk.gateway.broker.completed_orders()
    assert newest(desk, stop).status is OrderStatus.CANCELLED
    assert newest(desk, stop).perm_id == 900_000 + stop
    assert newest(desk, entry).status is newest(desk, target).status is OrderStatus.PENDING_SUBMIT


async def test_order_known_by_its_perm_id_does_not_end_another_that_looks_alike(
    tws: TwsStub, desk: DeskSide, floor: OrderDesk
) -> None:
    entry, _, stop = await placed(tws, desk)
    again = desk.gateway.broker.place(BRACKET.instrument, BRACKET.legs[-1])
    await tws.got(3, 4)
    floor.accept(stop, "PreSubmitted")
    floor.status(stop, "Cancelled")
    await desk.heard.until(lambda: newest(desk, stop).status is OrderStatus.CANCELLED)
    complete(floor, stop, "Cancelled")
    await desk.gateway.broker.completed_orders()
    assert newest(desk, again).status is OrderStatus.PENDING_SUBMIT
    assert newest(desk, entry).status is OrderStatus.PENDING_SUBMIT


async def test_end_of_another_order_of_the_intent_is_not_the_end_of_one_that_works(
    tws: TwsStub, desk: DeskSide, floor: OrderDesk
) -> None:
    *_, stop = await placed(tws, desk)
    floor.accept(stop, "PreSubmitted")
    await desk.heard.until(lambda: newest(desk, stop).perm_id > 0)
    complete(floor, stop, "Cancelled", perm_id=555)
    await desk.gateway.broker.completed_orders()
    assert newest(desk, stop).status is OrderStatus.PRE_SUBMITTED


async def test_question_without_an_answer_is_no_empty_answer(tws: TwsStub, desk: DeskSide) -> None:
    await desk.gateway.connect()
    tws.answers.pop(99)
    desk.gateway.connection.requests._timeouts = replace(
        desk.gateway.connection.requests._timeouts, request_s=0.05
    )
    with pytest.raises(DeadlineExceeded, match="completed orders"):
        await desk.gateway.broker.completed_orders()


async def test_order_that_the_broker_does_not_list_is_discarded_by_its_id(
    tws: TwsStub, desk: DeskSide
) -> None:
    await desk.gateway.connect()
    desk.gateway.broker.discard(7777)
    (sent,) = await tws.got(4)
    assert sent[2] == "7777"
    tws.peer.error(7777, 10147, "OrderId 7777 that needs to be cancelled is not found.")
    notice = await desk.heard.notice(10147)
    assert notice == BrokerNotice(
        10147, "OrderId 7777 that needs to be cancelled is not found.", 7777
    )
