"""The lock by which one gateway at a time has a state file.

It belongs to the operating system and ends with the process that holds it, however that ends. It
is taken on a file beside the state, for SQLite's own locks are given back as soon as anything in
the process closes the database; that file stays, and tells the next one who has it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from apps.paper.state.errors import StateInUse, StateRefused

__all__ = ["held"]

_LOCKED_BYTE = 1 << 30
"""On Windows a locked byte cannot be read, so one far behind the text is taken."""


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the state file ``path`` for this process while the block runs.

    Raises StateInUse, which names the process that has it, and StateRefused where no file can be
    made.
    """
    beside = path.with_name(path.name + ".lock")
    try:
        lock = beside.open("a+", encoding="utf-8")
    except OSError as error:
        raise StateRefused(
            f"The state file {path} cannot be kept: {error.strerror}. Choose a place that can be "
            "written to."
        ) from error
    with lock:
        if not _try_lock(lock):
            raise StateInUse(
                f"The state file {path} is in use by another gateway (process {_holder(lock)}): "
                "stop it first, or give this one a file of its own."
            )
        lock.seek(0)
        lock.truncate()
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def _holder(lock: IO[str]) -> str:
    lock.seek(0)
    return lock.readline().strip() or "unknown"


if sys.platform == "win32":
    import msvcrt

    def _try_lock(lock: IO[str]) -> bool:
        lock.seek(_LOCKED_BYTE)
        try:
            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(lock: IO[str]) -> bool:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
