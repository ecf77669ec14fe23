"""Each fault of messages and orders, once, over a real socket, judged from both ends."""

from __future__ import annotations

from decimal import Decimal

import pytest

from apps.paper.faults.broker import ClockSkew
from apps.paper.faults.fault import Clock
from apps.paper.faults.messages import (
    CancelOrders,
    Delay,
    Drop,
    Duplicate,
    HoldChildren,
    MuteOrder,
    Refuse,
    RejectOrder,
    Reorder,
    RollBackIds,
    SendError,
    Until,
)
from tests.paper.faults.fault_side import (
    AAPL,
    Stage,
    a_stage,
    codes,
    frame_of,
    ids,
    order,
    place,
    statuses,
    synced,
)

ACCOUNT = "DU1234567"


def held(stage: Stage) -> Decimal:
    positions = stage.gateway.hub.accounts[ACCOUNT].positions()
    return sum((each.quantity for each in positions), Decimal(0))


def working(stage: Stage) -> list[int]:
    return [each.order.order_id for each in stage.gateway.hub.exchange.working_orders()]


async def test_lost_request_never_reaches_the_exchange() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        lost = stage.gateway.faults.inject(Drop(), on="placeOrder", order_id=1)
        assert await place(client, order(1)) == []
        assert working(stage) == []
        firing = await stage.gateway.faults.fired(lost)
        assert (firing.client_id, firing.message) == (1, "placeOrder")
        await place(client, order(1))
        assert working(stage) == [1], "the fault is used up"
        assert [each["effect"] for each in stage.tap.faults] == ["drop"]


async def test_missing_order_status_of_one_order_only() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(Drop(), on="orderStatus", order_ref="BD-2", times=0)
        frames = await place(client, order(1, order_ref="BD-1"), order(2, order_ref="BD-2"))
        assert {order_id for order_id, _ in statuses(frames)} == {1}
        assert working(stage) == [1, 2]


async def test_duplicate_order_status_comes_twice_in_a_row() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(Duplicate(2), on="orderStatus", status="Submitted")
        frames = await place(client, order(1))
        told = [each for each in frames if each[0] == "3" and each[2] == "Submitted"]
        assert len(told) >= 3
        assert told[0] == told[1] == told[2]


async def test_duplicate_request_is_handled_twice() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(Duplicate(), on="reqManagedAccts")
        client.send(17, 1)
        assert ids(await synced(client)) == ["15", "15"]


async def test_execution_comes_before_its_open_order() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(Reorder("execDetails"), on="openOrder", times=0)
        stage.gateway.faults.inject(Reorder("execDetails"), on="orderStatus", times=0)
        frames = ids(await place(client, order(1, kind="MKT", price=None)))
        assert frames.index("11") < frames.index("5")
        assert frames.index("11") < frames.index("3")


async def test_message_of_an_order_waits_for_its_own_order_not_for_another() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(Reorder("execDetails"), on="openOrder", order_id=1)
        first = await place(client, order(1))
        assert "3" in ids(first)
        assert "5" not in ids(first) or ids(first).index("3") < ids(first).index("5")
        other = await place(client, order(2, kind="MKT", price=None))
        assert "11" in ids(other)
        assert ["5", "1"] not in [frame[:2] for frame in other]


async def test_message_comes_behind_any_other() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(Reorder(), on="managedAccounts")
        client.send(17, 1)
        client.send(8, 1, 1)
        assert ids(await synced(client)) == ["9", "15"]


async def test_late_commission_comes_when_market_time_has_passed() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(Delay(5), on="commissionReport")
        frames = ids(await place(client, order(1, kind="MKT", price=None)))
        assert "11" in frames
        assert "59" not in frames
        stage.play(4.9)
        assert "59" not in ids(await synced(client))
        stage.play(0.2)
        assert "59" in ids(await synced(client))


async def test_delay_by_this_machines_clock() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(Delay(2), on="managedAccounts", clock=Clock.WALL)
        client.send(17, 1)
        assert await synced(client) == []
        stage.wall.advance(2)
        assert ids(await synced(client)) == ["15"]


