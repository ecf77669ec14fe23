"""One run: a desk and a gateway live through a plan, and the judge says what did not hold."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from datetime import datetime
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from apps.domain.orders import Side
from apps.domain.records import Record
from apps.engine.alerts import Alert
from apps.paper.clock import millis_of, time_at
from apps.paper.feed.market import BarSource
from apps.paper.server import PaperGateway
from apps.paper.settings import GatewaySettings
from apps.paper.wire import Request, Response
from tests.chaos.bar_probe import BarProbe
from tests.chaos.darkness import is_dark
from tests.chaos.judge import Invariant, Judge, Situation
from tests.chaos.market_path import PathMarket
from tests.chaos.outcome import Crash, Outcome
from tests.chaos.phases import PhaseWatch
from tests.chaos.plan import Ending, Plan
from tests.chaos.processes import DeskProcess, GatewayProcess, Keeper, Process
from tests.chaos.scenery import ACCOUNT, ENTERED_AFTER_S, EntryFills, listings, market_at, paths
from tests.chaos.strikes import Strikes
from tests.chaos.trader import Trader
from tests.chaos.verdict import judge_end, judge_what_is_left
from tests.chaos.virtual_loop import End, VirtualLoop, run_virtually
from tests.chaos.wiretap import Wiretap

__all__ = ["run_plan"]

ARMED_AFTER_S = 10.0
FAULTS_END_S = 140.0
"""After so long everything is put right that is still wrong."""
SETTLED_S = 260.0
"""After so long all that heals by itself has: reconciliation comes each minute."""

_LONGEST_QUIT_S = 5.0
_MOST_CHORES_S = 300.0


def run_plan(plan: Plan, *, tells: bool = False, crash: Crash | None = None) -> Outcome:
    """Live through a plan; ``tells`` keeps the whole story.

    With a ``crash`` that is what goes wrong, instead of the plan's faults.
    """
    folder = Path(tempfile.mkdtemp(prefix="chaos-", dir=_fast_folder()))
    try:
        return run_virtually(lambda loop: _Run(loop, plan, folder, tells, crash).whole())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fast_folder() -> str | None:
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
    return str(memory) if memory.is_dir() else None


class _Run:
    """The life of one plan; see `tests.chaos.strikes.Scene`."""

    def __init__(
        self, loop: VirtualLoop, plan: Plan, folder: Path, tells: bool, crash: Crash | None
    ) -> None:
        self.gateway_process: GatewayProcess | None = None
        self.desk_process: DeskProcess | None = None
        self.trader = Trader(plan, lambda: self.desk_process, self.say)
        self._loop = loop
        self._plan = plan
        self._folder = folder
        self._luck = Random(f"run {plan.seed}")  # noqa: S311 - repeatable luck is the point
        self._side = Side.BUY if plan.is_long else Side.SELL
        self._began_s = loop.time()
        self._tap = Wiretap(self._now_s, keeps=tells)
        self._judge = Judge(self._now_s, self._side, listings(), self._gateway, self._situation)
        self._strikes = Strikes(self, plan, self._luck, crash)
        self._phases = PhaseWatch(self._side, plan.quantity, self._strikes.reached)
        self._probe = BarProbe()
        self._keeper = Keeper()
        self._market = PathMarket(paths(plan))
        self._port = 0
        self._names = count(1)
        self._suffixes = count(1)
        self._chores: set[asyncio.Task[None]] = set()
        self._context = copy_context()
        self._error: Exception | None = None

    # -- the whole of it -------------------------------------------------------------------------

    async def whole(self) -> Outcome:
        """Live, and give what came of it."""
        self._loop.on_jump = self._judge.on_jump
        self._loop.on_connect = self._connected
        self._tap.on_request = self._requested
        self._tap.on_response = self._responded
        with self._probe.looking():
            await self._live()
        if self._error is not None:
            raise self._error
        for each in self._loop.complaints:
            text = f"{each.get('message')}: {each.get('exception')!r}"
            self._judge.rule(Invariant.ALIVE, text)
        strikes = self._strikes
        return Outcome(
            self._plan,
            self._judge.broken,
            strikes.cells,
            strikes.fired,
            self._tap.lines,
            strikes.writes,
        )

    async def _live(self) -> None:
        await self._open_gateway()
        await self._open_desk()
        await self.trader.arm()
        await self._until(ARMED_AFTER_S)
        self._phases.armed()
        if self._plan.ending is Ending.CLOSE:
            await self._until(self._plan.breaks_at_s + ENTERED_AFTER_S + self._plan.ends_after_s)
            self.chore(self.trader.close())
        await self._until(FAULTS_END_S)
        self.say("== everything is put right ==")
        self._strikes.put_right()
        await self._until(SETTLED_S)
        await self._end()

    async def _end(self) -> None:
        await self._chores_done()
        desk, process = self.desk_process, self.gateway_process
        assert desk is not None
        assert process is not None
        judge_end(self._judge, desk, process.gateway, self._probe, self._has_bars)
        self._judge.on_jump(0.0)
        await self._quit(desk)
        await asyncio.sleep(1.0)
        judge_what_is_left(self._judge, self._loop, desk, process.gateway)
        await process.quit()

    async def _until(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds - self._now_s()))

    async def _chores_done(self) -> None:
        while running := [task for task in self._chores if not task.done()]:
            async with asyncio.timeout(_MOST_CHORES_S):
                await asyncio.wait(running)
        for task in self._chores:
            task.result()

    # -- what the judge asks ---------------------------------------------------------------------

    def _now_s(self) -> float:
        return self._loop.time() - self._began_s

    def _gateway(self) -> PaperGateway | None:
        process = self.gateway_process
        return None if process is None or process.is_killed else process.gateway

    def _situation(self) -> Situation:
        desk, gateway = self.desk_process, self._gateway()
        is_up = desk is not None and desk.is_up
        return Situation(is_up, gateway is None or is_dark(gateway), self._keeper.kept.state)

    def _has_bars(self, symbol: str, start: datetime, end: datetime) -> bool:
        gateway = self._gateway()
        listing = next(each for each in listings() if each.symbol == symbol)
        market = self._market if gateway is None else gateway.market
        since, until = millis_of(start), millis_of(end)
        return bool(market.bars(listing, BarSource.TRADES, 5, since, until, regular_only=True))

    # -- processes -------------------------------------------------------------------------------

    async def _open_gateway(self) -> None:
        start, before, plan = market_at(self._now_s()), self.gateway_process, self._plan
        name = f"gateway {next(self._names)}"
        process = GatewayProcess(
            self._loop,
            name,
            self._folder / "gateway.db" if before is None else before.path,
            GatewaySettings(
                port=self._port,
                accounts=(ACCOUNT,),
                policy=plan.policy.rules,
                start=time_at(start),
            ),
            self._market,
            start,
            self._tap,
            lambda: self._strikes.wrote(name),
        )
        await process.start()
        self.gateway_process, self._port = process, process.gateway.port
        hub = process.gateway.hub
        if plan.rests_s or plan.pieces:
            hub.exchange.fill_sizes = EntryFills(
                self._side, plan.rests_s, plan.pieces, lambda: hub.now
            )
        self._judge.link_is_new()
        self.say(f"{name} is open")

    async def _open_desk(self) -> None:
        before = self.desk_process
        process = DeskProcess(
            self._loop,
            f"desk {next(self._names)}",
            self._folder / "journal.db" if before is None else before.path,
            self._port,
            keeper=self._keeper,
            suffixes=self._suffixes,
            alerts=self._alerted,
            wrote=self._wrote,
            jitter=self._luck.random,
        )
        self.desk_process = process
        await process.start()
        self.say(f"{process.name} is open")

    async def _quit(self, desk: DeskProcess) -> None:
        began_s = self._loop.time()
        try:
            await desk.quit()
        except TimeoutError:
            self._judge.rule(Invariant.ALIVE, "the desk does not quit")
            desk.kill()
            await desk.buried()
        if (took_s := self._loop.time() - began_s) > _LONGEST_QUIT_S:
            self._judge.rule(Invariant.ALIVE, f"the desk took {took_s:.1f} s to quit")

    # -- what strikes ask for --------------------------------------------------------------------

    def say(self, line: str) -> None:
        """Add a line to the story."""
        self._tap.say(line)

    def chore(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside everything else."""
        # not as a part of whatever process this is called in: it may be about to die
        self._chores.add(self._loop.create_task(work, context=self._context.copy()))

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Do something later, as nobody's part either."""
        self._loop.call_later(seconds, call, context=self._context.copy())

    async def start_again(self, process: Process, pause_s: float) -> None:
        """Start what was killed again, after a pause."""
        await asyncio.sleep(pause_s)
        await process.buried()
        if process is self.desk_process:
            await self._open_desk()
        else:
            await self._open_gateway()

    async def quit_and_start_again(self) -> None:
        """Quit the desk, and start it again."""
        process = self.desk_process
        if process is None or not process.is_open:
            return
        await self._quit(process)
        await asyncio.sleep(1.0)
        if process is self.desk_process and not process.is_killed:
            await self._open_desk()

    # -- who hears what --------------------------------------------------------------------------

    def _connected(self, end: End) -> None:
        for process in (self.desk_process, self.gateway_process):
            if process is not None:
                process.takes(end)
        end.on_sent = lambda: self._strikes.wrote(end.owner)
        self._judge.link_is_new()

    def _requested(self, request: Request) -> None:
        with self._ours():
            self._judge.on_request(request)
            self._phases.on_request(request)

    def _responded(self, response: Response) -> None:
        with self._ours():
            self._judge.on_response(response)
            self._phases.on_response(response)

    def _alerted(self, alert: Alert) -> None:
        self.say(f"* {alert.kind.value}: {alert.symbol} {alert.text}")
        with self._ours():
            self._phases.on_alert(alert)

    def _wrote(self, records: tuple[Record, ...]) -> None:
        for each in records:
            self.say(f"# {each}")
        with self._ours():
            self._phases.on_records(records)
            if self.desk_process is not None:
                self._strikes.wrote(self.desk_process.name)

    @contextmanager
    def _ours(self) -> Iterator[None]:
        """Keep an error of the harness away from those that it watches, and raise it later."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - raised at the end
            self._error = self._error or error
