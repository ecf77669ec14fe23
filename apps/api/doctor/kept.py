"""What is kept on disk: the journal and the bars, looked at beside a desk that writes them."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from time import monotonic

from apps.api.config import Settings
from apps.api.doctor.findings import Finding, failed, ok, warning
from apps.api.history_folder import history_folder
from apps.api.state import EMBEDDED, journal_of, state_root
from apps.store.history.schema import CATALOGUE_NAME
from apps.store.history.store import HistoryStore
from apps.store.journal.reading import JournalReader

__all__ = ["history", "journal"]

_CHECK_FOR_S = 2.0
_STEPS = 10_000
"""SQLite's own steps between two looks at the clock."""


async def journal(settings: Settings, account: str) -> Finding:
    """Tell whether the journal is whole, and can be written. Raises JournalRefused."""
    name = EMBEDDED if settings.embedded else settings.ib_account or account
    path = journal_of(state_root(settings.desk_home), mode=settings.trading_mode, account=name)
    if not path.exists():
        return ok("Journal", "none yet; a desk makes it at its first start")
    return await asyncio.to_thread(_journal, path)


def _journal(path: Path) -> Finding:
    with JournalReader.open(path) as reader:
        intents = len(reader.intents(last=1))
    return _checked("Journal", path, "some intents" if intents else "no intent yet")


async def history(settings: Settings, account: str) -> Finding:
    """Tell whether the catalogue of the bars is whole. Raises HistoryRefused."""
    folder = history_folder(settings, account)
    return await asyncio.to_thread(_history, folder)


def _history(folder: Path) -> Finding:
    if not HistoryStore.is_at(folder):
        return ok("History", "no bars are kept yet; `data load` fetches some")
    with HistoryStore.open(folder) as store:
        series, aside = len(store.all_series()), len(store.set_aside())
    if aside:
        text = f"{aside} damaged files of bars were set aside in {folder}"
        return warning("History", text, "`data verify` tells which; `data load` fetches them anew.")
    return _checked("History", folder / CATALOGUE_NAME, f"{series} series")


def _checked(topic: str, path: Path, what: str) -> Finding:
    size = f"{path.stat().st_size / 1e6:,.1f} MB"
    said = _quick_check(path)
    if said not in (_WHOLE, _NOT_DONE):
        remedy = "Move it away and keep it; the desk begins a new one, and asks the broker."
        return failed(topic, f"{path} is damaged: {said}", remedy)
    if not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
        return failed(topic, f"{path} cannot be written to", "Look at who owns it, and its disk.")
    whole = "whole" if said == _WHOLE else f"not checked to its end in {_CHECK_FOR_S:g} s"
    return ok(topic, f"{path}, {size}, {what}, {whole}, can be written")


_WHOLE, _NOT_DONE = "ok", "not done"


def _quick_check(path: Path) -> str:
    """Give SQLite's word on a file, `_NOT_DONE` where that would take too long."""
    until = monotonic() + _CHECK_FOR_S
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=1.0)) as db:
            db.set_progress_handler(lambda: int(monotonic() > until), _STEPS)
            return str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.OperationalError as error:
        return _NOT_DONE if "interrupted" in str(error) else str(error)
    except sqlite3.Error as error:
        return str(error)
