"""Orders that wait for prices, times, margin, executions, volumes and changes."""

from __future__ import annotations

from decimal import Decimal

import pytest

from apps.paper.exchange.conditions import (
    Condition,
    ExecutionCondition,
    MarginCondition,
    PercentChangeCondition,
    PriceCondition,
    TimeCondition,
    VolumeCondition,
)
from apps.paper.exchange.floor.condition_watch import hold
from apps.paper.exchange.orders import OrderSnapshot, Stage
from apps.paper.exchange.policies import ExchangePolicy, Revision
from tests.paper.exchange.bench import NEXT_OPEN, OPEN, Bench, D, fills, new_york, story
from tests.paper.exchange.several import OTHER, STOCK, SeveralBench

NOON = new_york("2026-11-18 12:00")


def price(level: str, *, is_more: bool = True, **more: object) -> PriceCondition:
    return PriceCondition(listing=OTHER, price=D(level), is_more=is_more, **more)  # type: ignore[arg-type]  # the field names are checked at run time


def waiting(*conditions: Condition, **more: object) -> SeveralBench:
    bench = SeveralBench()
    events = bench.place(1, "BUY", 100, "LMT", limit="101", conditions=conditions, **more)
    assert story(events)[0] == "new 1 PreSubmitted"
    return bench


# -- each kind


def test_price_of_another_listing_is_waited_for_and_that_listing_is_followed() -> None:
    bench = waiting(price("105"))
    assert bench.exchange.working_listings() == {STOCK, OTHER}
    assert bench.moves(OTHER, "104.97", "104.99", "104.98") == []
    events = bench.moves(OTHER, "105.00", "105.02", "105.01")
    assert story(events) == ["1 Submitted", "fill 1", "1 Filled", "commission"]
    assert bench.exchange.working_listings() == set()


def test_order_with_unmet_conditions_is_invisible_to_the_market() -> None:
    bench = waiting(price("105"))
    assert bench.market("90.00", "90.02", "90.01") == []
    assert bench.state(1).why_held == ""


def test_price_below_a_level() -> None:
    bench = waiting(price("95", is_more=False))
    assert bench.moves(OTHER, "95.00", "95.02", "95.01") == []
    assert fills(bench.moves(OTHER, "94.98", "95.00", "95.00")) == [(1, "100", "100.01")]


def test_price_by_quotes_when_the_method_says_so() -> None:
    bench = waiting(price("105", trigger_method=4))
    assert bench.moves(OTHER, "104.99", "105.01", "105.01") == []
    assert fills(bench.moves(OTHER, "105.00", "105.02")) == [(1, "100", "100.01")]


def test_condition_that_holds_already_lets_the_order_work_at_once() -> None:
    bench = SeveralBench()
    events = bench.place(1, "BUY", 100, "MKT", conditions=(price("99"),))
    assert story(events) == [
        "new 1 PreSubmitted",
        "1 Submitted",
        "fill 1",
        "1 Filled",
        "commission",
    ]


def test_time_is_waited_for() -> None:
    bench = waiting(TimeCondition(at=NOON, is_more=True))
    assert bench.exchange.next_deadline() == NOON
    assert fills(bench.go_to(NOON)) == [(1, "100", "100.01")]


def test_time_that_must_not_have_come_holds_until_then() -> None:
    both = (TimeCondition(at=NOON, is_more=False), price("105"))
    bench = waiting(*both)
    bench.go_to(NOON)
    assert bench.moves(OTHER, "106.00", "106.02", "106.01") == []


def test_volume_of_the_session_is_counted_from_its_start() -> None:
    bench = SeveralBench()
    bench.now = OPEN
    bench.moves(OTHER, "100", "100.02", "100.01", size=600)
    bench.now = OPEN + 600_000
    more = VolumeCondition(listing=OTHER, volume=1_000, is_more=True)
    bench.place(1, "BUY", 100, "LMT", limit="101", conditions=(more,))
    assert bench.moves(OTHER, "100", "100.02", "100.01", size=399) == []
    assert fills(bench.moves(OTHER, "100", "100.02", "100.01", size=1)) == [(1, "100", "100.01")]


def test_change_since_the_previous_close() -> None:
    bench = waiting(PercentChangeCondition(listing=OTHER, change_percent=D("-2"), is_more=False))
    assert bench.moves(OTHER, "98.00", "98.02", "98.01") == []
    assert len(fills(bench.moves(OTHER, "97.98", "98.00", "98.00"))) == 1


