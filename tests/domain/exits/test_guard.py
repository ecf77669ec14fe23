"""The guard's decisions, alone and against a small model of a broker."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.domain.exits.guard import RETRY_AFTER_S, SETTLE_S, decide, troubles
from apps.domain.exits.guard_steps import (
    CancelExit,
    CloseSymbol,
    Correct,
    GuardAction,
    GuardProgress,
    PlaceStop,
    PlaceTarget,
    Problem,
    ReadAgain,
    Report,
    ResizeExit,
    Wait,
    Well,
)
from apps.domain.exits.guard_view import GuardedTrade, GuardOrder, GuardRole, GuardView, Reading
from apps.domain.orders import OrderState, OrderStatus, Side

PATIENCE_S = 3.0
STOP, TARGET, CORRECTION = GuardRole.STOP, GuardRole.TAKE_PROFIT, GuardRole.CORRECTION
S = OrderStatus
STOP_PRICE, TARGET_PRICE = Decimal("189.60"), Decimal("192.50")


@dataclass
class Exit:
    """An order at the model's broker, and what the desk has heard of it."""

    role: GuardRole
    order_id: int
    quantity: Decimal
    side: Side = Side.SELL
    status: OrderStatus = S.SUBMITTED
    filled: Decimal = Decimal(0)
    parent_id: int = 0
    group: str = ""
    why_held: str = ""
    refused: bool = False
    arrived: bool = True
    """False: the broker never got it, and nothing is heard of it."""

    @property
    def is_over(self) -> bool:
        return self.status.is_done or self.refused

    @property
    def left(self) -> Decimal:
        return Decimal(0) if self.is_over or not self.arrived else self.quantity - self.filled

    def seen(self) -> GuardOrder:
        perm_id = 0 if self.status is S.PENDING_SUBMIT else 900 + self.order_id
        state = OrderState(
            self.order_id, perm_id, 7, "DU1", 1, "AAPL", self.side, self.quantity,
            "STP" if self.role is STOP else "LMT", None, STOP_PRICE, "GTC", "ref",
            self.parent_id, self.group, self.status, self.filled, self.quantity - self.filled,
            None, self.why_held,
        )  # fmt: skip
        return GuardOrder(
            self.role, self.order_id, self.quantity, self.filled,
            state if self.arrived else None,
            is_over=self.is_over, was_refused=self.refused, oca_group=self.group,
        )  # fmt: skip


