"""What is there to read and to search: scanners, news, and what IB's own refusals are for."""

from __future__ import annotations

from typing import Any

from tests.conformance.client import NO_OPTIONS, Client
from tests.conformance.features import Bench, Part

RESEARCH = Part("Research")


def top_gainers(client: Client) -> Any:
    """Give a scan of US stocks."""
    wanted = client.make("ScannerSubscription")
    wanted.instrument, wanted.locationCode = "STK", "STK.US.MAJOR"
    wanted.scanCode, wanted.numberOfRows = "TOP_PERC_GAIN", 10
    return wanted


@RESEARCH.feature("scanner parameters")
async def scanner_parameters(bench: Bench) -> None:
    client = await bench.connect()
    client.call("reqScannerParameters")
    [xml] = (await client.until("scannerParameters")).args
    assert "<scanCode>TOP_PERC_GAIN</scanCode>" in xml


@RESEARCH.feature("scanner; cancel")
async def scanner(bench: Bench) -> None:
    client = await bench.connect()
    req_id = client.request("reqScannerSubscription", top_gainers(client), NO_OPTIONS, NO_OPTIONS)
    rows = await client.until_end("scannerData", "scannerDataEnd", req_id)
    assert [row.args[1] for row in rows] == list(range(len(rows)))
    assert all(row.args[2].contract.conId > 0 for row in rows)
    assert rows
    assert "items retrieved" in await client.error(req_id, 165)
    client.call("cancelScannerSubscription", req_id)
    assert "cancelled" in await client.error(req_id, 162)


@RESEARCH.feature("scanner of nothing that is known: 162")
async def unknown_scan(bench: Bench) -> None:
    client = await bench.connect()
    wanted = top_gainers(client)
    wanted.scanCode = "NO_SUCH_SCAN"
    req_id = client.request("reqScannerSubscription", wanted, NO_OPTIONS, NO_OPTIONS)
    await client.error(req_id, 162)


@RESEARCH.feature("news providers, headlines, an article")
async def news(bench: Bench) -> None:
    client = await bench.connect()
    client.call("reqNewsProviders")
    assert (await client.until("newsProviders")).args == ([],)
    asked = (265598, "BRFG", "", "", 10, NO_OPTIONS)
    req_id = client.request("reqHistoricalNews", *asked)
    assert (await client.until("historicalNewsEnd", req_id)).args[1] is False
    article = client.request("reqNewsArticle", "BRFG", "BRFG$04507322", NO_OPTIONS)
    await client.error(article, 10172)


@RESEARCH.feature("news bulletins; cancel")
async def bulletins(bench: Bench) -> None:
    client = await bench.connect()
    client.call("reqNewsBulletins", True)
    await client.settle()
    client.call("cancelNewsBulletins")
    await client.settle()


@RESEARCH.feature("exchanges behind a letter: smart components")
async def smart_components(bench: Bench) -> None:
    client = await bench.connect()
    quotes = client.request("reqMktData", client.stock(), "", False, False, NO_OPTIONS)
    letters = (await client.until("tickReqParams", quotes)).args[2]
    req_id = client.request("reqSmartComponents", letters)
    assert (await client.until("smartComponents", req_id)).args[1]
    client.call("cancelMktData", quotes)


@RESEARCH.feature("histogram of prices")
async def histogram(bench: Bench) -> None:
    client = await bench.connect()
    req_id = client.request("reqHistogramData", client.stock(), True, "1 day")
    assert len((await client.until("histogramData", req_id)).args[1]) > 1


@RESEARCH.feature("family codes and soft-dollar tiers")
async def family_codes(bench: Bench) -> None:
    client = await bench.connect()
    client.call("reqFamilyCodes")
    await client.until("familyCodes")
    req_id = client.request("reqSoftDollarTiers")
    await client.until("softDollarTiers", req_id)


@RESEARCH.feature("fundamentals: refused by 430")
async def fundamentals(bench: Bench) -> None:
    client = await bench.connect()
    req_id = client.request("reqFundamentalData", client.stock(), "ReportSnapshot", NO_OPTIONS)
    await client.error(req_id, 430)


@RESEARCH.feature("Wall Street Horizon: refused by 10276")
async def wall_street_horizon(bench: Bench) -> None:
    client = await bench.connect()
    req_id = client.request("reqWshMetaData")
    await client.error(req_id, 10276)


@RESEARCH.feature("display groups: refused by 321")
async def display_groups(bench: Bench) -> None:
    client = await bench.connect()
    req_id = client.request("queryDisplayGroups")
    await client.error(req_id, 321)


@RESEARCH.feature("an advisor's configuration: refused by 321")
async def advisors(bench: Bench) -> None:
    client = await bench.connect()
    client.call("requestFA", 1)
    await client.error(-1, 321)
