"""A kill at any moment, as far as files can tell: what another process would find is opened."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.paper.exchange.record import ExchangeRecord
from apps.paper.state.file import StateFile
from apps.paper.wire import Contract, PlaceOrder
from apps.paper.wire import Order as WireOrder
from tests.paper.exchange.bench import CLOSE, NEXT_OPEN
from tests.paper.state.kept_bench import (
    KeptBench,
    after_a_kill,
    books_of,
    kept,
    orders_of,
    restored_from,
)

Step = Callable[[KeptBench], object]

BRACKETS_LIFE: tuple[Step, ...] = (
    lambda bench: bench.place(1, "BUY", 100, "LMT", limit="100.01", transmit=False),
    lambda bench: bench.place(
        2, "SELL", 100, "LMT", limit="102", parent_id=1, time_in_force="GTC", transmit=False
    ),
    lambda bench: bench.place(3, "BUY", 1, "LMT", limit="90", transmit=False),
    lambda bench: bench.cancel(3),
    lambda bench: bench.stand("99.99", "100.01", ask_size=40),
    lambda bench: bench.place(4, "SELL", 100, "STP", stop="99", parent_id=1, time_in_force="GTC"),
    lambda bench: bench.market("99.99", "100.00", "100.00", ask_size=60),
    lambda bench: bench.place(
        4, "SELL", 100, "STP", stop="99.50", parent_id=1, time_in_force="GTC"
    ),
    lambda bench: bench.market("99.40", "99.42", "99.41", bid_size=30),
    lambda bench: bench.market("99.39", "99.42", "99.40", bid_size=500),
    lambda bench: bench.place(5, "BUY", 10, "LMT", limit="90"),
    lambda bench: bench.go_to(CLOSE),
)
"""A bracket held, sent, filled in parts, its stop moved, elected and filled; a day that ends."""


def test_kill_after_any_step_of_a_brackets_life_leaves_it_as_it_was_told(tmp_path: Path) -> None:
    with kept(tmp_path / "state") as bench:
        for number, step in enumerate(BRACKETS_LIFE):
            step(bench)
            bench.keep()
            killed = after_a_kill(bench.file.path, tmp_path / str(number))
            with kept(killed) as again:
                assert orders_of(again) == orders_of(bench)
                assert again.exchange.executions() == bench.exchange.executions()
                assert books_of(again.account) == books_of(bench.account)
                assert again.exchange.next_order_id(7) == bench.exchange.next_order_id(7)
                assert again.now == bench.now
    assert fills_of(bench) == 4


def fills_of(bench: KeptBench) -> int:
    return len(bench.exchange.executions())


def test_kill_between_any_two_writes_leaves_what_was_told_last(tmp_path: Path) -> None:
    told: ExchangeRecord | None = None
    found: list[tuple[ExchangeRecord | None, ExchangeRecord | None]] = []

    def die(_: str) -> None:
        """Look at the file just before a statement, the one that commits among them."""
        killed = after_a_kill(bench.file.path, tmp_path / str(len(found)))
        found.append((told, restored_from(killed)))

    with kept(tmp_path / "state") as bench:
        for step in BRACKETS_LIFE:
            step(bench)
            bench.file._db.set_trace_callback(die)
            bench.keep()
            bench.file._db.set_trace_callback(None)
            told = restored_from(after_a_kill(bench.file.path, tmp_path / "told"))
    assert len(found) > 40
    for before, after in found:
        assert after == before


def test_held_order_that_was_discarded_keeps_its_ids_used(tmp_path: Path) -> None:
    with kept(tmp_path / "state") as bench:
        bench.place(8, "BUY", 1, "LMT", limit="90", transmit=False)
        bench.keep()
        bench.cancel(8)
        bench.keep()
    record = restored_from(tmp_path / "state")
    assert record is not None
    assert record.orders == ()
    with kept(tmp_path / "state") as again:
        assert again.exchange.next_order_id(7) == 9
        again.place(9, "BUY", 1, "LMT", limit="90")
        assert again.state(9).perm_id == 1_500_000_002


def test_numbers_of_executions_go_on(tmp_path: Path) -> None:
    with kept(tmp_path / "state") as bench:
        bench.place(1, "BUY", 10, "MKT")
        bench.keep()
    with kept(tmp_path / "state") as again:
        again.place(2, "SELL", 10, "MKT")
        again.keep()
        exec_ids = [each.exec_id for each in again.exchange.executions()]
    assert len(set(exec_ids)) == 2
    assert exec_ids[0].endswith(".00000001.01")
    assert exec_ids[1].endswith(".00000002.01")


def test_request_comes_back_with_its_order_and_follows_a_change(tmp_path: Path) -> None:
    def asked(note: str) -> PlaceOrder:
        return PlaceOrder(1, Contract(symbol="AAPL"), WireOrder(action="BUY", model_code=note))

    with kept(tmp_path / "state") as bench:
        bench.place(1, "BUY", 10, "LMT", limit="90", wire=asked("first"))
        bench.keep()
        bench.place(1, "BUY", 12, "LMT", limit="90", wire=asked("second"))
        bench.keep()
    with kept(tmp_path / "state") as again:
        assert again.state(1).order.wire == asked("second")
        assert again.state(1).order.quantity == 12


def test_orders_come_back_in_the_order_in_which_they_ended(tmp_path: Path) -> None:
    with kept(tmp_path / "state") as bench:
        for order_id in (1, 2, 3):
            bench.place(order_id, "BUY", 10, "LMT", limit="90")
        for order_id in (3, 1, 2):
            bench.cancel(order_id)
            bench.keep()
        # what has ended may be written once more, as it is
        again = replace(bench.state(3), warning="seen")
        bench.file.keep(ExchangeRecord(bench.now, 1_500_000_004, 1, orders=(again,)), bench.now)
    record = restored_from(tmp_path / "state")
    assert record is not None
    assert [each.order.order_id for each in record.orders] == [3, 1, 2]
    assert record.orders[0].warning == "seen"


def test_orders_of_earlier_days_stay_in_the_file_and_their_ids_used(tmp_path: Path) -> None:
    with kept(tmp_path / "state") as bench:
        bench.place(1, "BUY", 10, "MKT")
        bench.bracket(2)
        bench.place(5, "BUY", 10, "LMT", limit="90")
        bench.go_to(NEXT_OPEN)
        bench.keep()
    with kept(tmp_path / "state") as again:
        # the parent has ended, and its children hang on it
        assert {each.order.order_id for each in orders_of(again)} == {2, 3, 4}
        assert again.exchange.next_order_id(7) == 6
        assert again.position == 110
        assert fills_of(again) == 2


# ---------------------------------------------------------------- the law


@dataclass(frozen=True)
class Deed:
    """One thing that happens; which one, and how, by its numbers."""

    kind: int
    size: int
    cents: int
    is_killed: bool


DEEDS = st.lists(
    st.builds(
        Deed,
        kind=st.integers(0, 6),
        size=st.integers(1, 60),
        cents=st.integers(-60, 60),
        is_killed=st.booleans(),
    ),
    min_size=5,
    max_size=15,
)


def do(bench: KeptBench, deed: Deed, number: int) -> list[str]:
    """Do a deed; the touch is another one after each, so that liquidity starts anew."""
    here = Decimal(100) + deed.cents * Decimal("0.01")
    side = "BUY" if deed.size % 2 else "SELL"
    bid = here + Decimal("0.0001") * number
    match deed.kind:
        case 0:
            events = bench.place(3 * number, side, deed.size, "LMT", limit=str(here))
        case 1:
            events = bench.place(3 * number, side, deed.size, "STP", stop=str(here))
        case 2:
            profit, stop = (here + 1, here - 1) if side == "BUY" else (here - 1, here + 1)
            events = bench.bracket(
                3 * number,
                side,
                deed.size,
                limit=str(here),
                profit=str(profit),
                stop=str(stop),
            )
        case 3:
            events = bench.cancel(3 * (number - deed.size % 5))
        case 4:
            events = bench.place(3 * number, side, deed.size, "LMT", limit="90", transmit=False)
        case _:
            events = bench.market(str(bid), str(bid + Decimal("0.02")), str(here), size=deed.size)
    return [repr(event) for event in events]


@settings(deadline=None, max_examples=20)
@given(DEEDS)
def test_exchange_that_was_killed_at_any_time_goes_on_as_if_it_had_not(deeds: list[Deed]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        unharmed = KeptBench(_Nowhere())
        told: list[list[str]] = []
        path = Path(folder) / "state"
        alive = kept(path)
        bench = alive.__enter__()
        for number, deed in enumerate(deeds, 1):
            told.append(do(unharmed, deed, number))
            assert do(bench, deed, number) == told[-1]
            bench.keep()
            if deed.is_killed:
                killed = after_a_kill(path, path.parent / str(number))
                quotes, now = bench.quotes, bench.now
                alive.__exit__(None, None, None)
                path, alive = killed, kept(killed)
                bench = alive.__enter__()
                bench.quotes.now, bench.quotes.trade, bench.now = quotes.now, quotes.trade, now
        assert books_of(bench.account) == books_of(unharmed.account)
        alive.__exit__(None, None, None)


class _Nowhere(StateFile):
    """A state that is not kept."""

    def __init__(self) -> None:
        """Have no file."""

    def restored(self) -> None:
        return None

    def settle(self, *, accounts: tuple[str, ...], cash: Decimal) -> None:
        return None