async def test_delayed_order_is_accepted_later() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(Delay(3), on="placeOrder")
        assert await place(client, order(1)) == []
        assert working(stage) == []
        stage.play(3)
        assert statuses(await synced(client)) != []
        assert working(stage) == [1]


@pytest.mark.parametrize(("req_id", "told"), [(None, "1"), (-1, "-1"), (77, "77")])
async def test_error_on_a_live_order_leaves_it_live(req_id: int | None, told: str) -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(SendError(10349, req_id=req_id), on="placeOrder")
        frames = await place(client, order(1))
        error = next(each for each in frames if each[0] == "4")
        assert error[2:5] == [told, "10349", "Order TIF was set to DAY based on order preset."]
        assert working(stage) == [1]


async def test_error_out_of_nothing_goes_to_the_client_it_is_for() -> None:
    async with a_stage() as stage:
        one, two = await stage.client(1), await stage.client(2)
        stage.gateway.faults.inject(SendError(2110), client=2)
        assert codes(await synced(one)) == []
        assert codes(await synced(two)) == [2110]


async def test_notice_after_a_response_comes_right_behind_it() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(SendError(100, "too fast"), on="managedAccounts")
        client.send(17, 1)
        assert ids(await synced(client)) == ["15", "4"]


@pytest.mark.parametrize(
    ("on", "code", "request_fields"),
    [
        ("reqHistoricalData", 162, (20, 9, *AAPL, 0, "", "5 secs", "60 S", 1, "TRADES", 2, 0, "")),
        ("reqRealTimeBars", 420, (50, 3, 9, *AAPL, 5, "TRADES", 1, "")),
        ("cancelOrder", 10148, (4, 1, 9, "")),
    ],
)
async def test_refused_request_is_not_handled(
    on: str, code: int, request_fields: tuple[object, ...]
) -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(Refuse(code), on=on)
        client.send(*request_fields)
        frames = await synced(client)
        assert ids(frames) == ["4"]
        assert frames[0][2:4] == ["9", str(code)]
        assert stage.gateway.hub.counts().streams == 0
        assert stage.gateway.hub.counts().jobs == 0


async def test_refused_order_uses_no_id() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(Refuse(103), on="placeOrder")
        assert codes(await place(client, order(1))) == [103]
        assert stage.gateway.hub.exchange.next_order_id(1) == 1


async def test_rejection_is_201_then_inactive_twice() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(RejectOrder("no reason"))
        frames = await place(client, order(1))
        assert ids(frames) == ["4", "5", "3"]
        assert frames[0][2:5] == ["1", "201", "Order rejected - reason:no reason"]
        assert statuses(frames) == [(1, "Inactive")]
        assert working(stage) == []
        assert stage.gateway.hub.exchange.next_order_id(1) == 2, "its id is used"


@pytest.mark.parametrize("by_message", [True, False])
async def test_broker_cancels_an_order_by_itself(*, by_message: bool) -> None:
    async with a_stage() as stage:
        client = await stage.client()
        if by_message:
            stage.gateway.faults.inject(CancelOrders(), on="placeOrder", order_id=1)
        frames = await place(client, order(1), order(2))
        if not by_message:
            stage.gateway.faults.inject(CancelOrders(), order_id=1)
            frames = await synced(client)
        assert 202 in codes(frames)
        assert (1, "Cancelled") in statuses(frames)
        assert working(stage) == [2]


async def test_lost_acknowledgement_is_made_good_by_a_reconnect() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(MuteOrder(), order_ref="BD-1")
        bracket = (
            order(1, kind="MKT", price=None, order_ref="BD-1", transmit=False),
            order(2, "SELL", price="999.00", parent_id=1, transmit=False),
            order(3, "SELL", kind="STP", price="1.00", parent_id=1),
        )
        assert await place(client, *bracket) == []
        assert held(stage) == 10, "it was accepted, and filled"
        client.send(16, 1)
        assert ids(await synced(client)) == ["53"], "asking does not help"
        await client.close()
        await stage.left()
        again = await stage.client()
        again.send(16, 1)
        assert {order_id for order_id, _ in statuses(await synced(again))} == {2, 3}
        again.send(7, 3, 5, 0, "", "", "", "", "", "")
        assert "11" in ids(await synced(again))


