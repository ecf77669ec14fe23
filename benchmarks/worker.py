"""Other processes of a benchmark: started as modules, asked by lines of JSON, answered likewise."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from benchmarks.figures import BenchmarkFailed

__all__ = ["Worker", "serve"]

_ANSWER_S = 45.0
_GOODBYE_S = 8.0
_LONGEST_LINE = 1 << 24

Answer = dict[str, Any]
Handler = Callable[..., Awaitable[Answer]]


class Worker:
    """A process that answers requests, one at a time."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self._name = name
        self._process = process
        self._one_at_a_time = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def start(
        cls,
        module: str,
        *words: str,
        environment: Mapping[str, str] | None = None,
        errors: Path | None = None,
    ) -> AsyncIterator[Worker]:
        """Run ``python -m module words…`` until the block ends; it is ready when this yields.

        Its stderr is ours, or is added to the file ``errors``.
        """
        with ExitStack() as stack:
            stderr = None if errors is None else stack.enter_context(errors.open("ab"))
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                module,
                *words,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=stderr,
                limit=_LONGEST_LINE,
                env={**os.environ, **(environment or {})},
            )
        worker = cls(module, process)
        try:
            await worker._answer()
            yield worker
        finally:
            await worker._end()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    async def ask(self, request: str, **values: object) -> Answer:
        """Ask for something and give the answer. Raises BenchmarkFailed with the worker's words."""
        if self._process.stdin is None:
            raise BenchmarkFailed(f"{self._name} has no stdin")
        line = json.dumps({"request": request, **values})
        async with self._one_at_a_time:
            self._process.stdin.write(line.encode() + b"\n")
            await self._process.stdin.drain()
            return await self._answer()

    async def _answer(self) -> Answer:
        if self._process.stdout is None:
            raise BenchmarkFailed(f"{self._name} has no stdout")
        try:
            async with asyncio.timeout(_ANSWER_S):
                line = await self._process.stdout.readline()
        except TimeoutError:
            raise BenchmarkFailed(f"{self._name} gave no answer in {_ANSWER_S:g} s") from None
        if not line:
            raise BenchmarkFailed(f"{self._name} has ended; stderr has its last words")
        answer: Answer = json.loads(line)
        if "failure" in answer:
            raise BenchmarkFailed(f"{self._name}: {answer['failure']}")
        return answer

    async def _end(self) -> None:
        """Close its stdin, which ends it; end it the hard way when it does not heed that."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(_GOODBYE_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


async def serve(handlers: Mapping[str, Handler]) -> None:
    """Say that we are ready, then answer each line of stdin, until it ends."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    _reply({"ready": True})
    while line := await reader.readline():
        request = json.loads(line)
        handler = handlers[request.pop("request")]
        try:
            _reply(await handler(**request))
        except Exception as error:  # noqa: BLE001 - whoever asked is told, whatever it was
            _reply({"failure": f"{type(error).__name__}: {error}"})


def _reply(answer: Answer) -> None:
    print(json.dumps(answer), flush=True)
