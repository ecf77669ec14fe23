"""Turns: a crowd takes the loop a little at a time, and nobody is forgotten."""

from __future__ import annotations

import asyncio

from apps.api.http.turns import Turns
from tests.engine.fakes import settle


async def rounds_of(turns: Turns, callers: int) -> list[int]:
    """In which round of the loop each of so many began that came together."""
    now, began = 0, list[int]()

    def tick() -> None:
        nonlocal now
        now += 1
        if len(began) < callers:
            loop.call_soon(tick)

    async def begin() -> None:
        await turns.next()
        began.append(now)

    loop = asyncio.get_running_loop()
    loop.call_soon(tick)
    await asyncio.gather(*(begin() for _ in range(callers)))
    return began


async def test_no_more_than_were_allowed_begin_in_one_round() -> None:
    began = await rounds_of(Turns(at_once=4), 64)
    assert len(began) == 64
    assert max(began.count(each) for each in set(began)) <= 4


async def test_one_alone_waits_for_nothing() -> None:
    turns = Turns(at_once=1)
    for _ in range(3):
        turn = turns.next()
        try:
            turn.send(None)
        except StopIteration:
            await settle()
        else:
            raise AssertionError("it had to wait")


async def test_they_begin_in_the_order_in_which_they_came() -> None:
    turns, order = Turns(at_once=2), list[int]()

    async def begin(number: int) -> None:
        await turns.next()
        order.append(number)

    await asyncio.gather(*(begin(number) for number in range(20)))
    assert order == list(range(20))


async def test_one_that_leaves_takes_nobodys_turn() -> None:
    turns = Turns(at_once=1)
    await turns.next()
    waiting = [asyncio.create_task(turns.next()) for _ in range(5)]
    await asyncio.sleep(0)
    waiting[1].cancel()
    await settle()
    assert [each.done() for each in waiting] == [True] * 5
    assert [each.cancelled() for each in waiting] == [False, True, False, False, False]
