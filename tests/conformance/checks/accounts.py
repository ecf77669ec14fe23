"""Accounts: their values, their positions, their profit and loss."""

from __future__ import annotations

from tests.conformance.checks.markets import bid_and_ask, buy_limit
from tests.conformance.client import Client
from tests.conformance.features import Bench, Part

ACCOUNT = Part("Account")
_ACCOUNT = "DU1234567"
_TAGS = (
    "NetLiquidation,TotalCashValue,FullAvailableFunds,FullInitMarginReq,FullMaintMarginReq,"
    "BuyingPower"
)


async def holding(client: Client, symbol: str = "AAPL") -> None:
    """Buy ten, so that there is a position."""
    contract = client.stock(symbol)
    _, ask = await bid_and_ask(client, contract)
    order_id = client.place(contract, buy_limit(client, round(ask * 1.01, 2)))
    await client.status(order_id, "Filled")


@ACCOUNT.feature("positions, and their changes; cancel")
async def positions(bench: Bench) -> None:
    client = await bench.connect()
    await holding(client)
    since = client.mark()
    client.call("reqPositions")
    await client.until("positionEnd", since=since)
    found = {r.args[1].symbol: r.args[2] for r in client.all("position", _ACCOUNT, since=since)}
    assert found["AAPL"] >= 10
    since = client.mark()
    await holding(client)
    await client.until("position", _ACCOUNT, since=since)
    client.call("cancelPositions")


@ACCOUNT.feature("positions of an account or model; cancel")
async def positions_multi(bench: Bench) -> None:
    client = await bench.connect()
    await holding(client)
    req_id = client.request("reqPositionsMulti", _ACCOUNT, "")
    found = await client.until_end("positionMulti", "positionMultiEnd", req_id)
    assert "AAPL" in {reply.args[3].symbol for reply in found}
    client.call("cancelPositionsMulti", req_id)


@ACCOUNT.feature("account updates: values, portfolio, time")
async def account_updates(bench: Bench) -> None:
    client = await bench.connect()
    await holding(client)
    since = client.mark()
    client.call("reqAccountUpdates", True, _ACCOUNT)
    await client.until("accountDownloadEnd", _ACCOUNT, since=since)
    values = {r.args[0]: r.args[1] for r in client.all("updateAccountValue", since=since)}
    assert float(values["NetLiquidation"]) > 100_000
    assert client.all("updateAccountTime", since=since)
    [item, *_] = client.all("updatePortfolio", since=since)
    assert item.args[0].conId > 0
    client.call("reqAccountUpdates", False, _ACCOUNT)


@ACCOUNT.feature("account updates of an account or model")
async def account_updates_multi(bench: Bench) -> None:
    client = await bench.connect()
    req_id = client.request("reqAccountUpdatesMulti", _ACCOUNT, "", True)
    values = await client.until_end("accountUpdateMulti", "accountUpdateMultiEnd", req_id)
    assert "NetLiquidation" in {reply.args[3] for reply in values}
    client.call("cancelAccountUpdatesMulti", req_id)


@ACCOUNT.feature("account summary; cancel")
async def account_summary(bench: Bench) -> None:
    client = await bench.connect()
    req_id = client.request("reqAccountSummary", "All", _TAGS)
    values = await client.until_end("accountSummary", "accountSummaryEnd", req_id)
    by_tag = {reply.args[2]: reply.args[3:] for reply in values}
    assert sorted(by_tag) == sorted(_TAGS.split(","))
    assert {currency for _, currency in by_tag.values()} == {"USD"}
    client.call("cancelAccountSummary", req_id)


@ACCOUNT.feature("a third account summary: 322")
async def third_summary(bench: Bench) -> None:
    client = await bench.connect()
    first, second = (client.request("reqAccountSummary", "All", _TAGS) for _ in range(2))
    third = client.request("reqAccountSummary", "All", _TAGS)
    await client.error(third, 322)
    for req_id in (first, second):
        client.call("cancelAccountSummary", req_id)


@ACCOUNT.feature("profit and loss of an account; cancel")
async def pnl(bench: Bench) -> None:
    client = await bench.connect()
    req_id = client.request("reqPnL", _ACCOUNT, "")
    reply = await client.until("pnl", req_id)
    assert all(abs(value) < 1e6 for value in reply.args[1:])
    client.call("cancelPnL", req_id)


@ACCOUNT.feature("profit and loss of a position; cancel")
async def pnl_single(bench: Bench) -> None:
    client = await bench.connect()
    await holding(client)
    req_id = client.request("reqPnLSingle", _ACCOUNT, "", 265598)
    reply = await client.until("pnlSingle", req_id)
    assert reply.args[1] >= 10
    client.call("cancelPnLSingle", req_id)
