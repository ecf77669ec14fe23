"""One order's life: placed, told of, changed, filled, cancelled, rejected."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.conformance.checks.markets import bid_and_ask, buy_limit
from tests.conformance.client import Client
from tests.conformance.features import CLOSING, EARLY, Bench, Part

ORDERS = Part("Orders")
_ZONE = "US/Eastern"


async def market_time(client: Client, after_s: int) -> str:
    """Give the gateway's time in ``after_s`` seconds, as orders have it."""
    since = client.mark()
    client.call("reqCurrentTime")
    [now] = (await client.until("currentTime", since=since)).args
    moment = datetime.fromtimestamp(now, UTC) + timedelta(seconds=after_s)
    return f"{moment.astimezone(ZoneInfo(_ZONE)):%Y%m%d %H:%M:%S} {_ZONE}"


async def resting(client: Client, **fields: Any) -> tuple[Any, Any, int]:
    """Place a limit order far below the market; give contract, order and id."""
    contract, order = client.stock(), buy_limit(client, 10.0, **fields)
    order_id = client.place(contract, order)
    await client.status(order_id, "Submitted")
    return contract, order, order_id


async def cancelled(client: Client, order_id: int) -> None:
    """Cancel an order and hear that it is."""
    since = client.mark()
    client.cancel(order_id)
    await client.status(order_id, "Cancelled", since=since)
    await client.error(order_id, 202, since=since)


async def filled(client: Client, symbol: str = "AAPL", quantity: int = 10) -> int:
    """Buy at the market; give the order's id."""
    order = client.order(action="BUY", orderType="MKT", totalQuantity=quantity)
    order_id = client.place(client.stock(symbol), order)
    await client.status(order_id, "Filled")
    return order_id


@ORDERS.feature("place a limit order: openOrder, then its status")
async def places(bench: Bench) -> None:
    client = await bench.connect()
    _, _, order_id = await resting(client, orderRef="a-ref", account="DU1234567")
    names = [r.name for r in client.heard if r.args[:1] == (order_id,)]
    assert names.index("openOrder") < names.index("orderStatus")
    _, contract, order, state = (await client.until("openOrder", order_id)).args
    assert (contract.symbol, contract.conId) == ("AAPL", 265598)
    assert (order.action, order.orderType, order.lmtPrice) == ("BUY", "LMT", 10.0)
    assert (order.orderRef, order.tif, float(order.totalQuantity)) == ("a-ref", "DAY", 10.0)
    assert (order.clientId, order.account) == (client.client_id, "DU1234567")
    assert order.permId > 0
    assert state.status in ("PendingSubmit", "PreSubmitted", "Submitted")
    _, _, done, left, *_, placed_by, _, _ = (await client.status(order_id, "Submitted")).args
    assert (float(done), float(left), placed_by) == (0, 10, client.client_id)
    await cancelled(client, order_id)


@ORDERS.feature("change price and quantity")
async def changes(bench: Bench) -> None:
    client = await bench.connect()
    contract, order, order_id = await resting(client)
    since = client.mark()
    order.lmtPrice, order.totalQuantity = 11.5, 7
    assert client.place(contract, order) == order_id
    seen = await client.until("openOrder", order_id, since=since)
    assert (seen.args[2].lmtPrice, float(seen.args[2].totalQuantity)) == (11.5, 7.0)
    await cancelled(client, order_id)


@ORDERS.feature("cancel: status Cancelled and 202")
async def cancels(bench: Bench) -> None:
    client = await bench.connect()
    _, _, order_id = await resting(client)
    await cancelled(client, order_id)


