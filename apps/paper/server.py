"""The paper gateway on a socket: connections, and the market's clock that drives them.

Reads as start, life, stop. Everything that decides anything is pure and lives in
`apps.paper.hub`; here bytes come in, bytes go out, and time is told.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from apps.paper.clock import ManualClock, MarketClock, default_start, millis_of
from apps.paper.connection import ClientSocket
from apps.paper.faults.conditions import Condition
from apps.paper.faults.gate import Gate
from apps.paper.faults.injector import FaultInjector
from apps.paper.feed.disturbed import DisturbedMarket
from apps.paper.feed.market import Market, Millis
from apps.paper.feed.synthetic import SyntheticMarket
from apps.paper.hub import Hub, HubCounts
from apps.paper.instruments.catalogue import Catalogue
from apps.paper.port import ListeningPort
from apps.paper.settings import GatewaySettings
from apps.paper.state.errors import StateLost
from apps.paper.tap import NO_TAP, Tap
from apps.paper.wall import LoopWall, Wall
from apps.paper.world import Store

__all__ = ["GatewayCounts", "GatewaySettings", "PaperGateway"]

_LOGGER = logging.getLogger(__name__)

_STEPS_MS = (20, 5_000)
"""Market time is played in steps from so much to so much, the shorter the more there is to do."""

_TURN_S = 0.02
"""How long the market may be played in one go; then the sockets are served."""

_SHUTDOWN_S = 2.0
"""How long connections may take to close before they are cut."""


@dataclass(frozen=True, slots=True)
class GatewayCounts:
    """What there is: sockets, named by a client or not, and what the hub has."""

    connections: int
    hub: HubCounts


class PaperGateway:
    """A TWS look-alike on one loopback port, with its own market, exchange and accounts.

    ``hub`` is its state, for those who judge by it; ``clock`` its market time; ``faults`` what is
    to go wrong. ``ended`` is set when the market or the state file failed: nobody is told anything
    any more, and leaving `open`'s block raises why.
    """

    def __init__(
        self,
        hub: Hub,
        clock: MarketClock | ManualClock,
        settings: GatewaySettings,
        *,
        market: DisturbedMarket,
        wall: Wall,
        tap: Tap,
    ) -> None:
        self.hub = hub
        self.clock = clock
        self.market = market
        self.wall = wall
        self.tap = tap
        self.faults = FaultInjector(self, seed=settings.fault_seed)
        self._connections: dict[ClientSocket, None] = {}  # in order: same seed, same transcript
        self._count = 0
        self._port = ListeningPort(settings.host, settings.port, self._new_socket)
        self._is_closing = False
        self._is_behind = False
        self._step_ms = _STEPS_MS[1]
        self._woken = asyncio.Event()
        self.ended = asyncio.Event()
        self._failure: BaseException | None = None

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        settings: GatewaySettings | None = None,
        *,
        market: Market | None = None,
        clock: MarketClock | ManualClock | None = None,
        store: Store | None = None,
        tap: Tap | None = None,
        wall: Wall | None = None,
    ) -> AsyncIterator[PaperGateway]:
        """Serve until the block ends. ``port`` 0 takes a free one; read it from the gateway.

        With a ``store`` the gateway goes on from what that holds; a ``tap`` hears all that is said;
        ``wall`` are this machine's seconds, for tests that want to count them. Raises OSError when
        the address cannot be had, StateRefused for a store that cannot be read.
        """
        wanted = settings or GatewaySettings()
        running_clock = clock or _clock_for(wanted)
        disturbed = DisturbedMarket(market or SyntheticMarket(seed=wanted.seed))
        hub = Hub(wanted, catalogue=Catalogue.load(), market=disturbed, start=running_clock.now())
        machine = wall or LoopWall()
        hub.wall_s = machine.now_s
        if store is not None:
            hub.resume(store)
        gateway = cls(hub, running_clock, wanted, market=disturbed, wall=machine, tap=tap or NO_TAP)
        gateway.tap.started(lambda: hub.now, machine.now_s)
        await gateway._port.open()
        gateway.faults.inject_all(wanted.faults)
        playing = gateway._start_playing()
        try:
            yield gateway
        finally:
            await gateway._close()
            if playing is not None:
                playing.cancel()
                await asyncio.wait([playing])
            if gateway._failure is not None:
                raise gateway._failure

    @property
    def host(self) -> str:
        """The address it listens on."""
        return self._port.host

    @property
    def port(self) -> int:
        """The port it listens on, or would if no fault had shut it."""
        return self._port.port

    def counts(self) -> GatewayCounts:
        """Say what there is, for those who look for what was left behind."""
        return GatewayCounts(len(self._connections), self.hub.counts())

    def advance_to(self, at: Millis) -> None:
        """Play the market up to ``at`` and send what comes of it (for a manual clock)."""
        if isinstance(self.clock, ManualClock):
            self.clock.advance_to(at)
        self.hub.advance(at)
        self._flush()

    def settle(self) -> None:
        """Bring the hub to the clock's present before a request is answered.

        A market that is asked to run faster than it can be made falls behind its clock rather than
        keep its clients waiting: what they are told is always of the market's own time. While it
        is behind, requests come between two turns of its own, and not each after another one.
        """
        if isinstance(self.clock, ManualClock):
            self.hub.advance(self.clock.now())
        elif not self._is_behind:
            self._catch_up(self.clock)

    def flush(self) -> None:
        """Send what waits for any client, and look again at what is due next."""
        if isinstance(self.clock, ManualClock):
            # nobody else would, and the same requests are to give the same transcript
            while self.hub.work():
                pass
        self._flush()
        self._woken.set()

    def commit(self) -> bool:
        """Have all that happened outlive this process; False when it cannot, and all is over."""
        try:
            self.hub.commit()
        except StateLost as error:
            self._fail(error)
            return False
        return True

    # -- what its sockets tell -------------------------------------------------------------------

    def joined(self, socket: ClientSocket) -> int:
        """Take note of a new connection; give its number."""
        self._connections[socket] = None
        self._count += 1
        if self._is_closing:  # it was accepted before the port was closed
            socket.abort()
        return self._count

    def left(self, socket: ClientSocket) -> None:
        """Forget a connection that ended."""
        self._connections.pop(socket, None)
        self._woken.set()

    # -- what its faults do ----------------------------------------------------------------------

    def gates(self) -> tuple[Gate, ...]:
        """Give the connections there are."""
        return tuple(socket.gate for socket in self._connections)

    def shut_port(self) -> None:
        """Stop listening; whoever is connected stays."""
        self._port.shut()

    def open_port(self) -> None:
        """Listen again where it did."""
        self._port.open_again()

    def move_port(self, port: int) -> int:
        """Listen on another port instead, 0 for a free one; give it."""
        return self._port.move(port)

    def stand(self, condition: Condition) -> None:
        """Let a condition stand that no fault ends."""
        self.faults.stand(condition)

    def report(self, what: Mapping[str, object]) -> None:
        """Have it written down that a fault began, or ended."""
        self.tap.fault(what)

    # -- life ------------------------------------------------------------------------------------

    def _new_socket(self) -> ClientSocket:
        return ClientSocket(self)

    def _start_playing(self) -> asyncio.Task[None] | None:
        """Follow a clock that runs by itself; a market that fails leaves nobody waiting."""
        if not isinstance(self.clock, MarketClock):
            return None
        playing = asyncio.create_task(self._play(self.clock), name="paper market time")
        playing.add_done_callback(self._playing_ended)
        return playing

    def _playing_ended(self, playing: asyncio.Task[None]) -> None:
        if not playing.cancelled() and (error := playing.exception()) is not None:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        """Cut everybody off: what they would be told from now on is not so."""
        _LOGGER.error("the gateway cannot go on: %r", error)
        self._failure = self._failure or error
        for socket in tuple(self._connections):
            socket.abort()
        self.ended.set()

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
        now, began_s = clock.now(), time.monotonic()
        at_s, turn_ends_s = began_s, began_s + _TURN_S
        while self.hub.now < now and at_s < turn_ends_s:
            due = self.hub.next_due()
            step_ends = now if due is None else max(due, self.hub.now) + self._step_ms
            self.hub.advance(min(now, step_ends))
            took_s, at_s = time.monotonic() - at_s, time.monotonic()
            self._step_ms = _next_step_ms(self._step_ms, took_s)
        self._is_behind = self.hub.now < now

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
        if not self.commit():  # what is told must outlive a kill
            return
        is_quiet = self.faults.is_quiet
        for connection in tuple(self._connections):
            connection.flush()
        if not is_quiet:
            self._flush_what_faults_did()

    def _flush_what_faults_did(self) -> None:
        """Send what a fault that was set off by one client's message did to the others."""
        while any(connection.has_news for connection in self._connections) and self.commit():
            for connection in tuple(self._connections):
                connection.flush()
        self.faults.flushed()

    async def _close(self) -> None:
        """Stop accepting, ask connections to close, wait to a deadline, then cut them."""
        self._is_closing = True
        self.faults.close()
        closed = asyncio.create_task(self._port.close())
        for connection in tuple(self._connections):
            connection.close()
        try:
            async with asyncio.timeout(_SHUTDOWN_S):
                for connection in tuple(self._connections):
                    await connection.closed.wait()
        except TimeoutError:
            for connection in tuple(self._connections):
                connection.abort()
        await closed
        if self.hub.sessions:
            _LOGGER.warning("left behind at the end: %s", self.counts())


def _next_step_ms(step_ms: Millis, took_s: float) -> Millis:
    """Give a step that takes a part of a turn, by how long the last one took."""
    shortest, longest = _STEPS_MS
    if took_s > _TURN_S / 2:
        return max(shortest, step_ms // 2)
    return min(longest, step_ms * 2) if took_s < _TURN_S / 8 else step_ms


def _clock_for(settings: GatewaySettings) -> MarketClock:
    start = (
        default_start(int(datetime.now(UTC).timestamp() * 1000))
        if settings.start is None
        else millis_of(settings.start)
    )
    return MarketClock(start=start, speed=settings.speed, monotonic=time.monotonic)
