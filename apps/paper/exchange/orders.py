"""An order as the exchange holds it: what was asked, how far it has come, and what it traded.

`Order` is the client's wish, in values; `OrderSnapshot` adds where the order stands. Both are
frozen: a change makes a new snapshot, so one inside an event stays true to its moment. Which
stage may follow which stands in `NEXT_STAGES` and nowhere else. What makes an order move is
not at home here (`matching`, `brackets`, `exchange`), nor are the rules of acceptance
(`order_rules`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import Enum
from types import MappingProxyType

from apps.domain.errors import IllegalTransition
from apps.domain.orders import OrderStatus, Side
from apps.paper.exchange.behaviour import BEHAVIOURS, Behaviour, Limit, Tif, Trigger, behaviour
from apps.paper.exchange.conditions import Condition
from apps.paper.exchange.instructions import PLAIN, Instructions
from apps.paper.feed.market import Millis
from apps.paper.instruments.legs import Leg
from apps.paper.instruments.listing import Listing

__all__ = [
    "LIMIT_TYPES",
    "NEXT_STAGES",
    "OCA_CANCEL",
    "OCA_REDUCE",
    "STOP_TYPES",
    "Adjustment",
    "CommissionReport",
    "Execution",
    "Order",
    "OrderKey",
    "OrderSnapshot",
    "Stage",
]

LIMIT_TYPES = frozenset(kind for kind, each in BEHAVIOURS.items() if each.needs_limit_price)
"""Order types that need a limit price."""
STOP_TYPES = frozenset(kind for kind, each in BEHAVIOURS.items() if each.needs_trigger_price)
"""Order types that need a price to wait for."""

OCA_CANCEL = 1
"""OCA type: a fill cancels the rest of the group."""
OCA_REDUCE = 3
"""OCA type: a fill reduces the rest by as much, without blocking (2 blocks, and fills alike)."""

OrderKey = tuple[int, int]
"""``(client_id, order_id)``: order ids count per client."""


class Stage(Enum):
    """Where an order stands. IB's status is coarser, and follows from it."""

    HELD = "held"
    """Untransmitted: has a permId, and is shown to nobody."""
    AWAITS_PARENT = "awaits parent"
    AWAITS_LOCATE = "awaits shares to borrow"
    AWAITS_TIME = "awaits its time"
    AWAITS_CONDITION = "awaits its conditions"
    AWAITS_SESSION = "awaits session"
    AWAITS_TRIGGER = "awaits trigger"
    WORKING = "working"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"

    @property
    def is_alive(self) -> bool:
        """The order has been transmitted and can still trade."""
        return self in _ALIVE

    @property
    def is_done(self) -> bool:
        """Nothing more will come of the order."""
        return not NEXT_STAGES[self]


_WAITS = (
    Stage.AWAITS_PARENT,
    Stage.AWAITS_LOCATE,
    Stage.AWAITS_TIME,
    Stage.AWAITS_CONDITION,
    Stage.AWAITS_SESSION,
    Stage.AWAITS_TRIGGER,
    Stage.WORKING,
)
"""What an order waits for, one after the other; each may be skipped."""

_LATER = frozenset({Stage.AWAITS_SESSION, Stage.AWAITS_TRIGGER, Stage.WORKING})
"""What a modification that brings new conditions may send back to waiting for them."""

_ALIVE = frozenset(_WAITS)

NEXT_STAGES: Mapping[Stage, frozenset[Stage]] = MappingProxyType(
    {
        Stage.HELD: _ALIVE | {Stage.CANCELLED, Stage.REJECTED},
        **{
            stage: frozenset(_WAITS[place + 1 :])
            | {Stage.CANCELLED}
            | ({Stage.AWAITS_CONDITION} if stage in _LATER else set())
            for place, stage in enumerate(_WAITS[:-1])
        },
        Stage.WORKING: frozenset({Stage.FILLED, Stage.CANCELLED, Stage.AWAITS_CONDITION}),
        Stage.FILLED: frozenset(),
        Stage.CANCELLED: frozenset(),
        Stage.REJECTED: frozenset(),
    }
)
"""The one table of transitions; what it does not name raises `IllegalTransition`."""

_WHY_HELD: Mapping[Stage, str] = MappingProxyType(
    {
        Stage.AWAITS_PARENT: "child",
        Stage.AWAITS_LOCATE: "locate",
        Stage.AWAITS_TRIGGER: "trigger",
    }
)
"""IB has a word for these three; what waits for a time, a condition or a session carries none."""

