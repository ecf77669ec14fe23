"""Halting a desk that does not answer at its socket: by the kill file that it looks for."""

from __future__ import annotations

import asyncio
from pathlib import Path

from apps.api.halt_files import HaltFiles
from apps.api.outcomes import ExitCode
from apps.api.replies import Note, Reply
from apps.api.state import Holder
from apps.domain.trading_state import TradingState

__all__ = ["halted_by_file"]

_PATIENCE_S, _LOOK_S = 3.0, 0.05
"""How long the desk's obedience is waited for: it looks for the file twice a second."""


async def halted_by_file(folder: Path, holder: Holder, to: TradingState, *, flatten: bool) -> Reply:
    """Leave the file, and wait until the desk says that it is halted. Raises DeskError."""
    files = HaltFiles(folder)
    before_ns = files.saved_at_ns()
    path = files.leave_kill_order(to, flatten=flatten)
    told = f"{path} was written for the desk that runs ({holder})."
    if await _obeyed(files, to, since_ns=before_ns if flatten else None):
        state = files.load().state.value
        also = ", and closes what is ours" if flatten else ""
        words = f"{told} It is {state} now{also}. To go on: remove the file, then `resume`."
        return Reply(Note(words))
    words = f"{told} It has not said yet that it is halted, but sends no entry while the file is "
    return Reply(Note(f"{words}there. Look at it."), ExitCode.TIMEOUT)


async def _obeyed(files: HaltFiles, to: TradingState, *, since_ns: int | None) -> bool:
    """Wait until the desk has written down that it is halted as much as was asked.

    With ``since_ns`` that has to be news: a desk that was halted before may yet have to close.
    """
    for _ in range(int(_PATIENCE_S / _LOOK_S)):
        is_news = since_ns is None or files.saved_at_ns() != since_ns
        if is_news and files.load().state.severity >= to.severity:
            return True
        await asyncio.sleep(_LOOK_S)
    return False
