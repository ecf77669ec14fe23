"""A state file behind a socket: what is told is kept, and what is not kept is not told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from apps.paper.clock import ManualClock
from apps.paper.exchange.record import ExchangeRecord
from apps.paper.feed.market import Millis
from apps.paper.server import PaperGateway
from apps.paper.settings import GatewaySettings
from apps.paper.state.errors import StateLost
from apps.paper.state.file import StateFile
from apps.paper.state.opening import opening_on
from tests.paper.paper_client import OPEN, RawClient, raw_client
from tests.paper.state.wire_orders import place

DAY_MS = 86_400_000


@asynccontextmanager
async def gateway_on(
    path: Path, at: Millis = OPEN, **changed: object
) -> AsyncIterator[PaperGateway]:
    with StateFile.open(path) as file:
        wanted = replace(GatewaySettings(seed=7), **changed)  # type: ignore[arg-type]  # its fields
        settings = opening_on(file.kept(), wanted).settings
        file.settle(accounts=settings.accounts, cash=settings.cash)
        async with PaperGateway.open(settings, clock=ManualClock(at), store=file) as gateway:
            yield gateway


async def orders_there_are(client: RawClient) -> dict[str, str]:
    """Give status by order id."""
    client.send(16, 1)
    found = {}
    while (fields := await client.frame())[0] != "53":
        if fields[0] == "3":
            found[fields[1]] = fields[2]
    return found


async def answered(client: RawClient) -> None:
    client.send(49, 1)
    await client.until("49")


async def test_bracket_goes_on_after_an_orderly_end(tmp_path: Path) -> None:
    async with gateway_on(tmp_path / "state") as first, raw_client(first) as client:
        await client.start(5)
        place(client, 3, "AAPL", "BUY", order_type="MKT", transmit=False)
        child = {"parent_id": 3, "time_in_force": "GTC"}
        place(
            client, 4, "AAPL", "SELL", order_type="LMT", limit_price="5000", transmit=False, **child
        )
        place(client, 5, "AAPL", "SELL", order_type="STP", stop_price="1", model_code="m", **child)
        await answered(client)
    async with gateway_on(tmp_path / "state", seed=9) as second, raw_client(second) as client:
        await client.hello()
        client.send(71, 2, 5, "")
        assert await client.until("9") == ["9", "1", "6"]
        assert await orders_there_are(client) == {"4": "Submitted", "5": "PreSubmitted"}
        client.send(61, 1)
        assert (await client.until("61"))[14] == "10"


async def test_request_is_echoed_whole_by_the_next_gateway(tmp_path: Path) -> None:
    echoes: list[list[str]] = []
    for _ in range(2):
        async with gateway_on(tmp_path / "state") as gateway, raw_client(gateway) as client:
            await client.start(1)
            if not echoes:
                place(
                    client,
                    1,
                    "AAPL",
                    "BUY",
                    order_type="LMT",
                    limit_price="5",
                    time_in_force="GTC",
                    order_ref="mine",
                    model_code="model",
                    clearing_intent="IB",
                )
                await answered(client)
            client.send(16, 1)
            echoes.append(await client.until("5"))
    assert echoes[0] == echoes[1]
    assert {"mine", "model"} <= set(echoes[1])


async def test_clock_that_is_behind_the_file_stands_still_until_it_is_there(tmp_path: Path) -> None:
    times = []
    for at in (OPEN + 60_000, OPEN):
        async with gateway_on(tmp_path / "state", at) as gateway, raw_client(gateway) as client:
            await client.start()
            client.send(49, 1)
            times.append(int((await client.until("49"))[2]))
    assert times == [(OPEN + 60_000) // 1000] * 2


async def test_day_order_expires_while_the_gateway_is_off_and_a_gtc_stays(tmp_path: Path) -> None:
    async with gateway_on(tmp_path / "state") as first, raw_client(first) as client:
        await client.start()
        place(client, 1, "AAPL", "BUY", order_type="LMT", limit_price="5", time_in_force="DAY")
        place(client, 2, "AAPL", "BUY", order_type="LMT", limit_price="5", time_in_force="GTC")
        await answered(client)
    async with gateway_on(tmp_path / "state", OPEN + DAY_MS) as gateway:
        async with raw_client(gateway) as client:
            await client.start()
            assert await orders_there_are(client) == {"2": "Submitted"}
        (ended,) = gateway.hub.exchange.completed_orders()
    assert ended.order.order_id == 1
    # at the end of its session, long before the gateway came back
    assert ended.done_at == OPEN + 390 * 60_000


async def test_time_goes_on_to_the_millisecond(tmp_path: Path) -> None:
    async with gateway_on(tmp_path / "state", OPEN + 123):
        pass
    with StateFile.open(tmp_path / "state") as file:
        assert file.kept().market_time == OPEN + 123


class FullDisk:
    """A store that fails when something has happened."""

    def restored(self) -> ExchangeRecord | None:
        return None

    def keep(self, changes: ExchangeRecord | None, now: Millis) -> None:
        if changes is not None:
            raise StateLost("The disk is full.")


async def test_what_cannot_be_kept_is_told_to_nobody_and_ends_the_gateway() -> None:
    opened = PaperGateway.open(GatewaySettings(), clock=ManualClock(OPEN), store=FullDisk())
    gateway = await opened.__aenter__()
    async with raw_client(gateway) as client, raw_client(gateway) as other:
        await client.start(1)
        await other.start(2)
        heard = client.received
        place(client, 1, "AAPL", "BUY", order_type="MKT")
        assert await client.at_end()
        assert await other.at_end()
        assert client.received == heard
    assert gateway.ended.is_set()
    with pytest.raises(StateLost, match="The disk is full"):
        await opened.__aexit__(None, None, None)
