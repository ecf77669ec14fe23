"""The paper gateway as a process of its own, on a free loopback port."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Address", "World", "gateway"]

_START_S = 20.0
_STOP_S = 5.0


@dataclass(frozen=True, slots=True)
class Address:
    """Where a gateway listens."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class World:
    """Which market a check wants: when it begins (ISO 8601), how fast, and other options.

    Without a beginning it goes on where its state file stopped.
    """

    start: str
    speed: float
    options: tuple[str, ...] = ()

    def arguments(self) -> tuple[str, ...]:
        """Give the command line of ``python -m apps.paper`` for it."""
        start = ("--start", self.start) if self.start else ()
        return ("--port", "0", "--seed", "7", "--speed", f"{self.speed:g}", *start, *self.options)


@asynccontextmanager
async def gateway(python: str, world: World) -> AsyncIterator[Address]:
    """Serve ``world`` until the block ends; ``python`` is the interpreter that has the project.

    Raises RuntimeError when it does not come up, or complained on stderr while it ran.
    """
    process = await asyncio.create_subprocess_exec(
        python,
        *("-m", "apps.paper", *world.arguments()),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    try:
        yield await _address(process)
    finally:
        complaint = await _stop(process)
    if complaint:
        raise RuntimeError(f"the gateway complained:\n{complaint}")


async def _address(process: asyncio.subprocess.Process) -> Address:
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), _START_S)).decode()
    found = re.fullmatch(r"paper gateway listening on (\S+):(\d+)\n", line)
    if found is None:
        raise RuntimeError(f"the gateway did not come up: {line}{await _stop(process)}")
    return Address(found[1], int(found[2]))


async def _stop(process: asyncio.subprocess.Process) -> str:
    """Ask it to stop, see that it does, and give what it had to say."""
    if process.returncode is None:
        process.terminate()
    try:
        _, complaint = await asyncio.wait_for(process.communicate(), _STOP_S)
    except TimeoutError:
        process.kill()
        await process.wait()
        return "it did not stop when asked to"
    return complaint.decode()
