"""What the desk writes down: one flat value for each kind of thing that it does or hears.

At home here: the words of the journal, of which each stands for itself and none is ever changed.
Where they are kept, and in which form, is not known here. ``at`` is market time (aware UTC), None
where the broker's clock was not known yet; the order in which things were written down is the
journal's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum

from apps.domain.account import AccountSummary, Position
from apps.domain.activities import ActivityBegan, ActivityEnded
from apps.domain.orders import Fill, OrderState, OrderStatus, Side, Ticket

__all__ = [
    "AccountSeen",
    "AlertTold",
    "BarsHeard",
    "CarriedIn",
    "ChangeAsked",
    "ChangeKind",
    "CommandGiven",
    "CommissionReported",
    "DeskOpened",
    "Executed",
    "IntentDropped",
    "IntentReserved",
    "KeptWatcher",
    "LinkSeen",
    "NoticeHeard",
    "OrderReserved",
    "OrderSeen",
    "OutcomeKnown",
    "PositionSeen",
    "Record",
    "SessionBegan",
    "TradingChanged",
    "WatcherSeen",
]


@dataclass(frozen=True, slots=True)
class DeskOpened:
    """A desk begins to write."""

    account: str
    client_id: int
    trading_mode: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class CommandGiven:
    """A command of the trader's, as it was typed, before it is done."""

    text: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class IntentReserved:
    """A bracket is about to be sent under ``order_ref``; its prices stand with its orders.

    ``label`` says who wanted it: a watcher's id, or ``bracket``. ``reference`` is the price that
    cap and exits were taken from. One that ``rests`` is not withdrawn when it is not filled soon.
    """

    order_ref: str
    label: str
    con_id: int
    symbol: str
    primary_exchange: str
    side: Side
    quantity: Decimal
    reference: Decimal
    rests: bool
    at: datetime | None


@dataclass(frozen=True, slots=True)
class IntentDropped:
    """Nothing of what was reserved under ``order_ref`` was sent, and nothing will be."""

    order_ref: str
    reason: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class OutcomeKnown:
    """An intent is over, and why; or, where not ``is_over``, it was taken for over and is not.

    The last one written holds. ``outcome`` is the word that is shown.
    """

    order_ref: str
    outcome: str
    is_over: bool
    reason: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class OrderReserved:
    """An order is about to be sent. ``role`` is what it is to its intent: entry, stop, …."""

    order_ref: str
    client_id: int
    order_id: int
    parent_id: int
    role: str
    con_id: int
    symbol: str
    side: Side
    quantity: Decimal
    order_type: str
    limit_price: Decimal | None
    stop_price: Decimal | None
    time_in_force: str
    at: datetime | None


class ChangeKind(Enum):
    """What is asked for of an order that was sent."""

    MODIFY = "modify"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class ChangeAsked:
    """A change of an order of ours, or its end, is about to be asked for.

    Of a cancellation quantity and prices are None. ``order_ref`` is empty where it is not known.
    """

    order_ref: str
    client_id: int
    order_id: int
    change: ChangeKind
    quantity: Decimal | None
    limit_price: Decimal | None
    stop_price: Decimal | None
    at: datetime | None

    @classmethod
    def modification(
        cls, order_id: int, ticket: Ticket, *, client_id: int, at: datetime | None
    ) -> ChangeAsked:
        """Give the record of ``ticket`` being asked for in place of an order."""
        return cls(
            order_ref=ticket.order_ref,
            client_id=client_id,
            order_id=order_id,
            change=ChangeKind.MODIFY,
            quantity=ticket.quantity,
            limit_price=ticket.limit_price,
            stop_price=ticket.stop_price,
            at=at,
        )

    @classmethod
    def cancellation(
        cls, order_id: int, order_ref: str, *, client_id: int, at: datetime | None
    ) -> ChangeAsked:
        """Give the record of an order's end being asked for."""
        return cls(order_ref, client_id, order_id, ChangeKind.CANCEL, None, None, None, at)


@dataclass(frozen=True, slots=True)
class OrderSeen:
    """What the broker says of an order of ours."""

    order_ref: str
    client_id: int
    order_id: int
    perm_id: int
    status: OrderStatus
    quantity: Decimal
    filled: Decimal
    remaining: Decimal
    avg_fill_price: Decimal | None
    limit_price: Decimal | None
    stop_price: Decimal | None
    why_held: str
    warning: str
    at: datetime | None

    @classmethod
    def of(cls, order: OrderState, at: datetime | None) -> OrderSeen:
        """Give what is written down of ``order``."""
        return cls(
            order_ref=order.order_ref,
            client_id=order.client_id,
            order_id=order.order_id,
            perm_id=order.perm_id,
            status=order.status,
            quantity=order.quantity,
            filled=order.filled,
            remaining=order.remaining,
            avg_fill_price=order.avg_fill_price,
            limit_price=order.limit_price,
            stop_price=order.stop_price,
            why_held=order.why_held,
            warning=order.warning,
            at=at,
        )


