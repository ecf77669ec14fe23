"""Events over a real socket: what a listener reads, and what becomes of one who does not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from apps.api.http import events, events_response
from tests.api.http.serving import TOKEN, Served, on_paper
from tests.engine_on_paper.play import Play


@pytest.fixture
async def both() -> AsyncIterator[tuple[Play, Served]]:
    async with on_paper() as found:
        yield found


@asynccontextmanager
async def listening(served: Served, query: str = "") -> AsyncIterator[AsyncIterator[Any]]:
    async with served.caller.stream("GET", f"/events{query}") as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield _events(answer)


async def _events(answer: httpx.Response) -> AsyncIterator[tuple[str, Any]]:
    name = ""
    async for line in answer.aiter_lines():
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)


async def until(stream: AsyncIterator[Any], wanted: str) -> Any:
    async with asyncio.timeout(5):
        async for name, value in stream:
            if name == wanted:
                return value
    raise AssertionError(f"the stream ended without {wanted}")


async def test_a_listener_reads_bars_alerts_fills_and_the_link(both: tuple[Play, Served]) -> None:
    play, served = both
    async with listening(served) as stream:
        assert (await until(stream, "hello"))["link"]["state"] == "ready"
        await play.enter()
        await play.until(lambda: bool(play.desk.trades()))
        assert (await until(stream, "bar"))["symbol"] == "AAPL"
        assert (await until(stream, "alert"))["kind"]
        assert (await until(stream, "fill"))["quantity"] == "10"
        play.wire.cut()
        assert (await until(stream, "link"))["state"] != "ready"


async def test_a_watcher_and_its_trade_are_told_when_they_change(
    both: tuple[Play, Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "LOOK_EVERY_S", 0.01)
    play, served = both
    async with listening(served, "?kinds=watcher,trade") as stream:
        await until(stream, "hello")
        await play.protected()
        assert (await until(stream, "watcher"))["id"] == "w1"
        assert (await until(stream, "trade"))["symbol"] == "AAPL"


async def test_a_silence_is_broken_by_a_comment(
    both: tuple[Play, Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_response, "KEEP_ALIVE_S", 0.01)
    _, served = both
    async with served.caller.stream("GET", "/events") as answer, asyncio.timeout(5):
        async for line in answer.aiter_lines():
            if line.startswith(":"):
                return
    raise AssertionError("nothing was said")


async def test_a_listener_that_leaves_is_forgotten_and_nobody_looks_on(
    both: tuple[Play, Served],
) -> None:
    play, served = both
    async with listening(served) as stream:
        await until(stream, "hello")
        assert len(served.app.hub) == 1
    await play.until(lambda: len(served.app.hub) == 0)
    assert not play.desk._onlookers._all


async def test_a_listener_that_takes_nothing_is_cut_off_and_the_others_read_on(
    both: tuple[Play, Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MOST_UNREAD", 50)
    monkeypatch.setattr(events_response, "LEAVING_S", 0.05)
    play, served = both
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port, limit=16)
    asked = f"GET /events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    writer.write(asked.encode())
    async with listening(served) as stream:
        await until(stream, "hello")
        await play.until(lambda: len(served.app.hub) == 2)
        async with asyncio.timeout(10):
            while len(served.app.hub) == 2:
                play.desk.warn("x" * 50_000)
                await until(stream, "alert")
        # what it had not read is thrown away with it, and nothing of it stays in the server
        await play.until(lambda: len(served.server._server.server_state.connections) == 1)
        play.desk.warn("still here")
        while (await until(stream, "alert"))["text"] != "still here":
            pass
    writer.close()
    del reader


async def test_the_end_of_the_server_is_the_last_event(both: tuple[Play, Served]) -> None:
    _, served = both
    async with listening(served) as stream:
        await until(stream, "hello")
        ending = asyncio.create_task(served.server.aclose())
        assert "quitting" in (await until(stream, "end"))["reason"]
        await ending
