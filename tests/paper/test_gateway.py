from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal

import pytest

from apps.paper.clock import ManualClock, MarketClock
from apps.paper.feed.market import MarketBar
from apps.paper.feed.synthetic import SyntheticMarket
from apps.paper.server import PaperGateway
from apps.paper.settings import GatewaySettings
from tests.paper.paper_client import OPEN, RawClient, raw_client

AAPL = (0, "AAPL", "STK", "", 0.0, "", "", "SMART", "", "USD", "", "")


async def test_client_gets_accounts_and_next_id_after_the_handshake(gateway: PaperGateway) -> None:
    async with raw_client(gateway) as client:
        version, _ = await client.hello()
        client.send(71, 2, 1, "")
        accounts, next_id = await client.frame(), await client.frame()
    assert version == "176"
    assert accounts == ["15", "1", "DU1234567"]
    assert next_id == ["9", "1", "1"]


@pytest.mark.parametrize(("offered", "answer"), [("v100..157", "157"), ("v157..225", "176")])
async def test_version_is_the_highest_that_both_speak(
    gateway: PaperGateway, offered: str, answer: str
) -> None:
    async with raw_client(gateway) as client:
        assert (await client.hello(offered))[0] == answer


async def test_client_of_newer_versions_only_is_told_503_and_let_go(gateway: PaperGateway) -> None:
    async with raw_client(gateway) as client:
        # all that the official clients read at this point is a version; a check of it is theirs
        assert (await client.hello("v201..225"))[0] == "176"
        client.send(71, 2, 1, "")
        text = "The TWS is out of date and must be upgraded."
        assert await client.frame() == ["4", "2", "-1", "503", text, ""]
        assert await client.at_end()


