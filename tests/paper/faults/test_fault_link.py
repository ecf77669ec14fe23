"""A link on a stand-in transport, with seconds that pass when told."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.paper.faults.fault import Direction
from apps.paper.faults.link import (
    Delayed,
    Gathered,
    LaneEffect,
    Link,
    Muted,
    Pieces,
    Throttled,
)
from apps.paper.wall import ManualWall

LUCK = Random(1)  # noqa: S311 - luck of tests


class FakeTransport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.is_paused = False
        self.closed = ""

    def write(self, data: Any) -> None:
        assert not self.closed
        self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return bool(self.closed)

    def close(self) -> None:
        self.closed = self.closed or "closed"

    def abort(self) -> None:
        self.closed = self.closed or "aborted"

    def pause_reading(self) -> None:
        assert not self.is_paused
        self.is_paused = True

    def resume_reading(self) -> None:
        assert self.is_paused
        self.is_paused = False

    def get_write_buffer_size(self) -> int:
        return 0

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default


class Wire:
    def __init__(self) -> None:
        self.wall = ManualWall()
        self.transport = FakeTransport()
        self.read: list[bytes] = []
        self.link = Link(self.transport, self.wall, self.read.append)

    @property
    def out(self) -> list[bytes]:
        return self.transport.written


def test_bytes_go_straight_through_without_effects() -> None:
    wire = Wire()
    wire.link.write(b"one")
    wire.link.received(b"two")
    assert (wire.out, wire.read) == ([b"one"], [b"two"])


def test_latency_delays_each_way_and_keeps_the_order() -> None:
    wire = Wire()
    for lane in wire.link.lanes(Direction.BOTH):
        lane.put("late", Delayed(0.1, 0.0, LUCK))
    wire.link.write(b"a")
    wire.wall.advance(0.05)
    wire.link.write(b"b")
    wire.link.received(b"c")
    assert (wire.out, wire.read) == ([], [])
    assert wire.link.unread_bytes == 2
    wire.wall.advance(0.05)
    assert (wire.out, wire.read) == ([b"a"], [])
    wire.wall.advance(0.05)
    assert (wire.out, wire.read) == ([b"a", b"b"], [b"c"])


def test_bytes_that_wait_when_an_effect_ends_still_come_first() -> None:
    wire = Wire()
    wire.link.outgoing.put("late", Delayed(1.0, 0.0, LUCK))
    wire.link.write(b"a")
    wire.link.outgoing.take_off("late")
    wire.link.write(b"b")
    assert wire.out == []
    wire.wall.advance(1.0)
    assert wire.out == [b"a", b"b"]
    wire.link.write(b"c")
    assert wire.out == [b"a", b"b", b"c"]


def test_split_frames_come_in_pieces_with_a_gap() -> None:
    wire = Wire()
    wire.link.outgoing.put("split", Pieces(2, 0.5))
    wire.link.write(b"abcde")
    assert wire.out == [b"ab"]
    wire.wall.advance(1.0)
    assert wire.out == [b"ab", b"cd", b"e"]


def test_merged_frames_wait_for_enough_or_for_long() -> None:
    wire = Wire()
    wire.link.outgoing.put("merge", Gathered(4, 0.5))
    wire.link.write(b"ab")
    wire.link.write(b"c")
    assert wire.out == []
    wire.link.write(b"de")
    assert wire.out == [b"abcde"]
    wire.link.write(b"f")
    wire.wall.advance(0.5)
    assert wire.out == [b"abcde", b"f"]
    wire.link.write(b"g")
    wire.link.outgoing.take_off("merge")
    assert wire.out == [b"abcde", b"f", b"g"]


def test_slow_reader_takes_so_many_bytes_a_second_and_stops_reading() -> None:
    wire = Wire()
    wire.link.incoming.put("slow", Throttled(10))
    wire.link.received(b"x" * 25)
    assert wire.transport.is_paused
    wire.wall.advance(1.0)
    assert b"".join(wire.read) == b"x" * 10
    wire.wall.advance(1.5)
    assert b"".join(wire.read) == b"x" * 25
    assert not wire.transport.is_paused


def test_muted_link_takes_everything_and_says_nothing() -> None:
    wire = Wire()
    for lane in wire.link.lanes(Direction.BOTH):
        lane.put("mute", Muted())
    wire.link.write(b"a")
    wire.link.received(b"b")
    for lane in wire.link.lanes(Direction.BOTH):
        lane.take_off("mute")
    wire.link.write(b"c")
    assert (wire.out, wire.read, wire.transport.closed) == ([b"c"], [], "")


def test_closing_says_what_is_left_first() -> None:
    wire = Wire()
    wire.link.outgoing.put("late", Delayed(1.0, 0.0, LUCK))
    wire.link.write(b"a")
    wire.link.close()
    wire.link.write(b"b")
    assert not wire.transport.closed
    wire.wall.advance(1.0)
    assert (wire.out, wire.transport.closed) == ([b"a"], "closed")


def test_cut_ends_the_connection_in_the_middle_of_a_frame() -> None:
    wire = Wire()
    wire.link.write(b"abc")
    wire.link.cut_after(2)
    wire.link.write(b"defg")
    assert (wire.out, wire.transport.closed) == ([b"abc", b"de"], "closed")


def test_reading_stops_for_as_long_as_there_is_any_reason() -> None:
    wire = Wire()
    wire.link.pause("one")
    wire.link.pause("two")
    wire.link.resume("one")
    assert wire.transport.is_paused
    wire.link.resume("two")
    assert not wire.transport.is_paused


def test_end_of_a_connection_forgets_what_waits() -> None:
    wire = Wire()
    wire.link.outgoing.put("late", Delayed(1.0, 0.0, LUCK))
    wire.link.outgoing.put("merge", Gathered(100, 1.0))
    wire.link.write(b"a")
    wire.link.ended()
    wire.wall.advance(5.0)
    assert wire.out == []


EFFECTS: list[LaneEffect] = [
    Delayed(0.2, 0.15, LUCK),
    Pieces(3, 0.0),
    Pieces(1, 0.1),
    Gathered(8, 0.3),
    Throttled(20),
]


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_whatever_is_done_to_bytes_they_arrive_whole_and_in_order(data: st.DataObject) -> None:
    wire = Wire()
    sent = bytearray()
    for number in range(data.draw(st.integers(1, 12))):
        match data.draw(st.sampled_from(["write", "wait", "put", "take"])):
            case "write":
                chunk = data.draw(st.binary(min_size=1, max_size=20))
                sent += chunk
                wire.link.write(chunk)
            case "wait":
                wire.wall.advance(data.draw(st.floats(0, 1)))
            case "put":
                wire.link.outgoing.put(number % 3, data.draw(st.sampled_from(EFFECTS)))
            case "take":
                wire.link.outgoing.take_off(number % 3)
    wire.wall.advance(100.0)
    assert b"".join(wire.out) == bytes(sent)
    assert wire.link.unread_bytes == 0


@pytest.mark.parametrize(("seconds", "calls"), [(0.5, ""), (1.0, "a"), (2.0, "ab"), (9.0, "ab")])
def test_manual_seconds_call_what_is_due_in_order(seconds: float, calls: str) -> None:
    wall, heard = ManualWall(), list[str]()
    wall.call_later(2.0, lambda: heard.append("b"))
    wall.call_later(1.0, lambda: heard.append("a"))
    wall.call_later(0.5, lambda: heard.append("never")).cancel()
    wall.advance(seconds)
    assert "".join(heard) == calls
    assert wall.now_s() == seconds
