from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from apps.domain.errors import InvalidInput
from apps.paper.server import PaperGateway
from apps.paper.transcript.playback import Playback, recorded_connections
from apps.paper.transcript.policies import OnDifference
from apps.paper.transcript.reading import read_transcript
from apps.paper.transcript.replay import ReplayGateway
from apps.paper.wall import ManualWall
from apps.paper.wire import (
    Contract,
    Order,
    PlaceOrder,
    ReqCurrentTime,
    ReqIds,
    StartApi,
    parse_request,
)
from apps.paper.wire.requests.parse import REQUEST_MESSAGES
from apps.paper.wire.writing import writer_of
from tests.paper.paper_client import OPEN, RawClient
from tests.paper.transcript.recorded import AAPL, bars_and_time, recorded, recording


@asynccontextmanager
async def replaying(path: Path, **how: Any) -> AsyncIterator[ReplayGateway]:
    async with ReplayGateway.open(read_transcript(path), **how) as gateway:
        yield gateway


@asynccontextmanager
async def client_of(gateway: ReplayGateway | PaperGateway) -> AsyncIterator[RawClient]:
    client = RawClient(*await asyncio.open_connection(gateway.host, gateway.port))
    try:
        yield client
    finally:
        await client.close()


async def same_again(client: RawClient, req_id: int = 5, symbol: str = "AAPL") -> None:
    """Do what `bars_and_time` does, without a gateway to tell the time."""
    await client.start()
    client.send(50, 3, req_id, 0, symbol, *AAPL[2:], 5, "TRADES", 1, "")
    client.send(49, 1)
    await client.until("49")
    for _ in range(6):
        await client.until("50")
    client.send(51, 1, req_id)
    client.send(49, 1)
    await client.until("49")


async def test_same_client_gets_the_same_bytes(tmp_path: Path) -> None:
    first = await recorded(tmp_path / "a", bars_and_time)
    async with replaying(tmp_path / "a") as gateway:
        async with client_of(gateway) as client:
            await same_again(client)
        assert client.received == first
        await left(gateway)
        assert gateway.findings == []
        assert gateway.connections_left == 0


async def left(gateway: ReplayGateway) -> None:
    """Wait until nobody is connected."""
    async with asyncio.timeout(10):
        for socket in tuple(gateway._sockets):
            await socket.closed.wait()


async def test_client_that_numbers_otherwise_gets_its_own_numbers(tmp_path: Path) -> None:
    await recorded(tmp_path / "a", bars_and_time)
    async with replaying(tmp_path / "a") as gateway:
        async with client_of(gateway) as client:
            await client.start()
            client.send(50, 3, 77, *AAPL, 5, "TRADES", 1, "")
            client.send(49, 1)
            await client.until("49")
            bars = [await client.until("50") for _ in range(6)]
            client.send(51, 1, 77)
            client.send(49, 1)
            await client.until("49")
        await left(gateway)
        assert gateway.findings == []
    assert {bar[2] for bar in bars} == {"77"}


async def test_number_that_means_another_request_than_it_did_is_a_difference(
    tmp_path: Path,
) -> None:
    async def story(_: PaperGateway, client: RawClient) -> None:
        for req_id in (5, 6):
            client.send(50, 3, req_id, *AAPL, 5, "TRADES", 1, "")
        client.send(51, 1, 5)
        client.send(49, 1)
        await client.until("49")

    await recorded(tmp_path / "a", story)
    async with replaying(tmp_path / "a") as gateway, client_of(gateway) as client:
        await client.start()
        client.send(50, 3, 77, *AAPL, 5, "TRADES", 1, "")
        client.send(50, 3, 77, *AAPL, 5, "TRADES", 1, "")  # twice the same: it was another
        client.send(50, 3, 78, *AAPL, 5, "TRADES", 1, "")
        client.send(51, 1, 78)  # the first was cancelled, not the second
        client.send(51, 1, 77)
        client.send(49, 1)
        await client.until("49")
        one, two = gateway.findings
    assert one.endswith("ReqRealTimeBars: req_id: 6 recorded, 77 came")
    assert two.endswith("CancelRealTimeBars: req_id: 5 recorded, 78 came")


def limit_order(order_id: int) -> list[str]:
    wanted = Order(
        action="BUY",
        total_quantity=Decimal(10),
        order_type="LMT",
        limit_price=Decimal(1),
        time_in_force="DAY",
        transmit=True,
    )
    contract = Contract(symbol="AAPL", sec_type="STK", exchange="SMART", currency="USD")
    fields = ["3"]
    writer_of(REQUEST_MESSAGES[3].record, 176)(PlaceOrder(order_id, contract, wanted), fields)
    return fields


