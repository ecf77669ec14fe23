"""What working orders add to positions, kept up to date, is what adding them all up gives."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings

from apps.domain.orders import Side
from apps.paper.books.ledger import Account
from apps.paper.exchange.book.exposures import Exposures, Part, held_part, is_exit, parts_of
from apps.paper.exchange.orders import Order
from apps.paper.instruments.legs import Leg
from apps.paper.instruments.listing import Listing
from tests.paper.exchange.bench import Bench, D
from tests.paper.exchange.several import OTHER, STOCK, SeveralBench
from tests.paper.exchange.test_exchange_laws import STEPS, Desk, Entry, Moment, Touching, Wish

MARK = D("100.05")


def mark(_: Listing) -> Decimal:
    return MARK


def added_up(account: Account, bench: Bench, order: Order, quantity: Decimal) -> Decimal:
    """Go through every working order, and weigh both directions of each listing."""
    book = bench.exchange._floor.book
    parts = list(parts_of(order, quantity, mark))
    for other in book.alive():
        if other.key != order.key and not is_exit(book, other.order):
            parts += parts_of(other.order, other.remaining, mark)
    listings = {part.listing for part in parts} | {held.listing for held in account.positions()}
    total = Decimal(0)
    for listing in listings:
        held = held_part(account, listing, mark)
        asked = []
        for side in Side:
            then = held
            for part in parts:
                if part.listing == listing and part.quantity * side.sign > 0:
                    then = then.and_of(part)
            if then.quantity * side.sign > 0:
                asked.append(account.margins.initial(listing, then.quantity, then.value))
        total += max(asked, default=Decimal(0))
    return total


@settings(deadline=None, max_examples=40)
@given(STEPS)
def test_margin_of_all_that_works_is_the_sum_over_every_order(
    steps: list[Moment | Wish | Entry | Touching],
) -> None:
    desk = Desk()
    bench = desk.bench
    exposures = Exposures(bench.exchange._floor.book)
    same = bench.order(9_998, "BUY", 70, "LMT", limit="99.90")
    other = bench.order(9_999, "SELL", 70, "LMT", limit="99.90", listing=OTHER)
    for step in steps:
        desk.play(step)
        for order in (same, other):
            asked = exposures.initial_margin(bench.account, mark, order, order.quantity)
            assert asked == added_up(bench.account, bench, order, order.quantity)


def test_order_without_a_price_counts_at_the_mark() -> None:
    bench = SeveralBench(at="2026-11-18 17:00")
    exposures = Exposures(bench.exchange._floor.book)
    bench.place(1, "BUY", 100, "MKT")
    bench.place(2, "BUY", 100, "LMT", limit="90")
    nothing = bench.order(3, "BUY", 0, "MKT")
    asked = exposures.initial_margin(bench.account, mark, nothing, D(0))
    assert asked == (100 * MARK + 100 * 90) * D("0.25")


def test_combination_counts_leg_by_leg() -> None:
    bench = SeveralBench()
    exposures = Exposures(bench.exchange._floor.book)
    legs = (Leg(STOCK, 2, Side.BUY), Leg(OTHER, 1, Side.SELL))
    order = bench.order(1, "BUY", 10, "MKT", legs=legs)
    asked = exposures.initial_margin(bench.account, mark, order, order.quantity)
    assert asked == 20 * MARK * D("0.25") + 10 * MARK * D("0.30")


def test_child_that_its_parent_has_grown_to_counts_nothing_any_more() -> None:
    bench = Bench()
    exposures = Exposures(bench.exchange._floor.book)
    bench.place(1, "BUY", 100, "LMT", limit="90", transmit=False)
    bench.place(2, "SELL", 200, "LMT", limit="110", parent_id=1)
    nothing = bench.order(3, "BUY", 0, "MKT", listing=OTHER)
    short = 200 * 110 * D("0.30")
    assert exposures.initial_margin(bench.account, mark, nothing, D(0)) == short
    bench.place(1, "BUY", 200, "LMT", limit="90")
    long = 200 * 90 * D("0.25")
    assert exposures.initial_margin(bench.account, mark, nothing, D(0)) == long


def test_order_that_is_changed_counts_once() -> None:
    bench = Bench()
    exposures = Exposures(bench.exchange._floor.book)
    bench.place(1, "BUY", 100, "LMT", limit="90")
    bench.place(2, "BUY", 100, "LMT", limit="95")
    again = bench.order(1, "BUY", 300, "LMT", limit="80")
    asked = exposures.initial_margin(bench.account, mark, again, again.quantity)
    assert asked == (300 * 80 + 100 * 95) * D("0.25")
    assert Part(STOCK).and_of(Part(STOCK, D(1), D(2))).value == 2
