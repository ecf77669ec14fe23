from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import pytest

from apps.domain.errors import BrokerRejected, DeadlineExceeded, InvalidInput, NotFound
from apps.domain.orders import Bracket, OrderState, OrderStatus, OrderType, Side
from apps.engine.ports import BrokerNotice, LinkState
from apps.ib.pacing import Lane, Limits
from apps.paper import wire
from tests.ib.desk_side import (
    AAPL,
    BRACKET,
    ENTRY,
    PATIENT,
    SHORT,
    STOP_LOSS,
    TAKE_PROFIT,
    DeskSide,
)
from tests.ib.order_desk import OrderDesk
from tests.ib.tws_stub import Fields, Peer, TwsStub


@pytest.fixture
def floor(tws: TwsStub) -> OrderDesk:
    return OrderDesk(tws)


async def placed(tws: TwsStub, desk: DeskSide, bracket: Bracket = BRACKET) -> tuple[int, ...]:
    await desk.gateway.connect()
    ids = desk.gateway.broker.place_bracket(bracket)
    await tws.got(3, len(ids))
    return ids


def newest(desk: DeskSide, order_id: int) -> OrderState:
    return next(one for one in desk.gateway.broker.known_orders() if one.order_id == order_id)


async def test_a_bracket_goes_out_with_every_field_said(
    tws: TwsStub, desk: DeskSide, floor: OrderDesk
) -> None:
    ids = await placed(tws, desk)
    assert ids == (ids[0], ids[0] + 1, ids[0] + 2)
    entry, take_profit, stop_loss = (floor.placed[order_id].order for order_id in ids)
    assert (entry.action, entry.order_type, entry.limit_price) == ("BUY", "LMT", Decimal("190.43"))
    assert (take_profit.action, take_profit.limit_price) == ("SELL", Decimal("193.85"))
    assert (stop_loss.order_type, stop_loss.stop_price) == ("STP", Decimal("188.15"))
    assert [one.transmit for one in (entry, take_profit, stop_loss)] == [False, False, True]
    assert [one.parent_id for one in (entry, take_profit, stop_loss)] == [0, ids[0], ids[0]]
    assert [one.time_in_force for one in (entry, take_profit, stop_loss)] == ["DAY", "GTC", "GTC"]
    for one in (entry, take_profit, stop_loss):
        assert (one.account, one.order_ref, one.outside_rth) == ("DU1", "desk-1", False)
    # whole shares are written as whole numbers
    assert all("100" in message and "100.0" not in message for message in tws.sent(3))
    assert [one.status for one in desk.gateway.broker.known_orders()] == [
        OrderStatus.PENDING_SUBMIT
    ] * 3
    assert desk.heard.orders == []


async def test_a_bracket_without_exits_is_released_by_its_entry(
    tws: TwsStub, desk: DeskSide, floor: OrderDesk
) -> None:
    (order_id,) = await placed(tws, desk, Bracket(AAPL, ENTRY, None, None))
    assert floor.placed[order_id].order.transmit


async def test_what_the_broker_says_of_an_order_is_told(
    tws: TwsStub, desk: DeskSide, floor: OrderDesk
) -> None:
    entry, *_ = await placed(tws, desk)
    floor.accept(entry)
    floor.status(entry, "Submitted", 40, "190.41")
    floor.status(entry, "Submitted", 40, "190.41")
    floor.status(entry, "Submitted", 20, "190.41")
    floor.status(entry, "Filled", 100, "190.42")
    floor.status(entry, "Submitted", 40, "190.41")
    await desk.heard.until(lambda: newest(desk, entry).status is OrderStatus.FILLED)
    tws.peer.error(-1, 2106, "after the repeats")
    await desk.heard.notice(2106)
    assert [(one.status, one.filled) for one in desk.heard.orders] == [
        (OrderStatus.SUBMITTED, Decimal(0)),
        (OrderStatus.SUBMITTED, Decimal(40)),
        (OrderStatus.FILLED, Decimal(100)),
    ]
    state = newest(desk, entry)
    assert (state.perm_id, state.client_id, state.con_id) == (900_000 + entry, 7, 265598)
    assert (state.side, state.quantity, state.remaining) == (Side.BUY, Decimal(100), Decimal(0))
    assert (state.limit_price, state.stop_price) == (Decimal("190.43"), None)
    assert state.avg_fill_price == Decimal("190.42")


