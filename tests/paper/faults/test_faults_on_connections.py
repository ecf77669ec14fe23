"""Each fault of connections, once, over a real socket, judged from both ends."""

from __future__ import annotations

import asyncio
import json

import pytest

from apps.domain.errors import DeadlineExceeded
from apps.paper.clock import MarketClock
from apps.paper.faults.fault import Clock, Direction
from apps.paper.faults.messages import Drop
from apps.paper.faults.network import (
    ChangePort,
    Disconnect,
    HalfOpen,
    HoldClientId,
    How,
    KeepTurnedAway,
    Latency,
    MergeFrames,
    Refusal,
    RefuseConnections,
    Restart,
    SilentHandshake,
    SlowRead,
    SplitFrames,
    Stage,
)
from apps.paper.server import PaperGateway
from apps.paper.wall import ManualWall
from tests.paper.faults.fault_side import (
    AAPL,
    a_stage,
    codes,
    frame_of,
    ids,
    order,
    place,
    statuses,
    synced,
)
from tests.paper.paper_client import OPEN, RawClient


async def ended(client: RawClient) -> str:
    """Tell how a connection ended."""
    try:
        while True:
            await client.frame()
    except asyncio.IncompleteReadError as error:
        return "in a frame" if error.partial else "clean"
    except ConnectionResetError:
        return "reset"


@pytest.mark.parametrize(("how", "seen"), [(How.CLEAN, "clean"), (How.RESET, "reset")])
async def test_disconnect_ends_the_clients_it_concerns(how: How, seen: str) -> None:
    async with a_stage() as stage:
        one, two = await stage.client(1), await stage.client(2)
        stage.gateway.faults.inject(Disconnect(how), client=1)
        assert await ended(one) == seen
        await stage.left(1)
        assert set(stage.gateway.hub.sessions) == {2}
        assert await synced(two) == []
        assert await (await stage.connect()).hello(), "others come in"


async def test_disconnect_in_the_middle_of_a_frame() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(Disconnect(How.MID_FRAME, at_byte=9), on="openOrder")
        client.send(*frame_of(order(1)))
        assert await ended(client) == "in a frame"
        await stage.left()
        assert [each.order.order_id for each in stage.gateway.hub.exchange.working_orders()] == [1]


async def test_every_byte_of_an_answer_can_be_the_last() -> None:
    for at_byte in range(1, 12):
        async with a_stage() as stage:
            client = await stage.client()
            stage.gateway.faults.inject(Disconnect(How.MID_FRAME, at_byte), on="managedAccounts")
            client.send(17, 1)
            received = len(client.received)
            await client.at_end()
            assert len(client.received) - received == at_byte


@pytest.mark.parametrize("lost", [True, False])
async def test_link_that_dies_with_an_order_has_lost_it_or_only_its_answer(*, lost: bool) -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(Disconnect(lose_message=lost), on="placeOrder")
        client.send(*frame_of(order(1)))
        assert await client.at_end()
        await stage.left()
        placed = [each.order.order_id for each in stage.gateway.hub.exchange.working_orders()]
        assert placed == ([] if lost else [1])
        again = await stage.client()
        again.send(16, 1)
        assert len(statuses(await synced(again))) == len(placed)


async def test_response_is_the_last_thing_sent_or_is_not_sent() -> None:
    async with a_stage() as stage:
        one, two = await stage.client(1), await stage.client(2)
        stage.gateway.faults.inject(Disconnect(), on="openOrder", client=1)
        stage.gateway.faults.inject(Disconnect(lose_message=True), on="openOrder", client=2)
        for client in (one, two):
            client.send(*frame_of(order(1)))
        assert await one.at_end()
        assert await two.at_end()
        assert b"\x005\x001\x00" not in two.received
        assert one.received.split(b"\0")[-1] == b""


async def test_half_open_socket_takes_bytes_and_says_nothing() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        fault = stage.gateway.faults.inject(HalfOpen())
        client.send(*frame_of(order(1)))
        await place_nothing(stage.gateway.port)
        assert stage.gateway.hub.exchange.working_orders() == ()
        assert stage.gateway.counts().connections >= 1
        fault.remove()
        assert await synced(client) == [], "it was not even closed"


async def test_half_open_socket_may_still_do_what_it_is_told() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(HalfOpen(for_s=10, handles_requests=True))
        placed = stage.gateway.faults.inject("drop on=reqIds")
        client.send(*frame_of(order(1)))
        client.send(8, 1, 1)
        await placed.fired()
        assert len(stage.gateway.hub.exchange.working_orders()) == 1
        stage.play(10)
        assert await synced(client) == []


