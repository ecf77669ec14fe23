"""What is refused, with which code; modifications, cancellations, what-ifs."""

from __future__ import annotations

from decimal import Decimal

import pytest

from apps.domain.ticks import PriceBand, TickRule
from apps.paper.exchange.events import Refused, WhatIfAnswered
from apps.paper.instruments.listing import SecType
from tests.paper.exchange.bench import Bench, codes, fills, listing, story


@pytest.mark.parametrize(
    ("code", "kind", "more"),
    [
        (110, "LMT", {"limit": "100.001"}),
        (110, "STP", {"stop": "100.001"}),
        (110, "STP LMT", {"stop": "100.00", "limit": "99.999"}),
        (321, "LMT", {}),
        (321, "LMT", {"limit": "-1"}),
        (321, "STP", {"limit": "100"}),
        (321, "MKT", {"account": "DU9"}),
        (387, "VWAP", {"stop": "1"}),
        (387, "", {}),
        (111, "STP", {"stop": "101", "time_in_force": "FOK"}),
        (111, "STP", {"stop": "99", "time_in_force": "IOC"}),
        (434, "MKT", {"quantity": "0"}),
        (434, "MKT", {"quantity": "-5"}),
        (10243, "MKT", {"quantity": "0.5"}),
        (10006, "MKT", {"parent_id": 77}),
        (460, "MKT", {"listing": listing(2, currency="EUR")}),
        (460, "MKT", {"listing": listing(3, sec_type=SecType.INDEX)}),
        (388, "MKT", {"listing": listing(4, min_size=Decimal(10)), "quantity": "5"}),
        (355, "MKT", {"listing": listing(5, size_increment=Decimal(10)), "quantity": "15"}),
    ],
)
def test_order_that_breaks_a_rule_never_comes_to_be(
    code: int, kind: str, more: dict[str, object]
) -> None:
    bench = Bench()
    quantity = str(more.pop("quantity", 100)) if "quantity" in more else "100"
    events = bench.place(1, "BUY", quantity, kind, **more)
    assert story(events) == [f"error {code} 1"]
    assert bench.exchange.working_orders() == bench.exchange.completed_orders() == ()
    assert bench.exchange.next_order_id(7) == 1


def test_texts_are_ibs() -> None:
    bench = Bench()
    (event,) = bench.place(1, "BUY", 100, "LMT", limit="100.001")
    assert isinstance(event, Refused)
    assert event.text == (
        "The price does not conform to the minimum price variation for this contract."
    )
    (event,) = bench.place(1, "BUY", 100, "STP", stop="101", time_in_force="FOK")
    assert isinstance(event, Refused)
    assert event.text == "The TIF (FOK) and the order type (STP) are incompatible."


def test_tick_is_that_of_the_prices_own_band() -> None:
    bench = Bench()
    rule = TickRule(
        (PriceBand(Decimal(0), Decimal("0.0001")), PriceBand(Decimal(1), Decimal("0.01")))
    )
    bench.stock = listing(ticks=rule)
    assert story(bench.place(1, "BUY", 100, "LMT", limit="0.9999")) == ["new 1 Submitted"]
    assert codes(bench.place(2, "BUY", 100, "LMT", limit="1.0001")) == [110]


def test_order_id_that_is_not_above_earlier_ones_is_refused() -> None:
    bench = Bench()
    bench.place(5, "BUY", 10, "LMT", limit="90")
    assert codes(bench.place(4, "BUY", 10, "LMT", limit="90")) == [103]
    bench.cancel(5)
    assert codes(bench.place(5, "BUY", 10, "LMT", limit="90")) == [103]
    assert story(bench.place(4, "BUY", 10, "LMT", limit="90", client_id=8)) == ["new 4 Submitted"]


def test_parent_that_is_done_takes_no_children() -> None:
    bench = Bench()
    bench.place(1, "BUY", 10, "MKT")
    assert codes(bench.place(2, "SELL", 10, "STP", stop="99", parent_id=1)) == [10006]