async def test_an_order_that_is_live_in_spite_of_its_code_is_not_called_cancelled(
    tws: TwsStub, desk: DeskSide, floor: OrderDesk
) -> None:
    entry, *_ = await placed(tws, desk)
    floor.accept(entry)
    await desk.heard.until(lambda: newest(desk, entry).status is OrderStatus.SUBMITTED)
    for code in (10349, 104, 105, 329):
        tws.peer.error(entry, code, "Order TIF was set to DAY based on order preset.")
    notice = await desk.heard.notice(329)
    assert notice.order_id == entry
    assert [one.code for one in desk.heard.notices if one.order_id == entry] == [
        10349,
        104,
        105,
        329,
    ]
    assert newest(desk, entry).status is OrderStatus.SUBMITTED
    assert [one.status for one in desk.heard.orders] == [OrderStatus.SUBMITTED]
    assert len(tws.sent(16)) == 1  # when it connected: nothing is in doubt
    # and it can still be changed and cancelled
    desk.gateway.broker.modify(entry, replace(ENTRY, limit_price=Decimal("190.50")))
    desk.gateway.broker.cancel(entry)
    await tws.got(4)


@pytest.mark.parametrize("code", [161, 321, 201])
async def test_a_code_that_may_be_an_end_is_asked_about_first(
    tws: TwsStub, desk: DeskSide, floor: OrderDesk, code: int
) -> None:
    entry, *_ = await placed(tws, desk)
    floor.accept(entry)
    await desk.heard.until(lambda: newest(desk, entry).status is OrderStatus.SUBMITTED)
    asked = len(tws.sent(16))
    tws.peer.error(entry, code, "said of an order that is open all the same")
    await tws.got(16, asked + 1)
    await desk.gateway.broker.open_orders()
    assert newest(desk, entry).status is OrderStatus.SUBMITTED
    assert {one.status for one in desk.heard.orders} == {OrderStatus.SUBMITTED}


async def test_a_rejection_of_which_no_status_comes_is_concluded_after_asking(
    tws: TwsStub, desk: DeskSide, floor: OrderDesk
) -> None:
    entry, *_ = await placed(tws, desk)
    tws.peer.error(entry, 110, "The price does not conform to the minimum price variation.")
    await desk.heard.until(lambda: newest(desk, entry).status is OrderStatus.CANCELLED)
    assert newest(desk, entry).warning.startswith("IB 110: The price does not conform")
    assert await desk.heard.notice(110) == BrokerNotice(
        110, "The price does not conform to the minimum price variation.", entry
    )
    assert len(tws.sent(16)) == 2
    # should the broker list it after all, its word counts
    floor.accept(entry)
    await desk.heard.until(lambda: newest(desk, entry).status is OrderStatus.SUBMITTED)


async def test_a_rejection_with_its_status_is_told_as_inactive(
    tws: TwsStub, desk: DeskSide, floor: OrderDesk
) -> None:
    entry, *_ = await placed(tws, desk)
    tws.peer.error(entry, 201, "Order rejected - reason:MARGIN")
    floor.accept(entry, "Inactive")
    await desk.heard.until(lambda: newest(desk, entry).status is OrderStatus.INACTIVE)
    await desk.gateway.broker.open_orders()
    assert {one.status for one in desk.heard.orders} == {OrderStatus.INACTIVE}


