"""Orders for the account as a whole: single ones, as against the desk's brackets.

An allocation, a conversion of cash and a closing of what is not ours send them. They are no part of
the desk's brackets. By their references (`apps.domain.intents.AccountLabel`) they are told apart
everywhere:

- not in `OwnBook`'s own positions, nor in the day's result; they count in what the account holds;
- not guarded, no stop is asked for, and neither `close`, nor the session's end, nor `halt
  --flatten` touches what they bought. A halt withdraws those that may still open something;
- in the journal like all of ours: reserved, with id and reference, before anything is sent;
- reconciled like all of ours: UNKNOWN until open orders, completed orders or executions tell of
  them, never accepted by two complete looks only; after a restart they are found again;
- never sent a second time, by nobody. `cancel` takes them back.

An opening one is refused where a bracket's entry would be (mode, halt, link, a symbol that is being
closed) and by the limits that are of an order or of the account: MAX_ORDER_QTY, MAX_ORDER_NOTIONAL,
MAX_POSITION_NOTIONAL, MAX_TOTAL_EXPOSURE (of all that the account holds), MAX_OPEN_POSITIONS,
MAX_ORDERS_PER_MINUTE (counted apart from brackets), MAX_DAILY_LOSS, MAX_PRICE_AGE_S,
MAX_PRICE_DISTANCE_PCT and REGULAR_HOURS_ONLY. One that reduces a position, or converts cash, is
held to no limit and passes while trading is REDUCING; one that closes passes a halt too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal

from apps.domain.errors import AlreadyDone
from apps.domain.instruments import Instrument, InstrumentKind
from apps.domain.intents import AccountLabel, OrderRef, is_for_account
from apps.domain.link import Lost
from apps.domain.numerals import plain
from apps.domain.orders import Fill, OrderState, Ticket
from apps.domain.risk import LiveIntent, only_reduces
from apps.engine.alerts import Alert, AlertKind, AlertSink
from apps.engine.deadlines import Changes
from apps.engine.orders.account_order import AccountOrder, AccountOrderState, AccountOrderView
from apps.engine.orders.cancellations import Cancellations
from apps.engine.orders.dispatch import Dispatch
from apps.engine.ports import Broker, BrokerNotice, Clock, Link
from apps.engine.prices.market_clock import MarketClock
from apps.engine.risk.order_gate import OrderGate
from apps.engine.risk.own_book import OwnBook

__all__ = ["AccountOrders", "Wanted"]

KNOWN_TIMEOUT_S = 30.0
"""How long the end of a cancelled order may take to be known; it is asked for meanwhile."""

UNTOLD_S, UNANSWERED_S = 2.0, 8.0
"""How long executions, and a first answer, may be late before the broker is asked."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An order that is wanted for the account.

    ``ticket`` is without a reference; it gets one. ``price`` is the worst at which it may fill, or
    the market's where it has none. One that ``closes`` passes a halt, and no limit is asked.
    """

    instrument: Instrument
    ticket: Ticket
    label: AccountLabel
    price: Decimal
    closes: bool = False


class AccountOrders:
    """Sends them, and knows each until its outcome is known.

    ``may_have_missed`` is called when an order's outcome should be asked for.
    """

    def __init__(
        self,
        *,
        broker: Broker,
        dispatch: Dispatch,
        clock: Clock,
        market_clock: MarketClock,
        gate: OrderGate,
        book: OwnBook,
        cancellations: Cancellations,
        new_order_ref: Callable[[str], str],
        alerts: AlertSink,
    ) -> None:
        self._broker = broker
        self._dispatch = dispatch
        self._clock = clock
        self._market_clock = market_clock
        self._gate = gate
        self._book = book
        self._cancellations = cancellations
        self._new_order_ref = new_order_ref
        self._alerts = alerts
        self._epoch = broker.link.epoch
        self._orders: dict[str, AccountOrder] = {}
        self._told: set[str] = set()
        self._changes = Changes()
        self._busy = ""
        self.may_have_missed: Callable[[], None] = lambda: None
        gate.account_intents = self._live_intents

    @property
    def orders(self) -> tuple[AccountOrder, ...]:
        """Every order of this session, and those of earlier ones that were not over."""
        return tuple(self._orders.values())

    def order_of_ref(self, order_ref: str) -> AccountOrder | None:
        """Give the order that carries ``order_ref``."""
        return self._orders.get(order_ref)

    def is_opening(self, order: OrderState) -> bool:
        """Tell whether a working order of ours for the account may still open something."""
        if not self._book.is_sent_by_us(order) or not is_for_account(order.order_ref):
            return False
        if AccountLabel(_label(order.order_ref)) is not AccountLabel.ALLOCATION:
            return False
        held = self._book.holding(order.con_id)
        return not only_reduces(order.side, order.remaining, held)

    # ------------------------------------------------------------------------- asking and sending

    @contextmanager
    def holding(self, symbols: Iterable[str]) -> Iterator[None]:
        """Let no bracket enter in ``symbols`` while the block runs."""
        with self._gate.rebalancing(symbols):
            yield

    @contextmanager
    def alone(self, who: str) -> Iterator[None]:
        """Let nobody else trade for the account while the block runs.

        Raises AlreadyDone where somebody does.
        """
        if self._busy:
            raise AlreadyDone(
                f"{self._busy} trades for the account at this moment: {who} sent nothing. Wait for "
                "its end."
            )
        self._busy = who
        try:
            yield
        finally:
            self._busy = ""

    def check_any(self) -> None:
        """Raise RiskRefused or NotConnected where nothing at all may be sent now."""
        self._gate.check_any()

    def check(self, wanted: Wanted, *, ahead: int = 0) -> None:
        """Raise RiskRefused or NotConnected where ``wanted`` would not be sent now.

        ``ahead`` are orders that will be sent before it.
        """
        if wanted.closes:
            self._gate.check_any()
        else:
            self._gate.check_account_order(
                wanted.instrument,
                wanted.ticket,
                wanted.price,
                reduces=self._reduces(wanted),
                ahead=ahead,
            )

    def place(self, wanted: Wanted) -> AccountOrder:
        """Check, write down and send; the order is followed from here on.

        Raises RiskRefused, NotConnected, InvalidInput, JournalLost: then nothing was sent.
        """
        self.check(wanted)
        label, instrument = wanted.label.value, wanted.instrument
        ticket = replace(wanted.ticket, order_ref=self._new_order_ref(label))
        opens = not wanted.closes and not self._reduces(wanted)
        order_id = self._dispatch.for_account(
            instrument, ticket, label=label, reference=wanted.price, opens=opens
        )
        if opens:
            self._gate.count_account_order()
        if instrument.kind is InstrumentKind.FOREX:
            self._book.note_pair(instrument.con_id)
        order = AccountOrder(instrument, ticket, order_id, label=label, price=wanted.price)
        self._orders[order.order_ref] = order
        return order

    async def until(self, holds: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until ``holds()`` of what was sent, at most ``timeout_s``; tell whether it does."""
        return await self._changes.until(holds, timeout_s, self._clock)

    async def cancel(self, order: AccountOrder) -> AccountOrderView:
        """Ask for an order's end, and wait until it is known; the view says whether it is.

        What is not known then stays followed.
        """
        standing = next(
            (
                each
                for each in self._broker.known_orders()
                if self._book.is_sent_by_us(each) and each.order_ref == order.order_ref
            ),
            None,
        )
        if standing is not None and not order.is_over:
            await self._cancellations.cancel(standing)
        if not order.is_over:
            self.may_have_missed()
            await self.until(lambda: order.is_over, KNOWN_TIMEOUT_S)
        return order.view()

    def unfinished(self, *labels: AccountLabel) -> tuple[AccountOrder, ...]:
        """Give the orders of ``labels`` that are not known to be over, oldest first."""
        names = {each.value for each in labels}
        return tuple(each for each in self.orders if each.label in names and not each.is_over)

    # --------------------------------------------------------------------- what the broker says

    def on_order(self, order: OrderState) -> None:
        """Take note of what the broker says of an order."""
        known = self._known(order)
        if known is not None:
            known.on_order(order)
            self._moved(known)

    def on_fill(self, fill: Fill) -> None:
        """Take note of an execution."""
        known = self._known(fill)
        if known is not None:
            known.on_fill(fill)
            self._moved(known)

    def on_notice(self, notice: BrokerNotice) -> None:
        """Keep what the broker says of an order."""
        if notice.order_id is None:
            return
        for order in self._orders.values():
            if order.order_id == notice.order_id:
                order.on_notice(notice.code, notice.text)
                self._moved(order)

    def on_link(self, link: Link) -> None:
        """Take note of the link: a loss makes what was just sent unknown."""
        if not link.takes_orders or link.has_lost_since(self._epoch, Lost.ORDERS):
            for order in self._orders.values():
                if order.state is AccountOrderState.SENT:
                    order.on_link_lost()
                    self._tell(
                        AlertKind.WARNING, order, "is unknown: the link was lost; looked for"
                    )
        self._epoch = link.epoch
        self._changes.announce()

    # -------------------------------------------------------------------- found again, or not

    def restore(self, order: AccountOrder) -> None:
        """Take up an order of an earlier session, with what is known of it."""
        self._orders.setdefault(order.order_ref, order)
        if order.is_over:
            self._told.add(order.order_ref)
            self._note_outcome(order)

    def void(self, order: AccountOrder) -> None:
        """Count no longer with an order that the broker never had."""
        order.on_void()
        self._moved(order)

    def let_go(self, order: AccountOrder) -> None:
        """Count no longer with an order of which nothing is left."""
        order.on_gone()
        self._moved(order)

    def overdue(self) -> dict[str, float]:
        """Give the seconds that each order whose answer is missing may still do without one."""
        return {
            order.order_ref: UNTOLD_S if order.lacks_executions else UNANSWERED_S
            for order in self._orders.values()
            if not order.is_over and (order.lacks_executions or not order.state.is_known)
        }

    # ---------------------------------------------------------------------------------- within

    def _known(self, said: OrderState | Fill) -> AccountOrder | None:
        order = self._orders.get(said.order_ref)
        same = order is not None and said.client_id == self._broker.client_id
        return order if same and order is not None and said.order_id == order.order_id else None

    def _moved(self, order: AccountOrder) -> None:
        is_over = order.is_over
        if is_over and order.order_ref not in self._told:
            self._told.add(order.order_ref)
            self._note_outcome(order)
            self._tell_outcome(order)
        elif not is_over and order.order_ref in self._told:
            self._told.discard(order.order_ref)
            self._note_outcome(order)
        self._changes.announce()

    def _note_outcome(self, order: AccountOrder) -> None:
        self._dispatch.outcome(order.order_ref, order.state.value, is_over=order.is_over)

    def _tell_outcome(self, order: AccountOrder) -> None:
        view = order.view()
        if view.state is AccountOrderState.FILLED and view.avg_price is not None:
            self._tell(AlertKind.FILL, order, f"filled at {plain(round(view.avg_price, 4))}")
            return
        why = f": [{view.code}] {view.text}" if view.code else ""
        part = f", {plain(view.filled)} filled" if view.filled else ""
        is_told = view.state is AccountOrderState.CANCELLED
        kind = AlertKind.ORDER if is_told else AlertKind.ERROR
        self._tell(kind, order, f"{view.state.value}{part}{why}")

    def _tell(self, kind: AlertKind, order: AccountOrder, words: str) -> None:
        ticket, symbol = order.ticket, order.instrument.symbol
        text = (
            f"{order.label}: {ticket.side.value.lower()} {plain(ticket.quantity)} {symbol} {words}"
        )
        at = self._market_clock.now
        self._alerts(Alert(kind, text, at, symbol, order_ref=order.order_ref))

    def _reduces(self, wanted: Wanted) -> bool:
        """Tell whether an order makes smaller what the account has at stake."""
        if wanted.instrument.kind is InstrumentKind.FOREX:
            return wanted.label is AccountLabel.CASH
        held = self._book.holding(wanted.instrument.con_id)
        return only_reduces(wanted.ticket.side, wanted.ticket.quantity, held)

    def _live_intents(self) -> tuple[LiveIntent, ...]:
        live = (each for each in self._orders.values() if not each.is_over)
        return tuple(
            _live_intent(each) for each in live if each.instrument.kind is not InstrumentKind.FOREX
        )


def _live_intent(order: AccountOrder) -> LiveIntent:
    ticket, unfilled = order.ticket, order.unfilled
    worth = unfilled * order.price * order.instrument.multiplier
    return LiveIntent(order.instrument.symbol, ticket, unfilled, worth)


def _label(order_ref: str) -> str:
    ref = OrderRef.parse(order_ref)
    return "" if ref is None else ref.label
