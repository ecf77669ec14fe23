"""Random streams of orders, changes, moments and nights fill as the plain reference says."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.paper.exchange.events import Event, Executed
from apps.paper.exchange.exchange import Exchange
from apps.paper.hours.calendar import SessionCalendar
from apps.paper.limits import NO_LIMITS
from tests.paper.exchange.bench import Bench
from tests.paper.exchange.reference_exchange import Fill, PlainOrder, ReferenceExchange

CENT = Decimal("0.01")
CENTS = st.integers(9_950, 10_050)
SIZES = st.integers(1, 90)


@dataclass(frozen=True)
class Shows:
    bid: int
    spread: int
    bid_size: int
    ask_size: int
    last: int | None
    size: int


@dataclass(frozen=True)
class Places:
    side: int
    kind: str
    size: int
    limit: int
    stop: int
    tif: str


@dataclass(frozen=True)
class Changes:
    which: int
    size: int
    limit: int


@dataclass(frozen=True)
class Cancels:
    which: int


@dataclass(frozen=True)
class Night:
    """The close, and then the next morning."""


Step = Shows | Places | Changes | Cancels | Night

LASTING = st.sampled_from(["DAY", "GTC"])
STEPS = st.lists(
    st.one_of(
        st.builds(
            Shows,
            bid=CENTS,
            spread=st.integers(1, 4),
            bid_size=st.integers(0, 60),
            ask_size=st.integers(0, 60),
            last=st.none() | CENTS,
            size=st.integers(1, 60),
        ),
        st.builds(
            Places,
            side=st.sampled_from([1, -1]),
            kind=st.sampled_from(["MKT", "LMT", "LMT"]),
            size=SIZES,
            limit=CENTS,
            stop=CENTS,
            tif=LASTING | st.sampled_from(["IOC", "FOK"]),
        ),
        st.builds(
            Places,
            side=st.sampled_from([1, -1]),
            kind=st.sampled_from(["STP", "STP LMT"]),
            size=SIZES,
            limit=CENTS,
            stop=CENTS,
            tif=LASTING,
        ),
        st.builds(Changes, which=st.integers(0, 9), size=SIZES, limit=CENTS),
        st.builds(Cancels, which=st.integers(0, 9)),
        st.builds(Night),
    ),
    max_size=40,
)


class Both:
    """The exchange and the reference, side by side."""

    def __init__(self) -> None:
        self.bench = Bench()
        self.bench.account._cash["USD"] = Decimal(10**9)
        self.bench.exchange = Exchange(
            [self.bench.account],
            quotes=self.bench.quotes,
            sessions=SessionCalendar(),
            limits=NO_LIMITS,
        )
        self.reference = ReferenceExchange()
        self.made: list[Fill] = []
        self.placed = 0

    def play(self, step: Step) -> None:
        match step:
            case Shows():
                self._show(step)
            case Places():
                self._place(step)
            case Changes(which, size, limit):
                self._change(which, size, limit)
            case Cancels(which):
                order = self._working(which)
                if order is not None:
                    self.bench.cancel(order.order_id)
                    self.reference.cancel(order.order_id)
            case Night():
                self.made += _fills(self.bench.go_to(_next_morning(self.bench)))
                self.reference.night()

    def _show(self, step: Shows) -> None:
        ask = step.bid + step.spread
        self.made += _fills(
            self.bench.market(
                _price(step.bid),
                _price(ask),
                None if step.last is None else _price(step.last),
                bid_size=step.bid_size,
                ask_size=step.ask_size,
                size=step.size,
            )
        )
        self.reference.show(step.bid, ask, step.bid_size, step.ask_size, step.last, step.size)

    def _place(self, step: Places) -> None:
        self.placed += 1
        limit = step.limit if "LMT" in step.kind else None
        stop = step.stop if "STP" in step.kind else None
        events = self.bench.place(
            self.placed,
            "BUY" if step.side == 1 else "SELL",
            step.size,
            step.kind,
            limit=None if limit is None else _price(limit),
            stop=None if stop is None else _price(stop),
            time_in_force=step.tif,
        )
        self.made += _fills(events)
        self.reference.place(PlainOrder(self.placed, step.side, step.size, limit, stop, step.tif))

    def _change(self, which: int, size: int, limit: int) -> None:
        order = self._working(which)
        if order is None:
            return
        known = self.bench.state(order.order_id)
        price = None if known.order.limit_price is None else limit
        events = self.bench.place(
            order.order_id,
            known.order.side.value,
            str(known.filled + size),
            known.order.order_type,
            limit=None if price is None else _price(price),
            stop=known.order.stop_price,
            time_in_force=order.tif,
        )
        self.made += _fills(events)
        self.reference.change(order.order_id, size, price)

    def _working(self, which: int) -> PlainOrder | None:
        orders = self.reference.orders
        return orders[which % len(orders)] if orders else None


def _price(cents: int) -> str:
    return str(cents * CENT)


def _fills(events: list[Event]) -> list[Fill]:
    return [
        (each.execution.order_id, int(each.execution.quantity), int(each.execution.price / CENT))
        for each in events
        if isinstance(each, Executed)
    ]


def _next_morning(bench: Bench) -> int:
    start, _ = SessionCalendar().next_session(bench.stock, bench.now, extended=False)
    return start


@settings(deadline=None, max_examples=100)
@given(STEPS)
def test_price_size_and_order_of_fills_are_the_references(steps: list[Step]) -> None:
    both = Both()
    for step in steps:
        both.play(step)
        assert both.made == both.reference.fills
    working = {each.order.order_id for each in both.bench.exchange.working_orders()}
    assert working == {order.order_id for order in both.reference.orders}
