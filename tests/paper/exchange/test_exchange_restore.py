"""An exchange that begins again from what was kept behaves as the one that went."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.paper.books.ledger import Account
from apps.paper.exchange.exchange import Exchange
from apps.paper.exchange.orders import Adjustment, OrderKey, OrderSnapshot
from apps.paper.exchange.record import ExchangeRecord, Trade
from apps.paper.hours.calendar import SessionCalendar
from tests.paper.exchange.bench import CLOSE, NEXT_OPEN, Bench, D, fills, story
from tests.paper.exchange.test_exchange_laws import STEPS, Desk, Entry, Moment, Touching, Wish


class Keeper:
    """Keeps what an exchange says has changed, as a store would."""

    def __init__(self) -> None:
        self.orders: dict[OrderKey, OrderSnapshot] = {}
        self.trades: list[Trade] = []
        self.order_ids: dict[int, int] = {}
        self.newest: ExchangeRecord | None = None

    def keep(self, exchange: Exchange) -> None:
        record = exchange.changes()
        if record is None:
            return
        for snapshot in record.orders:
            self.orders.pop(snapshot.key, None)
            self.orders[snapshot.key] = snapshot
        for key in record.discarded:
            self.orders.pop(key, None)
        self.trades += record.trades
        self.order_ids.update(record.order_ids)
        self.newest = record

    def whole(self) -> ExchangeRecord:
        assert self.newest is not None
        known = self.orders.values()
        alive = [each for each in known if not each.stage.is_done]
        ended = [each for each in known if each.stage.is_done]
        return replace(
            self.newest,
            orders=(*alive, *ended),
            trades=tuple(self.trades),
            order_ids=self.order_ids,
            discarded=(),
        )


def again(bench: Bench, keeper: Keeper, cash: int = 250_000) -> Bench:
    """Give a bench whose exchange begins from what was kept of another's."""
    keeper.keep(bench.exchange)
    other = Bench(cash=cash)
    other.quotes, other.now, other.stock = bench.quotes, bench.now, bench.stock
    other.account = Account("DU1", D(cash))
    other.exchange = Exchange([other.account], quotes=other.quotes, sessions=SessionCalendar())
    other.exchange.restore(keeper.whole())
    return other


def restarted(bench: Bench) -> Bench:
    return again(bench, Keeper())


def test_nothing_has_changed_before_and_after() -> None:
    bench = Bench()
    assert bench.exchange.changes() is None
    bench.place(1, "BUY", 100, "LMT", limit="99")
    assert bench.exchange.changes() is not None
    assert bench.exchange.changes() is None
    assert restarted_changes(bench) is None


def restarted_changes(bench: Bench) -> ExchangeRecord | None:
    keeper = Keeper()
    bench.place(2, "BUY", 100, "LMT", limit="99")
    return again(bench, keeper).exchange.changes()


def test_changes_stand_in_the_order_of_the_last_one() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "LMT", limit="99")
    bench.place(2, "BUY", 100, "LMT", limit="98")
    bench.place(3, "BUY", 100, "LMT", limit="97", transmit=False)
    bench.cancel(1)
    bench.cancel(3)
    record = bench.exchange.changes()
    assert record is not None
    assert [each.order.order_id for each in record.orders] == [2, 1]
    assert record.discarded == ((7, 3),)
    assert record.order_ids == {7: 3}


def test_position_cash_and_reports_are_those_of_before() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "MKT")
    bench.place(2, "SELL", 40, "LMT", limit="99")
    other = restarted(bench)
    assert other.position == bench.position == 60
    assert other.account.cash() == bench.account.cash()
    assert other.exchange.executions() == bench.exchange.executions()
    for execution in bench.exchange.executions():
        report = bench.exchange.commission_report(execution.exec_id)
        assert other.exchange.commission_report(execution.exec_id) == report


def test_ids_are_never_used_again() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "MKT")
    bench.place(7, "BUY", 100, "LMT", limit="90", transmit=False)
    bench.cancel(7)
    other = restarted(bench)
    assert other.exchange.next_order_id(7) == 8
    for one in (bench, other):
        one.place(8, "BUY", 10, "MKT")
    assert other.state(8).perm_id == bench.state(8).perm_id
    assert other.exchange.executions() == bench.exchange.executions()


