"""What a broker says at one moment of all that we ask it: orders, executions, positions.

Each part is either answered, with what came (which may be nothing at all), or failed, with the
reason. The two are different types, so that nothing can be read out of an answer that never came.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from apps.domain.account import Position
from apps.domain.orders import Fill, OrderState

__all__ = ["Answered", "BrokerSnapshot", "Failed", "is_one_trading_day"]

T = TypeVar("T")

_MARKET_ZONE = ZoneInfo("America/New_York")


@dataclass(frozen=True, slots=True)
class Answered(Generic[T]):
    """The broker answered; no rows means that there are none."""

    rows: tuple[T, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """There is no answer, or none that counts."""

    reason: str


@dataclass(frozen=True, slots=True)
class BrokerSnapshot:
    """The parts, the link's epoch and the market time (aware UTC) at which they were asked for.

    ``taken_s`` are monotonic seconds of this machine, at the beginning of the asking.
    """

    open_orders: Answered[OrderState] | Failed
    completed_orders: Answered[OrderState] | Failed
    executions: Answered[Fill] | Failed
    positions: Answered[Position] | Failed
    epoch: int
    at: datetime | None
    taken_s: float

    @property
    def problems(self) -> tuple[str, ...]:
        """Why parts of it failed, each reason once."""
        parts = (self.open_orders, self.completed_orders, self.executions, self.positions)
        return tuple(dict.fromkeys(each.reason for each in parts if isinstance(each, Failed)))

    @property
    def is_complete(self) -> bool:
        """Every part was answered, and the market's time was known."""
        return not self.problems and self.at is not None

    @property
    def standing(self) -> tuple[OrderState, ...]:
        """The open orders; none where they are not known."""
        return self.open_orders.rows if isinstance(self.open_orders, Answered) else ()

    @property
    def ended(self) -> tuple[OrderState, ...]:
        """The orders that ended today; none where they are not known."""
        return self.completed_orders.rows if isinstance(self.completed_orders, Answered) else ()

    @property
    def fills(self) -> tuple[Fill, ...]:
        """The day's executions; none where they are not known."""
        return self.executions.rows if isinstance(self.executions, Answered) else ()

    def holding(self, con_id: int) -> Decimal | None:
        """Give the account's signed quantity of a contract; None where it is not known."""
        if isinstance(self.positions, Failed):
            return None
        held = (each.quantity for each in self.positions.rows if each.con_id == con_id)
        return sum(held, Decimal(0))


def is_one_trading_day(*moments: datetime | None) -> bool:
    """Tell whether ``moments`` are of one day of the market's, for which the broker remembers.

    It forgets ended orders and executions at a midnight, and whose midnight that is, IB does not
    say: the date must be the same in New York and in UTC. An unknown moment is of no day.
    """
    known = [each for each in moments if each is not None]
    in_market = {each.astimezone(_MARKET_ZONE).date() for each in known}
    return len(known) == len(moments) and len(in_market) == 1 == len({k.date() for k in known})
