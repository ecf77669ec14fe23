"""Each order type taken and told back as it was sent; and what an order may carry besides."""

from __future__ import annotations

from functools import partial
from typing import Any

from tests.conformance.checks.instruments import details_of
from tests.conformance.checks.markets import bid_and_ask
from tests.conformance.checks.options import an_option
from tests.conformance.checks.orders import cancelled, market_time
from tests.conformance.client import Client
from tests.conformance.features import Bench, Part

ORDER_TYPES = Part("Order types")

Fields = dict[str, Any]

_TYPES: dict[str, Fields] = {
    "LMT": {"lmtPrice": -0.3},
    "STP": {"auxPrice": 0.3},
    "STP LMT": {"auxPrice": 0.3, "lmtPrice": 0.31},
    "TRAIL": {"auxPrice": 50.0},
    "TRAIL LIMIT": {"auxPrice": 50.0, "trailStopPrice": 0.3, "lmtPriceOffset": 0.5},
    "MIT": {"auxPrice": -0.3},
    "LIT": {"auxPrice": -0.3, "lmtPrice": -0.31},
    "REL": {"lmtPrice": -0.3, "auxPrice": 0.01},
    "MIDPRICE": {"lmtPrice": -0.3},
    "MOC": {},
    "LOC": {"lmtPrice": -0.3},
}
"""What each type needs so that an order to buy rests: a fraction is of the ask, from it."""


def prices(fields: Fields, ask: float) -> Fields:
    """Give the fields with their fractions turned to prices."""
    return {
        name: round(ask * (1 + value), 2)
        if name != "lmtPriceOffset" and abs(value) < 0.5 and abs(value) > 0.05
        else value
        for name, value in fields.items()
    }


async def rests(client: Client, order: Any, contract: Any = None) -> Any:
    """Place an order that rests, see it told, cancel it; give the order as it was told."""
    order_id = client.place(contract or client.stock(), order)
    told = await client.until("openOrder", order_id)
    await client.until(
        "orderStatus", order_id, where=lambda r: r.args[1] in ("PreSubmitted", "Submitted")
    )
    await cancelled(client, order_id)
    return told.args[2]


async def echoes(order_type: str, fields: Fields, bench: Bench) -> None:
    """Place an order of a type and compare what is told of it with what was sent."""
    client = await bench.connect()
    _, ask = await bid_and_ask(client, client.stock())
    sent = prices(fields, ask)
    order = client.order(action="BUY", orderType=order_type, totalQuantity=3, **sent)
    told = await rests(client, order)
    assert told.orderType == order_type
    assert {name: getattr(told, name) for name in sent} == sent


for _type, _fields in _TYPES.items():
    ORDER_TYPES.feature(_type)(partial(echoes, _type, _fields))


@ORDER_TYPES.feature("MKT")
async def market(bench: Bench) -> None:
    client = await bench.connect()
    order = client.order(action="BUY", orderType="MKT", totalQuantity=3)
    order_id = client.place(client.stock(), order)
    await client.status(order_id, "Filled")
    assert client.all("openOrder", order_id)[0].args[2].orderType == "MKT"


@ORDER_TYPES.feature("TRAIL by percent")
async def trail_percent(bench: Bench) -> None:
    client = await bench.connect()
    order = client.order(action="BUY", orderType="TRAIL", totalQuantity=3, trailingPercent=20.0)
    assert (await rests(client, order)).trailingPercent == 20.0


@ORDER_TYPES.feature("conditions of all six kinds")
async def conditions(bench: Bench) -> None:
    client = await bench.connect()
    order = client.order(action="BUY", orderType="LMT", totalQuantity=3, lmtPrice=10.0)
    after = await market_time(client, 3600)
    apple = {"conId": 265598, "exchange": "SMART"}
    order.conditions = [
        client.condition(
            "Price", conjunction="a", isMore=True, price=1000.0, triggerMethod=0, **apple
        ),
        client.condition("Time", conjunction="o", isMore=True, time=after),
        client.condition("Margin", conjunction="a", isMore=False, percent=5),
        client.condition(
            "Execution", conjunction="a", secType="STK", exchange="SMART", symbol="MSFT"
        ),
        client.condition("Volume", conjunction="a", isMore=True, volume=10**9, **apple),
        client.condition(
            "PercentChange", conjunction="a", isMore=True, changePercent=50.0, **apple
        ),
    ]
    order.conditionsIgnoreRth = True
    told = await rests(client, order)
    assert [condition.condType for condition in told.conditions] == [1, 3, 4, 5, 6, 7]
    price, time, _, execution, volume, change = told.conditions
    assert (price.isMore, price.price, price.conId) == (True, 1000.0, 265598)
    assert time.time == after
    assert execution.symbol == "MSFT"
    assert (volume.volume, change.changePercent) == (10**9, 50.0)
    assert told.conditionsIgnoreRth


