"""Real kills: a process of its own dies by SIGKILL right after a write, and is started again.

The process is the desk's own command line, with the gateway in it or (`Where.APART`) in this
process. What is judged is the gateway's state: in its file where it died as well.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from pathlib import Path

from apps.domain.orders import Side
from apps.domain.records import Executed, OrderReserved
from apps.paper.clock import time_at
from apps.paper.exchange.exchange import Exchange
from apps.paper.exchange.orders import Execution, OrderSnapshot
from apps.paper.feed.disturbed import DisturbedMarket
from apps.paper.feed.synthetic import SyntheticMarket
from apps.paper.hub import Hub
from apps.paper.instruments.catalogue import Catalogue
from apps.paper.server import PaperGateway
from apps.paper.settings import GatewaySettings
from apps.paper.state.file import StateFile
from apps.paper.thread import GatewayThread
from apps.store.journal.reading import JournalReader
from tests.chaos.judge import covered

__all__ = ["Where", "kill_series", "killed"]

_ROOT = Path(__file__).resolve().parents[2]
_VICTIM = Path(__file__).with_name("victim.py")
_KILLED = -9
_TIMEOUT_S = 40
_SPEED = "20"

_LIFE = "bracket buy AAPL 10 --tp 1 --sl 0.5\nwait 0.3\nclose AAPL\nquit\n"
_AFTERWARDS = "wait 3\nreconcile\npositions\nquit\n"
"""The second desk reconciles when it starts; what it finds without a stop it protects."""


class Where(Enum):
    """Where the gateway lives."""

    EMBEDDED = "with the desk: it dies too"
    APART = "apart: it lives on"


@dataclass(frozen=True, slots=True)
class Death:
    """A kill: whether it came at all, how often was written without one, and what was wrong."""

    came: bool
    writes: int
    wrong: tuple[str, ...]


def kill_series(*, every: int = 1) -> Iterator[tuple[str, bool]]:
    """Kill after each write, or every so many; give a line for each, and whether all was well."""
    for where in Where:
        whole = killed(where, 0)
        for after in range(1, whole.writes + 1, every):
            death = killed(where, after)
            said = "; ".join(death.wrong) or ("held" if death.came else "was over before")
            yield f"kill -9, gateway {where.value}, after {after}: {said}", not death.wrong


def killed(where: Where, after: int) -> Death:
    """Have a desk killed after so many writes, started again, and judge the gateway."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chaos-kill-")))
        settings = {**os.environ, "DESK_HOME": str(home), "PAPER_SPEED": _SPEED, "IB_HOST": ""}
        gateway = None
        if where is Where.APART:
            wanted = GatewaySettings(speed=float(_SPEED), start=time_at(_START))
            gateway = stack.enter_context(GatewayThread(wanted))
            settings |= {"IB_HOST": gateway.host, "IB_PORT": str(gateway.port)}
        first = _desk(after, _LIFE, settings)
        came = first.returncode == _KILLED
        if came:
            second = _desk(0, _AFTERWARDS, settings)
            if second.returncode == _KILLED or "Disconnected" not in second.stdout:
                return Death(came, 0, (f"the next desk ended so: {second.stdout[-400:]}",))
        journal = next(home.rglob("journal.sqlite"))
        if gateway is not None:
            wrong = gateway.call(lambda paper: _wrong(_books_of(paper), journal))
        else:
            wrong = _wrong(_books_in(next(home.rglob("gateway.state"))), journal)
        return Death(came, _writes(first.stderr), tuple(wrong))


_START = 1_795_185_000_000
"""20 November 2026, at the open."""


@dataclass(frozen=True, slots=True)
class _Books:
    held: Decimal
    working: tuple[OrderSnapshot, ...]
    ended: tuple[OrderSnapshot, ...]
    executions: tuple[Execution, ...]


def _desk(after: int, script: str, settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(_VICTIM), str(after)],
        input=script,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
        cwd=_ROOT,
        env=settings,
    )


def _writes(stderr: str) -> int:
    lines = [line for line in stderr.splitlines() if line.startswith("writes ")]
    return int(lines[-1].split()[1]) if lines else 0


def _books_of(paper: PaperGateway) -> _Books:
    return _books(paper.hub.exchange, paper.hub)


def _books_in(path: Path) -> _Books:
    """Read a state file as a gateway does that begins from it."""
    with StateFile.open(path) as store:
        kept = store.kept()
        settings = GatewaySettings(accounts=kept.accounts)
        market = DisturbedMarket(SyntheticMarket(seed=1))
        hub = Hub(
            settings, catalogue=Catalogue.load(), market=market, start=kept.market_time or _START
        )
        hub.resume(store)
        return _books(hub.exchange, hub)


def _books(exchange: Exchange, hub: Hub) -> _Books:
    positions = (held for each in hub.accounts.values() for held in each.positions())
    return _Books(
        sum((each.quantity for each in positions), Decimal(0)),
        tuple(exchange.working_orders()),
        tuple(exchange.completed_orders()),
        tuple(exchange.executions()),
    )


def _wrong(books: _Books, journal: Path) -> list[str]:
    """Give what of the promises does not hold in these books."""
    wrong = []
    entries: dict[str, set[int]] = {}
    for each in (*books.working, *books.ended):
        if each.order.side is Side.BUY:
            entries.setdefault(each.order.order_ref, set()).add(each.order.order_id)
    if sum(len(ids) for ids in entries.values()) > 1:
        wrong.append(f"several entries: {entries}")
    if books.held < 0:
        wrong.append(f"left with more than was entered: {books.held:f}")
    if (protected := covered(books.held, books.working)) < books.held:
        wrong.append(f"{books.held:f} held, stops for {protected:f}")
    return wrong + list(_wrong_in(journal, books))


def _wrong_in(journal: Path, books: _Books) -> Iterable[str]:
    with JournalReader.open(journal) as reader:
        records = [entry.record for entry in reader.everything()]
    written = {each.exec_id for each in records if isinstance(each, Executed)}
    true = {each.exec_id for each in books.executions}
    if written != true:
        yield f"executions {sorted(true)} at the gateway, {sorted(written)} in the journal"
    reserved = {each.order_id for each in records if isinstance(each, OrderReserved)}
    known = {each.order.order_id for each in (*books.working, *books.ended)}
    if strangers := known - reserved:
        yield f"orders {sorted(strangers)} were never reserved"
