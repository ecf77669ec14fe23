"""The key of a trading call: done once, answered as often as it is asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.api.http.serving import Served, on_paper
from tests.engine.fakes import settle
from tests.engine_on_paper.play import Play

WATCH = {"symbol": "AAPL", "level": "190.50", "quantity": 10}


@pytest.fixture
async def both() -> AsyncIterator[tuple[Play, Served]]:
    async with on_paper() as found:
        yield found


async def close_all(served: Served, key: str, **more: object) -> httpx.Response:
    return await served.caller.post("/close-all", json=more, headers={"idempotency-key": key})


async def watch(served: Served, key: str, **more: object) -> httpx.Response:
    headers = {"idempotency-key": key}
    return await served.caller.post("/watchers", json={**WATCH, **more}, headers=headers)


async def test_a_repeated_call_gives_the_first_answer_and_sends_nothing(
    both: tuple[Play, Served],
) -> None:
    play, served = both
    await play.protected()
    first = await play.done(close_all(served, "k1"))
    assert first.json()["result"]["outcomes"]
    assert "idempotent-replayed" not in first.headers
    orders = play.gateway.hub.exchange.completed_orders()
    again = await close_all(served, "k1")
    assert (again.status_code, again.headers["idempotent-replayed"]) == (200, "true")
    assert again.json() == {**first.json(), "is_repeated": True}
    assert play.gateway.hub.exchange.completed_orders() == orders


async def test_a_watcher_that_is_asked_for_twice_under_a_key_is_one(
    both: tuple[Play, Served],
) -> None:
    play, served = both
    first, again = await watch(served, "w"), await watch(served, "w")
    assert first.json()["result"] == again.json()["result"]
    assert again.headers["idempotent-replayed"] == "true"
    assert len(play.desk.watchers()) == 1
    assert (await watch(served, "w2")).json()["result"]["id"] == "w2"


async def test_the_answer_outlives_the_desk(both: tuple[Play, Served]) -> None:
    play, served = both
    first = await watch(served, "w")
    assert play.desk.activities.of_key("w") is not None
    await play.shut_down()
    again = await watch(served, "w")
    assert again.json()["result"] == first.json()["result"]


async def test_a_key_of_another_request_is_refused(both: tuple[Play, Served]) -> None:
    play, served = both
    assert (await watch(served, "w")).status_code == 200
    for answer in (await watch(served, "w", quantity=11), await close_all(served, "w")):
        assert (answer.status_code, answer.json()["type"]) == (
            409,
            "urn:breakout-desk:problem:duplicate",
        )
    assert len(play.desk.watchers()) == 1


async def test_two_at_once_under_one_key_are_one_and_a_conflict(both: tuple[Play, Served]) -> None:
    play, served = both
    answers = await asyncio.gather(*(watch(served, "w") for _ in range(6)))
    assert len(play.desk.watchers()) == 1
    done = [each for each in answers if each.status_code == 200]
    refused = [each for each in answers if each.status_code == 409]
    assert len(done) + len(refused) == 6
    assert done


async def test_a_call_that_failed_is_told_as_failed_and_not_done_again(
    both: tuple[Play, Served],
) -> None:
    play, served = both
    play.market.put("AAPL", "190.39", "190.41")
    first = await watch(served, "w", symbol="NOPE")
    assert first.status_code == 404
    again = await watch(served, "w", symbol="NOPE")
    assert (again.status_code, again.headers["idempotent-replayed"]) == (409, "true")
    assert first.json()["detail"].rstrip(".") in again.json()["detail"]


async def test_a_key_that_cannot_be_is_refused(both: tuple[Play, Served]) -> None:
    for key in ("a b", "x" * 101, ""):
        assert (await close_all(both[1], key)).status_code == 400


async def test_a_caller_that_leaves_does_not_end_what_trades_and_finds_its_answer_later(
    both: tuple[Play, Served],
) -> None:
    play, served = both
    await play.protected()
    play.market.put("AAPL", "190.59", "190.61", 0)  # nobody buys for now
    asked = asyncio.create_task(close_all(served, "k"))
    await play.until(lambda: len(served.app.works) > 0)
    await play.sync()
    asked.cancel()
    await asyncio.wait({asked})
    await play.sync()
    assert len(served.app.works) == 1
    assert play.held() == 10
    play.market.put("AAPL", "190.59", "190.61", 1000)
    await play.print("190.60")
    await play.done(ended(served))
    again = await close_all(served, "k")
    assert again.headers["idempotent-replayed"] == "true"
    assert play.is_flat()


async def ended(served: Served) -> None:
    while len(served.app.works):
        await settle()


async def test_a_caller_that_leaves_ends_what_it_read(both: tuple[Play, Served]) -> None:
    play, served = both
    play.wire.loses_answers = True
    asked = asyncio.create_task(served.caller.get("/positions"))
    await play.until(lambda: len(served.app.works) > 0)
    asked.cancel()
    await asyncio.wait({asked})
    await play.until(lambda: len(served.app.works) == 0)
    await play.until(lambda: len(served.app._shared) == 0)
    play.wire.loses_answers = False