def test_margin_cushion() -> None:
    bench = SeveralBench()
    less = MarginCondition(percent=D(90), is_more=False)
    bench.place(1, "SELL", 100, "MKT", listing=OTHER, conditions=(less,))
    assert bench.market("99.99", "100.01", "100.00") == []
    bench.stand("99.99", "100.01", ask_size=100_000)
    bench.place(2, "BUY", 50_000, "MKT")  # half of the account: its margin is more than a tenth
    assert len(fills(bench.moves(OTHER, "99.99", "100.01", "100.00"))) == 1


def test_execution_of_another_symbol_in_the_account() -> None:
    bench = SeveralBench()
    bench.place(1, "BUY", 10, "MKT", listing=OTHER)
    after = ExecutionCondition(symbol="MSFT", sec_type="STK", exchange="SMART")
    bench.place(2, "BUY", 100, "LMT", limit="101", conditions=(after,))
    assert bench.market("99.99", "100.01", "100.00") == []  # that was before it came
    bench.place(3, "BUY", 10, "MKT", listing=OTHER)
    assert fills(bench.market("99.99", "100.01", "100.00")) == [(2, "100", "100.01")]


# -- together


@pytest.mark.parametrize(
    ("joined", "holding", "holds"),
    [
        ("and", {1}, False),
        ("and", {1, 2}, True),
        ("or", {2}, True),
        ("or", set(), False),
        ("and or", {3}, True),  # (1 and 2) or 3
        ("or and", {1}, False),  # (1 or 2) and 3
        ("or and", {2, 3}, True),
    ],
)
def test_conditions_join_from_left_to_right(joined: str, holding: set[int], holds: bool) -> None:
    words = [*joined.split(), "and"]
    conditions = tuple(
        price("100" if place in holding else "9999", is_and=word == "and")
        for place, word in enumerate(words, start=1)
    )
    bench = SeveralBench()
    order = bench.order(1, "BUY", 1, "MKT", conditions=conditions)
    snapshot = OrderSnapshot(order=order, perm_id=1, stage=Stage.AWAITS_CONDITION, placed_at=0)
    bench.exchange._floor.now = bench.now
    assert hold(snapshot, bench.exchange._floor._scene) is holds


# -- in time


def test_conditions_are_not_judged_outside_regular_hours() -> None:
    bench = SeveralBench(at="2026-11-18 17:00")
    bench.place(1, "BUY", 100, "LMT", limit="101", conditions=(price("105"),), time_in_force="GTC")
    assert bench.moves(OTHER, "105.00", "105.02", "105.01") == []
    bench.now = NEXT_OPEN
    assert fills(bench.moves(OTHER, "105.00", "105.02", "105.01")) == [(1, "100", "100.01")]


def test_conditions_that_ignore_regular_hours_are_judged_at_any_time() -> None:
    bench = SeveralBench(at="2026-11-18 17:00")
    more = {"conditions_ignore_rth": True, "outside_rth": True}
    bench.place(1, "BUY", 100, "LMT", limit="101", conditions=(price("105"),), **more)
    assert fills(bench.moves(OTHER, "105.00", "105.02", "105.01")) == [(1, "100", "100.01")]


def test_conditions_may_cancel_a_working_order() -> None:
    bench = SeveralBench()
    more = {"conditions": (price("105"),), "conditions_cancel_order": True}
    assert story(bench.place(1, "BUY", 100, "LMT", limit="90", **more)) == ["new 1 Submitted"]
    bench.moves(OTHER, "104.00", "104.02", "104.01")
    assert bench.status(1) == "Submitted"
    assert story(bench.moves(OTHER, "105", "105.02", "105.01")) == ["1 Cancelled", "error 202 1"]


def test_conditions_that_held_once_stay_met() -> None:
    bench = SeveralBench()
    bench.place(1, "BUY", 100, "LMT", limit="99", conditions=(price("105"),))
    assert story(bench.moves(OTHER, "105", "105.02", "105.01")) == ["1 Submitted"]
    bench.moves(OTHER, "90", "90.02", "90.01")
    assert len(fills(bench.moves(STOCK, "98.97", "98.99", "98.98"))) == 1


