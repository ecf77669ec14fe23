"""Running routines: the log, the deadline, once at a time, and the answer to a repeated request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from apps.domain.activities import ActivityBegan, ActivityEnded, ActivityOutcome
from apps.domain.errors import (
    AlreadyDone,
    BadRequest,
    BrokerError,
    DeadlineExceeded,
    DeskError,
    JournalLost,
    RiskRefused,
)
from apps.domain.risk import TradingMode
from apps.engine.routines.parameters import number, parameter
from apps.engine.routines.routine import AnyRoutine, Grounds, Routine
from apps.engine.routines.runner import Answered, Asked, RoutineRunner
from tests.engine.conftest import Stage, Staging
from tests.engine.fakes import settle

Act = Callable[[Grounds, Any], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Amount:
    amount: Decimal = parameter("How much.", number("0", "100"), default=Decimal(1))


def a_routine(act: Act, **changed: Any) -> AnyRoutine:
    values: dict[str, Any] = {
        "name": "try",
        "meaning": "Try something.",
        "explanation": "Try something.",
        "request": Amount,
        "run": act,
        "examples": ("try",),
        "trades": True,
    }
    return Routine(**values | changed)


def a_runner(stage: Stage) -> RoutineRunner:
    return RoutineRunner(
        stage.desk, stage.clock, encode=lambda value: value, configuration={"PAPER_SEED": "7"}
    )


async def _twice(_: Grounds, request: Amount) -> dict[str, str]:
    return {"twice": str(request.amount * 2)}


def log_of(stage: Stage) -> list[ActivityBegan | ActivityEnded]:
    return [e for e in stage.journal.records if isinstance(e, ActivityBegan | ActivityEnded)]


async def test_a_run_is_logged_before_and_after_with_what_it_was_asked(stage: Stage) -> None:
    seen: list[int] = []

    async def act(grounds: Grounds, request: Amount) -> dict[str, str]:
        seen.append(len(log_of(stage)))
        return await _twice(grounds, request)

    routine = a_routine(act)
    answered = await a_runner(stage).run(routine, {"amount": "2.50"}, Asked(caller="test"))
    began, ended = log_of(stage)
    assert isinstance(began, ActivityBegan)
    assert isinstance(ended, ActivityEnded)
    assert seen == [1]
    assert (began.routine, began.parameters, began.caller) == ("try", '{"amount": "2.5"}', "test")
    assert began.configuration == '{"PAPER_SEED": "7"}'
    assert ended.activity_id == began.activity_id
    assert ended.outcome is ActivityOutcome.DONE
    assert answered == Answered("try", ended.at, False, began.signature, {"twice": "5.00"})


async def test_what_only_looks_is_not_logged(stage: Stage) -> None:
    routine = a_routine(_twice, trades=False, is_logged=False)
    answered = await a_runner(stage).run(routine, {})
    assert answered.result == {"twice": "2"}
    assert log_of(stage) == []


async def test_a_failure_is_logged_with_the_brokers_code(stage: Stage) -> None:
    async def act(_: Grounds, __: Amount) -> None:
        raise BrokerError("no permission", code=354)

    with pytest.raises(BrokerError):
        await a_runner(stage).run(a_routine(act), {})
    ended = log_of(stage)[-1]
    assert isinstance(ended, ActivityEnded)
    assert (ended.outcome, ended.error, ended.error_code) == (
        ActivityOutcome.FAILED,
        "no permission",
        354,
    )


async def test_a_result_that_needs_the_trader_is_logged_as_such(stage: Stage) -> None:
    routine = a_routine(_twice, is_done=lambda _: False)
    answered = await a_runner(stage).run(routine, {})
    ended = log_of(stage)[-1]
    assert isinstance(ended, ActivityEnded)
    assert not answered.is_done
    assert ended.outcome is ActivityOutcome.LOOK


async def test_the_same_parameters_have_one_signature_and_others_another(stage: Stage) -> None:
    routine = a_routine(_twice)
    first = routine.signature(routine.asked({"amount": "1.0"}))
    assert first == routine.signature(routine.asked({}))
    assert first != routine.signature(routine.asked({"amount": 2}))
    assert first != a_routine(_twice, revision=2).signature(routine.asked({}))


async def test_a_deadline_ends_the_run_and_the_log_says_so(stage: Stage) -> None:
    ends: list[str] = []

    async def act(_: Grounds, __: Amount) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ends.append("ended")

    running = asyncio.create_task(a_runner(stage).run(a_routine(act), {}, Asked(deadline_s=5)))
    await settle()
    await stage.clock.advance(4.9)
    assert not running.done()
    await stage.clock.advance(0.2)
    with pytest.raises(DeadlineExceeded, match="not done within 5 s"):
        await running
    assert ends == ["ended"]
    ended = log_of(stage)[-1]
    assert isinstance(ended, ActivityEnded)
    assert ended.outcome is ActivityOutcome.FAILED


async def test_a_caller_that_is_cancelled_ends_the_run(stage: Stage) -> None:
    ends: list[str] = []

    async def act(_: Grounds, __: Amount) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ends.append("ended")

    running = asyncio.create_task(a_runner(stage).run(a_routine(act), {}))
    await settle()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ends == ["ended"]
    ended = log_of(stage)[-1]
    assert isinstance(ended, ActivityEnded)
    assert ended.outcome is ActivityOutcome.CANCELLED


async def test_what_trades_runs_once_at_a_time_and_a_dry_run_beside_it(stage: Stage) -> None:
    go = asyncio.Event()

    async def act(grounds: Grounds, _: Amount) -> str:
        if not grounds.dry_run:
            await go.wait()
        return "done"

    runner, routine = a_runner(stage), a_routine(act)
    first = asyncio.create_task(runner.run(routine, {}))
    await settle()
    with pytest.raises(AlreadyDone, match="try runs already"):
        await runner.run(routine, {})
    assert (await runner.run(routine, {}, Asked(dry_run=True))).result == "done"
    go.set()
    assert (await first).result == "done"
    assert (await runner.run(routine, {})).result == "done"


async def test_a_repeated_request_is_given_the_first_answer(stage: Stage) -> None:
    done: list[Decimal] = []

    async def act(grounds: Grounds, request: Amount) -> dict[str, str]:
        done.append(request.amount)
        return await _twice(grounds, request)

    routine, asked = a_routine(act), Asked(request_key="k-1")
    first = await a_runner(stage).run(routine, {"amount": 3}, asked)
    again = await a_runner(stage).run(routine, {"amount": "3.0"}, asked)
    assert done == [Decimal(3)]
    assert (again.result, again.at, again.signature) == (first.result, first.at, first.signature)
    assert (first.is_repeated, again.is_repeated) == (False, True)


async def test_a_key_is_good_for_one_request_only(stage: Stage) -> None:
    routine, asked = a_routine(_twice), Asked(request_key="k-1")
    await a_runner(stage).run(routine, {"amount": 3}, asked)
    with pytest.raises(AlreadyDone, match="used for another request"):
        await a_runner(stage).run(routine, {"amount": 4}, asked)
    with pytest.raises(AlreadyDone, match="used for another request"):
        await a_runner(stage).run(routine, {"amount": 3}, Asked(True, request_key="k-1"))


async def test_a_repeated_request_that_failed_fails_again_and_does_nothing(stage: Stage) -> None:
    done: list[str] = []

    async def act(_: Grounds, __: Amount) -> None:
        done.append("once")
        raise BrokerError("no permission", code=354)

    routine, asked = a_routine(act), Asked(request_key="k-1")
    for _ in range(2):
        with pytest.raises(DeskError, match="no permission") as caught:
            await a_runner(stage).run(routine, {}, asked)
        assert caught.value.code == 354
    assert done == ["once"]


async def test_a_run_that_was_cut_off_is_not_begun_again_under_its_key(stage: Stage) -> None:
    routine, asked = a_routine(_twice), Asked(request_key="k-1")
    await a_runner(stage).run(routine, {}, asked)
    stage.journal.records[:] = [
        each for each in stage.journal.records if not isinstance(each, ActivityEnded)
    ]
    with pytest.raises(AlreadyDone, match="cut off before its end"):
        await a_runner(stage).run(routine, {}, asked)


async def test_nothing_is_done_that_could_not_be_written_down(stage: Stage) -> None:
    done: list[str] = []

    async def act(_: Grounds, __: Amount) -> None:
        done.append("done")

    stage.journal.error = JournalLost("the disk is full")
    with pytest.raises(JournalLost):
        await a_runner(stage).run(a_routine(act), {})
    assert done == []
    await a_runner(stage).run(a_routine(act), {}, Asked(dry_run=True))
    assert done == ["done"]
    stage.journal.error = None


async def test_a_desk_that_may_send_nothing_refuses_before_anything_is_logged(
    make_stage: Staging,
) -> None:
    stage = make_stage(mode=TradingMode.LIVE)
    with pytest.raises(RiskRefused):
        await a_runner(stage).run(a_routine(_twice), {})
    assert log_of(stage) == []
    dry = await a_runner(stage).run(a_routine(_twice), {}, Asked(dry_run=True))
    assert dry.dry_run


@pytest.mark.parametrize(
    ("asked", "named"),
    [(Asked(dry_run=True), "dry_run"), (Asked(deadline_s=0), "deadline_s")],
)
async def test_what_makes_no_sense_is_refused(stage: Stage, asked: Asked, named: str) -> None:
    routine = a_routine(_twice, trades=False)
    with pytest.raises(BadRequest) as caught:
        await a_runner(stage).run(routine, {}, asked)
    assert list(caught.value.problems) == [named]
