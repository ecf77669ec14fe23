"""The calls of the client library's own market notebooks, by an unmodified ib_insync."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from apps.paper.clock import ManualClock
from apps.paper.server import PaperGateway
from apps.paper.settings import GatewaySettings
from apps.paper.vendor.permissions import Permissions
from tests.paper.paper_client import OPEN

DEADLINE_S = 10
MINUTE = 60_000
FARMS = (2104, 2106, 2158)
PAIRS = ("EURUSD", "USDJPY", "GBPUSD", "USDCHF", "USDCAD", "AUDUSD")


class Notebook:
    """A connected client, as a notebook has it."""

    def __init__(self, gateway: PaperGateway) -> None:
        import ib_insync  # noqa: PLC0415 - it binds to the loop that runs when it is imported

        self.lib: Any = ib_insync
        self.ib: Any = self.lib.IB()
        self.gateway = gateway
        self.errors: list[tuple[int, str]] = []
        self.ib.errorEvent += lambda _req, code, text, _: self.errors.append((code, text))

    async def sleep(self, millis: int) -> None:
        """Have what was asked for arrive, let market time pass, and hear what came of it."""
        await self.settle()
        self.gateway.advance_to(self.gateway.clock.now() + millis)
        await self.settle()

    async def settle(self) -> None:
        await asyncio.wait_for(self.ib.reqCurrentTimeAsync(), DEADLINE_S)

    async def qualified(self, *contracts: Any) -> Any:
        found = await self.ib.qualifyContractsAsync(*contracts)
        assert len(found) == len(contracts)
        return found

    def codes(self) -> list[int]:
        return [code for code, _ in self.errors if code not in FARMS]


@pytest.fixture
async def notebook() -> AsyncIterator[Notebook]:
    start = ManualClock(OPEN + 60 * MINUTE)
    async with PaperGateway.open(GatewaySettings(seed=7), clock=start) as gateway:
        opened = Notebook(gateway)
        await opened.ib.connectAsync(gateway.host, gateway.port, clientId=14)
        yield opened
        opened.ib.disconnect()


async def test_bar_data_notebook(notebook: Notebook) -> None:
    ib, lib = notebook.ib, notebook.lib
    contract = lib.Stock("TSLA", "SMART", "USD")
    head = await ib.reqHeadTimeStampAsync(contract, "TRADES", True, 1)
    assert head
    bars = await ib.reqHistoricalDataAsync(
        contract, "", "60 D", "1 hour", whatToShow="TRADES", useRTH=True, formatDate=1
    )
    assert len(bars) > 400
    assert bars[-1].date.tzinfo is not None
    pair = lib.Forex("EURUSD")
    running = await ib.reqHistoricalDataAsync(
        pair, "", "900 S", "10 secs", "MIDPOINT", True, 1, keepUpToDate=True
    )
    seen: list[bool] = []
    running.updateEvent += lambda _, has_new: seen.append(has_new)
    before = len(running)
    await notebook.sleep(MINUTE)
    assert len(running) in (before + 5, before + 6, before + 7)
    assert True in seen
    ib.cancelHistoricalData(running)
    live = ib.reqRealTimeBars(pair, 5, "MIDPOINT", False)
    await notebook.sleep(MINUTE)
    assert len(live) == 12
    ib.cancelRealTimeBars(live)
    await notebook.settle()
    # the cancel of bars that are kept up to date is confirmed with 162, as by IB
    assert notebook.codes() == [162]
    assert "API historical data query cancelled" in notebook.errors[-1][1]


async def test_market_depth_notebook(notebook: Notebook) -> None:
    ib, lib = notebook.ib, notebook.lib
    exchanges = await ib.reqMktDepthExchangesAsync()
    assert {"ISLAND", "IDEALPRO"} <= {each.exchange for each in exchanges}
    [pair] = await notebook.qualified(lib.Forex("EURUSD"))
    ticker = ib.reqMktDepth(pair)
    await notebook.sleep(10_000)
    assert len(ticker.domBids) == len(ticker.domAsks) == 5
    bids = [level.price for level in ticker.domBids]
    asks = [level.price for level in ticker.domAsks]
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert bids[0] < asks[0]
    ib.cancelMktDepth(pair)
    [stock] = await notebook.qualified(lib.Stock("AAPL", "SMART", "USD"))
    smart = ib.reqMktDepth(stock, numRows=8, isSmartDepth=True)
    await notebook.sleep(MINUTE)
    assert len(smart.domBids) == 8
    assert {level.marketMaker for level in smart.domBids} - {""}
    ib.cancelMktDepth(stock, isSmartDepth=True)
    components = await ib.reqSmartComponentsAsync("9c0001")
    assert len(components) > 10
    assert notebook.codes() == []


async def test_tick_data_notebook(notebook: Notebook) -> None:
    ib, lib = notebook.ib, notebook.lib
    contracts = await notebook.qualified(*(lib.Forex(pair) for pair in PAIRS))
    for contract in contracts:
        ib.reqMktData(contract, "", False, False)
    await notebook.sleep(10_000)
    tickers = [ib.ticker(contract) for contract in contracts]
    assert all(ticker.bid < ticker.ask for ticker in tickers)
    for contract in contracts:
        ib.cancelMktData(contract)
    euro = contracts[0]
    ticker = ib.reqTickByTickData(euro, "BidAsk")
    await notebook.sleep(MINUTE)
    assert ticker.tickByTicks or ticker.bid > 0
    ib.cancelTickByTickData(euro, "BidAsk")
    now = await ib.reqCurrentTimeAsync()
    start = now - timedelta(minutes=30)
    ticks = await ib.reqHistoricalTicksAsync(euro, start, "", 1000, "BID_ASK", useRth=False)
    assert 1000 <= len(ticks) <= 1010
    assert ticks[0].priceBid < ticks[0].priceAsk
    middles = await ib.reqHistoricalTicksAsync(euro, "", now, 100, "MIDPOINT", useRth=False)
    assert len(middles) >= 100
    assert notebook.codes() == []


async def test_trades_tick_by_tick_and_of_the_past(notebook: Notebook) -> None:
    ib, lib = notebook.ib, notebook.lib
    [stock] = await notebook.qualified(lib.Stock("AAPL", "SMART", "USD"))
    seen: list[Any] = []
    ib.pendingTickersEvent += lambda tickers: seen.extend(
        tick for ticker in tickers for tick in ticker.tickByTicks
    )
    ib.reqTickByTickData(stock, "AllLast", numberOfTicks=10)
    await notebook.sleep(MINUTE)
    assert seen
    assert all(tick.exchange for tick in seen)
    now = await ib.reqCurrentTimeAsync()
    ticks = await ib.reqHistoricalTicksAsync(stock, "", now, 50, "TRADES", useRth=True)
    assert len(ticks) >= 50
    assert ticks[-1].size > 0
    schedule = await ib.reqHistoricalScheduleAsync(stock, 3)
    assert [session.refDate for session in schedule.sessions][-1] == "20261119"
    histogram = await ib.reqHistogramDataAsync(stock, True, "20 minutes")
    assert sum(bucket.count for bucket in histogram) > 0
    assert notebook.codes() == []


async def test_market_data_type_4_and_snapshots_of_the_option_notebook(notebook: Notebook) -> None:
    ib, lib = notebook.ib, notebook.lib
    [index] = await notebook.qualified(lib.Index("SPX", "CBOE"))
    ib.reqMarketDataType(4)
    [ticker] = await ib.reqTickersAsync(index)
    assert ticker.marketPrice() > 0
    assert ticker.marketDataType == 1
    assert notebook.codes() == []


async def test_delayed_data_reaches_a_client_without_the_subscription(notebook: Notebook) -> None:
    ib, lib = notebook.ib, notebook.lib
    notebook.gateway.hub.vendor.permissions = Permissions(frozenset({"AAPL"}))
    [stock] = await notebook.qualified(lib.Stock("AAPL", "SMART", "USD"))
    ib.reqMarketDataType(3)
    ticker = ib.reqMktData(stock)
    await notebook.sleep(MINUTE)
    assert ticker.marketDataType == 3
    assert ticker.bid < ticker.ask
    assert ticker.volume > 0
    assert notebook.codes() == [10167]


async def test_generic_ticks_of_other_terminals_are_understood(notebook: Notebook) -> None:
    ib, lib = notebook.ib, notebook.lib
    [stock] = await notebook.qualified(lib.Stock("AAPL", "SMART", "USD"))
    ticker = ib.reqMktData(stock, "233,295,294,104,106,236,595")
    await notebook.sleep(MINUTE)
    assert ticker.rtVolume > 0
    assert ticker.vwap > 0
    assert ticker.tradeRate > 0
    assert ticker.histVolatility > 0
    assert ticker.shortableShares > 0
    assert ticker.volumeRate > 0
    assert notebook.codes() == []