_STATUS: Mapping[Stage, OrderStatus] = MappingProxyType(
    {
        Stage.HELD: OrderStatus.INACTIVE,
        Stage.AWAITS_PARENT: OrderStatus.PRE_SUBMITTED,
        Stage.AWAITS_LOCATE: OrderStatus.INACTIVE,
        Stage.AWAITS_TIME: OrderStatus.PRE_SUBMITTED,
        Stage.AWAITS_CONDITION: OrderStatus.PRE_SUBMITTED,
        Stage.AWAITS_SESSION: OrderStatus.PRE_SUBMITTED,
        Stage.AWAITS_TRIGGER: OrderStatus.PRE_SUBMITTED,
        Stage.WORKING: OrderStatus.SUBMITTED,
        Stage.FILLED: OrderStatus.FILLED,
        Stage.CANCELLED: OrderStatus.CANCELLED,
        Stage.REJECTED: OrderStatus.INACTIVE,
    }
)


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What a stop becomes once the market has touched ``trigger_price`` (an adjustable stop).

    ``order_type`` is STP, STP LMT or TRAIL. ``trailing_amount`` is in percent when
    ``trails_by_percent``.
    """

    trigger_price: Decimal
    order_type: str
    stop_price: Decimal | None = None
    stop_limit_price: Decimal | None = None
    trailing_amount: Decimal | None = None
    trails_by_percent: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """What a client asks for. Prices are on no tick and texts unchecked until `order_rules`.

    ``order_type`` and ``time_in_force`` are IB's words as they came (an empty time in force
    means DAY); ``stop_price`` is IB's auxPrice: a trigger price, or for TRAIL and TRAIL LIMIT the
    trailing amount, for REL the offset. ``limit_price_offset`` is TRAIL LIMIT's lmtPriceOffset,
    ``percent_offset`` REL's (a fraction, 0.01 is 1%), ``trailing_percent`` in percent (1 is 1%).
    ``good_after`` and ``good_till`` are what goodAfterTime, goodTillDate and duration come to.
    ``legs`` are those of a BAG. ``overrides_price_check`` is overridePercentageConstraints;
    ``manual`` tells that it was typed into the gateway by hand and belongs to client 0, unbound.
    An empty ``account`` is the only account there is. ``wire`` is whatever the session wants back
    with the order; nothing here reads it.
    """

    client_id: int
    order_id: int
    account: str
    listing: Listing
    side: Side
    quantity: Decimal
    order_type: str
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    time_in_force: str = "DAY"
    outside_rth: bool = False
    parent_id: int = 0
    transmit: bool = True
    oca_group: str = ""
    oca_type: int = 0
    order_ref: str = ""
    what_if: bool = False
    good_after: Millis | None = None
    good_till: Millis | None = None
    all_or_none: bool = False
    trigger_method: int = 0
    trail_stop_price: Decimal | None = None
    trailing_percent: Decimal | None = None
    limit_price_offset: Decimal | None = None
    percent_offset: Decimal | None = None
    adjustment: Adjustment | None = None
    conditions: tuple[Condition, ...] = ()
    conditions_cancel_order: bool = False
    conditions_ignore_rth: bool = False
    legs: tuple[Leg, ...] = ()
    overrides_price_check: bool = False
    manual: bool = False
    instructions: Instructions = PLAIN
    wire: object = field(default=None, compare=False, repr=False)

    @property
    def behaviour(self) -> Behaviour:
        """What an order of this type does. Raises KeyError for a type that is not taken."""
        return behaviour(self.order_type, self.time_in_force)

    @property
    def is_whole(self) -> bool:
        """The order trades all at once or not at all."""
        return self.all_or_none or self.time_in_force == Tif.FOK

    @property
    def key(self) -> OrderKey:
        """Client and order id, which name the order within the gateway."""
        return (self.client_id, self.order_id)

    @property
    def parent_key(self) -> OrderKey | None:
        """The parent's key, for a child."""
        return (self.client_id, self.parent_id) if self.parent_id else None


