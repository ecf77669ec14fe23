from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.domain.errors import BrokerError, NotConnected
from apps.ib.pacer import Pacer
from apps.ib.pacing import (
    Budget,
    HistoryBudget,
    HistoryRequest,
    Lane,
    Limits,
    MessageQueue,
    TokenWindow,
)

LIMITS = Limits(messages_per_s=10, order_reserve=4)
law = settings(deadline=None, max_examples=100)


@dataclass(frozen=True)
class Ask:
    """Something to be sent: when it is asked for, in which lane, how many messages."""

    at: float
    lane: Lane
    cost: int
    number: int


@dataclass
class Outcome:
    sent: list[tuple[float, Ask]] = field(default_factory=list)


asks = st.lists(
    st.tuples(
        st.floats(0, 0.4),
        st.sampled_from([(Lane.ORDER, 1), (Lane.ORDER, 3), (Lane.CONTROL, 1), (Lane.REQUEST, 1)]),
    ),
    max_size=80,
)


def arrivals(gaps: list[tuple[float, tuple[Lane, int]]]) -> list[Ask]:
    at, made = 0.0, []
    for number, (gap, (lane, cost)) in enumerate(gaps):
        at += gap
        made.append(Ask(at, lane, cost, number))
    return made


def played(todo: list[Ask]) -> Outcome:
    """Play the queue as the pacer does: try at once, else wait for the next due moment."""
    queue: MessageQueue[Ask] = MessageQueue(LIMITS)
    outcome = Outcome()
    waiting_since = 0.0

    def release_until(limit: float | None) -> None:
        nonlocal waiting_since
        while (due := queue.next_due(waiting_since)) is not None:
            if limit is not None and due > limit:
                return
            waiting_since = max(waiting_since, due)
            gone = queue.due(waiting_since)
            assert gone, "what is due can go"
            outcome.sent += [(waiting_since, ask) for ask in gone]

    for ask in todo:
        release_until(ask.at)
        waiting_since = ask.at
        if queue.try_spend(ask.at, ask.lane, ask.cost):
            outcome.sent.append((ask.at, ask))
        else:
            queue.put(ask.lane, ask.cost, ask)
    release_until(None)
    return outcome


@law
@given(asks)
def test_everything_is_sent_once_and_each_lane_in_its_order(
    gaps: list[tuple[float, tuple[Lane, int]]],
) -> None:
    todo = arrivals(gaps)
    sent = [ask for _, ask in played(todo).sent]
    assert sorted(ask.number for ask in sent) == [ask.number for ask in todo]
    for lane in Lane:
        numbers = [ask.number for ask in sent if ask.lane is lane]
        assert numbers == sorted(numbers)


@law
@given(asks)
def test_the_rate_is_exceeded_in_no_second(gaps: list[tuple[float, tuple[Lane, int]]]) -> None:
    outcome = played(arrivals(gaps))
    moments = [at for at, ask in outcome.sent for _ in range(ask.cost)]
    for first, last in zip(moments, moments[LIMITS.messages_per_s :], strict=False):
        assert last >= first + 1.0


@law
@given(asks)
def test_no_order_waits_behind_a_request(gaps: list[tuple[float, tuple[Lane, int]]]) -> None:
    outcome = played(arrivals(gaps))
    sent_at = {ask.number: at for at, ask in outcome.sent}
    position = {ask.number: index for index, (_, ask) in enumerate(outcome.sent)}
    orders = [ask for _, ask in outcome.sent if ask.lane is Lane.ORDER]
    others = [ask for _, ask in outcome.sent if ask.lane is not Lane.ORDER]
    for order in orders:
        for other in others:
            if sent_at[other.number] > order.at:  # it still waited when the order came
                assert position[order.number] < position[other.number]


@law
@given(st.integers(0, 40))
def test_a_bracket_goes_at_once_into_a_burst_of_requests(requests: int) -> None:
    todo = [Ask(0.0, Lane.REQUEST, 1, number) for number in range(requests)]
    outcome = played([*todo, Ask(0.0, Lane.ORDER, 3, requests)])
    sent_at = {ask.number: at for at, ask in outcome.sent}
    assert sent_at[requests] == 0.0


