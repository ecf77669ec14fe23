"""Instruments: their details, their chains, their price steps."""

from __future__ import annotations

from typing import Any

from tests.conformance.client import Client
from tests.conformance.features import Bench, Part

INSTRUMENTS = Part("Instruments")


async def details_of(client: Client, contract: Any) -> list[Any]:
    req_id = client.request("reqContractDetails", contract)
    replies = await client.until_end("contractDetails", "contractDetailsEnd", req_id)
    return [reply.args[1] for reply in replies]


@INSTRUMENTS.feature("contract details by symbol")
async def by_symbol(bench: Bench) -> None:
    client = await bench.connect()
    apple = client.contract(symbol="AAPL", secType="STK", exchange="SMART", currency="USD")
    [details] = await details_of(client, apple)
    assert (details.contract.conId, details.contract.primaryExchange) == (265598, "NASDAQ")
    assert details.contract.exchange == "SMART"
    assert len(details.validExchanges.split(",")) == len(details.marketRuleIds.split(","))
    assert details.minTick > 0
    assert details.longName.startswith("APPLE")
    assert ";" in details.tradingHours


@INSTRUMENTS.feature("contract details by conId")
async def by_con_id(bench: Bench) -> None:
    client = await bench.connect()
    [details] = await details_of(client, client.contract(conId=4391))
    assert details.contract.symbol == "AMD"


@INSTRUMENTS.feature("contract details of several: a stock without its exchange")
async def several(bench: Bench) -> None:
    client = await bench.connect()
    found = await details_of(client, client.contract(symbol="AMD", secType="STK"))
    assert len(found) > 1


@INSTRUMENTS.feature("contract details of futures, a currency pair and an index")
async def other_kinds(bench: Bench) -> None:
    client = await bench.connect()
    futures = client.contract(symbol="ES", secType="FUT", exchange="CME", currency="USD")
    chain = await details_of(client, futures)
    assert {details.contract.multiplier for details in chain} == {"50"}
    assert all(details.contract.lastTradeDateOrContractMonth for details in chain)
    [pair] = await details_of(client, client.pair())
    assert pair.contract.conId == 12087792
    index = client.contract(symbol="SPX", secType="IND", exchange="CBOE", currency="USD")
    [details] = await details_of(client, index)
    assert details.contract.conId == 416904


@INSTRUMENTS.feature("contract details of nothing that is known: 200")
async def unknown(bench: Bench) -> None:
    client = await bench.connect()
    req_id = client.request("reqContractDetails", client.stock("XXX"))
    assert "No security definition" in await client.error(req_id, 200)


@INSTRUMENTS.feature("matching symbols")
async def matching_symbols(bench: Bench) -> None:
    client = await bench.connect()
    req_id = client.request("reqMatchingSymbols", "intc")
    reply = await client.until("symbolSamples", req_id)
    assert reply.args[1][0].contract.conId == 270639


@INSTRUMENTS.feature("market rule")
async def market_rule(bench: Bench) -> None:
    client = await bench.connect()
    client.call("reqMarketRule", 26)
    reply = await client.until("marketRule", 26)
    assert [step.increment for step in reply.args[1]] == [0.0001, 0.01]


@INSTRUMENTS.feature("option parameters")
async def option_parameters(bench: Bench) -> None:
    client = await bench.connect()
    req_id = client.request("reqSecDefOptParams", "SPX", "", "IND", 416904)
    replies = await client.until_end(
        "securityDefinitionOptionParameter", "securityDefinitionOptionParameterEnd", req_id
    )
    smart = [r for r in replies if (r.args[1], r.args[3]) == ("SMART", "SPX")]
    assert len(smart) == 1
    _, _, con_id, _, multiplier, expirations, strikes = smart[0].args
    assert (int(con_id), multiplier) == (416904, "100")
    assert len(expirations) > 3
    assert len(strikes) > 10


@INSTRUMENTS.feature("where an instrument's history begins")
async def head_timestamp(bench: Bench) -> None:
    client = await bench.connect()
    req_id = client.request("reqHeadTimeStamp", client.stock(), "TRADES", 1, 1)
    reply = await client.until("headTimestamp", req_id)
    assert len(reply.args[1].split("-")[0].split()[0]) == len("19801212")
    client.call("cancelHeadTimeStamp", req_id)
