"""A thousand routines, half of which end badly: nothing of them is left, by the gateway's word."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random
from typing import Any

from apps.domain.errors import DeskError
from apps.engine.routines.catalogue import ROUTINES, routine_named
from apps.engine.routines.runner import Asked, RoutineRunner
from tests.engine_on_paper.play import Play, a_play

MANY = 1_000
OPEN_FILES = Path("/proc/self/fd")

READING = ("summary", "reconcile", "trade-reconciliation")


async def test_a_thousand_routines_half_of_them_failing_leave_nothing_behind() -> None:
    draw = Random(20261120)  # noqa: S311 - a story, not a secret
    async with a_play() as play:
        await play.protected()
        runner = RoutineRunner(play.desk, play.clock, encode=lambda _: {}, configuration={})
        await ends_of(play, [one(runner, draw, is_bad=False) for _ in range(4)])
        before = what_there_is(play)
        ends: list[str] = []
        for _ in range(MANY // 4):
            works = [one(runner, draw, is_bad=number % 2 == 1) for number in range(4)]
            ends += await ends_of(play, works)
        await play.sync()
        assert what_there_is(play) == before
        assert len(ends) == MANY
        assert ends.count("done") >= MANY // 2
        assert MANY - ends.count("done") > MANY // 3
        assert play.held() == 10
        assert (await runner.run(routine_named("reconcile"), {})).is_done


async def one(runner: RoutineRunner, draw: Random, *, is_bad: bool) -> str:
    """Run a routine; a bad one is asked wrongly, or its caller leaves in the middle."""
    name, values, asked = draw.choice(READING), dict[str, Any](), Asked()
    if not is_bad:
        await runner.run(routine_named(name), values, asked)
        return "done"
    match draw.randrange(3):
        case 0:
            values = {"what": "?"}
        case 1:
            asked = Asked(dry_run=True)
        case _:
            return await left(runner, name, ticks=draw.randrange(1, 40))
    try:
        await runner.run(routine_named(name), values, asked)
    except DeskError as error:
        return type(error).__name__
    return "done"


async def left(runner: RoutineRunner, name: str, *, ticks: int) -> str:
    running = asyncio.create_task(runner.run(routine_named(name), {}))
    for _ in range(ticks):
        await asyncio.sleep(0)
    running.cancel()
    try:
        await running
    except asyncio.CancelledError:
        return "cancelled"
    return "done"


async def ends_of(play: Play, works: list[Any]) -> list[str]:
    return await play.done(gathered(works))


async def gathered(works: list[Any]) -> list[str]:
    ends: list[str] = await asyncio.gather(*works)
    return ends


def what_there_is(play: Play) -> dict[str, object]:
    """What could be left over: tasks, descriptors, clients, and what they have subscribed to."""
    sessions = play.gateway.hub.sessions
    return {
        "tasks": sorted(task.get_name() for task in asyncio.all_tasks() if named(task)),
        "count": len(asyncio.all_tasks()),
        "descriptors": len([*OPEN_FILES.iterdir()]) if OPEN_FILES.is_dir() else 0,
        "clients": sorted(sessions),
        "streams": {
            client: sorted(
                (type(topic).__name__, len(topic.streams))
                for topic in session._topics
                if topic.streams
            )
            for client, session in sessions.items()
        },
        "requests": len(play.ib.connection.session.wrapper._futures),
    }


def named(task: asyncio.Task[Any]) -> bool:
    return not task.get_name().startswith("Task-")


def test_every_routine_is_in_the_catalogue_once() -> None:
    names = [each.name for each in ROUTINES]
    assert len(names) == len(set(names))