@ORDERS.feature("fill: status, execution, commission")
async def fills(bench: Bench) -> None:
    client = await bench.connect()
    order_id = await filled(client)
    [execution] = client.executions(order_id)
    assert (execution.side, execution.acctNumber) == ("BOT", "DU1234567")
    assert (float(execution.shares), float(execution.cumQty)) == (10, 10)
    assert bench.is_asyncio or client.server_version < 174 or _ZONE in execution.time
    paid = await client.until(
        "commissionReport", where=lambda r: r.args[0].execId == execution.execId
    )
    cost = getattr(paid.args[0], "commission", None) or paid.args[0].commissionAndFees
    assert (cost, paid.args[0].currency) == (1.0, "USD")
    _, _, done, left, price, *_ = (await client.status(order_id, "Filled")).args
    assert (float(done), float(left)) == (10, 0)
    assert price == execution.avgPrice > 0


@ORDERS.feature("partial fills, each with its execution")
async def partly_fills(bench: Bench) -> None:
    client = await bench.connect()
    contract = client.stock()
    _, ask = await bid_and_ask(client, contract)
    order_id = client.place(contract, buy_limit(client, round(ask * 1.02, 2), 20_000))
    partial = await client.until(
        "orderStatus", order_id, where=lambda r: 0 < float(r.args[2]) < 20_000
    )
    assert partial.args[1] in ("PreSubmitted", "Submitted")
    client.cancel(order_id)
    end = await client.until(
        "orderStatus", order_id, where=lambda r: r.args[1] in ("Cancelled", "Filled")
    )
    await client.error(order_id, 202)
    shares = sum(float(execution.shares) for execution in client.executions(order_id))
    assert shares == float(end.args[2]) > 0


@ORDERS.feature("rejection: 201, then Inactive")
async def rejects(bench: Bench) -> None:
    bench.tolerate("Canceled order")
    client = await bench.connect()
    order = client.order(action="BUY", orderType="MKT", totalQuantity=10_000_000)
    order_id = client.place(client.stock(), order)
    await client.error(order_id, 201)
    await client.status(order_id, "Inactive")
    mine = [r for r in client.heard if r.args[:1] == (order_id,)]
    assert [r.name for r in mine[-3:]] == ["error", "openOrder", "orderStatus"]


@ORDERS.feature("what-if: margins and commission, and no fill")
async def what_if(bench: Bench) -> None:
    client = await bench.connect()
    order = client.order(action="BUY", orderType="MKT", totalQuantity=100, whatIf=True)
    order_id = client.place(client.stock(), order)
    *_, state = (await client.until("openOrder", order_id)).args
    assert float(state.initMarginChange) > 0
    assert float(state.maintMarginAfter) > 0
    assert float(state.equityWithLoanBefore) > 0
    cost = getattr(state, "commission", None) or state.commissionAndFees
    assert cost == 1.0
    await client.settle()
    assert client.executions(order_id) == []


@ORDERS.feature("price off the tick: 110")
async def off_tick(bench: Bench) -> None:
    client = await bench.connect()
    await client.error(client.place(client.stock(), buy_limit(client, 100.003)), 110)


@ORDERS.feature("quantity of nothing: 434")
async def nothing_to_buy(bench: Bench) -> None:
    client = await bench.connect()
    await client.error(client.place(client.stock(), buy_limit(client, 100.0, 0)), 434)


@ORDERS.feature("order for something unknown: 200")
async def unknown_contract(bench: Bench) -> None:
    client = await bench.connect()
    await client.error(client.place(client.stock("XXX"), buy_limit(client, 100.0)), 200)


@ORDERS.feature("cancel of an unknown order: 10147")
async def cancel_unknown(bench: Bench) -> None:
    client = await bench.connect()
    client.cancel(99_999)
    await client.error(99_999, 10147)


@ORDERS.feature("cancel of a filled order: 10148")
async def cancel_filled(bench: Bench) -> None:
    client = await bench.connect()
    order_id = await filled(client)
    client.cancel(order_id)
    assert "Filled" in await client.error(order_id, 10148)


