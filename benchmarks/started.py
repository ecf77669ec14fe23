"""One start of a program: how long it took, and what it imported when."""

from __future__ import annotations

import os
import select
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO

from benchmarks.figures import BenchmarkFailed

__all__ = ["IMPORT_TIMES", "Import", "Started", "start", "start_at_terminal"]

IMPORT_TIMES = "-Ximporttime"
_HEAD = "import time:"
_PATIENCE_S = 20.0
_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Import:
    """One module: when its import was over (seconds of the epoch), and what it alone took."""

    module: str
    self_s: float
    at: float


@dataclass(frozen=True, slots=True)
class Started:
    """A start: what it took, and when its goal was reached (seconds of the epoch, or None)."""

    took_s: float
    reached_at: float | None = None
    imports: tuple[Import, ...] = ()


def start(words: Sequence[str], environment: Mapping[str, str]) -> Started:
    """Run a program to its end. Raises BenchmarkFailed when it ends badly."""
    began_s = time.perf_counter()
    with _running(words, environment, subprocess.DEVNULL, subprocess.DEVNULL) as running:
        running.wait()
        took_s = time.perf_counter() - began_s
    return Started(took_s, None, running.imports())


def start_at_terminal(
    words: Sequence[str], environment: Mapping[str, str], *, until: bytes, then: bytes
) -> Started:
    """Run a program in a pseudo-terminal until it shows ``until``, then type ``then``.

    Raises BenchmarkFailed when it does not show it, or ends badly.
    """
    own_side, its_side = os.openpty()
    try:
        began_s = time.perf_counter()
        with _running(words, environment, its_side, its_side) as running:
            _read_until(own_side, until)
            took_s, reached_at = time.perf_counter() - began_s, time.time()
            os.write(own_side, then)
            _read_to_the_end(own_side, running.process)
            running.wait()
        return Started(took_s, reached_at, running.imports())
    finally:
        os.close(own_side)
        os.close(its_side)


@dataclass(slots=True)
class _Running:
    process: subprocess.Popen[bytes]
    said: list[tuple[float, str]] = field(default_factory=list)

    def listen(self, stderr: IO[bytes]) -> None:
        """Keep each line of stderr with the moment at which it came."""
        for line in stderr:
            self.said.append((time.time(), line.decode(errors="replace").rstrip()))

    def wait(self) -> None:
        code = self.process.wait(_PATIENCE_S)
        if code:
            last = self.said[-1][1] if self.said else ""
            raise BenchmarkFailed(f"{self.process.args!r} ended with {code}: {last}")

    def imports(self) -> tuple[Import, ...]:
        """Read ``import time: SELF | CUMULATIVE | MODULE`` (in microseconds)."""
        rows = [
            (at, line.removeprefix(_HEAD).split("|"))
            for at, line in self.said
            if line.startswith(_HEAD) and "cumulative" not in line
        ]
        return tuple(Import(row[2].strip(), int(row[0]) / 1e6, at) for at, row in rows)


@contextmanager
def _running(
    words: Sequence[str], environment: Mapping[str, str], stdin: int, stdout: int
) -> Iterator[_Running]:
    process = subprocess.Popen(
        words, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, env=environment
    )
    running = _Running(process)
    if process.stderr is None:
        raise BenchmarkFailed("the program has no stderr")
    listener = threading.Thread(target=running.listen, args=(process.stderr,), daemon=True)
    listener.start()
    try:
        yield running
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        listener.join(_PATIENCE_S)
        process.stderr.close()


def _read_until(terminal: int, goal: bytes) -> None:
    seen, give_up_s = b"", time.monotonic() + _PATIENCE_S
    while goal not in seen:
        ready, _, _ = select.select([terminal], [], [], max(0.0, give_up_s - time.monotonic()))
        if not ready:
            raise BenchmarkFailed(f"{goal!r} was not shown within {_PATIENCE_S:g} s: {seen!r}")
        seen += os.read(terminal, _CHUNK)


def _read_to_the_end(terminal: int, process: subprocess.Popen[bytes]) -> None:
    """Take what it still shows: a full terminal would keep it from ending."""
    with suppress(OSError):  # its side may be closed by then
        while process.poll() is None:
            if select.select([terminal], [], [], 0.02)[0]:
                os.read(terminal, _CHUNK)
