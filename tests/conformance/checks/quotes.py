"""What moves: quotes, depth, every tick."""

from __future__ import annotations

import asyncio

from tests.conformance.checks.markets import BID_AND_ASK
from tests.conformance.client import NO_OPTIONS, Client
from tests.conformance.features import Bench, Part

MARKET_DATA = Part("Market data")
_SIZES = (0, 3, 5, 8)


async def silence(client: Client, req_id: int) -> None:
    """See that nothing more comes on a request that was cancelled."""
    await client.settle()
    before = client.mark()
    await asyncio.sleep(0.3)  # ten seconds of the market
    await client.settle()
    late = [reply for reply in client.heard[before:] if reply.args[:1] == (req_id,)]
    assert late == []


@MARKET_DATA.feature("quotes: kind, parameters, prices, sizes; cancel")
async def quotes(bench: Bench) -> None:
    client = await bench.connect()
    req_id = client.request("reqMktData", client.stock(), "", False, False, NO_OPTIONS)
    assert (await client.until("marketDataType", req_id)).args[1] == 1
    assert (await client.until("tickReqParams", req_id)).args[1] > 0
    for tick in BID_AND_ASK:
        await client.until("tickPrice", req_id, tick)
    await client.until("tickSize", req_id)
    await client.count(3, "tickPrice", req_id, since=client.mark())
    client.call("cancelMktData", req_id)
    await silence(client, req_id)


@MARKET_DATA.feature("quotes with generic ticks")
async def generic_ticks(bench: Bench) -> None:
    client = await bench.connect()
    generic = "233,236,104,106,295,294,595"
    req_id = client.request("reqMktData", client.stock(), generic, False, False, NO_OPTIONS)
    traded = await client.until("tickString", req_id, 48)
    assert traded.args[2].count(";") == 5
    shortable = await client.until("tickGeneric", req_id, 46)
    assert shortable.args[2] > 0
    client.call("cancelMktData", req_id)


@MARKET_DATA.feature("quotes of a currency pair")
async def pair_quotes(bench: Bench) -> None:
    client = await bench.connect()
    req_id = client.request("reqMktData", client.pair(), "", False, False, NO_OPTIONS)
    bid = (await client.until("tickPrice", req_id, 1)).args[2]
    ask = (await client.until("tickPrice", req_id, 2)).args[2]
    assert 0 < bid < ask < 3
    client.call("cancelMktData", req_id)


@MARKET_DATA.feature("snapshot and its end")
async def snapshot(bench: Bench) -> None:
    client = await bench.connect()
    req_id = client.request("reqMktData", client.stock("MSFT"), "", True, False, NO_OPTIONS)
    replies = await client.until_end("tickPrice", "tickSnapshotEnd", req_id)
    assert {reply.args[1] for reply in replies} >= {1, 2, 4}
    await silence(client, req_id)


@MARKET_DATA.feature("delayed and frozen data")
async def market_data_type(bench: Bench) -> None:
    client = await bench.connect()
    for kind in (3, 4, 2):
        client.call("reqMarketDataType", kind)
        req_id = client.request("reqMktData", client.stock(), "", False, False, NO_OPTIONS)
        await client.until("marketDataType", req_id)
        await client.until("tickPrice", req_id)
        client.call("cancelMktData", req_id)


@MARKET_DATA.feature("cancel of what was never asked for: 300")
async def cancel_unknown(bench: Bench) -> None:
    client = await bench.connect()
    client.call("cancelMktData", 9999)
    await client.error(9999, 300)


@MARKET_DATA.feature("exchanges that show their depth")
async def depth_exchanges(bench: Bench) -> None:
    client = await bench.connect()
    client.call("reqMktDepthExchanges")
    reply = await client.until("mktDepthExchanges")
    assert any(description.secType == "STK" for description in reply.args[0])


@MARKET_DATA.feature("depth of one exchange; cancel")
async def depth(bench: Bench) -> None:
    client = await bench.connect()
    req_id = client.request("reqMktDepth", client.pair(), 5, False, NO_OPTIONS)
    rows = await client.count(12, "updateMktDepth", req_id)
    assert {row.args[1] for row in rows} == set(range(5))
    assert {row.args[3] for row in rows} == {0, 1}
    client.call("cancelMktDepth", req_id, False)
    await silence(client, req_id)


@MARKET_DATA.feature("depth of all exchanges; cancel")
async def smart_depth(bench: Bench) -> None:
    client = await bench.connect()
    req_id = client.request("reqMktDepth", client.stock(), 5, True, NO_OPTIONS)
    rows = await client.count(12, "updateMktDepthL2", req_id)
    assert all(row.args[2] for row in rows), "each row names its exchange"
    assert {row.args[4] for row in rows} == {0, 1}
    client.call("cancelMktDepth", req_id, True)
    await silence(client, req_id)


async def ticks(bench: Bench, kind: str, callback: str, symbol: str) -> None:
    """See ticks come and stop; each check has a stock of its own, for IB wants 15 s between."""
    client = await bench.connect()
    req_id = client.request("reqTickByTickData", client.stock(symbol), kind, 0, False)
    await client.count(3, callback, req_id)
    client.call("cancelTickByTickData", req_id)
    await silence(client, req_id)


@MARKET_DATA.feature("tick by tick: Last")
async def ticks_last(bench: Bench) -> None:
    await ticks(bench, "Last", "tickByTickAllLast", "AAPL")


@MARKET_DATA.feature("tick by tick: AllLast")
async def ticks_all_last(bench: Bench) -> None:
    await ticks(bench, "AllLast", "tickByTickAllLast", "MSFT")


@MARKET_DATA.feature("tick by tick: BidAsk")
async def ticks_bid_ask(bench: Bench) -> None:
    await ticks(bench, "BidAsk", "tickByTickBidAsk", "TSLA")


@MARKET_DATA.feature("tick by tick: MidPoint")
async def ticks_mid_point(bench: Bench) -> None:
    await ticks(bench, "MidPoint", "tickByTickMidPoint", "KO")


async def past_ticks(bench: Bench, what: str, callback: str) -> None:
    client = await bench.connect()
    asked = (client.stock(), "20261118 15:00:00 US/Eastern", "", 100, what, 1, False, NO_OPTIONS)
    req_id = client.request("reqHistoricalTicks", *asked)
    reply = await client.until(callback, req_id)
    moments = [tick.time for tick in reply.args[1]]
    assert len(moments) >= 100
    assert moments == sorted(moments)
    assert reply.args[2] is True


@MARKET_DATA.feature("historical ticks: trades")
async def past_trades(bench: Bench) -> None:
    await past_ticks(bench, "TRADES", "historicalTicksLast")


@MARKET_DATA.feature("historical ticks: bid and ask")
async def past_quotes(bench: Bench) -> None:
    await past_ticks(bench, "BID_ASK", "historicalTicksBidAsk")


@MARKET_DATA.feature("historical ticks: midpoints")
async def past_mid_points(bench: Bench) -> None:
    await past_ticks(bench, "MIDPOINT", "historicalTicks")
