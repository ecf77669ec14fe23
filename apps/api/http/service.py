"""Serving over HTTP, as a session begins and ends it: at most one server at a time.

Loads no web framework before somebody wants to be served, and then not in the loop's own time.
"""

from __future__ import annotations

import asyncio
import importlib
import time
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps.api.clock import SystemClock
from apps.api.http.token_file import TOKEN_NAME, token_in
from apps.api.replies import HttpReport
from apps.api.session import Session
from apps.domain.errors import AlreadyDone, DeskError
from apps.engine.supervisor import Supervised, Supervisor, TaskEnd

if TYPE_CHECKING:
    from apps.api.http.server import HttpServer

__all__ = ["HttpService"]

_PACKAGES = frozenset({"fastapi", "h11", "pydantic", "starlette", "uvicorn"})


class HttpService:
    """The server of one desk, while it serves. ``folder`` is held, and has the token."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._supervisor = Supervisor(SystemClock())
        self._server: HttpServer | None = None
        self._address = ""
        self._trading = ""
        self._is_busy = False
        self._over = asyncio.Event()
        self._why = ""

    def report(self) -> HttpReport:
        """Say how it stands."""
        if self._server is None:
            return HttpReport()
        token = str(self._folder / TOKEN_NAME)
        return HttpReport(self._address, token, self._trading, self._server.listeners)

    async def begin(self, session: Session) -> HttpReport:
        """Serve the desk of ``session``; give where.

        Raises AlreadyDone where it does already, BadSetting for an address where nobody can listen
        and for a token that others could have read, DeskError where the extra is not installed.
        """
        if self._server is not None or self._is_busy:
            raise AlreadyDone(f"HTTP is served already: {self._address or 'it is beginning'}.")
        self._is_busy = True
        try:
            await self._begin(session)
        finally:
            self._is_busy = False
        return self.report()

    async def end(self) -> HttpReport:
        """Serve no more, within a second; callers are told."""
        server, self._server = self._server, None
        if server is not None:
            await server.aclose()
        self._over.set()
        return self.report()

    async def over(self) -> None:
        """Wait until it is served no more. Raises DeskError where that was nobody's wish."""
        await self._over.wait()
        if self._why:
            raise DeskError(f"HTTP is not served any more: {self._why}. The desk goes on.")

    async def _begin(self, session: Session) -> None:
        settings = session.settings
        token = token_in(self._folder)
        serving = await _loaded()
        listens = await serving.bound(settings.http_host, settings.http_port)
        host, port = listens.getsockname()[:2]
        is_allowed = settings.http_trading in (settings.trading_mode, "live")
        may_trade = is_allowed and not session.desk.is_read_only
        self._trading = "yes" if may_trade else "no"
        self._address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        # what is asked for over HTTP is no single command, whoever began to serve
        app = serving.DeskApp(
            replace(session, one_shot=False, beside=False), token=token, now_s=time.monotonic
        )
        self._over.clear()
        self._why = ""
        server: HttpServer = serving.HttpServer(app, self._supervisor, self._ended)
        await server.begin(listens)
        self._server = server
        if not ip_address(host.partition("%")[0]).is_loopback:
            session.desk.warn(
                f"HTTP is served on {self._address}, which others can reach, and is not encrypted: "
                "whoever reads along has the token, and with it the account"
            )

    def _ended(self, task: Supervised) -> None:
        if self._server is not None:
            self._server = None
            self._why = task.reason if task.end is TaskEnd.FAILED else "the server ended"
        self._over.set()


async def _loaded() -> Any:
    """Give the module that serves, loaded in a thread: it takes a third of a second."""
    try:
        return await asyncio.to_thread(importlib.import_module, "apps.api.http.server")
    except ModuleNotFoundError as error:
        if error.name not in _PACKAGES:
            raise
        raise DeskError(
            f"HTTP needs {error.name}, which is not installed: pip install 'breakout-desk[http]'."
        ) from error
