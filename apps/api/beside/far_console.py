"""The console of a caller beside the desk: what is shown goes through its socket, as its own would.

Rendered here, for the caller's width, colours and encoding, so that it needs nothing but to write
what comes.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from typing import IO, cast

from apps.api.beside.messages import Answer, Screen
from apps.api.console import Console, Manner, Sheet, Streams
from apps.api.interrupts import Interrupts
from apps.domain.errors import DeadlineExceeded

__all__ = ["far_console"]

ANSWER_WITHIN_S = 600.0
"""How long a question waits: a caller that was forgotten does not stay for ever."""

_PIECE = 16_384
"""Characters of a message, so that none is too long, whatever they become in JSON."""

Show = Callable[[str, bool], None]
"""Sends text to the caller's stdout, or with True to its stderr."""

Ask = Callable[[str], Awaitable[Answer]]


def far_console(screen: Screen, show: Show, ask: Ask, *, in_json: bool) -> Console:
    """Give the console of a caller with ``screen``."""
    questions = _Questions(ask)
    streams = Streams(questions, questions)
    out = _Text(lambda text: show(text, False), screen.out_encoding, screen.out_is_terminal)
    err = _Text(lambda text: show(text, True), screen.err_encoding, screen.err_is_terminal)
    return Console(
        Interrupts(),
        commands=lambda: streams,
        answers=lambda: streams,
        interactive=screen.interactive and not in_json,
        manner=Manner.JSON if in_json else Manner.ONE_SHOT,
        sheet=Sheet(
            cast("IO[str]", out),
            cast("IO[str]", err),
            screen.columns,
            screen.lines,
            screen.variables,
        ),
    )


class _Text(io.TextIOBase):
    """A stream of the caller's, as rich writes to it."""

    def __init__(self, show: Callable[[str], None], encoding: str, is_terminal: bool) -> None:
        super().__init__()
        self._show = show
        self._encoding = encoding
        self._is_terminal = is_terminal

    @property
    def encoding(self) -> str:  # type: ignore[override] # typeshed has a plain attribute
        return self._encoding

    def isatty(self) -> bool:
        return self._is_terminal

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        for start in range(0, len(text), _PIECE):
            self._show(text[start : start + _PIECE])
        return len(text)


class _Questions:
    """Both streams of a question, as `ainput` wants them."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._prompt = ""

    def write(self, chunk: bytes) -> None:
        self._prompt = chunk.decode("utf-8", errors="replace")

    async def drain(self) -> None:
        return

    async def readline(self) -> bytes:
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                answer = await self._ask(self._prompt)
        except TimeoutError:
            raise DeadlineExceeded(
                f"Nobody answered within {ANSWER_WITHIN_S / 60:g} minutes. Nothing was sent."
            ) from None
        return b"" if answer.is_end else answer.text.encode() + b"\n"
