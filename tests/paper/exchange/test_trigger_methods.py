"""Which price triggers a stop: IB's methods, one by one."""

from __future__ import annotations

import pytest

from apps.paper.exchange.floor.triggers import Direction, PriceWatch, TriggerMethod, method_for
from apps.paper.feed.market import Print, Touch
from tests.paper.exchange.bench import Bench, D, fills, listing
from tests.paper.exchange.several import EURUSD, FUTURE, SeveralBench

QUOTED, TRADED = ("quoted", "traded")


def beyond(bench: Bench, by: str) -> bool:
    """Quote, or trade, once at a buy stop of 101; tell whether it was elected."""
    if by == QUOTED:
        bench.market("101.00", "101.02", None)
    else:
        bench.market("100.50", "100.52", "101.00")
    return bench.state(1).elected


@pytest.mark.parametrize(
    ("method", "by", "answers"),
    [
        (0, TRADED, [True]),
        (0, QUOTED, [False, False]),
        (1, TRADED, [False, False]),
        (2, TRADED, [True]),
        (2, QUOTED, [False, False]),
        (3, TRADED, [False, True]),
        (3, QUOTED, [False, False]),
        (4, QUOTED, [True]),
        (4, TRADED, [False, False]),
        (7, QUOTED, [True]),
        (7, TRADED, [True]),
        (8, QUOTED, [True]),
        (8, TRADED, [False, False]),
        (99, TRADED, [True]),
    ],
)
def test_stop_is_elected_by_its_methods_price(method: int, by: str, answers: list[bool]) -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "STP", stop="101", trigger_method=method)
    assert [beyond(bench, by) for _ in answers] == answers


def test_double_bid_ask_asks_for_two_quotes_in_a_row() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "STP", stop="101", trigger_method=1)
    assert fills(bench.market("101.00", "101.02", None)) == []
    assert fills(bench.market("101.00", "101.02", "101.01")) == []  # no other quote than before
    assert fills(bench.market("100.99", "101.01", None)) == []
    assert fills(bench.market("101.00", "101.02", None)) == []
    assert fills(bench.market("101.01", "101.03", None)) == [(1, "100", "101.03")]


def test_sell_stop_by_quotes_is_elected_by_the_ask() -> None:
    bench = Bench()
    bench.place(1, "SELL", 100, "STP", stop="99", trigger_method=4)
    assert fills(bench.market("98.97", "99.01", None)) == []
    assert fills(bench.market("98.95", "99.00", None)) == [(1, "100", "98.95")]


def test_midpoint_is_between_the_quotes() -> None:
    bench = Bench()
    bench.place(1, "SELL", 100, "STP", stop="99", trigger_method=8)
    assert fills(bench.market("98.98", "99.04", None)) == []
    assert fills(bench.market("98.97", "99.03", None)) == [(1, "100", "98.97")]


def test_trailing_stop_by_quotes_follows_the_bid_and_is_elected_by_the_ask() -> None:
    bench = Bench()
    bench.place(1, "SELL", 100, "TRAIL", stop="1", trigger_method=4)
    assert bench.state(1).trail_stop == D("98.99")
    bench.market("101.00", "101.04", None)
    assert bench.state(1).trail_stop == D("100.00")
    assert fills(bench.market("99.90", "100.00", None)) == [(1, "100", "99.90")]


@pytest.mark.parametrize(
    ("of", "method"),
    [
        (listing(), TriggerMethod.LAST),
        (FUTURE, TriggerMethod.LAST),
        (EURUSD, TriggerMethod.BID_ASK),
    ],
)
def test_default_goes_by_the_kind_of_instrument(of: object, method: TriggerMethod) -> None:
    assert method_for(of, 0) is method  # type: ignore[arg-type]  # listings of the table


def test_forex_has_no_last_trade_and_a_stop_by_it_is_never_elected() -> None:
    bench = SeveralBench()
    bench.put(EURUSD, "1.16000", "1.16005")
    bench.place(1, "BUY", 30_000, "STP", stop="1.17", listing=EURUSD, trigger_method=2)
    bench.moves(EURUSD, "1.18000", "1.18005", "1.18000", size=0)
    assert not bench.state(1).elected


def test_what_was_seen_before_the_session_never_counts() -> None:
    watch = PriceWatch(listing())
    watch.follow(Touch(D("101"), D("102"), 1, 1), Print(10, D("101"), 1), 10)
    for method in TriggerMethod:
        if method is not TriggerMethod.DEFAULT:
            assert watch.price(method, Direction.RISE, 11) is None


def test_newest_trade_after_a_gap_is_not_in_a_row_with_the_one_before() -> None:
    watch, touch = PriceWatch(listing()), Touch(D("100"), D("101"), 1, 1)
    watch.follow(touch, Print(10, D("101"), 1), 10)
    watch.catch_up(Print(90, D("102"), 1))
    assert watch.price(TriggerMethod.LAST, Direction.RISE, 0) == D("102")
    assert watch.price(TriggerMethod.DOUBLE_LAST, Direction.RISE, 0) is None