@dataclass(frozen=True, slots=True)
class OrderSnapshot:
    """An order and where it stands at one moment.

    ``order.quantity`` is the size now, after modifications and OCA reductions; ``given_up``
    counts what was cut from it by OCA. ``rested_since`` is the start of the session in which the
    order came to rest unfilled, which decides who pays the spread. ``done_reason`` is the text
    of a rejection or cancellation.

    ``wakes_at`` is when something is due to happen to the order by itself, its end apart.
    ``locate_until`` is until when the order waits for shares to borrow, None when it need not.
    ``trail_stop`` is where a trailing stop stands now, None before it has met the market.
    ``found_limit`` is a worst price that is not the client's: that of a trailing stop limit, a
    pegged order, a market-to-limit order that has traded. ``conditions_met`` and ``adjusted``
    stay true once they are; an adjusted order's ``order`` is what it has become. ``price_cap`` is
    the worst price that the broker lets the order trade at (IB's mktCapPrice), None without one.
    """

    order: Order
    perm_id: int
    stage: Stage
    placed_at: Millis
    parent_perm_id: int = 0
    expires_at: Millis | None = None
    filled: Decimal = Decimal(0)
    traded_value: Decimal = Decimal(0)
    last_fill_price: Decimal | None = None
    commission: Decimal = Decimal(0)
    elected: bool = False
    given_up: Decimal = Decimal(0)
    rested_since: Millis | None = None
    warning: str = ""
    done_at: Millis | None = None
    done_reason: str = ""
    wakes_at: Millis | None = None
    trail_stop: Decimal | None = None
    found_limit: Decimal | None = None
    conditions_met: bool = False
    adjusted: bool = False
    locate_until: Millis | None = None
    price_cap: Decimal | None = None

    @property
    def key(self) -> OrderKey:
        """Client and order id."""
        return self.order.key

    @property
    def status(self) -> OrderStatus:
        """IB's status."""
        return _STATUS[self.stage]

    @property
    def remaining(self) -> Decimal:
        """What is still to be traded; kept as it was when the order was cancelled."""
        return self.order.quantity - self.filled

    @property
    def avg_fill_price(self) -> Decimal:
        """Average price of what is filled; 0 when nothing is, as IB sends it."""
        return self.traded_value / self.filled if self.filled else Decimal(0)

    @property
    def why_held(self) -> str:
        """IB's whyHeld: what a PreSubmitted order waits for, ``child,trigger`` being both."""
        held = _WHY_HELD.get(self.stage, "")
        if self.stage is Stage.AWAITS_PARENT and self.awaits_election:
            return f"{held},{_WHY_HELD[Stage.AWAITS_TRIGGER]}"
        return held

    @property
    def awaits_election(self) -> bool:
        """The order waits for a price, and that was not reached yet."""
        return not self.elected and self.order.behaviour.trigger is not Trigger.NONE

    @property
    def trigger_price(self) -> Decimal | None:
        """The price that the order waits for now; None for one that waits for none, or not yet."""
        traits = self.order.behaviour
        if traits.trigger is Trigger.NONE:
            return None
        return self.trail_stop if traits.trails else self.order.stop_price

    @property
    def oca_group(self) -> str:
        """The OCA group: the order's own, or for a child its parent's permId, as IB sends it."""
        if self.order.oca_group or not self.parent_perm_id:
            return self.order.oca_group
        return str(self.parent_perm_id)

    @property
    def oca_type(self) -> int:
        """What a fill does to the rest of the group: 1 cancels, 2 and 3 reduce.

        A bracket's implicit group is of type 3: it reduces, and blocks nothing.
        """
        if self.order.oca_group:
            return self.order.oca_type or OCA_REDUCE
        return OCA_REDUCE if self.parent_perm_id else 0

    @property
    def limit(self) -> Decimal | None:
        """The worst price that the order may trade at now, or None for a market order."""
        source = self.order.behaviour.limit
        if source is Limit.NONE:
            return None
        limit = self.order.limit_price if source is Limit.OWN else self.found_limit
        if self.price_cap is None or limit is None:
            return limit
        nearer = min if self.order.side is Side.BUY else max
        return nearer(limit, self.price_cap)

    def moved(self, stage: Stage) -> OrderSnapshot:
        """Give the order in ``stage``. Raises `IllegalTransition` where the table forbids it."""
        if stage not in NEXT_STAGES[self.stage]:
            raise IllegalTransition(
                f"order {self.order.order_id} of client {self.order.client_id} cannot go from "
                f"'{self.stage.value}' to '{stage.value}'"
            )
        return replace(self, stage=stage)


@dataclass(frozen=True, slots=True)
class Execution:
    """One fill. ``cumulative_quantity`` and ``avg_price`` are the order's after it.

    ``removed_liquidity`` tells whether the order took the other side's quote. ``is_combo`` tells
    that this is the trade of a BAG as a whole: its legs follow with executions of their own, and
    they, not this one, are booked.
    """

    exec_id: str
    client_id: int
    order_id: int
    perm_id: int
    account: str
    listing: Listing
    side: Side
    quantity: Decimal
    price: Decimal
    at: Millis
    cumulative_quantity: Decimal
    avg_price: Decimal
    order_ref: str
    removed_liquidity: bool
    is_combo: bool = False


@dataclass(frozen=True, slots=True)
class CommissionReport:
    """What an execution cost. ``realized_pnl`` is None for a trade that only opened.

    Realised P&L is net of commissions, of the opening and of the closing trade, as IB counts.
    """

    exec_id: str
    account: str
    commission: Decimal
    currency: str
    realized_pnl: Decimal | None
