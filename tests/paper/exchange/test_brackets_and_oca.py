"""Brackets by parentId and transmit, and one-cancels-all groups."""

from __future__ import annotations

from decimal import Decimal

import pytest

from apps.paper.exchange.brackets import BracketPolicy, ChildArming, PartialParentCancel
from tests.paper.exchange.bench import CLOSE, NEXT_OPEN, Bench, codes, fills, story


def test_held_orders_are_shown_to_nobody_until_the_last_leg_transmits_all() -> None:
    bench = Bench()
    assert bench.place(1, "BUY", 100, "LMT", limit="99", transmit=False) == []
    child = {"parent_id": 1, "time_in_force": "GTC"}
    assert bench.place(2, "SELL", 100, "LMT", limit="102", transmit=False, **child) == []
    assert bench.exchange.working_orders() == ()
    events = bench.place(3, "SELL", 100, "STP", stop="98", **child)
    assert story(events) == ["new 1 Submitted", "new 2 PreSubmitted", "new 3 PreSubmitted"]
    assert [bench.state(n).why_held for n in (1, 2, 3)] == ["", "child", "child,trigger"]


def test_held_order_is_released_by_placing_it_again() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "LMT", limit="99", transmit=False)
    assert story(bench.place(1, "BUY", 50, "LMT", limit="98")) == ["new 1 Submitted"]
    assert bench.state(1).order.quantity == 50


def test_parents_fill_arms_its_children() -> None:
    bench = Bench()
    events = bench.bracket()
    assert story(events) == [
        "new 1 Submitted",
        "new 2 PreSubmitted",
        "new 3 PreSubmitted",
        "fill 1",
        "1 Filled",
        "commission",
        "2 Submitted",
        "3 PreSubmitted",
    ]
    assert bench.state(3).why_held == "trigger"


def test_child_does_not_trade_before_its_parent() -> None:
    bench = Bench()
    bench.bracket(limit="99")
    assert fills(bench.market("103", "103.02", "103")) == []
    assert bench.position == 0


def test_take_profit_fills_and_the_stop_is_cancelled() -> None:
    bench = Bench()
    bench.bracket()
    events = bench.market("102.00", "102.02", "102.01")
    assert fills(events) == [(2, "100", "102")]
    assert story(events) == ["fill 2", "2 Filled", "commission", "3 Cancelled", "error 202 3"]
    assert bench.position == 0


def test_stop_fills_and_the_take_profit_is_cancelled() -> None:
    bench = Bench()
    bench.bracket()
    events = bench.market("98.97", "98.99", "98.98")
    assert fills(events) == [(3, "100", "98.97")]
    assert bench.statuses(2, 3) == ["Cancelled", "Filled"]
    assert bench.position == 0


def test_short_bracket_mirrors_the_long_one() -> None:
    bench = Bench()
    bench.bracket(side="SELL", limit="99.99", profit="98", stop="101")
    assert bench.position == -100
    assert fills(bench.market("101.01", "101.03", "101.02")) == [(3, "100", "101.03")]
    assert bench.position == 0


def test_partial_fill_of_one_exit_reduces_the_other_without_blocking_it() -> None:
    bench = Bench()
    bench.bracket()
    events = bench.market("102.00", "102.02", "102.00", bid_size=30)
    assert fills(events) == [(2, "30", "102")]
    assert bench.state(3).order.quantity == 70
    assert bench.statuses(2, 3) == ["Submitted", "PreSubmitted"]
    events = bench.market("98.97", "98.99", "98.98", bid_size=50)
    assert fills(events) == [(3, "50", "98.97")]
    assert bench.state(2).remaining == 20
    assert fills(bench.market("98.90", "98.92", "98.91")) == [(3, "20", "98.90")]
    assert bench.status(2) == "Filled"  # 30 filled, and its size was cut to 30
    assert bench.position == 0


def test_children_are_armed_in_step_with_a_partly_filled_parent() -> None:
    bench = Bench()
    bench.stand("99.99", "100.01", ask_size=40)
    bench.bracket()
    assert bench.statuses(1, 2, 3) == ["Submitted", "Submitted", "PreSubmitted"]
    assert fills(bench.market("98.97", "99.50", "98.98", ask_size=0)) == [(3, "40", "98.97")]
    assert bench.position == 0
    assert bench.state(2).remaining == 60
    assert fills(bench.market("100.00", "100.01", "100.01", ask_size=60))[0] == (1, "60", "100.01")


def test_children_wait_for_the_whole_parent_when_the_policy_says_so() -> None:
    bench = Bench(BracketPolicy(arming=ChildArming.WHEN_FILLED))
    bench.stand("99.99", "100.01", ask_size=40)
    bench.bracket()
    assert bench.statuses(2, 3) == ["PreSubmitted", "PreSubmitted"]
    bench.market("99.99", "100.01", "100.01")
    assert bench.statuses(1, 2, 3) == ["Filled", "Submitted", "PreSubmitted"]
    assert bench.state(3).why_held == "trigger"