async def test_client_that_is_turned_away_does_not_end_what_is_muted() -> None:
    async with a_stage() as stage:
        client = await stage.client(5)
        stage.gateway.faults.inject(MuteOrder())
        await place(client, order(1))
        impostor = await stage.connect()
        await impostor.hello()
        impostor.send(71, 2, 5, "")
        assert await impostor.at_end()
        await stage.left(1)
        client.send(5, 1)
        assert ids(await synced(client)) == ["53"]


async def test_order_that_is_never_acknowledged_stays_unheard_of() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        fault = stage.gateway.faults.inject(MuteOrder(Until.NEVER))
        assert await place(client, order(1)) == []
        await client.close()
        await stage.left()
        again = await stage.client()
        again.send(5, 1)
        assert ids(await synced(again)) == ["53"]
        fault.remove()
        again.send(5, 1)
        assert "5" in ids(await synced(again))


async def test_other_clients_are_not_muted() -> None:
    async with a_stage() as stage:
        one, two = await stage.client(1), await stage.client(2)
        stage.gateway.faults.inject(MuteOrder(), client=1)
        assert await place(one, order(1)) == []
        assert statuses(await place(two, order(1))) != []


async def test_children_seem_asleep_after_their_parent_has_filled() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(HoldChildren(5), on="execDetails", order_id=1)
        bracket = (
            order(1, kind="MKT", price=None, transmit=False),
            order(2, "SELL", price="999.00", parent_id=1, transmit=False),
            order(3, "SELL", kind="STP", price="1.00", parent_id=1),
        )
        frames = await place(client, *bracket)
        told = statuses(frames)
        assert (1, "Filled") in told
        assert (2, "Submitted") not in told
        assert "Submitted" in {
            each.status.value for each in stage.gateway.hub.exchange.working_orders()
        }
        stage.play(5)
        assert (2, "Submitted") in statuses(await synced(client))


async def test_next_valid_id_is_rolled_back() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        await place(client, order(1), order(2), order(3))
        stage.gateway.faults.inject(RollBackIds(2), times=0)
        client.send(8, 1, 1)
        assert await synced(client) == [["9", "1", "2"]]
        stage.gateway.faults.clear()
        client.send(8, 1, 1)
        assert await synced(client) == [["9", "1", "4"]]


async def test_skewed_clock_tells_another_time_and_its_bars_another() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(ClockSkew(by_s=90, stamps_by_s=-5))
        client.send(49, 1)
        assert int((await client.until("49"))[2]) == stage.clock.now() // 1000 + 90
        client.send(50, 3, 9, *AAPL, 5, "TRADES", 1, "")
        await synced(client)
        start = stage.clock.now() // 1000
        stage.play(5)
        assert int((await client.until("50"))[3]) == start - 5


async def test_same_seed_gives_the_same_bytes_under_faults() -> None:
    async def transcript(seed: int) -> bytes:
        async with a_stage(fault_seed=seed) as stage:
            client = await stage.client()
            for text in (
                "drop on=realtimeBar chance=0.4 times=0",
                "duplicate on=tickPrice chance=0.3 times=0",
                "delay on=realtimeBar chance=0.3 times=0 by_s=7 jitter_s=5",
            ):
                stage.gateway.faults.inject(text)
            client.send(1, 11, 1, *AAPL, 0, "", 0, 0, "")
            client.send(50, 3, 2, *AAPL, 5, "TRADES", 1, "")
            await synced(client)
            for _ in range(12):
                stage.play(10)
            await synced(client)
            return client.received

    assert await transcript(1) == await transcript(1)
    assert await transcript(1) != await transcript(2)


async def test_request_that_nobody_knows_passes_through_faults_all_the_same() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(Drop(), on="request", nth=100)
        client.send(12345, 1)
        client.send(*frame_of(order(1)))
        assert codes(await synced(client))[0] == 321
