"""close-all: the exit routine over everything of ours, and over what is not where that is said."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING

from apps.domain.errors import DeskError, NotFound
from apps.engine.routines.parameters import choice, parameter, symbols
from apps.engine.routines.routine import Grounds, Progress, Routine

if TYPE_CHECKING:
    from apps.engine.exits.exit_routine import CloseOutcome
    from apps.engine.portfolio import PositionView

__all__ = ["CLOSE_ALL", "CloseAllRequest", "Closed", "PositionSide"]


class PositionSide(Enum):
    """Which positions."""

    BOTH = "both"
    LONG = "long"
    SHORT = "short"

    def holds(self, quantity: Decimal) -> bool:
        """Tell whether a signed quantity is of this side; nothing held is of both."""
        return self is PositionSide.BOTH or (quantity > 0) is (self is PositionSide.LONG)


@dataclass(frozen=True, slots=True)
class CloseAllRequest:
    """What is closed of what is ours."""

    symbols: tuple[str, ...] = parameter(
        "Only these symbols.", symbols(), default=(), positional=True
    )
    side: PositionSide = parameter(
        "Only positions of this side.", choice(PositionSide), default=PositionSide.BOTH
    )


@dataclass(frozen=True, slots=True)
class Closed:
    """What became of each symbol, or in a dry run of what is held and would be closed.

    ``left`` are the positions that the account holds at the end, of the symbols and the side that
    were asked for, whoever bought them.
    """

    outcomes: tuple[CloseOutcome, ...]
    would_close: tuple[PositionView, ...]
    left: tuple[PositionView, ...]

    @property
    def is_flat(self) -> bool:
        """Everything of ours that was asked for is closed."""
        return all(each.ok for each in self.outcomes)


async def _run(grounds: Grounds, request: CloseAllRequest) -> Closed:
    desk = grounds.desk
    held = _chosen(await desk.positions(), request)
    if grounds.dry_run:
        return Closed((), tuple(each for each in held if each.ours), held)
    wanted = [each for each in await desk.own_symbols() if await _is_wanted(grounds, each, request)]
    done = 0

    async def close(symbol: str) -> tuple[CloseOutcome, ...]:
        nonlocal done
        try:
            outcome = await desk.close(symbol)
        except NotFound:  # it was closed meanwhile, by whatever else closes
            outcome = ()
        done += 1
        grounds.tell(Progress(done, len(wanted), symbol))
        return outcome

    closed = await asyncio.gather(*(close(each) for each in wanted), return_exceptions=True)
    outcomes: list[CloseOutcome] = []
    for symbol, result in zip(wanted, closed, strict=True):
        if isinstance(result, BaseException):
            outcomes.append(_failed(symbol, result))
        else:
            outcomes.extend(result)
    return Closed(tuple(outcomes), (), _chosen(await desk.positions(), request))


def _failed(symbol: str, error: BaseException) -> CloseOutcome:
    from apps.engine.exits.exit_routine import CloseOutcome  # noqa: PLC0415 - help stays light

    if not isinstance(error, DeskError):
        raise error
    nothing = Decimal(0)
    return CloseOutcome(symbol, False, nothing, nothing, nothing, error.message)


async def _is_wanted(grounds: Grounds, symbol: str, request: CloseAllRequest) -> bool:
    if request.symbols and symbol not in request.symbols:
        return False
    quantity = grounds.desk.own_quantity(symbol)
    return request.side.holds(quantity)


def _chosen(
    positions: tuple[PositionView, ...], request: CloseAllRequest
) -> tuple[PositionView, ...]:
    return tuple(
        each
        for each in positions
        if (not request.symbols or each.position.symbol in request.symbols)
        and request.side.holds(each.position.quantity)
    )


CLOSE_ALL = Routine(
    name="close-all",
    meaning="Leave every position of ours by the exit routine, and see that the account is flat.",
    explanation="Close what is ours in every symbol at once, or in those that are named, without "
    "a moment unprotected: entries are withdrawn, take-profits are moved through the market. What "
    "the account holds besides is listed and not touched.",
    request=CloseAllRequest,
    run=_run,
    examples=("close-all", "close-all AAPL MSFT", "close-all --side short --dry-run"),
    trades=True,
    deadline_s=120.0,
    is_done=lambda result: result.is_flat,
)
