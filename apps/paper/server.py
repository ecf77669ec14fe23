"""The paper gateway on a socket: connections, and the market's clock that drives them.

Reads as start, life, stop. Everything that decides anything is pure and lives in
`apps.paper.hub`; here bytes come in, bytes go out, and time is told.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from apps.paper.catalogue import Catalogue
from apps.paper.clock import ManualClock, MarketClock, default_start
from apps.paper.connection import ClientSocket
from apps.paper.feed.market import Market, Millis
from apps.paper.feed.synthetic import SyntheticMarket
from apps.paper.hub import Hub
from apps.paper.settings import GatewaySettings

__all__ = ["GatewaySettings", "PaperGateway"]

_LOGGER = logging.getLogger(__name__)

_STEP_MS = 5_000
"""Market time is played in steps of this much."""

_TURN_S = 0.02
"""How long the market may be played in one go; then the sockets are served."""

_SHUTDOWN_S = 2.0
"""How long connections may take to close before they are cut."""


class PaperGateway:
    """A TWS look-alike on one loopback port, with its own market, exchange and accounts.

    ``hub`` is its state, for those who judge by it; ``clock`` its market time.
    """

    def __init__(self, hub: Hub, clock: MarketClock | ManualClock, host: str, port: int) -> None:
        self.hub = hub
        self.clock = clock
        self.host = host
        self.port = port
        self._connections: set[ClientSocket] = set()
        self._server: asyncio.Server | None = None
        self._woken = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        settings: GatewaySettings | None = None,
        *,
        market: Market | None = None,
        clock: MarketClock | ManualClock | None = None,
    ) -> AsyncIterator[PaperGateway]:
        """Serve until the block ends. ``port`` 0 takes a free one; read it from the gateway.

        Raises OSError when the address cannot be had.
        """
        wanted = settings or GatewaySettings()
        running_clock = clock or _clock_for(wanted)
        hub = Hub(
            catalogue=Catalogue.load(),
            market=market or SyntheticMarket(seed=wanted.seed),
            accounts=wanted.accounts,
            cash=wanted.cash,
            start=running_clock.now(),
        )
        gateway = cls(hub, running_clock, wanted.host, wanted.port)
        await gateway._listen()
        playing = gateway._start_playing()
        try:
            yield gateway
        finally:
            await gateway._close()
            if playing is not None:
                playing.cancel()
                await asyncio.wait([playing])
                if not playing.cancelled():
                    playing.result()  # a market that failed has cut its clients off already

    def advance_to(self, at: Millis) -> None:
        """Play the market up to ``at`` and send what comes of it (for a manual clock)."""
        if isinstance(self.clock, ManualClock):
            self.clock.advance_to(at)
        self.hub.advance(at)
        self._flush()

    def settle(self) -> None:
        """Bring the hub to the clock's present before a request is answered.

        A market that is asked to run faster than it can be made falls behind its clock rather than
        keep its clients waiting: what they are told is always of the market's own time.
        """
        if isinstance(self.clock, ManualClock):
            self.hub.advance(self.clock.now())
        else:
            self._catch_up(self.clock)

    def flush(self) -> None:
        """Send what waits for any client, and look again at what is due next."""
        if isinstance(self.clock, ManualClock):
            # nobody else would, and the same requests are to give the same transcript
            while self.hub.work():
                pass
        self._flush()
        self._woken.set()

    def joined(self, socket: ClientSocket) -> None:
        """Take note of a new connection."""
        self._connections.add(socket)

    def left(self, socket: ClientSocket) -> None:
        """Forget a connection that ended."""
        self._connections.discard(socket)
        self._woken.set()

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: ClientSocket(self), self.host, self.port)
        self.host, self.port = self._server.sockets[0].getsockname()[:2]

    def _start_playing(self) -> asyncio.Task[None] | None:
        """Follow a clock that runs by itself; a market that fails leaves nobody waiting."""
        if not isinstance(self.clock, MarketClock):
            return None
        playing = asyncio.create_task(self._play(self.clock), name="paper market time")
        playing.add_done_callback(self._playing_ended)
        return playing

    def _playing_ended(self, playing: asyncio.Task[None]) -> None:
        if playing.cancelled() or playing.exception() is None:
            return
        _LOGGER.error("the market stopped: %r", playing.exception())
        for socket in tuple(self._connections):
            socket.abort()

    async def _play(self, clock: MarketClock) -> None:
        """Follow the clock: play each moment at which something is due, for as long as it runs."""
        while True:
            await self._until_due(clock)
            self._catch_up(clock)
            self.hub.work()
            self._flush()
            await asyncio.sleep(0)

    def _catch_up(self, clock: MarketClock) -> None:
        """Play up to the clock's present, or for one turn if that takes longer."""
        now = clock.now()
        turn_ends = time.monotonic() + _TURN_S
        while self.hub.now < now and time.monotonic() < turn_ends:
            due = self.hub.next_due()
            self.hub.advance(now if due is None else min(now, max(due, self.hub.now) + _STEP_MS))

    async def _until_due(self, clock: MarketClock) -> None:
        """Wait for the next moment at which something is due; a long answer is due at once."""
        self._woken.clear()
        while not self.hub.jobs:
            due = self.hub.next_due()
            wait_s = None if due is None else clock.wall_seconds_until(due)
            if wait_s == 0:
                return
            try:
                async with asyncio.timeout(wait_s):
                    await self._woken.wait()
            except TimeoutError:
                return
            self._woken.clear()

    def _flush(self) -> None:
        for connection in tuple(self._connections):
            connection.flush()

    async def _close(self) -> None:
        """Stop accepting, ask connections to close, wait to a deadline, then cut them."""
        if self._server is None:
            return
        self._server.close()
        for connection in tuple(self._connections):
            connection.close()
        try:
            async with asyncio.timeout(_SHUTDOWN_S):
                for connection in tuple(self._connections):
                    await connection.closed.wait()
        except TimeoutError:
            for connection in tuple(self._connections):
                connection.abort()
        await self._server.wait_closed()


def _clock_for(settings: GatewaySettings) -> MarketClock:
    start = (
        default_start(int(datetime.now(UTC).timestamp() * 1000))
        if settings.start is None
        else int(settings.start.timestamp() * 1000)
    )
    return MarketClock(start=start, speed=settings.speed, monotonic=time.monotonic)
