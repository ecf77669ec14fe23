"""One order at a time: types, times in force, hours, prices."""

from __future__ import annotations

from decimal import Decimal

import pytest

from apps.domain.errors import IllegalTransition
from apps.paper.exchange.events import Executed, StatusChanged
from apps.paper.exchange.orders import NEXT_STAGES, OrderSnapshot, Stage
from tests.paper.exchange.bench import (
    CLOSE,
    NEXT_OPEN,
    OPEN,
    Bench,
    codes,
    fills,
    new_york,
    story,
)


def test_market_order_takes_the_touch_at_once() -> None:
    bench = Bench()
    events = bench.place(1, "BUY", 100, "MKT")
    assert story(events) == ["new 1 Submitted", "fill 1", "1 Filled", "commission"]
    assert fills(events) == [(1, "100", "100.01")]
    assert bench.position == 100


def test_market_order_larger_than_the_display_waits_for_the_next_moment() -> None:
    bench = Bench()
    bench.stand("99.99", "100.01", ask_size=30)
    assert fills(bench.place(1, "BUY", 100, "MKT")) == [(1, "30", "100.01")]
    assert bench.status(1) == "Submitted"
    assert fills(bench.market("99.99", "100.01", ask_size=30)) == []  # shown already, and taken
    assert fills(bench.market("99.99", "100.01", "100.01", ask_size=30)) == [(1, "30", "100.01")]
    assert fills(bench.market("100.00", "100.02", ask_size=900)) == [(1, "40", "100.02")]
    assert bench.state(1).avg_fill_price == Decimal("100.014")


def test_marketable_limit_is_improved_to_the_touch() -> None:
    bench = Bench()
    assert fills(bench.place(1, "BUY", 100, "LMT", limit="100.20")) == [(1, "100", "100.01")]
    assert fills(bench.place(2, "SELL", 100, "LMT", limit="99.50")) == [(2, "100", "99.99")]


def test_resting_limit_trades_at_its_own_price_when_the_touch_comes() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "LMT", limit="99.50")
    assert bench.status(1) == "Submitted"
    assert fills(bench.market("99.50", "99.51", "99.51")) == []
    events = bench.market("99.46", "99.48", "99.48")
    assert fills(events) == [(1, "100", "99.50")]
    executed = next(event for event in events if isinstance(event, Executed))
    assert not executed.execution.removed_liquidity


def test_resting_limit_is_filled_by_a_print_through_it_up_to_its_size() -> None:
    bench = Bench()
    bench.place(1, "SELL", 100, "LMT", limit="100.50")
    assert (
        fills(bench.market("100.48", "100.52", "100.50", size=500)) == []
    )  # at it: who was first?
    assert fills(bench.market("100.48", "100.52", "100.51", size=40)) == [(1, "40", "100.50")]
    assert bench.state(1).remaining == 60


def test_limit_that_rested_over_night_is_improved_at_the_open() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "LMT", limit="99.50", time_in_force="GTC")
    bench.go_to(NEXT_OPEN)
    assert fills(bench.market("97.99", "98.01", "98.00")) == [(1, "100", "98.01")]


def test_far_limit_stays_submitted() -> None:
    bench = Bench()
    assert story(bench.place(1, "BUY", 100, "LMT", limit="0.05")) == ["new 1 Submitted"]


def test_stop_waits_for_a_trade_at_its_price_then_takes_the_touch() -> None:
    bench = Bench()
    assert story(bench.place(1, "SELL", 100, "STP", stop="99")) == ["new 1 PreSubmitted"]
    assert bench.state(1).why_held == "trigger"
    assert bench.market("98.90", "98.95", "99.01") == []  # the quote alone elects nothing
    events = bench.market("98.97", "98.99", "99.00")
    assert story(events)[0] == "1 Submitted"
    assert fills(events) == [(1, "100", "98.97")]


def test_stop_already_beyond_the_last_trade_is_elected_on_arrival() -> None:
    bench = Bench()
    assert fills(bench.place(1, "BUY", 10, "STP", stop="99.50")) == [(1, "10", "100.01")]


def test_buy_stop_is_elected_at_its_very_price() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "STP", stop="101")
    assert bench.market("100.97", "100.99", "100.99") == []
    assert fills(bench.market("100.99", "101.01", "101.00")) == [(1, "100", "101.01")]


