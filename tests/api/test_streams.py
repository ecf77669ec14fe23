from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.api.streams import MAX_LINE_BYTES, PipeLines, _Splitter
from apps.domain.errors import InvalidInput


class Pipe:
    """Two ends of a pipe; what is still open at the end of a test is closed."""

    def __init__(self) -> None:
        self.read_end, self.write_end = os.pipe()
        self.lines = PipeLines(self.read_end)

    def write(self, text: bytes) -> None:
        os.write(self.write_end, text)

    def close(self) -> None:
        if self.write_end >= 0:
            os.close(self.write_end)
            self.write_end = -1


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.close()
    thread = made.lines._thread
    if thread is not None:
        thread.join(5)
    os.close(made.read_end)


async def test_lines_come_one_by_one_and_then_the_end_for_ever(pipe: Pipe) -> None:
    pipe.write(b"one\ntwo\n")
    pipe.close()
    assert [await pipe.lines.readline() for _ in range(4)] == [b"one\n", b"two\n", b"", b""]


async def test_last_line_without_newline_is_delivered(pipe: Pipe) -> None:
    pipe.write(b"positions\nquit")
    pipe.close()
    assert [await pipe.lines.readline() for _ in range(3)] == [b"positions\n", b"quit\n", b""]


async def test_carriage_returns_go_and_broken_bytes_are_replaced(pipe: Pipe) -> None:
    pipe.write(b"quote \xff\xfeAAPL\r\n")
    assert await pipe.lines.readline() == "quote ��AAPL\n".encode()


async def test_cancelled_read_loses_no_line(pipe: Pipe) -> None:
    read = asyncio.ensure_future(pipe.lines.readline())
    await asyncio.sleep(0)
    read.cancel()
    await asyncio.wait({read})
    assert read.cancelled()
    pipe.write(b"still here\n")
    assert await pipe.lines.readline() == b"still here\n"


async def test_overlong_line_is_skipped_whole_and_told(pipe: Pipe) -> None:
    text = b"x" * (2 * MAX_LINE_BYTES) + b" close all\nquote\n"
    task = asyncio.ensure_future(asyncio.to_thread(_write_all, pipe.write_end, text))
    with pytest.raises(InvalidInput, match="65536 bytes was skipped"):
        await pipe.lines.readline()
    assert await pipe.lines.readline() == b"quote\n"
    await task


async def test_descriptor_that_cannot_be_read_is_the_end() -> None:
    reading, writing = os.pipe()
    os.close(writing)
    os.close(reading)
    assert await PipeLines(reading).readline() == b""


async def test_file_is_read_like_a_pipe() -> None:
    descriptor = os.memfd_create("script")
    os.write(descriptor, b"a\nb")
    os.lseek(descriptor, 0, os.SEEK_SET)
    lines = PipeLines(descriptor)
    assert [await lines.readline() for _ in range(3)] == [b"a\n", b"b\n", b""]
    os.close(descriptor)


def _write_all(descriptor: int, text: bytes) -> None:
    while text:
        text = text[os.write(descriptor, text) :]


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=200), st.lists(st.integers(1, 20), min_size=1, max_size=20))
def test_splitting_does_not_depend_on_where_the_chunks_end(text: bytes, cuts: list[int]) -> None:
    whole = _Splitter()
    expected = [*whole.feed(text), *whole.end()]
    pieces, got, rest = _Splitter(), [], text
    for size in cuts:
        got += pieces.feed(rest[:size])
        rest = rest[size:]
    got += [*pieces.feed(rest), *pieces.end()]
    assert got == expected
    assert all(line.endswith(b"\n") and line.decode() for line in got)
