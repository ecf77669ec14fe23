"""An unmodified ib_insync against the gateway, over its socket, on a manual clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from apps.paper.clock import ManualClock
from apps.paper.server import PaperGateway
from apps.paper.settings import GatewaySettings
from tests.paper.paper_client import OPEN

DEADLINE_S = 10
MINUTE = 60_000


class Desk:
    """A connected client and the gateway that it talks to."""

    def __init__(self, gateway: PaperGateway) -> None:
        import ib_insync  # noqa: PLC0415 - it binds to the loop that runs when it is imported

        self.lib: Any = ib_insync
        self.ib = self.lib.IB()
        self.gateway = gateway
        self.errors: list[tuple[int, int, str]] = []
        self.ib.errorEvent += lambda req, code, text, _: self.errors.append((req, code, text))

    async def connect(self, client_id: int = 1) -> None:
        await self.ib.connectAsync(self.gateway.host, self.gateway.port, clientId=client_id)

    async def play(self, millis: int) -> None:
        """Let market time pass and everything that came of it arrive."""
        self.gateway.advance_to(self.gateway.clock.now() + millis)
        await self.settle()

    async def settle(self) -> None:
        await asyncio.wait_for(self.ib.reqCurrentTimeAsync(), DEADLINE_S)

    async def stock(self, symbol: str = "AAPL") -> Any:
        [contract] = await self.ib.qualifyContractsAsync(self.lib.Stock(symbol, "SMART", "USD"))
        return contract

    async def price(self, contract: Any) -> float:
        [ticker] = await self.ib.reqTickersAsync(contract)
        return float(ticker.ask)

    def codes(self) -> list[int]:
        return [code for _, code, _ in self.errors if code not in (2104, 2106, 2158)]


@pytest.fixture
async def gateway() -> AsyncIterator[PaperGateway]:
    async with PaperGateway.open(GatewaySettings(seed=7), clock=ManualClock(OPEN)) as running:
        yield running


@pytest.fixture
async def desk(gateway: PaperGateway) -> AsyncIterator[Desk]:
    connected = Desk(gateway)
    await connected.connect()
    yield connected
    connected.ib.disconnect()


def statuses(trades: list[Any]) -> list[str]:
    return [trade.orderStatus.status for trade in trades]


async def bracket(desk: Desk, *, width: float = 0.05, quantity: int = 10) -> list[Any]:
    contract = await desk.stock()
    price = await desk.price(contract)
    orders = desk.ib.bracketOrder(
        "BUY",
        quantity,
        round(price * 1.002, 2),
        round(price * (1 + width), 2),
        round(price * (1 - width), 2),
    )
    for order in orders:
        order.tif, order.orderRef = "GTC", "a-story"
    trades = [desk.ib.placeOrder(contract, order) for order in orders]
    await desk.settle()
    return trades


async def test_bracket_fills_its_entry_and_arms_its_exits(desk: Desk) -> None:
    entry, profit, loss = await bracket(desk)
    await desk.play(5_000)
    assert statuses([entry, profit, loss]) == ["Filled", "Submitted", "PreSubmitted"]
    assert "trigger" in loss.orderStatus.whyHeld
    [fill] = desk.ib.fills()
    assert (fill.execution.side, fill.execution.shares) == ("BOT", 10)
    assert fill.execution.orderRef == "a-story"
    assert fill.commissionReport.commission == 1.0
    [position] = desk.ib.positions()
    assert (position.position, position.contract.exchange) == (10, "NASDAQ")


async def test_exit_ends_its_sibling_and_the_books_agree(desk: Desk) -> None:
    trades = await bracket(desk, width=0.0005)
    for _ in range(60):
        await desk.play(MINUTE)
        if all(trade.isDone() for trade in trades):
            break
    assert sorted(statuses(trades)) == ["Cancelled", "Filled", "Filled"]
    [account] = desk.gateway.hub.accounts.values()
    assert [holding.quantity for holding in account.positions()] == [0]
    realized = sum(fill.commissionReport.realizedPNL for fill in desk.ib.fills()[1:])
    assert float(account.cash()["USD"]) == pytest.approx(250_000 + realized)


async def test_what_if_costs_something_and_never_fills(desk: Desk) -> None:
    contract = await desk.stock()
    state = await desk.ib.whatIfOrderAsync(contract, desk.lib.MarketOrder("BUY", 100))
    await desk.play(MINUTE)
    assert float(state.initMarginChange) > 0
    assert state.commission == 1.0
    assert desk.ib.fills() == []
    assert desk.gateway.hub.exchange.executions() == ()
    assert await desk.ib.reqAllOpenOrdersAsync() == []


async def test_limit_far_below_the_market_rests_and_can_be_changed_and_cancelled(
    desk: Desk,
) -> None:
    contract = await desk.stock()
    order = desk.lib.LimitOrder("BUY", 10, 1.0, tif="DAY")
    trade = desk.ib.placeOrder(contract, order)
    await desk.play(MINUTE)
    assert statuses([trade]) == ["Submitted"]
    order.lmtPrice = 2.0
    desk.ib.placeOrder(contract, order)
    await desk.settle()
    [seen] = desk.gateway.hub.exchange.working_orders()
    assert seen.order.limit_price == 2
    desk.ib.cancelOrder(order)
    await desk.settle()
    assert statuses([trade]) == ["Cancelled"]
    assert desk.codes() == [202]


async def test_order_beyond_the_accounts_means_is_rejected_with_201(desk: Desk) -> None:
    trade = desk.ib.placeOrder(
        await desk.stock(), desk.lib.MarketOrder("BUY", 1_000_000, tif="DAY")
    )
    await desk.play(5_000)
    assert desk.codes() == [201]
    assert statuses([trade]) == ["Inactive"]


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda lib: lib.LimitOrder("BUY", 10, 100.003), 110),
        (lambda lib: lib.LimitOrder("BUY", 1.5, 100), 10243),
        (lambda lib: lib.LimitOrder("BUY", 0, 100), 434),
        (lambda lib: lib.Order(action="BUY", totalQuantity=1, orderType="VWAP", auxPrice=1), 387),
    ],
)
async def test_order_that_breaks_a_rule_gets_ibs_code(desk: Desk, make: Any, code: int) -> None:
    desk.ib.placeOrder(await desk.stock(), make(desk.lib))
    await desk.settle()
    assert desk.codes() == [code]
    assert desk.gateway.hub.exchange.working_orders() == ()


async def test_future_is_traded_on_margin_and_its_bars_are_shown(desk: Desk) -> None:
    [contract] = await desk.ib.qualifyContractsAsync(desk.lib.Future("ES", "202612", "CME"))
    trade = desk.ib.placeOrder(contract, desk.lib.MarketOrder("BUY", 1, tif="DAY"))
    await desk.play(5_000)
    assert desk.codes() == []
    assert statuses([trade]) == ["Filled"]
    [fill] = trade.fills
    assert fill.commissionReport.commission == 2.25
    cash = desk.gateway.hub.accounts["DU1234567"].cash()["USD"]
    assert cash == 250_000 - Decimal("2.25")
    bars = await desk.ib.reqHistoricalDataAsync(contract, "", "1 D", "5 mins", "TRADES", False)
    assert len(bars) > 10


async def test_hundred_euros_cost_something_to_buy(desk: Desk) -> None:
    [pair] = await desk.ib.qualifyContractsAsync(desk.lib.Forex("EURUSD"))
    answer = await desk.ib.whatIfOrderAsync(pair, desk.lib.MarketOrder("BUY", 100))
    assert answer.commission == 2.0
    assert answer.commissionCurrency == "USD"
    assert float(answer.initMarginChange) > 0


async def test_another_clients_order_is_seen_on_request_and_cannot_be_cancelled(
    desk: Desk, gateway: PaperGateway
) -> None:
    other = Desk(gateway)
    await other.connect(2)
    resting = desk.lib.LimitOrder("BUY", 10, 1.0, tif="DAY")
    desk.ib.placeOrder(await desk.stock(), resting)
    await desk.settle()
    assert other.ib.openOrders() == []
    [seen] = await other.ib.reqAllOpenOrdersAsync()
    assert (seen.order.orderId, seen.order.clientId) == (resting.orderId, 1)
    other.ib.cancelOrder(resting)
    await other.settle()
    assert other.codes() == [10147]
    assert len(gateway.hub.exchange.working_orders()) == 1
    other.ib.disconnect()


async def test_executions_and_open_orders_are_there_after_a_reconnect(desk: Desk) -> None:
    await bracket(desk)
    await desk.play(5_000)
    desk.ib.disconnect()
    back = Desk(desk.gateway)
    await back.connect()
    assert [fill.execution.shares for fill in back.ib.fills()] == [10]
    assert back.ib.fills()[0].commissionReport.commission == 1.0
    assert sorted(statuses(back.ib.openTrades())) == ["PreSubmitted", "Submitted"]
    assert back.ib.client.getReqId() > 3
    back.ib.disconnect()


async def test_quotes_follow_the_market(desk: Desk) -> None:
    contract = await desk.stock()
    await desk.play(10_000)
    ticker = desk.ib.reqMktData(contract)
    await desk.settle()
    before = (ticker.bid, ticker.ask, ticker.last, ticker.volume)
    assert ticker.bid < ticker.ask
    await desk.play(MINUTE)
    assert (ticker.bid, ticker.ask, ticker.last, ticker.volume) != before
    assert ticker.volume > before[3]
    desk.ib.cancelMktData(contract)
    await desk.settle()
    last = ticker.time
    await desk.play(MINUTE)
    assert ticker.time == last
    assert desk.codes() == []


async def test_history_kept_up_to_date_grows_with_the_market(desk: Desk) -> None:
    bars = await desk.ib.reqHistoricalDataAsync(
        await desk.stock(), "", "1800 S", "1 min", "TRADES", True, 2, keepUpToDate=True
    )
    before = len(bars)
    await desk.play(3 * MINUTE)
    assert len(bars) - before in (2, 3)
    assert bars[-1].date > bars[-2].date
    desk.ib.cancelHistoricalData(bars)


@pytest.mark.parametrize(
    ("duration", "size", "fewest", "most"),
    [
        ("60 D", "1 hour", 400, 430),
        ("1 W", "1 day", 4, 6),
        ("1 M", "1 day", 19, 24),
        ("1 Y", "1 day", 245, 255),
        ("3600 S", "5 secs", 720, 721),
    ],
)
async def test_history_covers_what_was_asked_for(
    desk: Desk, duration: str, size: str, fewest: int, most: int
) -> None:
    bars = await desk.ib.reqHistoricalDataAsync(
        await desk.stock("TSLA"), "", duration, size, "TRADES", True
    )
    assert fewest <= len(bars) <= most
    assert [bar.date for bar in bars] == sorted({bar.date for bar in bars})


@pytest.mark.parametrize(
    ("duration", "size", "what", "code"),
    [
        ("1 D", "7 mins", "TRADES", 321),
        ("1 X", "1 min", "TRADES", 321),
        ("1 D", "1 min", "NONSENSE", 162),
    ],
)
async def test_history_that_cannot_be_gets_ibs_code(
    desk: Desk, duration: str, size: str, what: str, code: int
) -> None:
    bars = await desk.ib.reqHistoricalDataAsync(await desk.stock(), "", duration, size, what, True)
    assert list(bars) == []
    assert desk.codes() == [code]


async def test_currency_pair_has_midpoints_and_no_trades(desk: Desk) -> None:
    [pair] = await desk.ib.qualifyContractsAsync(desk.lib.Forex("EURUSD"))
    bars = await desk.ib.reqHistoricalDataAsync(pair, "", "1 D", "1 hour", "MIDPOINT", False)
    assert bars[-1].volume == -1
    trades = await desk.ib.reqHistoricalDataAsync(pair, "", "1 D", "1 hour", "TRADES", False)
    assert list(trades) == []
    assert desk.codes() == [162]


async def test_account_is_told_in_every_way_that_ib_has(desk: Desk) -> None:
    await bracket(desk)
    await desk.play(5_000)
    summary = {value.tag: value.value for value in await desk.ib.accountSummaryAsync()}
    assert float(summary["NetLiquidation"]) == pytest.approx(250_000, rel=0.01)
    await desk.play(3 * MINUTE)
    values = {
        value.tag: float(value.value)
        for value in desk.ib.accountValues()
        if value.value[0].isdigit()
    }
    assert values["NetLiquidation"] == pytest.approx(
        values["TotalCashValue"] + values["GrossPositionValue"]
    )
    [item] = desk.ib.portfolio()
    assert item.position == 10
    account = desk.ib.managedAccounts()[0]
    pnl = desk.ib.reqPnL(account)
    single = desk.ib.reqPnLSingle(account, "", item.contract.conId)
    await desk.play(2_000)
    assert single.position == 10
    assert pnl.unrealizedPnL == pytest.approx(single.unrealizedPnL)
    assert await desk.ib.reqHeadTimeStampAsync(item.contract, "TRADES", True, 1)
    assert [rule.increment for rule in await desk.ib.reqMarketRuleAsync(26)] == [0.0001, 0.01]
    assert (await desk.ib.reqMatchingSymbolsAsync("intc"))[0].contract.conId == 270639


async def test_exchange_that_was_asked_for_is_among_the_valid_ones(desk: Desk) -> None:
    [details] = await desk.ib.reqContractDetailsAsync(desk.lib.Stock("AAPL", "NASDAQ", "USD"))
    exchanges = details.validExchanges.split(",")
    assert "NASDAQ" in exchanges
    assert len(details.marketRuleIds.split(",")) == len(exchanges)


async def test_day_bar_of_a_currency_pair_is_dated_by_the_day_it_ends(desk: Desk) -> None:
    [pair] = await desk.ib.qualifyContractsAsync(desk.lib.Forex("EURUSD"))
    bars = await desk.ib.reqHistoricalDataAsync(pair, "", "2 W", "1 day", "MIDPOINT", False)
    assert {bar.date.weekday() for bar in bars} == {0, 1, 2, 3, 4}