async def test_an_end_that_was_missed_is_found_among_the_completed_orders(
    tws: TwsStub, desk: DeskSide, floor: OrderDesk
) -> None:
    entry, *_ = await placed(tws, desk)
    floor.accept(entry)
    await desk.heard.until(lambda: newest(desk, entry).status is OrderStatus.SUBMITTED)
    floor.listed.clear()

    def completed(peer: Peer, _: Fields) -> None:
        floor.say(
            wire.CompletedOrder(
                perm_id=900_000 + entry,
                contract=floor.placed[entry].contract,
                order=floor.placed[entry].order,
                status="Filled",
                filled_quantity=Decimal(100),
                completed_status="Filled Size: 100",
            )
        )
        peer.send(102)

    tws.answers[99] = completed
    tws.peer.error(entry, 10148, "OrderId that needs to be cancelled can not be, state: Filled.")
    await desk.heard.until(lambda: newest(desk, entry).status is OrderStatus.FILLED)
    assert (newest(desk, entry).filled, newest(desk, entry).remaining) == (Decimal(100), Decimal(0))


async def test_a_fill_is_told_and_told_again_with_its_commission(
    tws: TwsStub, desk: DeskSide, floor: OrderDesk
) -> None:
    entry, *_ = await placed(tws, desk)
    floor.execution(entry, "0001.01", 100)  # before any word of the order itself
    await desk.heard.until(lambda: len(desk.heard.fills) == 1)
    floor.say(wire.CommissionReport("0001.01", Decimal("1.05"), "USD", None))
    floor.execution(entry, "0001.01", 100)
    await desk.heard.until(lambda: len(desk.heard.fills) == 2)
    fill, with_commission = desk.heard.fills
    assert (fill.quantity, fill.price, fill.side) == (
        Decimal(100),
        Decimal("190.41"),
        Side.BUY,
    )
    assert fill.at == datetime(2026, 11, 20, 14, 31, 5, tzinfo=UTC)
    assert (fill.order_ref, fill.order_id, fill.perm_id) == ("desk-1", entry, 900_000 + entry)
    assert (fill.commission, fill.realized_pnl) == (None, None)
    # an opening execution has no P&L: ib_insync would have made it 0.0
    assert with_commission == replace(fill, commission=Decimal("1.05"))
    floor.say(wire.CommissionReport("0001.01", Decimal("1.05"), "USD", Decimal("-3.5")))
    await desk.heard.until(lambda: len(desk.heard.fills) == 3)
    assert desk.heard.fills[-1].realized_pnl == Decimal("-3.5")


async def test_a_fill_during_an_outage_is_told_when_the_link_is_back(
    tws: TwsStub, floor: OrderDesk
) -> None:
    desk = DeskSide(tws.port, timeouts=PATIENT)
    async with desk.gateway:
        entry, *_ = await placed(tws, desk)
        floor.accept(entry)
        floor.execution(entry, "0001.01", 60)
        await desk.heard.until(lambda: len(desk.heard.fills) == 1)
        tws.peer.hang_up()
        await desk.heard.link(LinkState.DISCONNECTED)

        def executions(peer: Peer, message: Fields) -> None:
            floor.execution(entry, "0001.01", 60, int(message[2]))
            floor.execution(entry, "0002.01", 40, int(message[2]))
            peer.send(55, 1, message[2])

        tws.answers[7] = executions
        floor.listed[entry] = "Submitted"
        await desk.gateway.connect()
        assert [one.exec_id for one in desk.heard.fills] == ["0001.01", "0002.01"]
        asked = await desk.gateway.broker.executions()
        assert [one.quantity for one in asked] == [60, 40]


async def test_what_was_executed_before_the_first_link_is_read_and_not_told(
    tws: TwsStub, desk: DeskSide, floor: OrderDesk
) -> None:
    def executions(peer: Peer, message: Fields) -> None:
        contract = wire.Contract(con_id=265598, symbol="AAPL", sec_type="STK")
        floor.placed[3] = wire.PlaceOrder(3, contract, wire.Order(action="BUY"))
        floor.execution(3, "0001.01", 60, int(message[2]))
        peer.send(55, 1, message[2])

    tws.answers[7] = executions
    await desk.gateway.connect()
    assert desk.heard.fills == []
    assert [one.exec_id for one in await desk.gateway.broker.executions()] == ["0001.01"]