async def place_nothing(port: int) -> None:
    """Let the gateway's loop see everything that is on its way."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()
    await writer.wait_closed()
    del reader
    for _ in range(5):
        await asyncio.sleep(0)


async def test_half_open_by_a_message_is_over_with_that_connection() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(HalfOpen(), on="placeOrder")
        client.send(*frame_of(order(1)))
        await client.close()
        await stage.left()
        assert await synced(await stage.client()) == []


@pytest.mark.parametrize("how", list(Refusal))
async def test_nobody_gets_in_for_a_time(how: Refusal) -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(RefuseConnections(30, how))
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await stage.client(2)
        assert await synced(client) == [], "who is in stays"
        stage.play(30)
        assert await synced(await stage.client(2)) == []
        assert stage.gateway.port == stage.gateway._port.port


async def test_two_refusals_at_once_both_have_to_end() -> None:
    async with a_stage() as stage:
        first = stage.gateway.faults.inject(RefuseConnections())
        second = stage.gateway.faults.inject(RefuseConnections())
        first.remove()
        with pytest.raises(ConnectionError):
            await stage.connect()
        second.remove()
        assert await synced(await stage.client()) == []


async def test_port_that_is_shut_and_opened_in_one_go_is_open() -> None:
    async with a_stage() as stage:
        for _ in range(3):
            stage.gateway.faults.inject(RefuseConnections()).remove()
        assert await synced(await stage.client()) == []
        stage.gateway.faults.inject(RefuseConnections())
        stage.gateway.faults.inject(ChangePort())
        with pytest.raises(ConnectionError):
            await stage.connect()
        stage.gateway.faults.clear()
        assert await synced(await stage.client()) == []


async def test_nightly_restart_closes_all_and_lets_in_after_a_while() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        await place(client, order(1, time_in_force="GTC"))
        stage.gateway.faults.inject(Restart(for_s=120), after_s=60)
        stage.play(60)
        assert await client.at_end()
        with pytest.raises(ConnectionError):
            await stage.connect()
        stage.play(120)
        again = await stage.client()
        again.send(16, 1)
        assert statuses(await synced(again))[-1][0] == 1


async def test_port_changes_with_1300_and_the_new_one_works() -> None:
    async with a_stage() as stage:
        client, before = await stage.client(), stage.gateway.port
        stage.gateway.faults.inject(ChangePort())
        error = await client.until("4")
        assert error[3] == "1300"
        assert error[4].endswith(f"Please reconnect on the new port - {stage.gateway.port}")
        assert await client.at_end()
        assert stage.gateway.port != before
        with pytest.raises(ConnectionError):
            await asyncio.open_connection("127.0.0.1", before)
        assert await synced(await stage.client()) == []


@pytest.mark.parametrize("stage_of", list(Stage))
async def test_handshake_that_is_never_answered(stage_of: Stage) -> None:
    async with a_stage() as stage:
        stage.gateway.faults.inject(SilentHandshake(stage=stage_of))
        client = await stage.connect()
        if stage_of is Stage.HELLO:
            client._writer.write(b"API\0\0\0\0\x09v157..176")
        else:
            assert (await client.hello())[0] == "176"
            client.send(71, 2, 1, "")
        await place_nothing(stage.gateway.port)
        stage.wall.advance(60)
        assert stage.gateway.hub.sessions == {}
        assert stage.gateway.counts().connections == 1, "it waits as long as its client does"
        stage.gateway.faults.clear()
        assert await synced(await stage.client()) == []


async def test_frames_come_one_byte_at_a_time_both_ways() -> None:
    async with a_stage() as stage:
        stage.gateway.faults.inject(SplitFrames(direction=Direction.BOTH))
        client = await stage.client()
        assert statuses(await place(client, order(1))) != []


async def test_merged_frames_wait_for_this_machines_clock() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(MergeFrames(bytes=10_000, wait_s=2))
        reached = stage.gateway.faults.inject("drop on=reqIds")
        for each in (order(1), order(2)):
            client.send(*frame_of(each))
        client.send(8, 1, 1)
        await reached.fired()
        assert client.received.count(b"Submitted") == 0
        stage.wall.advance(2)
        frame = await client.until("3", lambda fields: fields[1:3] == ["2", "Submitted"])
        assert frame[1] == "2"


async def test_latency_holds_answers_back() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        fault = stage.gateway.faults.inject(Latency(delay_s=3, direction=Direction.OUT))
        reached = stage.gateway.faults.inject("drop on=reqIds")
        client.send(17, 1)
        client.send(8, 1, 1)
        await reached.fired()
        fault.remove()
        stage.wall.advance(3)
        assert ids(await synced(client)) == ["15"]


async def test_latency_holds_requests_back() -> None:
    async with a_stage() as stage:
        client, other = await stage.client(1), await stage.client(2)
        stage.gateway.faults.inject(Latency(3, direction=Direction.IN), client=1)
        client.send(*frame_of(order(1)))
        await place_nothing(stage.gateway.port)
        await synced(other)
        assert stage.gateway.hub.exchange.working_orders() == ()
        stage.wall.advance(3)
        assert (await client.until("3"))[1] == "1"


async def test_slow_reader_keeps_the_order_of_requests() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(SlowRead(bytes_per_s=100))
        for number in range(1, 4):
            client.send(*frame_of(order(number)))
        client.send(49, 1)
        seen: list[list[str]] = []
        while "49" not in ids(seen):
            stage.wall.advance(1)
            seen += await pending(client)
        assert [each for each, _ in statuses(seen) if each] == sorted(
            each for each, _ in statuses(seen)
        )


async def pending(client: RawClient) -> list[list[str]]:
    """Give the whole frames that are there."""
    frames = []
    for _ in range(3):
        await asyncio.sleep(0)
    while client._reader._buffer:  # type: ignore[attr-defined]  # what has arrived, without waiting
        frames.append(await client.frame())
    return frames


async def test_client_id_stays_taken_while_the_old_socket_seems_open() -> None:
    async with a_stage() as stage:
        client = await stage.client(5)
        client.send(50, 3, 1, *AAPL, 5, "TRADES", 0, "")
        await place(client, order(1))
        stage.gateway.faults.inject(HoldClientId(for_s=20))
        await client.close()
        await stage.left()
        again = await stage.connect()
        await again.hello()
        again.send(71, 2, 5, "")
        assert codes([await again.frame()]) == [326]
        assert await again.at_end()
        stage.play(19)
        assert not stage.gateway.hub.sessions[5].outbox, "what is said to nobody is not kept"
        stage.play(1)
        assert stage.gateway.hub.counts().sessions == 0
        assert await synced(await stage.client(5)) == []


async def test_client_that_was_turned_away_may_be_kept() -> None:
    async with a_stage() as stage:
        client = await stage.client(5)
        fault = stage.gateway.faults.inject(KeepTurnedAway())
        again = await stage.connect()
        await again.hello()
        again.send(71, 2, 5, "")
        assert codes([await again.frame()]) == [326]
        again.send(49, 1)
        await synced(client)
        assert stage.gateway.counts().connections == 2
        fault.remove()
        assert await again.at_end()
        assert await synced(client) == []


async def test_fault_that_does_not_fire_says_so_in_time() -> None:
    async with a_stage() as stage:
        fault = stage.gateway.faults.inject(Drop(), on="reqIds", name="lost ids")
        with pytest.raises(DeadlineExceeded, match="'lost ids' fired 0 of 2 times"):
            await stage.gateway.faults.fired(fault, 2, timeout_s=0.01)


async def test_seconds_of_the_market_count_from_its_present_not_from_its_latest_event() -> None:
    wall = ManualWall()
    clock = MarketClock(start=OPEN, speed=2, monotonic=wall.now_s)
    async with PaperGateway.open(clock=clock, wall=wall) as gateway:
        wall.advance(50)
        now = gateway.faults.inject("error code=2110")
        later = gateway.faults.inject("error code=2110 after_s=10")
        assert now.firings[0].at == OPEN + 100_000
        assert later.count == 0
        wall.advance(5)
        gateway.faults.inject("error code=2110")
        assert (later.count, later.firings[0].at) == (1, OPEN + 110_000)


async def test_what_one_clients_fault_does_to_another_is_told_at_once() -> None:
    async with a_stage(master_client=1) as stage:
        master, client = await stage.client(1), await stage.client(2)
        stage.gateway.faults.inject("cancel_orders on=openOrder client=2")
        client.send(*frame_of(order(1)))
        cancelled = await master.until("3", lambda fields: fields[2] == "Cancelled")
        assert cancelled[1] == "1"


async def test_fault_after_seconds_of_this_machine() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(Disconnect(), after_s=2, clock=Clock.WALL)
        stage.play(60)
        assert await synced(client) == []
        stage.wall.advance(2)
        assert await client.at_end()


async def test_faults_can_be_taken_out_and_are_written_down() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        faults = stage.gateway.faults
        first = faults.inject(Drop(), on="managedAccounts", times=0, name="deaf")
        assert faults.injections == (first,)
        client.send(17, 1)
        assert await synced(client) == []
        faults.remove(first)
        client.send(17, 1)
        assert ids(await synced(client)) == ["15"]
        (told,) = stage.tap.faults
        assert (told["fault"], told["effect"], told["client"]) == ("deaf", "drop", 1)
        assert (told["message"], told["parameters"]) == ("managedAccounts", {})
        faults.inject("partial_fills sizes=1,2.5")
        faults.inject("disconnect how=reset")
        texts = [json.dumps(each["parameters"]) for each in stage.tap.faults[1:]]
        assert texts[0] == '{"sizes": ["1", "2.5"], "for_s": 0.0}'
        assert texts[1] == '{"how": "reset", "at_byte": 5, "lose_message": false}'
        faults.clear()
        assert [each.fault.label for each in faults.log] == ["deaf", "partial_fills", "disconnect"]
        assert faults.is_quiet


async def test_gateway_that_ends_under_faults_ends() -> None:
    async with a_stage() as stage:
        for text in ("half_open", "latency delay_s=100", "refuse_connections", "hold_client_id"):
            stage.gateway.faults.inject(text)
        with pytest.raises(ConnectionError):
            await stage.connect()
