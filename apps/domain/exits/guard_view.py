"""What the guard is told of one symbol, and what follows from that alone.

At home here: our trades in the symbol with their exits, what of them has to be protected, which
stops work and which exits belong together. What is done about it is decided in
`apps.domain.exits.guard`.

Nothing here takes a single source at its word. Of what was entered and of what was exited the
higher of executions and status counts: executions can stay away, and a stop is never sent for
shares that may be gone already. What has to be protected is never more than min(ours, the
account's).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from apps.domain.exits.protection import ProtectionState, protection_of
from apps.domain.orders import OrderState, OrderStatus, Side

__all__ = ["GuardOrder", "GuardRole", "GuardView", "GuardedTrade", "Reading"]

_ZERO = Decimal(0)
_UNANSWERED = frozenset({OrderStatus.API_PENDING, OrderStatus.PENDING_SUBMIT})


class GuardRole(Enum):
    """What an order is to its trade, as far as the guard cares."""

    STOP = "stop"
    TAKE_PROFIT = "take-profit"
    EXIT = "closing order"
    CORRECTION = "correction"
    """Takes back what exits have traded too much."""


@dataclass(frozen=True, slots=True)
class GuardOrder:
    """One order of a trade, save its entry; ``traded`` is what its executions add up to.

    ``order`` is the broker's word of it, None before the first. ``is_over`` says that nothing more
    will come of it, ``was_refused`` that the broker turned it down, ``is_missing`` that the open
    orders do not list it, though its end was not told.
    """

    role: GuardRole
    order_id: int
    quantity: Decimal
    traded: Decimal = _ZERO
    order: OrderState | None = None
    is_over: bool = False
    was_refused: bool = False
    is_missing: bool = False
    oca_group: str = ""

    @property
    def filled(self) -> Decimal:
        """Shares that it traded, by whichever source is ahead."""
        return max(self.traded, _ZERO if self.order is None else self.order.filled)

    @property
    def left(self) -> Decimal:
        """Shares that it could still trade."""
        return _ZERO if self.is_over else max(_ZERO, self.quantity - self.filled)

    @property
    def is_answered(self) -> bool:
        """The broker has accepted it once, whatever became of it since."""
        if self.order is None or self.order.perm_id == 0:
            return False
        return self.order.status not in _UNANSWERED

    @property
    def group(self) -> str:
        """The one-cancels-all group that it names; a child's implicit one is not named here."""
        return self.oca_group or ("" if self.order is None else self.order.oca_group)

    @property
    def parent_id(self) -> int:
        """The entry that it is a child of; 0 for an order that was sent alone."""
        return 0 if self.order is None else self.order.parent_id

    def is_bound_to(self, other: GuardOrder) -> bool:
        """Tell whether a fill of one takes as much from the other."""
        are_siblings = self.parent_id != 0 and self.parent_id == other.parent_id
        return are_siblings or (self.group != "" and self.group == other.group)


@dataclass(frozen=True, slots=True)
class GuardedTrade:
    """One trade of ours. ``entered`` is what its entry traded, ``exits`` its other orders.

    ``stop_price`` is None where the trader wanted none, ``target_price`` likewise.
    ``is_entering`` says that the entry may still fill.
    """

    order_ref: str
    side: Side
    entered: Decimal
    is_entering: bool
    stop_price: Decimal | None
    target_price: Decimal | None
    exits: tuple[GuardOrder, ...] = ()

    @property
    def open_quantity(self) -> Decimal:
        """Shares that are entered and, for all that is known, not exited."""
        gone = sum((each.filled for each in self._closing()), _ZERO)
        back = sum((each.traded for each in self._corrections()), _ZERO)
        return max(_ZERO, self.entered - gone + back)

    @property
    def over_exited(self) -> Decimal:
        """Shares that were surely exited beyond what was entered, and not taken back."""
        gone = sum((each.traded for each in self._closing()), _ZERO)
        back = sum((each.filled for each in self._corrections()), _ZERO)
        return max(_ZERO, gone - back - self.entered)

    @property
    def signed(self) -> Decimal:
        """What the trade makes of our position, over-exits included."""
        return self.side.sign * (self.open_quantity - self.over_exited)

    def live(self, role: GuardRole) -> tuple[GuardOrder, ...]:
        """Give the orders of a role of which something may still come."""
        return tuple(each for each in self.exits if each.role is role and not each.is_over)

    def _closing(self) -> Iterable[GuardOrder]:
        return (each for each in self.exits if each.role is not GuardRole.CORRECTION)

    def _corrections(self) -> Iterable[GuardOrder]:
        return (each for each in self.exits if each.role is GuardRole.CORRECTION)


