from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.domain.errors import InvalidInput
from apps.paper.faults.broker import Bust
from apps.paper.faults.fault import Clock, Fault, When
from apps.paper.faults.messages import Drop, HoldChildren, RejectOrder
from apps.paper.faults.network import Disconnect, HalfOpen
from apps.paper.faults.plan import Begin, End, Happening, Moment, Plan, Step, step

OPEN = int(datetime(2026, 11, 19, 14, 30, tzinfo=UTC).timestamp()) * 1000
START = Moment(OPEN, 0.0)
STATUS = Happening("orderStatus", is_request=False, client_id=1, order_id=5, symbol="AAPL")


def later(seconds: float, wall_s: float | None = None) -> Moment:
    return Moment(OPEN + round(seconds * 1000), seconds if wall_s is None else wall_s)


def planned(*faults: Fault, seed: int = 1) -> Plan:
    plan = Plan(seed)
    for fault in faults:
        plan, _ = plan.inject(fault, START)
    return plan


def told(steps: tuple[Step, ...]) -> list[tuple[str, int, int]]:
    return [
        ("begin" if isinstance(each, Begin) else "end", each.number, each.firing) for each in steps
    ]


def fired(plan: Plan, happening: Happening, count: int) -> list[int]:
    """Give which of so many messages set something off."""
    hits = []
    for number in range(1, count + 1):
        plan, steps = step(plan, happening, START)
        if steps:
            hits.append(number)
    return hits


def test_fault_without_a_when_happens_at_once_and_only_once() -> None:
    plan, steps = step(planned(Fault(Disconnect())), None, START)
    assert told(steps) == [("begin", 1, 1)]
    assert plan.armed == ()
    assert step(plan, None, later(1000)) == (plan, ())


def test_fault_after_seconds_waits_for_its_own_clock() -> None:
    plan = planned(
        Fault(Disconnect(), When(after_s=10)),
        Fault(Disconnect(), When(after_s=10, clock=Clock.WALL)),
    )
    assert plan.next_due_s(Clock.MARKET) == OPEN / 1000 + 10
    assert plan.next_due_s(Clock.WALL) == 10
    plan, steps = step(plan, None, later(10, wall_s=9.9))
    assert told(steps) == [("begin", 1, 1)]
    plan, steps = step(plan, None, later(10, wall_s=10))
    assert told(steps) == [("begin", 2, 1)]
    assert (plan.next_due_s(Clock.MARKET), plan.next_due_s(Clock.WALL)) == (None, None)


def test_repeated_fault_comes_back_until_its_times_are_used_up() -> None:
    plan = planned(Fault(Disconnect(), When(after_s=1, every_s=2, times=3)))
    seen = []
    for second in range(10):
        plan, steps = step(plan, None, later(second))
        seen += [second for _ in steps]
    assert seen == [1, 3, 5]


def test_time_of_day_comes_back_every_day_on_the_clocks_of_new_york() -> None:
    plan = planned(Fault(Disconnect(), When(at=time(23, 45), times=0)))
    dues = []
    for _ in range(3):
        due = plan.next_due_s(Clock.MARKET)
        assert due is not None
        dues.append(datetime.fromtimestamp(due, UTC))
        plan, steps = step(plan, None, Moment(round(due * 1000), 0.0))
        assert len(steps) == 1
    assert dues == [datetime(2026, 11, day, 4, 45, tzinfo=UTC) for day in (20, 21, 22)]


@pytest.mark.parametrize(
    ("when", "hits"),
    [
        (When(on="orderStatus"), [1]),
        (When(on="orderStatus", nth=3), [3]),
        (When(on="orderStatus", nth=3, times=2), [3, 4]),
        (When(on="orderStatus", times=0), [1, 2, 3, 4, 5]),
        (When(on="response", nth=2), [2]),
        (When(on="request"), []),
        (When(on="openOrder"), []),
        (When(on="orderStatus", client=1, order_id=5, symbol="AAPL"), [1]),
        (When(on="orderStatus", client=2), []),
        (When(on="orderStatus", order_id=6), []),
        (When(on="orderStatus", symbol="KO"), []),
        (When(on="orderStatus", order_ref="x"), []),
        (When(on="orderStatus", status="Filled"), []),
        (When(on="orderStatus", after_s=1), []),
    ],
)
def test_fault_on_a_message_fires_on_those_that_fit(when: When, hits: list[int]) -> None:
    assert fired(planned(Fault(Drop(), when)), STATUS, 5) == hits


