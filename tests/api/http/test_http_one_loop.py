"""The test that used to break everybody: a persistent ib_insync connection inside an ASGI server.

The server runs in the loop that owns the link. Requests come all at once, the gateway is lost and
comes back in between, asyncio looks for every mistake that it knows (calls from other threads,
futures of other loops), and each request is answered: with what was asked for, or with the loss.
"""

from __future__ import annotations

import asyncio
import logging
import random
import signal
import socket
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from apps.api.http.operations import Call, Operation, Outcome
from apps.domain.link import LinkState
from tests.api.http.serving import Served, a_session, on_paper, served
from tests.api.stand_ins import some_settings
from tests.engine_on_paper.play import Play, a_play

PATHS = (
    "/summary",
    "/account",
    "/positions",
    "/orders",
    "/executions",
    "/watchers",
    "/quotes/AAPL",
    "/close-all",
    "/reconcile",
    "/ready",
)
CALLERS = 10


@pytest.fixture(autouse=True)
def watchful(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Have nothing said of loops or forgotten tasks."""
    yield
    words = " ".join(f"{each.getMessage()} {each.exc_info or ''}" for each in caplog.records)
    for bad in ("different loop", "Non-thread-safe", "never retrieved", "never awaited"):
        assert bad not in words


@pytest.fixture
async def both() -> AsyncIterator[tuple[Play, Served]]:
    asyncio.get_running_loop().set_debug(True)
    async with on_paper() as found:
        yield found


class Calls:
    """Callers that ask one thing after the other, and what they were answered."""

    def __init__(self, served: Served, seed: int) -> None:
        self.answers: Counter[int] = Counter()
        self.asked = 0
        self._served = served
        self._seed = seed
        self._is_over = False

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(CALLERS):
                chance = random.Random(self._seed * 100 + number)  # noqa: S311 - a play that is the same each time
                group.create_task(self._caller(chance))

    async def more(self, play: Play, status: int) -> None:
        """Wait until each has been answered so once more, on average."""
        before = self.answers[status]
        await play.until(lambda: self.answers[status] >= before + CALLERS)

    def end(self) -> None:
        self._is_over = True

    async def _caller(self, chance: random.Random) -> None:
        async with self._served.client() as caller:
            while not self._is_over:
                self.asked += 1
                answer = await caller.get(chance.choice(PATHS))
                self.answers[answer.status_code] += 1


async def test_requests_at_once_and_a_link_that_is_lost_and_back_lose_no_request(
    both: tuple[Play, Served],
) -> None:
    play, served = both
    calls = Calls(served, seed=1)
    running = asyncio.create_task(calls.run())
    for _ in range(2):
        await calls.more(play, 200)
        target, play.wire.target = play.wire.target, 1
        play.wire.cut()
        await calls.more(play, 503)
        play.wire.target = target
        while play.desk.link.state is not LinkState.READY:
            await play.turn(1)
    await calls.more(play, 200)
    calls.end()
    await play.done(running_out(running))
    assert calls.answers.total() == calls.asked
    assert set(calls.answers) == {200, 503}
    assert play.desk.link.epoch >= 2
    # the same connection serves on, and what it says is the gateway's word
    assert (await served.caller.get("/account")).json()["net_liquidation"] == "250000"


async def running_out(task: asyncio.Task[None]) -> None:
    await task


async def test_a_handler_runs_in_the_loop_and_the_thread_of_the_link() -> None:
    seen: set[tuple[int, int]] = set()

    async def look(_: Call) -> Outcome:
        seen.add((id(asyncio.get_running_loop()), threading.get_ident()))
        return Outcome(None)

    looking = Operation("GET", "/look", "look", "Look.", "", look)
    async with a_play() as play:
        threads = threading.active_count()
        session = a_session(play.desk, some_settings(), play.clock)
        async with served(session, (looking,)) as found:
            answers = await asyncio.gather(*(found.caller.get("/look") for _ in range(20)))
            assert threading.active_count() == threads
    assert {each.status_code for each in answers} == {200}
    assert seen == {(id(asyncio.get_running_loop()), threading.get_ident())}


async def test_signals_and_the_log_stay_the_desks_and_answers_are_sent_at_once() -> None:
    def standing() -> list[object]:
        root = logging.getLogger()
        signals = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
        return [*signals, root.level, *root.handlers, sys.excepthook]

    before = standing()
    async with on_paper() as (_, found):
        assert (await found.caller.get("/health")).status_code == 200
        assert standing() == before
        (connection,) = found.server._server.server_state.connections
        accepted = connection.transport.get_extra_info("socket")
        # with a delay each answer waits 40 ms for the acknowledgement of its head
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert standing() == before


async def test_watchers_enter_while_callers_ask(both: tuple[Play, Served]) -> None:
    play, served = both
    symbols = ("AAPL", "MSFT", "SPY", "QQQ", "NVDA", "AMD")
    for symbol in symbols:
        play.market.put(symbol, "190.59", "190.61")
        body = {"symbol": symbol, "level": "190.70", "quantity": 1}
        assert (await served.caller.post("/watchers", json=body)).status_code == 200
    await play.sync()
    calls = Calls(served, seed=3)
    running = asyncio.create_task(calls.run())
    await play.bars("190.40", "190.75", "190.80", of=symbols)
    await play.until(lambda: len(play.desk.trades()) == len(symbols))
    await play.until(lambda: all(play.held(symbol) == 1 for symbol in symbols))
    calls.end()
    await play.done(running_out(running))
    assert set(calls.answers) == {200}
    assert calls.answers.total() == calls.asked
    assert play.entries_placed == len(symbols)


async def test_callers_that_come_and_go_leave_nothing_behind(both: tuple[Play, Served]) -> None:
    play, served = both

    async def comes_and_goes(number: int) -> None:
        async with served.client() as caller:
            with_patience = asyncio.timeout(0.002 * (number % 7))
            try:
                async with with_patience:
                    await caller.get(PATHS[number % len(PATHS)])
            except (TimeoutError, httpx.HTTPError):
                return

    await asyncio.gather(*(comes_and_goes(number) for number in range(60)))
    await play.until(lambda: len(served.app.works) == 0)
    await play.until(lambda: not served.server._server.server_state.tasks)
    assert (await served.caller.get("/summary")).status_code == 200