@dataclass
class Broker:
    """One trade, its exits, and a guard that is asked again and again."""

    side: Side = Side.BUY
    entered: Decimal = Decimal(10)
    wants_stop: bool = True
    wants_target: bool = True
    is_entering: bool = False
    is_open: bool = True
    touch: Decimal | None = Decimal("190.50")
    foreign: Decimal = Decimal(0)
    refuses_stops: int = 0
    loses: bool = False
    exits: list[Exit] = field(default_factory=list)
    now_s: float = 0.0
    progress: GuardProgress = GuardProgress()  # noqa: RUF009  frozen
    readings: tuple[Reading, ...] = ()
    done: list[GuardAction] = field(default_factory=list)
    next_id: int = 10

    def view(self) -> GuardView:
        trade = GuardedTrade(
            "ref", self.side, self.entered, self.is_entering,
            STOP_PRICE if self.wants_stop else None,
            TARGET_PRICE if self.wants_target else None,
            tuple(each.seen() for each in self.exits),
        )  # fmt: skip
        return GuardView(
            "AAPL", (trade,), self.position + self.foreign, self.now_s, self.touch, self.is_open,
            readings=self.readings,
        )  # fmt: skip

    @property
    def position(self) -> Decimal:
        traded = sum((e.side.sign * e.filled for e in self.exits), Decimal(0))
        return self.side.sign * self.entered + traded

    def live(self, role: GuardRole) -> list[Exit]:
        return [each for each in self.exits if each.role is role and each.left > 0]

    def bracket(
        self, stop: OrderStatus = S.PRE_SUBMITTED, target: OrderStatus = S.SUBMITTED
    ) -> Broker:
        sell = self.side.opposite
        self.exits += [
            Exit(TARGET, 2, Decimal(10), sell, target, parent_id=1),
            Exit(STOP, 3, Decimal(10), sell, stop, parent_id=1),
        ]
        return self

    def step(self, seconds: float = 0.0) -> tuple[GuardAction, ...]:
        self.now_s += seconds
        self.progress, actions = decide(self.view(), self.progress, PATIENCE_S)
        for action in actions:
            self.do(action)
        self.done += [a for a in actions if not isinstance(a, Wait | Well | ReadAgain)]
        return actions

    def run(self, seconds: float = 60.0) -> list[GuardAction]:
        """Let time pass until all is well, or it is over."""
        goal = self.now_s + seconds
        while self.now_s < goal:
            if isinstance(self.step(0.5)[0], Well):
                break
        return self.done

    def read(self) -> None:
        missing = {e.order_id for e in self.exits if not e.is_over and not e.arrived}
        held = self.position + self.foreign
        self.readings = (*self.readings, Reading(self.now_s, frozenset(missing), held))[-2:]

    def do(self, action: GuardAction) -> None:
        self.next_id += 1
        match action:
            case ReadAgain():
                self.read()
            case PlaceStop(_, side, quantity, _):
                is_refused, self.refuses_stops = self.refuses_stops > 0, self.refuses_stops - 1
                status = S.INACTIVE if is_refused else S.PRE_SUBMITTED
                self.exits.append(
                    Exit(STOP, self.next_id, quantity, side, status, group=f"g{self.next_id}",
                         refused=is_refused, arrived=not self.loses)
                )  # fmt: skip
                self.loses = False
            case PlaceTarget(_, side, quantity, _, group):
                self.exits.append(Exit(TARGET, self.next_id, quantity, side, group=group))
            case Correct(_, side, quantity):
                self.exits.append(
                    Exit(CORRECTION, self.next_id, quantity, side, S.FILLED, filled=quantity)
                )
            case CancelExit(_, order_id):
                self.cancel(order_id)
            case ResizeExit(_, order_id, quantity):
                order = self.exit(order_id)
                order.quantity = quantity
                if order.filled >= quantity:
                    order.status = S.FILLED
            case CloseSymbol():
                self.close()
            case _:
                pass

    def close(self) -> None:
        """Do what the exit routine does."""
        for each in self.exits:
            if each.left:
                each.status = S.CANCELLED
        side = Side.SELL if self.position > 0 else Side.BUY
        amount = abs(self.position)
        self.next_id += 1
        closing = Exit(GuardRole.EXIT, self.next_id, amount, side, S.FILLED, filled=amount)
        self.exits.append(closing)

    def exit(self, order_id: int) -> Exit:
        return next(each for each in self.exits if each.order_id == order_id)

    def cancel(self, order_id: int) -> None:
        """Cancel an order; a child takes its siblings with it."""
        order = self.exit(order_id)
        if order.is_over or not order.arrived:
            return
        for each in self.exits:
            is_kin = order.parent_id != 0 and each.parent_id == order.parent_id
            if each is order or (is_kin and not each.is_over):
                each.status = S.CANCELLED

    def fill(self, order: Exit, quantity: Decimal) -> None:
        """Trade some of an exit, and take as much from those in its group."""
        order.filled += quantity
        if order.filled == order.quantity:
            order.status = S.FILLED
        for other in self.exits:
            is_kin = (order.parent_id and order.parent_id == other.parent_id) or (
                order.group and order.group == other.group
            )
            if other is not order and is_kin and other.left:
                cut = min(quantity, other.left)
                other.quantity -= cut
                if other.quantity == other.filled:
                    other.status = S.CANCELLED


def kinds(actions: list[GuardAction]) -> list[str]:
    return [type(each).__name__ for each in actions]


def test_working_bracket_is_well() -> None:
    assert isinstance(Broker().bracket().step()[0], Well)


def test_nothing_is_done_within_the_patience_nor_before_the_broker_was_asked() -> None:
    broker = Broker().bracket(stop=S.CANCELLED, target=S.CANCELLED)
    assert isinstance(broker.step()[0], Wait)
    assert isinstance(broker.step(2.9)[0], Wait)
    assert broker.step(0.2) == (ReadAgain(),)
    assert broker.step() == (PlaceStop("ref", Side.SELL, Decimal(10), STOP_PRICE),)


