"""Programs that a test starts, and that never outlive it, however it ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

__all__ = ["ROOT", "ended_with_the_test", "paper_gateway"]

ROOT = Path(__file__).parents[2]

# the kernel ends it with the one who started it: nobody cleans up behind a test run that was killed
_TIED = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
os.execv(sys.executable, [sys.executable, "-m", *sys.argv[1:]])
"""


@contextmanager
def paper_gateway(*words: str) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, str]]]:
    """A gateway as a program of its own, told ``words``, and the settings that lead to it."""
    process = subprocess.Popen(
        [sys.executable, "-c", _TIED, "apps.paper", "--port", "0", *words],
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    with ended_with_the_test(process):
        assert process.stdout is not None
        port = process.stdout.readline().decode().strip().rpartition(":")[2]
        yield process, {"IB_HOST": "127.0.0.1", "IB_PORT": port}


@contextmanager
def ended_with_the_test(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Kill what still runs, and close every pipe to it."""
    try:
        yield
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None and not pipe.closed:
                _close(pipe)


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except BrokenPipeError:
        return  # what was still to be written has nobody to go to