@dataclass(frozen=True, slots=True)
class NoticeHeard:
    """IB's code and text about an order of ours."""

    order_ref: str
    client_id: int
    order_id: int
    code: int
    text: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Executed:
    """An execution of ours; ``at`` is the broker's.

    ``execution`` names it whichever correction of it this is: of those, the highest ``revision``
    holds.
    """

    exec_id: str
    execution: str
    revision: int
    order_ref: str
    client_id: int
    order_id: int
    perm_id: int
    account: str
    con_id: int
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    at: datetime

    @classmethod
    def of(cls, fill: Fill) -> Executed:
        """Give what is written down of ``fill``, its commission apart."""
        return cls(
            exec_id=fill.exec_id,
            execution=fill.execution,
            revision=fill.revision,
            order_ref=fill.order_ref,
            client_id=fill.client_id,
            order_id=fill.order_id,
            perm_id=fill.perm_id,
            account=fill.account,
            con_id=fill.con_id,
            symbol=fill.symbol,
            side=fill.side,
            quantity=fill.quantity,
            price=fill.price,
            at=fill.at,
        )

    def fill(self, cost: CommissionReported | None) -> Fill:
        """Give the execution as the broker told it, with what it ``cost`` where that is known."""
        return Fill(
            exec_id=self.exec_id,
            order_id=self.order_id,
            perm_id=self.perm_id,
            client_id=self.client_id,
            account=self.account,
            con_id=self.con_id,
            symbol=self.symbol,
            side=self.side,
            quantity=self.quantity,
            price=self.price,
            at=self.at,
            order_ref=self.order_ref,
            commission=None if cost is None else cost.commission,
            realized_pnl=None if cost is None else cost.realized_pnl,
        )


@dataclass(frozen=True, slots=True)
class CommissionReported:
    """What an execution cost, and what it realised where it closed something."""

    exec_id: str
    order_ref: str
    commission: Decimal
    realized_pnl: Decimal | None
    at: datetime | None


@dataclass(frozen=True, slots=True)
class AlertTold:
    """A line for the trader; ``order_ref`` is empty where it belongs to no intent."""

    kind: str
    text: str
    symbol: str
    watcher_id: str
    order_ref: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class LinkSeen:
    """The state of the link to the broker; ``epoch`` grows by one at every loss."""

    state: str
    epoch: int
    reason: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class AccountSeen:
    """The account's balances; None is what the broker did not say."""

    account: str
    currency: str
    net_liquidation: Decimal | None
    cash: Decimal | None
    buying_power: Decimal | None
    available_funds: Decimal | None
    initial_margin: Decimal | None
    maintenance_margin: Decimal | None
    unrealized_pnl: Decimal | None
    realized_pnl: Decimal | None
    at: datetime | None

    @classmethod
    def of(cls, summary: AccountSummary, at: datetime | None) -> AccountSeen:
        """Give what is written down of ``summary``."""
        return cls(
            account=summary.account,
            currency=summary.currency,
            net_liquidation=summary.net_liquidation,
            cash=summary.cash,
            buying_power=summary.buying_power,
            available_funds=summary.available_funds,
            initial_margin=summary.initial_margin,
            maintenance_margin=summary.maintenance_margin,
            unrealized_pnl=summary.unrealized_pnl,
            realized_pnl=summary.realized_pnl,
            at=at,
        )


@dataclass(frozen=True, slots=True)
class PositionSeen:
    """A holding of the account, whoever bought it."""

    account: str
    con_id: int
    symbol: str
    quantity: Decimal
    average_cost: Decimal
    market_price: Decimal | None
    at: datetime | None

    @classmethod
    def of(cls, position: Position, at: datetime | None) -> PositionSeen:
        """Give what is written down of ``position``."""
        return cls(
            account=position.account,
            con_id=position.con_id,
            symbol=position.symbol,
            quantity=position.quantity,
            average_cost=position.average_cost,
            market_price=position.market_price,
            at=at,
        )


@dataclass(frozen=True, slots=True)
class WatcherSeen:
    """A watcher as it stands after something happened to it.

    ``terms`` is what it watches for and enters with, ``state`` where its rule is, both as JSON
    text of the watcher's own making. ``phase`` and ``reason`` are the words that are shown;
    ``has_ended`` tells that nobody will carry it on.
    """

    watcher_id: str
    symbol: str
    phase: str
    terms: str
    state: str
    has_ended: bool
    reason: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class BarsHeard:
    """The bars of a contract were heard until ``at``, the last of them closing at ``close``.

    Written now and then, so that a desk that comes back knows what it missed.
    """

    con_id: int
    symbol: str
    close: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class SessionBegan:
    """The day's result counts from here: a session of ``[start, end)`` has begun."""

    start: datetime
    end: datetime
    at: datetime | None


@dataclass(frozen=True, slots=True)
class CarriedIn:
    """Shares of ours that were carried into the session before it, signed.

    ``mark`` is the last price before it, None while that is not known. The last one written of a
    contract holds.
    """

    con_id: int
    symbol: str
    quantity: Decimal
    mark: Decimal | None
    at: datetime | None


@dataclass(frozen=True, slots=True)
class TradingChanged:
    """Trading was halted, may only reduce, or goes on: the state, who caused it and in what way.

    ``cause`` is empty for a resumption. ``is_flattening``: our positions are to be closed.
    """

    state: str
    cause: str
    reason: str
    is_flattening: bool
    at: datetime | None


@dataclass(frozen=True, slots=True)
class KeptWatcher:
    """The last word on a watcher that has not ended.

    ``order_ref`` is the intent that was last reserved in its name and not dropped, or empty: the
    watcher's own word about it may never have been written.
    """

    seen: WatcherSeen
    order_ref: str


Record = (
    DeskOpened
    | CommandGiven
    | IntentReserved
    | IntentDropped
    | OutcomeKnown
    | OrderReserved
    | ChangeAsked
    | OrderSeen
    | NoticeHeard
    | Executed
    | CommissionReported
    | AlertTold
    | LinkSeen
    | AccountSeen
    | PositionSeen
    | WatcherSeen
    | BarsHeard
    | SessionBegan
    | CarriedIn
    | TradingChanged
    | ActivityBegan
    | ActivityEnded
)
"""Whatever may be written down."""