@pytest.mark.parametrize("side", list(Side))
def test_lost_pair_is_sent_anew_stop_first_and_bound_together(side: Side) -> None:
    touch = Decimal("190.50") if side is Side.BUY else Decimal("189.00")
    broker = Broker(side, touch=touch).bracket(stop=S.CANCELLED, target=S.CANCELLED)
    assert kinds(broker.run()) == ["PlaceStop", "PlaceTarget"]
    stop, target = broker.exits[-2:]
    assert stop.group == target.group != ""
    assert stop.side is target.side is side.opposite


def test_take_profit_that_is_left_alone_is_cancelled_once_the_new_stop_works() -> None:
    broker = Broker().bracket(stop=S.CANCELLED)
    broker.exits[1].refused = True
    assert kinds(broker.run()) == ["PlaceStop", "CancelExit", "PlaceTarget"]
    assert [each.left for each in broker.live(TARGET)] == [Decimal(10)]


def test_target_is_not_sent_where_there_was_none() -> None:
    broker = Broker(wants_target=False)
    broker.exits = [Exit(STOP, 3, Decimal(10), status=S.CANCELLED, parent_id=1)]
    assert kinds(broker.run()) == ["PlaceStop"]


def test_trade_without_a_stop_by_choice_is_left_as_it_is() -> None:
    broker = Broker(wants_stop=False)
    broker.exits = [Exit(TARGET, 2, Decimal(10), parent_id=1)]
    assert broker.run() == []


def test_stop_asleep_as_a_child_is_asked_about_and_never_doubled() -> None:
    broker = Broker().bracket()
    broker.exits[1].why_held = "child"
    assert broker.run(120) == []
    assert broker.progress.asked > 3
    broker.exits[1].why_held = ""
    assert broker.run() == []


def test_stop_held_for_locate_is_cancelled_before_another_is_sent() -> None:
    broker = Broker().bracket(stop=S.INACTIVE)
    broker.exits[1].why_held = "locate"
    assert kinds(broker.run()) == ["CancelExit", "PlaceStop", "PlaceTarget"]


def test_unanswered_stop_is_replaced_after_two_answers_without_it_and_cancelled_first() -> None:
    broker = Broker().bracket(stop=S.PENDING_SUBMIT, target=S.CANCELLED)
    broker.exits[1].arrived = False
    broker.step()
    broker.step(3.1)
    assert len(broker.readings) == 1
    assert isinstance(broker.step()[0], Wait)
    assert kinds(broker.run()) == ["CancelExit", "PlaceStop", "PlaceTarget"]
    assert len(broker.readings) == 2


def test_stop_being_cancelled_is_waited_for() -> None:
    broker = Broker().bracket(stop=S.PENDING_CANCEL)
    assert broker.run(30) == []
    broker.exits[1].status = S.CANCELLED
    assert kinds(broker.run())[0] == "PlaceStop"


def test_stop_of_too_few_is_enlarged_and_only_then_helped_out() -> None:
    broker = Broker(wants_target=False)
    broker.exits = [Exit(STOP, 3, Decimal(4), parent_id=1, status=S.PRE_SUBMITTED)]
    assert broker.run() == [ResizeExit("ref", 3, Decimal(10))]
    broker = Broker(wants_target=False)
    stuck = Exit(STOP, 3, Decimal(4), parent_id=1, status=S.PRE_SUBMITTED)
    broker.exits = [stuck]
    while not any(isinstance(each, PlaceStop) for each in broker.done):
        broker.step(0.5)
        stuck.quantity = Decimal(4)  # the broker does not change it
    assert broker.done[-1] == PlaceStop("ref", Side.SELL, Decimal(6), STOP_PRICE)
    assert broker.now_s >= PATIENCE_S + SETTLE_S


def test_children_as_large_as_the_entry_are_right_while_it_still_fills() -> None:
    broker = Broker(entered=Decimal(4), is_entering=True).bracket()
    assert broker.run() == []
    broker.is_entering = False
    assert set(broker.run()) == {
        ResizeExit("ref", 2, Decimal(4)),
        ResizeExit("ref", 3, Decimal(4)),
    }


def test_market_beyond_the_stop_is_closed_instead() -> None:
    broker = Broker(touch=Decimal("189.55")).bracket(stop=S.CANCELLED, target=S.CANCELLED)
    assert kinds(broker.run()) == ["CloseSymbol"]
    assert broker.position == 0


