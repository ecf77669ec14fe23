"""Standard output and error where they are pipes: printing never waits for who reads them.

A full pipe blocks its writer, and the writer here is the event loop, with watchers and orders
behind it. So each pipe has a thread that writes to it, in the order in which was printed, and the
loop only hands text over. Terminals and files are left alone.
"""

from __future__ import annotations

import io
import os
import select
import stat
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["CAPACITY_BYTES", "Outlet", "say_at_the_end"]

CAPACITY_BYTES = 16_000_000
"""Held back for a reader that rests; some hundred thousand alerts."""


class Outlet:
    """What was printed to pipes and is on its way.

    When a pipe's reader goes away, ``on_gone`` is called with the descriptor, once and in a
    thread; what is printed there after that is forgotten. Beyond ``capacity_bytes`` whole prints
    are left out, and a line in their place says how many lines that were.
    """

    def __init__(self, capacity_bytes: int = CAPACITY_BYTES) -> None:
        self.on_gone: Callable[[int], None] = lambda _fd: None
        self.time_limit_s: float | None = None
        """How long `drain` waits; None: as long as the reader takes, as any program would."""
        self._capacity_bytes = capacity_bytes
        self._pipes: dict[tuple[int, int], _Pipe] = {}

    @classmethod
    @contextmanager
    def in_place(cls) -> Iterator[Outlet]:
        """Stand in for those of stdout and stderr that are pipes, while the block runs."""
        outlet = cls()
        before = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = (outlet.stream_for(stream) for stream in before)
        try:
            yield outlet
        finally:
            sys.stdout, sys.stderr = before

    def stream_for(self, stream: TextIO) -> TextIO:
        """Give a text stream that takes the place of ``stream``: itself, if it is no pipe.

        Two streams into one pipe keep their order; two pipes do not wait for each other.
        """
        identity = _pipe_identity(stream)
        if identity is None:
            return stream
        stream.flush()
        pipe = self._pipes.get(identity)
        if pipe is None:
            pipe = _Pipe(stream.fileno(), self._capacity_bytes, self._tell)
            self._pipes[identity] = pipe
        return io.TextIOWrapper(
            _End(pipe), encoding=stream.encoding, errors=stream.errors, write_through=True
        )

    def drain(self) -> bool:
        """Wait until everything was read, or `time_limit_s` is over; tell whether it was."""
        limit_s = self.time_limit_s
        until_s = None if limit_s is None else time.monotonic() + limit_s
        drained = [pipe.drain(until_s) for pipe in self._pipes.values()]
        return all(drained)

    def _tell(self, fd: int) -> None:
        self.on_gone(fd)

    @property
    def gone(self) -> frozenset[int]:
        """The descriptors whose readers went away."""
        return frozenset(pipe.fd for pipe in self._pipes.values() if pipe.is_gone)


class _Pipe:
    """One pipe, what waits to be written to it, and the thread that does."""

    def __init__(self, fd: int, capacity_bytes: int, on_gone: Callable[[int], None]) -> None:
        self.fd = fd
        self.is_gone = False
        self._on_gone = on_gone
        self._room = capacity_bytes
        self._waiting: deque[bytes] = deque()
        self._left_out = 0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def put(self, text: bytes) -> None:
        """Hand ``text`` over; returns at once."""
        with self._changed:
            if self.is_gone or not text:
                return
            if len(text) > self._room:
                self._left_out += text.count(b"\n")
                return
            self._append_notice()
            self._append(text)
        if self._thread is None:
            self._thread = threading.Thread(target=self._write, name="piped output", daemon=True)
            self._thread.start()

    def drain(self, until_s: float | None) -> bool:
        """Wait until everything was read, or the monotonic clock shows ``until_s``."""
        limit_s = None if until_s is None else max(0.0, until_s - time.monotonic())
        with self._changed:
            self._append_notice()
            return self._changed.wait_for(lambda: not self._waiting, limit_s)

    def _append_notice(self) -> None:
        if self._left_out:
            self._append(b"[%d lines are missing here: nobody read them.]\n" % self._left_out)
            self._left_out = 0

    def _append(self, text: bytes) -> None:
        self._room -= len(text)
        self._waiting.append(text)
        self._changed.notify_all()

    def _write(self) -> None:
        while not self.is_gone:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting))
                text = self._waiting[0]
            is_read = _write_all(self.fd, text)
            with self._changed:
                # only now, for who drains waits for what is being written too
                self._waiting.popleft()
                self._room += len(text)
                if not is_read:
                    self.is_gone = True
                    self._waiting.clear()
                self._changed.notify_all()
        self._on_gone(self.fd)


class _End(io.BufferedIOBase):
    """The binary end below a text stream."""

    def __init__(self, pipe: _Pipe) -> None:
        super().__init__()
        self._pipe = pipe

    @property
    def name(self) -> int:
        return self._pipe.fd

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._pipe.fd

    def write(self, text: ReadableBuffer, /) -> int:
        copied = bytes(text)
        self._pipe.put(copied)
        return len(copied)


def say_at_the_end(words: str) -> None:
    """Say on stderr what may be the last words, unless nobody takes them: never waits."""
    if sys.__stderr__ is None:
        return
    fd = sys.__stderr__.fileno()
    if sys.platform == "win32" or select.select([], [fd], [], 0)[1]:
        os.write(fd, f"{words}\n".encode(errors="replace"))


def _pipe_identity(stream: TextIO) -> tuple[int, int] | None:
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return None
    is_pipe = stat.S_ISFIFO(status.st_mode) or stat.S_ISSOCK(status.st_mode)
    return (status.st_dev, status.st_ino) if is_pipe else None


def _write_all(fd: int, text: bytes) -> bool:
    """Write all of ``text``; tell whether there was somebody to read it."""
    while text:
        try:
            text = text[os.write(fd, text) :]
        except BlockingIOError:
            # whoever started the desk may have left the pipe non-blocking
            select.select([], [fd], [])
        except OSError:
            return False
    return True
