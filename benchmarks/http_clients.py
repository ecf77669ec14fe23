"""Callers of a desk over HTTP, in a process of their own: each a connection that is kept.

They read what matters of an answer and nothing more, so that what is measured is the desk.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from time import perf_counter

from benchmarks.worker import Answer, serve

__all__ = ["main"]

PATHS = (
    "/summary",
    "/account",
    "/positions",
    "/orders",
    "/watchers",
    "/quotes/AAPL",
    "/ready",
    "/health",
    "/journal?last=5",
    "/close-all",
)
"""What a crowd asks for, in equal parts. `/close-all` is its dry run."""


class Caller:
    """One connection."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._token = token

    @classmethod
    async def to(cls, port: int, token: str) -> Caller:
        """Connect."""
        return cls(*await asyncio.open_connection("127.0.0.1", port), token)

    async def get(self, path: str) -> int:
        """Ask for ``path``; give the status, with all of the answer read."""
        head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self._token}"
        self._writer.write(f"{head}\r\n\r\n".encode())
        answer = await self._reader.readuntil(b"\r\n\r\n")
        lines = answer.lower().split(b"\r\n")
        length = next(each for each in lines if each.startswith(b"content-length:"))
        await self._reader.readexactly(int(length.partition(b":")[2]))
        return int(lines[0].split()[1])

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


async def one_by_one(port: int, token: str, path: str, times: int) -> Answer:
    """Ask for one thing, one time after the other."""
    caller = await Caller.to(port, token)
    took_ms = []
    for _ in range(times):
        began_s = perf_counter()
        status = await caller.get(path)
        took_ms.append((perf_counter() - began_s) * 1000)
        if status != 200:
            raise RuntimeError(f"{path} was answered by {status}")
    caller.close()
    return {"took_ms": took_ms}


async def crowd(port: int, token: str, callers: int, requests: int, seed: int) -> Answer:
    """Ask from so many connections at the same time, each so often."""
    statuses: Counter[str] = Counter()
    took_ms: list[float] = []

    async def calls(number: int) -> None:
        chance = random.Random(seed * 1000 + number)  # noqa: S311 - the same each time
        caller = await Caller.to(port, token)
        for _ in range(requests):
            began_s = perf_counter()
            statuses[str(await caller.get(chance.choice(PATHS)))] += 1
            took_ms.append((perf_counter() - began_s) * 1000)
        caller.close()

    async with asyncio.TaskGroup() as group:
        for number in range(callers):
            group.create_task(calls(number))
    return {"statuses": statuses, "took_ms": took_ms}


async def main() -> None:
    """Answer until stdin ends."""
    await serve({"one_by_one": one_by_one, "crowd": crowd})


if __name__ == "__main__":
    asyncio.run(main())