def test_a_bracket_waits_for_all_its_tokens_and_is_not_cut() -> None:
    queue: MessageQueue[str] = MessageQueue(LIMITS)
    for tenth in range(8):
        assert queue.try_spend(tenth / 10, Lane.ORDER, 1)
    assert not queue.try_spend(0.8, Lane.ORDER, 3)
    queue.put(Lane.ORDER, 3, "bracket")
    # two tokens are free, and a single order behind the bracket may not take one
    assert not queue.try_spend(0.8, Lane.ORDER, 1)
    assert queue.due(0.9) == []
    assert queue.next_due(0.9) == 1.0
    assert queue.due(1.0) == ["bracket"]


def test_a_cost_that_can_never_be_paid_is_refused() -> None:
    queue: MessageQueue[str] = MessageQueue(LIMITS)
    with pytest.raises(ValueError, match="11 tokens"):
        queue.put(Lane.ORDER, 11, "too much")
    with pytest.raises(ValueError, match="leave room"):
        Limits(messages_per_s=5, order_reserve=5)


def test_a_token_comes_back_after_the_window_and_not_before() -> None:
    window = TokenWindow(2, window_s=10.0)
    window.spend(0.0)
    window.spend(4.0)
    assert (window.free(9.9), window.free_at(9.9)) == (0, 10.0)
    assert (window.free(10.0), window.free_at(10.0, 2)) == (1, 14.0)
    with pytest.raises(ValueError, match="not free"):
        window.spend(10.0, 2)


def test_lines_are_counted() -> None:
    lines = Budget(1)
    assert lines.try_open()
    assert not lines.try_open()
    lines.close()
    assert lines.try_open()
    lines.close()
    with pytest.raises(ValueError, match="nothing is open"):
        lines.close()


SMALL = HistoryRequest(1, 5, "600 S", "TRADES")


def test_identical_requests_for_small_bars_wait_fifteen_seconds() -> None:
    budget = HistoryBudget(Limits())
    budget.spend(100.0, SMALL)
    assert budget.allowed_at(101.0, SMALL) == 115.0
    assert budget.allowed_at(101.0, HistoryRequest(2, 5, "600 S", "TRADES")) == 101.0
    assert budget.allowed_at(101.0, HistoryRequest(1, 60, "600 S", "TRADES")) == 101.0


def test_five_requests_for_one_contract_fill_two_seconds_and_sixty_ten_minutes() -> None:
    budget = HistoryBudget(Limits())
    for number in range(5):
        budget.spend(0.0, HistoryRequest(1, 5, f"{number} S", "TRADES"))
    assert budget.allowed_at(0.0, HistoryRequest(1, 5, "9 S", "TRADES")) == 2.0
    for number in range(55):
        budget.spend(1.0, HistoryRequest(100 + number, 5, "9 S", "TRADES"))
    assert budget.allowed_at(1.0, HistoryRequest(999, 5, "9 S", "TRADES")) == 600.0
    assert budget.allowed_at(1.0, HistoryRequest(999, 60, "9 S", "TRADES")) == 1.0


async def test_the_pacer_sends_an_order_in_the_same_call_or_in_its_turn() -> None:
    pacer = Pacer(Limits(messages_per_s=3, order_reserve=0))
    sent: list[str] = []

    def sender(name: str) -> Callable[[], None]:
        return lambda: sent.append(name)

    pacer.submit_order(3, sender("bracket"), sender("dropped"))
    assert sent == ["bracket"]
    waiting = asyncio.ensure_future(pacer.acquire())
    await asyncio.sleep(0)
    pacer.submit_order(1, sender("cancel"), sender("dropped"))
    assert sent == ["bracket"]
    pacer.drop_all()
    assert sent == ["bracket", "dropped"]
    with pytest.raises(NotConnected, match="not sent"):
        await waiting


async def test_the_pacer_lets_a_request_go_when_its_token_is_back() -> None:
    limits = Limits(messages_per_s=1, order_reserve=0)
    pacer = Pacer(limits)
    queue = pacer._queue
    queue._tokens.window_s = 0.02
    async with asyncio.timeout(5):
        for _ in range(4):
            await pacer.acquire()
    assert len(queue) == 0


