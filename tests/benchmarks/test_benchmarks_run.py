"""That the benchmarks run, and what they run on. No time is asserted: a machine may be slow."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from apps.paper.feed.market import BarSource, MarketBar
from benchmarks.figures import BenchmarkFailed, percentile, ratio
from benchmarks.script import BAR_MS, LEVEL, SCRIPT_START, Script, ScriptedMarket, us_stocks
from benchmarks.served import served
from benchmarks.talker import Talker
from benchmarks.timed_gateway import orders_in
from benchmarks.together import together

ROOT = Path(__file__).parents[2]
FEATURED, OTHER = us_stocks(2)
SCRIPT = Script(featured=(FEATURED.con_id,), crowd=frozenset({OTHER.con_id}))


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *words]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=55, check=False
    )


def bars(script: Script, listing_number: int, count: int) -> list[MarketBar]:
    market, listing = ScriptedMarket(script), (FEATURED, OTHER)[listing_number]
    end = SCRIPT_START + count * BAR_MS
    made = market.bars(listing, BarSource.TRADES, 5, SCRIPT_START, end, regular_only=True)
    return list(made)


def test_a_quick_run_gives_every_figure_as_json() -> None:
    names = ["latency-burst", "loop-lag", "memory", "start-up", "restart", "gateway"]
    done = run(*names, "--quick", "--json")
    assert done.returncode == 0, done.stderr
    reports = json.loads(done.stdout)
    assert [report["name"] for report in reports] == names
    rows = {report["name"]: report["tables"][0]["rows"] for report in reports}
    assert [row["client"] for row in rows["latency-burst"]] == ["desk", "floor", "desk / floor"]
    assert all(figure(rows["latency-burst"], number, "p50 ms") > 0 for number in range(3))
    assert figure(rows["restart"], 2, "median s") > figure(rows["restart"], 0, "median s") > 0
    assert figure(rows["gateway"], 0, "bars/s, all") > 0
    assert "--help imports neither ib_insync nor pandas." in reports[3]["notes"]


def test_a_quick_run_over_http_answers_every_request() -> None:
    done = run("http", "--quick", "--json")
    assert done.returncode == 0, done.stderr
    [report] = json.loads(done.stdout)
    added, answered, fired = (table["rows"] for table in report["tables"])
    assert [row["summary"] for row in added][1:] == ["GET /summary", "added by HTTP"]
    assert [row["crowd"] for row in answered] == ["8 callers"]
    assert all(figure(fired, number, "p50 ms") > 0 for number in range(2))


def test_a_quick_run_of_the_load_gives_speeds_waits_and_orders() -> None:
    done = run("gateway-load", "--quick", "--json")
    assert done.returncode == 0, done.stderr
    [report] = json.loads(done.stdout)
    speeds, waits, orders = (table["rows"] for table in report["tables"])
    assert [row["market time"] for row in speeds] == ["flat out", "0.5 × that"]
    assert all(figure(speeds, number, "messages/s") > 0 for number in range(2))
    assert [row["asked for"] for row in waits] == [
        "the time",
        "contract details",
        "what-if",
        "an hour of 5 s bars",
    ]
    assert all(figure(waits, number, "loaded p50 ms") > 0 for number in range(4))
    assert all(figure(orders, number, "orders/s, with a state file") > 0 for number in range(2))


def test_a_quick_load_breaks_no_pacing_and_says_how_much_of_it_is_used() -> None:
    done = run("data-load", "--quick", "--json")
    assert done.returncode == 0, done.stderr
    [report] = json.loads(done.stdout)
    paced, whole = (table["rows"] for table in report["tables"])
    assert figure(paced, 0, "requests") > 120
    assert 0 < figure(paced, 0, "% of the pacing") <= 100
    assert [figure(whole, number, "bars") for number in range(2)] == [4680, 1950]


def figure(rows: list[dict[str, Any]], number: int, column: str) -> float:
    return float(rows[number][column])


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    done = run("speed")
    assert done.returncode == 2
    assert "there is no speed; there are latency-one, " in done.stderr


def test_a_round_has_a_bar_that_breaks_the_level_and_one_that_confirms_it() -> None:
    trigger, confirming = bars(SCRIPT, 0, 3)
    assert trigger.open < LEVEL <= trigger.close
    assert confirming.start == trigger.start + BAR_MS
    assert min(confirming.open, confirming.close) >= LEVEL


def test_the_crowd_has_quiet_bars_beside_each_of_the_featured_contract() -> None:
    assert [bar.start for bar in bars(SCRIPT, 1, 6)] == [bar.start for bar in bars(SCRIPT, 0, 6)]
    assert max(bar.high for bar in bars(SCRIPT, 1, 6)) < LEVEL


def test_a_round_closes_its_position_by_one_print_and_ends_where_it_began() -> None:
    market, begin, end = ScriptedMarket(SCRIPT), SCRIPT.begin(0), SCRIPT.begin(1)
    (exit_print,) = market.prints(FEATURED, begin, end - 1)
    bought_at = market.touch(FEATURED, begin + 2 * BAR_MS).ask
    assert exit_print.price >= bought_at * Decimal("1.01")
    assert market.touch(FEATURED, end - 1).ask < LEVEL
    assert market.prints(OTHER, begin, end) == []


@pytest.mark.parametrize(("percent", "value"), [(0, 1.0), (50, 2.5), (90, 3.7), (100, 4.0)])
def test_a_percentile_lies_between_the_values_around_it(percent: float, value: float) -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], percent) == pytest.approx(value)


def test_there_is_no_ratio_to_nothing() -> None:
    assert ratio(1.0, 0.0) is None
    assert ratio(3.0, 2.0) == 1.5


async def test_work_side_by_side_gives_all_results_or_the_first_failure() -> None:
    assert await together(*(asyncio.sleep(0, number) for number in range(3))) == [0, 1, 2]
    with pytest.raises(BenchmarkFailed, match="no such port"):
        await together(asyncio.sleep(60), failing("no such port"))


async def failing(text: str) -> None:
    raise BenchmarkFailed(text)


async def test_a_talker_waits_for_a_frame_of_each_beginning_and_sees_the_first_byte() -> None:
    async with served("benchmarks.echo_source") as echo:
        talker = await Talker.connect(echo.port)
        said = [frame(b"59\0one\0"), frame(b"3\0two\0"), frame(b"3\0three\0")]
        await talker.say(b"".join(said), [b"3\0", b"3\0", b"59\0"])
        assert talker.first_byte_at is not None
        unheard = asyncio.create_task(talker.say(said[0], [b"3\0"]))
        await talker_heard(talker)
        assert not unheard.done()
        talker.close()
        with pytest.raises(BenchmarkFailed, match="hung up"):
            await unheard


async def talker_heard(talker: Talker) -> None:
    async with asyncio.timeout(10):
        while talker.first_byte_at is None or not talker._awaited:  # noqa: ASYNC110 - a few turns
            await asyncio.sleep(0)


def test_only_orders_that_have_arrived_whole_are_counted() -> None:
    order, other = frame(b"3\0" + b"17\0"), frame(b"49\0" + b"1\0")
    assert orders_in(order + other + order) == 2
    assert orders_in(order + other + order[:-1]) == 1
    assert orders_in(b"") == 0


def frame(body: bytes) -> bytes:
    return len(body).to_bytes(4) + body
