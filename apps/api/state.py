"""Where the desk keeps what outlives it, and the lock that lets one desk at a time in.

One root per user, below it one folder per mode and account. The lock belongs to the operating
system (it ends with the process that holds it, however that ends); the file beside it only tells
the next one who has it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from apps.domain.errors import BadSetting, DeskError, InvalidInput, RiskRefused

__all__ = [
    "EMBEDDED",
    "JOURNAL_NAME",
    "FolderInUse",
    "Holder",
    "account_folder",
    "announce",
    "check_same_account",
    "hold",
    "hold_link",
    "holder_of",
    "journal_of",
    "link_holder",
    "running_desk",
    "state_root",
]

EMBEDDED = "embedded"
"""What the embedded gateway's folder is named for: its account is the same for everybody."""

LOCK_NAME = "desk.lock"
JOURNAL_NAME = "journal.sqlite"

_WAYS_OUT = "give the command there, quit it first, or give this one its own"

_LOCKED_BYTE = 1 << 30
"""On Windows a locked byte cannot be read, so one far behind the text is taken."""


class FolderInUse(DeskError):
    """Another desk works on the same state folder, or over the same link."""


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


def journal_of(root: Path, *, mode: str, account: str) -> Path:
    """Give where the journal of ``account`` is; of the only account that has one for an empty name.

    Raises InvalidInput where several have one. There may be none at the path that is given.
    """
    if account:
        return root / f"{mode}-{account}" / JOURNAL_NAME
    kept = sorted(
        path
        for path in root.glob(f"{mode}-*/{JOURNAL_NAME}")
        if path.parent.name != f"{mode}-{EMBEDDED}"
    )
    if len(kept) > 1:
        names = ", ".join(path.parent.name.removeprefix(f"{mode}-") for path in kept)
        raise InvalidInput(f"Several accounts have a journal: {names}. Set IB_ACCOUNT to one.")
    return kept[0] if kept else root / JOURNAL_NAME


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a folder: the number of its process as text, and since when (aware UTC).

    ``socket`` is where it listens to commands, empty for nowhere; ``endpoint`` whom it talks to,
    empty for the embedded gateway, None where that is not said.
    """

    process: str
    since: datetime
    socket: str = ""
    endpoint: str | None = None

    def __str__(self) -> str:
        return f"process {self.process}, since {self.since:%Y-%m-%d %H:%M:%S} UTC"


def holder_of(folder: Path) -> Holder | None:
    """Tell which desk works in ``folder``, if one does."""
    return _holder_by(folder / LOCK_NAME)


def _holder_by(path: Path) -> Holder | None:
    try:
        lock = path.open("r+", encoding="utf-8")
    except OSError:
        return None
    with lock:
        return None if _try_lock(lock) else _read_holder(lock)


def link_holder(root: Path, host: str, port: int, client_id: int) -> Holder | None:
    """Tell which desk of this user has a client id at a gateway, if one does."""
    return _holder_by(_link_lock(root, host, port, client_id))


def running_desk(
    root: Path, *, mode: str, account: str, endpoint: str | None = None
) -> tuple[Path, Holder] | None:
    """Give the folder that a desk works in, and who that is; None where none runs.

    An empty ``account`` is the only one that has a desk, of those that talk to ``endpoint``, or do
    not say to whom, where that is given. Raises InvalidInput where several have.
    """
    folders = [root / f"{mode}-{account}"] if account else sorted(root.glob(f"{mode}-*"))
    found = [
        (folder, holder)
        for folder in folders
        if (account or folder.name != f"{mode}-{EMBEDDED}")
        and (holder := holder_of(folder)) is not None
        and (account or endpoint is None or holder.endpoint in (None, endpoint))
    ]
    if len(found) > 1:
        names = ", ".join(folder.name.removeprefix(f"{mode}-") for folder, _ in found)
        raise InvalidInput(f"Several accounts have a desk that runs: {names}. Set IB_ACCOUNT.")
    return found[0] if found else None


def check_same_account(root: Path, settings_name: str, account: str, *, chosen: bool) -> None:
    """Refuse an account that is not the one of the last run; ``chosen`` was said on purpose.

    ``settings_name`` says of which mode and endpoint. Raises RiskRefused, and BadSetting where it
    cannot be written down.
    """
    path = root / f"{_file_name(settings_name)}.account"
    try:
        before = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        before = ""
    if before and before != account and not chosen:
        raise RiskRefused(
            f"The account was {before} at the last run and is {account} now: nothing was traded. "
            f"Set IB_ACCOUNT={account} if that is meant; otherwise log in to the other one."
        )
    try:
        path.write_text(f"{account}\n", encoding="utf-8")
    except OSError as error:
        raise _not_writable(root, error) from error


def _file_name(text: str) -> str:
    return "".join(each if each.isalnum() or each in ".-" else "_" for each in text)


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Hold ``folder`` for this process while the block runs.

    Raises FolderInUse, which names the process that has it and since when.
    """
    with _locked(folder / LOCK_NAME, f"works in {folder}", "DESK_HOME"):
        yield


