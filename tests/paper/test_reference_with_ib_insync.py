"""What the notebooks of ib_insync ask of instruments: contract details, option chains, scanners."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest

from apps.paper.bulletins import BulletinKind
from apps.paper.clock import ManualClock
from apps.paper.server import PaperGateway
from apps.paper.settings import GatewaySettings
from tests.paper.paper_client import OPEN

DEADLINE_S = 10
MINUTE = 60_000


class Notebook:
    """A connected ib_insync, and what it was told of errors."""

    def __init__(self, gateway: PaperGateway) -> None:
        import ib_insync  # noqa: PLC0415 - it binds to the loop that runs when it is imported

        self.lib: Any = ib_insync
        self.ib = self.lib.IB()
        self.gateway = gateway
        self.errors: list[tuple[int, str]] = []
        self.ib.errorEvent += lambda _req, code, text, _contract: self.errors.append((code, text))

    def codes(self) -> list[int]:
        return [code for code, _ in self.errors if code not in (2104, 2106, 2158)]

    async def settle(self) -> None:
        await asyncio.wait_for(self.ib.reqCurrentTimeAsync(), DEADLINE_S)

    async def play(self, millis: int) -> None:
        self.gateway.advance_to(self.gateway.clock.now() + millis)
        await self.settle()


@pytest.fixture
async def notebook() -> AsyncIterator[Notebook]:
    async with PaperGateway.open(GatewaySettings(seed=7), clock=ManualClock(OPEN)) as gateway:
        connected = Notebook(gateway)
        await connected.ib.connectAsync(gateway.host, gateway.port, clientId=12)
        yield connected
        connected.ib.disconnect()


# contract_details


async def test_contract_details_notebook(notebook: Notebook) -> None:
    ib, lib = notebook.ib, notebook.lib
    several = await ib.reqContractDetailsAsync(lib.Stock("AMD"))
    assert len(several) > 1
    assert {each.contract.conId for each in several} >= {4391}
    amd, intc = lib.Stock("AMD", "SMART", "USD"), lib.Stock("INTC", "SMART", "USD")
    for contract in (amd, intc, lib.Forex("EURUSD")):
        assert len(await ib.reqContractDetailsAsync(contract)) == 1
    assert await ib.reqContractDetailsAsync(lib.Stock("XXX", "SMART", "USD")) == []
    [by_id] = await ib.reqContractDetailsAsync(lib.Contract(conId=4391))
    assert by_id.contract == lib.Contract(
        secType="STK",
        conId=4391,
        symbol="AMD",
        exchange="SMART",
        primaryExchange="NASDAQ",
        currency="USD",
        localSymbol="AMD",
        tradingClass="NMS",
    )
    assert await ib.qualifyContractsAsync(amd) == [amd]
    assert (amd.conId, amd.primaryExchange) == (4391, "NASDAQ")
    matches = await ib.reqMatchingSymbolsAsync("intc")
    assert matches[0].contract.conId == 270639
    assert "OPT" in matches[0].derivativeSecTypes
    assert notebook.codes() == [200]


async def test_contradiction_between_id_and_symbol_is_478(notebook: Notebook) -> None:
    contract = notebook.lib.Contract(conId=4391, symbol="INTC")
    assert await notebook.ib.reqContractDetailsAsync(contract) == []
    assert notebook.codes() == [478]


# option_chain


async def test_option_chain_notebook(notebook: Notebook) -> None:
    ib, lib = notebook.ib, notebook.lib
    spx = lib.Index("SPX", "CBOE")
    assert await ib.qualifyContractsAsync(spx) == [spx]
    ib.reqMarketDataType(4)
    [ticker] = await ib.reqTickersAsync(spx)
    spot = ticker.marketPrice()
    assert spot > 0
    chains = await ib.reqSecDefOptParamsAsync(spx.symbol, "", spx.secType, spx.conId)
    chain = next(each for each in chains if each.tradingClass == "SPX" and each.exchange == "SMART")
    strikes = [strike for strike in chain.strikes if strike % 5 == 0 and abs(strike - spot) < 7]
    expirations = sorted(chain.expirations)[:3]
    contracts = [
        lib.Option("SPX", expiration, strike, right, "SMART", tradingClass="SPX")
        for right in ("P", "C")
        for expiration in expirations
        for strike in strikes
    ]
    assert len(contracts) >= 6
    qualified = await ib.qualifyContractsAsync(*contracts)
    assert len(qualified) == len(contracts)
    assert len({contract.conId for contract in qualified}) == len(contracts)
    assert all(contract.multiplier == "100" for contract in qualified)
    tickers = await ib.reqTickersAsync(*qualified)
    for each in tickers:
        assert each.bid < each.ask
        assert each.modelGreeks.impliedVol == pytest.approx(0.16)
        sign = 1 if each.contract.right == "C" else -1
        assert 0 < sign * each.modelGreeks.delta < 1
        assert each.bidGreeks.optPrice == each.bid
        assert each.modelGreeks.undPrice == pytest.approx(spot, rel=0.01)
    assert notebook.codes() == []


async def test_whole_expiry_is_listed(notebook: Notebook) -> None:
    option = notebook.lib.Option("AAPL", "20261218", exchange="SMART")
    details = await notebook.ib.reqContractDetailsAsync(option)
    assert len(details) > 50
    assert {each.contract.right for each in details} == {"C", "P"}
    assert {each.underConId for each in details} == {265598}


async def test_option_streams_with_its_greeks(notebook: Notebook) -> None:
    ib, lib = notebook.ib, notebook.lib
    option = lib.Option("AAPL", "20261218", 270, "C", "SMART")
    await ib.qualifyContractsAsync(option)
    ticker = ib.reqMktData(option)
    await notebook.settle()
    before = (ticker.bid, ticker.ask, ticker.modelGreeks)
    await notebook.play(MINUTE)
    assert (ticker.bid, ticker.ask, ticker.modelGreeks) != before
    assert ticker.modelGreeks.gamma > 0
    assert math.isnan(ticker.last)
    ib.cancelMktData(option)


async def test_calculations_answer_each_other(notebook: Notebook) -> None:
    ib, lib = notebook.ib, notebook.lib
    option = lib.Option("AAPL", "20261218", 270, "P", "SMART")
    await ib.qualifyContractsAsync(option)
    priced = await asyncio.wait_for(
        ib.calculateOptionPriceAsync(option, volatility=0.35, underPrice=268), DEADLINE_S
    )
    implied = await asyncio.wait_for(
        ib.calculateImpliedVolatilityAsync(option, priced.optPrice, 268), DEADLINE_S
    )
    assert implied.impliedVol == pytest.approx(0.35, abs=1e-5)
    assert implied.delta == pytest.approx(priced.delta, abs=1e-5)
    assert -1 < implied.delta < 0


async def test_option_is_bought_and_held(notebook: Notebook) -> None:
    ib, lib = notebook.ib, notebook.lib
    option = lib.Option("AAPL", "20261218", 270, "C", "SMART")
    await ib.qualifyContractsAsync(option)
    trade = ib.placeOrder(option, lib.MarketOrder("BUY", 1, tif="DAY"))
    await notebook.play(MINUTE)
    assert trade.orderStatus.status == "Filled"
    [position] = ib.positions()
    held = position.contract
    assert (held.conId, held.strike, held.right, held.multiplier) == (
        option.conId,
        270,
        "C",
        "100",
    )
    assert position.avgCost == pytest.approx(100 * trade.orderStatus.avgFillPrice, rel=0.01)


async def test_futures_chain_and_its_continuous_one(notebook: Notebook) -> None:
    ib, lib = notebook.ib, notebook.lib
    chain = await ib.reqContractDetailsAsync(lib.Future("ES", exchange="CME"))
    assert [each.contract.localSymbol for each in chain][:2] == ["ESZ6", "ESH7"]
    expired = await ib.reqContractDetailsAsync(
        lib.Future("ES", exchange="CME", includeExpired=True)
    )
    assert len(expired) > len(chain)
    continuous = lib.ContFuture("ES", "CME")
    assert await ib.qualifyContractsAsync(continuous) == [continuous]
    assert continuous.conId == chain[0].contract.conId
    bars = await ib.reqHistoricalDataAsync(continuous, "", "1 D", "1 hour", "TRADES", True)
    assert bars


# scanners


async def test_scanners_notebook(notebook: Notebook) -> None:
    ib, lib = notebook.ib, notebook.lib
    futures = await ib.reqScannerDataAsync(
        lib.ScannerSubscription(
            instrument="FUT.US", locationCode="FUT.GLOBEX", scanCode="TOP_PERC_GAIN"
        )
    )
    losers = await ib.reqScannerDataAsync(
        lib.ScannerSubscription(
            instrument="FUT.US", locationCode="FUT.GLOBEX", scanCode="TOP_PERC_LOSE"
        )
    )
    assert len(futures) + len(losers) > 5
    stocks = lib.ScannerSubscription(
        instrument="STK", locationCode="STK.US.MAJOR", scanCode="TOP_PERC_GAIN"
    )
    tags = [lib.TagValue("priceAbove", "5"), lib.TagValue("priceBelow", "400")]
    gainers = await ib.reqScannerDataAsync(stocks, [], tags)
    assert [each.rank for each in gainers] == list(range(len(gainers)))
    assert all(each.contractDetails.contract.conId for each in gainers)
    details = await ib.reqContractDetailsAsync(
        lib.Contract(conId=gainers[0].contractDetails.contract.conId)
    )
    assert len(details) == 1
    tree = fromstring(await ib.reqScannerParametersAsync())  # noqa: S314 - our own document
    fields = {each.text for each in tree.findall(".//AbstractField/code")}
    assert {"priceAbove", "priceBelow", "changePercAbove"} <= fields
    assert "TOP_PERC_GAIN" in {each.text for each in tree.findall(".//scanCode")}
    assert "STK.US.MAJOR" in {each.text for each in tree.findall(".//locationCode")}
    assert set(notebook.codes()) == {162, 165}  # counts, and cancellations as IB echoes them


async def test_running_scan_is_refreshed(notebook: Notebook) -> None:
    ib, lib = notebook.ib, notebook.lib
    rows = ib.reqScannerSubscription(
        lib.ScannerSubscription(
            instrument="STK", locationCode="STK.US", scanCode="MOST_ACTIVE", numberOfRows=5
        )
    )
    updates: list[Any] = []
    rows.updateEvent += updates.append
    await notebook.settle()
    await notebook.play(2 * MINUTE)
    assert len(rows) == 5
    assert len(updates) >= 4
    ib.cancelScannerSubscription(rows)


# the rest


async def test_bulletin_is_read(notebook: Notebook) -> None:
    ib = notebook.ib
    ib.reqNewsBulletins(True)
    await notebook.settle()
    notebook.gateway.hub.bulletin("NYSE is down.", BulletinKind.EXCHANGE_UNAVAILABLE, "NYSE")
    await notebook.play(1_000)
    [bulletin] = ib.newsBulletins()
    assert (bulletin.msgType, bulletin.message, bulletin.origExchange) == (
        2,
        "NYSE is down.",
        "NYSE",
    )
    ib.cancelNewsBulletins()


async def test_news_and_research_are_empty_or_refused(notebook: Notebook) -> None:
    ib, lib = notebook.ib, notebook.lib
    assert await ib.reqNewsProvidersAsync() == []
    assert not await ib.reqHistoricalNewsAsync(265598, "BZ", "", "", 10)
    assert await ib.reqNewsArticleAsync("BZ", "BZ$1") in (None, [])
    stock = lib.Stock("AAPL", "SMART", "USD")
    assert not await ib.reqFundamentalDataAsync(stock, "ReportSnapshot")
    assert notebook.codes() == [10172, 430]
