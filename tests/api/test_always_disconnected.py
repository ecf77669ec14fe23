"""However a desk or a single command ends, the broker's side has no session of it left.

The gateway is asked itself: how many sockets, how many clients, what streams to them.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from apps.api import bootstrap
from apps.api.bootstrap import Joined, joined_desk
from apps.api.clock import SystemClock
from apps.api.config import Settings
from apps.api.state import hold_link
from apps.domain.errors import CannotConnect, ClientIdInUse, NotFound
from apps.engine.alerts import Alert
from apps.ib.patience import Patience
from apps.paper.server import PaperGateway
from apps.paper.settings import GatewaySettings
from tests.api.stand_ins import some_settings
from tests.api.test_program import environment

WHERE = "127.0.0.1"


@pytest.fixture
async def gateway() -> AsyncIterator[PaperGateway]:
    async with PaperGateway.open(GatewaySettings(port=0)) as opened:
        yield opened


def settings_for(home: Path, port: int, **more: str) -> Settings:
    return some_settings(desk_home=str(home), ib_host=WHERE, ib_port=str(port), **more)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - the gateway tells nobody of its sockets
            await asyncio.sleep(0.01)


async def nobody_left(gateway: PaperGateway) -> None:
    """The gateway has noticed; a socket's end takes a turn of its loop."""
    await until(lambda: gateway.counts().connections == 0)
    counts = gateway.counts().hub
    assert (counts.sessions, counts.jobs) == (0, 0)


@asynccontextmanager
async def a_desk(settings: Settings, alerts: list[Alert] | None = None) -> AsyncIterator[Joined]:
    heard = alerts if alerts is not None else []
    async with joined_desk(settings, heard.append) as joined:
        yield joined


async def test_after_success(gateway: PaperGateway, tmp_path: Path) -> None:
    async with a_desk(settings_for(tmp_path, gateway.port)) as joined:
        assert gateway.counts().hub.sessions == 1
        await joined.desk.account()
    await nobody_left(gateway)


async def test_after_an_error(gateway: PaperGateway, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        async with a_desk(settings_for(tmp_path, gateway.port)) as joined:
            await joined.desk.quote("NOPE")
    await nobody_left(gateway)


async def test_after_an_account_that_is_refused(gateway: PaperGateway, tmp_path: Path) -> None:
    (tmp_path / f"paper-{WHERE}-{gateway.port}.account").write_text("DU2222222")
    with pytest.raises(Exception, match="was DU2222222 at the last run"):
        async with a_desk(settings_for(tmp_path, gateway.port)):
            pass
    await nobody_left(gateway)


async def test_after_a_deadline(gateway: PaperGateway, tmp_path: Path) -> None:
    async def work() -> None:
        async with a_desk(settings_for(tmp_path, gateway.port)) as joined, asyncio.timeout(0):
            await joined.desk.wait(60)

    with pytest.raises(TimeoutError):
        await work()
    await nobody_left(gateway)


@pytest.mark.parametrize("turns", [1, 5, 20, 60, 150, 400])
async def test_after_a_cancellation_at_any_point(
    gateway: PaperGateway, tmp_path: Path, turns: int
) -> None:
    async def work() -> None:
        async with a_desk(settings_for(tmp_path, gateway.port)) as joined:
            await joined.desk.wait(60)

    task = asyncio.ensure_future(work())
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await nobody_left(gateway)


@pytest.mark.parametrize(
    ("words", "number", "code"),
    [
        (("account",), None, 0),
        (("quote", "NOPE"), None, 5),
        (("wait", "60"), signal.SIGTERM, 143),
        (("wait", "60"), signal.SIGINT, 130),
        (("wait", "60"), signal.SIGKILL, -9),
        ((), signal.SIGTERM, 143),
    ],
)
async def test_after_a_program(
    gateway: PaperGateway,
    tmp_path: Path,
    words: tuple[str, ...],
    number: signal.Signals | None,
    code: int,
) -> None:
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "apps.api.cli",
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment(tmp_path, {"IB_HOST": WHERE, "IB_PORT": str(gateway.port)}),
        cwd=tmp_path,
    )
    try:
        if number is not None:
            await until(lambda: gateway.counts().hub.sessions == 1)
            os.kill(program.pid, number)
        async with asyncio.timeout(20):
            assert await program.wait() == code
    finally:
        if program.returncode is None:
            program.kill()
            await program.wait()
        assert program.stdin is not None
        program.stdin.close()
    await nobody_left(gateway)


# ---------------------------------------------------------------- attempts


async def test_nobody_there_is_told_at_the_first_attempt(tmp_path: Path) -> None:
    alerts: list[Alert] = []
    with pytest.raises(CannotConnect, match="Nobody listens"):
        async with a_desk(settings_for(tmp_path, 1), alerts):
            pass
    assert alerts == []


async def test_gateway_that_is_coming_up_is_waited_for_where_that_is_asked_for(
    tmp_path: Path,
) -> None:
    async with PaperGateway.open(GatewaySettings(port=0)) as gateway:
        gateway.shut_port()
        heard: list[Alert] = []

        def open_at_the_second_failure(alert: Alert) -> None:
            heard.append(alert)
            if len(heard) == 2:
                gateway.open_port()

        settings = settings_for(tmp_path, gateway.port, ib_connect_attempts="3")
        async with joined_desk(settings, open_at_the_second_failure) as joined:
            await joined.desk.account()
        assert "tried again in 0.5 s" in heard[0].text
        assert "tried again in 1 s" in heard[1].text


async def test_client_id_that_is_freed_meanwhile_is_taken(
    gateway: PaperGateway, tmp_path: Path
) -> None:
    alerts: list[Alert] = []
    async with a_desk(settings_for(tmp_path / "first", gateway.port)):
        late = asyncio.ensure_future(
            _opened_once(settings_for(tmp_path / "second", gateway.port), alerts)
        )
        await until(lambda: bool(alerts))
    await late
    assert "Client id 1 is in use" in alerts[0].text
    await nobody_left(gateway)


async def _opened_once(settings: Settings, alerts: list[Alert]) -> None:
    async with a_desk(settings, alerts) as joined:
        await joined.desk.account()


async def test_same_client_id_connects_again_only_after_a_while(
    gateway: PaperGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    async def note(_clock: SystemClock, seconds: float) -> None:
        waited.append(seconds)

    settings = settings_for(tmp_path, gateway.port)
    async with a_desk(settings):
        pass
    async with a_desk(settings_for(tmp_path, gateway.port, ib_client_id="2")):
        assert waited == []
    with monkeypatch.context() as patched:
        patched.setattr(SystemClock, "sleep", note)
        with hold_link(tmp_path, WHERE, gateway.port, 1) as free_for_s:
            assert free_for_s is not None
            await bootstrap._settled(free_for_s)
            await bootstrap._settled(None)
            await bootstrap._settled(60.0)
    assert len(waited) == 1
    assert 0 < waited[0] <= 0.5


async def test_client_id_that_stays_in_use_is_an_error_after_a_few_attempts(
    gateway: PaperGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "Patience", partial(Patience, first_pause_s=0.001))
    alerts: list[Alert] = []
    async with a_desk(settings_for(tmp_path / "first", gateway.port)):
        with pytest.raises(ClientIdInUse, match="Client id 1 is in use"):
            async with a_desk(settings_for(tmp_path / "second", gateway.port), alerts):
                pass
        assert gateway.counts().connections == 1
    assert len(alerts) == 3
