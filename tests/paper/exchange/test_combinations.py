"""Orders with legs: traded by the quotes of their legs, told whole and by leg, booked by leg."""

from __future__ import annotations

from apps.domain.orders import Side
from apps.paper.books.ledger import Account
from apps.paper.exchange.events import CommissionReported, Executed
from apps.paper.instruments.legs import Leg
from apps.paper.instruments.listing import SecType
from tests.paper.exchange.bench import D, fills, listing, new_york, story
from tests.paper.exchange.several import FUTURE, OTHER, STOCK, SeveralBench

SPREAD = listing(
    900, symbol="AAPL,MSFT", sec_type=SecType.COMBO, local_symbol="AAPL,MSFT", primary_exchange=""
)
LEGS = (Leg(STOCK, 2, Side.BUY), Leg(OTHER, 1, Side.SELL))


def spread(kind: str = "LMT", **more: object) -> dict[str, object]:
    return {"listing": SPREAD, "legs": LEGS, **more}


def test_combination_is_followed_by_its_legs() -> None:
    bench = SeveralBench()
    assert story(bench.place(1, "BUY", 5, "LMT", limit="90", **spread())) == ["new 1 Submitted"]
    assert bench.exchange.working_listings() == {STOCK, OTHER}


def test_market_order_for_a_combination_trades_every_leg_at_its_quote() -> None:
    bench = SeveralBench()
    bench.put(OTHER, "49.90", "50.10")
    events = bench.place(1, "BUY", 5, "MKT", **spread())
    # 2 × 100.01 paid, 49.90 received
    assert fills(events) == [(1, "5", "150.12"), (1, "10", "100.01"), (1, "5", "49.90")]
    assert bench.account.holding(STOCK).quantity == 10
    assert bench.account.holding(OTHER).quantity == -5
    assert bench.account.holding(SPREAD).quantity == 0


def test_execution_of_the_whole_comes_first_and_costs_nothing() -> None:
    bench = SeveralBench()
    events = bench.place(1, "BUY", 5, "MKT", **spread())
    assert story(events) == [
        "new 1 Submitted",
        *["fill 1"] * 3,
        "1 Filled",
        *["commission"] * 3,
    ]
    executions = [event.execution for event in events if isinstance(event, Executed)]
    assert [each.is_combo for each in executions] == [True, False, False]
    assert [each.side for each in executions] == [Side.BUY, Side.BUY, Side.SELL]
    assert [each.listing for each in executions] == [SPREAD, STOCK, OTHER]
    reports = [event.report for event in events if isinstance(event, CommissionReported)]
    assert reports[0].commission == 0
    assert all(report.commission > 0 for report in reports[1:])
    paid = sum(report.commission for report in reports)
    assert bench.state(1).commission == paid
    assert bench.state(1).avg_fill_price == executions[0].price


def test_limit_is_met_when_the_legs_come_to_it_whichever_moves() -> None:
    bench = SeveralBench()
    bench.place(1, "BUY", 5, "LMT", limit="99.90", **spread())
    assert bench.moves(STOCK, "99.96", "99.98", "99.97") == []  # 199.96 − 99.99 = 99.97
    events = bench.moves(OTHER, "100.10", "100.12", "100.11")  # 199.96 − 100.10
    assert fills(events)[0] == (1, "5", "99.86")


def test_sold_combination_trades_the_legs_the_other_way() -> None:
    bench = SeveralBench()
    events = bench.place(1, "SELL", 5, "LMT", limit="99.00", **spread())
    assert fills(events) == [(1, "5", "99.97"), (1, "10", "99.99"), (1, "5", "100.01")]
    assert bench.account.holding(STOCK).quantity == -10


def test_only_whole_units_that_every_leg_has_the_size_for_are_traded() -> None:
    bench = SeveralBench()
    bench.put(STOCK, "99.99", "100.01", size=7)
    assert fills(bench.place(1, "BUY", 5, "MKT", **spread()))[0][1] == "3"
    assert bench.account.holding(OTHER).quantity == -3
    assert fills(bench.moves(STOCK, "99.98", "100.00", "99.99"))[0][1] == "2"
    assert bench.status(1) == "Filled"


def test_leg_that_is_halted_holds_the_combination() -> None:
    bench = SeveralBench()
    bench.exchange.halt(OTHER, bench.now)
    assert fills(bench.place(1, "BUY", 5, "MKT", **spread())) == []
    assert len(fills(bench.exchange.resume(OTHER, bench.now))) == 3


def test_immediate_combination_ends_unfilled() -> None:
    bench = SeveralBench()
    bench.place(1, "BUY", 5, "LMT", limit="50", time_in_force="IOC", **spread())
    assert bench.status(1) == "Cancelled"
    assert bench.exchange.working_listings() == set()


def test_price_of_a_combination_may_be_negative() -> None:
    bench = SeveralBench()
    legs = (Leg(STOCK, 1, Side.BUY), Leg(OTHER, 2, Side.SELL))
    events = bench.place(1, "BUY", 5, "MKT", listing=SPREAD, legs=legs)
    assert fills(events)[0] == (1, "5", "-99.97")
    assert bench.state(1).avg_fill_price == D("-99.97")


def test_combination_waits_until_all_of_its_legs_trade() -> None:
    bench = SeveralBench(at="2026-11-18 03:00")  # the future trades at night, the stock from four
    legs = (Leg(STOCK, 1, Side.BUY), Leg(FUTURE, 1, Side.SELL))
    more = {"listing": SPREAD, "legs": legs, "outside_rth": True}
    bench.place(1, "BUY", 5, "LMT", limit="90", **more)
    assert bench.status(1) == "PreSubmitted"
    assert bench.exchange.next_deadline() == new_york("2026-11-18 04:00")
    assert len(fills(bench.go_to(new_york("2026-11-18 04:00")))) == 3


def test_combination_is_booked_by_legs_after_a_restart_too() -> None:
    bench = SeveralBench()
    bench.put(STOCK, "99.99", "100.01", size=6)
    bench.place(1, "BUY", 5, "MKT", **spread())
    record = bench.exchange.changes()
    assert record is not None
    before, bench.account = bench.account, Account("DU1", D(10_000_000))
    bench.exchange = bench.new_exchange()
    bench.exchange.restore(record)
    assert bench.account.cash() == before.cash()
    assert bench.account.holding(SPREAD).quantity == 0
    # what the minimum per order has covered already is not asked again
    bench.put(STOCK, "99.99", "100.01", size=1000)
    bench.moves(STOCK, "99.98", "100.00", "99.99")
    newest = bench.exchange.executions()[-2]
    assert newest.listing == STOCK
    assert newest.cumulative_quantity == 10
    assert bench.exchange.commission_report(newest.exec_id).commission == 0
