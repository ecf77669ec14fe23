"""The desk under measurement, served over HTTP; and the same routine asked for without it."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any, cast

from apps.api.bootstrap import Joined
from apps.api.config import Settings
from apps.api.http.service import HttpService
from apps.api.http.token_file import token_in
from apps.api.session import Session
from apps.api.state import account_folder, state_root
from apps.engine.routines.catalogue import routine_named
from benchmarks.worker import Answer

__all__ = ["ServedDesk"]


class ServedDesk:
    """Serves a desk. It has no console: callers are its only users."""

    def __init__(self, joined: Joined, settings: Settings) -> None:
        self._folder = _folder(settings, joined.desk.account_name)
        self._service = HttpService(self._folder)
        self._routines = joined.routines
        console = cast("Any", None)
        self._session = Session(console, settings, joined.desk, runner=joined.routines)

    async def serve_http(self) -> Answer:
        """Begin to serve; give where, and the token."""
        report = await self._service.begin(self._session)
        return {"address": report.address, "token": token_in(self._folder)}

    async def summaries(self, times: int) -> Answer:
        """Run the routine one time after the other, without HTTP."""
        took_ms = []
        for _ in range(times):
            began_s = perf_counter()
            await self._routines.run(routine_named("summary"), {})
            took_ms.append((perf_counter() - began_s) * 1000)
        return {"took_ms": took_ms}

    async def end(self) -> None:
        """Serve no more."""
        await self._service.end()


def _folder(settings: Settings, account: str) -> Path:
    root = state_root(settings.desk_home)
    return account_folder(root, mode=settings.trading_mode, account=account)