def announce(folder: Path, *, socket: Path, endpoint: str) -> None:
    """Say in the lock file of ``folder``, which this process holds, where it listens."""
    path = folder / LOCK_NAME
    # since when it is held is when the file was written
    held = path.stat()
    with path.open("a", encoding="utf-8") as lock:
        lock.write(json.dumps({"socket": str(socket), "endpoint": endpoint}) + "\n")
    os.utime(path, ns=(held.st_atime_ns, held.st_mtime_ns))


@contextmanager
def hold_link(root: Path, host: str, port: int, client_id: int) -> Iterator[float | None]:
    """Hold one client id at one gateway for this process, as `hold` does a folder.

    Before the account is known this is what keeps two desks of one user apart; the broker would
    only say that somebody has the id. Within one process too: the lock is the opened file's. Gives
    the seconds since the id was let go, which is after its link was ended; None for never.
    """
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise _not_writable(root, error) from error
    what = f"is connected to {host}:{port} as client {client_id}"
    path = _link_lock(root, host, port, client_id)
    free_for_s = _seconds_since_written(path)
    with _locked(path, what, "DESK_HOME and IB_CLIENT_ID"):
        try:
            yield free_for_s
        finally:
            os.utime(path)


def _link_lock(root: Path, host: str, port: int, client_id: int) -> Path:
    return root / f"{_file_name(host)}-{port}-{client_id}.lock"


def _seconds_since_written(path: Path) -> float | None:
    """Give the age of a file by its own clock; None where there is none, or it is of the future."""
    try:
        age_s = datetime.now(UTC).timestamp() - path.stat().st_mtime
    except OSError:
        return None
    return age_s if age_s >= 0 else None


@contextmanager
def _locked(path: Path, what: str, own: str) -> Iterator[None]:
    try:
        lock = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise _not_writable(path.parent, error) from error
    with lock:
        if not _try_lock(lock):
            raise FolderInUse(f"Another desk ({_read_holder(lock)}) {what}: {_WAYS_OUT} {own}.")
        lock.seek(0)
        lock.truncate()
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
        # closing the file gives the lock back; the file stays, for removing it would let
        # a third desk lock a new file while a second one waits on the old


def _not_writable(folder: Path, error: OSError) -> BadSetting:
    return BadSetting(
        f"The state folder {folder} cannot be written to: {error.strerror}. "
        "DESK_HOME may hold a folder that can."
    )


def _read_holder(lock: IO[str]) -> Holder:
    lock.seek(0)
    process = lock.readline().strip() or "unknown"
    since = datetime.fromtimestamp(os.fstat(lock.fileno()).st_mtime, UTC)
    try:
        announced = json.loads(lock.readline())
        return Holder(process, since, str(announced["socket"]), str(announced["endpoint"]))
    except (ValueError, TypeError, KeyError):
        return Holder(process, since)  # it listens nowhere


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
