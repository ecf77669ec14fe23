"""Orders that hang together: brackets, and groups of which one cancels the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.conformance.checks.markets import bid_and_ask, buy_limit
from tests.conformance.checks.orders import cancelled
from tests.conformance.client import Client
from tests.conformance.features import Bench, Part

BRACKETS = Part("Brackets and groups")


@dataclass(frozen=True, slots=True)
class Bracket:
    """An entry with its two exits: the orders and their ids."""

    contract: Any
    orders: tuple[Any, Any, Any]
    ids: tuple[int, int, int]


async def bracket(client: Client, entry: float, width: float = 0.05) -> Bracket:
    """Place a bracket to buy ten; ``entry`` times the ask is the entry's limit."""
    contract = client.stock()
    _, ask = await bid_and_ask(client, contract)
    limit = round(ask * entry, 2)
    parent = buy_limit(client, limit, tif="GTC", transmit=False)
    parent_id = client.place(contract, parent)
    exits = {"action": "SELL", "totalQuantity": 10, "tif": "GTC", "parentId": parent_id}
    profit = client.order(
        orderType="LMT", lmtPrice=round(limit * (1 + width), 2), transmit=False, **exits
    )
    profit_id = client.place(contract, profit)
    await client.settle()
    held = (parent_id, profit_id)
    assert not [r for r in client.heard if r.name == "openOrder" and r.args[0] in held]
    loss = client.order(
        orderType="STP", auxPrice=round(limit * (1 - width), 2), transmit=True, **exits
    )
    return Bracket(contract, (parent, profit, loss), (*held, client.place(contract, loss)))


async def armed(client: Client) -> Bracket:
    """Place a bracket whose entry fills, and see its exits work."""
    placed = await bracket(client, entry=1.01)
    parent_id, profit_id, _ = placed.ids
    await client.status(parent_id, "Filled")
    await client.status(profit_id, "Submitted")
    return placed


@BRACKETS.feature("bracket held until its last order is transmitted")
async def held(bench: Bench) -> None:
    client = await bench.connect()
    placed = await bracket(client, entry=0.5)
    for order_id in placed.ids:
        await client.until("openOrder", order_id)
    parent_id, *children = placed.ids
    await client.status(parent_id, "Submitted")
    for child in children:
        reply = await client.status(child, "PreSubmitted")
        assert (reply.args[6], reply.args[9].split(",")[0]) == (parent_id, "child")
    client.cancel(parent_id)
    for order_id in placed.ids:
        await client.status(order_id, "Cancelled")
        await client.error(order_id, 202)


@BRACKETS.feature("bracket's fill arms its exits; one cancelled takes the other with it")
async def child_cancelled(bench: Bench) -> None:
    client = await bench.connect()
    _, profit_id, loss_id = (await armed(client)).ids
    loss = await client.status(loss_id, "PreSubmitted")
    assert "trigger" in client.all("orderStatus", loss_id)[-1].args[9], loss
    await cancelled(client, profit_id)
    await client.status(loss_id, "Cancelled")
    await client.error(loss_id, 202)


@BRACKETS.feature("bracket's exit fills and ends the other")
async def child_filled(bench: Bench) -> None:
    client = await bench.connect()
    placed = await armed(client)
    _, profit_id, loss_id = placed.ids
    _, profit, _ = placed.orders
    bid, _ = await bid_and_ask(client, placed.contract)
    profit.lmtPrice, profit.transmit = round(bid * 0.99, 2), True
    client.place(placed.contract, profit)
    await client.status(profit_id, "Filled")
    await client.status(loss_id, "Cancelled")
    await client.error(loss_id, 202)


@BRACKETS.feature("trailing stop as a bracket's exit")
async def trailing_exit(bench: Bench) -> None:
    client = await bench.connect()
    contract = client.stock()
    _, ask = await bid_and_ask(client, contract)
    parent = buy_limit(client, round(ask * 1.01, 2), transmit=False)
    parent_id = client.place(contract, parent)
    trail = client.order(
        action="SELL", orderType="TRAIL", totalQuantity=10, auxPrice=5.0, parentId=parent_id
    )
    trail_id = client.place(contract, trail)
    await client.status(parent_id, "Filled")
    await client.status(trail_id, "PreSubmitted")
    await cancelled(client, trail_id)


@BRACKETS.feature("adjustable stop as a bracket's exit")
async def adjustable_exit(bench: Bench) -> None:
    client = await bench.connect()
    contract = client.stock()
    _, ask = await bid_and_ask(client, contract)
    parent = buy_limit(client, 10.0, transmit=False)
    parent_id = client.place(contract, parent)
    stop = client.order(
        action="SELL",
        orderType="STP",
        totalQuantity=10,
        auxPrice=9.0,
        parentId=parent_id,
        adjustedOrderType="STP",
        triggerPrice=round(ask * 2, 2),
        adjustedStopPrice=round(ask * 1.5, 2),
    )
    stop_id = client.place(contract, stop)
    told = (await client.until("openOrder", stop_id)).args[2]
    assert (told.adjustedOrderType, told.triggerPrice) == ("STP", round(ask * 2, 2))
    assert told.adjustedStopPrice == round(ask * 1.5, 2)
    client.cancel(parent_id)
    for order_id in (parent_id, stop_id):
        await client.status(order_id, "Cancelled")
        await client.error(order_id, 202)


@BRACKETS.feature("group: one fills, the others are cancelled")
async def group(bench: Bench) -> None:
    client = await bench.connect()
    contract = client.stock()
    _, ask = await bid_and_ask(client, contract)
    name: dict[str, Any] = {"ocaGroup": f"group-{client.client_id}", "ocaType": 1}
    resting_id = client.place(contract, buy_limit(client, 10.0, **name))
    await client.status(resting_id, "Submitted")
    filling_id = client.place(contract, buy_limit(client, round(ask * 1.01, 2), **name))
    await client.status(filling_id, "Filled")
    await client.status(resting_id, "Cancelled")
    await client.error(resting_id, 202)
    told = client.all("openOrder", resting_id)[0].args[2]
    assert (told.ocaGroup, told.ocaType) == (name["ocaGroup"], 1)
