"""Named groups: reduction, blocks, reuse, and names that wait with their child."""

from __future__ import annotations

from decimal import Decimal

import pytest

from apps.domain.orders import Side
from apps.paper.exchange.policies import (
    ExchangePolicy,
    OcaBlocking,
    OcaReduction,
    OcaReuse,
    Revision,
)
from tests.paper.exchange.bench import Bench, codes, fills, new_york, story
from tests.paper.exchange.instruments import BAG, OTHER_STOCK, STOCK, leg

D = Decimal
GROUP = {"oca_group": "g"}


def two_in_a_group(rules: ExchangePolicy, oca_type: int = 3) -> Bench:
    """Put a buy of 100 at 99 and one of 40 at 98 into one group."""
    bench = Bench(rules=rules)
    bench.place(1, "BUY", 100, "LMT", limit="99", oca_type=oca_type, **GROUP)
    bench.place(2, "BUY", 40, "LMT", limit="98", oca_type=oca_type, **GROUP)
    return bench


@pytest.mark.parametrize(
    ("reduction", "left"), [(OcaReduction.BY_SHARE, 20), (OcaReduction.BY_QUANTITY, 0)]
)
def test_half_of_one_order_filled_reduces_the_others(reduction: OcaReduction, left: int) -> None:
    bench = two_in_a_group(ExchangePolicy(oca_reduction=reduction))
    assert fills(bench.market("98.98", "99.00", ask_size=50)) == [(1, "50", "99")]
    state = bench.state(2)
    assert state.order.quantity == left if left else state.status.value == "Cancelled"


def test_whole_fill_ends_the_others_of_a_reducing_group() -> None:
    bench = two_in_a_group(ExchangePolicy())
    bench.market("98.98", "99.00")
    assert bench.statuses(1, 2) == ["Filled", "Cancelled"]


def test_share_of_a_small_order_is_rounded_to_whole_shares() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "LMT", limit="99", oca_type=3, **GROUP)
    bench.place(2, "BUY", 3, "LMT", limit="98", oca_type=3, **GROUP)
    bench.market("98.98", "99.00", ask_size=50)  # half of three is one and a half: two
    assert bench.state(2).order.quantity == 1


@pytest.mark.parametrize(
    ("blocking", "second"),
    [(OcaBlocking.UNSEEN, [(2, "20", "98")]), (OcaBlocking.WHILE_PARTLY_FILLED, [])],
)
def test_blocked_group_routes_one_order_at_a_time(
    blocking: OcaBlocking, second: list[tuple[int, str, str]]
) -> None:
    bench = two_in_a_group(ExchangePolicy(oca_blocking=blocking), oca_type=2)
    bench.market("98.98", "99.00", ask_size=50)
    bench.place(1, "BUY", 100, "LMT", limit="90")
    assert fills(bench.market("97.98", "98.00")) == second


def test_reducing_group_without_block_is_never_held_up() -> None:
    bench = two_in_a_group(ExchangePolicy(oca_blocking=OcaBlocking.WHILE_PARTLY_FILLED))
    bench.market("98.98", "99.00", ask_size=50)
    bench.place(1, "BUY", 100, "LMT", limit="90")
    assert fills(bench.market("97.98", "98.00")) == [(2, "20", "98")]


@pytest.mark.parametrize(
    ("reuse", "told"),
    [(OcaReuse.REJECTED, ["error 201 3", "3 Inactive"]), (OcaReuse.JOINS, ["new 3 Submitted"])],
)
def test_group_that_has_traded_takes_no_more_orders(reuse: OcaReuse, told: list[str]) -> None:
    bench = two_in_a_group(ExchangePolicy(oca_reuse=reuse))
    bench.market("98.98", "99.00")
    assert story(bench.place(3, "BUY", 10, "LMT", limit="97", oca_type=3, **GROUP)) == told


