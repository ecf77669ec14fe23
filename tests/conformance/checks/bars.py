"""Bars, in real time and from the past."""

from __future__ import annotations

from typing import Any

from tests.conformance.checks.quotes import silence
from tests.conformance.client import NO_OPTIONS, Client, NotInThisClient, Reply
from tests.conformance.features import Bench, Part

BARS = Part("Bars")
_SINCE_SCHEDULES = 165


async def history(client: Client, contract: Any, *asked: Any) -> list[Reply]:
    req_id = client.request("reqHistoricalData", contract, *asked, False, NO_OPTIONS)
    return await client.until_end("historicalData", "historicalDataEnd", req_id)


@BARS.feature("real-time bars; cancel")
async def real_time(bench: Bench) -> None:
    client = await bench.connect()
    req_id = client.request("reqRealTimeBars", client.stock(), 5, "TRADES", True, NO_OPTIONS)
    bars = await client.count(3, "realtimeBar", req_id)
    times = [bar.args[1] for bar in bars]
    assert times == [times[0] + 5 * n for n in range(len(times))]
    for bar in bars:
        _, _, first, high, low, last, volume, *_ = bar.args
        assert low <= min(first, last) <= max(first, last) <= high
        assert volume >= 0
    client.call("cancelRealTimeBars", req_id)
    await silence(client, req_id)


@BARS.feature("real-time bars of midpoints")
async def real_time_mid_points(bench: Bench) -> None:
    client = await bench.connect()
    req_id = client.request("reqRealTimeBars", client.pair(), 5, "MIDPOINT", False, NO_OPTIONS)
    [bar, *_] = await client.count(2, "realtimeBar", req_id)
    assert float(bar.args[6]) == -1
    client.call("cancelRealTimeBars", req_id)


@BARS.feature("historical bars")
async def historical(bench: Bench) -> None:
    client = await bench.connect()
    bars = await history(client, client.stock("TSLA"), "", "2 D", "5 mins", "TRADES", 1, 1)
    assert 79 <= len(bars) <= 160
    dates = [str(bar.args[1].date) for bar in bars]
    assert dates == sorted(dates)
    assert all(bar.args[1].low <= bar.args[1].high for bar in bars)


@BARS.feature("historical bars by epoch, of days, of quotes")
async def other_history(bench: Bench) -> None:
    client = await bench.connect()
    [bar, *_] = await history(client, client.stock(), "", "3600 S", "1 min", "TRADES", 1, 2)
    assert bar.args[1].date
    days = await history(client, client.stock(), "", "2 W", "1 day", "TRADES", 1, 1)
    assert 8 <= len(days) <= 11
    quotes = await history(client, client.pair(), "", "1 D", "1 hour", "MIDPOINT", 0, 1)
    assert {float(quote.args[1].volume) for quote in quotes} == {-1.0}


@BARS.feature("historical bars kept up to date; cancel")
async def kept_up_to_date(bench: Bench) -> None:
    client = await bench.connect()
    asked = (client.stock(), "", "1800 S", "10 secs", "TRADES", 1, 1, True, NO_OPTIONS)
    req_id = client.request("reqHistoricalData", *asked)
    await client.until("historicalDataEnd", req_id)
    await client.count(5, "historicalDataUpdate", req_id)
    client.call("cancelHistoricalData", req_id)
    assert "query cancelled" in await client.error(req_id, 162)
    await silence(client, req_id)


@BARS.feature("schedule of sessions")
async def schedule(bench: Bench) -> None:
    client = await bench.connect()
    if client.server_version < _SINCE_SCHEDULES:
        raise NotInThisClient("no schedules yet")
    asked = (client.stock(), "", "1 M", "1 day", "SCHEDULE", 1, 1, False, NO_OPTIONS)
    req_id = client.request("reqHistoricalData", *asked)
    reply = await client.until("historicalSchedule", req_id)
    assert reply.args[3] == "US/Eastern"
    assert len(reply.args[4]) > 15


@BARS.feature("history that cannot be: 321 and 162")
async def refused_history(bench: Bench) -> None:
    client = await bench.connect()
    asked = (client.stock(), "", "1 D", "7 mins", "TRADES", 1, 1, False, NO_OPTIONS)
    await client.error(client.request("reqHistoricalData", *asked), 321)
    trades = (client.pair(), "", "1 D", "1 hour", "TRADES", 0, 1, False, NO_OPTIONS)
    await client.error(client.request("reqHistoricalData", *trades), 162)
