from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.paper.clock import ManualClock
from apps.paper.limits import Limits, RateBreach
from apps.paper.message_rate import MessageRate
from apps.paper.server import PaperGateway
from apps.paper.settings import GatewaySettings
from apps.paper.wall import ManualWall
from tests.paper.paper_client import OPEN, RawClient, raw_client

BURST = 50


@asynccontextmanager
async def limited(breach: RateBreach, most: int | None = BURST) -> AsyncIterator[Limited]:
    wall = ManualWall()
    settings = GatewaySettings(limits=Limits(messages_per_second=most, rate_breach=breach))
    async with PaperGateway.open(settings, clock=ManualClock(OPEN), wall=wall) as gateway:
        yield Limited(gateway, wall)


class Limited:
    def __init__(self, gateway: PaperGateway, wall: ManualWall) -> None:
        self.gateway = gateway
        self.wall = wall


def ask(client: RawClient, count: int) -> None:
    for _ in range(count):
        client.send(17, 1)


async def answers(client: RawClient, count: int) -> list[list[str]]:
    return [await client.frame() for _ in range(count)]


async def test_as_many_as_allowed_are_answered() -> None:
    async with limited(RateBreach.REJECT) as made, raw_client(made.gateway) as client:
        await client.start()
        for _ in range(3):
            ask(client, BURST)
            assert {frame[0] for frame in await answers(client, BURST)} == {"15"}
            made.wall.advance(1)


async def test_one_too_many_gets_100_and_is_not_handled() -> None:
    async with limited(RateBreach.REJECT) as made, raw_client(made.gateway) as client:
        await client.start()
        ask(client, BURST + 2)
        frames = await answers(client, BURST + 2)
        assert [frame[0] for frame in frames] == ["15"] * BURST + ["4"] * 2
        assert frames[-2] == [
            *("4", "2", "-1", "100"),
            "Max rate of messages per second has been exceeded:max=50 rec=51 (1)",
            "",
        ]
        assert frames[-1][4].endswith("rec=52 (1)")
        made.wall.advance(1)
        ask(client, 1)
        assert (await client.frame())[0] == "15"


async def test_third_breach_ends_the_session_and_no_other() -> None:
    async with (
        limited(RateBreach.REJECT, 5) as made,
        raw_client(made.gateway) as client,
        raw_client(made.gateway) as other,
    ):
        await client.start(1)
        await other.start(2)
        for breach in (1, 2):
            ask(client, 6)
            assert (await answers(client, 6))[-1][4].endswith(f"({breach})")
            made.wall.advance(1)
        ask(client, 8)
        await answers(client, 5)
        assert (await client.frame())[4].endswith("rec=6 (3)")
        assert await client.at_end()
        ask(other, 1)
        assert (await other.frame())[0] == "15"


async def test_paced_client_is_read_more_slowly_and_in_order() -> None:
    async with limited(RateBreach.PACE, 5) as made, raw_client(made.gateway) as client:
        await client.start()
        for req_id in range(12):
            client.send(81, req_id, "AAPL")
        seen = await answers(client, 5)
        for batch in (5, 2):
            made.wall.advance(0.9)
            made.wall.advance(0.1)
            seen += await answers(client, batch)
        assert [frame[1] for frame in seen] == [str(req_id) for req_id in range(12)]


async def test_paced_client_gets_nothing_before_its_second_is_over() -> None:
    async with limited(RateBreach.PACE, 5) as made, raw_client(made.gateway) as client:
        await client.start()
        ask(client, 6)
        await answers(client, 5)
        made.wall.advance(0.5)
        async with raw_client(made.gateway) as other:
            await other.start(2)
        assert client.received.count(b"DU1234567") == 6, "one of them came with the greeting"
        made.wall.advance(0.5)
        assert (await client.frame())[0] == "15"


async def test_client_may_ask_to_be_paced() -> None:
    async with limited(RateBreach.REJECT, 5) as made, raw_client(made.gateway) as client:
        await client.hello("v157..176 +PACEAPI")
        client.send(71, 2, 1, "")
        await client.until("4")
        await answers(client, 2)
        ask(client, 6)
        assert {frame[0] for frame in await answers(client, 5)} == {"15"}
        made.wall.advance(1)
        assert (await client.frame())[0] == "15"


async def test_without_a_limit_nothing_is_counted() -> None:
    async with limited(RateBreach.REJECT, None) as made, raw_client(made.gateway) as client:
        await client.start()
        ask(client, 500)
        assert {frame[0] for frame in await answers(client, 500)} == {"15"}


@given(
    st.lists(st.floats(0, 0.7), max_size=60),
    st.integers(1, 5),
)
@settings(max_examples=80, deadline=None)
def test_no_window_ever_admits_more_than_the_limit(pauses: list[float], most: int) -> None:
    rate, at_s, admitted = MessageRate(most), 0.0, list[float]()
    for pause in pauses:
        at_s += pause
        if rate.admit(at_s):
            admitted.append(at_s)
    for start in admitted:
        assert len([each for each in admitted if start <= each < start + 1]) <= 2 * most
    assert rate.received == 0 or rate.most == most


@pytest.mark.parametrize(("at_s", "wait_s"), [(0.0, 1.0), (0.25, 0.75), (1.0, 0.0)])
def test_wait_is_until_the_window_ends(at_s: float, wait_s: float) -> None:
    rate = MessageRate(1)
    rate.admit(0.0)
    assert rate.wait_s(at_s) == wait_s
