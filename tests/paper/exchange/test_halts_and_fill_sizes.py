"""What a halt stops, and fills that are held back on purpose."""

from __future__ import annotations

from decimal import Decimal

import pytest

from apps.paper.exchange.orders import OrderSnapshot
from tests.paper.exchange.bench import CLOSE, Bench, D, fills, story


def test_halted_listing_trades_and_elects_nothing_until_it_resumes() -> None:
    bench = Bench()
    bench.place(1, "SELL", 100, "STP", stop="99")
    assert bench.exchange.halt(bench.stock, bench.now) == []
    assert bench.exchange.is_halted(bench.stock)
    assert bench.market("98.00", "98.02", "98.01") == []
    assert story(bench.place(2, "BUY", 100, "MKT")) == ["new 2 Submitted"]
    assert story(bench.cancel(2)) == ["2 Cancelled", "error 202 2"]
    assert fills(bench.exchange.resume(bench.stock, bench.now)) == [(1, "100", "98.00")]
    assert not bench.exchange.is_halted(bench.stock)


def test_halt_moves_no_trailing_stop() -> None:
    bench = Bench()
    bench.place(1, "SELL", 100, "TRAIL", stop="1")
    bench.exchange.halt(bench.stock, bench.now)
    bench.market("109.99", "110.01", "110.00")
    assert bench.state(1).trail_stop == D("99.00")


def test_halt_at_the_close_leaves_closing_orders_unfilled() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "MOC")
    bench.exchange.halt(bench.stock, bench.now)
    assert story(bench.go_to(CLOSE)) == ["1 Cancelled", "error 202 1"]


def test_orders_expire_in_a_halt() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "LMT", limit="90")
    bench.exchange.halt(bench.stock, bench.now)
    assert story(bench.go_to(CLOSE)) == ["1 Cancelled", "error 202 1"]


class Pattern:
    """Fills of these sizes, one after the other; after them whatever there is."""

    def __init__(self, *sizes: int) -> None:
        self.sizes = list(sizes)

    def most(self, order: OrderSnapshot) -> Decimal | None:
        return Decimal(self.sizes.pop(0)) if self.sizes else None


class Never:
    def most(self, order: OrderSnapshot) -> Decimal | None:
        return Decimal(0)


def test_fills_come_in_the_pieces_that_are_asked_for_one_a_moment() -> None:
    bench = Bench()
    bench.exchange.fill_sizes = Pattern(30, 0, 50)
    assert fills(bench.place(1, "BUY", 100, "MKT")) == [(1, "30", "100.01")]
    assert fills(bench.market("99.99", "100.01", "100.00")) == []
    assert fills(bench.market("99.99", "100.01", "100.00")) == [(1, "50", "100.01")]
    assert fills(bench.market("99.99", "100.01", "100.00")) == [(1, "20", "100.01")]


def test_fills_that_are_held_back_never_come() -> None:
    bench = Bench()
    bench.exchange.fill_sizes = Never()
    bench.place(1, "BUY", 100, "MKT")
    bench.market("99.99", "100.01", "100.00")
    assert bench.status(1) == "Submitted"
    assert bench.position == 0
    bench.exchange.fill_sizes = None
    assert len(fills(bench.market("99.99", "100.01", "100.00"))) == 1


@pytest.mark.parametrize("size", [1000, 5])
def test_piece_is_never_more_than_the_market_shows(size: int) -> None:
    bench = Bench()
    bench.exchange.fill_sizes = Pattern(size)
    bench.stand("99.99", "100.01", ask_size=40)
    bench.place(1, "BUY", 100, "MKT")
    assert bench.position == min(size, 40)
