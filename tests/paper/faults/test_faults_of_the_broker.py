"""Lost links beyond the gateway, over a real socket, judged from both ends."""

from __future__ import annotations

from decimal import Decimal

import pytest

from apps.paper.faults.broker import (
    Back,
    Bust,
    FailLiveUpdates,
    FarmOutage,
    News,
    Orders,
    Outage,
    Streams,
)
from tests.paper.faults.fault_side import (
    AAPL,
    EURUSD,
    a_stage,
    codes,
    frame_of,
    ids,
    order,
    place,
    statuses,
    synced,
)
from tests.paper.paper_client import RawClient

BAR_S = 5


async def bars_of(client: RawClient) -> list[int]:
    """Give the request ids of the bars that have come."""
    return [int(frame[2]) for frame in await synced(client) if frame[0] == "50"]


def ask_for_bars(client: RawClient, req_id: int, contract: tuple[object, ...] = AAPL) -> None:
    what = "TRADES" if contract is AAPL else "MIDPOINT"
    client.send(50, 3, req_id, *contract, 5, what, 0, "")


async def test_outage_of_a_third_of_a_second_says_1100_and_1102_and_data_goes_on() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        ask_for_bars(client, 1)
        await synced(client)
        stage.gateway.faults.inject(Outage(for_s=0.3))
        assert codes(await synced(client)) == [1100]
        stage.play(0.3)
        assert codes(await synced(client)) == [1102]
        stage.play(BAR_S)
        assert await bars_of(client) == [1]


async def test_nothing_of_the_market_comes_while_the_link_is_lost() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        ask_for_bars(client, 1)
        client.send(1, 11, 2, *AAPL, 0, "", 0, 0, "")
        await synced(client)
        stage.gateway.faults.inject(Outage(for_s=30))
        stage.play(29)
        assert ids(await synced(client)) == ["4"]
        stage.play(1)
        stage.play(BAR_S)
        assert await bars_of(client) != []


async def test_after_1101_the_subscriptions_are_gone_and_can_be_made_anew() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        ask_for_bars(client, 1)
        await synced(client)
        assert stage.gateway.hub.counts().streams == 1
        stage.gateway.faults.inject(Outage(for_s=2, back=Back.DATA_LOST))
        stage.play(2)
        assert codes(await synced(client)) == [1100, 1101]
        assert stage.gateway.hub.counts().streams == 0
        stage.play(BAR_S * 3)
        assert await bars_of(client) == []
        ask_for_bars(client, 1)
        await synced(client)
        stage.play(BAR_S)
        assert await bars_of(client) == [1]


async def test_after_1102_bars_may_stay_dead_until_they_are_asked_for_anew() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        ask_for_bars(client, 1)
        await synced(client)
        stage.gateway.faults.inject(Outage(for_s=0.3, streams=Streams.DEAD))
        stage.play(60)
        assert codes(await synced(client)) == [1100, 1102]
        assert await bars_of(client) == []
        client.send(51, 1, 1)
        ask_for_bars(client, 1)
        assert codes(await synced(client)) == []
        stage.play(BAR_S)
        assert await bars_of(client) == [1]


@pytest.mark.parametrize("policy", list(Orders))
async def test_order_sent_into_the_dark_is_stored_or_refused(policy: Orders) -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(Outage(for_s=10, orders=policy))
        frames = await place(client, order(1))
        assert stage.gateway.hub.exchange.working_orders() == ()
        assert codes(frames) == ([1100] if policy is Orders.STORED else [1100, 201])
        stage.play(10)
        told = await synced(client)
        assert bool(statuses(told)) is (policy is Orders.STORED)
        assert ids(told)[0] == "4", "first it is said that the link is back"


@pytest.mark.parametrize("news", list(News))
async def test_fill_during_the_outage_is_told_afterwards_or_must_be_asked_for(news: News) -> None:
    async with a_stage(cash=Decimal(10**9)) as stage:
        client = await stage.client()
        await place(client, order(1, kind="MKT", price=None, quantity=100_000))
        stage.gateway.faults.inject(Outage(for_s=600, news=news))
        held = stage.gateway.hub.accounts["DU1234567"].positions()[0].quantity
        stage.play(599)
        assert ids(await synced(client)) == ["4"]
        now_held = stage.gateway.hub.accounts["DU1234567"].positions()[0].quantity
        assert now_held > held, "the market went on"
        stage.play(1)
        told = await synced(client)
        assert ("11" in ids(told)) is (news is News.DELIVERED)
        client.send(7, 3, 5, 0, "", "", "", "", "", "")
        asked = [each for each in await synced(client) if each[0] == "11"]
        assert sum(Decimal(each[19]) for each in asked) >= now_held - held