async def test_used_client_id_gets_326_and_the_holder_is_unharmed(gateway: PaperGateway) -> None:
    async with raw_client(gateway) as holder, raw_client(gateway) as second:
        await holder.start(5)
        await second.hello()
        second.send(71, 2, 5, "")
        assert "326" in await second.frame()
        assert await second.at_end()
        holder.send(49, 1)
        assert await holder.until("49") == ["49", "1", str(OPEN // 1000)]


@pytest.mark.parametrize(
    ("fields", "req_id"),
    [((12345, 1), "-1"), ((22, 77, "x"), "77"), ((50, 3, 4, "nonsense"), "4"), (("",), "-1")],
)
async def test_request_that_cannot_be_answered_gets_an_error_with_its_id(
    gateway: PaperGateway, fields: tuple[object, ...], req_id: str
) -> None:
    async with raw_client(gateway) as client:
        await client.start()
        client.send(*fields)
        error = await client.until("4")
        assert error[2] == req_id
        client.send(49, 1)
        await client.until("49")


async def test_garbage_ends_that_connection_only(gateway: PaperGateway) -> None:
    async with raw_client(gateway) as good, raw_client(gateway) as bad:
        await good.start(1)
        bad._writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert await bad.at_end()
        good.send(49, 1)
        await good.until("49")


@pytest.mark.parametrize(
    ("symbol", "sec_type", "currency", "text"),
    [
        ("NOSUCH", "STK", "USD", "No security definition has been found for the request"),
        ("AMD", "STK", "", "ambiguous"),
    ],
)
async def test_unknown_or_ambiguous_contract_gets_200(
    gateway: PaperGateway, symbol: str, sec_type: str, currency: str, text: str
) -> None:
    async with raw_client(gateway) as client:
        await client.start()
        contract = (0, symbol, sec_type, "", 0.0, "", "", "", "", currency, "", "")
        client.send(50, 3, 9, *contract, 5, "TRADES", 1, "")
        error = await client.until("4")
    assert error[2:4] == ["9", "200"]
    assert text in error[4]


async def test_streamed_bars_are_the_bars_of_history(
    gateway: PaperGateway, clock: ManualClock
) -> None:
    async with raw_client(gateway) as client:
        await client.start()
        client.send(50, 3, 1, *AAPL, 5, "TRADES", 1, "")
        client.send(49, 1)
        await client.until("49")
        gateway.advance_to(OPEN + 120_000)
        streamed = [(await client.until("50"))[3:] for _ in range(24)]
        client.send(20, 2, *AAPL, 0, "", "5 secs", "120 S", 1, "TRADES", 2, 0, "")
        history = await client.until("17")
    width, count = 8, int(history[4])
    fetched = [history[5 + n * width : 5 + (n + 1) * width] for n in range(count)]
    assert fetched == streamed


async def test_same_requests_at_the_same_times_give_the_same_bytes() -> None:
    first, second = await _transcript(seed=3), await _transcript(seed=3)
    assert first == second
    assert first != await _transcript(seed=4)


async def _transcript(seed: int) -> bytes:
    clock = ManualClock(OPEN)
    async with (
        PaperGateway.open(GatewaySettings(seed=seed), clock=clock) as gateway,
        raw_client(gateway) as client,
    ):
        await client.start()
        client.send(1, 11, 1, *AAPL, 0, "", 0, 0, "")
        client.send(50, 3, 2, *AAPL, 5, "TRADES", 1, "")
        client.send(6, 2, 1, "DU1234567")
        await client.until("54")
        gateway.advance_to(OPEN + 30_000)
        client.send(20, 3, *AAPL, 0, "", "1 min", "1 D", 1, "TRADES", 1, 0, "")
        await client.until("17")
        return client.received


async def test_slow_reader_does_not_hold_up_another(gateway: PaperGateway) -> None:
    async with raw_client(gateway) as slow, raw_client(gateway) as quick:
        await slow.start(1)
        await quick.start(2)
        slow.send(50, 3, 1, *AAPL, 5, "TRADES", 1, "")
        quick.send(50, 3, 1, *AAPL, 5, "TRADES", 1, "")
        quick.send(49, 1)
        await quick.until("49")
        gateway.advance_to(OPEN + 60_000)
        for _ in range(12):
            await quick.until("50")


async def test_gateway_closes_its_clients_when_it_ends() -> None:
    async with PaperGateway.open(clock=ManualClock(OPEN)) as gateway:
        client = RawClient(*await asyncio.open_connection(gateway.host, gateway.port))
        await client.start()
    assert await client.at_end()
    await client.close()


async def test_two_accounts_are_both_named() -> None:
    settings = GatewaySettings(accounts=("DU1", "DU2"), cash=Decimal(1000))
    async with (
        PaperGateway.open(settings, clock=ManualClock(OPEN)) as gateway,
        raw_client(gateway) as client,
    ):
        await client.hello()
        client.send(71, 2, 1, "")
        assert (await client.frame())[2] == "DU1,DU2"


class BrokenMarket(SyntheticMarket):
    """A market whose path breaks when bars are asked for."""

    def bars(self, *_: object, **__: object) -> Sequence[MarketBar]:
        raise ArithmeticError("no such price")


async def test_market_that_fails_lets_its_clients_go_and_tells_its_error() -> None:
    let_go: list[RawClient] = []
    with pytest.raises(ArithmeticError, match="no such price"):
        await _watch(BrokenMarket(), let_go)
    # the market's error would hide one of the client's, so what the client saw is asked here
    assert len(let_go) == 1


async def _watch(market: BrokenMarket, let_go: list[RawClient]) -> None:
    clock = MarketClock(start=OPEN, speed=1000, monotonic=time.monotonic)
    async with (
        PaperGateway.open(market=market, clock=clock) as gateway,
        raw_client(gateway) as client,
    ):
        await client.start()
        client.send(50, 3, 1, *AAPL, 5, "TRADES", 1, "")
        with suppress(ConnectionResetError):
            await client.at_end()
        let_go.append(client)


async def test_error_in_the_block_comes_out_as_it_is() -> None:
    clock = MarketClock(start=OPEN, speed=1, monotonic=time.monotonic)
    with pytest.raises(LookupError):
        async with PaperGateway.open(clock=clock):
            raise LookupError


async def test_long_history_is_answered_in_pieces_and_holds_up_nobody() -> None:
    clock = MarketClock(start=OPEN + 6 * 3_600_000, speed=1, monotonic=time.monotonic)
    async with (
        PaperGateway.open(GatewaySettings(seed=7), clock=clock) as gateway,
        raw_client(gateway) as patient,
        raw_client(gateway) as other,
    ):
        await patient.start(1)
        await other.start(2)
        patient.send(20, 1, *AAPL, 0, "", "5 secs", "3 D", 1, "TRADES", 2, 0, "")
        patient.send(49, 1)
        await patient.until("49")
        assert gateway.hub.jobs
        other.send(49, 1)
        await other.until("49")
        assert gateway.hub.jobs
        history = await patient.until("17")
    assert int(history[4]) == 2 * 4680 + 4320


async def test_market_asked_to_run_too_fast_falls_behind_and_still_answers() -> None:
    clock = MarketClock(start=OPEN, speed=10_000, monotonic=time.monotonic)
    async with (
        PaperGateway.open(GatewaySettings(seed=7), clock=clock) as gateway,
        raw_client(gateway) as client,
    ):
        await client.start()
        symbols = [each.symbol for each in gateway.hub.catalogue if each.stock_type][:40]
        for req_id, symbol in enumerate(symbols):
            contract = (0, symbol, "STK", "", 0.0, "", "", "SMART", "", "USD", "", "")
            client.send(50, 3, req_id, *contract, 5, "TRADES", 0, "")
        bars = [await client.until("50") for _ in range(200)]
        played_to = gateway.hub.now
        gateway.settle()
        assert gateway.hub.now == played_to, "a request does not wait for a turn of its own"
        client.send(49, 1)
        asked_at = int((await client.until("49"))[2])
    assert asked_at >= int(bars[-1][3])
