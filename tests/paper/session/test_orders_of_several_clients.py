"""Who hears of which order: its own client, the master client, and client 0 of those by hand."""

from __future__ import annotations

from decimal import Decimal

from apps.domain.orders import Side
from apps.paper.exchange.orders import Order, OrderKey
from apps.paper.hub import Hub
from apps.paper.manual import place_by_hand
from apps.paper.session.session import Session
from apps.paper.settings import StatusSpeech
from apps.paper.wire import (
    CancelOrder,
    CommissionReport,
    CompletedOrder,
    ErrorMessage,
    ExecutionDetails,
    OpenOrder,
    OpenOrderEnd,
    OrderBound,
    OrderStatus,
    ReqAllOpenOrders,
    ReqAutoOpenOrders,
    ReqCompletedOrders,
    ReqExecutions,
    ReqOpenOrders,
)
from tests.paper.session.hub_side import AAPL, an_order, hub, joined, of_kind, told


def listed(session: Session, request: object) -> list[tuple[int, int]]:
    told(session)
    session.handle(request)  # type: ignore[arg-type]  # a request of either kind
    said = told(session)
    assert isinstance(said[-1], OpenOrderEnd)
    return [(order.client_id, order.order_id) for order in of_kind(said, OpenOrder)]


def by_hand(world: Hub) -> OrderKey:
    (apple,) = world.catalogue.find(AAPL, world.now)
    return place_by_hand(
        world,
        Order(
            client_id=0,
            order_id=0,
            account="DU1234567",
            listing=apple,
            side=Side.BUY,
            quantity=Decimal(5),
            order_type="LMT",
            limit_price=Decimal(2),
        ),
    )


def test_an_order_is_told_to_its_own_client_only() -> None:
    world = hub()
    one, other = joined(world, 1), joined(world, 2)

    one.handle(an_order(1))

    assert of_kind(told(one), OrderStatus)
    assert told(other) == []


def test_the_master_client_hears_of_every_order_and_fill() -> None:
    world = hub(master_client=9)
    one, master = joined(world, 1), joined(world, 9)

    one.handle(an_order(1, order_type="MKT", limit_price=None))

    said = told(master)
    assert {order.client_id for order in of_kind(said, OpenOrder)} == {1}
    assert [fill.client_id for fill in of_kind(said, ExecutionDetails)] == [1]
    assert len(of_kind(said, CommissionReport)) == 1
    assert of_kind(said, OrderStatus)[-1].status == "Filled"


def test_the_master_client_may_not_cancel_what_it_hears_of() -> None:
    world = hub(master_client=9)
    one, master = joined(world, 1), joined(world, 9)
    one.handle(an_order(1))
    told(master)

    master.handle(CancelOrder(1))

    assert [error.code for error in of_kind(told(master), ErrorMessage)] == [10147]
    assert listed(one, ReqOpenOrders()) == [(1, 1)]


def test_all_open_orders_are_listed_with_the_clients_that_placed_them() -> None:
    world = hub()
    one, other = joined(world, 1), joined(world, 2)
    one.handle(an_order(1))
    other.handle(an_order(1))

    assert listed(one, ReqOpenOrders()) == [(1, 1)]
    assert listed(one, ReqAllOpenOrders()) == [(1, 1), (2, 1)]


def test_an_order_made_by_hand_reaches_client_0_without_an_id() -> None:
    world = hub()
    zero, one = joined(world, 0), joined(world, 1)

    by_hand(world)

    assert {order.order_id for order in of_kind(told(zero), OpenOrder)} == {0}
    assert told(one) == []
    assert listed(one, ReqAllOpenOrders()) == [(0, 0)]


def test_client_0_binds_what_was_made_by_hand_and_can_cancel_it_then() -> None:
    world = hub()
    zero = joined(world, 0)
    _, number = by_hand(world)
    told(zero)

    zero.handle(ReqOpenOrders())

    said = told(zero)
    assert [bound.order_id for bound in of_kind(said, OrderBound)] == [number]
    assert [order.order_id for order in of_kind(said, OpenOrder)] == [number]
    zero.handle(CancelOrder(number))
    assert of_kind(told(zero), OrderStatus)[-1].status == "Cancelled"


def test_auto_binding_gives_new_orders_by_hand_their_id_at_once() -> None:
    world = hub()
    zero = joined(world, 0)
    zero.handle(ReqAutoOpenOrders(auto_bind=True))

    first, second = by_hand(world), by_hand(world)

    said = told(zero)
    assert [bound.order_id for bound in of_kind(said, OrderBound)] == [-1, -2]
    assert {order.order_id for order in of_kind(said, OpenOrder)} == {first[1], second[1]}


def test_only_client_0_may_bind() -> None:
    one = joined(hub(), 1)
    one.handle(ReqAutoOpenOrders(auto_bind=True))
    assert [error.code for error in of_kind(told(one), ErrorMessage)] == [321]


def test_completed_orders_leave_out_those_by_hand_when_asked_for_the_api_only() -> None:
    world = hub()
    zero = joined(world, 0)
    zero.handle(ReqOpenOrders())
    _, number = by_hand(world)
    zero.handle(ReqOpenOrders())
    zero.handle(CancelOrder(number))
    told(zero)

    zero.handle(ReqCompletedOrders(api_only=True))
    assert of_kind(told(zero), CompletedOrder) == []
    zero.handle(ReqCompletedOrders())
    assert len(of_kind(told(zero), CompletedOrder)) == 1


def test_executions_and_completed_orders_of_yesterday_are_gone() -> None:
    world = hub()
    one = joined(world, 1)
    one.handle(an_order(1, order_type="MKT", limit_price=None))
    told(one)

    world.advance(world.now + 16 * 3_600_000)  # past midnight in New York
    told(one)
    one.handle(ReqExecutions(1))
    one.handle(ReqCompletedOrders())

    said = told(one)
    assert of_kind(said, ExecutionDetails) == []
    assert of_kind(said, CompletedOrder) == []


def test_executions_are_replayed_to_a_client_that_comes_back() -> None:
    world = hub()
    one = joined(world, 1)
    one.handle(an_order(1, order_type="MKT", limit_price=None))
    first = of_kind(told(one), ExecutionDetails)
    world.close_session(one)

    again = joined(world, 1)
    again.handle(ReqExecutions(5))

    said = of_kind(told(again), ExecutionDetails)
    assert [fill.exec_id for fill in said] == [fill.exec_id for fill in first]
    assert {fill.req_id for fill in said} == {5}


def test_a_client_that_comes_back_is_told_an_id_above_all_that_it_used() -> None:
    world = hub()
    one = joined(world, 1)
    one.handle(an_order(41))
    world.close_session(one)

    assert world.exchange.next_order_id(1) == 42
    assert world.exchange.next_order_id(2) == 1


def test_ib_tells_of_pending_first_and_of_a_fill_twice() -> None:
    world = hub()
    one = joined(world, 1)
    one.handle(an_order(1, order_type="MKT", limit_price=None))
    statuses = [status.status for status in of_kind(told(one), OrderStatus)]
    assert statuses == ["PendingSubmit", "Submitted", "Filled", "Filled"]


def test_each_change_can_be_told_once() -> None:
    world = hub(status_speech=StatusSpeech.ONCE)
    one = joined(world, 1)
    one.handle(an_order(1, order_type="MKT", limit_price=None))
    statuses = [status.status for status in of_kind(told(one), OrderStatus)]
    assert statuses == ["Submitted", "Filled"]