@ORDERS.feature("open orders: mine, and all clients'")
async def open_orders(bench: Bench) -> None:
    mine, other = await bench.connect(), await bench.connect()
    _, _, order_id = await resting(mine)
    since = other.mark()
    other.call("reqOpenOrders")
    await other.until("openOrderEnd", since=since)
    assert other.all("openOrder", since=since) == []
    since = other.mark()
    other.call("reqAllOpenOrders")
    await other.until("openOrderEnd", since=since)
    seen = {(r.args[2].clientId, r.args[0]) for r in other.all("openOrder", since=since)}
    assert (mine.client_id, order_id) in seen
    since = mine.mark()
    mine.call("reqOpenOrders")
    await mine.until("openOrderEnd", since=since)
    assert [r.args[0] for r in mine.all("openOrder", since=since)] == [order_id]
    await cancelled(mine, order_id)


@ORDERS.feature("completed orders")
async def completed_orders(bench: Bench) -> None:
    client = await bench.connect()
    order_id = await filled(client)
    perm_id = (await client.status(order_id, "Filled")).args[5]
    _, _, resting_id = await resting(client)
    await cancelled(client, resting_id)
    since = client.mark()
    client.call("reqCompletedOrders", False)
    await client.until("completedOrdersEnd", since=since)
    ended = {r.args[1].permId: r.args[2] for r in client.all("completedOrder", since=since)}
    assert ended[perm_id].status == "Filled"
    assert {state.status for state in ended.values()} >= {"Filled", "Cancelled"}


@ORDERS.feature("executions, as a filter asks for them")
async def executions(bench: Bench) -> None:
    client = await bench.connect()
    order_id = await filled(client, "MSFT")
    wanted = client.make("ExecutionFilter")
    wanted.symbol, wanted.clientId = "MSFT", client.client_id
    since = client.mark()
    req_id = client.request("reqExecutions", wanted)
    await client.until("execDetailsEnd", req_id)
    found = client.all("execDetails", req_id, since=since)
    assert {r.args[2].orderId for r in found} == {order_id}
    costs = {r.args[0].execId for r in client.all("commissionReport", since=since)}
    assert costs >= {r.args[2].execId for r in found}
    wanted.symbol = "NONE"
    req_id = client.request("reqExecutions", wanted)
    await client.until("execDetailsEnd", req_id)
    assert client.all("execDetails", req_id) == []


@ORDERS.feature("cancel of all clients' orders")
async def global_cancel(bench: Bench) -> None:
    mine, other = await bench.connect(), await bench.connect()
    _, _, my_id = await resting(mine)
    _, _, other_id = await resting(other)
    mine.cancel_everything()
    for client, order_id in ((mine, my_id), (other, other_id)):
        await client.status(order_id, "Cancelled")
        await client.error(order_id, 202)


@ORDERS.feature("good till a date: gone when it is past")
async def good_till_date(bench: Bench) -> None:
    client = await bench.connect()
    until = await market_time(client, 30)
    _, _, order_id = await resting(client, tif="GTD", goodTillDate=until)
    since = client.mark()
    await client.status(order_id, "Cancelled", since=since)
    await client.error(order_id, 202, since=since)


@ORDERS.feature("good after a time: held until then")
async def good_after_time(bench: Bench) -> None:
    client = await bench.connect()
    begin = await market_time(client, 30)
    order = client.order(action="BUY", orderType="MKT", totalQuantity=5, goodAfterTime=begin)
    order_id = client.place(client.stock(), order)
    await client.status(order_id, "PreSubmitted")
    await client.settle()
    assert client.all("orderStatus", order_id, "Filled") == []
    await client.status(order_id, "Filled")


@ORDERS.feature("immediate or cancel")
async def immediate_or_cancel(bench: Bench) -> None:
    client = await bench.connect()
    order_id = client.place(client.stock(), buy_limit(client, 10.0, tif="IOC"))
    await client.status(order_id, "Cancelled")
    await client.error(order_id, 202)


