"""What is told to whom: nothing while nobody listens, and nobody is waited for."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Any

import pytest

from apps.api.http import events
from apps.api.http.events import MOST_LISTENERS, EventHub, EventKind, Listener
from apps.engine.alerts import Alert, AlertKind
from apps.engine.onlookers import Onlookers
from tests.api.stand_ins import AAPL, FakeDesk, a_bar, a_fill, a_watcher
from tests.engine.fakes import settle

EVERY = frozenset(EventKind)
HELLO = "hello"


class Watched(FakeDesk):
    """A desk that can be looked on."""

    def __init__(self) -> None:
        super().__init__()
        self.onlookers = Onlookers(lambda _: None)
        self.looked_on = 0

    def look_on(self, onlooker: Any) -> Any:
        self.looked_on += 1
        leave = self.onlookers.join(onlooker)

        def left() -> None:
            self.looked_on -= 1
            leave()

        return left


@pytest.fixture
def desk() -> Watched:
    return Watched()


def told(unread: bytes) -> list[tuple[str, Any]]:
    """The events of a piece of a stream, each with its name and value."""
    found = []
    for event in unread.decode().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in event.splitlines() if ": " in line)
        if "event" in lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


async def read(listener: Listener) -> list[tuple[str, Any]]:
    await settle()
    return told(await listener.next())


async def test_nobody_looks_on_while_nobody_listens(desk: Watched) -> None:
    hub = EventHub(desk.as_desk())
    assert desk.looked_on == 0
    with hub.listening(EVERY), hub.listening(EVERY):
        assert desk.looked_on == 1
    assert desk.looked_on == 0


async def test_the_first_event_says_how_things_stand(desk: Watched) -> None:
    desk.rows = (a_watcher(),)
    with EventHub(desk.as_desk()).listening(EVERY) as listener:
        ((name, value),) = await read(listener)
    assert name == HELLO
    assert value["link"]["state"] == "ready"
    assert [each["id"] for each in value["watchers"]] == ["w1"]


async def test_a_bar_an_alert_and_a_fill_come_in_order_with_rising_ids(desk: Watched) -> None:
    with EventHub(desk.as_desk()).listening(EVERY) as listener:
        await listener.next()
        desk.onlookers.on_bar(AAPL, a_bar(1))
        desk.onlookers.on_alert(Alert(AlertKind.TRIGGER, "w1 AAPL closed"))
        desk.onlookers.on_fill(a_fill())
        await settle()
        unread = await listener.next()
    assert [name for name, _ in told(unread)] == ["bar", "alert", "fill"]
    assert [line for line in unread.decode().splitlines() if line.startswith("id")] == [
        "id: 1",
        "id: 2",
        "id: 3",
    ]
    assert told(unread)[0][1]["symbol"] == "AAPL"


async def test_what_a_bar_is_told_as_is_not_made_on_its_way(desk: Watched) -> None:
    with EventHub(desk.as_desk()).listening(EVERY) as listener:
        await listener.next()
        desk.onlookers.on_bar(AAPL, a_bar(1))
        assert not listener._unread  # the bar's own call has ended, and nothing was made yet
        await settle()
        assert len(listener._unread) == 1


async def test_only_the_kinds_that_were_asked_for_come(desk: Watched) -> None:
    hub = EventHub(desk.as_desk())
    with hub.listening(frozenset({EventKind.FILL})) as listener:
        await listener.next()
        desk.onlookers.on_bar(AAPL, a_bar(1))
        desk.onlookers.on_fill(a_fill())
        assert [name for name, _ in await read(listener)] == ["fill"]


async def test_one_who_does_not_read_is_dropped_with_the_reason_and_nobody_else(
    desk: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MOST_UNREAD", 20)
    hub = EventHub(desk.as_desk())
    with hub.listening(EVERY) as reads, hub.listening(EVERY) as rests:
        await reads.next()
        for number in range(25):
            desk.onlookers.on_bar(AAPL, a_bar(number % 50))
            await settle()
            assert [name for name, _ in told(await reads.next())] == ["bar"]
        assert rests.is_over.is_set()
        assert not reads.is_over.is_set()
        ((name, value),) = told(await rests.next())
        assert name == "end"
        assert "were not read" in value["reason"]
        assert await rests.next() == b""


async def test_a_watcher_that_has_changed_is_told_at_the_next_look(desk: Watched) -> None:
    hub = EventHub(desk.as_desk())
    desk.rows = (a_watcher(),)
    with hub.listening(EVERY) as listener:
        await listener.next()
        hub._look()
        assert not listener._unread
        desk.rows = (a_watcher(end_reason="stopped"),)
        hub._look()
        ((name, value),) = await read(listener)
    assert (name, value["end_reason"]) == ("watcher", "stopped")


async def test_the_end_of_the_desk_is_the_last_event_of_everybody(desk: Watched) -> None:
    hub = EventHub(desk.as_desk())
    with hub.listening(EVERY) as listener:
        await listener.next()
        hub.close("the desk is quitting")
        desk.onlookers.on_bar(AAPL, a_bar(1))
        assert await read(listener) == [("end", {"reason": "the desk is quitting"})]
        assert await listener.next() == b""


async def test_listeners_are_limited(desk: Watched) -> None:
    hub = EventHub(desk.as_desk())
    with ExitStack() as stack:
        for _ in range(MOST_LISTENERS):
            assert not hub.is_full
            stack.enter_context(hub.listening(EVERY))
        assert hub.is_full
    assert not hub.is_full
