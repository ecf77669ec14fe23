"""Lines in and prompts out where there is no capable terminal: a pipe, a file, a dumb terminal.

Both ends are what `aioconsole.ainput(streams=...)` wants. Its own standard streams are not used:
they set O_NONBLOCK on the descriptors (a large table then fails or is cut), lose the line that a
cancelled read had begun, lose a last line without a newline, and fail on a closed stdin.
"""

from __future__ import annotations

import asyncio
import os
import threading
from typing import Protocol, TextIO

from apps.domain.errors import InvalidInput

__all__ = ["MAX_LINE_BYTES", "LineReader", "PipeLines", "PromptWriter", "StreamPrompts"]

MAX_LINE_BYTES = 65_536
"""A longer line is skipped whole: half of a command may be another command."""

_CHUNK_BYTES = 16_384
_QUEUED_LINES = 1_000

_TOO_LONG = b"\0"
"""Stands in the queue for a line that was too long; a real one cannot be it, for it ends so."""


class LineReader(Protocol):
    """Where `ainput` reads: one line with its newline, or ``b""`` at the end."""

    async def readline(self) -> bytes:
        """Give the next line, UTF-8."""


class PromptWriter(Protocol):
    """Where `ainput` writes the prompt."""

    def write(self, chunk: bytes) -> None:
        """Take UTF-8 text."""

    async def drain(self) -> None:
        """Let it be seen."""


class PipeLines:
    """Lines of a file descriptor, read by one daemon thread that starts with the first wait.

    A thread, because a descriptor can be a file, which no event loop can wait for. Bytes that
    are not UTF-8 become U+FFFD; a carriage return before the newline goes; a last line without
    one is delivered; then ``b""`` for ever. A cancelled `readline` loses nothing.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lines: asyncio.Queue[bytes] = asyncio.Queue()
        # the thread takes a slot before it hands a line over, so that a long file waits on disk
        self._slots = threading.Semaphore(_QUEUED_LINES)
        self._thread: threading.Thread | None = None
        self._ended = False

    async def readline(self) -> bytes:
        """Give the next line. Raises InvalidInput for one longer than `MAX_LINE_BYTES`."""
        if self._ended:
            return b""
        if self._thread is None:
            loop = asyncio.get_running_loop()
            self._thread = threading.Thread(
                target=self._read, args=(loop,), name="stdin lines", daemon=True
            )
            self._thread.start()
        line = await self._lines.get()
        self._slots.release()
        if line == _TOO_LONG:
            raise InvalidInput(f"A line of more than {MAX_LINE_BYTES} bytes was skipped.")
        self._ended = not line
        return line

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        splitter = _Splitter()
        try:
            while chunk := self._chunk():
                for line in splitter.feed(chunk):
                    self._hand_over(loop, line)
            for line in splitter.end():
                self._hand_over(loop, line)
            self._hand_over(loop, b"")
        except RuntimeError:
            return  # the loop was closed: nobody reads any more

    def _chunk(self) -> bytes:
        try:
            return os.read(self._fd, _CHUNK_BYTES)
        except OSError:
            return b""  # a closed stdin, or a terminal that hung up: the end of what can be read

    def _hand_over(self, loop: asyncio.AbstractEventLoop, line: bytes) -> None:
        self._slots.acquire()
        loop.call_soon_threadsafe(self._lines.put_nowait, line)


class _Splitter:
    """Bytes in pieces → whole lines, cleaned."""

    def __init__(self) -> None:
        self._rest = b""
        self._skipping = False

    def feed(self, chunk: bytes) -> list[bytes]:
        *whole, rest = (self._rest + chunk).split(b"\n")
        lines = [self._cleaned(line) for line in whole]
        self._rest = rest
        if len(rest) > MAX_LINE_BYTES:
            self._rest, self._skipping = b"", True
        return lines

    def end(self) -> list[bytes]:
        return [self._cleaned(self._rest)] if self._rest or self._skipping else []

    def _cleaned(self, line: bytes) -> bytes:
        too_long = self._skipping or len(line) > MAX_LINE_BYTES
        self._skipping = False
        if too_long:
            return _TOO_LONG
        text = line.removesuffix(b"\r").decode("utf-8", errors="replace")
        return text.encode() + b"\n"


class StreamPrompts:
    """Prompts to a text stream; None where nobody would read them (input is not a terminal)."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, chunk: bytes) -> None:
        """Write the prompt as it is."""
        if self._stream is not None:
            self._stream.write(chunk.decode("utf-8", errors="replace"))

    async def drain(self) -> None:
        """Flush it."""
        if self._stream is not None:
            self._stream.flush()