async def test_a_change_says_back_what_the_broker_said_of_the_rest(
    tws: TwsStub, desk: DeskSide, floor: OrderDesk
) -> None:
    entry, take_profit, _ = await placed(tws, desk)
    floor.accept(take_profit, "PreSubmitted", oca_group="900100", oca_type=3, parent_id=entry)
    await desk.heard.until(lambda: newest(desk, take_profit).oca_group == "900100")
    changed = replace(TAKE_PROFIT, limit_price=Decimal("190.01"), order_ref="other")
    desk.gateway.broker.modify(take_profit, changed)
    await tws.got(3, 4)
    order = floor.placed[take_profit].order
    assert order.limit_price == Decimal("190.01")
    assert (order.parent_id, order.oca_group, order.oca_type) == (entry, "900100", 3)
    assert (order.time_in_force, order.order_ref, order.transmit) == ("GTC", "desk-1", True)
    with pytest.raises(InvalidInput, match=r"LMT.*cannot be changed to STP"):
        desk.gateway.broker.modify(take_profit, STOP_LOSS)


async def test_only_own_orders_that_are_not_over_can_be_changed_or_cancelled(
    tws: TwsStub, desk: DeskSide, floor: OrderDesk
) -> None:
    entry, *_ = await placed(tws, desk)
    with pytest.raises(NotFound, match="no order 7777"):
        desk.gateway.broker.cancel(7777)
    floor.accept(entry)
    floor.status(entry, "Filled", 100, "190.4")
    await desk.heard.until(lambda: newest(desk, entry).status is OrderStatus.FILLED)
    with pytest.raises(NotFound, match="Filled"):
        desk.gateway.broker.cancel(entry)
    with pytest.raises(NotFound, match="Filled"):
        desk.gateway.broker.modify(entry, ENTRY)
    assert tws.sent(4) == []


async def test_orders_of_other_clients_are_listed_and_not_touched(
    tws: TwsStub, desk: DeskSide
) -> None:
    def others(peer: Peer, _: Fields) -> None:
        contract = wire.Contract(con_id=272093, symbol="MSFT", sec_type="STK")
        for order_id, account in ((400, "DU1"), (0, "DU1"), (401, "DU9")):
            peer.send_bytes(
                wire.encode(
                    wire.OpenOrder(
                        order_id=order_id,
                        client_id=0,
                        perm_id=5000 + order_id,
                        contract=contract,
                        order=wire.Order(
                            action="SELL",
                            total_quantity=Decimal(5),
                            order_type="MKT",
                            account=account,
                        ),
                        state=wire.OrderState(status="PreSubmitted"),
                    ),
                    176,
                )
            )
        peer.send(53, 1)

    tws.answers[16] = others
    await desk.gateway.connect()
    orders = await desk.gateway.broker.open_orders()
    assert {(one.order_id, one.perm_id, one.symbol) for one in orders} == {
        (400, 5400, "MSFT"),
        (0, 5000, "MSFT"),
    }
    with pytest.raises(NotFound):
        desk.gateway.broker.cancel(400)
    # ids below those of other clients would be refused with 103
    assert min(desk.gateway.broker.place_bracket(BRACKET)) > 401


async def test_within_the_rate_every_bracket_is_written_in_its_own_call(
    tws: TwsStub, floor: OrderDesk
) -> None:
    desk = DeskSide(tws.port, limits=Limits(messages_per_s=200))
    async with desk.gateway:
        await desk.gateway.connect()
        conn = desk.gateway.connection.session.client.conn
        for number in range(1, 31):
            before = conn.numMsgSent
            desk.gateway.broker.place_bracket(BRACKET)
            # ib_insync's own throttle would hold the sixteenth of them back
            assert conn.numMsgSent == before + 3, number


async def test_a_bracket_is_written_in_one_piece(floor: OrderDesk, desk: DeskSide) -> None:
    await desk.gateway.connect()
    transport = desk.gateway.connection.session.client.conn.transport
    with patch.object(transport, "write", wraps=transport.write) as write:
        desk.gateway.broker.place_bracket(BRACKET)
    assert write.call_count == 1
    assert desk.gateway.connection.session.client.conn.transport is transport