def test_brackets_children_stops_and_groups_go_on() -> None:
    bench = Bench()
    bench.stand("99.99", "100.01", ask_size=40)
    bench.bracket()
    other = restarted(bench)
    assert other.statuses(1, 2, 3) == ["Submitted", "Submitted", "PreSubmitted"]
    events = other.market("102.00", "102.02", "102.00", bid_size=30, ask_size=0)
    assert fills(events) == [(2, "30", "102")]
    assert other.state(3).given_up == 30
    assert story(other.cancel(1))[0] == "1 Cancelled"


def test_trailing_stop_goes_on_from_where_it_stood() -> None:
    bench = Bench()
    bench.place(1, "SELL", 100, "TRAIL", stop="1", time_in_force="GTC")
    bench.market("104.99", "105.01", "105.00")
    bench.market("104.49", "104.51", "104.50")
    other = restarted(bench)
    assert other.state(1).trail_stop == D("104.00")
    assert fills(other.market("103.99", "104.01", "104.00")) == [(1, "100", "103.99")]


def test_adjusted_stop_is_not_adjusted_twice() -> None:
    bench = Bench()
    to = Adjustment(trigger_price=D("102"), order_type="STP", stop_price=D("101"))
    bench.place(1, "SELL", 100, "STP", stop="98", adjustment=to, time_in_force="GTC")
    bench.market("101.99", "102.01", "102.00")
    other = restarted(bench)
    assert other.market("102.09", "102.11", "102.10") == []
    assert fills(other.market("100.99", "101.01", "101.00")) == [(1, "100", "100.99")]


def test_resting_limit_still_gives_its_own_price() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "LMT", limit="99.50")
    assert fills(restarted(bench).market("99.30", "99.32", "99.31")) == [(1, "100", "99.50")]


def test_deadlines_are_those_of_before() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "LMT", limit="99")
    bench.place(2, "BUY", 100, "MOC")
    bench.place(3, "BUY", 100, "MKT", time_in_force="OPG")
    other = restarted(bench)
    assert other.exchange.next_deadline() == bench.exchange.next_deadline() == CLOSE
    assert story(other.go_to(CLOSE)) == story(bench.go_to(CLOSE))
    assert other.exchange.next_deadline() == bench.exchange.next_deadline() == NEXT_OPEN


def test_exchange_that_is_in_use_cannot_begin_again() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "LMT", limit="99")
    record = bench.exchange.changes()
    assert record is not None
    with pytest.raises(ValueError, match="no order"):
        bench.exchange.restore(record)


def test_market_time_does_not_go_back_over_it() -> None:
    bench = Bench()
    bench.place(1, "BUY", 100, "LMT", limit="99")
    other = restarted(bench)
    with pytest.raises(ValueError, match="went back"):
        other.exchange.on_time(bench.now - 1)


@settings(deadline=None, max_examples=60)
@given(STEPS, st.integers(0, 25))
def test_any_stream_goes_on_after_a_restart_as_without_one(
    steps: list[Moment | Wish | Entry | Touching], when: int
) -> None:
    """What was taken of the touch is not kept, so the restart comes before it is shown anew."""
    straight, broken, keeper = Desk(), Desk(), Keeper()
    for number, step in enumerate(steps):
        keeper.keep(broken.bench.exchange)
        is_shown = isinstance(step, Moment) and step.last is not None
        if number >= when and is_shown and keeper.newest is not None:
            broken.bench = again(broken.bench, keeper, cash=100_000_000)
            when = len(steps)
        straight.play(step)
        broken.play(step)
    if when == len(steps):
        assert broken.bench.position == straight.bench.position
    assert broken.events == straight.events
    kept, known = broken.bench.exchange, straight.bench.exchange
    assert kept.working_orders() == known.working_orders()
    assert kept.completed_orders() == known.completed_orders()
    assert kept.next_deadline() == known.next_deadline()
