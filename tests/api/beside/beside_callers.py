"""Callers of a desk's socket as a test plays them: polite ones and others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from apps.api.beside.messages import (
    VERSION,
    Asked,
    Begun,
    Done,
    Greeting,
    Lines,
    Message,
    Screen,
    Shown,
    decoded,
    encoded,
)
from apps.api.state import holder_of

__all__ = ["Caller", "asking", "screen"]

M = TypeVar("M", bound=Message)


def screen(*, interactive: bool = False, columns: int = 80, terminal: bool = False) -> Screen:
    variables = {"TERM": "xterm-256color"} if terminal else {}
    return Screen(columns, 25, terminal, terminal, interactive, "utf-8", "utf-8", variables)


def asking(*words: str, on: Screen | None = None, confirm_live: str = "") -> Asked:
    return Asked(VERSION, words, on or screen(), {}, confirm_live)


class Caller:
    """The caller's end, message by message."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._lines = Lines()
        self._heard: list[Message] = []

    @classmethod
    @asynccontextmanager
    async def at(cls, folder: Path) -> AsyncIterator[Caller]:
        holder = holder_of(folder)
        assert holder is not None
        reader, writer = await asyncio.open_unix_connection(holder.socket)
        try:
            yield cls(reader, writer)
        finally:
            writer.transport.abort()

    def say(self, *said: Message | bytes) -> None:
        for each in said:
            self._writer.write(each if isinstance(each, bytes) else encoded(each))

    def half_close(self) -> None:
        self._writer.write_eof()

    async def next(self) -> Message:
        async with asyncio.timeout(10):
            while not self._heard:
                chunk = await self._reader.read(65_536)
                assert chunk, "hung up"
                self._heard += [decoded(line) for line in self._lines.feed(chunk)]
        return self._heard.pop(0)

    async def hear(self, kind: type[M]) -> M:
        """Give the next message, which is to be of ``kind``."""
        message = await self.next()
        assert isinstance(message, kind), message
        return message

    async def hung_up(self) -> None:
        async with asyncio.timeout(10):
            while await self._reader.read(65_536):
                pass

    async def begin(self, asked: Asked) -> None:
        await self.hear(Greeting)
        self.say(asked)
        await self.hear(Begun)

    async def end(self) -> tuple[str, str, int]:
        """Give what was shown on stdout and on stderr, and the exit code."""
        out, err = "", ""
        while True:
            match await self.next():
                case Shown(text, to_stderr):
                    out, err = (out, err + text) if to_stderr else (out + text, err)
                case Done(code):
                    await self.hung_up()
                    return out, err, code
                case other:
                    raise AssertionError(other)