def test_market_beyond_the_stop_outside_hours_still_gets_a_stop() -> None:
    broker = Broker(touch=Decimal("189.55"), is_open=False)
    broker.bracket(stop=S.CANCELLED, target=S.CANCELLED)
    assert kinds(broker.run()) == ["PlaceStop", "PlaceTarget"]


def test_refused_stop_is_tried_once_more_without_the_target_and_then_closed() -> None:
    broker = Broker(refuses_stops=2).bracket(stop=S.CANCELLED)
    assert kinds(broker.run()) == ["PlaceStop", "CancelExit", "PlaceStop", "CloseSymbol"]
    assert broker.position == 0


def test_stop_refused_outside_hours_is_told_and_closed_at_the_open() -> None:
    broker = Broker(refuses_stops=2, is_open=False).bracket(stop=S.CANCELLED, target=S.CANCELLED)
    assert kinds(broker.run()) == ["PlaceStop", "PlaceStop", "Report"]
    assert broker.position == 10
    broker.is_open = True
    assert kinds(broker.run())[-1] == "CloseSymbol"


def test_closing_that_fails_is_tried_again_with_pauses_and_not_for_ever() -> None:
    broker = Broker(refuses_stops=99).bracket(stop=S.CANCELLED, target=S.CANCELLED)
    times: list[float] = []
    while broker.now_s < 300:
        broker.now_s += 0.5
        broker.progress, actions = decide(broker.view(), broker.progress, PATIENCE_S)
        for action in actions:
            if isinstance(action, CloseSymbol):
                times.append(broker.now_s)
            else:
                broker.do(action)
        broker.done += actions
    assert len(times) == 3
    assert all(b - a >= RETRY_AFTER_S for a, b in pairwise(times))
    assert broker.done.count(Report(Problem.STUCK, "ref")) == 1


def test_exits_that_both_filled_are_taken_back_once() -> None:
    broker = Broker()
    broker.exits = [
        Exit(TARGET, 2, Decimal(10), status=S.FILLED, filled=Decimal(10)),
        Exit(STOP, 3, Decimal(10), status=S.FILLED, filled=Decimal(10)),
    ]
    assert broker.run() == [Correct("ref", Side.BUY, Decimal(10))]
    assert broker.position == 0


def test_correction_that_still_works_is_waited_for() -> None:
    broker = Broker()
    broker.exits = [
        Exit(STOP, 3, Decimal(20), status=S.FILLED, filled=Decimal(20)),
        Exit(CORRECTION, 4, Decimal(10), Side.BUY),
    ]
    assert broker.run(30) == []


def test_correction_that_is_refused_is_told_and_not_repeated() -> None:
    broker = Broker()
    broker.exits = [
        Exit(STOP, 3, Decimal(20), status=S.FILLED, filled=Decimal(20)),
        Exit(CORRECTION, 4, Decimal(10), Side.BUY, status=S.CANCELLED),
    ]
    assert broker.run(30) == [Report(Problem.CORRECTION_FAILED, "ref")]


@pytest.mark.parametrize(
    ("foreign", "is_open", "expected"),
    [
        (10, True, Report(Problem.NOT_CROSSED, "ref")),
        (6, True, Correct("ref", Side.BUY, Decimal(4))),
        (0, False, Report(Problem.WAITS_FOR_OPEN, "ref")),
    ],
)
def test_only_what_is_really_on_the_other_side_is_taken_back(
    foreign: int, is_open: bool, expected: GuardAction
) -> None:
    broker = Broker(foreign=Decimal(foreign), is_open=is_open)
    broker.exits = [Exit(STOP, 3, Decimal(20), status=S.FILLED, filled=Decimal(20))]
    assert broker.run(4)[:1] == [expected]


def test_exits_are_cut_to_what_the_account_holds_after_two_answers() -> None:
    broker = Broker(foreign=Decimal(-6)).bracket()
    broker.run(4)
    assert broker.done == []
    assert set(broker.run()) == {
        ResizeExit("ref", 2, Decimal(4)),
        ResizeExit("ref", 3, Decimal(4)),
        Report(Problem.SHORT_OF_POSITION, "ref"),
    }