async def test_of_a_bracket_with_a_leg_that_cannot_be_said_nothing_is_sent(
    tws: TwsStub, floor: OrderDesk, desk: DeskSide
) -> None:
    await desk.gateway.connect()
    client = desk.gateway.connection.session.client
    place, transport = client.placeOrder, client.conn.transport

    def place_all_but_the_last(order_id: int, contract: object, order: Any) -> None:
        if order.transmit:
            raise ValueError("this leg cannot be said")
        place(order_id, contract, order)

    with (
        patch.object(client, "placeOrder", place_all_but_the_last),
        pytest.raises(ValueError, match="cannot be said"),
    ):
        desk.gateway.broker.place_bracket(BRACKET)
    assert client.conn.transport is transport
    await desk.gateway.market_data.market_time()
    assert tws.sent(3) == []


async def test_a_bracket_that_waited_is_told_when_the_link_goes_before_it(tws: TwsStub) -> None:
    desk = DeskSide(tws.port, limits=Limits(messages_per_s=8, order_reserve=3))
    async with desk.gateway:
        await desk.gateway.connect()
        queue, now = desk.gateway.market_data._pacer._queue, asyncio.get_running_loop().time()
        while queue.try_spend(now, Lane.ORDER, 1):
            pass
        ids = desk.gateway.broker.place_bracket(BRACKET)
        assert len(desk.gateway.broker.known_orders()) == 3
        await desk.gateway.disconnect()
        assert tws.sent(3) == []
        assert [(one.order_id, one.status) for one in desk.heard.orders] == [
            (order_id, OrderStatus.API_CANCELLED) for order_id in ids
        ]
        assert [one.order_id for one in desk.heard.notices if one.code == 504] == list(ids)


async def test_what_if_gives_margin_and_commission(
    tws: TwsStub, desk: DeskSide, floor: OrderDesk
) -> None:
    def answer(_: Peer, message: Fields) -> None:
        request = wire.parse_request(message, 176)
        assert isinstance(request, wire.PlaceOrder)
        assert request.order.what_if
        assert request.order.transmit
        floor.say(
            wire.OpenOrder(
                order_id=request.order_id,
                client_id=7,
                perm_id=0,
                contract=request.contract,
                order=request.order,
                state=wire.OrderState(
                    status="PreSubmitted",
                    init_margin_change=Decimal("9521.5"),
                    maint_margin_change=Decimal("4760.75"),
                    commission=Decimal(1),
                ),
            )
        )

    await desk.gateway.connect()
    tws.answers[3] = answer
    what_if = await desk.gateway.broker.what_if(AAPL, ENTRY)
    assert what_if.initial_margin_change == Decimal("9521.5")
    assert what_if.maintenance_margin_change == Decimal("4760.75")
    assert what_if.commission == 1
    assert desk.gateway.broker.known_orders() == ()


async def test_a_what_if_that_is_turned_down_carries_ibs_code(tws: TwsStub, desk: DeskSide) -> None:
    await desk.gateway.connect()
    tws.answers[3] = lambda peer, message: peer.error(message[1], 201, "Order rejected - MARGIN")
    with pytest.raises(BrokerRejected, match="MARGIN") as caught:
        await desk.gateway.broker.what_if(AAPL, ENTRY)
    assert caught.value.code == 201


async def test_a_what_if_without_an_answer_ends_at_its_deadline(tws: TwsStub) -> None:
    desk = DeskSide(tws.port, timeouts=replace(SHORT, heartbeat_every_s=60))
    async with desk.gateway:
        await desk.gateway.connect()
        with pytest.raises(DeadlineExceeded, match="margin of 100 AAPL"):
            await desk.gateway.broker.what_if(AAPL, ENTRY)


async def test_a_market_order_carries_no_price(
    tws: TwsStub, desk: DeskSide, floor: OrderDesk
) -> None:
    await desk.gateway.connect()
    ticket = replace(ENTRY, order_type=OrderType.MARKET, limit_price=None)
    order_id = desk.gateway.broker.place(AAPL, ticket)
    await tws.got(3)
    order = floor.placed[order_id].order
    assert (order.order_type, order.limit_price, order.stop_price) == ("MKT", None, None)
