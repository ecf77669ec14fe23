"""A campaign: attack after attack on one gateway, and what is looked at between them.

After each attack the neighbour must have its orders and its bar, the gateway must answer, and have
written nothing to stderr. At marks on the way its memory is taken and its books are judged.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.figures import BenchmarkFailed
from benchmarks.observed_gateway import ObservedGateway, Wanted
from tests.fuzz.attack import Attack, attacks
from tests.fuzz.books import broken_laws
from tests.fuzz.hostile import Harm, carry_out
from tests.fuzz.live_requests import ACCOUNT
from tests.fuzz.neighbour import ACCOUNT as NEIGHBOURS
from tests.fuzz.neighbour import BAR_S, Neighbour

__all__ = ["Campaign", "Finding", "Mark", "Outcome"]

_HOST = "127.0.0.1"
_CASH = 1_000_000_000
_UNREAD_BYTES = 32 * 1024 * 1024
"""An attack is told up to 4 MB: one whose machine rests a while is not one that does not read."""

_ATTACKS_A_DAY = 100
"""Then the market goes on to its next session, so that days end beneath all sorts of orders."""

_TRADES_A_PAGE = 5_000
_LAST_WORDS = 6_000
_ENOUGH_FRAMES = 100_000
_MOST_GROWTH = 1.0
"""Blocks a frame. Half a block is the way in which a running exchange finds its orders again."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must not be; ``attack`` is that after which it was seen."""

    attack: int
    text: str


@dataclass(frozen=True, slots=True)
class Mark:
    """How things stand after so many ``frames``.

    ``blocks`` are those of the gateway's allocator with its bounded caches emptied, ``needed``
    those that its orders and trades would take in a new gateway; ``resident`` is in bytes.
    """

    frames: int
    seconds: float
    blocks: int
    needed: int
    resident: int
    orders: int
    trades: int

    @property
    def beyond(self) -> int:
        """Blocks that no order and no trade accounts for."""
        return self.blocks - self.needed


@dataclass(slots=True)
class Outcome:
    """What a campaign came to. ``heard`` are the frames that the hostile clients were sent."""

    on_finding: Callable[[Finding], None]
    marks: list[Mark] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    attacks: int = 0
    frames: int = 0
    heard: int = 0
    lives: int = 0

    def find(self, attack: int, text: str) -> None:
        """Take note of a finding, and tell it."""
        self.findings.append(Finding(attack, text))
        self.on_finding(self.findings[-1])


@dataclass(frozen=True, slots=True)
class Campaign:
    """``frames`` damaged frames from ``seed``, beginning with the attack numbered ``first``.

    Without ``orders`` there are none, on either side, and no days end: nothing then grows for a
    good reason, and resident memory can be looked at as it is.
    """

    seed: int
    frames: int
    first: int = 0
    orders: bool = True
    marks: int = 20

    async def run(
        self,
        errors: Path,
        on_mark: Callable[[Mark, Outcome], None],
        on_finding: Callable[[Finding], None],
    ) -> Outcome:
        """Attack a gateway whose stderr goes to ``errors``; what comes of it is told as it comes.

        It ends with the first attack after which the gateway, or its neighbour, cannot go on.
        """
        outcome = Outcome(on_finding)
        wanted = Wanted(
            accounts=(ACCOUNT, NEIGHBOURS),
            cash=_CASH,
            seed=self.seed,
            unread_bytes=_UNREAD_BYTES,
        )
        try:
            async with ObservedGateway.start(wanted, errors=errors) as gateway:
                async for mark in self._marks(gateway, errors, outcome):
                    outcome.marks.append(mark)
                    on_mark(mark, outcome)
        except (BenchmarkFailed, Harm, OSError) as error:
            outcome.find(self.first + outcome.attacks, str(error))
        _look_at(errors, self.first + outcome.attacks, outcome)
        if outcome.marks:
            _look_for_leaks(self.first + outcome.attacks, outcome)
        return outcome

    async def _marks(
        self, gateway: ObservedGateway, errors: Path, outcome: Outcome
    ) -> AsyncIterator[Mark]:
        began_s, step = perf_counter(), max(1, self.frames // self.marks)
        async with Neighbour.moved_in(_HOST, gateway.port) as neighbour:
            yield await _mark(gateway, outcome, began_s)
            due = step
            for attack in attacks(self.seed, self.frames, self.first, orders=self.orders):
                await self._one(attack, gateway, neighbour, outcome)
                _look_at(errors, attack.number, outcome)
                if outcome.frames >= due or outcome.frames >= self.frames:
                    due += step
                    await _judge(gateway, neighbour, attack.number, outcome)
                    yield await _mark(gateway, outcome, began_s)

    async def _one(
        self, attack: Attack, gateway: ObservedGateway, neighbour: Neighbour, outcome: Outcome
    ) -> None:
        beside = neighbour.live() if self.orders else neighbour.ping()
        await _side_by_side(attack, gateway, beside, outcome)
        if self.orders and attack.number % _ATTACKS_A_DAY == 0:
            await gateway.next_day()
            await neighbour.sleep()
        await gateway.advance(BAR_S)
        await neighbour.next_bar()
        outcome.attacks += 1
        outcome.frames += attack.frames
        outcome.lives = neighbour.lives


async def _side_by_side(
    attack: Attack, gateway: ObservedGateway, beside: Coroutine[Any, Any, None], outcome: Outcome
) -> None:
    """Carry an attack out while the neighbour does something; what harms either is a finding."""

    async def strike() -> None:
        outcome.heard += await carry_out(attack, _HOST, gateway.port)

    errors: list[BaseException] = []
    for result in await asyncio.gather(strike(), beside, return_exceptions=True):
        if isinstance(result, Harm):
            outcome.find(attack.number, str(result))
        elif isinstance(result, BaseException):
            errors.append(result)
    if errors:
        raise errors[0]


async def _judge(
    gateway: ObservedGateway, neighbour: Neighbour, number: int, outcome: Outcome
) -> None:
    await neighbour.position()
    books, trades = await gateway.books(), await _trades(gateway)
    for broken in broken_laws(books, trades, began_with=Decimal(_CASH)):
        outcome.find(number, broken)


async def _trades(gateway: ObservedGateway) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while page := await gateway.trades(len(found), _TRADES_A_PAGE):
        found += page
    return found


async def _mark(gateway: ObservedGateway, outcome: Outcome, began_s: float) -> Mark:
    needed, held = await gateway.needed(), await gateway.held()
    return Mark(
        outcome.frames,
        perf_counter() - began_s,
        held["blocks"],
        needed,
        held["resident"],
        held["working"] + held["ended"],
        held["trades"],
    )


def _look_at(errors: Path, number: int, outcome: Outcome) -> None:
    """Take what was written to stderr since the last look: all of it is a finding."""
    words = errors.read_bytes()
    if words:
        outcome.find(number, words[-_LAST_WORDS:].decode(errors="replace"))
        errors.write_bytes(b"")


def _look_for_leaks(number: int, outcome: Outcome) -> None:
    """Compare the memory of the first half's end with that of the second's.

    What is kept of each frame for ever is more than a block a frame; what fills by and by, such
    as the feeds of options that were looked at, is done with by the middle of a long run.
    """
    middle, last = outcome.marks[len(outcome.marks) // 2], outcome.marks[-1]
    if last.frames < _ENOUGH_FRAMES:
        return
    growth = (last.beyond - middle.beyond) / max(1, last.frames - middle.frames)
    if growth > _MOST_GROWTH:
        outcome.find(number, f"{growth:.2f} blocks more a frame are held, beside the orders")
