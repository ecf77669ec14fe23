"""close-all: the exit routine over everything of ours, and what is not ours where that is said.

Ours first, for our stops are among the orders that the broker's global cancel would end: it is not
sent unless all of ours is closed.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING

from apps.domain.errors import BadRequest, DeskError, NotFound
from apps.engine.routines.parameters import choice, parameter, switch, symbols
from apps.engine.routines.routine import Grounds, Progress, Routine

if TYPE_CHECKING:
    from apps.domain.orders import OrderState
    from apps.engine.exits.exit_routine import CloseOutcome
    from apps.engine.portfolio import PositionView

__all__ = ["CLOSE_ALL", "CloseAllRequest", "Closed", "PositionSide"]

STANDING_TIMEOUT_S = 10.0
"""How long the broker may take to end the orders of all clients."""


class PositionSide(Enum):
    """Which positions."""

    BOTH = "both"
    LONG = "long"
    SHORT = "short"

    def holds(self, quantity: Decimal) -> bool:
        """Tell whether a signed quantity is of this side; nothing held is of neither."""
        if self is PositionSide.BOTH:
            return True
        return quantity > 0 if self is PositionSide.LONG else quantity < 0


@dataclass(frozen=True, slots=True)
class CloseAllRequest:
    """What is closed, and what of others is touched."""

    symbols: tuple[str, ...] = parameter(
        "Only these symbols.", symbols(), default=(), positional=True
    )
    side: PositionSide = parameter(
        "Only positions of this side.", choice(PositionSide), default=PositionSide.BOTH
    )
    others: bool = parameter(
        "Close what the account holds besides ours too, at the market.", switch(), default=False
    )
    all_clients: bool = parameter(
        "Then end the orders of all clients, by hand or by program: IB's global cancel.",
        switch(),
        default=False,
    )

    def __post_init__(self) -> None:
        if self.all_clients and (self.symbols or self.side is not PositionSide.BOTH):
            raise BadRequest({"all_clients": "ends every order there is: give no symbols, no side"})


@dataclass(frozen=True, slots=True)
class Closed:
    """What became of each symbol, or in a dry run of what is held and would be closed.

    ``foreign`` is what became of positions that are not ours. ``left`` are the positions that the
    account holds at the end, of the symbols and the side that were asked for, whoever bought them;
    ``standing`` the orders of others that stand after a global cancel. ``warning`` says what was
    not done.
    """

    outcomes: tuple[CloseOutcome, ...]
    would_close: tuple[PositionView, ...]
    left: tuple[PositionView, ...]
    foreign: tuple[CloseOutcome, ...] = ()
    standing: tuple[OrderState, ...] = ()
    warning: str = ""

    @property
    def is_done(self) -> bool:
        """Everything that was asked for is closed and ended."""
        closed = all(each.ok for each in (*self.outcomes, *self.foreign))
        return closed and not self.standing and not self.warning


async def _run(grounds: Grounds, request: CloseAllRequest) -> Closed:
    desk = grounds.desk
    held = _chosen(await desk.positions(), request)
    if grounds.dry_run:
        return Closed((), tuple(each for each in held if each.ours or request.others), held)
    outcomes = await _close_ours(grounds, request)
    standing: tuple[OrderState, ...] = ()
    warning = ""
    if request.all_clients and not all(each.ok for each in outcomes):
        warning = "The orders of others were left standing, for our stops are still needed."
    elif request.all_clients:
        desk.account_closing.cancel_everything()
        standing = await desk.account_closing.still_standing(STANDING_TIMEOUT_S)
    foreign: tuple[CloseOutcome, ...] = ()
    if request.others:
        rest = _chosen(await desk.positions(), request)
        foreign = await desk.account_closing.close_foreign(each.position for each in rest)
    left = _chosen(await desk.positions(), request)
    return Closed(outcomes, (), left, foreign, standing, warning)


async def _close_ours(grounds: Grounds, request: CloseAllRequest) -> tuple[CloseOutcome, ...]:
    desk = grounds.desk
    wanted = [each for each in await desk.own_symbols() if _is_wanted(grounds, each, request)]
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
    return tuple(outcomes)


def _failed(symbol: str, error: BaseException) -> CloseOutcome:
    from apps.engine.exits.exit_routine import CloseOutcome  # noqa: PLC0415 - help stays light

    if not isinstance(error, DeskError):
        raise error
    nothing = Decimal(0)
    return CloseOutcome(symbol, False, nothing, nothing, nothing, error.message)


def _is_wanted(grounds: Grounds, symbol: str, request: CloseAllRequest) -> bool:
    if request.symbols and symbol not in request.symbols:
        return False
    return request.side.holds(grounds.desk.own_quantity(symbol))


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
    "the account holds besides is listed and not touched, unless --others says so; orders of other "
    "clients stand, unless --all-clients says so.",
    request=CloseAllRequest,
    run=_run,
    examples=(
        "close-all",
        "close-all AAPL MSFT",
        "close-all --side short --dry-run",
        "close-all --others --all-clients --yes",
    ),
    trades=True,
    deadline_s=120.0,
    is_done=lambda result: result.is_done,
)
