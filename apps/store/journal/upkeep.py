"""Bringing a journal's log into its file, in a thread: the one place that waits for a disk.

SQLite would do it within whichever commit makes the log long enough, and a bracket would wait for
the disk meanwhile. A passive checkpoint over a connection of its own holds up no writer.
"""

from __future__ import annotations

import logging
import sqlite3
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

__all__ = ["Upkeep", "set_aside"]

_LOGGER = logging.getLogger(__name__)

_COMMITS = 1_000
"""How many commits the log may hold: some megabytes."""


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
    """Counts commits, and has a checkpoint run when there were ``every`` of them."""

    def __init__(self, path: Path, every: int = _COMMITS) -> None:
        self._path = path
        self._every = every
        self._commits = 0
        self._thread: ThreadPoolExecutor | None = None
        self._running: Future[None] | None = None

    def committed(self) -> None:
        """Take note of a commit."""
        self._commits += 1
        if self._commits < self._every or (self._running is not None and not self._running.done()):
            return
        self._commits = 0
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._running = self._thread.submit(self._checkpoint)

    def close(self) -> None:
        """Wait for a checkpoint that is under way."""
        if self._thread is not None:
            self._thread.shutdown()

    def _checkpoint(self) -> None:
        try:
            with closing(sqlite3.connect(self._path)) as db:
                db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.Error as error:
            # nothing is lost by it: the log is whole, and only grows until the next attempt
            _LOGGER.warning("the log of %s was not brought in: %s", self._path, error)
