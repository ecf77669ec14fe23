"""A week in the life of a desk and its gateway, in one loop whose time jumps where nobody works.

Watchers of the crowd stay for all of it, with levels out of reach; each session some more are armed
near the price, and trade. At night the gateway restarts. At the end of each day it is looked at
what was heard, what was made, and what is held.
"""

from __future__ import annotations

import asyncio
import gc
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import count, cycle, islice, pairwise
from math import inf
from pathlib import Path
from random import Random
from time import perf_counter

from apps.domain.bars import Bar
from apps.domain.calm import Calm
from apps.domain.errors import DeskError
from apps.domain.gaps import Gap, Replay
from apps.domain.restart_window import parse_restart_windows
from apps.engine.alerts import Alert, AlertKind
from apps.engine.requests import BreakoutRequest
from apps.ib.connection import Endpoint
from apps.ib.gateway import IBGateway
from apps.paper.clock import millis_of, time_at
from apps.paper.feed.market import BarSource, Millis
from apps.paper.feed.synthetic import SyntheticMarket
from apps.paper.hours.calendar import CalendarName, Session, sessions
from apps.paper.limits import NO_LIMITS
from apps.paper.settings import GatewaySettings
from apps.paper.tap import NO_TAP
from benchmarks.resident import empty_caches
from benchmarks.script import us_stocks
from tests.chaos.processes import CLIENT_ID, DeskProcess, GatewayProcess, Keeper, LoopClock
from tests.chaos.virtual_loop import VirtualLoop, run_virtually

__all__ = ["Day", "Soak", "Story"]

_RESTARTS = "23:45-00:45"
_RESTART = "restart at=23:50 for_s=240 times=0"
_OUT_OF_REACH = ("+25%", "-25%")
_NEAR = ("+0.15%", "-0.15%")
_SETTLE_S = 900.0
_MOST_DRIFT_S = 10.0
_MOST_KEPT = 600
"""Blocks that a trade may leave at desk and gateway, or a watcher that is armed."""
_PATIENCE_S = 3_600.0
_ACCOUNT = "DU1234567"


@dataclass(frozen=True, slots=True)
class Soak:
    """From ``start`` to ``end``, with a ``crowd`` of watchers, and ``traders`` more a session."""

    start: datetime
    end: datetime
    symbols: int = 60
    crowd: int = 180
    traders: int = 20
    seed: int = 1

    def run(self, on_day: Callable[[Day], None]) -> Story:
        """Live through it; ``on_day`` is told each day as it ends."""
        folder = Path(tempfile.mkdtemp(prefix="desk-soak-"))
        try:
            return run_virtually(
                lambda loop: _Life(loop, self, folder, on_day).live(), within_s=_PATIENCE_S
            )
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Day:
    """How things stand after a session. ``drift_s`` is how far the desk's clock is off."""

    date: str
    bars: int
    watching: int
    trades: int
    epochs: int
    drift_s: float
    blocks: int
    tasks: int
    sockets: int
    streams: int
    journal_bytes: int
    machine_s: float


@dataclass(slots=True)
class Story:
    """What came of it. ``broken`` are sentences on what must not be."""

    days: list[Day] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    errors: list[Alert] = field(default_factory=list)


@dataclass(slots=True)
class _Ear:
    """Counts the bars of one symbol, and keeps what was wrong with them."""

    bars: int = 0
    last: datetime | None = None
    wrong: list[str] = field(default_factory=list)
    torn: list[Gap] = field(default_factory=list)

    def on_bar(self, bar: Bar, *, after_gap: bool) -> None:
        if self.last is not None and bar.start <= self.last:
            self.wrong.append(f"the bar of {bar.start} came after that of {self.last}")
        self.last = bar.start
        self.bars += 1

    def on_replay(self, replay: Replay) -> None:
        for bar in replay.bars:
            self.on_bar(bar, after_gap=False)
        self.torn += [] if replay.torn is None else [replay.torn]

    def on_blind(self, reason: str) -> None: ...

    def on_sight(self) -> None: ...

    def on_failure(self, error: Exception) -> None:
        raise error

    def calm(self) -> Calm | None:
        return None

    def urgency(self) -> float:
        return inf


class _Desk(DeskProcess):
    """A desk that knows when the gateway restarts, under limits that never bind."""

    def _linked(self) -> IBGateway:
        return IBGateway(
            Endpoint("127.0.0.1", self._port, CLIENT_ID),
            clock=LoopClock(),
            on_error=lambda text, _: self._alerts(Alert(AlertKind.WARNING, text)),
            restarts=parse_restart_windows(_RESTARTS),
            jitter=self._jitter,
        )


