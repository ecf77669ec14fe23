"""Work for callers: shared, cut off when they leave, or gone on with."""

from __future__ import annotations

import asyncio

import pytest

from apps.api.http.problems import ProblemError
from apps.api.http.works import CallerLeft, SharedAnswers, Works
from apps.domain.errors import NotConnected
from tests.engine.fakes import settle


class Broker:
    """Answers when it is let; counts what it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.cancelled = 0
        self.answers: list[asyncio.Future[int]] = []

    async def ask(self) -> int:
        self.asked += 1
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.answers.append(answer)
        try:
            return await answer
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


async def never() -> None:
    await asyncio.Event().wait()


async def test_those_who_come_together_share_one_question() -> None:
    broker, shared = Broker(), SharedAnswers()
    asking = [asyncio.create_task(shared.ask("positions", broker.ask)) for _ in range(64)]
    await settle()
    assert broker.asked == 1
    broker.answers[0].set_result(7)
    assert await asyncio.gather(*asking) == [7] * 64
    assert len(shared) == 0


async def test_who_comes_while_a_question_is_under_way_has_an_answer_to_the_next() -> None:
    broker, shared = Broker(), SharedAnswers()
    first = asyncio.create_task(shared.ask("positions", broker.ask))
    await settle()
    later = [asyncio.create_task(shared.ask("positions", broker.ask)) for _ in range(5)]
    await settle()
    assert broker.asked == 1
    broker.answers[0].set_result(1)
    await settle()
    assert await first == 1
    assert broker.asked == 2
    broker.answers[1].set_result(2)
    assert await asyncio.gather(*later) == [2] * 5
    assert len(shared) == 0


async def test_other_questions_are_not_shared() -> None:
    broker, shared = Broker(), SharedAnswers()
    asking = [asyncio.create_task(shared.ask(each, broker.ask)) for each in ("a", "b")]
    await settle()
    assert broker.asked == 2
    for number, answer in enumerate(broker.answers):
        answer.set_result(number)
    assert await asyncio.gather(*asking) == [0, 1]


async def test_one_who_leaves_takes_the_answer_from_nobody() -> None:
    broker, shared = Broker(), SharedAnswers()
    stays, leaves = (asyncio.create_task(shared.ask("a", broker.ask)) for _ in range(2))
    await settle()
    leaves.cancel()
    await settle()
    broker.answers[0].set_result(3)
    assert await stays == 3
    assert broker.cancelled == 0


async def test_when_all_have_left_the_question_is_ended_and_the_next_one_is_new() -> None:
    broker, shared = Broker(), SharedAnswers()
    leaving = [asyncio.create_task(shared.ask("a", broker.ask)) for _ in range(3)]
    await settle()
    for each in leaving:
        each.cancel()
    late = asyncio.create_task(shared.ask("a", broker.ask))
    await settle()
    assert broker.cancelled == 1
    broker.answers[-1].set_result(9)
    assert await late == 9
    assert len(shared) == 0


async def test_a_question_that_waits_and_is_left_is_never_asked() -> None:
    broker, shared = Broker(), SharedAnswers()
    first = asyncio.create_task(shared.ask("a", broker.ask))
    await settle()
    second = asyncio.create_task(shared.ask("a", broker.ask))
    await settle()
    second.cancel()
    await settle()
    third = asyncio.create_task(shared.ask("a", broker.ask))
    await settle()
    broker.answers[0].set_result(1)
    await settle()
    broker.answers[1].set_result(3)
    assert (await first, await third) == (1, 3)
    assert broker.asked == 2


async def test_an_error_is_everybodys() -> None:
    async def fails() -> int:
        raise NotConnected("there is no link.")

    shared = SharedAnswers()
    asking = [asyncio.create_task(shared.ask("a", fails)) for _ in range(3)]
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(each) for each in found] == [NotConnected] * 3


async def test_a_reader_who_leaves_ends_the_reading() -> None:
    works, broker, left = Works(), Broker(), asyncio.Event()

    async def leaves() -> None:
        await left.wait()

    asking = asyncio.create_task(works.done(broker.ask(), leaves, goes_on=False))
    await settle()
    left.set()
    with pytest.raises(CallerLeft):
        await asking
    await settle()
    assert broker.cancelled == 1
    assert len(works) == 0


async def test_a_trade_goes_on_when_its_caller_has_left() -> None:
    works, broker, left = Works(), Broker(), asyncio.Event()

    async def leaves() -> None:
        await left.wait()

    asking = asyncio.create_task(works.done(broker.ask(), leaves, goes_on=True))
    await settle()
    left.set()
    with pytest.raises(CallerLeft):
        await asking
    assert (broker.cancelled, len(works)) == (0, 1)
    broker.answers[0].set_result(1)
    await settle()
    assert len(works) == 0


async def test_the_end_of_the_desk_cuts_off_what_is_being_done_and_takes_nothing_new() -> None:
    works, broker = Works(), Broker()
    asking = [
        asyncio.create_task(works.done(broker.ask(), never, goes_on=goes_on))
        for goes_on in (True, False)
    ]
    await settle()
    await works.aclose(1.0)
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(each) for each in found] == [ProblemError] * 2
    assert broker.cancelled == 2
    with pytest.raises(ProblemError):
        await works.done(broker.ask(), never, goes_on=False)
