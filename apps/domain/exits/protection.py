"""Is a position protected? The one definition of a working stop.

A stop works when the broker has accepted it (PreSubmitted or Submitted), its perm_id is known, it
is not held for a locate, and it closes the position on the right side. One that is still held as
the child of its entry is told apart: after the entry's fill it means "read again", and never
"send a second one".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from apps.domain.orders import OrderState, Side

__all__ = ["Protection", "ProtectionState", "protection_of"]

_STOP_TYPES = frozenset({"STP", "STP LMT", "TRAIL", "TRAIL LIMIT"})


class ProtectionState(Enum):
    """How well a position is protected; the value is the word that is shown."""

    FLAT = "flat"
    PROTECTED = "protected"
    PARTLY = "partly protected"
    HELD = "stop not active yet"
    """A stop of enough shares is there, but at least a part of it is held as a child."""
    NAKED = "no stop"


@dataclass(frozen=True, slots=True)
class Protection:
    """``quantity`` shares are covered by working stops; ``stop_price`` is the first to fire.

    ``stop_price`` is None where no stop works, or where its price is not known (a trailing one).
    """

    state: ProtectionState
    quantity: Decimal = Decimal(0)
    stop_price: Decimal | None = None


def protection_of(position: Decimal, orders: Iterable[OrderState]) -> Protection:
    """Judge a signed ``position`` by the account's open ``orders`` of the same contract."""
    if position == 0:
        return Protection(ProtectionState.FLAT)
    closing = Side.SELL if position > 0 else Side.BUY
    stops = [order for order in orders if order.side is closing and _is_accepted_stop(order)]
    working = [order for order in stops if not _is_held_as_child(order)]
    covered = min(_quantity(working), abs(position))
    prices = [order.stop_price for order in working if order.stop_price is not None]
    first = (max if closing is Side.SELL else min)(prices, default=None)
    return Protection(_state(covered, _quantity(stops), abs(position)), covered, first)


def _state(covered: Decimal, with_held: Decimal, needed: Decimal) -> ProtectionState:
    if covered >= needed:
        return ProtectionState.PROTECTED
    if with_held >= needed:
        return ProtectionState.HELD
    return ProtectionState.PARTLY if covered else ProtectionState.NAKED


def _is_accepted_stop(order: OrderState) -> bool:
    return (
        order.order_type in _STOP_TYPES
        and order.status.is_working
        and order.perm_id != 0
        and order.remaining > 0
        and "locate" not in order.why_held
    )


def _is_held_as_child(order: OrderState) -> bool:
    return "child" in order.why_held


def _quantity(stops: Iterable[OrderState]) -> Decimal:
    """Add up what the stops would trade; those of one OCA group stand in for each other."""
    groups: dict[str | int, Decimal] = {}
    for number, order in enumerate(stops):
        group = order.oca_group or number
        groups[group] = max(groups.get(group, Decimal(0)), order.remaining)
    return sum(groups.values(), Decimal(0))
