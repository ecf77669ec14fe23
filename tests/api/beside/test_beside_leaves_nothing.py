"""Hundreds of commands beside a desk, half of them failed or cut off, leave nothing behind.

The desk, its gateway and its journal are real; callers speak over its socket. Asked are asyncio
(tasks), the system (open files), the gateway (clients, streams, answers under way) and the desk.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from apps.api.beside.address import CAN_LISTEN
from apps.api.beside.listener import MOST_CALLERS, listening
from apps.api.beside.messages import Answer, Greeting, Question, Refusal
from apps.api.bootstrap import Joined, joined_desk
from apps.api.state import EMBEDDED, account_folder
from tests.api.beside.beside_callers import Caller, asking, screen
from tests.api.stand_ins import FakeDesk, a_session, some_settings

pytestmark = pytest.mark.skipif(
    not CAN_LISTEN or not Path("/proc/self/fd").exists(), reason="counts what Linux counts"
)

COMMANDS = 221


@dataclass(frozen=True, slots=True)
class Left:
    """What there is besides what a caller may leave: everything of it has to be as before."""

    tasks: Counter[str]
    files: int
    gateway: object
    watchers: int


def left(joined: Joined) -> Left:
    gc.collect()
    names = (getattr(task.get_coro(), "__qualname__", "?") for task in asyncio.all_tasks())
    assert joined.gateway is not None
    return Left(
        Counter(names),
        len(os.listdir("/proc/self/fd")),  # noqa: PTH208 - they are no paths
        joined.gateway.counts(),
        sum(not each.end_reason for each in joined.desk.watchers()),
    )


Conversation = Callable[[Path, random.Random], Awaitable[None]]


def done(*words: str, code: int = 0) -> Conversation:
    async def act(folder: Path, _chance: random.Random) -> None:
        async with Caller.at(folder) as caller:
            await caller.begin(asking(*words))
            _, err, ended = await caller.end()
            assert ended == code, (words, err)

    return act


def cut_off(*words: str) -> Conversation:
    """Leave a command in the middle, at a moment of chance."""

    async def act(folder: Path, chance: random.Random) -> None:
        async with Caller.at(folder) as caller:
            await caller.begin(asking(*words))
            for _ in range(chance.randrange(200)):
                await asyncio.sleep(0)

    return act


async def armed_and_stopped(folder: Path, chance: random.Random) -> None:
    async with Caller.at(folder) as caller:
        await caller.begin(asking("breakout", "start", "MSFT", "--level", "+5%", "--json"))
        out, err, ended = await caller.end()
        assert ended == 0, err
    watcher = out.split('"id": "')[1].split('"')[0]
    await done("breakout", "stop", watcher)(folder, chance)


async def left_at_a_question(folder: Path, chance: random.Random) -> None:
    async with Caller.at(folder) as caller:
        await caller.begin(asking("bracket", "buy", on=screen(interactive=True)))
        for _ in range(chance.randrange(1, 4)):
            await caller.hear(Question)
            caller.say(Answer(""))


async def garbage(folder: Path, chance: random.Random) -> None:
    async with Caller.at(folder) as caller:
        await caller.hear(Greeting)
        caller.say(chance.randbytes(200).replace(b"\n", b"") + b"\n")
        await caller.hear(Refusal)


async def nothing_asked(folder: Path, _: random.Random) -> None:
    async with Caller.at(folder):
        pass


async def half_asked(folder: Path, _: random.Random) -> None:
    async with Caller.at(folder) as caller:
        await caller.hear(Greeting)
        caller.say(b'{"kind": "asked", "version": 1, "words"')
        caller.half_close()


CONVERSATIONS: tuple[Conversation, ...] = (
    done("positions", "--json"),
    done("account"),
    done("orders"),
    done("quote", "MSFT"),
    done("bars", "AAPL", "--last", "50", "--csv"),
    done("link", "--json"),
    armed_and_stopped,
    done("quote", "NOPE", code=5),
    done("cancel", "999", code=5),
    done("bracket", "buy", "AAPL", "0", code=2),
    cut_off("quote", "AAPL"),
    cut_off("bars", "AAPL", "--last", "1000", "--csv"),
    cut_off("wait", "60"),
    left_at_a_question,
    garbage,
    nothing_asked,
    half_asked,
)


async def test_hundreds_of_commands_half_of_them_failed_or_cut_off_leave_nothing(
    tmp_path: Path,
) -> None:
    settings = some_settings(desk_home=str(tmp_path), paper_speed="20")
    folder = account_folder(tmp_path, mode="paper", account=EMBEDDED)
    chance = random.Random(20261120)  # noqa: S311 - a test repeats itself
    room = asyncio.Semaphore(MOST_CALLERS // 2)

    async def one(number: int) -> None:
        async with room:
            await CONVERSATIONS[number % len(CONVERSATIONS)](folder, chance)

    async with joined_desk(settings, lambda _alert: None) as joined:
        session = replace(
            a_session(FakeDesk(), interactive=False)[0], settings=settings, connected=joined.desk
        )
        async with listening(session, folder):
            # what is opened once and kept, such as a learnt instrument, is opened here
            for number in range(len(CONVERSATIONS)):
                await one(number)
            before = await settled(joined)
            await asyncio.gather(*(one(number) for number in range(COMMANDS)))
            assert await settled(joined, before) == before


async def settled(joined: Joined, expected: Left | None = None) -> Left:
    """Give what is left once what was cut off has ended, for which a deadline is enough."""
    found = left(joined)
    for _ in range(200):
        await asyncio.sleep(0.02)
        before, found = found, left(joined)
        if found == (expected or before):
            break
    return found
