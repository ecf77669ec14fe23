"""Stops that move with the market, and stops that become something else."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.paper.exchange.events import Event
from apps.paper.exchange.orders import Adjustment
from tests.paper.exchange.bench import NEXT_OPEN, Bench, D, fills, story


def quote(bench: Bench, last: str) -> list[Event]:
    """Trade at ``last`` with the quotes a cent around it."""
    price = D(last)
    return bench.market(str(price - D("0.01")), str(price + D("0.01")), last)


# -- trailing


def test_trailing_stop_starts_behind_the_market_and_follows_it_up_only() -> None:
    bench = Bench()
    assert story(bench.place(1, "SELL", 100, "TRAIL", stop="1")) == ["new 1 PreSubmitted"]
    assert bench.state(1).trail_stop == D("99.00")
    assert bench.state(1).why_held == "trigger"
    assert quote(bench, "100.50") == []  # a step is not told by itself
    assert bench.state(1).trail_stop == D("99.50")
    quote(bench, "100.10")
    assert bench.state(1).trail_stop == D("99.50")


def test_trailing_stop_sells_at_the_touch_when_it_is_reached() -> None:
    bench = Bench()
    bench.place(1, "SELL", 100, "TRAIL", stop="1")
    quote(bench, "101.00")
    assert quote(bench, "100.01") == []
    assert fills(quote(bench, "100.00")) == [(1, "100", "99.99")]


def test_trailing_buy_follows_the_market_down() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "TRAIL", stop="0.50")
    quote(bench, "99.00")
    assert bench.state(1).trail_stop == D("99.50")
    assert fills(quote(bench, "99.50")) == [(1, "100", "99.51")]


def test_trailing_stop_may_start_where_the_client_says() -> None:
    bench = Bench()
    bench.place(1, "SELL", 100, "TRAIL", stop="1", trail_stop_price=D("98"))
    assert bench.state(1).trail_stop == D("99.00")  # the market has carried it there already
    bench.place(2, "SELL", 100, "TRAIL", stop="1", trail_stop_price=D("99.40"))
    assert bench.state(2).trail_stop == D("99.40")


def test_trailing_distance_in_percent_is_never_shorter_for_being_on_a_tick() -> None:
    bench = Bench()
    bench.place(1, "SELL", 100, "TRAIL", trailing_percent=D("0.333"))
    assert bench.state(1).trail_stop == D("99.66")  # 99.667, away from the market
    bench.place(2, "BUY", 100, "TRAIL", trailing_percent=D("0.333"))
    assert bench.state(2).trail_stop == D("100.34")


def test_trailing_stop_limit_keeps_its_limit_at_the_offset() -> None:
    bench = Bench()
    bench.place(1, "SELL", 100, "TRAIL LIMIT", stop="1", limit_price_offset=D("0.20"))
    assert (bench.state(1).trail_stop, bench.state(1).limit) == (D("99.00"), D("98.80"))
    quote(bench, "102.00")
    assert (bench.state(1).trail_stop, bench.state(1).limit) == (D("101.00"), D("100.80"))
    assert story(bench.market("100.00", "100.02", "100.99")) == ["1 Submitted"]
    assert fills(bench.market("100.81", "100.83", "100.82")) == [(1, "100", "100.80")]


def test_trailing_stop_limit_with_a_limit_keeps_the_distance_that_was_set_out() -> None:
    bench = Bench()
    prices = {"trail_stop_price": D("99.50"), "limit": "99.40"}
    bench.place(1, "SELL", 100, "TRAIL LIMIT", stop="1", **prices)
    quote(bench, "101.00")
    assert (bench.state(1).trail_stop, bench.state(1).limit) == (D("100.00"), D("99.90"))


def test_trailing_stop_stands_still_while_the_market_is_closed() -> None:
    bench = Bench()
    bench.place(1, "SELL", 100, "TRAIL", stop="1", time_in_force="GTC")
    bench.now = NEXT_OPEN - 3_600_000
    assert quote(bench, "110.00") == []
    assert bench.state(1).trail_stop == D("99.00")
    bench.now = NEXT_OPEN
    quote(bench, "111.00")
    assert bench.state(1).trail_stop == D("110.00")


def test_trailing_child_begins_where_its_parent_was_filled() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "LMT", limit="98", transmit=False)
    bench.place(2, "SELL", 100, "TRAIL", stop="1", parent_id=1, time_in_force="GTC")
    assert (bench.state(2).why_held, bench.state(2).trail_stop) == ("child,trigger", None)
    bench.market("97.97", "97.99", "97.99")
    assert (bench.state(2).why_held, bench.state(2).trail_stop) == ("trigger", D("96.99"))


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(["BUY", "SELL"]),
    st.integers(1, 300),
    st.lists(st.integers(9_000, 11_000), min_size=1, max_size=25),
)
def test_trailing_stop_never_goes_back_and_is_never_nearer_than_asked(
    side: str, distance: int, prices: list[int]
) -> None:
    bench, cent = Bench(), D("0.01")
    bench.place(1, side, 100, "TRAIL", stop=str(distance * cent))
    sign = 1 if side == "BUY" else -1
    best = D("100.00")
    before: Decimal | None = bench.state(1).trail_stop
    for price in prices:
        last = price * cent
        events = quote(bench, str(last))
        assert before is not None
        if fills(events):
            assert sign * last >= sign * before
            return
        best = min(best, last) if side == "BUY" else max(best, last)
        after = bench.state(1).trail_stop
        assert after == best + sign * distance * cent
        assert sign * after <= sign * before
        before = after


# -- adjusting


def adjustable(kind: str, **more: object) -> Adjustment:
    return Adjustment(trigger_price=D("102"), order_type=kind, **more)  # type: ignore[arg-type]  # the field names are checked at run time


def test_adjustable_stop_becomes_another_stop_once_the_trigger_is_touched() -> None:
    bench = Bench()
    bench.place(1, "SELL", 100, "STP", stop="98", adjustment=adjustable("STP", stop_price=D("101")))
    assert quote(bench, "101.99") == []
    assert story(quote(bench, "102.00")) == ["1 PreSubmitted"]
    order = bench.state(1).order
    assert (order.order_type, order.stop_price) == ("STP", D("101"))
    assert fills(quote(bench, "101.00")) == [(1, "100", "100.99")]


def test_adjustable_stop_that_is_elected_first_is_never_adjusted() -> None:
    bench = Bench()
    bench.place(1, "SELL", 100, "STP", stop="98", adjustment=adjustable("STP", stop_price=D("101")))
    assert fills(quote(bench, "97.99")) == [(1, "100", "97.98")]


def test_adjustable_stop_becomes_a_stop_limit() -> None:
    bench = Bench()
    to = adjustable("STP LMT", stop_price=D("101"), stop_limit_price=D("100.90"))
    bench.place(1, "SELL", 100, "STP", stop="98", adjustment=to)
    quote(bench, "102.00")
    assert story(bench.market("100.50", "100.52", "101.00")) == ["1 Submitted"]
    assert bench.state(1).limit == D("100.90")


@pytest.mark.parametrize(
    ("by_percent", "amount", "then", "later"),
    [(False, "0.50", "101.50", "102.50"), (True, "1", "100.98", "101.97")],
)
def test_adjustable_stop_becomes_a_trailing_one(
    by_percent: bool, amount: str, then: str, later: str
) -> None:
    bench = Bench()
    to = adjustable(
        "TRAIL", stop_price=D("100"), trailing_amount=D(amount), trails_by_percent=by_percent
    )
    bench.place(1, "SELL", 100, "STP", stop="98", adjustment=to)
    quote(bench, "102.00")
    assert (bench.state(1).order.order_type, bench.state(1).trail_stop) == ("TRAIL", D(then))
    quote(bench, "103.00")
    assert bench.state(1).trail_stop == D(later)


def test_adjustable_stop_of_a_bracket_stays_in_it() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "MKT", transmit=False)
    child = {"parent_id": 1, "time_in_force": "GTC"}
    bench.place(2, "SELL", 100, "LMT", limit="105", transmit=False, **child)
    to = adjustable("STP", stop_price=D("101"))
    bench.place(3, "SELL", 100, "STP", stop="98", adjustment=to, **child)
    quote(bench, "102.00")
    assert fills(quote(bench, "101.00")) == [(3, "100", "100.99")]
    assert bench.statuses(2, 3) == ["Cancelled", "Filled"]


def test_short_positions_stop_is_adjusted_by_a_fall() -> None:
    bench = Bench()
    to = Adjustment(trigger_price=D("98"), order_type="STP", stop_price=D("99"))
    bench.place(1, "BUY", 100, "STP", stop="102", adjustment=to)
    quote(bench, "98.00")
    assert fills(quote(bench, "99.00")) == [(1, "100", "99.01")]
