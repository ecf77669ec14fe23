"""Several clients at one gateway, and clients that come back."""

from __future__ import annotations

from dataclasses import replace
from tempfile import TemporaryDirectory

from tests.conformance.checks.orders import cancelled, filled, resting
from tests.conformance.features import MASTER, SESSION, Bench, Part

SEVERAL = Part("Several clients")
AGAIN = Part("Reconnection")


@SEVERAL.feature("an order is told to the client that placed it")
async def told_to_its_own(bench: Bench) -> None:
    mine, other = await bench.connect(), await bench.connect()
    since = other.mark()
    order_id = await filled(mine)
    await other.settle()
    heard = {reply.name for reply in other.heard[since:]}
    assert heard.isdisjoint({"openOrder", "orderStatus", "execDetails", "commissionReport"})
    assert mine.all("orderStatus", order_id, "Filled")


@SEVERAL.feature("another client's order cannot be cancelled: 10147")
async def cannot_cancel(bench: Bench) -> None:
    mine, other = await bench.connect(), await bench.connect()
    _, _, order_id = await resting(mine)
    other.cancel(order_id)
    await other.error(order_id, 10147)
    await mine.settle()
    assert mine.all("orderStatus", order_id, "Cancelled") == []
    await cancelled(mine, order_id)


@SEVERAL.feature("order ids are each client's own, permIds the account's")
async def ids_apart(bench: Bench) -> None:
    mine, other = await bench.connect(), await bench.connect()
    my_id, other_id = await filled(mine), await filled(other)
    perm_ids = {
        (await client.status(order_id, "Filled")).args[5]
        for client, order_id in ((mine, my_id), (other, other_id))
    }
    assert len(perm_ids) == 2


@SEVERAL.feature("the master client hears of all clients' orders")
async def master_hears(bench: Bench) -> None:
    master, mine = await bench.connect(MASTER), await bench.connect()
    order_id = await filled(mine, "IBM")
    perm_id = (await mine.status(order_id, "Filled")).args[5]
    heard = await master.until("orderStatus", where=lambda r: r.args[5] == perm_id)
    assert heard.args[8] == mine.client_id
    await master.until("execDetails", where=lambda r: r.args[2].permId == perm_id)


@SEVERAL.feature("only client 0 binds orders made by hand: 321")
async def binds_orders(bench: Bench) -> None:
    default, other = await bench.connect(0), await bench.connect()
    default.call("reqAutoOpenOrders", True)
    await default.settle()
    other.call("reqAutoOpenOrders", True)
    await other.error(-1, 321)


@SEVERAL.feature("executions of all clients, on request")
async def executions_of_all(bench: Bench) -> None:
    mine, other = await bench.connect(), await bench.connect()
    await filled(mine, "IBM")
    await filled(other, "IBM")
    wanted = mine.make("ExecutionFilter")
    wanted.symbol = "IBM"
    req_id = mine.request("reqExecutions", wanted)
    await mine.until("execDetailsEnd", req_id)
    found = {reply.args[2].clientId for reply in mine.all("execDetails", req_id)}
    assert found >= {mine.client_id, other.client_id}


@AGAIN.feature("executions and their costs are replayed")
async def replays_executions(bench: Bench) -> None:
    first = await bench.connect(900)
    order_id = await filled(first, "KO")
    [execution] = first.executions(order_id)
    await first.close()
    back = await bench.connect(900)
    wanted = back.make("ExecutionFilter")
    wanted.clientId = 900
    req_id = back.request("reqExecutions", wanted)
    await back.until("execDetailsEnd", req_id)
    found = [reply.args[2].execId for reply in back.all("execDetails", req_id)]
    assert execution.execId in found
    await back.until("commissionReport", where=lambda r: r.args[0].execId == execution.execId)


@AGAIN.feature("open orders are there, and can be changed and cancelled")
async def open_orders_again(bench: Bench) -> None:
    first = await bench.connect(901)
    contract, order, order_id = await resting(first)
    await first.close()
    back = await bench.connect(901)
    since = back.mark()
    back.call("reqOpenOrders")
    await back.until("openOrderEnd", since=since)
    assert [reply.args[0] for reply in back.all("openOrder", since=since)] == [order_id]
    since = back.mark()
    order.lmtPrice = 12.0
    back.call("placeOrder", order_id, contract, order)
    told = await back.until("openOrder", order_id, since=since)
    assert told.args[2].lmtPrice == 12.0
    await cancelled(back, order_id)


@AGAIN.feature("order ids go on where they stopped")
async def ids_go_on(bench: Bench) -> None:
    first = await bench.connect(902)
    order_id = await filled(first)
    await first.close()
    back = await bench.connect(902)
    [next_id] = back.all("nextValidId")[0].args
    assert next_id > order_id


@AGAIN.feature("what happened meanwhile is known on return")
async def happened_meanwhile(bench: Bench) -> None:
    first, other = await bench.connect(903), await bench.connect()
    await resting(first)
    await first.close()
    other.cancel_everything()
    await other.settle()
    back = await bench.connect(903)
    since = back.mark()
    back.call("reqOpenOrders")
    await back.until("openOrderEnd", since=since)
    assert back.all("openOrder", since=since) == []
    back.call("reqCompletedOrders", False)
    await back.until("completedOrdersEnd", since=since)
    ended = {r.args[2].status for r in back.all("completedOrder", since=since)}
    assert "Cancelled" in ended


@AGAIN.feature("a gateway started again with its state: orders, fills and ids go on")
async def state_file(bench: Bench) -> None:
    with TemporaryDirectory() as folder:
        kept = replace(SESSION, options=(*SESSION.options, "--state", f"{folder}/state.sqlite"))
        async with bench.gateway(kept) as address:
            first = await bench.connect(904, to=address)
            filled_id = await filled(first, "KO")
            [execution] = first.executions(filled_id)
            _, _, resting_id = await resting(first)
            await first.close()
        async with bench.gateway(replace(kept, start="")) as address:
            back = await bench.connect(904, to=address)
            [next_id] = back.all("nextValidId")[0].args
            assert next_id > resting_id
            since = back.mark()
            back.call("reqOpenOrders")
            await back.until("openOrder", resting_id, since=since)
            req_id = back.request("reqExecutions", back.make("ExecutionFilter"))
            await back.until("execDetailsEnd", req_id)
            found = [reply.args[2].execId for reply in back.all("execDetails", req_id)]
            assert found == [execution.execId]
            await cancelled(back, resting_id)
            await back.close()