async def test_orders_and_what_is_told_of_them_carry_the_clients_ids(tmp_path: Path) -> None:
    async def story(_: PaperGateway, client: RawClient) -> None:
        client.send(*limit_order(41))
        await client.until("3", lambda fields: fields[2] == "Submitted")
        client.send(4, 1, 41, "")
        await client.until("4", lambda fields: fields[3] == "202")

    await recorded(tmp_path / "a", story)
    async with replaying(tmp_path / "a") as gateway, client_of(gateway) as client:
        await client.start()
        client.send(*limit_order(9))
        assert (await client.until("5"))[1] == "9"
        assert (await client.until("3", lambda fields: fields[2] == "Submitted"))[1] == "9"
        client.send(4, 1, 9, "")
        assert (await client.until("4", lambda fields: fields[3] == "202"))[2] == "9"
        assert gateway.findings == []


async def test_ib_insync_sees_the_same_session_again(tmp_path: Path) -> None:
    async with recording(tmp_path / "a") as real:
        first = await what_ib_insync_sees(real)
    async with replaying(tmp_path / "a") as gateway:
        assert await what_ib_insync_sees(gateway) == first
        await left(gateway)
        assert gateway.findings == []


async def what_ib_insync_sees(gateway: ReplayGateway | PaperGateway) -> list[str]:
    import ib_insync  # noqa: PLC0415 - it binds to the loop that runs when it is imported

    ib: Any = ib_insync.IB()  # type: ignore[no-untyped-call]  # the library has no types
    await ib.connectAsync(gateway.host, gateway.port, clientId=3, timeout=10)
    try:
        details = await ib.reqContractDetailsAsync(ib_insync.Stock("AAPL", "SMART", "USD"))
        values = await ib.accountSummaryAsync()
        bars = await ib.reqHistoricalDataAsync(
            details[0].contract, "", "1 D", "30 mins", "TRADES", useRTH=True
        )
        return [*map(str, details), *map(str, values), *map(str, bars)]
    finally:
        ib.disconnect()


@pytest.mark.parametrize("policy", OnDifference)
async def test_request_that_differs_is_reported_with_its_line_and_fields(
    tmp_path: Path, policy: OnDifference
) -> None:
    await recorded(tmp_path / "a", bars_and_time)
    line = next(
        each.line
        for each in read_transcript(tmp_path / "a").entries
        if each.message == "ReqRealTimeBars"
    )
    finding = f"line {line}, ReqRealTimeBars: contract.symbol: 'AAPL' recorded, 'MSFT' came"
    async with (
        replaying(tmp_path / "a", on_difference=policy) as gateway,
        client_of(gateway) as client,
    ):
        await client.start()
        client.send(50, 3, 5, 0, "MSFT", *AAPL[2:], 5, "TRADES", 1, "")
        match policy:
            case OnDifference.ERROR:
                error = await client.until("4")
                assert error[2:4] == ["5", "321"]
                assert finding in error[4]
                # the recorded one is still expected
                client.send(50, 3, 5, *AAPL, 5, "TRADES", 1, "")
                client.send(49, 1)
                await client.until("49")
            case OnDifference.END:
                assert await client.at_end()
            case OnDifference.GO_ON:
                client.send(49, 1)
                await client.until("50")
        assert gateway.findings == [finding]


async def test_other_message_and_one_too_many_are_reported(tmp_path: Path) -> None:
    async def story(_: PaperGateway, client: RawClient) -> None:
        client.send(49, 1)
        await client.until("49")

    await recorded(tmp_path / "a", story)
    async with replaying(tmp_path / "a") as gateway, client_of(gateway) as client:
        await client.start()
        client.send(8, 1, 1)
        await client.until("4")
        client.send(49, 1)
        await client.until("49")
        client.send(49, 1)
        await client.until("4")
        one, two = gateway.findings
    assert one.endswith("ReqCurrentTime is recorded, ReqIds came")
    assert two == "ReqCurrentTime came, and no more requests are recorded"


async def test_client_that_leaves_early_is_reported(tmp_path: Path) -> None:
    await recorded(tmp_path / "a", bars_and_time)
    async with replaying(tmp_path / "a") as gateway:
        async with client_of(gateway) as client:
            await client.start()
        await left(gateway)
        [finding] = gateway.findings
    assert finding.startswith(
        "client 1 left before 4 recorded requests, of which the first is ReqR"
    )