async def test_stored_order_is_submitted_though_its_client_has_gone() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(Outage(for_s=10))
        await place(client, order(1))
        await client.close()
        await stage.left()
        assert stage.gateway.hub.exchange.working_orders() == ()
        stage.play(10)
        assert len(stage.gateway.hub.exchange.working_orders()) == 1
        assert stage.gateway.counts().hub.sessions == 0


async def test_gateway_answers_what_it_knows_itself_while_the_link_is_lost() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(Outage(for_s=10))
        client.send(61, 1)
        client.send(9, 8, 7, *AAPL, 0, "", "", "")
        client.send(8, 1, 1)
        assert ids(await synced(client)) == ["4", "9"]
        stage.play(10)
        late = ids(await synced(client))
        assert {"62", "10", "52"} <= set(late)


async def test_client_that_comes_during_an_outage_is_let_in_and_told() -> None:
    async with a_stage() as stage:
        stage.gateway.faults.inject(Outage(for_s=10))
        client = await stage.connect()
        await client.hello()
        client.send(71, 2, 1, "")
        assert ids(await synced(client))[:2] == ["15", "9"]
        stage.play(10)
        assert codes(await synced(client)) == [1102]


@pytest.mark.parametrize(
    ("farm", "broken", "well"),
    [("usfarm", 2103, 2104), ("ushmds", 2105, 2106), ("secdefil", 2157, 2158)],
)
async def test_farm_says_with_its_own_codes_that_it_is_gone_and_back(
    farm: str, broken: int, well: int
) -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(FarmOutage(farm, for_s=3))
        newcomer = await stage.connect()
        await newcomer.hello()
        newcomer.send(71, 2, 2, "")
        assert broken in codes(await synced(newcomer))
        stage.play(3)
        told = [each for each in await synced(client) if each[0] == "4"]
        assert codes(told) == [broken, well]
        assert all(each[4].endswith(f":{farm}") for each in told)


async def test_farm_outage_stops_its_own_instruments_only() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        ask_for_bars(client, 1)
        ask_for_bars(client, 2, EURUSD)
        await synced(client)
        stage.gateway.faults.inject(FarmOutage("usfarm", for_s=20))
        stage.play(19)
        assert set(await bars_of(client)) == {2}
        stage.play(BAR_S + 1)
        assert set(await bars_of(client)) == {1, 2}


async def test_farm_that_is_back_may_leave_its_streams_dead() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        ask_for_bars(client, 1)
        ask_for_bars(client, 2, EURUSD)
        await synced(client)
        stage.gateway.faults.inject(FarmOutage("usfarm", for_s=0.3, streams=Streams.DEAD))
        stage.play(60)
        assert set(await bars_of(client)) == {2}


async def test_history_waits_for_its_farm_and_is_told_why() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(FarmOutage("ushmds", for_s=5))
        client.send(20, 9, *AAPL, 0, "", "5 secs", "60 S", 1, "TRADES", 2, 0, "")
        assert codes(await synced(client)) == [2105, 165]
        stage.play(5)
        told = ids(await synced(client)) + ids(await synced(client))
        assert told == ["4", "17"], "the farm is back, then what was asked"


async def test_bust_ends_bars_with_10225_and_nothing_else() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        ask_for_bars(client, 1)
        ask_for_bars(client, 2, EURUSD)
        client.send(1, 11, 3, *AAPL, 0, "", 0, 0, "")
        await synced(client)
        stage.gateway.faults.inject(Bust(), symbol="AAPL")
        errors = [each for each in await synced(client) if each[0] == "4"]
        assert [each[2:4] for each in errors] == [["1", "10225"]]
        stage.play(BAR_S)
        assert set(await bars_of(client)) == {2}
        ask_for_bars(client, 1)
        assert codes(await synced(client)) == []
        stage.play(BAR_S)
        assert set(await bars_of(client)) == {1, 2}


async def test_bust_says_nothing_of_bars_that_were_never_given() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        client.send(50, 3, 1, 0, "NOSUCH", *AAPL[2:], 5, "TRADES", 0, "")
        assert codes(await synced(client)) == [200]
        stage.gateway.faults.inject(Bust())
        assert codes(await synced(client)) == []


async def test_history_kept_up_to_date_fails_with_10182() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        client.send(20, 9, *AAPL, 0, "", "5 secs", "60 S", 0, "TRADES", 2, 1, "")
        await synced(client)
        stage.play(BAR_S)
        assert "90" in ids(await synced(client))
        stage.gateway.faults.inject(FailLiveUpdates())
        assert codes(await synced(client)) == [10182]
        stage.play(BAR_S * 2)
        assert ids(await synced(client)) == []


async def test_outage_in_the_middle_of_what_is_told_of_an_order() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(Outage(for_s=5), on="openOrder")
        client.send(*frame_of(order(1)))
        frames = await synced(client)
        assert codes(frames) == [1100]
        assert statuses(frames) == [], "it is lost with the first word of the order"
        stage.play(5)
        assert (1, "Submitted") in statuses(await synced(client))