def test_childs_conditions_wait_for_its_parent() -> None:
    bench = SeveralBench()
    bench.place(1, "BUY", 100, "LMT", limit="98", transmit=False)
    child = {"parent_id": 1, "conditions": (price("105"),), "time_in_force": "GTC"}
    bench.place(2, "SELL", 100, "LMT", limit="97", **child)
    bench.moves(OTHER, "105", "105.02", "105.01")
    assert bench.state(2).why_held == "child"
    bench.moves(OTHER, "90", "90.02", "90.01")
    bench.market("97.90", "97.92", "97.91")
    assert (bench.state(1).status.value, bench.state(2).stage) == ("Filled", Stage.AWAITS_CONDITION)
    assert fills(bench.moves(OTHER, "105", "105.02", "105.01")) == [(2, "100", "97.90")]


def test_cancelled_order_looks_at_nothing_any_more() -> None:
    bench = waiting(price("105"))
    bench.cancel(1)
    assert bench.exchange.working_listings() == set()
    assert bench.moves(OTHER, "105", "105.02", "105.01") == []


def test_account_is_worth_something_to_have_a_cushion() -> None:
    bench = Bench()
    bench.account._cash["USD"] = Decimal(-1)
    assert bench.exchange._floor._scene.cushion_percent("DU1") == 0


def test_judging_conditions_leaves_a_print_to_those_who_rest() -> None:
    bench = SeveralBench()
    bench.place(1, "BUY", 100, "LMT", limit="99.50")
    own = PriceCondition(listing=STOCK, price=D("98"), is_more=False)
    bench.place(2, "BUY", 100, "LMT", limit="90", conditions=(own,))
    assert fills(bench.market("99.48", "99.52", "99.40", size=40)) == [(1, "40", "99.50")]


def test_modification_may_bring_conditions_or_take_them_away() -> None:
    bench = SeveralBench(rules=ExchangePolicy(revision=Revision.LENIENT))
    bench.place(1, "BUY", 100, "LMT", limit="99")
    assert story(bench.place(1, "BUY", 100, "LMT", limit="99", conditions=(price("105"),))) == [
        "1 PreSubmitted"
    ]
    assert bench.exchange.working_listings() == {STOCK, OTHER}
    assert bench.market("98.90", "98.92", "98.91") == []
    bench.market("99.99", "100.01", "100.00")
    assert story(bench.place(1, "BUY", 100, "LMT", limit="99")) == ["1 Submitted"]
    assert bench.exchange.working_listings() == {STOCK}
    assert len(fills(bench.market("98.90", "98.92", "98.91"))) == 1


def test_other_conditions_are_waited_for_anew() -> None:
    bench = SeveralBench(rules=ExchangePolicy(revision=Revision.LENIENT))
    bench.place(1, "BUY", 100, "LMT", limit="99", conditions=(price("99"),))
    assert bench.status(1) == "Submitted"
    bench.place(1, "BUY", 100, "LMT", limit="99", conditions=(price("105"),))
    assert bench.status(1) == "PreSubmitted"
    assert story(bench.moves(OTHER, "105", "105.02", "105.01")) == ["1 Submitted"]


def test_yesterdays_price_meets_no_condition_this_morning() -> None:
    bench = SeveralBench(at="2026-11-18 17:00")
    bench.moves(OTHER, "105", "105.02", "105.01")
    bench.place(1, "BUY", 100, "LMT", limit="101", conditions=(price("105"),), time_in_force="GTC")
    assert fills(bench.go_to(NEXT_OPEN)) == []
    assert len(fills(bench.moves(OTHER, "105", "105.02", "105.01"))) == 1


def test_volume_begins_anew_with_each_session() -> None:
    bench = SeveralBench()
    more = VolumeCondition(listing=OTHER, volume=1_000, is_more=True)
    gtc = {"time_in_force": "GTC", "conditions": (more,)}
    bench.place(1, "BUY", 100, "LMT", limit="101", **gtc)
    bench.moves(OTHER, "100", "100.02", "100.01", size=900)
    bench.now += 120_000
    bench.moves(OTHER, "100", "100.02", "100.01", size=1)
    bench.go_to(NEXT_OPEN + 120_000)
    assert fills(bench.moves(OTHER, "100", "100.02", "100.01", size=900)) == []
    assert len(fills(bench.moves(OTHER, "100", "100.02", "100.01", size=100))) == 1
