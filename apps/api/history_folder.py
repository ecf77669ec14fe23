"""Where the bars of an account are kept: ``history`` in its folder, beside its journal.

Each account has its own, for what a gateway tells depends on who asks: one account sees the
market, another a delayed one, and that of a paper gateway one that was made up. The embedded
gateway makes another market for each seed, so its bars are kept apart by that too.
"""

from __future__ import annotations

from pathlib import Path

from apps.api.config import Settings
from apps.api.state import EMBEDDED, journal_of, state_root

__all__ = ["HISTORY_NAME", "history_folder"]

HISTORY_NAME = "history"


def history_folder(settings: Settings, account: str = "") -> Path:
    """Give the folder of the bars of ``account``; of the only one there is for an empty name.

    Nothing is made. Raises InvalidInput where several accounts have a folder.
    """
    root = state_root(settings.desk_home)
    name = EMBEDDED if settings.embedded else settings.ib_account or account
    folder = journal_of(root, mode=settings.trading_mode, account=name).parent / HISTORY_NAME
    return folder / f"seed-{settings.paper_seed}" if settings.embedded else folder