def test_order_beyond_buying_power_is_rejected_and_stays_inactive() -> None:
    bench = Bench(cash=10_000)
    events = bench.place(1, "BUY", 401, "LMT", limit="100")
    assert story(events) == ["error 201 1", "1 Inactive"]
    refused = events[0]
    assert isinstance(refused, Refused)
    assert (
        "equity with loan value [10000.00 USD] must exceed the initial margin [10025.00 USD]"
        in (refused.text)
    )
    assert bench.state(1).remaining == 401
    assert bench.position == 0


def test_buying_power_counts_what_works_already() -> None:
    bench = Bench(cash=10_000)
    assert codes(bench.place(1, "BUY", 300, "LMT", limit="99")) == []
    assert codes(bench.place(2, "BUY", 300, "LMT", limit="99")) == [201]
    bench.cancel(1)
    assert codes(bench.place(3, "BUY", 300, "LMT", limit="99")) == []


def test_order_that_reduces_is_never_refused_for_money() -> None:
    bench = Bench(cash=10_000)
    bench.place(1, "BUY", 390, "MKT")
    bench.market("60.00", "60.02", "60.01")  # the account is under water now
    assert bench.account.balances(lambda _: Decimal("60.01")).net_liquidation < 0
    assert codes(bench.place(2, "BUY", 10, "LMT", limit="50")) == [201]
    assert fills(bench.place(3, "SELL", 390, "MKT")) == [(3, "390", "60.00")]


def test_sixteenth_working_order_on_a_side_is_rejected() -> None:
    bench = Bench()
    for order_id in range(1, 16):
        assert codes(bench.place(order_id, "BUY", 1, "LMT", limit="90")) == []
    assert story(bench.place(16, "BUY", 1, "LMT", limit="90")) == ["error 201 16", "16 Inactive"]
    assert codes(bench.place(17, "SELL", 1, "LMT", limit="190")) == []


# -- modifications


def test_modify_changes_price_and_size_and_meets_the_market() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "LMT", limit="99")
    assert story(bench.place(1, "BUY", 150, "LMT", limit="99.50")) == ["1 Submitted"]
    order = bench.state(1).order
    assert order.quantity == 150
    assert order.limit_price == Decimal("99.50")
    assert fills(bench.place(1, "BUY", 150, "LMT", limit="100.50")) == [(1, "150", "100.01")]


def test_modify_from_day_to_ioc_cancels_the_remainder() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "LMT", limit="99")
    events = bench.place(1, "BUY", 100, "LMT", limit="99", time_in_force="IOC")
    assert story(events) == ["1 Submitted", "1 Cancelled", "error 202 1"]


@pytest.mark.parametrize(
    ("code", "kind", "more"),
    [
        (329, "MKT", {}),
        (105, "LMT", {"limit": "99", "time_in_force": "GTC"}),
        (105, "LMT", {"limit": "99", "side": "SELL"}),
        (105, "LMT", {"limit": "99", "outside_rth": True}),
        (105, "LMT", {"limit": "99", "listing": listing(9)}),
        (10341, "LMT", {"limit": "99", "parent_id": 44}),
        (10326, "LMT", {"limit": "99", "oca_group": "new"}),
        (10327, "LMT", {"limit": "99", "oca_type": 1}),
        (110, "LMT", {"limit": "99.001"}),
        (434, "LMT", {"limit": "99", "quantity": "0"}),
        (10242, "LMT", {"limit": "99", "quantity": "1.5"}),
        (201, "LMT", {"limit": "99", "quantity": "100000"}),
    ],
)
def test_refused_modification_leaves_the_order_as_it_was(
    code: int, kind: str, more: dict[str, object]
) -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "LMT", limit="98")
    before = bench.state(1)
    side, quantity = str(more.get("side", "BUY")), str(more.get("quantity", "100"))
    rest = {name: value for name, value in more.items() if name not in ("side", "quantity")}
    assert story(bench.place(1, side, quantity, kind, **rest)) == [f"error {code} 1"]
    assert bench.state(1) == before


