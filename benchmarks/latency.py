"""From a bar on the wire to the last byte of its bracket on the wire: the desk against a floor.

This process is the gateway, or rather two of them in one loop: one for the desk, one for the
floor, alike in everything but their clients, which are processes of their own. Rounds alternate,
100 ms apart, so that whatever else the machine does happens to both.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from benchmarks import cores
from benchmarks.desk_settings import desk_settings
from benchmarks.figures import Cell, Report, Table, percentile, ratio
from benchmarks.script import LEVEL, Script, us_stocks
from benchmarks.timed_gateway import TimedGateway
from benchmarks.worker import Worker

__all__ = [
    "DeskSide",
    "FloorSide",
    "Plan",
    "burst",
    "crowd",
    "desk_worker",
    "measure",
    "one",
]

_EVERY_S = 0.1
_MOST_CONTRACTS = 60
_CROWD = 500
_PERCENTS = (50, 90, 99)

_BAR_A_MS, _BAR_B_MS, _EXIT_MS = 5_000, 10_000, 14_000
"""When, in a round, the first bar and the second are sent, and when the position is closed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured. ``watchers`` counts the one that fires."""

    name: str
    title: str
    contracts: int = 1
    watchers: int = 1
    is_burst: bool = False
    warm_up: int = 20
    rounds: int = 200

    @property
    def symbols(self) -> list[str]:
        """The symbols that both clients subscribe to, in this order."""
        return [listing.symbol for listing in us_stocks(self.contracts)]

    def featured(self, number: int) -> str:
        """Give the symbol of a round: each in turn; in a burst the last, for it comes last."""
        return self.symbols[-1 if self.is_burst else number % self.contracts]

    def script(self, *, has_triggers: bool) -> Script:
        """Give the market of one side."""
        con_ids = tuple(listing.con_id for listing in us_stocks(self.contracts))
        return Script(
            featured=con_ids[-1:] if self.is_burst else con_ids,
            crowd=frozenset(con_ids) if self.is_burst else frozenset(),
            has_triggers=has_triggers,
        )


async def one(*, quick: bool) -> Report:
    """One watcher on one contract."""
    return await measure(_sized(Plan("latency-one", "1 watcher"), quick=quick))


async def crowd(*, quick: bool) -> Report:
    """Five hundred watchers on 60 contracts, of which one fires a round."""
    contracts, watchers = (8, 40) if quick else (_MOST_CONTRACTS, _CROWD)
    title = f"{watchers} watchers on {contracts} contracts"
    return await measure(_sized(Plan("latency-crowd", title, contracts, watchers), quick=quick))


async def burst(*, quick: bool) -> Report:
    """The last bar of a burst: all 60 contracts have theirs in the same write."""
    contracts, watchers = (8, 40) if quick else (_MOST_CONTRACTS, _CROWD)
    title = f"the last of a burst of {contracts} bars, {watchers} watchers"
    plan = Plan("latency-burst", title, contracts, watchers, is_burst=True)
    return await measure(_sized(plan, quick=quick))


class Side(Protocol):
    """The desk, or the floor, and how one round with it goes."""

    @property
    def pid(self) -> int:
        """The id of the client's process."""

    async def prepare(self, number: int) -> None:
        """Bring everything to the moment before the bar."""

    async def fire(self, number: int) -> int:
        """Send the bar; give the nanoseconds until the bracket was here."""

    async def tidy(self, number: int) -> None:
        """Close the position, so that the next round finds none."""


async def measure(plan: Plan) -> Report:
    """Give the latencies of both sides, and their ratio."""
    async with FloorSide.open(plan) as floor, DeskSide.open(plan) as desk:
        with cores.apart_from(floor.pid, desk.pid):
            took = await _alternate((floor, desk), plan)
    return _report(plan, floor_ns=took[0], desk_ns=took[1])


async def _alternate(sides: tuple[Side, Side], plan: Plan) -> tuple[list[int], list[int]]:
    """Run the rounds, one bar every tenth of a second, now for one side, now for the other."""
    loop = asyncio.get_running_loop()
    took: tuple[list[int], list[int]] = [], []
    for side in sides:
        await side.prepare(0)
    next_s = loop.time() + _EVERY_S
    for turn in range(2 * (plan.warm_up + plan.rounds)):
        number, which = divmod(turn, 2)
        side = sides[which]
        await asyncio.sleep(next_s - loop.time())
        next_s = max(next_s, loop.time()) + _EVERY_S
        took_ns = await side.fire(number)
        if number >= plan.warm_up:
            took[which].append(took_ns)
        await asyncio.sleep(_EVERY_S / 4)
        await side.tidy(number)
        await side.prepare(number + 1)
    return took