def test_two_trades_share_what_the_account_holds_the_oldest_first() -> None:
    one = GuardedTrade("one", Side.BUY, Decimal(10), False, STOP_PRICE, None)
    other = replace(one, order_ref="other")
    view = GuardView("AAPL", (one, other), Decimal(13), 0.0)
    assert view.needs() == {"one": 10, "other": 3}
    assert troubles(view) == {"one", "other"}


def test_nothing_is_decided_while_the_exit_routine_runs() -> None:
    broker = Broker().bracket(stop=S.CANCELLED, target=S.CANCELLED)
    broker.step()
    view = replace(broker.view(), is_being_closed=True, now_s=50.0)
    progress, actions = decide(view, broker.progress, PATIENCE_S)
    assert actions == (Wait(),)
    assert progress.since == {}


def test_stop_of_its_own_that_never_arrived_is_sent_again_as_soon_as_it_is_known() -> None:
    broker = Broker().bracket(stop=S.CANCELLED, target=S.CANCELLED)
    broker.loses = True
    sent_s: list[float] = []
    while len(sent_s) < 2 and broker.now_s < 60:
        if any(isinstance(each, PlaceStop) for each in broker.step(0.5)):
            sent_s.append(broker.now_s)
    assert sent_s[1] - sent_s[0] <= 4 * PATIENCE_S


MISHAPS = st.sampled_from(
    ["stop cancelled", "target cancelled", "stop refused", "locate", "stop fills", "target fills",
     "part of target", "part of stop", "more enters", "next is refused", "next is lost", "pass"]
)  # fmt: skip


def _mishap(broker: Broker, what: str) -> None:
    stops, targets = broker.live(STOP), broker.live(TARGET)
    role = stops if "stop" in what or what == "locate" else targets
    if what == "next is refused":
        broker.refuses_stops = 1
    elif what == "next is lost":
        broker.loses = True
    elif what == "more enters" and broker.is_entering:
        broker.entered += 1
    elif not role:
        return
    elif what.endswith("cancelled"):
        broker.cancel(role[0].order_id)
    elif what == "stop refused":
        role[0].status, role[0].refused = S.INACTIVE, True
    elif what == "locate":
        role[0].status, role[0].why_held = S.INACTIVE, "locate"
    elif what.endswith("fills") and not role[0].why_held:
        broker.fill(role[0], min(role[0].left, abs(broker.position)) or role[0].left)
    elif what.startswith("part") and not role[0].why_held:
        broker.fill(role[0], Decimal(1))


def _stops_at_work(broker: Broker) -> Decimal:
    return sum((each.left for each in broker.live(STOP)), Decimal(0))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(MISHAPS, st.sampled_from([0.0, 0.5, 2.0, 4.0])), max_size=12))
def test_whatever_happens_no_two_stops_stand_for_one_share_and_it_ends_well(
    story: list[tuple[str, float]],
) -> None:
    broker = Broker(entered=Decimal(5), is_entering=True).bracket()
    for what, seconds in story:
        before = _stops_at_work(broker)
        _mishap(broker, what)
        for _ in range(4):
            had = _stops_at_work(broker)
            actions = broker.step(seconds / 4)
            stood = _stops_at_work(broker)
            if any(isinstance(each, PlaceStop) for each in actions):
                assert stood <= max(abs(broker.position), Decimal(0)), actions
            assert stood <= max(had, before, abs(broker.position), Decimal(10))
    broker.is_entering = False
    broker.run(400)
    assert isinstance(broker.step()[0], Well) or broker.position == 0
    assert broker.position >= 0
    assert _stops_at_work(broker) == broker.position


@settings(max_examples=60, deadline=None)
@given(st.lists(MISHAPS.filter(lambda each: not each.startswith("next")), max_size=8))
def test_what_was_asked_for_is_not_asked_for_again(story: list[str]) -> None:
    broker = Broker().bracket()
    for what in story:
        _mishap(broker, what)
        for seconds in (0.0, 4.0, 0.0):
            first = broker.step(seconds)
            again = decide(broker.view(), broker.progress, PATIENCE_S)[1]
            repeated = set(first) & set(again)
            assert not {each for each in repeated if not isinstance(each, Wait | Well)}