@ORDERS.feature("fill or kill")
async def fill_or_kill(bench: Bench) -> None:
    client = await bench.connect()
    contract = client.stock()
    _, ask = await bid_and_ask(client, contract)
    limit = round(ask * 1.02, 2)
    killed = client.place(contract, buy_limit(client, limit, 9_000, tif="FOK"))
    await client.status(killed, "Cancelled")
    await client.error(killed, 202)
    assert client.executions(killed) == []


@ORDERS.feature("change of a filled order: 104")
async def change_filled(bench: Bench) -> None:
    client = await bench.connect()
    contract = client.stock()
    _, ask = await bid_and_ask(client, contract)
    order = buy_limit(client, round(ask * 1.01, 2))
    order_id = client.place(contract, order)
    await client.status(order_id, "Filled")
    order.lmtPrice = 20.0
    client.call("placeOrder", order_id, contract, order)
    await client.error(order_id, 104)


@ORDERS.feature("market order before the open: held, with 399", world=EARLY)
async def before_the_open(bench: Bench) -> None:
    client = await bench.connect()
    order = client.order(action="BUY", orderType="MKT", totalQuantity=5)
    order_id = client.place(client.stock(), order)
    assert "will not be placed at the exchange until" in await client.error(order_id, 399)
    await client.status(order_id, "PreSubmitted")
    await cancelled(client, order_id)


@ORDERS.feature("limit order before the open, outside regular hours: fills", world=EARLY)
async def outside_regular_hours(bench: Bench) -> None:
    client = await bench.connect()
    contract = client.stock()
    _, ask = await bid_and_ask(client, contract)
    order = buy_limit(client, round(ask * 1.02, 2), outsideRth=True)
    await client.status(client.place(contract, order), "Filled")


@ORDERS.feature("the session's end: market-on-close fills, a day order is cancelled", world=CLOSING)
async def at_the_close(bench: Bench) -> None:
    client = await bench.connect()
    _, _, day_id = await resting(client)
    order = client.order(action="BUY", orderType="MOC", totalQuantity=5)
    closing_id = client.place(client.stock(), order)
    await client.until("orderStatus", closing_id, "Filled", within_s=20)
    await client.until("orderStatus", day_id, "Cancelled", within_s=20)
    await client.error(day_id, 202)


@ORDERS.feature("time in force left out: DAY by preset, with 10349")
async def preset_time_in_force(bench: Bench) -> None:
    client = await bench.connect()
    client.expect(10349)  # which clients take it for the order's end differs; it lives
    order = buy_limit(client, 10.0, tif="")
    order_id = client.place(client.stock(), order)
    await client.status(order_id, "Submitted")
    assert client.all("openOrder", order_id)[-1].args[2].tif == "DAY"
    await cancelled(client, order_id)


@ORDERS.feature("order id below one that was used: 103")
async def old_id(bench: Bench) -> None:
    client = await bench.connect()
    low, high = client.new_id(), client.new_id()
    client.call("placeOrder", high, client.stock(), buy_limit(client, 10.0))
    await client.status(high, "Submitted")
    client.call("placeOrder", low, client.stock(), buy_limit(client, 10.0))
    await client.error(low, 103)
    await cancelled(client, high)


@ORDERS.feature("order without an exchange: 321")
async def without_exchange(bench: Bench) -> None:
    client = await bench.connect()
    order_id = client.place(client.contract(conId=265598), buy_limit(client, 10.0))
    assert "Missing order exchange" in await client.error(order_id, 321)


@ORDERS.feature("sixteenth working order on a side: 201")
async def too_many_orders(bench: Bench) -> None:
    client = await bench.connect()
    ids = [client.place(client.stock("AMD"), buy_limit(client, 10.0)) for _ in range(16)]
    await client.error(ids[15], 201)
    await client.status(ids[15], "Inactive")
    for order_id in ids[:15]:
        await cancelled(client, order_id)
