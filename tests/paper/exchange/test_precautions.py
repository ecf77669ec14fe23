"""Prices too far through the market, sizes too large, shares that cannot be borrowed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from apps.paper.exchange.events import Warned
from apps.paper.exchange.policies import CrossSide, ExchangePolicy, FarLimit, Precautions
from tests.paper.exchange.bench import NEXT_OPEN, Bench, codes, fills, story
from tests.paper.exchange.instruments import EURUSD

D = Decimal


def cautious(**numbers: object) -> Bench:
    precautions = Precautions(**numbers)  # type: ignore[arg-type]  # a test's words
    return Bench(cash=100_000_000, rules=ExchangePolicy(precautions=precautions))


@pytest.mark.parametrize(("side", "limit"), [("BUY", "105.02"), ("SELL", "94.98")])
def test_limit_too_far_through_the_market_is_refused(side: str, limit: str) -> None:
    assert codes(cautious(price_percent=D(5)).place(1, side, 1, "LMT", limit=limit)) == [109]


@pytest.mark.parametrize(("side", "limit"), [("BUY", "1.00"), ("SELL", "900"), ("BUY", "105.01")])
def test_passive_limit_may_be_as_far_away_as_it_likes(side: str, limit: str) -> None:
    assert codes(cautious(price_percent=D(5)).place(1, side, 1, "LMT", limit=limit)) == []


def test_override_switches_the_percentage_off_and_nothing_else() -> None:
    bench = cautious(price_percent=D(5), size=D(100))
    bold = {"limit": "150", "overrides_price_check": True}
    assert codes(bench.place(1, "BUY", 1, "LMT", **bold)) == []
    assert codes(bench.place(2, "BUY", 101, "LMT", **bold)) == [383]


def test_modification_too_far_through_the_market_is_163() -> None:
    bench = cautious(price_percent=D(5))
    bench.place(1, "BUY", 1, "LMT", limit="90")
    assert codes(bench.place(1, "BUY", 1, "LMT", limit="120")) == [163]
    assert bench.state(1).order.limit_price == D(90)


def test_without_a_market_there_is_nothing_to_judge_by() -> None:
    bench = cautious(price_percent=D(5))
    bench.stand("0", "0")
    assert codes(bench.place(1, "BUY", 1, "LMT", limit="100")) == [164]
    bold = {"limit": "100", "overrides_price_check": True}
    assert codes(bench.place(1, "BUY", 1, "LMT", **bold)) == []


def test_ticks_and_value_are_limits_of_their_own() -> None:
    assert codes(cautious(price_ticks=10).place(1, "BUY", 1, "LMT", limit="100.12")) == [382]
    assert codes(cautious(price_ticks=10).place(1, "BUY", 1, "LMT", limit="100.11")) == []
    assert codes(cautious(value=D(10_000)).place(1, "BUY", 100, "MKT")) == [451]
    assert codes(cautious(value=D(10_001)).place(1, "BUY", 100, "MKT")) == []


@pytest.mark.parametrize(("side", "limit"), [("BUY", "200"), ("SELL", "0.01"), ("BUY", "0.05")])
def test_defaults_refuse_no_sensible_order(side: str, limit: str) -> None:
    assert codes(Bench().place(1, side, 100, "LMT", limit=limit)) == []


# -- the servers' band


def banded(policy: FarLimit) -> Bench:
    return Bench(cash=1_000_000, rules=ExchangePolicy(far_limit=policy))


def test_far_limit_is_kept_unless_the_policy_says_otherwise() -> None:
    bench = banded(FarLimit.KEPT)
    bench.stand("99.99", "100.01", ask_size=40)
    bench.place(1, "BUY", 100, "LMT", limit="130")
    assert fills(bench.market("124.99", "125.01", "125.00")) == [(1, "60", "125.01")]


def test_capped_limit_trades_no_worse_than_the_bands_edge() -> None:
    bench = banded(FarLimit.CAPPED)
    bench.stand("99.99", "100.01", ask_size=40)
    events = bench.place(1, "BUY", 100, "LMT", limit="130")
    assert story(events)[:2] == ["new 1 Submitted", "error 2161 1"]
    assert (bench.state(1).price_cap, bench.state(1).order.limit_price) == (D("110.01"), D(130))
    assert fills(bench.market("124.99", "125.01", "125.00")) == []
    assert fills(bench.market("109.99", "110.01", "110.00")) == [(1, "60", "110.01")]


def test_cap_goes_when_the_limit_comes_back_inside() -> None:
    bench = banded(FarLimit.CAPPED)
    bench.stand("99.99", "100.01", ask_size=0)
    bench.place(1, "BUY", 100, "LMT", limit="130")
    bench.place(1, "BUY", 100, "LMT", limit="105")
    assert (bench.state(1).price_cap, bench.state(1).limit) == (None, D(105))


def test_limit_beyond_the_band_is_cancelled_by_the_servers() -> None:
    bench = banded(FarLimit.CANCELLED)
    events = bench.place(1, "SELL", 100, "LMT", limit="80")
    assert story(events) == ["new 1 Submitted", "1 Cancelled", "error 202 1"]
    assert isinstance(events[-1], Warned)
    assert "too far through the market" in events[-1].text
    assert bench.position == 0


def test_parent_beyond_the_band_takes_its_children_with_it() -> None:
    bench = banded(FarLimit.CANCELLED)
    bench.bracket(limit="130")
    assert bench.statuses(1, 2, 3) == ["Cancelled"] * 3
    assert bench.exchange.working_orders() == ()


# -- selling short

HARD = ExchangePolicy(hard_to_borrow=frozenset({1}))


def test_short_sale_is_held_until_shares_are_found() -> None:
    bench = Bench(rules=HARD)
    assert story(bench.place(1, "SELL", 100, "MKT")) == ["new 1 Inactive", "error 404 1"]
    assert bench.state(1).why_held == "locate"
    assert fills(bench.market("99.99", "100.01", "100.00")) == []
    events = bench.exchange.adopt(ExchangePolicy(), bench.now)
    assert fills(events) == [(1, "100", "99.99")]
    assert bench.position == -100


def test_order_waits_on_while_its_shares_stay_hard_to_borrow() -> None:
    bench = Bench(rules=HARD)
    bench.place(1, "SELL", 100, "MKT")
    assert bench.exchange.adopt(replace(HARD, cross_side=CrossSide.SILENT), bench.now) == []
    assert bench.state(1).why_held == "locate"


def test_selling_what_is_held_needs_no_shares() -> None:
    bench = Bench(rules=HARD)
    bench.place(1, "BUY", 100, "MKT")
    assert story(bench.place(2, "SELL", 60, "LMT", limit="110")) == ["new 2 Submitted"]
    assert codes(bench.place(3, "SELL", 60, "LMT", limit="110")) == [404]


def test_brackets_exits_need_no_shares() -> None:
    bench = Bench(rules=HARD)
    assert codes(bench.bracket()) == []


def test_order_held_for_shares_can_be_cancelled_and_expires() -> None:
    bench = Bench(rules=HARD)
    bench.place(1, "SELL", 100, "MKT")
    assert story(bench.cancel(1)) == ["1 Cancelled", "error 202 1"]
    bench.place(2, "SELL", 100, "LMT", limit="110")
    assert "2 Cancelled" in story(bench.go_to(NEXT_OPEN))


# -- crossing sides


def test_order_that_turns_the_position_is_told_2137() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "MKT")
    assert codes(bench.place(2, "SELL", 100, "LMT", limit="110")) == []
    assert codes(bench.place(3, "SELL", 101, "LMT", limit="110")) == [2137]
    assert bench.status(3) == "Submitted"


def test_brackets_exits_cross_nothing() -> None:
    bench = Bench()
    bench.place(1, "BUY", 50, "MKT")
    assert codes(bench.bracket(2)) == []


def test_cross_side_warning_can_be_switched_off() -> None:
    bench = Bench(rules=ExchangePolicy(cross_side=CrossSide.SILENT))
    bench.place(1, "SELL", 100, "MKT")
    assert codes(bench.place(2, "BUY", 101, "LMT", limit="90")) == []


# -- odd lots of currencies


@pytest.mark.parametrize(("size", "text"), [(10_000, "10K"), (1_500, "1500")])
def test_small_currency_order_is_taken_as_an_odd_lot(size: int, text: str) -> None:
    bench = Bench(rates={"EUR": D("1.16")})
    bench.stand("1.15995", "1.16000")
    order = {"limit": "1.10", "listing": EURUSD}
    events = bench.place(1, "BUY", size, "LMT", **order)
    assert story(events) == ["new 1 Submitted", "error 399 1"]
    assert isinstance(events[1], Warned)
    assert events[1].text == (
        f"Order Message:\nBUY {text} EUR.USD Forex\nWarning: Your order size is below the EUR "
        "20000 IdealPro minimum and will be routed as an odd lot order."
    )
    assert codes(bench.place(2, "BUY", 20_000, "LMT", **order)) == []


def test_policy_is_a_value_that_can_be_changed_in_part() -> None:
    assert replace(HARD, cross_side=CrossSide.SILENT).hard_to_borrow == {1}
