"""What an exchange knows, as a value: to be kept elsewhere, and to begin again from.

The same shape serves both ways. `Exchange.changes` gives what became different since it was last
asked; `Exchange.restore` takes all that there is. Cash and positions are not among it: they are
what booking the trades in their order makes of the accounts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from apps.paper.exchange.orders import CommissionReport, Execution, OrderKey, OrderSnapshot
from apps.paper.feed.market import Millis

__all__ = ["ExchangeRecord", "Recorded", "Trade"]

Trade = tuple[Execution, CommissionReport]
"""An execution, and what it cost."""


@dataclass(frozen=True, slots=True)
class ExchangeRecord:
    """Orders as they stand, trades in the order in which they happened, and the next numbers.

    ``orders`` are whole snapshots. In a record of changes they stand in the order of their last
    change; in one to restore from, those that ended stand last, in the order of ending (orders of
    earlier days that nothing hangs on any more are left out). Orders came in the order of their
    permIds. ``discarded`` are orders that were dropped while they were held: only their ids stay
    used. ``order_ids`` gives the highest order id of each client; a record of changes names those
    that changed, or all. The two numbers are those below which none will be given out any more.
    ``at`` is the market time up to which the exchange was brought.
    """

    at: Millis
    next_perm_id: int
    next_execution: int
    orders: tuple[OrderSnapshot, ...] = ()
    discarded: tuple[OrderKey, ...] = ()
    trades: tuple[Trade, ...] = ()
    order_ids: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))


class Recorded(Protocol):
    """What a store asks of an exchange."""

    def changes(self) -> ExchangeRecord | None:
        """Give what became different since this was last called; None when nothing did.

        Whatever `restore` would need is among it: orders that no event was told of too (held
        ones, marks of rest, moved triggers).
        """

    def restore(self, record: ExchangeRecord) -> None:
        """Begin with what is in ``record``: a new exchange goes on as the old one would have.

        Trades are booked into the accounts; no event is told. Nothing of it is a change.
        """
