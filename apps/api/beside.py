"""What a single command does beside a desk that runs: that one holds the folder and the client id.

A halt reaches it by the kill file that it looks for. A resumption does not: whether entries may go
on is said at the desk itself, by whoever sees what it is doing.
"""

from __future__ import annotations

import asyncio
from functools import singledispatch
from pathlib import Path

from apps.api.commands.halt import HaltTrading
from apps.api.commands.resume import ResumeTrading
from apps.api.config import Settings
from apps.api.halt_files import KILL_NAME, HaltFiles
from apps.api.outcomes import ExitCode
from apps.api.replies import Note, Reply
from apps.api.state import EMBEDDED, Holder, running_desk, state_root
from apps.domain.errors import Refused
from apps.domain.trading_state import TradingState

__all__ = ["done_beside"]

_PATIENCE_S, _LOOK_S = 3.0, 0.05
"""How long the desk's obedience is waited for: it looks for the file twice a second."""


@singledispatch
async def done_beside(_command: object, _settings: Settings) -> Reply | None:
    """Do a command beside the desk that runs; None where none runs, or the command needs its own.

    Raises Refused for what only that desk can do.
    """
    return None


@done_beside.register
async def _(command: HaltTrading, settings: Settings) -> Reply | None:
    found = _running(settings)
    if found is None:
        return None
    folder, holder = found
    files = HaltFiles(folder)
    to = TradingState.REDUCING if command.reduce else TradingState.HALTED
    before_ns = files.saved_at_ns()
    path = files.leave_kill_order(to, flatten=command.flatten)
    told = f"{path} was written for the desk that runs ({holder})."
    if await _obeyed(files, to, since_ns=before_ns if command.flatten else None):
        state = files.load().state.value
        also = ", and closes what is ours" if command.flatten else ""
        words = f"{told} It is {state} now{also}. To go on: remove the file, then `resume` there."
        return Reply(Note(words))
    words = f"{told} It has not said yet that it is halted, but sends no entry while the file is "
    return Reply(Note(f"{words}there. Look at it."), ExitCode.TIMEOUT)


@done_beside.register
async def _(_command: ResumeTrading, settings: Settings) -> Reply | None:
    found = _running(settings)
    if found is None:
        return None
    folder, holder = found
    there = (
        f"remove {folder / KILL_NAME}, then " if HaltFiles(folder).kill_order() is not None else ""
    )
    raise Refused(
        f"A desk runs in {folder} ({holder}), and only there trading can go on: {there}type "
        "`resume` at its prompt. Nothing was changed."
    )


def _running(settings: Settings) -> tuple[Path, Holder] | None:
    account = EMBEDDED if settings.embedded else settings.ib_account
    root = state_root(settings.desk_home)
    return running_desk(root, mode=settings.trading_mode, account=account)


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
