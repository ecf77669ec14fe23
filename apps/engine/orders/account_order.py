"""One order for the account as a whole, from the moment it was sent to its known outcome.

It is a single order and no trade: nothing protects it, nothing follows from its fill. Its state
follows from executions, from the broker's word about it, and from what reconciling finds; nothing
here talks to the broker. Who sends, cancels and finds them again is
`apps.engine.orders.account_orders`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from apps.domain.instruments import Instrument
from apps.domain.orders import Fill, OrderState, OrderType, Side, Ticket
from apps.domain.pnl import last_word
from apps.engine.orders.legs import Leg, LegRole

__all__ = ["AccountOrder", "AccountOrderState", "AccountOrderView"]


class AccountOrderState(Enum):
    """Where an order for the account stands; the value is shown."""

    SENT = "sent"
    """Handed to the socket, not answered."""
    WORKING = "working"
    PARTLY_FILLED = "partly filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    """The link, or the desk, was lost before the broker answered."""
    NEVER_ACCEPTED = "never accepted"
    """Looked for twice, everywhere: the broker never had it."""
    GONE = "gone"
    """Of an earlier day, listed nowhere, and how it ended was not told."""

    @property
    def is_over(self) -> bool:
        """Nothing more will be filled, and how much was is known."""
        return self in _OVER

    @property
    def is_known(self) -> bool:
        """The broker has answered, or was asked: it is not in the dark what became of it."""
        return self not in (AccountOrderState.SENT, AccountOrderState.UNKNOWN)


_OVER = frozenset(
    {
        AccountOrderState.FILLED,
        AccountOrderState.CANCELLED,
        AccountOrderState.REJECTED,
        AccountOrderState.NEVER_ACCEPTED,
        AccountOrderState.GONE,
    }
)


@dataclass(frozen=True, slots=True)
class AccountOrderView:
    """An order for the account as it stands. Prices per share, ``commission`` in the currency.

    ``commission`` is None while a report is missing. ``code`` is IB's where it was turned down or
    cancelled by the broker, ``text`` its words; ``notices`` are what else the broker said of it.
    """

    order_ref: str
    order_id: int
    symbol: str
    side: Side
    quantity: Decimal
    order_type: OrderType
    limit_price: Decimal | None
    state: AccountOrderState
    filled: Decimal
    avg_price: Decimal | None
    commission: Decimal | None
    code: int | None = None
    text: str = ""
    notices: tuple[str, ...] = ()


class AccountOrder:
    """One order, and what became of it.

    ``label`` says who wanted it, ``price`` is what its worth was reckoned by when it was sent.
    """

    def __init__(
        self,
        instrument: Instrument,
        ticket: Ticket,
        order_id: int,
        *,
        label: str,
        price: Decimal,
    ) -> None:
        self.instrument = instrument
        self.ticket = ticket
        self.label = label
        self.price = price
        self._leg = Leg(LegRole.ENTRY, order_id, ticket)
        self._fills: dict[str, Fill] = {}
        self._notices: dict[tuple[int, str], None] = {}
        self._is_doubtful = False
        self._is_gone = False

    @property
    def order_id(self) -> int:
        """Its id at the broker."""
        return self._leg.order_id

    @property
    def order_ref(self) -> str:
        """The reference that it carries."""
        return self.ticket.order_ref

    @property
    def order(self) -> OrderState | None:
        """The broker's last word; None before the first."""
        return self._leg.order

    @property
    def fills(self) -> tuple[Fill, ...]:
        """Its executions, the last word on each."""
        return tuple(self._fills.values())

    @property
    def filled(self) -> Decimal:
        """How much was executed."""
        return self._leg.filled

    @property
    def unfilled(self) -> Decimal:
        """How much may still be executed."""
        return Decimal(0) if self.is_over else max(Decimal(0), self._quantity - self._leg.filled)

    @property
    def worth(self) -> Decimal:
        """What was executed came to, in the instrument's currency."""
        return self._leg.value * self.instrument.multiplier

    @property
    def lacks_executions(self) -> bool:
        """The broker counts more as filled than it has told executions of."""
        return self._leg.lacks_executions

    @property
    def is_over(self) -> bool:
        """Nothing more will be filled, and how much was is known."""
        return self.state.is_over

    @property
    def state(self) -> AccountOrderState:
        """Where it stands."""
        leg = self._leg
        if leg.filled >= self._quantity:
            return AccountOrderState.FILLED
        if self._is_gone:
            return AccountOrderState.GONE
        if leg.has_ended and not leg.lacks_executions:
            if leg.is_void and not leg.filled:
                return AccountOrderState.NEVER_ACCEPTED
            is_rejected = leg.is_rejected and not leg.filled
            return AccountOrderState.REJECTED if is_rejected else AccountOrderState.CANCELLED
        if leg.filled:
            return AccountOrderState.PARTLY_FILLED
        if leg.order is not None and (leg.order.status.is_working or leg.order.why_held):
            return AccountOrderState.WORKING
        if leg.has_ended:
            return AccountOrderState.WORKING  # its executions are late
        return AccountOrderState.UNKNOWN if self._is_doubtful else AccountOrderState.SENT

    def on_order(self, order: OrderState) -> None:
        """Take note of what the broker says of it."""
        self._leg.order = order
        # one that the broker never had is ended at the asking, too: that is no news
        self._leg.is_void = self._leg.is_void and order.status.is_done and not order.filled
        self._is_gone = self._is_gone and order.status.is_done

    def on_fill(self, fill: Fill) -> None:
        """Take note of an execution; repeats and corrections happen."""
        leg, known = self._leg, self._fills.get(fill.execution)
        self._fills[fill.execution] = fill if known is None else last_word((known, fill))[0]
        leg.filled = sum((each.quantity for each in self._fills.values()), Decimal(0))
        leg.value = sum((each.quantity * each.price for each in self._fills.values()), Decimal(0))

    def on_notice(self, code: int, text: str) -> None:
        """Take note of a code and a text about it."""
        self._leg.notice = (code, text)
        self._notices[code, text] = None

    def on_link_lost(self) -> None:
        """Take note that an answer to it may have been lost."""
        self._is_doubtful = True

    def on_void(self) -> None:
        """Take note that the broker never had it."""
        self._leg.is_void = True

    def on_gone(self) -> None:
        """Take note that it is nowhere any more, and that how it ended was not told."""
        self._is_gone = True

    def view(self) -> AccountOrderView:
        """Give it as it stands."""
        leg, state = self._leg, self.state
        ended = state in (AccountOrderState.REJECTED, AccountOrderState.CANCELLED)
        code, text = (leg.notice or (None, "")) if ended else (None, "")
        if ended and not text and leg.order is not None:
            text = leg.order.warning
        return AccountOrderView(
            order_ref=self.order_ref,
            order_id=leg.order_id,
            symbol=self.instrument.symbol,
            side=self.ticket.side,
            quantity=self.ticket.quantity,
            order_type=self.ticket.order_type,
            limit_price=self.ticket.limit_price,
            state=state,
            filled=leg.filled,
            avg_price=leg.value / leg.filled if leg.filled else None,
            commission=self._commission(),
            code=code,
            text=text,
            notices=tuple(f"[{number}] {said}" for number, said in self._notices if number != code),
        )

    @property
    def _quantity(self) -> Decimal:
        return self.ticket.quantity if self._leg.order is None else self._leg.order.quantity

    def _commission(self) -> Decimal | None:
        known = [each.commission for each in self._fills.values() if each.commission is not None]
        return sum(known, Decimal(0)) if known and len(known) == len(self._fills) else None
