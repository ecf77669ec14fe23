"""A single command that finds a desk running: its words go there, and what comes back is written.

Nothing of a desk is loaded for that: no broker, no tables, no terminal, unless something is asked.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO, TypeVar

from apps.api.beside.address import CAN_LISTEN, peer_of
from apps.api.beside.agreement import given_by
from apps.api.beside.messages import (
    VERSION,
    Answer,
    Asked,
    Begun,
    Done,
    Garbled,
    Greeting,
    Lines,
    Message,
    OtherVersion,
    Question,
    Refusal,
    Screen,
    Shown,
    decoded,
    encoded,
)
from apps.api.commands.halt import HaltTrading
from apps.api.commands.resume import ResumeTrading
from apps.api.config import Settings
from apps.api.outcomes import ExitCode
from apps.api.replies import Reply
from apps.api.session import Command
from apps.api.state import EMBEDDED, Holder, running_desk, state_root
from apps.domain.errors import DeskError, NotConnected, Refused
from apps.domain.trading_state import TradingState

__all__ = ["Asking", "done_beside"]

T = TypeVar("T")

_ANSWERS_WITHIN_S = 10.0
_HALTS_WITHIN_S = 3.0
"""How long the desk's greeting is waited for; for a halt there is another way."""

_CHUNK_BYTES = 65_536

_WIDEST = 10_000

_VARIABLES = ("TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")
"""What says how a terminal shows colours; nothing else of the environment is sent."""

Answering = Callable[[str], Awaitable[str]]
"""Asks whoever sits at the terminal, as `Console.answer` does."""


class _NotBegun(DeskError):
    """The desk that runs did not begin the command."""


@dataclass(frozen=True, slots=True)
class Asking:
    """A single command as it was given. ``words`` are its own, after the settings."""

    command: Command
    words: Sequence[str]
    confirm_live: str
    interactive: bool


async def done_beside(asking: Asking, settings: Settings, answering: Answering) -> Reply | None:
    """Have the desk that runs do it, and write what it shows; None where none runs or listens.

    A reply with a value is yet to be shown. Raises DeskError for what the desk that runs refuses,
    or did not do to its end, and Interrupted.
    """
    found = _running(asking.command, settings)
    if found is None:
        return None
    folder, holder = found
    try:
        return Reply(exit_code=await _talk(asking, settings, holder.socket, answering))
    except _NotBegun as error:
        return await _otherwise(asking.command, folder, holder, error)


def _running(command: Command, settings: Settings) -> tuple[Path, Holder] | None:
    account = EMBEDDED if settings.embedded else settings.ib_account
    root, mode = state_root(settings.desk_home), settings.trading_mode
    found = running_desk(root, mode=mode, account=account, endpoint=settings.endpoint)
    if found is None and not account and isinstance(command, HaltTrading):
        # rather the one desk that there is than none
        found = running_desk(root, mode=mode, account=account)
    return found


async def _otherwise(
    command: Command, folder: Path, holder: Holder, error: _NotBegun
) -> Reply | None:
    """Do without the socket what can be done without; None for what the lock says better."""
    if isinstance(command, HaltTrading):
        from apps.api.beside.kill_file import halted_by_file  # noqa: PLC0415 - seldom needed

        to = TradingState.REDUCING if command.reduce else TradingState.HALTED
        return await halted_by_file(folder, holder, to, flatten=command.flatten)
    if holder.socket:
        raise NotConnected(
            f"The desk that runs ({holder}) did not take the command: {error.message} Nothing was "
            "done."
        )
    if isinstance(command, ResumeTrading):
        raise Refused(
            f"A desk runs in {folder} ({holder}) and does not listen, so only there trading can go "
            "on: type `resume` at its prompt. Nothing was changed."
        )
    return None


async def _talk(asking: Asking, settings: Settings, where: str, answering: Answering) -> ExitCode:
    if not (CAN_LISTEN and where):
        raise _NotBegun("it does not listen.")
    is_halt = isinstance(asking.command, HaltTrading)
    limit_s = _HALTS_WITHIN_S if is_halt else _ANSWERS_WITHIN_S
    asked = Asked(
        VERSION,
        tuple(_sendable(word) for word in asking.words),
        _screen(interactive=asking.interactive),
        given_by(settings, by_hand_alone=is_halt),
        asking.confirm_live,
    )
    async with _Line.to(where, limit_s) as line:
        await line.begin(asked, limit_s)
        return await line.follow(answering)


