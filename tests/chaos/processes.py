"""The two programs of a run, each of which can be quit, and killed at any moment.

A process that is killed does nothing more: not a byte leaves it, nothing of it is tidied up, and
its file stays as it was at that moment. So a killed one is cut off here: what it still sends is
lost, its file is copied away in the very call in which it dies, and whatever its code does on the
way out happens to the old copy, and to nobody.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from contextvars import copy_context
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from apps.domain.errors import DeskError
from apps.domain.records import Record
from apps.domain.risk import RiskLimits, TradingMode
from apps.domain.trading_state import ACTIVE, Trading
from apps.engine.alerts import Alert, AlertKind, AlertSink
from apps.engine.desk import Desk, ShutdownReport
from apps.engine.parts import Parts
from apps.engine.previews import OrderDefaults
from apps.engine.risk.trading_switch import KillOrder
from apps.ib.connection import Endpoint
from apps.ib.gateway import IBGateway
from apps.paper.clock import MarketClock
from apps.paper.exchange.record import ExchangeRecord
from apps.paper.feed.market import Market, Millis
from apps.paper.server import PaperGateway
from apps.paper.settings import GatewaySettings
from apps.paper.state.file import StateFile
from apps.paper.tap import Tap
from apps.store.journal.file import JournalFile
from tests.chaos.virtual_loop import OWNER, End, VirtualLoop

__all__ = ["CLIENT_ID", "DeskProcess", "GatewayProcess", "Keeper", "LoopClock", "Process"]

T = TypeVar("T")

CLIENT_ID = 7
_LEAVING_S = 20.0
_MANY_RETRIES = 40
_RETRY_S = 5.0


class LoopClock:
    """The desk's clock: the loop's own time."""

    def monotonic(self) -> float:
        """Give the loop's seconds."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Pause."""
        await asyncio.sleep(seconds)


class Keeper:
    """Keeps the trading state over the desks of one run."""

    def __init__(self) -> None:
        self.kept = ACTIVE

    def load(self) -> Trading:
        """Give what was kept."""
        return self.kept

    def save(self, trading: Trading) -> None:
        """Keep it."""
        self.kept = trading

    def kill_order(self) -> KillOrder | None:
        """Give none."""
        return None


class WatchedJournal(JournalFile):
    """The real journal; ``wrote`` hears of each write once it is done."""

    wrote: Callable[[tuple[Record, ...]], None] = staticmethod(lambda _records: None)

    def write(self, *records: Record) -> None:
        """Write, and tell."""
        super().write(*records)
        self.wrote(records)


class WatchedStore(StateFile):
    """The real state file; ``wrote`` hears of each change once it is written down."""

    wrote: Callable[[], None] = staticmethod(lambda: None)

    def keep(self, changes: ExchangeRecord | None, now: Millis) -> None:
        """Write, and tell."""
        super().keep(changes, now)
        if changes is not None:
            self.wrote()