class _Life:
    def __init__(
        self, loop: VirtualLoop, soak: Soak, folder: Path, on_day: Callable[[Day], None]
    ) -> None:
        self._loop = loop
        self._soak = soak
        self._folder = folder
        self._on_day = on_day
        self._story = Story()
        self._luck = Random(soak.seed)  # noqa: S311 - the same seed, the same week
        self._began_s = perf_counter()
        self._began = loop.time()
        self._ears: dict[str, _Ear] = {}

    async def live(self) -> Story:
        async with self._gateway() as gateway, self._desk(gateway) as desk:
            await self._listen(desk)
            await self._arm(desk, self._soak.crowd, cycle(_OUT_OF_REACH))
            gateway.gateway.faults.inject(_RESTART)
            for session in self._sessions():
                await self._through(session, gateway, desk)
            await self._until(millis_of(self._soak.end))
            self._look_for_leaks()
        return self._story

    @asynccontextmanager
    async def _gateway(self) -> AsyncIterator[GatewayProcess]:
        settings = GatewaySettings(
            accounts=(_ACCOUNT,),
            start=self._soak.start,
            seed=self._soak.seed,
            cash=Decimal(100_000_000),
            limits=NO_LIMITS,
        )
        process = GatewayProcess(
            self._loop,
            "gateway",
            self._folder / "gateway.db",
            settings,
            SyntheticMarket(seed=self._soak.seed),
            millis_of(self._soak.start),
            NO_TAP,
            lambda: None,
        )
        await process.start()
        yield process
        await process.quit()

    @asynccontextmanager
    async def _desk(self, gateway: GatewayProcess) -> AsyncIterator[_Desk]:
        suffixes = count(1)
        process = _Desk(
            self._loop,
            "desk",
            self._folder / "journal.db",
            gateway.gateway.port,
            keeper=Keeper(),
            suffixes=suffixes,
            alerts=self._alerted,
            wrote=lambda _records: None,
            jitter=self._luck.random,
        )
        await process.start()
        yield process
        await process.quit()
        left = [task.get_name() for task in self._loop.open_tasks("desk")]
        if left or gateway.gateway.counts().connections:
            self._broken(f"the desk left behind: {left}, {gateway.gateway.counts()}")

    async def _listen(self, desk: _Desk) -> None:
        for listing in us_stocks(self._soak.symbols):
            instrument = await desk.ib.market_data.qualify(listing.symbol)
            self._ears[listing.symbol] = _Ear()
            await desk.desk._feeds.join(instrument, self._ears[listing.symbol])

    async def _arm(self, desk: _Desk, watchers: int, levels: Iterator[str]) -> None:
        for symbol in islice(cycle(self._ears), watchers):
            wanted = BreakoutRequest(symbol, next(levels), quantity="10")
            try:
                await desk.desk.arm(await desk.desk.preview_breakout(wanted))
            except DeskError as error:
                self._broken(f"{symbol} cannot be watched: {error}")

    async def _through(self, session: Session, gateway: GatewayProcess, desk: _Desk) -> None:
        opens, closes = session.regular
        await self._until(opens + 120_000)
        await self._arm(desk, self._soak.traders, cycle(_NEAR))
        await self._until(closes)
        await asyncio.sleep(_SETTLE_S)
        before = sum(day.bars for day in self._story.days)
        for symbol, ear in self._ears.items():
            self._judge(symbol, ear)
        day = await self._day(session, gateway, desk, before)
        self._judge_bars(session, gateway, day)
        self._story.days.append(day)
        self._on_day(day)

    async def _day(
        self, session: Session, gateway: GatewayProcess, desk: _Desk, before: int
    ) -> Day:
        asked = await desk.desk._market_clock.ask()
        empty_caches()
        gc.collect()
        views = desk.desk.watchers()
        day = Day(
            date=f"{time_at(session.regular[0]):%a %d %b}",
            bars=sum(ear.bars for ear in self._ears.values()) - before,
            watching=sum(not view.phase.is_over for view in views),
            trades=len(desk.desk.trades()),
            epochs=desk.desk.link.epoch,
            drift_s=abs(gateway.gateway.hub.now - millis_of(asked)) / 1000,
            blocks=sys.getallocatedblocks(),
            tasks=len(self._loop.open_tasks("desk")),
            sockets=len(self._loop.open_ends("desk")),
            streams=gateway.gateway.counts().hub.streams,
            journal_bytes=desk.path.stat().st_size,
            machine_s=perf_counter() - self._began_s,
        )
        if day.drift_s > _MOST_DRIFT_S:
            self._broken(f"{day.date}: the desk's market clock is {day.drift_s} s off")
        return day

    def _judge(self, symbol: str, ear: _Ear) -> None:
        for wrong in (*ear.wrong, *(f"{gap} is missing" for gap in ear.torn)):
            self._broken(f"{symbol}: {wrong}")
        ear.wrong.clear()
        ear.torn.clear()

    def _judge_bars(self, session: Session, gateway: GatewayProcess, day: Day) -> None:
        """Compare with what the market itself says that it made, from the moment we listened."""
        opens, closes = session.regular
        since = max(opens, millis_of(self._soak.start))
        made = sum(
            len(
                gateway.gateway.market.bars(
                    listing, BarSource.TRADES, 5, since, closes, regular_only=True
                )
            )
            for listing in us_stocks(self._soak.symbols)
        )
        # the bar that runs when the first subscription comes is not the desk's
        if not made - self._soak.symbols <= day.bars <= made:
            self._broken(f"{day.date}: {day.bars} bars were heard, and {made} were made")

    def _look_for_leaks(self) -> None:
        """Each day has its watchers and its trades, which are kept; nothing else may grow."""
        days = self._story.days
        for one, other in pairwise(days[1:]):
            kept = (other.trades - one.trades + self._soak.traders) * _MOST_KEPT
            if other.blocks - one.blocks > kept:
                self._broken(f"{other.date}: {other.blocks - one.blocks} more blocks are held")
            if (other.sockets, other.streams) != (one.sockets, one.streams):
                self._broken(f"{other.date}: {other.sockets} sockets, {other.streams} streams")

    def _sessions(self) -> Iterator[Session]:
        start, end = millis_of(self._soak.start), millis_of(self._soak.end)
        for session in sessions(CalendarName.US_EQUITY, start, end):
            if start <= session.regular[1] <= end:
                yield session

    async def _until(self, at: Millis) -> None:
        passed_s = self._loop.time() - self._began
        left_s = (at - millis_of(self._soak.start)) / 1000 - passed_s
        await asyncio.sleep(max(0.0, left_s))

    def _alerted(self, alert: Alert) -> None:
        if alert.kind is AlertKind.ERROR:
            self._story.errors.append(alert)

    def _broken(self, text: str) -> None:
        self._story.broken.append(text)
