"""Orders, as values: what we ask for, and what the broker says of it.

`Ticket` is one order to be sent; `Bracket` an entry with its exits. `OrderState` and `Fill`
are the broker's words. Prices and quantities are Decimals; a price is on the instrument's tick
before it gets here. How bracket prices are found stands in `apps.domain.brackets`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum

from apps.domain.instruments import Instrument

__all__ = [
    "AdaptivePriority",
    "Bracket",
    "Fill",
    "OrderState",
    "OrderStatus",
    "OrderType",
    "Side",
    "Ticket",
    "TimeInForce",
]


class Side(Enum):
    """Which way an order trades; the value is IB's action."""

    BUY = "BUY"
    SELL = "SELL"

    sign: int
    """+1 for a buy, −1 for a sell."""

    def __init__(self, action: str) -> None:
        self.sign = 1 if action == "BUY" else -1

    @property
    def opposite(self) -> Side:
        """The side that closes what this one opens."""
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(Enum):
    """The order types that the desk sends; the value is IB's."""

    MARKET = "MKT"
    LIMIT = "LMT"
    STOP = "STP"
    STOP_LIMIT = "STP LMT"
    MARKET_ON_CLOSE = "MOC"


class TimeInForce(Enum):
    """How long an order lives; the value is IB's."""

    DAY = "DAY"
    GTC = "GTC"
    IOC = "IOC"


class AdaptivePriority(Enum):
    """How urgently IB's Adaptive algorithm fills an order; the value is IB's."""

    URGENT = "Urgent"
    NORMAL = "Normal"
    PATIENT = "Patient"


class OrderStatus(Enum):
    """IB's order statuses. There is no "partially filled": read filled and remaining."""

    API_PENDING = "ApiPending"
    PENDING_SUBMIT = "PendingSubmit"
    PRE_SUBMITTED = "PreSubmitted"
    SUBMITTED = "Submitted"
    PENDING_CANCEL = "PendingCancel"
    PRE_CANCELLED = "PreCancelled"
    API_CANCELLED = "ApiCancelled"
    CANCELLED = "Cancelled"
    FILLED = "Filled"
    INACTIVE = "Inactive"

    @property
    def is_working(self) -> bool:
        """The broker has accepted the order and it can fill (or be elected)."""
        return self in (OrderStatus.PRE_SUBMITTED, OrderStatus.SUBMITTED)

    @property
    def is_done(self) -> bool:
        """Nothing more will come of the order."""
        return self in (OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.API_CANCELLED)


@dataclass(frozen=True, slots=True)
class Ticket:
    """One order to be sent. ``limit_price`` and ``stop_price`` stand where the type needs them.

    Orders of one ``oca_group`` stand in for each other: a fill of one takes as much from the rest.
    The children of a bracket do so without a name. One that is ``adaptive`` (a market or limit
    order) is worked by IB's Adaptive algorithm.
    """

    side: Side
    quantity: Decimal
    order_type: OrderType
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.DAY
    outside_rth: bool = False
    order_ref: str = ""
    oca_group: str = ""
    adaptive: AdaptivePriority | None = None


@dataclass(frozen=True, slots=True)
class Bracket:
    """An entry and the exits that protect it; sent as one, released by its last leg."""

    instrument: Instrument
    entry: Ticket
    take_profit: Ticket | None
    stop_loss: Ticket | None

    @property
    def legs(self) -> tuple[Ticket, ...]:
        """Entry, take-profit, stop, in the order in which they are sent."""
        exits = (self.take_profit, self.stop_loss)
        return (self.entry, *[leg for leg in exits if leg is not None])


@dataclass(frozen=True, slots=True)
class OrderState:
    """What the broker says of one order, ours or another's.

    ``order_id`` counts per client and is 0 for an order made by hand; ``perm_id`` is the
    account's own number and 0 until the broker has given it. ``symbol`` and ``con_id`` stand
    here without the whole instrument, for orders of others may be in anything.
    """

    order_id: int
    perm_id: int
    client_id: int
    account: str
    con_id: int
    symbol: str
    side: Side
    quantity: Decimal
    order_type: str
    limit_price: Decimal | None
    stop_price: Decimal | None
    time_in_force: str
    order_ref: str
    parent_id: int
    oca_group: str
    status: OrderStatus
    filled: Decimal
    remaining: Decimal
    avg_fill_price: Decimal | None
    why_held: str = ""
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution, keyed by ``exec_id``; a correction changes only the part after its last dot.

    ``commission`` and ``realized_pnl`` are None until the broker's report came (it comes later).
    """

    exec_id: str
    order_id: int
    perm_id: int
    client_id: int
    account: str
    con_id: int
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    at: datetime
    order_ref: str
    commission: Decimal | None = None
    realized_pnl: Decimal | None = None

    @property
    def execution(self) -> str:
        """What names the execution, whichever correction of it this is."""
        stem, dot, revision = self.exec_id.rpartition(".")
        return stem if dot and revision.isdecimal() else self.exec_id

    @property
    def revision(self) -> int:
        """Which correction this is; 0 for an exec_id that does not say."""
        _, dot, revision = self.exec_id.rpartition(".")
        return int(revision) if dot and revision.isdecimal() else 0
