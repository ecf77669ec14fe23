"""A gateway in a thread of its own, for programs whose loop is not theirs to share.

The official client, and any test that is not asynchronous, needs the gateway to run beside it.
Inside the desk this is not used: there the gateway lives in the desk's own loop.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Self, TypeVar

from apps.paper.clock import ManualClock
from apps.paper.server import PaperGateway
from apps.paper.settings import GatewaySettings

__all__ = ["GatewayThread"]

_START_S = 30.0
_STOP_S = 10.0
_CALL_S = 30.0

Result = TypeVar("Result")


class GatewayThread:
    """A context manager: inside the block a gateway serves at ``host`` and ``port``.

        with GatewayThread(GatewaySettings(seed=7, speed=60)) as gateway:
            client.connect(gateway.host, gateway.port, clientId=1)

    With ``clock`` a `ManualClock`, market time stands still until `advance`.
    """

    def __init__(
        self, settings: GatewaySettings | None = None, *, clock: ManualClock | None = None
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._running: Future[PaperGateway] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._main, name="paper gateway", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._running.result(_START_S)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._loop is not None and self._stopped is not None:
            self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(_STOP_S)
        if self._thread.is_alive():
            raise TimeoutError(f"the paper gateway did not stop within {_STOP_S:g} s")

    @property
    def host(self) -> str:
        """The address at which it serves."""
        return self._running.result(_START_S).host

    @property
    def port(self) -> int:
        """The port at which it serves."""
        return self._running.result(_START_S).port

    def call(self, function: Callable[[PaperGateway], Result]) -> Result:
        """Run ``function`` inside the gateway's loop, and give what it gave.

        So its books can be read, and faults injected: ``gateway.call(lambda paper: paper.hub…)``.
        """
        if self._loop is None:
            raise RuntimeError("the paper gateway does not run: enter its block first")
        answer: Future[Result] = Future()
        gateway = self._running.result(_START_S)

        def run() -> None:
            try:
                answer.set_result(function(gateway))
            except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to the caller
                answer.set_exception(error)

        self._loop.call_soon_threadsafe(run)
        return answer.result(_CALL_S)

    def advance(self, seconds: float) -> None:
        """Let market time go on by so many seconds, on a `ManualClock`."""
        if self._clock is None:
            raise RuntimeError("market time runs by itself: give the gateway a ManualClock")
        clock = self._clock
        self.call(lambda paper: paper.advance_to(clock.now() + round(seconds * 1000)))

    def _main(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:
            if self._running.done():
                raise
            self._running.set_exception(error)  # whatever it is, it belongs to whoever waits

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        async with PaperGateway.open(self._settings, clock=self._clock) as gateway:
            self._running.set_result(gateway)
            await self._stopped.wait()