def test_waiting_children_are_armed_when_the_parent_ends_with_a_part() -> None:
    bench = Bench(BracketPolicy(arming=ChildArming.WHEN_FILLED))
    bench.stand("99.99", "100.01", ask_size=40)
    bench.bracket(tif="IOC")
    assert bench.statuses(1, 2, 3) == ["Cancelled", "Submitted", "PreSubmitted"]
    assert bench.state(3).why_held == "trigger"


def test_unfilled_parent_cancelled_takes_its_children() -> None:
    bench = Bench()
    bench.bracket(limit="99")
    events = bench.cancel(1)
    assert story(events) == [
        "1 Cancelled",
        "error 202 1",
        "2 Cancelled",
        "error 202 2",
        "3 Cancelled",
        "error 202 3",
    ]


def test_partly_filled_parent_cancelled_by_its_client_kills_its_children() -> None:
    bench = Bench()
    bench.stand("99.99", "100.01", ask_size=40)
    bench.bracket()
    bench.cancel(1)
    assert bench.statuses(1, 2, 3) == ["Cancelled", "Cancelled", "Cancelled"]
    assert bench.position == 40


def test_children_stay_at_the_filled_size_when_the_policy_says_so() -> None:
    bench = Bench(BracketPolicy(partial_parent_cancel=PartialParentCancel.CHILDREN_STAY))
    bench.stand("99.99", "100.01", ask_size=40)
    bench.bracket()
    bench.cancel(1)
    assert bench.statuses(1, 2, 3) == ["Cancelled", "Submitted", "PreSubmitted"]
    assert [bench.state(n).order.quantity for n in (2, 3)] == [40, 40]


def test_parent_reduced_to_what_is_filled_is_done_and_its_children_protect_that() -> None:
    bench = Bench()
    bench.stand("99.99", "100.01", ask_size=40)
    bench.bracket()
    events = bench.place(1, "BUY", 40, "LMT", limit="100.01")
    assert story(events)[0] == "1 Filled"
    assert bench.statuses(1, 2, 3) == ["Filled", "Submitted", "PreSubmitted"]
    assert fills(bench.market("98.97", "98.99", "98.98")) == [(3, "40", "98.97")]
    assert bench.position == 0
    assert bench.status(2) == "Cancelled"


def test_reduction_after_an_exit_has_traded_counts_what_is_left() -> None:
    bench = Bench()
    bench.stand("99.99", "100.01", ask_size=40)
    bench.bracket(profit="101")
    bench.market("101.00", "101.02", "101.00", bid_size=30)
    bench.place(1, "BUY", 40, "LMT", limit="100.01")
    assert bench.state(2).order.quantity == 40
    assert bench.state(2).remaining == 10
    assert bench.state(3).remaining == 10


def test_reduced_unfilled_parent_cuts_its_children() -> None:
    bench = Bench()
    bench.bracket(limit="99")
    bench.place(1, "BUY", 60, "LMT", limit="99")
    assert [bench.state(n).order.quantity for n in (1, 2, 3)] == [60, 60, 60]


def test_expired_partly_filled_parent_leaves_the_position_protected() -> None:
    bench = Bench()
    bench.stand("99.99", "100.01", ask_size=40)
    bench.bracket()
    bench.market("99.99", "100.02", None)
    bench.go_to(CLOSE)
    assert bench.statuses(1, 2, 3) == ["Cancelled", "Submitted", "PreSubmitted"]
    assert bench.state(3).order.quantity == 40


def test_ioc_parent_keeps_children_for_what_it_got() -> None:
    bench = Bench()
    bench.stand("99.99", "100.01", ask_size=40)
    bench.bracket(tif="IOC")
    assert bench.statuses(1, 2, 3) == ["Cancelled", "Submitted", "PreSubmitted"]
    assert [bench.state(n).order.quantity for n in (2, 3)] == [40, 40]


def test_child_cancelled_by_its_client_takes_its_sibling() -> None:
    bench = Bench()
    bench.bracket()
    assert codes(bench.cancel(3)) == [202, 202]
    assert bench.statuses(2, 3) == ["Cancelled", "Cancelled"]
    assert bench.position == 100


def test_child_that_expires_leaves_its_sibling() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "LMT", limit="100.01", transmit=False)
    bench.place(2, "SELL", 100, "LMT", limit="102", parent_id=1, transmit=False)
    bench.place(3, "SELL", 100, "STP", stop="99", parent_id=1, time_in_force="GTC")
    bench.go_to(CLOSE)
    assert bench.statuses(2, 3) == ["Cancelled", "PreSubmitted"]


def test_exits_of_a_bracket_ask_for_no_margin_of_their_own() -> None:
    bench = Bench(cash=10_000)
    assert codes(bench.bracket(quantity=390)) == []
    assert bench.statuses(1, 2, 3) == ["Filled", "Submitted", "PreSubmitted"]


