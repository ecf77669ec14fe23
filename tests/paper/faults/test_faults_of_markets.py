"""Disturbed markets as clients see them, and as the exchange trades on them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from apps.paper.faults.markets import (
    FlatMarket,
    Halt,
    HistoryDiffers,
    NoTrades,
    PartialFills,
    PriceGap,
    PriceSpike,
)
from apps.paper.feed.disturbed import NoTradeBars
from tests.paper.faults.fault_side import AAPL, Stage, a_stage, ids, order, place, synced
from tests.paper.paper_client import OPEN, RawClient

FIRST, WIDTH = 5, 8


async def history(client: RawClient, seconds: int, *, size: str = "5 secs") -> list[list[str]]:
    client.send(20, 99, *AAPL, 0, "", size, f"{seconds} S", 1, "TRADES", 2, 0, "")
    frame = await client.until("17")
    return [frame[at : at + WIDTH] for at in range(FIRST, len(frame), WIDTH)]


def quoted(stage: Stage) -> tuple[Decimal, Decimal]:
    hub = stage.gateway.hub
    listing = hub.catalogue.by_con_id(265598)
    assert listing is not None
    touch = hub.market.touch(listing, hub.now)
    return touch.bid, touch.ask


async def streamed(stage: Stage, client: RawClient, seconds: int) -> list[list[str]]:
    client.send(50, 3, 1, *AAPL, 5, "TRADES", 1, "")
    await synced(client)
    stage.play(seconds)
    return [each[3:] for each in await synced(client) if each[0] == "50"]


@pytest.mark.parametrize(
    "text",
    [
        "price_gap percent=5 after_s=22",
        "price_spike percent=-3 after_s=22 for_s=11",
        "flat_market after_s=12 for_s=21",
        "no_trades after_s=12 for_s=33",
        "no_trades after_s=12 for_s=33 bars=missing",
        "halt after_s=18 for_s=20",
    ],
)
async def test_streamed_bars_are_the_bars_of_history_in_a_disturbed_market(text: str) -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(text)
        live = await streamed(stage, client, 60)
        assert await history(client, 60) == live
        calm = [each.fault.label for each in stage.gateway.faults.log]
        assert len(calm) == 1


async def test_gap_moves_quotes_trades_and_what_fills() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        bid, ask = quoted(stage)
        stage.gateway.faults.inject(PriceGap(Decimal(10)), symbol="AAPL")
        stage.play(1)
        assert quoted(stage)[0] > bid * Decimal("1.09")
        await place(client, order(1, kind="MKT", price=None))
        execution = stage.gateway.hub.exchange.executions()[0]
        assert execution.price > ask * Decimal("1.09")


async def test_gap_at_a_market_time_is_there_on_the_dot() -> None:
    async with a_stage() as stage:
        at = datetime.fromtimestamp(OPEN / 1000 + 30, UTC)
        stage.gateway.faults.inject(PriceGap(Decimal(-20)), at=at)
        client = await stage.client()
        live = await streamed(stage, client, 60)
        closes = [float(bar[4]) for bar in live]
        assert closes[5] * 0.85 > closes[6]
        assert max(closes[6:]) < min(closes[:6])


async def test_other_symbols_are_not_disturbed() -> None:
    async with a_stage() as stage, a_stage() as calm:
        stage.gateway.faults.inject(PriceGap(Decimal(10)), symbol="MSFT")
        for each in (stage, calm):
            each.play(5)
        assert quoted(stage) == quoted(calm)


async def test_spike_is_over_as_if_it_had_not_been() -> None:
    async with a_stage() as stage, a_stage() as calm:
        stage.gateway.faults.inject(PriceSpike(Decimal(5), for_s=10))
        for each in (stage, calm):
            each.play(5)
        assert quoted(stage) != quoted(calm)
        for each in (stage, calm):
            each.play(30)
        assert quoted(stage) == quoted(calm)


async def test_flat_market_trades_on_at_one_price() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(FlatMarket())
        live = await streamed(stage, client, 60)
        flat = live[1:]
        assert len({price for bar in flat for price in bar[1:5]}) == 1
        assert any(int(bar[5]) > 0 for bar in flat)


async def test_market_that_never_trades_has_flat_bars_or_none() -> None:
    for bars in NoTradeBars:
        async with a_stage() as stage:
            client = await stage.client()
            stage.gateway.faults.inject(NoTrades(bars=bars))
            before = quoted(stage)
            live = (await streamed(stage, client, 300))[1:]
            assert quoted(stage) != before, "quotes move"
            if bars is NoTradeBars.MISSING:
                assert live == []
            else:
                assert {(bar[5], bar[7]) for bar in live} == {("0", "0")}
            await place(client, order(1, price="1.00"))
            assert stage.gateway.hub.exchange.executions() == ()


async def test_halted_symbol_does_not_trade_says_so_and_trades_on() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        client.send(1, 11, 4, *AAPL, 0, "", 0, 0, "")
        await synced(client)
        stage.gateway.faults.inject(Halt(for_s=60), symbol="AAPL")
        halted = [each for each in await synced(client) if each[0] == "45"]
        assert ["45", "6", "4", "49", "1"] in halted
        stage.play(1)
        quotes = quoted(stage)
        await place(client, order(1, kind="MKT", price=None))
        stage.play(58)
        assert quoted(stage) == quotes
        assert stage.gateway.hub.exchange.executions() == ()
        stage.play(2)
        assert len(stage.gateway.hub.exchange.executions()) >= 1
        told = await synced(client)
        assert ["45", "6", "4", "49", "0"] in told
        assert "11" in ids(told)


async def test_orders_fill_in_pieces_of_the_given_sizes() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        pieces = PartialFills((Decimal(3), Decimal(2)))
        stage.gateway.faults.inject(pieces, symbol="AAPL")
        await place(client, order(1, kind="MKT", price=None, quantity=10))
        stage.play(120)
        sizes = [each.quantity for each in stage.gateway.hub.exchange.executions()]
        assert sizes == [3, 2, 2, 2, 1]


async def test_pieces_are_for_the_order_they_are_meant_for() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(PartialFills((Decimal(1),)), order_ref="slow")
        await place(client, order(1, kind="MKT", price=None))
        assert [each.quantity for each in stage.gateway.hub.exchange.executions()] == [10]


async def test_history_leaves_out_some_trades_until_the_fault_is_taken_out() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        live = await streamed(stage, client, 300)
        fault = stage.gateway.faults.inject(HistoryDiffers())
        thinned = await history(client, 300)
        assert thinned != live
        assert sum(int(bar[5]) for bar in thinned) < sum(int(bar[5]) for bar in live)
        fault.remove()
        assert await history(client, 300) == live


async def test_disturbed_day_and_minutes_add_up() -> None:
    async with a_stage() as stage:
        client = await stage.client()
        stage.gateway.faults.inject(PriceGap(Decimal(7)), after_s=95)
        stage.play(180)
        minutes = await history(client, 180, size="1 min")
        fives = await history(client, 180)
        for number, minute in enumerate(minutes):
            parts = fives[number * 12 : number * 12 + 12]
            assert float(minute[2]) == max(float(part[2]) for part in parts)
            assert float(minute[3]) == min(float(part[3]) for part in parts)
            assert int(minute[5]) == sum(int(part[5]) for part in parts)