def test_group_of_which_nothing_has_traded_takes_more_orders() -> None:
    bench = two_in_a_group(ExchangePolicy())
    bench.cancel(1)
    assert codes(bench.place(3, "BUY", 10, "LMT", limit="97", oca_type=3, **GROUP)) == []


def test_childs_own_group_waits_until_its_parent_has_traded() -> None:
    bench = Bench()
    bench.place(1, "BUY", 10, "LMT", limit="95", transmit=False)
    child = {"parent_id": 1, "oca_type": 1, **GROUP}
    bench.place(2, "SELL", 10, "LMT", limit="110", **child)
    bench.place(3, "SELL", 10, "LMT", limit="101", oca_type=1, **GROUP)
    assert fills(bench.market("101.00", "101.02")) == [(3, "10", "101")]
    assert bench.status(2) == "PreSubmitted"  # its name counts for nothing yet
    bench.market("94.98", "95.00")
    assert bench.statuses(1, 2) == ["Filled", "Submitted"]


def test_childs_own_group_counts_once_its_parent_has_traded() -> None:
    bench = Bench()
    bench.place(1, "BUY", 10, "LMT", limit="95", transmit=False)
    bench.place(2, "SELL", 10, "LMT", limit="110", parent_id=1, oca_type=1, **GROUP)
    bench.place(3, "SELL", 10, "LMT", limit="101", oca_type=1, **GROUP)
    bench.market("94.98", "95.00")
    bench.market("101.00", "101.02")
    assert bench.statuses(2, 3) == ["Cancelled", "Filled"]


def test_brackets_own_group_is_reduced_by_what_was_filled_whatever_the_policy() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "LMT", limit="100.01", transmit=False)
    bench.place(2, "SELL", 50, "LMT", limit="102", parent_id=1, transmit=False)
    bench.place(3, "SELL", 100, "STP", stop="99", parent_id=1)
    bench.market("102.00", "102.02", "102.01")
    assert (bench.status(2), bench.state(3).remaining) == ("Filled", D(50))


# -- revisions


LENIENT = ExchangePolicy(revision=Revision.LENIENT)


@pytest.mark.parametrize(
    "change", [{"time_in_force": "GTC"}, {"outside_rth": True}], ids=["tif", "outside_rth"]
)
@pytest.mark.parametrize(("rules", "code"), [(ExchangePolicy(), 105), (LENIENT, 0)])
def test_terms_change_only_where_the_policy_lets_them(
    rules: ExchangePolicy, code: int, change: dict[str, object]
) -> None:
    bench = Bench(rules=rules)
    bench.place(1, "BUY", 10, "LMT", limit="90")
    events = bench.place(1, "BUY", 10, "LMT", limit="90", **change)
    assert codes(events) == ([code] if code else [])
    changed = {name: getattr(bench.state(1).order, name) for name in change}
    assert (changed == change) is (code == 0)


def test_lenient_change_still_obeys_the_venue() -> None:
    bench = Bench(rules=LENIENT)
    bench.place(1, "BUY", 10, "STP", stop="110")
    assert codes(bench.place(1, "BUY", 10, "STP", stop="110", time_in_force="FOK")) == [111]


def test_good_till_date_may_be_moved_and_is_obeyed() -> None:
    bench = Bench()
    order = {"limit": "90", "time_in_force": "GTD"}
    bench.place(1, "BUY", 10, "LMT", good_till=new_york("2026-11-18 11:00"), **order)
    later = new_york("2026-11-18 12:00")
    assert codes(bench.place(1, "BUY", 10, "LMT", good_till=later, **order)) == []
    bench.go_to(new_york("2026-11-18 11:30"))
    assert bench.status(1) == "Submitted"
    bench.go_to(later)
    assert bench.status(1) == "Cancelled"


