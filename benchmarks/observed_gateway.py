"""A paper gateway in a process of its own, that tells what it holds.

It serves the synthetic market with none of IB's limits, and follows one of three paces. What it
writes to stderr are errors: a client that breaks the protocol is none.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import pickle
import sys
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from enum import Enum
from pathlib import Path

from apps.paper.books.ledger import Account
from apps.paper.clock import ManualClock, MarketClock
from apps.paper.exchange.exchange import Exchange
from apps.paper.exchange.record import ExchangeRecord
from apps.paper.feed.market import Millis
from apps.paper.hours.calendar import CalendarName, next_session
from apps.paper.hub import Hub
from apps.paper.limits import NO_LIMITS
from apps.paper.server import PaperGateway
from apps.paper.settings import GatewaySettings
from apps.paper.state.file import StateFile
from benchmarks.paper_books import books_of, trades_of
from benchmarks.resident import empty_caches, resident_bytes
from benchmarks.script import BAR_MS, SCRIPT_START
from benchmarks.worker import Answer, Worker, serve

__all__ = ["ObservedGateway", "Pace", "Wanted"]

_LOGGER = logging.getLogger(__name__)
_STEP_MS = 500
_MIB = 1024 * 1024


class Pace(Enum):
    """What moves market time."""

    TOLD = "told"
    """It stands still until `ObservedGateway.advance`."""
    RUNNING = "running"
    """It runs at ``speed``."""
    FLAT_OUT = "flat-out"
    """As soon as a moment is played, the next is due, from `ObservedGateway.play` on."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which gateway. ``state`` is the path of a state file, empty for none.

    ``unread_bytes`` is what may wait for a client that does not read.
    """

    pace: str = Pace.TOLD.value
    speed: float = 1.0
    accounts: tuple[str, ...] = ("DU1234567",)
    cash: int = 1_000_000_000
    seed: int = 1
    state: str = ""
    unread_bytes: int = 256 * _MIB

    def settings(self) -> GatewaySettings:
        """Give what a gateway is opened with."""
        return GatewaySettings(
            seed=self.seed,
            accounts=tuple(self.accounts),
            cash=Decimal(self.cash),
            limits=replace(NO_LIMITS, unread_bytes=self.unread_bytes),
        )


class ObservedGateway:
    """The gateway's process, from outside."""

    def __init__(self, worker: Worker, port: int) -> None:
        self._worker = worker
        self.port = port

    @classmethod
    @asynccontextmanager
    async def start(
        cls, wanted: Wanted, *, errors: Path | None = None
    ) -> AsyncIterator[ObservedGateway]:
        """Run it until the block ends; what it writes to stderr goes to the file ``errors``."""
        described = json.dumps(asdict(wanted))
        async with Worker.start("benchmarks.observed_gateway", described, errors=errors) as worker:
            yield cls(worker, (await worker.ask("port"))["port"])

    @property
    def pid(self) -> int:
        """Its process's id."""
        return self._worker.pid

    async def advance(self, seconds: float) -> None:
        """Let market time go on by so many seconds, where it does what it is told."""
        await self._worker.ask("advance", seconds=seconds)

    async def play(self) -> None:
        """Begin to play, where market time goes flat out: with clients to come none would hear."""
        await self._worker.ask("play")

    async def next_day(self) -> None:
        """Let the rest of the day and the night pass, until the next session has begun."""
        await self._worker.ask("next_day")

    async def clock(self) -> Answer:
        """Give ``market_ms``, how far the market is, and ``behind_ms``, its clock's lead."""
        return await self._worker.ask("clock")

    async def counts(self) -> Answer:
        """Give what there is: ``connections``, ``sessions``, ``streams`` and ``jobs``."""
        return await self._worker.ask("counts")

    async def held(self) -> Answer:
        """Give the memory that is in use, in ``resident`` bytes and ``blocks``, and by how much.

        ``working`` and ``ended`` are orders, ``trades`` executions.
        The blocks are counted when all caches with a bound have been emptied: the market's are
        large, and take a hundred days to fill.
        """
        return await self._worker.ask("held")

    async def needed(self) -> int:
        """Give how many blocks the orders and trades there are would take in a new exchange."""
        return int((await self._worker.ask("needed"))["blocks"])

    async def books(self) -> Answer:
        """Give by account its ``cash`` per currency and its ``holdings``, numbers as text."""
        return await self._worker.ask("books")

    async def trades(self, first: int, most: int) -> list[Answer]:
        """Give up to ``most`` executions with what they cost, from the ``first`` on."""
        found: list[Answer] = (await self._worker.ask("trades", first=first, most=most))["trades"]
        return found