async def test_several_clients_are_told_apart_by_their_ids(tmp_path: Path) -> None:
    async with recording(tmp_path / "a") as real, client_of(real) as one, client_of(real) as two:
        await one.start(1)
        await two.start(2)
        two.send(50, 3, 1, *AAPL, 5, "nonsense", 1, "")
        refused = await two.until("4", lambda fields: fields[2] == "1")
    async with replaying(tmp_path / "a") as gateway:
        async with client_of(gateway) as two, client_of(gateway) as one:
            await two.start(2)
            await one.start(1)
            two.send(50, 3, 1, *AAPL, 5, "nonsense", 1, "")
            assert await two.until("4", lambda fields: fields[2] == "1") == refused
        async with client_of(gateway) as third:
            await third.hello()
            third.send(71, 2, 1, "")
            assert await third.at_end()
        [finding] = gateway.findings
    assert finding.startswith("no connection of client 1 with version 176 is recorded")


async def test_connection_that_the_gateway_ended_ends_again(tmp_path: Path) -> None:
    path = tmp_path / "a"
    async with recording(path) as real, client_of(real) as holder, client_of(real) as second:
        await holder.start(5)
        await turned_away(second)
    async with (
        replaying(path) as gateway,
        client_of(gateway) as holder,
        client_of(gateway) as again,
    ):
        await holder.start(5)
        await turned_away(again)
        assert again.received == second.received
        holder.send(49, 1)
        await holder.until("4")


async def turned_away(client: RawClient) -> None:
    await client.hello()
    client.send(71, 2, 5, "")
    assert await client.at_end()


async def test_garbage_ends_that_connection_only(tmp_path: Path) -> None:
    await recorded(tmp_path / "a", bars_and_time)
    async with replaying(tmp_path / "a") as gateway, client_of(gateway) as good:
        async with client_of(gateway) as bad:
            bad._writer.write(b"GET / HTTP/1.1\r\n\r\n")
            assert await bad.at_end()
        await same_again(good)


def playback(path: Path, pace: float | None) -> Playback:
    [connection] = recorded_connections(read_transcript(path))
    return Playback(connection, pace=pace)


async def slow_session(path: Path) -> None:
    wall = ManualWall()
    async with recording(path, wall=wall) as gateway, client_of(gateway) as client:
        await client.start()
        client.send(50, 3, 5, *AAPL, 5, "TRADES", 1, "")
        client.send(49, 1)
        await client.until("49")
        for number in range(1, 3):
            wall.advance(4)
            gateway.advance_to(OPEN + number * 5_000)
            await client.until("50")


async def test_pace_keeps_the_recorded_times_as_many_times_as_fast(tmp_path: Path) -> None:
    await slow_session(tmp_path / "a")
    played = playback(tmp_path / "a", pace=2)
    for entry in played.missing:
        assert played.take(parse_request(entry.raw, 176), 100.0) is None
    said = list(played.due(100.0))
    assert said[-1][0] == "49"
    assert played.next_due_s() == 102.0
    assert not list(played.due(101.9))
    assert [each[0] for each in played.due(102.0)] == ["50"]
    assert played.next_due_s() == 104.0
    assert not played.is_over
    assert [each[0] for each in played.due(104.0)] == ["50"]
    assert played.is_over


async def test_without_a_pace_all_that_may_be_said_is_said_at_once(tmp_path: Path) -> None:
    await slow_session(tmp_path / "a")
    played = playback(tmp_path / "a", pace=None)
    assert not list(played.due(0.0))
    assert played.take(StartApi(1), 0.0) is None
    greeting = [each[0] for each in played.due(0.0)]
    assert greeting[:2] == ["15", "9"]
    assert played.next_due_s() is None
    assert str(played.take(ReqIds(1), 0.0)).endswith("ReqRealTimeBars is recorded, ReqIds came")
    assert len(played.missing) == 2
    assert played.take(ReqCurrentTime(), 0.0) is not None


async def test_paced_replay_sends_what_falls_due(tmp_path: Path) -> None:
    await slow_session(tmp_path / "a")
    wall = ManualWall()
    async with (
        replaying(tmp_path / "a", pace=1, wall=wall) as gateway,
        client_of(gateway) as client,
    ):
        await client.start()
        client.send(50, 3, 5, *AAPL, 5, "TRADES", 1, "")
        client.send(49, 1)
        await client.until("49")
        wall.advance(3.9)
        assert b"\x0050\x00" not in client.received
        wall.advance(0.1)
        await client.until("50")
        wall.advance(4)
        await client.until("50")


async def test_transcript_without_a_client_cannot_be_replayed(tmp_path: Path) -> None:
    async with recording(tmp_path / "a"):
        pass
    with pytest.raises(InvalidInput, match="cannot be replayed: no client is in it"):
        async with replaying(tmp_path / "a"):
            pass