def test_stop_through_a_gap_fills_at_the_open() -> None:
    bench = Bench()
    bench.place(1, "SELL", 100, "STP", stop="99", time_in_force="GTC")
    assert bench.go_to(NEXT_OPEN) == []
    assert fills(bench.market("94.99", "95.01", "95.00", after_ms=0)) == [(1, "100", "94.99")]


def test_yesterdays_last_trade_elects_nothing_this_morning() -> None:
    bench = Bench(at="2026-11-18 17:00")
    bench.place(1, "SELL", 100, "STP", stop="101", time_in_force="GTC")
    bench.now = NEXT_OPEN
    assert fills(bench.market("100.99", "101.01", after_ms=0)) == []
    assert fills(bench.market("100.98", "101.00", "101.00")) == [(1, "100", "100.98")]


def test_stop_limit_through_a_gap_rests_at_its_limit() -> None:
    bench = Bench()
    bench.place(1, "SELL", 100, "STP LMT", stop="99", limit="98.50", time_in_force="GTC")
    events = bench.market("94.99", "95.01", "95.00")
    assert story(events) == ["1 Submitted"]
    assert fills(bench.market("98.60", "98.62", "98.61")) == [(1, "100", "98.50")]


def test_ioc_trades_what_there_is_and_cancels_the_rest() -> None:
    bench = Bench()
    bench.stand("99.99", "100.01", ask_size=30)
    events = bench.place(1, "BUY", 100, "LMT", limit="100.01", time_in_force="IOC")
    assert story(events) == [
        "new 1 Submitted",
        "fill 1",
        "1 Submitted",
        "commission",
        "1 Cancelled",
        "error 202 1",
    ]
    assert bench.state(1).filled == 30


def test_ioc_outside_the_session_is_cancelled() -> None:
    bench = Bench(at="2026-11-18 17:00")
    events = bench.place(1, "BUY", 100, "LMT", limit="101", time_in_force="IOC")
    assert (bench.status(1), fills(events)) == ("Cancelled", [])


def test_day_order_expires_at_the_close_and_gtc_does_not() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "LMT", limit="90")
    bench.place(2, "BUY", 100, "LMT", limit="90", time_in_force="GTC")
    assert bench.exchange.next_deadline() == CLOSE
    assert story(bench.go_to(CLOSE - 1)) == []
    assert story(bench.go_to(CLOSE)) == ["1 Cancelled", "error 202 1"]
    assert bench.statuses(1, 2) == ["Cancelled", "Submitted"]
    assert bench.exchange.next_deadline() is None


def test_day_order_for_all_hours_expires_when_the_evening_ends() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "LMT", limit="90", outside_rth=True)
    assert bench.exchange.next_deadline() == new_york("2026-11-18 20:00")


def test_market_order_before_the_open_is_held_with_a_warning_and_trades_at_the_open() -> None:
    bench = Bench(at="2026-11-18 08:00")
    events = bench.place(1, "BUY", 100, "MKT")
    assert story(events) == ["new 1 PreSubmitted", "error 399 1"]
    assert "2026-11-18 09:30:00 US/Eastern" in bench.state(1).warning
    assert bench.exchange.next_deadline() == OPEN
    bench.stand("101.00", "101.02")
    events = bench.go_to(OPEN)
    assert story(events) == ["1 Submitted", "fill 1", "1 Filled", "commission"]
    assert fills(events) == [(1, "100", "101.02")]


def test_market_order_never_trades_outside_regular_hours() -> None:
    bench = Bench(at="2026-11-18 17:00")
    events = bench.place(1, "BUY", 100, "MKT", outside_rth=True)
    assert story(events) == ["new 1 PreSubmitted", "error 2109 1", "error 399 1"]
    assert fills(bench.market("99.99", "100.01", "100.01")) == []


def test_limit_trades_outside_regular_hours_only_when_it_may() -> None:
    bench = Bench(at="2026-11-18 17:00")
    assert fills(bench.place(1, "BUY", 100, "LMT", limit="101")) == []
    assert fills(bench.place(2, "BUY", 100, "LMT", limit="101", outside_rth=True)) == [
        (2, "100", "100.01")
    ]
    assert bench.status(1) == "PreSubmitted"