def test_filled_order_cannot_be_modified() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "MKT")
    assert codes(bench.place(1, "BUY", 200, "MKT")) == [104]


def test_size_below_what_has_traded_is_refused() -> None:
    bench = Bench()
    bench.stand("99.99", "100.01", ask_size=40)
    bench.place(1, "BUY", 100, "LMT", limit="100.01")
    assert codes(bench.place(1, "BUY", 30, "LMT", limit="100.01")) == [104]
    assert bench.state(1).order.quantity == 100


def test_modification_may_echo_the_brokers_own_group() -> None:
    bench = Bench()
    bench.bracket()
    child = bench.state(3)
    events = bench.place(
        3,
        "SELL",
        100,
        "STP",
        stop="98.50",
        time_in_force="GTC",
        parent_id=1,
        oca_group=child.oca_group,
        oca_type=child.oca_type,
    )
    assert story(events) == ["3 PreSubmitted"]
    assert bench.state(3).order.stop_price == Decimal("98.50")


# -- cancellations


def test_cancel_is_acknowledged_by_status_and_202() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "LMT", limit="99")
    assert story(bench.cancel(1)) == ["1 Cancelled", "error 202 1"]
    assert bench.state(1).remaining == 100


def test_cancel_of_an_unknown_id_or_anothers_order_is_10147() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "LMT", limit="99")
    assert codes(bench.cancel(9)) == [10147]
    assert codes(bench.cancel(1, client_id=8)) == [10147]
    assert bench.status(1) == "Submitted"


def test_cancel_of_a_done_order_is_10148_with_its_state() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "MKT")
    (event,) = bench.cancel(1)
    assert isinstance(event, Refused)
    assert (event.code, "state: Filled" in event.text) == (10148, True)


def test_global_cancel_reaches_every_client_and_what_is_held() -> None:
    bench = Bench()
    bench.bracket(limit="99")
    bench.place(1, "SELL", 10, "LMT", limit="110", client_id=8)
    bench.place(5, "BUY", 10, "LMT", limit="90", transmit=False)
    bench.exchange.cancel_all(bench.now)
    assert bench.exchange.working_orders() == ()
    assert codes(bench.place(6, "SELL", 10, "STP", stop="80", parent_id=5)) == [10006]


# -- what-if


def test_what_if_says_margin_and_cost_and_touches_nothing() -> None:
    bench = Bench()
    events = bench.place(1, "BUY", 1000, "LMT", limit="100.01", what_if=True)
    (answer,) = events
    assert isinstance(answer, WhatIfAnswered)
    assert answer.initial_margin.before == 0
    assert answer.initial_margin.change == Decimal("25002.50")
    assert answer.commission == Decimal("5.0000")
    assert answer.equity_with_loan.change == Decimal("-5.0000")
    assert bench.position == 0
    assert bench.exchange.working_orders() == bench.exchange.completed_orders() == ()
    assert bench.exchange.next_order_id(7) == 1
    assert bench.market("90", "90.02", "90.01") == []


def test_what_if_of_an_order_that_reduces_frees_margin() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "MKT")
    (answer,) = bench.exchange.what_if(bench.order(2, "SELL", 100, "MKT"), bench.now)
    assert isinstance(answer, WhatIfAnswered)
    assert answer.initial_margin.after == 0


def test_what_if_may_use_the_id_of_a_working_order() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "LMT", limit="99")
    (answer,) = bench.place(1, "BUY", 100, "LMT", limit="99", what_if=True)
    assert isinstance(answer, WhatIfAnswered)
    assert bench.status(1) == "Submitted"


def test_what_if_is_refused_as_the_order_would_be() -> None:
    bench = Bench()
    assert codes(bench.place(1, "BUY", 100, "LMT", limit="99.001", what_if=True)) == [110]
    assert codes(bench.place(1, "BUY", 100, "MKT", what_if=True, transmit=False)) == [413]
