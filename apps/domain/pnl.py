"""What our own fills made: positions, realised and unrealised profit and loss, fees.

At home here: the arithmetic of fills, by average cost. The fills are the broker's, the marks
(prices at which open shares are valued) are injected. Which fills are ours, and which day they
belong to, is the caller's to know.

An execution may be delivered many times: again with its commission, again after a reconnection,
again corrected, with only the digits after the last dot of its exec_id changed. So fills are
first reduced to the last word on each execution, then put in order of time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from apps.domain.orders import Fill

__all__ = ["OwnPosition", "last_word", "own_positions"]

_COST_STEP = Decimal("1e-9")
"""Costs are split to this step; the last share closed takes what is left, so none gets lost."""

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class OwnPosition:
    """What our fills of one contract add up to.

    ``quantity`` is signed. ``cost`` is what the open shares cost, signed as the quantity.
    ``realized`` is before ``fees``; ``fees`` are those reported so far, and
    ``fees_awaited`` the fills whose commission has not been reported yet.
    """

    con_id: int
    symbol: str
    quantity: Decimal = _ZERO
    cost: Decimal = _ZERO
    realized: Decimal = _ZERO
    fees: Decimal = _ZERO
    fees_awaited: int = 0

    @property
    def average_price(self) -> Decimal | None:
        """What an open share cost on average, None when flat."""
        return self.cost / self.quantity if self.quantity else None

    def unrealized(self, mark: Decimal) -> Decimal:
        """Give the open shares' profit at a price of ``mark``."""
        return self.quantity * mark - self.cost


def last_word(fills: Iterable[Fill]) -> tuple[Fill, ...]:
    """Reduce deliveries to one fill for each execution, in order of time.

    The highest revision holds, and of the same revision the one with a commission. The result
    does not depend on the order or the number of the deliveries.
    """
    kept: dict[str, Fill] = {}
    for fill in fills:
        known = kept.get(fill.execution)
        if known is None or _weight(fill) > _weight(known):
            kept[fill.execution] = fill
    return tuple(sorted(kept.values(), key=_in_time))


def own_positions(
    fills: Iterable[Fill], carried: Iterable[OwnPosition] = ()
) -> dict[int, OwnPosition]:
    """Give what ``fills`` made of each contract, by con_id, flat ones included.

    ``carried`` are positions from before the first fill, with their cost.
    """
    positions = {position.con_id: position for position in carried}
    for fill in last_word(fills):
        before = positions.get(fill.con_id, OwnPosition(fill.con_id, fill.symbol))
        positions[fill.con_id] = _after(before, fill)
    return positions


def _after(position: OwnPosition, fill: Fill) -> OwnPosition:
    traded = fill.quantity * fill.side.sign
    closed = min(abs(traded), abs(position.quantity)) if traded * position.quantity < 0 else _ZERO
    cost_closed = _cost_of(position, closed)
    proceeds = closed * fill.price * -fill.side.sign
    opened = (fill.quantity - closed) * fill.side.sign
    return replace(
        position,
        quantity=position.quantity + traded,
        cost=position.cost - cost_closed + opened * fill.price,
        realized=position.realized + proceeds - cost_closed,
        fees=position.fees + (fill.commission or _ZERO),
        fees_awaited=position.fees_awaited + (fill.commission is None),
    )


def _cost_of(position: OwnPosition, closed: Decimal) -> Decimal:
    if not closed:
        return _ZERO
    if closed == abs(position.quantity):
        return position.cost
    return (position.cost * closed / abs(position.quantity)).quantize(_COST_STEP)


def _weight(fill: Fill) -> tuple[int, bool, Decimal, Decimal, Decimal, datetime]:
    """Order deliveries of one execution; what follows the commission only makes ties definite."""
    commission = fill.commission
    known = commission if commission is not None else _ZERO
    return fill.revision, commission is not None, known, fill.quantity, fill.price, fill.at


def _in_time(fill: Fill) -> tuple[datetime, int, str]:
    # executions are stamped to the second; an entry's order id is below those of its exits
    return fill.at, fill.order_id, fill.exec_id
