"""Laws that hold for any stream of orders and any market, and a slow reference to match against."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.domain.orders import Side
from apps.paper.exchange.events import Event, Executed
from apps.paper.exchange.orders import Execution, Order
from tests.paper.exchange.bench import Bench, fills

FAST = settings(deadline=None, max_examples=60)
CENT = Decimal("0.01")


def price(cents: int) -> str:
    return str(cents * CENT)


CENTS = st.integers(9_900, 10_100)
SIZES = st.integers(1, 120)


@dataclass(frozen=True)
class Moment:
    """A touch in cents with sizes, and a trade or none."""

    bid: int
    spread: int
    bid_size: int
    ask_size: int
    last: int | None
    size: int

    @property
    def ask(self) -> int:
        return self.bid + self.spread


@dataclass(frozen=True)
class Wish:
    """An order in cents."""

    side: str
    quantity: int
    kind: str
    limit: int
    stop: int
    tif: str


@dataclass(frozen=True)
class Entry:
    """A bracket around an entry limit; distances in cents."""

    side: str
    quantity: int
    limit: int
    profit: int
    stop: int
    tif: str


@dataclass(frozen=True)
class Touching:
    """A change or cancellation of the order placed ``which`` orders ago."""

    which: int
    cancel: bool
    quantity: int
    limit: int


SIDES = st.sampled_from(["BUY", "SELL"])
MOMENTS = st.builds(
    Moment,
    bid=CENTS,
    spread=st.integers(1, 5),
    bid_size=st.integers(0, 80),
    ask_size=st.integers(0, 80),
    last=st.none() | CENTS,
    size=st.integers(1, 60),
)
WISHES = st.builds(
    Wish,
    side=SIDES,
    quantity=SIZES,
    kind=st.sampled_from(["MKT", "LMT", "STP", "STP LMT"]),
    limit=CENTS,
    stop=CENTS,
    tif=st.sampled_from(["DAY", "GTC"]),
)
ENTRIES = st.builds(
    Entry,
    side=SIDES,
    quantity=SIZES,
    limit=CENTS,
    profit=st.integers(1, 60),
    stop=st.integers(1, 60),
    tif=st.sampled_from(["DAY", "IOC"]),
)
TOUCHINGS = st.builds(
    Touching, which=st.integers(0, 5), cancel=st.booleans(), quantity=SIZES, limit=CENTS
)


def place_wish(bench: Bench, order_id: int, wish: Wish) -> list[Event]:
    limit = price(wish.limit) if "LMT" in wish.kind else None
    stop = price(wish.stop) if "STP" in wish.kind else None
    return bench.place(
        order_id,
        wish.side,
        wish.quantity,
        wish.kind,
        limit=limit,
        stop=stop,
        time_in_force=wish.tif,
    )


def show(bench: Bench, moment: Moment) -> list[Event]:
    return bench.market(
        price(moment.bid),
        price(moment.ask),
        None if moment.last is None else price(moment.last),
        bid_size=moment.bid_size,
        ask_size=moment.ask_size,
        size=moment.size,
    )


class Desk:
    """Plays steps into a bench, and remembers the limits under which orders traded."""

    def __init__(self) -> None:
        self.bench = Bench(cash=100_000_000)
        self.events: list[Event] = []
        self.next_id = 1
        self.brackets: list[tuple[int, int]] = []

    def play(self, step: Moment | Wish | Entry | Touching) -> None:
        match step:
            case Moment():
                self.events += show(self.bench, step)
            case Wish():
                self.events += place_wish(self.bench, self.next_id, step)
                self.next_id += 1
            case Entry():
                self._enter(step)
            case Touching():
                self._touch(step)

    def _enter(self, entry: Entry) -> None:
        way = 1 if entry.side == "BUY" else -1
        self.events += self.bench.bracket(
            self.next_id,
            entry.side,
            entry.quantity,
            limit=price(entry.limit),
            profit=price(entry.limit + way * entry.profit),
            stop=price(entry.limit - way * entry.stop),
            tif=entry.tif,
        )
        self.brackets.append((self.next_id, entry.quantity))
        self.next_id += 3

    def _touch(self, step: Touching) -> None:
        order_id = self.next_id - 1 - step.which
        known = [o for o in self.bench.exchange.working_orders() if o.order.order_id == order_id]
        if not known or step.cancel:
            self.events += self.bench.cancel(order_id)
            return
        order = known[0].order
        # exits are changed in price alone, as a desk does; their size is the exchange's
        quantity = order.quantity if order.parent_id else Decimal(step.quantity)
        limit = None if order.limit_price is None else step.limit * CENT
        changed = _changed(order, quantity, limit)
        self.events += self.bench.exchange.place(changed, self.bench.now)

    def executed(self) -> list[Executed]:
        return [event for event in self.events if isinstance(event, Executed)]


def _changed(order: Order, quantity: Decimal, limit: Decimal | None) -> Order:
    return replace(order, quantity=quantity, limit_price=limit)


STEPS = st.lists(st.one_of(MOMENTS, MOMENTS, WISHES, ENTRIES, TOUCHINGS), max_size=25)


@FAST
@given(STEPS)
def test_no_fill_is_worse_than_its_limit(steps: list[Moment | Wish | Entry | Touching]) -> None:
    desk = Desk()
    for step in steps:
        desk.play(step)
    for event in desk.executed():
        limit = event.snapshot.limit
        if limit is not None:
            sign = event.execution.side.sign
            assert sign * event.execution.price <= sign * limit


@FAST
@given(STEPS)
def test_fills_of_an_order_never_exceed_its_size_and_add_up(
    steps: list[Moment | Wish | Entry | Touching],
) -> None:
    desk = Desk()
    for step in steps:
        desk.play(step)
    exchange = desk.bench.exchange
    by_order: dict[int, Decimal] = {}
    for execution in exchange.executions():
        by_order[execution.order_id] = by_order.get(execution.order_id, Decimal(0)) + (
            execution.quantity
        )
    for order in (*exchange.working_orders(), *exchange.completed_orders()):
        assert order.filled == by_order.get(order.order.order_id, 0)
        assert 0 <= order.filled <= order.order.quantity


@FAST
@given(STEPS)
def test_exits_never_trade_more_than_their_parent(
    steps: list[Moment | Wish | Entry | Touching],
) -> None:
    desk = Desk()
    for step in steps:
        desk.play(step)
        filled = _filled_by_id(desk.bench)
        for first, _ in desk.brackets:
            exits = filled.get(first + 1, Decimal(0)) + filled.get(first + 2, Decimal(0))
            assert exits <= filled.get(first, Decimal(0))


@FAST
@given(STEPS)
def test_a_bracket_left_alone_covers_its_position_exactly(
    steps: list[Moment | Wish | Entry | Touching],
) -> None:
    desk = Desk()
    for step in steps:
        if not isinstance(step, Touching):  # what clients cancel or change is theirs to answer for
            desk.play(step)
    filled = _filled_by_id(desk.bench)
    working = {o.order.order_id: o for o in desk.bench.exchange.working_orders()}
    for first, _ in desk.brackets:
        done = filled.get(first + 1, Decimal(0)) + filled.get(first + 2, Decimal(0))
        naked = filled.get(first, Decimal(0)) - done
        if naked and first not in working:
            assert working[first + 2].remaining == naked


@FAST
@given(st.integers(1, 100), st.lists(MOMENTS, max_size=30), st.sampled_from([1, 2, 3]))
def test_oca_group_never_overfills(quantity: int, moments: list[Moment], oca_type: int) -> None:
    bench = Bench(cash=100_000_000)
    group = {"oca_group": "exit", "oca_type": oca_type, "time_in_force": "GTC"}
    bench.place(1, "SELL", quantity, "LMT", limit="100.30", **group)
    bench.place(2, "SELL", quantity, "STP", stop="99.70", **group)
    bench.place(3, "SELL", quantity, "LMT", limit="100.60", **group)
    for moment in moments:
        show(bench, moment)
        assert -bench.position <= quantity


@FAST
@given(STEPS)
def test_cash_and_positions_at_market_are_the_net_liquidation(
    steps: list[Moment | Wish | Entry | Touching],
) -> None:
    desk = Desk()
    for step in steps:
        desk.play(step)
    bench, executions = desk.bench, desk.bench.exchange.executions()
    paid = sum((_paid(execution) for execution in executions), Decimal(0))
    fees = sum(
        (bench.exchange.commission_report(e.exec_id).commission for e in executions), Decimal(0)
    )
    assert bench.account.cash()["USD"] == 100_000_000 - paid - fees
    balances = bench.account.balances(lambda _: Decimal("100.05"))
    assert balances.net_liquidation == (
        bench.account.cash()["USD"] + bench.position * Decimal("100.05")
    )


@FAST
@given(STEPS)
def test_the_same_stream_gives_the_same_events(
    steps: list[Moment | Wish | Entry | Touching],
) -> None:
    one, other = Desk(), Desk()
    for step in steps:
        one.play(step)
        other.play(step)
    assert one.events == other.events


@FAST
@given(STEPS)
def test_execution_ids_rise_and_never_repeat(steps: list[Moment | Wish | Entry | Touching]) -> None:
    desk = Desk()
    for step in steps:
        desk.play(step)
    numbers = [int(e.exec_id.split(".")[2], 16) for e in desk.bench.exchange.executions()]
    assert all(before < after for before, after in pairwise(numbers))


def _filled_by_id(bench: Bench) -> dict[int, Decimal]:
    orders = (*bench.exchange.working_orders(), *bench.exchange.completed_orders())
    return {order.order.order_id: order.filled for order in orders}


def _paid(execution: Execution) -> Decimal:
    return execution.side.sign * execution.quantity * execution.price


# -- the reference: one list, whole cents, no index, no cache


@dataclass
class Plain:
    """An order of the reference exchange."""

    order_id: int
    side: int
    left: int
    limit: int | None
    stop: int | None
    rested: bool = False


class Reference:
    """What the matching rules say, written down once more without any concern for speed."""

    def __init__(self) -> None:
        self.orders: list[Plain] = []
        self.touch = (9_999, 10_001, 1000, 1000)
        self.shown = {1: 1000, -1: 1000}
        self.printed = {1: 0, -1: 0}
        self.last = 10_000
        self.fills: list[tuple[int, str, str]] = []

    def place(self, order_id: int, wish: Wish) -> None:
        self.orders.append(
            Plain(
                order_id,
                1 if wish.side == "BUY" else -1,
                wish.quantity,
                wish.limit if "LMT" in wish.kind else None,
                wish.stop if "STP" in wish.kind else None,
            )
        )
        self.meet(None)

    def show(self, moment: Moment) -> None:
        touch = (moment.bid, moment.ask, moment.bid_size, moment.ask_size)
        if touch != self.touch or moment.last is not None:
            self.shown = {1: moment.ask_size, -1: moment.bid_size}
            traded = moment.size if moment.last is not None else 0
            self.printed = {1: traded, -1: traded}
        self.touch = touch
        self.last = self.last if moment.last is None else moment.last
        self.meet(moment.last)

    def meet(self, trade: int | None) -> None:
        while self.elect() or self.fill_one(trade):
            pass

    def elect(self) -> bool:
        ready = [
            o for o in self.orders if o.stop is not None and o.side * (self.last - o.stop) >= 0
        ]
        for order in ready:
            order.stop = None
        return bool(ready)

    def fill_one(self, trade: int | None) -> bool:
        def rank(order: Plain) -> tuple[bool, int, int]:
            limit = order.limit
            return (limit is not None, -order.side * (limit or 0), order.order_id)

        for order in sorted(self.orders, key=rank):
            if order.stop is None and order.left and self.fill(order, trade):
                return True
        return False

    def fill(self, order: Plain, trade: int | None) -> bool:
        other = self.touch[1] if order.side == 1 else self.touch[0]
        limit = order.limit
        crosses = limit is None or order.side * (limit - other) >= 0
        through = trade is not None and limit is not None and order.side * (limit - trade) > 0
        if crosses and self.shown[order.side]:
            size = min(order.left, self.shown[order.side])
            self.shown[order.side] -= size
            at = limit if order.rested and limit is not None else other
        elif order.rested and through and limit is not None and self.printed[order.side]:
            size = min(order.left, self.printed[order.side])
            self.printed[order.side] -= size
            at = limit
        else:
            order.rested = order.rested or not crosses
            return False
        order.left -= size
        self.fills.append((order.order_id, str(size), price(at)))
        return True


@settings(deadline=None, max_examples=100)
@given(st.lists(MOMENTS | WISHES, max_size=40))
def test_fills_are_those_of_the_plain_reference(steps: list[Moment | Wish]) -> None:
    bench, reference = Bench(cash=100_000_000), Reference()
    made: list[tuple[int, str, str]] = []
    for number, step in enumerate(steps, start=1):
        if isinstance(step, Moment):
            made += fills(show(bench, step))
            reference.show(step)
        elif _has_room(bench, step):
            made += fills(place_wish(bench, number, step))
            reference.place(number, step)
    assert made == reference.fills


def _has_room(bench: Bench, wish: Wish) -> bool:
    working = bench.exchange.working_orders()
    return sum(order.order.side is Side(wish.side) for order in working) < 15