def test_messages_before_the_time_of_a_fault_do_not_count() -> None:
    plan = planned(Fault(Drop(), When(on="orderStatus", after_s=10, nth=2)))
    assert plan.next_due_s(Clock.MARKET) is None, "only a message sets it off"
    plan, steps = step(plan, STATUS, later(9))
    assert steps == ()
    plan, steps = step(plan, STATUS, later(10))
    assert steps == ()
    _, steps = step(plan, STATUS, later(11))
    assert told(steps) == [("begin", 1, 1)]


def test_effect_that_stands_ends_after_its_time_or_when_it_is_taken_out() -> None:
    plan, _ = step(planned(Fault(HoldChildren(for_s=2.5)), Fault(HalfOpen())), None, START)
    assert plan.next_due_s(Clock.MARKET) == OPEN / 1000 + 2.5
    plan, steps = step(plan, None, later(2.499))
    assert steps == ()
    plan, steps = step(plan, None, later(2.5))
    assert told(steps) == [("end", 1, 1)]
    plan, steps = plan.remove(2)
    assert told(steps) == [("end", 2, 1)]
    assert plan.running == ()


def test_effect_begun_by_a_message_ends_by_time() -> None:
    plan, steps = step(planned(Fault(HoldChildren(1), When(on="orderStatus"))), STATUS, later(5))
    assert told(steps) == [("begin", 1, 1)]
    _, steps = step(plan, None, later(6))
    assert told(steps) == [("end", 1, 1)]


def test_chance_is_the_same_for_the_same_seed_and_no_faults_luck_is_anothers() -> None:
    half = Fault(Drop(), When(on="orderStatus", chance=0.5, times=0))
    alone = fired(planned(half), STATUS, 200)
    assert 60 < len(alone) < 140
    assert alone == fired(planned(half), STATUS, 200)
    assert alone != fired(planned(half, seed=2), STATUS, 200)
    other = Fault(Drop(), When(on="request", chance=0.5, times=0))
    assert alone == fired(planned(half, other), STATUS, 200)


@given(st.lists(st.sampled_from(["tick", "orderStatus", "openOrder"]), max_size=40), st.integers())
@settings(max_examples=60, deadline=None)
def test_same_occurrences_give_the_same_steps(occurrences: list[str], seed: int) -> None:
    def run() -> list[tuple[Step, ...]]:
        plan = planned(
            Fault(Drop(), When(on="orderStatus", chance=0.3, times=0)),
            Fault(HoldChildren(2), When(on="openOrder", times=0)),
            Fault(Disconnect(), When(after_s=3, every_s=4, times=0)),
            seed=seed,
        )
        steps = []
        for second, kind in enumerate(occurrences):
            happening = None if kind == "tick" else replace(STATUS, kind=kind)
            plan, done = step(plan, happening, later(second))
            steps.append(done)
        return steps

    first = run()
    assert first == run()
    begun = [each for done in first for each in done if isinstance(each, Begin)]
    ended = [each for done in first for each in done if isinstance(each, End)]
    assert {(each.number, each.firing) for each in ended} <= {
        (each.number, each.firing) for each in begun
    }


def test_draws_of_a_firing_are_its_own() -> None:
    _, steps = step(planned(Fault(Drop(), When(on="orderStatus"))), STATUS, START)
    (begun,) = steps
    assert isinstance(begun, Begin)
    assert begun.draws().random() == begun.draws().random()
    assert begun.chance == "1:1:1:effect"


@pytest.mark.parametrize(
    "keys",
    [
        {"at": datetime(2026, 11, 19, 14, 30)},  # noqa: DTZ001 - a moment of no zone is the point
        {"at": time(9, 30), "after_s": 1.0},
        {"after_s": -1.0},
        {"every_s": 0.0},
        {"on": "error", "chance": 0.0},
        {"on": "error", "chance": 1.1},
        {"on": "error", "times": -1},
    ],
)
def test_when_that_cannot_be_is_refused(keys: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        When(**keys)  # type: ignore[arg-type]  # the point is what the values are


@pytest.mark.parametrize("keys", [{"nth": 2}, {"status": "Filled"}, {"error_code": 201}])
def test_what_belongs_to_a_message_needs_one_unless_the_effect_names_it(
    keys: dict[str, object],
) -> None:
    when = When(**keys)  # type: ignore[arg-type]  # the point is what the values are
    with pytest.raises(InvalidInput):
        Fault(Bust(), when)
    assert Fault(RejectOrder(), when).on == "placeOrder"