class Process:
    """What both have in common: an owner's name, a task that is its life, and its end."""

    def __init__(self, loop: VirtualLoop, name: str) -> None:
        self.name = name
        self.is_killed = False
        self._loop = loop
        self._context = copy_context()
        self._context.run(OWNER.set, name)
        self._leaving = asyncio.Event()
        self._life: asyncio.Task[None] | None = None
        self._opened: asyncio.Future[None] = loop.create_future()

    async def start(self) -> None:
        """Begin; returns when it is open. Raises what kept it from opening."""
        self._life = self.run(self._live())
        done, _ = await asyncio.wait(
            {self._life, self._opened}, return_when=asyncio.FIRST_COMPLETED
        )
        if self._life in done and not self._life.cancelled():
            self._life.result()  # raises why

    def run(self, act: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run something as a part of this process."""
        return self._loop.create_task(act, context=self._context)

    def call(self, act: Callable[..., T], *args: Any) -> T:
        """Call something as a part of this process."""
        return self._context.copy().run(act, *args)

    async def quit(self) -> None:
        """Leave as it should be left."""
        self._leaving.set()
        if self._life is not None:
            async with asyncio.timeout(_LEAVING_S):
                await asyncio.wait({self._life})

    def kill(self) -> None:
        """Die in this very moment; may be called from within its own code."""
        self.is_killed = True
        for end in self._loop.open_ends(self.name):
            end.on_send = _lost
            end.cut()
        self._loop.call_soon(self._bury)

    def takes(self, end: End) -> None:
        """Have a connection that a dead process still made lead nowhere."""
        if self.is_killed and end.owner == self.name:
            end.on_send = _lost

    async def buried(self) -> None:
        """Wait until a killed one has left nothing behind in this loop."""
        while left := self._loop.open_tasks(self.name):
            for task in left:
                task.cancel()
            await asyncio.wait(left)

    def _bury(self) -> None:
        for task in self._loop.open_tasks(self.name):
            task.cancel()

    async def _live(self) -> None:
        raise NotImplementedError

    def _is_open(self) -> None:
        if not self._opened.done():
            self._opened.set_result(None)


def _lost(_: bytes) -> bool:
    return False


class GatewayProcess(Process):
    """A paper gateway on its state file."""

    gateway: PaperGateway

    def __init__(
        self,
        loop: VirtualLoop,
        name: str,
        path: Path,
        settings: GatewaySettings,
        market: Market,
        start: Millis,
        tap: Tap,
        wrote: Callable[[], None],
    ) -> None:
        super().__init__(loop, name)
        self.path = path
        self._wrote = wrote
        self._settings = settings
        self._market = market
        self._start = start
        self._tap = tap

    def kill(self) -> None:
        """Die; the state file goes on as a copy made now."""
        self.path = _copied(self.path)
        self.gateway.shut_port()
        super().kill()

    async def _live(self) -> None:
        async with AsyncExitStack() as stack:
            store = stack.enter_context(WatchedStore.open(self.path))
            assert isinstance(store, WatchedStore)
            store.wrote = self._wrote_to
            store.settle(accounts=self._settings.accounts, cash=self._settings.cash)
            clock = MarketClock(start=self._start, speed=1.0, monotonic=self._loop.time)
            self.gateway = await stack.enter_async_context(
                PaperGateway.open(
                    self._settings, market=self._market, clock=clock, store=store, tap=self._tap
                )
            )
            self._is_open()
            await self._leaving.wait()

    def _wrote_to(self) -> None:
        if not self.is_killed:
            self._wrote()


class DeskProcess(Process):
    """A desk on its journal file, over a real socket. ``report`` is what it left behind."""

    desk: Desk
    ib: IBGateway

    def __init__(
        self,
        loop: VirtualLoop,
        name: str,
        path: Path,
        port: int,
        *,
        keeper: Keeper,
        suffixes: count[int],
        alerts: AlertSink,
        wrote: Callable[[tuple[Record, ...]], None],
        jitter: Callable[[], float],
    ) -> None:
        super().__init__(loop, name)
        self.path = path
        self.report: ShutdownReport | None = None
        self.journal: WatchedJournal
        self._port = port
        self._keeper = keeper
        self._suffixes = suffixes
        self._alerts = alerts
        self._wrote = wrote
        self._jitter = jitter

    @property
    def is_open(self) -> bool:
        """It has begun, and is neither quit nor killed."""
        return self._opened.done() and not self.is_killed and not self._leaving.is_set()

    @property
    def is_up(self) -> bool:
        """It runs, and its link takes orders."""
        return self.is_open and self.ib.broker.link.takes_orders

    async def start(self) -> None:
        """Begin; a desk that finds nobody is started again, as a person would."""
        for _ in range(_MANY_RETRIES):
            with suppress(DeskError):
                await super().start()
                return
            await asyncio.sleep(_RETRY_S)
            if self.is_killed:
                return
        raise AssertionError("the desk never found the gateway again")

    def kill(self) -> None:
        """Die; the journal goes on as a copy made now."""
        self.path = _copied(self.path)
        super().kill()

    async def _live(self) -> None:
        async with AsyncExitStack() as stack:
            journal = stack.enter_context(WatchedJournal.open(self.path))
            assert isinstance(journal, WatchedJournal)
            self.journal = journal
            journal.wrote = self._wrote_to
            self.ib = await stack.enter_async_context(self._linked())
            await self.ib.connect()
            keeping = asyncio.create_task(self.ib.keep_connected(), name="keep connected")
            try:
                self.desk = self._new_desk()
                async with self.desk:
                    self._is_open()
                    await self._leaving.wait()
                    self.report = await self.desk.shutdown()
            finally:
                keeping.cancel()
                await asyncio.wait({keeping})

    def _linked(self) -> IBGateway:
        return IBGateway(
            Endpoint("127.0.0.1", self._port, CLIENT_ID),
            clock=LoopClock(),
            on_error=lambda text, _: self._alerts(Alert(AlertKind.WARNING, text)),
            jitter=self._jitter,
        )

    def _new_desk(self) -> Desk:
        return Desk(
            Parts(
                broker=self.ib.broker,
                market=self.ib.market_data,
                clock=LoopClock(),
                limits=RiskLimits(),
                trading_mode=TradingMode.PAPER,
                defaults=OrderDefaults(),
                alerts=self._told,
                journal=self.journal,
                ref_suffix=lambda: f"{next(self._suffixes):06d}",
                keeper=self._keeper,
            )
        )

    def _told(self, alert: Alert) -> None:
        if not self.is_killed:
            self._alerts(alert)

    def _wrote_to(self, records: tuple[Record, ...]) -> None:
        if not self.is_killed:
            self._wrote(records)


_COPIES = count(1)


def _copied(path: Path) -> Path:
    """Copy a database as a kill leaves it: the file and its log, whole up to this moment."""
    copy = path.with_name(f"{path.stem}-{next(_COPIES)}{path.suffix}")
    for ending in ("", "-wal"):
        source = path.with_name(path.name + ending)
        if source.exists():
            shutil.copy(source, copy.with_name(copy.name + ending))
    return copy