@dataclass(frozen=True, slots=True)
class Reading:
    """One complete answer of the broker's, at counted second ``at_s``.

    ``missing`` are the orders of ours that were not over when it was asked for, and that it does
    not list.
    """

    at_s: float
    missing: frozenset[int]
    account_position: Decimal


@dataclass(frozen=True, slots=True)
class GuardView:
    """All that is known of one symbol at ``now_s``.

    ``now_s`` counts the seconds in which something can be done: the link is up, the symbol is not
    halted. ``account_position`` is the account's signed quantity, moved on by every execution.
    ``touch`` is where the market would take our shares (the bid for a long), None if not known.
    ``is_open`` is None where the hours are not known. ``readings`` are the newest two since the
    link was last lost, oldest first.
    """

    symbol: str
    trades: tuple[GuardedTrade, ...]
    account_position: Decimal
    now_s: float
    touch: Decimal | None = None
    is_open: bool | None = True
    is_being_closed: bool = False
    readings: tuple[Reading, ...] = ()

    def needs(self) -> Mapping[str, Decimal]:
        """Give how many shares of each trade have to be protected, the oldest trade first.

        Together never more than min(ours, the account's position).
        """
        ours = sum((each.signed for each in self.trades), _ZERO)
        left = _closable(ours, self.account_position)
        needs: dict[str, Decimal] = {}
        for trade in self.trades:
            is_ours = trade.side.sign * ours > 0
            needs[trade.order_ref] = min(trade.open_quantity, left) if is_ours else _ZERO
            left -= needs[trade.order_ref]
        return needs

    def crossed(self, trade: GuardedTrade) -> Decimal:
        """Give how much of a trade's over-exit stands as a position on the other side."""
        ours = sum((each.signed for each in self.trades), _ZERO)
        if not trade.over_exited or ours * trade.side.sign >= 0:
            return _ZERO
        return min(trade.over_exited, _closable(ours, self.account_position))

    def is_short_of_position(self, readings: int) -> bool:
        """Tell whether the account held less than our trades say in each of so many readings."""
        ours = sum((each.open_quantity for each in self.trades), _ZERO)
        held = [_closable(self._signed_open(), each.account_position) for each in self.readings]
        return len(held) >= readings and all(each < ours for each in held)

    def is_absent(self, order: GuardOrder) -> bool:
        """Tell whether two answers of the broker's, apart in time, did not list an order."""
        newest = self.readings[-2:]
        return len(newest) == 2 and all(order.order_id in each.missing for each in newest)

    def works(self, trade: GuardedTrade, stop: GuardOrder) -> bool:
        """Tell whether a stop would fire now, for as much as is left of it."""
        is_doubted = any(stop.order_id in each.missing for each in self.readings[-1:])
        if stop.order is None or stop.is_over or stop.is_missing or is_doubted:
            return False
        one = trade.side.sign * Decimal("1e-9")
        return protection_of(one, (stop.order,)).state is ProtectionState.PROTECTED

    def covered(self, trade: GuardedTrade) -> Decimal:
        """Give how many shares the working stops of a trade would close."""
        return _in_groups(each for each in trade.live(GuardRole.STOP) if self.works(trade, each))

    def stopped(self, trade: GuardedTrade) -> Decimal:
        """Give how many shares all stops of a trade could close that the broker has accepted."""
        return _in_groups(each for each in trade.live(GuardRole.STOP) if each.is_answered)

    def _signed_open(self) -> Decimal:
        return sum((each.side.sign * each.open_quantity for each in self.trades), _ZERO)


def _closable(ours: Decimal, account: Decimal) -> Decimal:
    return min(abs(ours), abs(account)) if ours * account > 0 else _ZERO


def _in_groups(orders: Iterable[GuardOrder]) -> Decimal:
    """Add up what orders would trade; those of one group stand in for each other."""
    groups: dict[str | int, Decimal] = {}
    for order in orders:
        group: str | int = order.group or order.order_id
        groups[group] = max(groups.get(group, _ZERO), order.left)
    return sum(groups.values(), _ZERO)
