"""Servers that run as modules: they say their port on stdout, and end with their stdin."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from benchmarks.figures import BenchmarkFailed

__all__ = ["Served", "served"]


@dataclass(frozen=True, slots=True)
class Served:
    """Where a server listens, and its process."""

    port: int
    pid: int


@asynccontextmanager
async def served(module: str, *words: str) -> AsyncIterator[Served]:
    """Run a module that says its port, until the block ends."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module),
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    if process.stdin is None or process.stdout is None:
        raise BenchmarkFailed(f"{module} has no pipes")
    try:
        yield Served(int(await process.stdout.readline()), process.pid)
    finally:
        process.stdin.close()
        await process.wait()
