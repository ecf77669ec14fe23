"""A desk on a paper gateway, served over HTTP in the same loop, and callers at a real socket."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

import httpx

from apps.api.clock import SystemClock
from apps.api.config import Settings
from apps.api.http.app import DeskApp
from apps.api.http.operations import Operation
from apps.api.http.server import HttpServer, bound
from apps.api.session import Session
from apps.api.views.as_json import as_json
from apps.engine.desk import Desk
from apps.engine.ports import Clock
from apps.engine.routines.runner import RoutineRunner
from apps.engine.supervisor import Supervised, Supervisor
from tests.api.stand_ins import FakeDesk, some_settings
from tests.engine_on_paper.play import Play, a_play

__all__ = ["TOKEN", "Served", "a_session", "on_fakes", "on_paper", "served"]

TOKEN = "t" * 43


@dataclass(frozen=True, slots=True)
class Served:
    """A server, and one who calls it with the token."""

    app: DeskApp
    server: HttpServer
    caller: httpx.AsyncClient
    address: str
    port: int

    def client(self, token: str = TOKEN, **more: Any) -> httpx.AsyncClient:
        """One more caller; an empty token is none."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return httpx.AsyncClient(
            base_url=self.address,
            headers=headers,
            timeout=10,
            trust_env=False,
            verify=False,  # noqa: S501 - there is nothing to verify, and loading what would takes time
            **more,
        )


def a_session(desk: Desk, settings: Settings, clock: Clock) -> Session:
    runner = RoutineRunner(desk, clock, encode=as_json, configuration={})
    return Session(cast("Any", None), settings, desk, runner=runner)


@asynccontextmanager
async def served(session: Session, operations: tuple[Operation, ...] = ()) -> AsyncIterator[Served]:
    """Serve a session's desk on a free port; at the end nothing of it may be left."""

    def ended(task: Supervised) -> None:
        assert task.error is None

    app = DeskApp(session, token=TOKEN, now_s=time.monotonic, operations=operations)
    server = HttpServer(app, Supervisor(SystemClock()), ended)
    listens = await bound("127.0.0.1", 0)
    port = listens.getsockname()[1]
    await server.begin(listens)
    address = f"http://127.0.0.1:{port}"
    found = Served(app, server, cast("httpx.AsyncClient", None), address, port)
    try:
        async with found.client() as caller:
            yield replace(found, caller=caller)
    finally:
        await server.aclose()
        assert len(app.works) == 0
        assert len(app.hub) == 0


@asynccontextmanager
async def on_paper(**changed: str) -> AsyncIterator[tuple[Play, Served]]:
    """A desk at a gateway whose market is scripted, and whose clock is turned by the test."""
    async with a_play() as play:
        settings = some_settings(**{"http_requests_per_s": "100000", **changed})
        async with served(a_session(play.desk, settings, play.clock)) as found:
            yield play, found


@asynccontextmanager
async def on_fakes(
    desk: FakeDesk, operations: tuple[Operation, ...] = (), **changed: str
) -> AsyncIterator[Served]:
    """A desk that answers from memory."""
    settings = some_settings(**{"http_requests_per_s": "100000", **changed})
    async with served(a_session(desk.as_desk(), settings, SystemClock()), operations) as found:
        yield found
