"""Where the desk keeps what outlives it, and the lock that lets one desk at a time in.

One root per user, below it one folder per mode and account. The lock belongs to the operating
system (it ends with the process that holds it, however that ends); the file beside it only tells
the next one who has it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from apps.domain.errors import BadSetting, DeskError

__all__ = ["FolderInUse", "account_folder", "hold", "state_root"]

LOCK_NAME = "desk.lock"

_LOCKED_BYTE = 1 << 30
"""On Windows a locked byte cannot be read, so one far behind the text is taken."""


class FolderInUse(DeskError):
    """Another desk works on the same state folder."""


def state_root(desk_home: str = "") -> Path:
    """Give the folder below which all state lives; ``desk_home`` empty is the user's default."""
    if desk_home:
        return Path(desk_home).expanduser().absolute()
    from platformdirs import user_state_path  # noqa: PLC0415 - kept out of --help

    return user_state_path("breakout-desk", appauthor=False)


def account_folder(root: Path, *, mode: str, account: str) -> Path:
    """Give the folder of one account in one mode, made if it was not there.

    Raises BadSetting when it cannot be made.
    """
    folder = root / f"{mode}-{account}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise BadSetting(
            f"The state folder {folder} cannot be made: {error.strerror}. "
            "DESK_HOME may hold a folder that can be written to."
        ) from error
    return folder


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Hold ``folder`` for this process while the block runs.

    Raises FolderInUse, which names the process that has it and since when.
    """
    path = folder / LOCK_NAME
    try:
        lock = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise BadSetting(
            f"The state folder {folder} cannot be written to: {error.strerror}. "
            "DESK_HOME may hold a folder that can."
        ) from error
    with lock:
        if not _try_lock(lock):
            raise FolderInUse(_held_by(lock, path))
        lock.seek(0)
        lock.truncate()
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
        # closing the file gives the lock back; the file stays, for removing it would let
        # a third desk lock a new file while a second one waits on the old


def _held_by(lock: IO[str], path: Path) -> str:
    lock.seek(0)
    pid = lock.readline().strip() or "unknown"
    since = datetime.fromtimestamp(os.fstat(lock.fileno()).st_mtime, UTC)
    return (
        f"Another desk (process {pid}, since {since:%Y-%m-%d %H:%M:%S} UTC) works in "
        f"{path.parent}. Quit it first, or give this one its own DESK_HOME."
    )


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