# ---- inside the process


class _Observer:
    """Answers what is asked about a gateway."""

    def __init__(self, gateway: PaperGateway) -> None:
        self._gateway = gateway
        self._hub = gateway.hub
        self.played = asyncio.Event()

    async def port(self) -> Answer:
        return {"port": self._gateway.port}

    async def advance(self, seconds: float) -> Answer:
        self._advance_to(self._hub.now + round(seconds * 1000))
        return {}

    async def play(self) -> Answer:
        self.played.set()
        return {}

    async def next_day(self) -> Answer:
        opens, _ = next_session(CalendarName.US_EQUITY, self._hub.now).regular
        self._advance_to(opens + BAR_MS)
        return {}

    def _advance_to(self, at: Millis) -> None:
        try:
            self._gateway.advance_to(at)
        except Exception:
            # whoever asked hears the error's name; how it came about stands here
            _LOGGER.exception("the market could not go on")
            raise

    async def clock(self) -> Answer:
        now = self._gateway.clock.now()
        return {"market_ms": self._hub.now, "behind_ms": now - self._hub.now}

    async def counts(self) -> Answer:
        counts = self._gateway.counts()
        return {"connections": counts.connections, **asdict(counts.hub)}

    async def held(self) -> Answer:
        exchange, resident = self._hub.exchange, resident_bytes()
        empty_caches()
        return {
            "blocks": sys.getallocatedblocks(),
            "resident": resident,
            "working": len(exchange.working_orders()),
            "ended": len(exchange.completed_orders()),
            "trades": len(exchange.executions()),
        }

    async def needed(self) -> Answer:
        exchange = self._hub.exchange
        orders = exchange.working_orders() + exchange.completed_orders()
        record = ExchangeRecord(
            at=self._hub.now,
            next_perm_id=max((each.perm_id for each in orders), default=0) + 1,
            next_execution=len(exchange.executions()) + 1,
            orders=orders,
            trades=tuple(
                (each, exchange.commission_report(each.exec_id)) for each in exchange.executions()
            ),
            order_ids={},
        )
        gc.collect()
        copied = pickle.dumps(record)
        before = sys.getallocatedblocks()
        anew = _anew(self._hub, pickle.loads(copied))  # noqa: S301 - made two lines above
        gc.collect()
        blocks = sys.getallocatedblocks() - before
        del anew
        return {"blocks": blocks}

    async def books(self) -> Answer:
        return books_of(self._hub)

    async def trades(self, first: int, most: int) -> Answer:
        return {"trades": trades_of(self._hub)[first : first + most]}


def _anew(hub: Hub, record: ExchangeRecord) -> Exchange:
    accounts = [Account(name, Decimal(0), rates=_NoRates()) for name in hub.accounts]
    exchange = Exchange(accounts, quotes=hub.market, sessions=hub.calendar)
    exchange.restore(record)
    return exchange


class _NoRates:
    """Every currency is worth the same."""

    def rate(self, currency: str, base: str) -> Decimal:  # noqa: ARG002 - the ledger's Protocol
        return Decimal(1)


async def _play_flat_out(gateway: PaperGateway, clock: ManualClock, played: asyncio.Event) -> None:
    await played.wait()
    while True:
        gateway.advance_to(clock.now() + _STEP_MS)
        await asyncio.sleep(0)


async def _run(wanted: Wanted) -> None:
    settings, clock = wanted.settings(), _clock(wanted)
    with ExitStack() as stack:
        store = None
        if wanted.state:
            lease_ms = StateFile.lease_for(wanted.speed)
            store = stack.enter_context(StateFile.open(Path(wanted.state), lease_ms=lease_ms))
            store.settle(accounts=settings.accounts, cash=settings.cash)
        async with PaperGateway.open(settings, clock=clock, store=store) as gateway:
            playing, observer = None, _Observer(gateway)
            if wanted.pace == Pace.FLAT_OUT.value and isinstance(clock, ManualClock):
                playing = asyncio.create_task(_play_flat_out(gateway, clock, observer.played))
            asked = (
                "port",
                "advance",
                "play",
                "next_day",
                "clock",
                "counts",
                "held",
                "needed",
                "books",
                "trades",
            )
            await serve({name: getattr(observer, name) for name in asked})
            if playing is not None:
                playing.cancel()


def _clock(wanted: Wanted) -> ManualClock | MarketClock:
    if wanted.pace == Pace.RUNNING.value:
        return MarketClock(start=SCRIPT_START, speed=wanted.speed, monotonic=time.monotonic)
    return ManualClock(SCRIPT_START)


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    asyncio.run(_run(Wanted(**json.loads(sys.argv[1]))))
