"""The configured command as a process: started through the relay, heard of, left running."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from apps.api.gateway import relay
from apps.domain.errors import BadSetting

__all__ = ["GatewayCommand", "without_secrets"]

_LOG_NAME = "gateway.log"
_LAST_LINES = 12
_TAIL_BYTES = 8_192
_START_S = 10.0

_HIDDEN = "•••"
_SECRET = re.compile(r"pass|pw|secret|token|user|login", re.IGNORECASE)


@dataclass(slots=True)
class GatewayCommand:
    """A command that runs, its output in ``log``; ``process`` is its number, 0 if it never began.

    What it wrote is given without the secrets of its own command line.
    """

    words: tuple[str, ...]
    log: Path
    process: int
    _relay: asyncio.subprocess.Process

    @classmethod
    @asynccontextmanager
    async def started(cls, words: tuple[str, ...], folder: Path) -> AsyncIterator[GatewayCommand]:
        """Start ``words``; at the end of the block the command is no longer watched, and goes on.

        The log of the last time is kept beside the new one. Raises BadSetting where there is no
        place for the log.
        """
        log = _new_log(folder)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            str(Path(relay.__file__)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            number = await _begun(process, {"command": words, "log": str(log)})
            yield cls(words, log, number, process)
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs."""
        return self._relay.returncode

    async def ended(self) -> int:
        """Wait for its end; give the exit code."""
        return await self._relay.wait()

    def last_lines(self) -> str:
        """Give the last lines that it wrote."""
        try:
            with self.log.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - _TAIL_BYTES))
                text = file.read().decode("utf-8", errors="replace")
        except OSError:
            return ""
        lines = [line.rstrip() for line in text.splitlines() if line.strip()]
        return without_secrets("\n".join(lines[-_LAST_LINES:]), self.words)


async def _begun(process: asyncio.subprocess.Process, asked: dict[str, object]) -> int:
    """Tell the relay what to start; give the number of the process, 0 where there is none."""
    if process.stdin is None or process.stdout is None:
        return 0
    with suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(_START_S):
            process.stdin.write(json.dumps(asked).encode() + b"\n")
            await process.stdin.drain()
            return int(await process.stdout.readline() or 0)
    return 0


def _new_log(folder: Path) -> Path:
    log = folder / _LOG_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if log.exists():
            log.replace(log.with_name(f"{_LOG_NAME}.1"))
        log.touch(mode=0o600)
    except OSError as error:
        raise BadSetting(
            f"The gateway's log {log} cannot be written: {error.strerror}. "
            "DESK_HOME may hold a folder that can be written to."
        ) from error
    return log


def without_secrets(text: str, words: Sequence[str]) -> str:
    """Hide in ``text`` what looks like a secret among the words of a command.

    >>> without_secrets("login with hunter2", ["run", "-e", "TWS_PASSWORD=hunter2"])
    'login with •••'
    """
    before = ""
    for word in words:
        name, is_pair, value = word.partition("=")
        if not is_pair:
            name, value = before, word
        if _SECRET.search(name) and value and not value.startswith("-"):
            text = text.replace(value, _HIDDEN)
        before = word
    return text
