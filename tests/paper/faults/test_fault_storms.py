"""Any faults at all, in any order: when they are over the gateway is whole, and nothing is left."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.paper.faults.fault import Trigger
from apps.paper.faults.registry import EFFECTS, REQUIRED, parameters
from tests.paper.faults.fault_side import (
    AAPL,
    EURUSD,
    Stage,
    a_stage,
    frame_of,
    order,
    place,
    statuses,
    synced,
)
from tests.paper.paper_client import RawClient

KINDS = {
    Trigger.ANYTHING: ("", "openOrder", "realtimeBar", "placeOrder", "request", "execDetails"),
    Trigger.MESSAGE: ("openOrder", "orderStatus", "placeOrder", "request", "response", "error"),
    Trigger.REQUEST: ("placeOrder", "request", "reqRealTimeBars"),
    Trigger.RESPONSE: ("response", "nextValidId"),
}


@st.composite
def fault_texts(draw: st.DrawFn) -> str:
    effect = EFFECTS[draw(st.sampled_from(sorted(EFFECTS)))]
    words = [effect.NAME]
    words += [f"{key}=321" for key, each in parameters(effect).items() if each.default is REQUIRED]
    if on := draw(st.sampled_from(KINDS[effect.TRIGGER])):
        words += [f"on={on}", f"times={draw(st.integers(0, 2))}", f"nth={draw(st.integers(1, 3))}"]
        words += draw(st.sampled_from([[], ["chance=0.5"], ["client=1"], ["symbol=AAPL"]]))
    else:
        words += draw(st.sampled_from([[], ["after_s=7"], ["after_s=3", "clock=wall"]]))
    return " ".join(words)


STEPS = st.lists(
    st.sampled_from(["connect", "orders", "bars", "play", "wall", "close", "inject"]),
    min_size=3,
    max_size=14,
)


class Storm:
    def __init__(self, stage: Stage, faults: list[str]) -> None:
        self.stage = stage
        self.faults = faults
        self.clients: list[RawClient] = []
        self.order_id = 0

    async def take(self, step: str) -> None:
        match step:
            case "inject" if self.faults:
                self.stage.gateway.faults.inject(self.faults.pop())
            case "connect":
                await self.connect()
            case "orders" | "bars":
                self.ask(step)
            case "play":
                self.stage.play(6)
            case "wall":
                self.stage.wall.advance(4)
            case "close" if self.clients:
                self.clients.pop()._writer.transport.abort()
        for _ in range(4):
            await asyncio.sleep(0)

    async def connect(self) -> None:
        with suppress(OSError):
            client = await self.stage.connect()
            client._writer.write(b"API\0\0\0\0\x09v157..176")
            client.send(71, 2, len(self.clients) % 2 + 1, "")
            self.clients.append(client)

    def ask(self, step: str) -> None:
        for client in self.clients:
            if step == "bars":
                client.send(50, 3, 1, *AAPL, 5, "TRADES", 0, "")
                client.send(20, 2, *EURUSD, 0, "", "5 secs", "60 S", 0, "MIDPOINT", 2, 1, "")
                client.send(1, 11, 3, *AAPL, 0, "", 0, 0, "")
                continue
            self.order_id += 10
            first = self.order_id
            for each in (
                order(first, kind="MKT", price=None, transmit=False),
                order(first + 1, "SELL", price="999.00", parent_id=first, transmit=False),
                order(first + 2, "SELL", kind="STP", price="1.00", parent_id=first),
            ):
                client.send(*frame_of(each))

    async def over(self) -> None:
        """Let it be over, and see that all is well."""
        stage = self.stage
        stage.gateway.faults.clear()
        for client in self.clients:
            client._writer.transport.abort()
        stage.wall.advance(100)
        await stage.left()
        assert stage.gateway.counts().hub.sessions == 0
        assert stage.gateway.faults.is_quiet
        fresh = await stage.client(9)
        client_orders = await place(fresh, order(1))
        assert (1, "Submitted") in statuses(client_orders)
        fresh.send(50, 3, 1, *EURUSD, 5, "MIDPOINT", 0, "")
        await synced(fresh)
        stage.play(5)
        assert "50" in {frame[0] for frame in await synced(fresh)}


@given(st.lists(fault_texts(), min_size=1, max_size=5), STEPS)
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_after_any_storm_the_gateway_is_whole_and_nothing_is_left(
    caplog: pytest.LogCaptureFixture, faults: list[str], steps: list[str]
) -> None:
    caplog.clear()

    async def run() -> None:
        async with a_stage() as stage:
            storm = Storm(stage, list(faults))
            for step in ["connect", "inject", *steps]:
                await storm.take(step)
            while storm.faults:
                await storm.take("inject")
            await storm.over()

    asyncio.run(run())
    assert [each for each in caplog.records if each.levelno >= logging.ERROR] == []
