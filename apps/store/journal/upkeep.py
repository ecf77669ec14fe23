"""Bringing a journal's log into its file, in a thread: the one place that waits for a disk.

SQLite would do it within whichever commit makes the log long enough, and a bracket would wait for
the disk meanwhile. A passive checkpoint over a connection of its own holds up no writer.

What comes after it would: once all of the log is in the file, the next commit begins the log anew,
and waits until the disk has its new header. Without that wait a power failure could leave the old
header before newer pages, which would be believed; so it stays. But it was the desk's own loop that
waited: by strace, an fdatasync within `JournalFile.write`. So this thread makes that commit itself,
when nobody has written for a while. Never to begin the log anew is no way out: a file that grows
waits for the file system's own journal while others sync.

In bursts of 60 commits, beside two programs that write and sync without end, the worst write took
16 to 62 ms when the writer began the log, 18 to 45 ms when nobody did, and 3 to 6 ms so; on an idle
disk it is half a millisecond in each case.

What is left: who wants to write in just the moment of that commit waits for it, by
`Upkeep.beginning_anew`. And a log to which somebody writes without a pause, or which somebody reads
all the time, is not begun anew, and grows until there is one.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from apps.store.journal.schema import APPLICATION_ID

__all__ = ["SAME_MARK", "Upkeep", "set_aside"]

_LOGGER = logging.getLogger(__name__)

_COMMITS = 1_000
"""How many commits the log may hold before it is brought in: a bracket's takes 24 KiB of it."""

_QUIET_S = 0.25
"""How long nobody has written, when it is begun: a burst of bars, and what follows it, is over."""

_ATTEMPTS = 8
"""How often it is tried, until next time: while somebody reads, the log cannot begin anew."""

SAME_MARK = f"PRAGMA application_id = {APPLICATION_ID}"
"""A commit that changes nothing, but begins a log that is to be begun."""


def set_aside(path: Path) -> Path | None:
    """Put a journal aside whose account begins afresh; give where it is kept, None without one.

    The folder must be held. Raises OSError.
    """
    if not path.exists():
        return None
    number = 1
    while (kept := path.with_name(f"{path.name}.{number}")).exists():
        number += 1
    # its log goes along, for SQLite finds that by the name; the file itself last, for only
    # without that is there no journal here any more
    for suffix in ("-shm", "-wal", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(kept.with_name(kept.name + suffix))
    return kept


class Upkeep:
    """Counts commits, and has a checkpoint run when there were ``every`` of them.

    Whoever writes holds ``beginning_anew`` while he does.
    """

    def __init__(self, path: Path, every: int = _COMMITS, quiet_s: float = _QUIET_S) -> None:
        self._path = path
        self._every = every
        self._quiet_s = quiet_s
        self._commits = 0
        self._last_s = 0.0
        self._closing = threading.Event()
        self._thread: ThreadPoolExecutor | None = None
        self._running: Future[None] | None = None
        self.beginning_anew = threading.Lock()

    def committed(self) -> None:
        """Take note of a commit."""
        self._commits += 1
        self._last_s = time.monotonic()
        if self._commits < self._every or (self._running is not None and not self._running.done()):
            return
        self._commits = 0
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._running = self._thread.submit(self._checkpoint)

    def close(self) -> None:
        """Wait for a checkpoint that is under way; one that waits for a pause is left out."""
        self._closing.set()
        if self._thread is not None:
            self._thread.shutdown()

    def _checkpoint(self) -> None:
        try:
            with closing(sqlite3.connect(self._path, timeout=0)) as db:
                for _ in range(_ATTEMPTS):
                    if not self._pause_has_come():
                        break
                    if _is_all_in(db):
                        with self.beginning_anew:
                            db.execute(SAME_MARK)
                        break
        except sqlite3.Error as error:
            # nothing is lost by it: the log is whole, and only grows until the next attempt
            _LOGGER.warning("the log of %s was not brought in: %s", self._path, error)

    def _pause_has_come(self) -> bool:
        """Wait until nobody has written for a while; tell False where the journal is closed."""
        left_s = self._quiet_s
        while left_s > 0:
            if self._closing.wait(left_s):
                return False
            left_s = self._last_s + self._quiet_s - time.monotonic()
        return True


def _is_all_in(db: sqlite3.Connection) -> bool:
    """Bring the log into the file; tell whether nothing was added to it meanwhile."""
    _, in_log, brought_in = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return bool(in_log == brought_in)
