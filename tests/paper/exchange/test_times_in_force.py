"""How long orders live, from when on they work, and whether they take a part."""

from __future__ import annotations

from dataclasses import replace

from tests.paper.exchange.bench import (
    CLOSE,
    NEXT_OPEN,
    OPEN,
    Bench,
    D,
    codes,
    fills,
    new_york,
    story,
)

NOON = new_york("2026-11-18 12:00")


def test_order_good_till_a_date_ends_there() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "LMT", limit="90", time_in_force="GTD", good_till=NOON)
    assert bench.exchange.next_deadline() == NOON
    assert story(bench.go_to(NOON)) == ["1 Cancelled", "error 202 1"]


def test_order_good_till_a_later_day_lives_through_the_night() -> None:
    bench = Bench()
    end = new_york("2026-11-20 12:00")
    bench.place(1, "BUY", 100, "LMT", limit="99", time_in_force="GTD", good_till=end)
    bench.go_to(NEXT_OPEN)
    assert bench.status(1) == "Submitted"
    assert fills(bench.market("98.90", "98.92", "98.91")) == [(1, "100", "98.92")]


def test_good_till_cancelled_lives_through_weekends_and_half_days() -> None:
    bench = Bench(at="2026-11-25 10:00")
    bench.place(1, "BUY", 100, "LMT", limit="99", time_in_force="GTC")
    bench.go_to(new_york("2026-11-27 12:59"))  # Thanksgiving over, and an early close
    assert bench.market("98.90", "98.92", "98.91", after_ms=60_000) == []
    bench.go_to(new_york("2026-11-30 09:30"))
    assert bench.status(1) == "Submitted"
    assert fills(bench.market("98.80", "98.82", "98.81")) == [(1, "100", "98.82")]


def test_limit_that_rests_again_on_its_second_day_gives_its_own_price() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "LMT", limit="99", time_in_force="GTC")
    bench.now = NEXT_OPEN
    assert bench.market("99.98", "100.00", None) == []
    assert fills(bench.market("98.90", "98.92", None)) == [(1, "100", "99")]


def test_order_waits_for_its_time() -> None:
    bench = Bench()
    assert story(bench.place(1, "BUY", 100, "MKT", good_after=NOON)) == ["new 1 PreSubmitted"]
    assert bench.state(1).why_held == ""
    assert bench.market("99.99", "100.01", "100.00") == []
    assert bench.exchange.next_deadline() == NOON
    bench.stand("101.00", "101.02")
    events = bench.go_to(NOON)
    assert story(events) == ["1 Submitted", "fill 1", "1 Filled", "commission"]
    assert fills(events) == [(1, "100", "101.02")]


def test_order_whose_time_is_at_night_waits_for_the_session_after_it() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "LMT", limit="99", good_after=new_york("2026-11-18 22:00"))
    bench.go_to(CLOSE)
    assert bench.status(1) == "PreSubmitted"  # a DAY order of the day on which it begins
    bench.go_to(NEXT_OPEN)
    assert bench.status(1) == "Submitted"
    bench.go_to(new_york("2026-11-19 16:00"))
    assert bench.status(1) == "Cancelled"


def test_stop_with_a_time_is_not_elected_before_it() -> None:
    bench = Bench()
    bench.place(1, "SELL", 100, "STP", stop="99", good_after=NOON)
    assert bench.market("98.90", "98.92", "98.91") == []
    assert fills(bench.go_to(NOON)) == [(1, "100", "98.90")]


def test_fill_or_kill_takes_all_at_once() -> None:
    bench = Bench()
    bench.stand("99.99", "100.01", ask_size=100)
    events = bench.place(1, "BUY", 100, "LMT", limit="100.01", time_in_force="FOK")
    assert fills(events) == [(1, "100", "100.01")]


def test_fill_or_kill_takes_no_part() -> None:
    bench = Bench()
    bench.stand("99.99", "100.01", ask_size=99)
    events = bench.place(1, "BUY", 100, "LMT", limit="100.01", time_in_force="FOK")
    assert story(events) == ["new 1 Submitted", "1 Cancelled", "error 202 1"]
    assert bench.position == 0


def test_fill_or_kill_outside_the_session_is_cancelled() -> None:
    bench = Bench(at="2026-11-18 17:00")
    bench.place(1, "BUY", 100, "LMT", limit="101", time_in_force="FOK")
    assert bench.status(1) == "Cancelled"


def test_all_or_none_waits_until_there_is_enough() -> None:
    bench = Bench()
    bench.stand("99.99", "100.01", ask_size=99)
    bench.place(1, "BUY", 100, "LMT", limit="100.01", all_or_none=True)
    assert bench.status(1) == "Submitted"
    assert bench.position == 0
    assert fills(bench.market("99.99", "100.01", None, ask_size=100)) == [(1, "100", "100.01")]


def test_all_or_none_leaves_what_is_too_little_to_the_next_in_line() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "LMT", limit="99.50", all_or_none=True)
    bench.place(2, "BUY", 30, "LMT", limit="99.40")
    assert fills(bench.market("99.30", "99.35", "99.35", ask_size=50, size=1)) == [
        (2, "30", "99.40")
    ]


def test_immediate_or_cancel_with_a_time_waits_for_it() -> None:
    bench = Bench()
    more = {"limit": "99", "time_in_force": "IOC", "good_after": NOON}
    assert story(bench.place(1, "BUY", 100, "LMT", **more)) == ["new 1 PreSubmitted"]
    bench.market("99.99", "100.01", "100.00")
    assert story(bench.go_to(NOON)) == ["1 Submitted", "1 Cancelled", "error 202 1"]


def test_order_for_the_opening_that_sees_none_ends_with_the_day() -> None:
    bench = Bench(at="2026-11-18 08:00")
    bench.place(1, "BUY", 100, "MKT", time_in_force="OPG")
    bench.go_to(OPEN)
    assert codes(bench.go_to(CLOSE)) == [202]


def test_order_held_for_shares_works_when_they_are_found() -> None:
    bench = Bench()
    order = bench.order(1, "SELL", 100, "LMT", limit="99")
    floor = bench.exchange._floor
    bench.exchange.place(bench.order(1, "SELL", 100, "LMT", limit="99", transmit=False), bench.now)
    held = floor.book[order.key]
    floor.enter(replace(held, locate_until=NOON))
    floor.events.clear()
    assert (bench.status(1), bench.state(1).why_held) == ("Inactive", "locate")
    assert bench.market("99.99", "100.01", "100.00") == []
    assert fills(bench.go_to(NOON)) == [(1, "100", "99.99")]
    assert bench.position == D("-100")