async def test_a_history_request_that_would_wait_too_long_is_refused_at_once() -> None:
    pacer = Pacer(Limits())
    async with pacer.history_turn(SMALL, patience_s=1.0):
        pass
    with pytest.raises(BrokerError, match="in 15 s") as caught:
        async with pacer.history_turn(SMALL, patience_s=1.0):
            pass
    assert caught.value.code == 162


def test_a_request_counts_from_its_answer_on() -> None:
    budget = HistoryBudget(Limits(small_bar_requests=2, alike_history=2))
    budget.open(SMALL)
    other = HistoryRequest(2, 5, "600 S", "TRADES")
    assert budget.allowed_at(9.0, SMALL) == 24.0, "it may arrive this very moment"
    budget.open(other)
    third = HistoryRequest(3, 5, "600 S", "TRADES")
    assert budget.allowed_at(10.0, third) == 610.0
    budget.settle(12.0, SMALL)
    assert budget.allowed_at(12.0, third) == 612.0
    assert budget.allowed_at(12.0, SMALL) == 612.0
    budget.settle(13.0, other)
    assert budget.allowed_at(611.9, third) == 612.0
    assert budget.nth_allowed_at(12.0, 2) == 613.0


def test_a_patient_request_leaves_room_for_those_that_may_come() -> None:
    budget = HistoryBudget(Limits(small_bar_requests=3))
    budget.spend(0.0, SMALL)
    other = HistoryRequest(2, 5, "600 S", "TRADES")
    assert budget.allowed_at(1.0, other, spare=1) == 1.0
    assert budget.allowed_at(1.0, other, spare=2) == 600.0
    assert budget.allowed_at(1.0, other) == 1.0


async def test_whoever_is_hasty_goes_before_those_who_are_patient() -> None:
    pacer = Pacer(Limits(small_bar_requests=2, small_bar_window_s=0.05))
    asked: list[str] = []

    def request(number: int) -> HistoryRequest:
        return HistoryRequest(number, 5, "600 S", "TRADES")

    async def patient(number: int) -> None:
        async with pacer.patient_history_turn(request(number), spare=0):
            asked.append(f"patient {number}")

    async def hasty(number: int) -> None:
        async with pacer.history_turn(request(number), patience_s=5.0):
            asked.append(f"hasty {number}")

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        for number in range(6):
            group.create_task(patient(number))
        await asyncio.sleep(0)
        group.create_task(hasty(7))
        group.create_task(hasty(8))
    assert asked[:2] == ["patient 0", "patient 1"]
    assert sorted(asked[2:4]) == ["hasty 7", "hasty 8"]


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 400)), max_size=60), st.randoms())
@settings(deadline=None, max_examples=60)
def test_no_window_of_ibs_ever_holds_too_many_however_long_the_way(
    wishes: list[tuple[int, float]], luck: Random
) -> None:
    """Requests arrive anywhere between their sending and their answer."""
    limits = Limits(small_bar_requests=6, alike_history=2)
    budget = HistoryBudget(limits)
    arrivals: list[tuple[float, int]] = []
    under_way: list[tuple[float, HistoryRequest]] = []
    now = 0.0
    for con_id, way_s in wishes:
        request = HistoryRequest(con_id, 5, f"{len(arrivals)}", "TRADES")
        while (allowed := budget.allowed_at(now, request)) > now:
            due = min([allowed, *(at for at, _ in under_way)])
            now = max(now, due)
            for at, each in [one for one in under_way if one[0] <= now]:
                budget.settle(now, each)
                under_way.remove((at, each))
        budget.open(request)
        answered = now + way_s
        under_way.append((answered, request))
        arrivals.append((luck.uniform(now, answered), con_id))
    times = sorted(at for at, _ in arrivals)
    assert all(b - a >= 600 - 1e-6 for a, b in zip(times, times[6:], strict=False))
    for con_id in range(4):
        own = sorted(at for at, each in arrivals if each == con_id)
        assert all(b - a >= 2 - 1e-6 for a, b in zip(own, own[2:], strict=False))
