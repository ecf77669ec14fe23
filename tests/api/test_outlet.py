from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import TextIO

import pytest

from apps.api.outlet import Outlet

PIPE_BYTES = 1_000_000
"""More than any pipe holds."""


class Reader:
    """A pipe whose other end is read when the test says so."""

    def __init__(self) -> None:
        self.read_end, self.write_end = os.pipe()
        self.stream: TextIO = os.fdopen(self.write_end, "w", encoding="utf-8")

    def read(self, count: int) -> bytes:
        text = b""
        while len(text) < count:
            text += os.read(self.read_end, count - len(text))
        return text

    def go_away(self) -> None:
        os.close(self.read_end)
        self.read_end = -1

    def close(self) -> None:
        if self.read_end >= 0:
            self.go_away()
        self.stream.close()


@pytest.fixture
def reader() -> Iterator[Reader]:
    made = Reader()
    yield made
    made.close()


def test_printing_does_not_wait_for_a_reader_and_all_of_it_arrives_in_order(
    reader: Reader,
) -> None:
    outlet = Outlet()
    stream = outlet.stream_for(reader.stream)
    expected = "".join(f"line {number}\n" for number in range(PIPE_BYTES // 10))
    for number in range(PIPE_BYTES // 10):
        print(f"line {number}", file=stream)
    outlet.time_limit_s = 0.0
    assert not outlet.drain()
    assert reader.read(len(expected)).decode() == expected
    outlet.time_limit_s = 10.0
    assert outlet.drain()


def test_two_streams_into_one_pipe_keep_their_order(reader: Reader) -> None:
    outlet = Outlet()
    out, err = outlet.stream_for(reader.stream), outlet.stream_for(reader.stream)
    print("result", file=out)
    print("error", file=err)
    print("result", file=out)
    assert reader.read(20) == b"result\nerror\nresult\n"


def test_pipe_that_is_read_does_not_wait_for_one_that_is_not(reader: Reader) -> None:
    other, outlet = Reader(), Outlet()
    try:
        print("x" * PIPE_BYTES, file=outlet.stream_for(other.stream))
        print("error", file=outlet.stream_for(reader.stream))
        assert reader.read(6) == b"error\n"
    finally:
        # the thread is done with the descriptor before that is closed
        other.go_away()
        outlet.drain()
        other.close()


def test_what_nobody_reads_is_left_out_and_told(reader: Reader) -> None:
    outlet = Outlet(capacity_bytes=PIPE_BYTES)
    outlet.time_limit_s = 10.0
    stream = outlet.stream_for(reader.stream)
    line = "x" * (PIPE_BYTES - 1) + "\n"
    stream.write(line)
    stream.write("lost\nlost\n")
    assert reader.read(len(line)) == line.encode()
    assert outlet.drain()
    stream.write("after\n")
    assert outlet.drain()
    assert os.read(reader.read_end, 1000) == (
        b"[2 lines are missing here: nobody read them.]\nafter\n"
    )


def test_reader_that_goes_away_is_told_once_and_nothing_waits(reader: Reader) -> None:
    outlet, told, happened = Outlet(), list[int](), threading.Event()

    def on_gone(fd: int) -> None:
        told.append(fd)
        happened.set()

    outlet.on_gone = on_gone
    stream = outlet.stream_for(reader.stream)
    reader.go_away()
    print("x", file=stream)
    assert happened.wait(10)
    print("y", file=stream)
    assert outlet.drain()
    assert told == [reader.write_end]
    assert outlet.gone == {reader.write_end}


def test_pipe_that_was_left_non_blocking_is_waited_for(reader: Reader) -> None:
    outlet = Outlet()
    os.set_blocking(reader.write_end, False)
    outlet.stream_for(reader.stream).write("x" * PIPE_BYTES)
    assert reader.read(PIPE_BYTES) == b"x" * PIPE_BYTES


def test_file_is_left_as_it_is() -> None:
    with open(os.devnull, "w", encoding="utf-8") as nothing:  # noqa: PTH123 - it is no path
        assert Outlet().stream_for(nothing) is nothing