def test_exit_made_larger_than_its_parent_must_be_afforded() -> None:
    bench = Bench(cash=10_000)
    bench.bracket(quantity=390)
    larger = {"limit": "102", "parent_id": 1, "time_in_force": "GTC"}
    assert codes(bench.place(2, "SELL", 2_000, "LMT", **larger)) == [201]


def test_take_profit_repriced_through_the_market_closes_and_removes_the_stop() -> None:
    bench = Bench()
    bench.bracket()
    events = bench.place(2, "SELL", 100, "LMT", limit="99.50", parent_id=1, time_in_force="GTC")
    assert story(events)[0] == "2 Submitted"
    assert fills(events) == [(2, "100", "99.99")]
    assert bench.status(3) == "Cancelled"
    assert bench.position == 0


def test_bracket_over_night_stops_at_the_open_of_the_gap() -> None:
    bench = Bench()
    bench.bracket()
    bench.go_to(NEXT_OPEN)
    assert fills(bench.market("89.98", "90.00", "89.99", after_ms=0)) == [(3, "100", "89.98")]
    assert bench.position == 0


def test_bracket_that_cannot_be_afforded_is_rejected_whole() -> None:
    bench = Bench(cash=1_000)
    events = bench.bracket(quantity=1000)
    assert story(events) == [
        "error 201 1",
        "1 Inactive",
        "2 Cancelled",
        "error 202 2",
        "3 Cancelled",
        "error 202 3",
    ]
    assert bench.exchange.working_orders() == ()


def test_refused_leg_leaves_the_others_held() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "LMT", limit="100.01", transmit=False)
    assert codes(bench.place(2, "SELL", 100, "STP", stop="98.001", parent_id=1)) == [110]
    assert bench.exchange.working_orders() == ()
    assert story(bench.place(3, "SELL", 100, "STP", stop="98", parent_id=1))[0] == "new 1 Submitted"


def test_cancelled_held_order_is_discarded_with_its_children() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "LMT", limit="100.01", transmit=False)
    bench.place(2, "SELL", 100, "LMT", limit="102", parent_id=1, transmit=False)
    assert story(bench.cancel(1)) == ["error 202 2", "error 161 2", "error 202 1", "error 161 1"]
    assert codes(bench.place(3, "SELL", 100, "STP", stop="98", parent_id=1)) == [10006]


def test_child_attached_to_a_partly_filled_parent_is_armed_at_once() -> None:
    bench = Bench()
    bench.stand("99.99", "100.01", ask_size=40)
    bench.place(1, "BUY", 100, "LMT", limit="100.01")
    bench.place(2, "SELL", 100, "STP", stop="98", parent_id=1)
    assert bench.state(2).why_held == "trigger"


@pytest.mark.parametrize("oca_type", [2, 3])
def test_group_of_type_2_or_3_is_reduced_by_a_fill(oca_type: int) -> None:
    bench = Bench()
    group = {"oca_group": "exit", "oca_type": oca_type}
    bench.place(1, "SELL", 100, "LMT", limit="101", **group)
    bench.place(2, "SELL", 100, "STP", stop="99", **group)
    bench.market("101.00", "101.02", "101.00", bid_size=30)
    assert bench.state(2).order.quantity == 70


def test_group_of_type_1_is_cancelled_by_any_fill() -> None:
    bench = Bench()
    group = {"oca_group": "exit", "oca_type": 1}
    bench.place(1, "SELL", 100, "LMT", limit="101", **group)
    bench.place(2, "SELL", 100, "STP", stop="99", **group)
    bench.market("101.00", "101.02", "101.00", bid_size=30)
    assert bench.statuses(1, 2) == ["Submitted", "Cancelled"]


def test_member_of_a_group_cancelled_by_its_client_leaves_the_rest() -> None:
    bench = Bench()
    group = {"oca_group": "exit", "oca_type": 1}
    bench.place(1, "SELL", 100, "LMT", limit="101", **group)
    bench.place(2, "SELL", 100, "STP", stop="99", **group)
    bench.cancel(1)
    assert bench.status(2) == "PreSubmitted"


def test_childs_snapshot_names_the_brackets_own_group() -> None:
    bench = Bench()
    bench.bracket()
    parent, child = bench.state(1), bench.state(3)
    assert (child.oca_group, child.oca_type) == (str(parent.perm_id), 3)
    assert child.parent_perm_id == parent.perm_id
    assert (parent.oca_group, parent.oca_type) == ("", 0)


def test_profit_of_the_round_trip_is_net_of_both_commissions() -> None:
    bench = Bench()
    bench.bracket()
    bench.market("102.00", "102.02", "102.01")
    first, second = (
        bench.exchange.commission_report(execution.exec_id)
        for execution in bench.exchange.executions()
    )
    assert first.realized_pnl is None
    fees = Decimal(10200) * Decimal("0.0000206") + 100 * Decimal("0.000195")
    assert second.realized_pnl == Decimal("199.00") - 2 - fees