class FloorSide:
    """ib_insync alone, at a gateway of its own."""

    def __init__(self, gateway: TimedGateway, client: Worker, script: Script) -> None:
        self.pid = client.pid
        self._gateway = gateway
        self._script = script

    @classmethod
    @asynccontextmanager
    async def open(cls, plan: Plan) -> AsyncIterator[Side]:
        """Start gateway and client, and subscribe."""
        script = plan.script(has_triggers=False)
        async with (
            TimedGateway.follow(script) as gateway,
            Worker.start("benchmarks.floor_process", gateway.host, str(gateway.port)) as client,
        ):
            await client.ask("subscribe", symbols=plan.symbols)
            yield cls(gateway, client, script)

    async def prepare(self, number: int) -> None:
        """There is nothing to prepare: the floor acts on every bar beyond the level."""

    async def fire(self, number: int) -> int:
        """Send the round's bar; give the nanoseconds until the bracket was here."""
        return await _fire(self._gateway, self._script, number)

    async def tidy(self, number: int) -> None:
        """Let the take-profit fill."""
        self._gateway.advance_to(self._script.begin(number) + _EXIT_MS)


class DeskSide:
    """The desk, at a gateway of its own."""

    def __init__(self, gateway: TimedGateway, desk: Worker, plan: Plan, script: Script) -> None:
        self.pid = desk.pid
        self._gateway = gateway
        self._desk = desk
        self._plan = plan
        self._script = script

    @classmethod
    @asynccontextmanager
    async def open(cls, plan: Plan) -> AsyncIterator[Side]:
        """Start gateway and desk, and arm every watcher but those that fire."""
        script = plan.script(has_triggers=True)
        async with AsyncExitStack() as stack:
            gateway = await stack.enter_async_context(TimedGateway.follow(script))
            desk = await stack.enter_async_context(desk_worker(gateway))
            await desk.ask("look_up", symbols=plan.symbols, level=str(LEVEL))
            await desk.ask("crowd", symbols=plan.symbols, watchers=plan.watchers - 1)
            side = cls(gateway, desk, plan, script)
            await side.arm(0)
            yield side

    async def arm(self, number: int) -> None:
        """Arm the watcher of a round."""
        await self._desk.ask("watch", symbol=self._plan.featured(number))

    async def prepare(self, number: int) -> None:
        """Send the bar that triggers, and see that the watcher waits for its confirmation.

        A bar after a pause is held until history has told what was missed: it may take its time.
        """
        self._gateway.advance_to(self._script.begin(number) + _BAR_A_MS)
        await self._desk.ask("confirming")

    async def fire(self, number: int) -> int:
        """Send the bar that confirms; give the nanoseconds until the bracket was here."""
        return await _fire(self._gateway, self._script, number)

    async def tidy(self, number: int) -> None:
        """Arm the next watcher while the position keeps the feed open, then close it."""
        await self.arm(number + 1)
        self._gateway.advance_to(self._script.begin(number) + _EXIT_MS)
        await asyncio.sleep(_EVERY_S / 8)


@asynccontextmanager
async def desk_worker(gateway: TimedGateway, **others: str) -> AsyncIterator[Worker]:
    """Run a desk on ``gateway``, in a state folder of its own; ``others`` are settings."""
    with tempfile.TemporaryDirectory(prefix="desk-benchmark-") as home:
        settings = desk_settings(home, IB_HOST=gateway.host, IB_PORT=str(gateway.port), **others)
        # the script has pauses that no market has: each is asked about, oftener than IB allows
        settings["BENCHMARK_UNPACED"] = "1"
        async with Worker.start("benchmarks.desk_process", environment=settings) as desk:
            yield desk


async def _fire(gateway: TimedGateway, script: Script, number: int) -> int:
    gateway.stopwatch.arm()
    gateway.advance_to(script.begin(number) + _BAR_B_MS)
    return await gateway.stopwatch.taken_ns()


def _sized(plan: Plan, *, quick: bool) -> Plan:
    if not quick:
        return plan
    return Plan(
        plan.name, plan.title, plan.contracts, plan.watchers, plan.is_burst, warm_up=1, rounds=4
    )


def _report(plan: Plan, *, floor_ns: list[int], desk_ns: list[int]) -> Report:
    def row(name: str, took_ns: list[int]) -> tuple[Cell, ...]:
        return (name, *(percentile(took_ns, each) / 1e6 for each in _PERCENTS), max(took_ns) / 1e6)

    desk, floor = row("desk", desk_ns), row("floor", floor_ns)
    ratios = [ratio(percentile(desk_ns, each), percentile(floor_ns, each)) for each in _PERCENTS]
    rows = (desk, floor, ("desk / floor", *ratios, None))
    columns = ("client", *(f"p{each} ms" for each in _PERCENTS), "worst ms")
    title = f"Bar on the wire to bracket on the wire: {plan.title} ({plan.rounds} rounds)"
    return Report(plan.name, (Table(title, columns, rows),))