def test_trailing_amount_may_change_and_begins_anew_where_the_market_stands() -> None:
    bench = Bench()
    bench.place(1, "SELL", 10, "TRAIL", stop="1")
    bench.market("104.99", "105.01", "105.00")
    assert bench.state(1).trail_stop == D(104)
    bench.place(1, "SELL", 10, "TRAIL", stop="2")
    bench.market("104.99", "105.01", "105.00")
    assert bench.state(1).trail_stop == D(103)


def test_trailing_stop_that_gets_back_what_was_shown_goes_on() -> None:
    bench = Bench()
    bench.place(1, "SELL", 10, "TRAIL", stop="1")
    bench.market("104.99", "105.01", "105.00")
    bench.place(1, "SELL", 8, "TRAIL", stop="1", trail_stop_price=D(104))
    assert (bench.state(1).order.quantity, bench.state(1).trail_stop) == (D(8), D(104))


def test_trailing_stop_that_gets_back_what_was_shown_does_not_step_back() -> None:
    bench = Bench()
    bench.place(1, "SELL", 10, "TRAIL", stop="1")
    bench.market("104.99", "105.01", "105.00")
    bench.market("104.49", "104.51", "104.50")
    for shown in (D(104), None):
        bench.place(1, "SELL", 8, "TRAIL", stop="1", trail_stop_price=shown)
        assert bench.state(1).trail_stop == D(104)


def test_trailing_stop_may_be_set_to_another_price() -> None:
    bench = Bench()
    bench.place(1, "SELL", 10, "TRAIL", stop="5", trail_stop_price=D(95))
    bench.place(1, "SELL", 10, "TRAIL", stop="5", trail_stop_price=D(97))
    bench.market("99.99", "100.01", "100.00")
    assert bench.state(1).trail_stop == D(97)


def test_time_at_which_an_order_begins_is_fixed() -> None:
    bench = Bench()
    order = {"limit": "90", "good_after": new_york("2026-11-18 12:00")}
    bench.place(1, "BUY", 10, "LMT", **order)
    order["good_after"] = new_york("2026-11-18 11:00")
    assert codes(bench.place(1, "BUY", 10, "LMT", **order)) == [105]


def test_legs_of_a_combination_are_fixed() -> None:
    bench = Bench()
    order = {"limit": "-1", "listing": BAG}
    bench.place(1, "BUY", 1, "LMT", legs=(leg(STOCK), leg(OTHER_STOCK, Side.SELL)), **order)
    other = (leg(STOCK, ratio=2), leg(OTHER_STOCK, Side.SELL))
    assert codes(bench.place(1, "BUY", 1, "LMT", legs=other, **order)) == [105]


# -- brackets whose children are in groups of their own


def test_fill_by_fill_the_shares_are_those_of_what_was_left() -> None:
    bench = two_in_a_group(ExchangePolicy())
    bench.market("98.98", "99.00", ask_size=50)
    bench.market("98.98", "99.00", "99.00", ask_size=25)  # half of what was left of both
    assert bench.state(2).order.quantity == 10


def test_childs_own_group_does_not_decide_about_its_siblings() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "LMT", limit="100.01", transmit=False)
    profit = {"limit": "102", "parent_id": 1, "oca_type": 1, **GROUP}
    bench.place(2, "SELL", 100, "LMT", transmit=False, **profit)
    bench.place(3, "SELL", 100, "STP", stop="99", parent_id=1)
    bench.market("102.00", "102.02", "102.01", bid_size=30)
    assert bench.state(3).remaining == 70  # reduced as a sibling, not cancelled


def test_siblings_in_one_named_group_are_reduced_by_quantity() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "LMT", limit="100.01", transmit=False)
    child = {"parent_id": 1, "oca_type": 3, **GROUP}
    bench.place(2, "SELL", 50, "LMT", limit="102", transmit=False, **child)
    bench.place(3, "SELL", 100, "STP", stop="99", **child)
    bench.market("102.00", "102.02", "102.01")
    assert (bench.status(2), bench.state(3).remaining) == ("Filled", D(50))
