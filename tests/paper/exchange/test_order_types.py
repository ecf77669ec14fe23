"""What each order type does in time and against the market."""

from __future__ import annotations

import pytest

from apps.paper.exchange.behaviour import BEHAVIOURS
from apps.paper.exchange.orders import OrderSnapshot, Stage
from tests.paper.exchange.bench import (
    CLOSE,
    NEXT_OPEN,
    OPEN,
    Bench,
    D,
    fills,
    new_york,
    story,
)
from tests.paper.exchange.several import EURUSD, SeveralBench

NEXT_CLOSE = new_york("2026-11-19 16:00")


# -- touched from the other side than a stop


def test_market_if_touched_buys_when_the_market_has_come_down() -> None:
    bench = Bench()
    assert story(bench.place(1, "BUY", 100, "MIT", stop="99")) == ["new 1 PreSubmitted"]
    assert bench.state(1).why_held == "trigger"
    assert bench.market("99.00", "99.02", "99.01") == []
    assert fills(bench.market("98.99", "99.01", "99.00")) == [(1, "100", "99.01")]


def test_limit_if_touched_sells_at_its_limit_or_better() -> None:
    bench = Bench()
    bench.place(1, "SELL", 100, "LIT", stop="101", limit="101.05")
    assert story(bench.market("100.99", "101.01", "101.00")) == ["1 Submitted"]
    assert fills(bench.market("101.06", "101.08", "101.07")) == [(1, "100", "101.05")]


def test_touched_order_that_is_touched_already_works_at_once() -> None:
    bench = Bench()
    assert fills(bench.place(1, "SELL", 10, "MIT", stop="99.50")) == [(1, "10", "99.99")]


# -- at the close


def test_market_on_close_trades_at_the_closing_print_and_not_before() -> None:
    bench = Bench()
    assert story(bench.place(1, "BUY", 100, "MOC")) == ["new 1 Submitted"]
    assert bench.market("100.10", "100.12", "100.11") == []
    assert bench.exchange.next_deadline() == CLOSE
    bench.now = CLOSE - 5_000
    bench.market("101.00", "101.02", "101.01")
    assert fills(bench.go_to(CLOSE)) == [(1, "100", "101.01")]


def test_market_on_close_trades_more_than_the_touch_shows() -> None:
    bench = Bench()
    bench.place(1, "BUY", 5_000, "MOC")
    assert fills(bench.go_to(CLOSE)) == [(1, "5000", "100.00")]


def test_limit_on_close_trades_only_if_the_close_is_as_good() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "LOC", limit="100.00")
    bench.place(2, "BUY", 100, "LOC", limit="99.99")
    bench.market("99.00", "99.02", None)  # the touch alone fills nothing
    events = bench.go_to(CLOSE)
    assert fills(events) == [(1, "100", "100.00")]
    assert bench.statuses(1, 2) == ["Filled", "Cancelled"]


def test_market_on_close_of_the_evening_waits_for_the_next_close() -> None:
    bench = Bench(at="2026-11-18 17:00")
    assert story(bench.place(1, "BUY", 100, "MOC")) == ["new 1 PreSubmitted", "error 399 1"]
    assert story(bench.go_to(NEXT_OPEN)) == ["1 Submitted"]
    bench.market("100.40", "100.42", "100.41")
    assert fills(bench.go_to(NEXT_CLOSE)) == [(1, "100", "100.41")]


def test_close_without_a_print_all_day_fills_nothing() -> None:
    bench = Bench(at="2026-11-18 17:00")
    bench.place(1, "BUY", 100, "MOC")
    assert fills(bench.go_to(NEXT_CLOSE)) == []
    assert bench.status(1) == "Cancelled"


def test_close_on_a_half_day_is_at_one() -> None:
    bench = Bench(at="2026-11-27 10:00")
    bench.place(1, "BUY", 100, "MOC")
    assert bench.exchange.next_deadline() == new_york("2026-11-27 13:00")


# -- at the open


def test_market_on_open_trades_at_the_opening_print() -> None:
    bench = Bench(at="2026-11-18 08:00")
    events = bench.place(1, "BUY", 100, "MKT", time_in_force="OPG")
    assert story(events) == ["new 1 PreSubmitted", "error 399 1"]
    assert story(bench.go_to(OPEN)) == ["1 Submitted"]  # no print yet
    events = bench.market("100.30", "100.34", "100.33")
    assert fills(events) == [(1, "100", "100.33")]


def test_opening_print_may_be_stamped_with_the_opening_itself() -> None:
    bench = Bench(at="2026-11-18 08:00")
    bench.place(1, "BUY", 100, "MKT", time_in_force="OPG")
    bench.now = OPEN
    assert fills(bench.market("100.3", "100.34", "100.33", after_ms=0)) == [(1, "100", "100.33")]


def test_limit_on_open_that_the_opening_print_misses_is_cancelled() -> None:
    bench = Bench(at="2026-11-18 08:00")
    bench.place(1, "BUY", 100, "LMT", limit="99.50", time_in_force="OPG")
    bench.place(2, "SELL", 100, "LMT", limit="99.50", time_in_force="OPG")
    bench.go_to(OPEN)
    events = bench.market("99.98", "100.00", "100.00")
    assert fills(events) == [(2, "100", "100.00")]
    assert bench.statuses(1, 2) == ["Cancelled", "Filled"]