@ORDER_TYPES.feature("algo: Adaptive and its parameters")
async def algo(bench: Bench) -> None:
    client = await bench.connect()
    order = client.order(action="BUY", orderType="LMT", totalQuantity=3, lmtPrice=10.0)
    order.algoStrategy = "Adaptive"
    order.algoParams = [client.tag_value("adaptivePriority", "Normal")]
    told = await rests(client, order)
    assert told.algoStrategy == "Adaptive"
    assert [(p.tag, p.value) for p in told.algoParams] == [("adaptivePriority", "Normal")]


@ORDER_TYPES.feature("legs of a combination")
async def combination(bench: Bench) -> None:
    client = await bench.connect()
    legs = []
    for con_id, action in ((265598, "BUY"), (272093, "SELL")):
        leg = client.make("ComboLeg")
        leg.conId, leg.ratio, leg.action, leg.exchange = con_id, 1, action, "SMART"
        legs.append(leg)
    pair = client.contract(
        symbol="AAPL,MSFT", secType="BAG", exchange="SMART", currency="USD", comboLegs=legs
    )
    order = client.order(action="BUY", orderType="LMT", totalQuantity=1, lmtPrice=-9999.0)
    order_id = client.place(pair, order)
    told = (await client.until("openOrder", order_id)).args[1]
    assert [(leg.conId, leg.action) for leg in told.comboLegs] == [
        (265598, "BUY"),
        (272093, "SELL"),
    ]
    await cancelled(client, order_id)


@ORDER_TYPES.feature("future: lots, multiplier")
async def future(bench: Bench) -> None:
    client = await bench.connect()
    chain = client.contract(symbol="ES", secType="FUT", exchange="CME", currency="USD")
    contract = (await details_of(client, chain))[0].contract
    order = client.order(action="BUY", orderType="MKT", totalQuantity=1)
    order_id = client.place(contract, order)
    await client.status(order_id, "Filled")
    told = client.all("openOrder", order_id)[0].args[1]
    assert (told.secType, told.multiplier) == ("FUT", "50")
    [execution] = client.executions(order_id)
    assert execution.price * 4 == int(execution.price * 4)


@ORDER_TYPES.feature("currency pair; an odd lot with 399")
async def pair(bench: Bench) -> None:
    client = await bench.connect()
    whole = client.order(action="BUY", orderType="MKT", totalQuantity=50_000)
    await client.status(client.place(client.pair(), whole), "Filled")
    odd = client.order(action="BUY", orderType="MKT", totalQuantity=100)
    order_id = client.place(client.pair(), odd)
    await client.status(order_id, "Filled")
    await client.error(order_id, 399)


@ORDER_TYPES.feature("option")
async def option(bench: Bench) -> None:
    client = await bench.connect()
    order = client.order(action="BUY", orderType="MKT", totalQuantity=1)
    order_id = client.place(await an_option(client), order)
    await client.status(order_id, "Filled")
    assert client.all("openOrder", order_id)[0].args[1].right in ("C", "CALL")


@ORDER_TYPES.feature("price condition: waits until it holds")
async def price_condition(bench: Bench) -> None:
    client = await bench.connect()
    ids = []
    for price in (9000.0, 1.0):
        order = client.order(action="BUY", orderType="MKT", totalQuantity=3)
        apple = {"conId": 265598, "exchange": "SMART", "triggerMethod": 0}
        order.conditions = [
            client.condition("Price", conjunction="a", isMore=True, price=price, **apple)
        ]
        ids.append(client.place(client.stock(), order))
    waiting, met = ids
    await client.status(met, "Filled")
    await client.status(waiting, "PreSubmitted")
    assert client.executions(waiting) == []
    await cancelled(client, waiting)


@ORDER_TYPES.feature("scale: told back, refused")
async def scale(bench: Bench) -> None:
    client = await bench.connect()
    order = client.order(action="BUY", orderType="LMT", totalQuantity=30, lmtPrice=10.0)
    order.scaleInitLevelSize, order.scaleSubsLevelSize, order.scalePriceIncrement = 10, 10, 0.1
    await client.error(client.place(client.stock(), order), 10340)


@ORDER_TYPES.feature("volatility order for a stock: refused by 369")
async def volatility(bench: Bench) -> None:
    client = await bench.connect()
    order = client.order(action="BUY", orderType="VOL", totalQuantity=3)
    order.volatility, order.volatilityType = 0.2, 2
    await client.error(client.place(client.stock(), order), 369)