def test_working_limit_does_not_trade_in_the_evening() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "LMT", limit="99", time_in_force="GTC")
    bench.go_to(new_york("2026-11-18 17:00"))
    assert bench.market("97.99", "98.01", "98.00") == []


def test_early_close_ends_the_day() -> None:
    bench = Bench(at="2026-11-27 10:00")
    bench.place(1, "BUY", 100, "LMT", limit="90")
    assert bench.exchange.next_deadline() == new_york("2026-11-27 13:00")


def test_better_priced_order_is_served_first_then_the_older() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "LMT", limit="99.40")
    bench.place(2, "BUY", 100, "LMT", limit="99.50")
    bench.place(3, "BUY", 100, "LMT", limit="99.50")
    events = bench.market("99.30", "99.35", "99.35", ask_size=150, size=1)
    assert fills(events)[:2] == [(2, "100", "99.50"), (3, "50", "99.50")]


def test_short_sale_opens_a_short_position() -> None:
    bench = Bench()
    assert fills(bench.place(1, "SELL", 100, "MKT")) == [(1, "100", "99.99")]
    assert bench.position == -100


def test_commission_minimum_is_asked_once_an_order() -> None:
    bench = Bench()
    bench.stand("99.99", "100.01", ask_size=100)
    bench.place(1, "BUY", 300, "MKT")
    bench.market("99.99", "100.01", "100.01", ask_size=100)
    bench.market("99.99", "100.01", "100.01", ask_size=100)
    reports = [
        bench.exchange.commission_report(execution.exec_id).commission
        for execution in bench.exchange.executions()
    ]
    assert reports == [Decimal("1.0000"), Decimal("0.0000"), Decimal("0.5000")]


def test_perm_ids_and_exec_ids_are_counted_and_never_repeat() -> None:
    bench, again = Bench(), Bench()
    for one in (bench, again):
        one.place(1, "BUY", 10, "MKT")
        one.place(2, "BUY", 10, "MKT")
    ids = [execution.exec_id for execution in bench.exchange.executions()]
    assert ids == [execution.exec_id for execution in again.exchange.executions()]
    assert len(set(ids)) == 2
    assert all(identity.startswith("0000e0d5.") and identity.endswith(".01") for identity in ids)
    assert bench.state(1).perm_id != bench.state(2).perm_id


def test_order_ids_of_clients_are_apart() -> None:
    bench = Bench()
    bench.place(5, "BUY", 10, "MKT")
    bench.place(2, "BUY", 10, "MKT", client_id=8)
    assert (bench.exchange.next_order_id(7), bench.exchange.next_order_id(8)) == (6, 3)
    assert bench.exchange.next_order_id(9) == 1


def test_listings_are_watched_while_orders_work_there() -> None:
    bench = Bench()
    assert not bench.exchange.working_listings()
    bench.place(1, "BUY", 10, "LMT", limit="90")
    assert bench.exchange.working_listings() == {bench.stock}
    bench.cancel(1)
    assert not bench.exchange.working_listings()


def test_time_that_goes_back_is_an_error() -> None:
    bench = Bench()
    bench.go_to(OPEN + 1000)
    with pytest.raises(ValueError, match="went back"):
        bench.exchange.on_time(OPEN)


@pytest.mark.parametrize("source", list(Stage))
@pytest.mark.parametrize("target", list(Stage))
def test_transition_outside_the_table_raises_and_changes_nothing(
    source: Stage, target: Stage
) -> None:
    order = Bench().order(1, "BUY", 1, "MKT")
    snapshot = OrderSnapshot(order=order, perm_id=1, stage=source, placed_at=0)
    if target in NEXT_STAGES[source]:
        assert snapshot.moved(target).stage is target
    else:
        with pytest.raises(IllegalTransition):
            snapshot.moved(target)
    assert snapshot.stage is source


def test_what_is_done_stays_done() -> None:
    assert all(stage.is_done for stage in (Stage.FILLED, Stage.CANCELLED, Stage.REJECTED))


def test_snapshots_in_events_stay_true_to_their_moment() -> None:
    bench = Bench()
    events = bench.place(1, "BUY", 100, "LMT", limit="99")
    bench.cancel(1)
    first = events[0]
    assert not isinstance(first, StatusChanged)
    assert story(events) == ["new 1 Submitted"]
    assert codes(events) == []
