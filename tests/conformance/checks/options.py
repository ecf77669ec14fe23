"""Options: their quotes with greeks, and prices worked out on request."""

from __future__ import annotations

from typing import Any

from tests.conformance.checks.instruments import details_of
from tests.conformance.client import NO_OPTIONS, Client
from tests.conformance.features import Bench, Part

OPTIONS = Part("Options")


async def an_option(client: Client) -> Any:
    """Give a call on SPX near the money, as its chain has it."""
    req_id = client.request("reqSecDefOptParams", "SPX", "", "IND", 416904)
    replies = await client.until_end(
        "securityDefinitionOptionParameter", "securityDefinitionOptionParameterEnd", req_id
    )
    [chain] = [r for r in replies if (r.args[1], r.args[3]) == ("SMART", "SPX")]
    strikes = sorted(chain.args[6])
    wanted = client.contract(
        symbol="SPX",
        secType="OPT",
        exchange="SMART",
        currency="USD",
        lastTradeDateOrContractMonth=min(chain.args[5]),
        strike=strikes[len(strikes) // 2],
        right="C",
        tradingClass="SPX",
    )
    [details] = await details_of(client, wanted)
    assert (details.contract.strike, details.contract.right) == (wanted.strike, "C")
    assert details.contract.multiplier == "100"
    wanted.conId = details.contract.conId
    return wanted


@OPTIONS.feature("an option by the parameters of its chain")
async def by_parameters(bench: Bench) -> None:
    client = await bench.connect()
    assert (await an_option(client)).conId > 0


@OPTIONS.feature("quotes of an option, with its greeks")
async def greeks(bench: Bench) -> None:
    client = await bench.connect()
    req_id = client.request("reqMktData", await an_option(client), "", False, False, NO_OPTIONS)
    computed = await client.until("tickOptionComputation", req_id, 13)
    _, _, _, volatility, delta, *_ = computed.args
    assert 0 < volatility < 3
    assert 0 <= delta <= 1
    client.call("cancelMktData", req_id)


@OPTIONS.feature("price and volatility worked out")
async def worked_out(bench: Bench) -> None:
    client = await bench.connect()
    option = await an_option(client)
    priced = client.request("calculateOptionPrice", option, 0.2, option.strike, NO_OPTIONS)
    computed = await client.until("tickOptionComputation", priced)
    price = computed.args[5]
    assert price > 0
    implied = client.request("calculateImpliedVolatility", option, price, option.strike, NO_OPTIONS)
    computed = await client.until("tickOptionComputation", implied)
    assert abs(computed.args[3] - 0.2) < 0.01
    client.call("cancelCalculateOptionPrice", priced)
    client.call("cancelCalculateImpliedVolatility", implied)