class _Line:
    """The caller's end of one conversation."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._lines = Lines()
        self._heard: list[bytes] = []

    @classmethod
    @asynccontextmanager
    async def to(cls, where: str, limit_s: float) -> AsyncIterator[_Line]:
        """Connect; hang up at the end, which leaves the command where it was not done."""
        try:
            async with asyncio.timeout(limit_s):
                reader, writer = await asyncio.open_unix_connection(where)
        except (OSError, TimeoutError) as error:
            raise _NotBegun(f"nobody is at {where} ({type(error).__name__}).") from error
        try:
            _check_owner(writer)
            yield cls(reader, writer)
        except Garbled as error:
            raise NotConnected(
                f"What the desk that runs said is not understood ({error}). Whether the command "
                "was done is not known: look at `orders`."
            ) from error
        finally:
            writer.transport.abort()

    async def begin(self, asked: Asked, limit_s: float) -> None:
        """Be greeted, ask, and hear that it has begun. Raises _NotBegun and DeskError."""
        try:
            async with asyncio.timeout(limit_s):
                await self._expect(Greeting)
                self._send(asked)
                await self._expect(Begun)
        except TimeoutError:
            raise _NotBegun(f"not a word within {limit_s:g} s.") from None
        except OtherVersion as error:
            raise _NotBegun(f"{error}. Quit it, and start it anew.") from None
        except Garbled as error:
            raise _NotBegun(f"{error}.") from None

    async def follow(self, answering: Answering) -> ExitCode:
        """Write and answer until the command is done; give its exit code. Raises DeskError."""
        while True:
            match await self._next():
                case Shown(text, to_stderr):
                    _write(sys.stderr if to_stderr else sys.stdout, text)
                case Question(prompt):
                    await self._answer(prompt, answering)
                case Done(exit_code):
                    return exit_code
                case Refusal(reason):
                    raise NotConnected(reason)
                case other:
                    raise Garbled(f"{type(other).__name__.lower()} while a command is done")

    async def _answer(self, prompt: str, answering: Answering) -> None:
        """Ask here; the desk may have more to say before there is an answer, and then it is off."""
        asking = asyncio.ensure_future(answering(prompt))
        hearing = asyncio.ensure_future(self._fill())
        try:
            await asyncio.wait({asking, hearing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (asking, hearing):
                task.cancel()
            await asyncio.wait({asking, hearing})
        if not hearing.cancelled() and (error := hearing.exception()) is not None:
            raise error
        if asking.cancelled():
            return
        try:
            self._send(Answer(_sendable(asking.result())))
        except EOFError:
            self._send(Answer("", is_end=True))

    async def _expect(self, wanted: type[Message]) -> None:
        message = await self._next()
        if isinstance(message, Refusal):
            raise _NotBegun(message.reason)
        if not isinstance(message, wanted):
            raise Garbled(f"{type(message).__name__.lower()} instead of {wanted.__name__.lower()}")

    async def _next(self) -> Message:
        while not self._heard:
            await self._fill()
        # read one by one: what comes before a line that is garbled counts
        return decoded(self._heard.pop(0))

    async def _fill(self) -> None:
        """Hear more. Raises NotConnected at the end."""
        try:
            chunk = await self._reader.read(_CHUNK_BYTES)
        except OSError:
            chunk = b""
        if not chunk:
            raise NotConnected(
                "The desk that ran has ended before the command was done. What was sent stays; "
                "look at `orders` at its next start."
            )
        self._heard += self._lines.feed(chunk)

    def _send(self, message: Message) -> None:
        self._writer.write(encoded(message))


def _check_owner(writer: asyncio.StreamWriter) -> None:
    try:
        peer_of(writer.get_extra_info("socket"))
    except DeskError as error:
        raise _NotBegun(error.message) from error


def _screen(*, interactive: bool) -> Screen:
    columns, lines = _size()
    return Screen(
        columns=columns,
        lines=lines,
        out_is_terminal=_is_terminal(sys.stdout),
        err_is_terminal=_is_terminal(sys.stderr),
        interactive=interactive,
        out_encoding=sys.stdout.encoding,
        err_encoding=sys.stderr.encoding,
        variables={name: os.environ[name] for name in _VARIABLES if name in os.environ},
    )


def _size() -> tuple[int, int]:
    """Give columns and lines, by the rules of rich, which would ask if it were here."""
    columns, lines = 80, 25
    for fd in range(3):
        with suppress(OSError):
            columns, lines = os.get_terminal_size(fd)
            break
    said = os.environ.get("COLUMNS", ""), os.environ.get("LINES", "")
    if said[0].isdecimal():
        columns = int(said[0])
    if said[1].isdecimal():
        lines = int(said[1])
    return min(columns, _WIDEST) or 80, min(lines, _WIDEST) or 25


def _is_terminal(stream: TextIO) -> bool:
    return stream.isatty()


def _sendable(word: str) -> str:
    """Give ``word`` as Unicode: bytes of the command line that are none become question marks."""
    return word.encode("utf-8", "replace").decode()


def _write(stream: TextIO, text: str) -> None:
    stream.write(text)
    stream.flush()
