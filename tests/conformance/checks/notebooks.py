"""The calls of ib_insync's and ib_async's own test suites and notebooks, in scripts of our own.

They use what only these two libraries have, their class IB, as a program of a user's would.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tests.conformance.client import NotInThisClient
from tests.conformance.features import Bench, Part

NOTEBOOKS = Part("Suites and notebooks")
_WITHIN_S = 8.0


async def user(bench: Bench, client_id: int) -> tuple[Any, Any]:
    """Connect as a user of the library; give its IB and its module."""
    client: Any = await bench.connect(client_id)
    if not hasattr(client, "ib"):
        raise NotInThisClient("these are programs of ib_insync and ib_async")
    return client.ib, client.library


def expected(bench: Bench, *codes: int) -> None:
    """Take note that errors of these codes are meant to come."""
    for client in bench.clients:
        client.expect(*codes)


async def until(ib: Any, condition: Callable[[], object], within_s: float = _WITHIN_S) -> None:
    """Wait until something holds, looking whenever anything came."""
    async with asyncio.timeout(within_s):
        while not condition():
            await ib.updateEvent


@NOTEBOOKS.feature("suite: what-if of a EURUSD market order")
async def what_if_of_a_pair(bench: Bench) -> None:
    ib, library = await user(bench, 1)
    [pair] = await ib.qualifyContractsAsync(library.Forex("EURUSD"))
    order = library.MarketOrder("BUY", 100)
    state = await asyncio.wait_for(ib.whatIfOrderAsync(pair, order), _WITHIN_S)
    assert float(state.commission) > 0
    expected(bench, 399)


@NOTEBOOKS.feature("suite: what-if of Stock('XXX') raises 321")
async def what_if_of_nothing(bench: Bench) -> None:
    ib, library = await user(bench, 1)
    ib.RaiseRequestErrors = True
    expected(bench, 321)
    asked = ib.whatIfOrderAsync(library.Stock("XXX"), library.MarketOrder("BUY", 100))
    refused = await asyncio.wait_for(asyncio.gather(asked, return_exceptions=True), 2.0)
    assert [getattr(error, "code", error) for error in refused] == [321]


@NOTEBOOKS.feature("suite: account summary")
async def account_summary(bench: Bench) -> None:
    ib, _ = await user(bench, 1)
    values = await asyncio.wait_for(ib.accountSummaryAsync(), _WITHIN_S)
    assert values
    assert all(value.account == "DU1234567" for value in values)


@NOTEBOOKS.feature("suite: hourly bars with their time zone")
async def hourly_bars(bench: Bench) -> None:
    ib, library = await user(bench, 1)
    for symbol in ("AMZN", "TSLA"):
        [stock] = await ib.qualifyContractsAsync(library.Stock(symbol, "SMART", "USD"))
        bars = await ib.reqHistoricalDataAsync(stock, "", "2 D", "1 hour", "TRADES", True)
        assert len(bars) >= 7
        assert all(bar.date.tzinfo is not None for bar in bars)


@NOTEBOOKS.feature("notebook: bar data")
async def bar_data(bench: Bench) -> None:
    ib, library = await user(bench, 14)
    [tesla] = await ib.qualifyContractsAsync(library.Stock("TSLA", "SMART", "USD"))
    assert await ib.reqHeadTimeStampAsync(tesla, "TRADES", useRTH=True, formatDate=1)
    bars = await ib.reqHistoricalDataAsync(tesla, "", "60 D", "1 hour", "TRADES", True)
    assert 400 <= len(bars) <= 430
    [pair] = await ib.qualifyContractsAsync(library.Forex("EURUSD"))
    kept = await ib.reqHistoricalDataAsync(
        pair, "", "900 S", "10 secs", "MIDPOINT", True, 1, keepUpToDate=True
    )
    before = len(kept)
    await until(ib, lambda: len(kept) > before)
    expected(bench, 162)
    ib.cancelHistoricalData(kept)
    live = ib.reqRealTimeBars(pair, 5, "MIDPOINT", False)
    await until(ib, lambda: len(live) >= 2)
    ib.cancelRealTimeBars(live)


@NOTEBOOKS.feature("notebook: basics")
async def basics(bench: Bench) -> None:
    ib, library = await user(bench, 10)
    assert isinstance(ib.positions(), list)
    tags = {value.tag for value in ib.accountValues()}
    assert {"NetLiquidationByCurrency", "TotalCashBalance", "NetLiquidation"} <= tags
    [details] = await ib.reqContractDetailsAsync(library.Stock("TSLA", "SMART", "USD"))
    assert details.contract.conId == 76792991


@NOTEBOOKS.feature("notebook: contract details")
async def contract_details(bench: Bench) -> None:
    ib, library = await user(bench, 11)
    assert len(await ib.reqContractDetailsAsync(library.Stock("AMD"))) > 1
    for contract in (
        library.Stock("AMD", "SMART", "USD"),
        library.Stock("INTC", "SMART", "USD"),
        library.Forex("EURUSD"),
    ):
        assert len(await ib.reqContractDetailsAsync(contract)) == 1
    expected(bench, 200)
    assert await ib.reqContractDetailsAsync(library.Stock("XXX", "SMART", "USD")) == []
    advanced = library.Contract(conId=4391)
    await ib.qualifyContractsAsync(advanced)
    assert advanced.symbol == "AMD"
    found = await ib.reqMatchingSymbolsAsync("intc")
    assert found[0].contract.symbol == "INTC"


@NOTEBOOKS.feature("notebook: market depth")
async def market_depth(bench: Bench) -> None:
    ib, library = await user(bench, 16)
    # both empty their ladders on cancel, and then trip over the rows that were still on their way
    bench.tolerate("Error for updateMktDepth")
    assert await ib.reqMktDepthExchangesAsync()
    [pair] = await ib.qualifyContractsAsync(library.Forex("EURUSD"))
    ticker = ib.reqMktDepth(pair)
    await until(ib, lambda: len(ticker.domBids) >= 5 and len(ticker.domAsks) >= 5)
    assert ticker.domBids[0].price < ticker.domAsks[0].price
    ib.cancelMktDepth(pair)


@NOTEBOOKS.feature("notebook: option chain")
async def option_chain(bench: Bench) -> None:
    ib, library = await user(bench, 12)
    spx = library.Index("SPX", "CBOE")
    await ib.qualifyContractsAsync(spx)
    ib.reqMarketDataType(4)
    [ticker] = await asyncio.wait_for(ib.reqTickersAsync(spx), _WITHIN_S)
    level = ticker.marketPrice()
    chains = await ib.reqSecDefOptParamsAsync(spx.symbol, "", spx.secType, spx.conId)
    [chain] = [c for c in chains if (c.tradingClass, c.exchange) == ("SPX", "SMART")]
    strikes = [strike for strike in chain.strikes if abs(strike - level) < level * 0.02][:3]
    assert strikes
    wanted = [
        library.Option("SPX", min(chain.expirations), strike, right, "SMART", tradingClass="SPX")
        for right in "PC"
        for strike in strikes
    ]
    options = await ib.qualifyContractsAsync(*wanted)
    assert len(options) == len(wanted)
    tickers = await asyncio.wait_for(ib.reqTickersAsync(*options), _WITHIN_S)
    assert all(ticker.modelGreeks for ticker in tickers)


@NOTEBOOKS.feature("notebook: ordering")
async def ordering(bench: Bench) -> None:
    ib, library = await user(bench, 13)
    [pair] = await ib.qualifyContractsAsync(library.Forex("EURUSD"))
    expected(bench, 202, 399)
    resting = ib.placeOrder(pair, library.LimitOrder("BUY", 20_000, 0.05, tif="DAY"))
    await until(ib, lambda: resting.orderStatus.status == "Submitted", within_s=1.0)
    assert resting in ib.openTrades()
    resting.order.lmtPrice = 0.10
    ib.placeOrder(pair, resting.order)
    await until(ib, lambda: resting.log[-1].message == "Modify" or len(resting.log) > 3)
    ib.cancelOrder(resting.order)
    await until(ib, resting.isDone)
    bought = ib.placeOrder(pair, library.MarketOrder("BUY", 20_000, tif="DAY"))
    await until(ib, bought.isDone)
    assert bought.orderStatus.status == "Filled"
    await until(ib, lambda: bought.fills and bought.fills[0].commissionReport.commission)
    state = await ib.whatIfOrderAsync(pair, library.MarketOrder("SELL", 20_000, tif="DAY"))
    assert float(state.initMarginAfter) >= 0


@NOTEBOOKS.feature("notebook: scanners")
async def scanners(bench: Bench) -> None:
    ib, library = await user(bench, 17)
    expected(bench, 162, 165)
    for code in ("TOP_PERC_GAIN", "TOP_PERC_LOSE", "MOST_ACTIVE"):
        wanted = library.ScannerSubscription(
            instrument="STK", locationCode="STK.US.MAJOR", scanCode=code
        )
        found = await asyncio.wait_for(ib.reqScannerDataAsync(wanted), _WITHIN_S)
        assert found
    assert "scanCode" in await ib.reqScannerParametersAsync()


@NOTEBOOKS.feature("notebook: tick data")
async def tick_data(bench: Bench) -> None:
    ib, library = await user(bench, 15)
    pairs = [
        library.Forex(name) for name in ("EURUSD", "USDJPY", "GBPUSD", "USDCHF", "USDCAD", "AUDUSD")
    ]
    await ib.qualifyContractsAsync(*pairs)
    tickers = [ib.reqMktData(pair, "", False, False) for pair in pairs]
    await until(ib, lambda: all(ticker.bid == ticker.bid for ticker in tickers))  # not NaN
    for pair in pairs:
        ib.cancelMktData(pair)
    ticker = ib.reqTickByTickData(pairs[0], "BidAsk")
    seen: list[Any] = []
    ticker.updateEvent += lambda updated: seen.extend(updated.tickByTicks)
    await until(ib, lambda: len(seen) >= 3)
    ib.cancelTickByTickData(pairs[0], "BidAsk")
    ticks = await ib.reqHistoricalTicksAsync(
        pairs[0], "20261118 15:00:00 US/Eastern", "", 50, "BID_ASK", False
    )
    assert len(ticks) >= 50
