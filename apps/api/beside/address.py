"""Where a desk's socket is, who may come to it, and that no stale one is left.

It lies in the folder that the desk holds, open to its owner alone. A path of a socket is bounded by
the system (108 bytes on Linux, with its end); where the folder's is longer, the socket lies in a
folder of the user's for such things, and the lock file names it in any case. Windows has none that
an event loop could serve.
"""

from __future__ import annotations

import hashlib
import os
import socket
import stat
import struct
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from apps.domain.errors import DeskError

__all__ = ["CAN_LISTEN", "bound", "peer_of", "socket_path"]

CAN_LISTEN = sys.platform != "win32" and hasattr(socket, "AF_UNIX")

_NAME = "desk.sock"

_LONGEST_PATH_BYTES = 107 if sys.platform == "linux" else 103

_BACKLOG = 16

_UCRED = struct.Struct("3i")
"""The process, the user and the group of the other end, as Linux has them."""


@contextmanager
def bound(folder: Path) -> Iterator[tuple[socket.socket, Path]]:
    """Give a socket that listens, and its path; both are gone at the end.

    ``folder`` is held: a socket that is there was left by a desk that was killed. Raises DeskError
    where there can be none.
    """
    try:
        folder.chmod(0o700)
        path = socket_path(folder)
        _sweep(path)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    except OSError as error:
        raise DeskError(f"No socket can be made in {folder}: {error}.") from error
    with listening:
        try:
            listening.bind(os.fspath(path))
            # nobody can connect before `listen`, so nobody comes while others still might
            path.chmod(0o600)
            listening.listen(_BACKLOG)
            listening.setblocking(False)
        except OSError as error:
            raise DeskError(f"The socket {path} cannot be opened: {error}.") from error
        try:
            yield listening, path
        finally:
            path.unlink(missing_ok=True)


def socket_path(folder: Path) -> Path:
    """Give where the socket of the desk in ``folder`` lies, its folder made if need be.

    Raises DeskError where no path is short enough, or the folder is not the user's own.
    """
    path = folder / _NAME
    if _fits(path):
        return path
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    path = _runtime_folder() / f"{name}.sock"
    if not _fits(path):
        raise DeskError(
            f"The path {path} is too long for a socket. Set XDG_RUNTIME_DIR or TMPDIR to a "
            "shorter one, or give DESK_HOME a folder with a shorter path."
        )
    return path


def peer_of(connection: socket.socket) -> int | None:
    """Give the number of the process at the other end; None where the system cannot tell.

    Raises DeskError for one of another user's.
    """
    if sys.platform != "linux":
        return None
    cells = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    process, user, _ = _UCRED.unpack(cells)
    if user != os.geteuid():
        raise DeskError(f"The other end of the socket is of another user ({user}).")
    return int(process)


def _fits(path: Path) -> bool:
    return len(os.fsencode(path)) <= _LONGEST_PATH_BYTES


def _runtime_folder() -> Path:
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    # a relative one is to be ignored, says the specification
    own = Path(given) if given.startswith("/") else Path(tempfile.gettempdir())
    folder = own / (f"breakout-desk-{os.geteuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    # in a folder that everybody writes to, somebody else may have made it first
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise DeskError(f"{folder} is not a folder of this user's alone. Remove it.")
    return folder


def _sweep(path: Path) -> None:
    """Remove the socket that a killed desk left; what is no socket stays, and is in the way."""
    try:
        is_socket = stat.S_ISSOCK(path.lstat().st_mode)
    except FileNotFoundError:
        return
    if is_socket:
        path.unlink()
