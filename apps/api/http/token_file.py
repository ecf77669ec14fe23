"""The token that lets somebody in: a file of its user's alone, made when there is none.

Whoever can read it can do what the desk can do. So one that others could have read is refused, with
what to do about it.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
import sys
from pathlib import Path

from apps.domain.errors import BadSetting

__all__ = ["TOKEN_NAME", "token_in"]

TOKEN_NAME = "http.token"  # noqa: S105 - the name of a file

_BYTES = 32
_SHORTEST = 32
_LONGEST = 512

_TOKEN = re.compile(rf"[!-~]{{{_SHORTEST},{_LONGEST}}}")


def token_in(folder: Path) -> str:
    """Give the token of ``folder``, which is held; made if there was none.

    Raises BadSetting for a file that others may read or write, that is of another user, or that
    holds no token.
    """
    path = folder / TOKEN_NAME
    try:
        if not os.path.lexists(path):
            _make(path)
        return _read(path)
    except OSError as error:
        raise BadSetting(
            f"The token {path} cannot be used: {error.strerror}. Remove it; the next start makes "
            "a new one."
        ) from error


def _make(path: Path) -> None:
    """Write a new token all at once: a start that is cut off leaves none, and no half of one."""
    half = path.with_name(f"{path.name}.new")
    half.unlink(missing_ok=True)
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{secrets.token_urlsafe(_BYTES)}\n")
    half.replace(path)


def _read(path: Path) -> str:
    # a link could lead to a file that somebody else writes
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    try:
        _check_owned(path, os.fstat(descriptor))
        written = os.read(descriptor, _LONGEST + 1)
    finally:
        os.close(descriptor)
    token = written.decode("latin-1").strip()
    if not _TOKEN.fullmatch(token):
        raise BadSetting(
            f"The token {path} is not one: it may hold {_SHORTEST} to {_LONGEST} letters and "
            "digits. Remove it; the next start makes a new one."
        )
    return token


def _check_owned(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise BadSetting(f"The token {path} is not a file. Remove it.")
    if sys.platform == "win32":
        return  # there the folder's own access list holds
    if found.st_uid != os.geteuid():
        raise BadSetting(
            f"The token {path} is of another user ({found.st_uid}). Remove it; the next start "
            "makes a new one."
        )
    if found.st_mode & 0o077:
        mode = stat.S_IMODE(found.st_mode)
        raise BadSetting(
            f"The token {path} may be read or written by others (mode {mode:04o}). Remove it, so "
            "that the next start makes a new one; or, if nobody has read it, `chmod 600` it."
        )
