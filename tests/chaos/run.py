"""One run: a desk and a gateway live through a plan, and the judge says what did not hold."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from apps.domain.errors import DeskError
from apps.domain.orders import Side
from apps.domain.records import Record
from apps.engine.alerts import Alert
from apps.engine.previews import BracketPreview
from apps.engine.requests import BracketRequest, BreakoutRequest
from apps.paper.clock import millis_of, time_at
from apps.paper.exchange.orders import OrderSnapshot
from apps.paper.faults.injection import Injection
from apps.paper.feed.market import BarSource, Millis
from apps.paper.instruments.catalogue import Catalogue
from apps.paper.instruments.listing import Listing
from apps.paper.server import PaperGateway
from apps.paper.settings import GatewaySettings
from apps.paper.wire import Request, Response
from tests.chaos.bar_probe import BarProbe
from tests.chaos.darkness import is_dark
from tests.chaos.fault_table import FAULTS, Act, ChaosFault
from tests.chaos.judge import Broken, Invariant, Judge, Situation
from tests.chaos.market_path import PathMarket, Steps
from tests.chaos.phases import PhaseWatch
from tests.chaos.plan import BY_HAND, SYMBOLS, Ending, Phase, Plan
from tests.chaos.processes import DeskProcess, GatewayProcess, Keeper, Process
from tests.chaos.verdict import judge_end
from tests.chaos.virtual_loop import End, VirtualLoop, run_virtually
from tests.chaos.wiretap import Wiretap

__all__ = ["Crash", "Outcome", "Victim", "run_plan"]

START = datetime(2026, 11, 19, 14, 35, tzinfo=UTC)
ACCOUNT = "DU1234567"
ARMED_AFTER_S = 10.0
FAULTS_END_S = 140.0
"""After so long everything is put right that is still wrong."""
SETTLED_S = 260.0
"""After so long all that heals by itself has: reconciliation comes each minute."""
ENTERED_AFTER_S = 12
"""A break is confirmed, and entered, so long after it begins."""


class Victim(Enum):
    """Who is killed."""

    DESK = "desk"
    GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class Crash:
    """``victim`` dies right after so many of its writes, counted from the reservation."""

    victim: Victim
    after_writes: int


@dataclass(slots=True)
class Outcome:
    """What came of a run. ``cells`` are the faults that struck, each with its phase."""

    plan: Plan
    broken: list[Broken] = field(default_factory=list)
    cells: set[tuple[str, Phase]] = field(default_factory=set)
    fired: set[str] = field(default_factory=set)
    lines: list[str] = field(default_factory=list)
    writes: Counter[Victim] = field(default_factory=Counter)
    """How often each wrote from the reservation on, to its file and its socket."""

    @property
    def is_good(self) -> bool:
        """Everything held."""
        return not self.broken


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
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a folder of its own is made in it


@cache
def _listings() -> tuple[Listing, ...]:
    return tuple(
        each
        for each in Catalogue.load()
        if each.symbol in (*SYMBOLS, BY_HAND) and each.sec_type == "STK"
    )


class _HeldFills:
    """Lets the entry rest for a while, then fill in pieces; an order meets it once a moment."""

    def __init__(self, side: Side, until: Millis, pieces: tuple[int, ...], now: Any) -> None:
        self._side, self._until, self._pieces, self._now = side, until, pieces, now
        self._given: dict[tuple[int, int], int] = {}

    def most(self, order: OrderSnapshot) -> Decimal | None:
        if order.order.side is not self._side or order.order.listing.symbol != SYMBOLS[0]:
            return None
        first = self._given.setdefault((order.order.order_id, 0), self._now())
        if self._now() < first + self._until:
            return Decimal(0)
        if not self._pieces:
            return None
        place = self._given.get((order.order.order_id, 1), 0)
        self._given[(order.order.order_id, 1)] = place + 1
        return Decimal(self._pieces[min(place, len(self._pieces) - 1)])


class _Run:
    def __init__(
        self, loop: VirtualLoop, plan: Plan, folder: Path, tells: bool, crash: Crash | None
    ) -> None:
        self.loop = loop
        self.plan = plan
        self.folder = folder
        self.outcome = Outcome(plan)
        self.luck = Random(f"run {plan.seed}")  # noqa: S311 - repeatable luck is the point
        self.side = Side.BUY if plan.is_long else Side.SELL
        self.began_s = loop.time()
        self.tap = Wiretap(self.now_s, keeps=tells)
        self.judge = Judge(self.now_s, self.side, _listings(), self._gateway, self._situation)
        self.phases = PhaseWatch(self.side, plan.quantity, self._reached)
        self.probe = BarProbe()
        self.keeper = Keeper()
        self.market = PathMarket(_paths(plan))
        self.gateway_process: GatewayProcess | None = None
        self.desk_process: DeskProcess | None = None
        self.told: list[Alert] = []
        self.armed: list[str] = []
        self._by_hand: BracketPreview | None = None
        self._port = 0
        self._names = count(1)
        self._suffixes = count(1)
        self._injections: list[tuple[str, Injection]] = []
        self._chores: set[asyncio.Task[Any]] = set()
        self._dying: list[tuple[Process, int]] = []
        self._counts_writes = False
        self._crash = crash
        self._context = copy_context()
        self._error: Exception | None = None

    # -- the whole of it -------------------------------------------------------------------------

    async def whole(self) -> Outcome:
        self.loop.on_jump = self.judge.on_jump
        self.loop.on_connect = self._connected
        self.tap.on_request = self._requested
        self.tap.on_response = self._responded
        with self.probe.looking():
            await self._live()
        if self._error is not None:
            raise self._error
        self._complain()
        self.outcome.broken = self.judge.broken
        self.outcome.lines = self.tap.lines
        return self.outcome

    async def _live(self) -> None:
        await self._open_gateway(self._market_at(0))
        await self._open_desk()
        await self._arm()
        await self._until(ARMED_AFTER_S)
        self.phases.armed()
        if self.plan.ending is Ending.CLOSE:
            closing_s = self.plan.breaks_at_s + ENTERED_AFTER_S + self.plan.ends_after_s
            await self._until(closing_s)
            self._chore(self._close())
        await self._until(FAULTS_END_S)
        self._put_right()
        await self._until(SETTLED_S)
        await self._settled()

    async def _settled(self) -> None:
        await self._chores_done()
        desk, gateway = self.desk_process, self._gateway()
        assert desk is not None
        assert gateway is not None
        judge_end(self.judge, desk, gateway, self.probe, self._has_bars)
        self.judge.on_jump(0.0)
        await self._quit(desk)
        await asyncio.sleep(1.0)
        self._judge_what_is_left(desk, gateway)
        assert self.gateway_process is not None
        await self._quit_gateway(self.gateway_process)

    async def _quit(self, desk: DeskProcess) -> None:
        began_s = self.loop.time()
        try:
            await desk.quit()
        except TimeoutError:
            self.judge.rule(Invariant.ALIVE, "the desk does not quit")
            desk.kill()
            await desk.buried()
        if (took_s := self.loop.time() - began_s) > 5.0:
            self.judge.rule(Invariant.ALIVE, f"the desk took {took_s:.1f} s to quit")

    async def _quit_gateway(self, process: GatewayProcess) -> None:
        await process.quit()

    def _judge_what_is_left(self, desk: DeskProcess, gateway: PaperGateway) -> None:
        tasks = [task.get_name() for task in self.loop.open_tasks(desk.name)]
        ends = self.loop.open_ends(desk.name)
        counts = gateway.counts()
        if tasks:
            self.judge.rule(Invariant.LEFT, f"tasks: {', '.join(sorted(tasks))}")
        if ends or counts.connections or counts.hub.sessions:
            self.judge.rule(Invariant.LEFT, f"{len(ends)} sockets, at the gateway {counts}")

    def _complain(self) -> None:
        for each in self.loop.complaints:
            error = each.get("exception")
            self.judge.rule(Invariant.ALIVE, f"{each.get('message')}: {error!r}")

    # -- the market ------------------------------------------------------------------------------

    def now_s(self) -> float:
        """Give the seconds since the beginning."""
        return self.loop.time() - self.began_s

    def _market_at(self, seconds: float) -> Millis:
        return millis_of(START) + int(seconds * 1000)

    def _has_bars(self, symbol: str, start: datetime, end: datetime) -> bool:
        gateway = self._gateway()
        listing = next(each for each in _listings() if each.symbol == symbol)
        market = self.market if gateway is None else gateway.market
        since, until = millis_of(start), millis_of(end)
        return bool(market.bars(listing, BarSource.TRADES, 5, since, until, regular_only=True))

    async def _until(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds - self.now_s()))

    # -- processes -------------------------------------------------------------------------------

    def _gateway(self) -> PaperGateway | None:
        process = self.gateway_process
        return None if process is None or process.is_killed else process.gateway

    def _situation(self) -> Situation:
        desk, gateway = self.desk_process, self._gateway()
        is_up = desk is not None and desk.is_up
        return Situation(is_up, gateway is None or is_dark(gateway), self.keeper.kept.state)

    async def _open_gateway(self, start: Millis) -> None:
        settings = GatewaySettings(
            port=self._port,
            accounts=(ACCOUNT,),
            policy=self.plan.policy.rules,
            start=time_at(start),
        )
        path = self.gateway_process.path if self.gateway_process else self.folder / "gateway.db"
        name = f"gateway {next(self._names)}"
        process = GatewayProcess(
            self.loop,
            name,
            path,
            settings,
            self.market,
            start,
            self.tap,
            lambda: self._wrote_something(name),
        )
        await process.start()
        self.gateway_process, self._port = process, process.gateway.port
        hub = process.gateway.hub
        if self.plan.rests_s or self.plan.pieces:
            hub.exchange.fill_sizes = _HeldFills(
                self.side, int(self.plan.rests_s * 1000), self.plan.pieces, lambda: hub.now
            )
        self.tap.say(f"{name} is open")

    async def _open_desk(self) -> None:
        old = self.desk_process
        process = DeskProcess(
            self.loop,
            f"desk {next(self._names)}",
            old.path if old is not None else self.folder / "journal.db",
            self._port,
            keeper=self.keeper,
            suffixes=self._suffixes,
            alerts=self._alerted,
            wrote=self._wrote,
            jitter=self.luck.random,
        )
        self.desk_process = process
        await process.start()
        self.tap.say(f"{process.name} is open")

    async def _arm(self) -> None:
        assert self.desk_process is not None
        desk = self.desk_process.desk
        for symbol in SYMBOLS[: self.plan.watchers]:
            request = BreakoutRequest(
                symbol,
                f"{self.plan.level}",
                direction="long" if self.plan.is_long else "short",
                quantity=f"{self.plan.quantity}",
                take_profit="1",
                stop_loss="0.5",
            )

            async def arm(wanted: BreakoutRequest = request) -> str:
                return (await desk.arm(await desk.preview_breakout(wanted))).id

            self.armed.append(await self.desk_process.run(arm()))

        if self.plan.by_hand_after_s is not None:
            by_hand = BracketRequest(
                "buy" if self.plan.is_long else "sell",
                BY_HAND,
                quantity=f"{self.plan.quantity}",
                limit=f"{self.plan.level}",
                take_profit="1",
                stop_loss="0.5",
            )
            self._by_hand = await self.desk_process.run(desk.preview_bracket(by_hand))

    async def _enter_by_hand(self) -> None:
        """Send what the trader had prepared, to whatever desk there is."""
        process = self.desk_process
        if process is None or not process.is_open or self._by_hand is None:
            return
        try:
            trade = await process.run(process.desk.send_bracket(self._by_hand))
            self.tap.say(f"by hand: {trade.order_ref}")
        except DeskError as error:
            self.tap.say(f"by hand: {error.message}")

    async def _close(self) -> None:
        process = self.desk_process
        if process is None or not process.is_open:
            return
        task = process.run(self._ask_to_close(process))
        await asyncio.wait({task})

    async def _ask_to_close(self, process: DeskProcess) -> None:
        try:
            for outcome in await process.desk.close(SYMBOLS[0]):
                self.tap.say(f"close: {outcome.text}")
        except DeskError as error:
            self.tap.say(f"close: {error.message}")

    # -- what strikes ----------------------------------------------------------------------------

    def _reached(self, phase: Phase) -> None:
        self.tap.say(f"== {phase.value} ==")
        if phase is Phase.RESERVING:
            self._counts_writes = True
        if phase is not self.plan.phase or self._crash is not None:
            return
        if self.plan.by_hand_after_s is not None:
            by_hand_s = self.plan.late_s + self.plan.by_hand_after_s
            self.loop.call_later(by_hand_s, lambda: self._chore(self._enter_by_hand()))
        for number, name in enumerate(self.plan.faults):
            late_s = self.plan.late_s + number * self.plan.apart_s
            if late_s:
                self.loop.call_later(late_s, self._strike, FAULTS[name])
            else:
                self._strike(FAULTS[name])

    def _strike(self, fault: ChaosFault) -> None:
        self.tap.say(f"!! {fault.name}")
        self.outcome.cells.add((fault.name, self.plan.phase))
        process, gateway = self.gateway_process, self._gateway()
        if fault.act is not None:
            self._act(fault, fault.act)
        elif process is not None and gateway is not None:
            for line in fault.words(self.luck):
                injection = process.call(gateway.faults.inject, line)
                self._injections.append((fault.name, injection))

    def _act(self, fault: ChaosFault, act: Act) -> None:
        self.outcome.fired.add(fault.name)
        match act:
            case Act.KILL_DESK:
                self._doom(self.desk_process, self.luck.randrange(12))
            case Act.KILL_GATEWAY:
                self._doom(self.gateway_process, self.luck.randrange(6))
            case Act.QUIT_DESK:
                self._chore(self._requit())
            case Act.HALT_TRADING:
                self._chore(self._halt(flatten=False))
            case Act.FLATTEN:
                self._chore(self._halt(flatten=True))

    def _doom(self, process: Process | None, writes: int) -> None:
        """Have a process die after so many writes more, or in a second if it writes no more."""
        if process is None or process.is_killed:
            return
        if writes == 0:
            self._killed(process)
            return
        self._dying.append((process, writes))
        self.loop.call_later(1.0, self._killed, process)

    def _killed(self, process: Process) -> None:
        self._dying = [each for each in self._dying if each[0] is not process]
        if process.is_killed or process not in (self.desk_process, self.gateway_process):
            return
        self.tap.say(f"{process.name} is killed")
        process.kill()
        pause_s = self.luck.choice((0.5, 3.0, 15.0))
        self._chore(self._again(process, pause_s))

    def _wrote_something(self, owner: str) -> None:
        """Count a write, and kill who was to die with it."""
        for process, left in tuple(self._dying):
            if process.name == owner:
                self._dying.remove((process, left))
                if left > 1:
                    self._dying.append((process, left - 1))
                else:
                    self._killed(process)
        for victim, process in self._processes():
            if self._counts_writes and process.name == owner and not process.is_killed:
                self.outcome.writes[victim] += 1
                if self._crash == Crash(victim, self.outcome.writes[victim]):
                    self._killed(process)

    def _processes(self) -> list[tuple[Victim, Process]]:
        both = ((Victim.DESK, self.desk_process), (Victim.GATEWAY, self.gateway_process))
        return [(victim, process) for victim, process in both if process is not None]

    async def _again(self, process: Process, pause_s: float) -> None:
        """Start again what was killed."""
        await asyncio.sleep(pause_s)
        await process.buried()
        if process is self.desk_process:
            await self._open_desk()
        else:
            await self._open_gateway(self._market_at(self.now_s()))
            self.judge.link_is_new()

    async def _requit(self) -> None:
        process = self.desk_process
        if process is None or not process.is_open:
            return
        await self._quit(process)
        await asyncio.sleep(1.0)
        await self._open_desk()

    async def _halt(self, *, flatten: bool) -> None:
        process = self.desk_process
        if process is None or not process.is_open:
            return

        async def halt() -> None:
            try:
                await process.desk.halt(flatten=flatten)
            except DeskError as error:
                self.tap.say(f"halt: {error.message}")

        await asyncio.wait({process.run(halt())})

    def _put_right(self) -> None:
        self.tap.say("== everything is put right ==")
        self._counts_writes = False
        for name, injection in self._injections:
            if injection.count:
                self.outcome.fired.add(name)
        gateway = self._gateway()
        if gateway is not None:
            gateway.faults.clear()

    # -- who hears what --------------------------------------------------------------------------

    def _connected(self, end: End) -> None:
        for _, process in self._processes():
            process.takes(end)
        end.on_sent = lambda: self._wrote_something(end.owner)
        self.judge.link_is_new()

    def _requested(self, request: Request) -> None:
        with self._ours():
            self.judge.on_request(request)
            self.phases.on_request(request)

    def _responded(self, response: Response) -> None:
        with self._ours():
            self.judge.on_response(response)
            self.phases.on_response(response)

    @contextmanager
    def _ours(self) -> Iterator[None]:
        """Keep an error of the harness away from those that it watches, and raise it later."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - raised at the end
            self._error = self._error or error

    def _alerted(self, alert: Alert) -> None:
        self.tap.say(f"* {alert.kind.value}: {alert.symbol} {alert.text}")
        self.told.append(alert)
        self.phases.on_alert(alert)

    def _wrote(self, records: tuple[Record, ...]) -> None:
        for each in records:
            self.tap.say(f"# {each}"[:400])
        self.phases.on_records(records)
        if self.desk_process is not None:
            self._wrote_something(self.desk_process.name)

    def _chore(self, work: Coroutine[Any, Any, None]) -> None:
        # not as a part of whatever process this is called in: it may be about to die
        self._chores.add(self.loop.create_task(work, context=self._context.copy()))

    async def _chores_done(self) -> None:
        while running := [task for task in self._chores if not task.done()]:
            async with asyncio.timeout(300):
                await asyncio.wait(running)
        for task in self._chores:
            task.result()


def _paths(plan: Plan) -> dict[str, Steps]:
    """Give each watched symbol a market that breaks out, holds, and then goes where it is to."""
    sign = 1 if plan.is_long else -1
    start = millis_of(START)
    paths = {BY_HAND: Steps((start,), (plan.level,))}
    for number, symbol in enumerate(SYMBOLS[: plan.watchers]):
        breaks_s = plan.breaks_at_s + number * plan.breaks_apart_s
        leaves_s = breaks_s + ENTERED_AFTER_S + plan.ends_after_s
        moves = {
            0: Decimal("-0.20"),
            breaks_s - 9: Decimal("-0.10"),
            breaks_s + 2: Decimal("0.06"),
            breaks_s + 6: Decimal("0.10"),
            breaks_s + 12: Decimal("0.14"),
        }
        if plan.ending is Ending.TARGET:
            moves[leaves_s] = Decimal("2.20")
        elif plan.ending is Ending.STOP:
            moves[leaves_s] = Decimal("-1.10")
        paths[symbol] = Steps(
            tuple(start + second * 1000 for second in moves),
            tuple(plan.level + sign * move for move in moves.values()),
        )
    return paths