def test_order_for_the_opening_that_comes_too_late_waits_for_the_next_one() -> None:
    bench = Bench()
    events = bench.place(1, "BUY", 100, "MKT", time_in_force="OPG")
    assert story(events) == ["new 1 PreSubmitted", "error 399 1"]
    assert bench.market("99.99", "100.01", "100.00") == []
    assert bench.exchange.next_deadline() == NEXT_OPEN
    bench.go_to(NEXT_OPEN)
    assert fills(bench.market("101.00", "101.02", "101.01")) == [(1, "100", "101.01")]


# -- pegged


def test_relative_order_follows_its_own_sides_quote() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "REL", stop="0.01", limit="101")
    assert bench.state(1).limit == D("100.00")
    bench.market("100.20", "100.24", "100.24")
    assert bench.state(1).limit == D("100.21")
    assert fills(bench.market("100.18", "100.20", "100.20", size=500)) == [(1, "100", "100.21")]


def test_relative_order_stops_at_its_cap() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "REL", stop="0.01", limit="100.10")
    bench.market("100.50", "100.54", "100.52")
    assert bench.state(1).limit == D("100.10")


def test_relative_order_by_percent_is_on_the_tick() -> None:
    bench = Bench()
    bench.place(1, "SELL", 100, "REL", percent_offset=D("0.001"))
    assert bench.state(1).limit == D("99.91")  # 100.01 less 0.10001, up to the tick


def test_relative_order_beyond_the_far_quote_takes_it_at_its_price() -> None:
    bench = Bench()
    assert fills(bench.place(1, "BUY", 100, "REL", stop="0.05")) == [(1, "100", "100.01")]


def test_pegged_order_does_not_trade_with_a_print_from_before_it_moved() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "REL", stop="0.01")  # works at 100.00
    assert fills(bench.market("100.20", "100.24", "100.10")) == []  # now at 100.21
    assert fills(bench.market("100.20", "100.24", "100.20")) == [(1, "100", "100.21")]


def test_relative_order_that_moves_beyond_the_far_quote_pays_no_more_than_that() -> None:
    bench = Bench()
    bench.stand("99.90", "100.01")
    bench.place(1, "BUY", 100, "REL", stop="0.05")
    assert bench.market("99.90", "100.01", None) == []
    assert fills(bench.market("99.99", "100.01", None)) == [(1, "100", "100.01")]


def test_trade_is_over_for_what_moves_after_it_even_when_another_order_fills() -> None:
    bench = Bench()
    bench.stand("99.90", "100.30")
    bench.place(1, "BUY", 100, "REL", stop="0.01")
    bench.place(2, "SELL", 100, "REL", stop="0.05")
    # 1 goes to 100.21, above the trade; 2 goes to 100.19, through the bid
    assert fills(bench.market("100.20", "100.24", "100.10")) == [(2, "100", "100.20")]


def test_relative_order_stands_still_while_it_may_not_trade() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "REL", stop="0.01", time_in_force="GTC")
    bench.now = new_york("2026-11-18 17:00")
    bench.market("105.00", "105.02", "105.01")
    assert bench.state(1).limit == D("100.00")


@pytest.mark.parametrize("kind", ["MIDPRICE", "PEG MID"])
def test_midpoint_order_trades_in_the_middle(kind: str) -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, kind)
    assert bench.state(1).limit == D("100.00")
    assert fills(bench.market("99.96", "99.99", "99.99")) == [(1, "100", "100.00")]


def test_midpoint_may_be_half_a_tick() -> None:
    bench = Bench()
    bench.place(1, "SELL", 100, "MIDPRICE")
    bench.market("99.99", "100.02", None)
    assert bench.state(1).limit == D("100.005")


def test_midpoint_order_stops_at_its_cap() -> None:
    bench = Bench()
    bench.place(1, "SELL", 100, "MIDPRICE", limit="100.50")
    assert bench.state(1).limit == D("100.50")


# -- market to limit


def test_market_to_limit_order_rests_at_the_price_it_got() -> None:
    bench = Bench()
    bench.stand("99.99", "100.01", ask_size=40)
    assert fills(bench.place(1, "BUY", 100, "MTL")) == [(1, "40", "100.01")]
    assert fills(bench.market("100.03", "100.05", "100.04")) == []
    assert bench.state(1).limit == D("100.01")
    assert fills(bench.market("99.98", "100.00", "100.00")) == [(1, "60", "100.01")]


# -- everywhere


@pytest.mark.parametrize("kind", sorted(set(BEHAVIOURS) - {"LMT", "LIT"}))
def test_what_does_not_trade_outside_regular_hours_waits_for_them(kind: str) -> None:
    outside = {kind for kind, each in BEHAVIOURS.items() if each.may_trade_outside_rth}
    bench = Bench(at="2026-11-18 17:00")
    prices = {"limit": "101", "stop": "99", "trail_stop_price": D("99")}
    order = bench.order(1, "BUY", 100, kind, outside_rth=True, **prices)
    window = bench.exchange._floor.hours.of_order(order, bench.now)
    assert window.is_open == (kind in outside)


def test_close_without_prints_is_at_the_touch() -> None:
    bench = SeveralBench()
    bench.put(EURUSD, "1.16000", "1.16005")
    order = bench.order(1, "BUY", 20_000, "MOC", listing=EURUSD)
    floor = bench.exchange._floor
    floor.now = bench.now
    working = OrderSnapshot(order=order, perm_id=1, stage=Stage.WORKING, placed_at=bench.now)
    floor.book.add(working)
    floor.pits.close(working)
    assert floor.book[order.key].avg_fill_price == D("1.16005")
