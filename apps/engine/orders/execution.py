"""The one place of the engine that sends opening orders, and where the broker's answers arrive.

`enter` is synchronous from the check to the socket, for it stands on the way from a bar to its
bracket; everything after that happens in tasks of the trade's own (`apps.engine.orders.following`).
What the broker says is matched by order id and order_ref and handed to its trade.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from apps.domain.brackets import EntryPlan, build_bracket
from apps.domain.errors import IllegalTransition, NotConnected
from apps.domain.instruments import Instrument
from apps.domain.intents import OrderRef
from apps.domain.link import Lost
from apps.domain.orders import Bracket, Fill, OrderState, Side, Ticket
from apps.domain.risk import LiveIntent
from apps.engine.alerts import AlertKind, AlertSink
from apps.engine.deadlines import Changes
from apps.engine.orders.dispatch import Dispatch
from apps.engine.orders.following import Following
from apps.engine.orders.legs import LegRole
from apps.engine.orders.trade_states import TradeState
from apps.engine.orders.trade_words import (
    fill_words,
    missing_words,
    refused_exit_words,
    unknown_words,
)
from apps.engine.orders.trades import Trade
from apps.engine.orders.withdrawal import Withdrawal
from apps.engine.ports import Broker, BrokerNotice, Clock, Link
from apps.engine.prices.market_clock import MarketClock
from apps.engine.prices.running_prices import RunningPrices
from apps.engine.risk.order_gate import OrderGate
from apps.engine.supervisor import Supervisor

__all__ = ["EntryIntent", "Execution"]

ENTERING = frozenset(
    {TradeState.SENT, TradeState.WORKING, TradeState.PARTLY_FILLED, TradeState.UNKNOWN}
)


@dataclass(frozen=True, slots=True)
class EntryIntent:
    """What is to be entered; ``reference`` is the price that exits and cap are taken from.

    ``label`` says who wants it: a watcher's id, or ``bracket``. One that ``rests`` is left to work
    until it is filled or cancelled; any other is withdrawn when it is not filled in time.
    """

    instrument: Instrument
    side: Side
    quantity: Decimal
    reference: Decimal
    take_profit_pct: Decimal | None
    stop_loss_pct: Decimal | None
    label: str
    plan: EntryPlan = field(default_factory=EntryPlan)
    rests: bool = False


class Execution:
    """Sends brackets, and owns each until its outcome is known.

    One that is read-only takes nothing back either: it follows what others have begun.
    """

    def __init__(
        self,
        broker: Broker,
        dispatch: Dispatch,
        clock: Clock,
        market_clock: MarketClock,
        supervisor: Supervisor,
        prices: RunningPrices,
        gate: OrderGate,
        ref_suffix: Callable[[], str],
        alerts: AlertSink,
        *,
        is_read_only: bool = False,
    ) -> None:
        self._is_read_only = is_read_only
        self._dispatch = dispatch
        self._clock = clock
        self._market_clock = market_clock
        self._gate = gate
        self._ref_suffix = ref_suffix
        self._link_changes = Changes()
        self._epoch = broker.link.epoch
        self._withdrawal = Withdrawal(broker, dispatch, clock, self._link_changes)
        self._following = Following(
            clock, market_clock, supervisor, prices, self._withdraw, self._note_outcome, alerts
        )
        self._trades: dict[str, Trade] = {}
        self._by_order_id: dict[int, Trade] = {}
        self._by_con_id: dict[int, list[Trade]] = {}
        gate.live_intents = self._live_intents

    @property
    def trades(self) -> tuple[Trade, ...]:
        """Every trade of this session, oldest first."""
        return tuple(self._trades.values())

    def trade_of_ref(self, order_ref: str) -> Trade | None:
        """Give the trade whose orders carry ``order_ref``."""
        return self._trades.get(order_ref)

    def trades_in(self, con_id: int) -> tuple[Trade, ...]:
        """Give the trades of one contract, oldest first."""
        return tuple(self._by_con_id.get(con_id, ()))

    def trade_of(self, order_id: int, order_ref: str) -> Trade | None:
        """Give the trade that an order belongs to; ids of other clients may be the same."""
        trade = self._by_order_id.get(order_id)
        return trade if trade is not None and trade.order_ref == order_ref else None

    def new_order_ref(self, label: str) -> str:
        """Give a reference that no order has carried. Raises NotConnected before the first bar."""
        now = self._market_clock.now
        if now is None:
            raise NotConnected("the market's time is not known yet: nothing was sent. Try again.")
        return str(OrderRef(now.date(), label, self._ref_suffix()))

    def enter(self, intent: EntryIntent) -> Trade:
        """Check and send, synchronously; the trade that comes back is followed to its outcome.

        Raises RiskRefused, NotConnected, InvalidInput, JournalLost: then nothing was sent.
        """
        bracket = self._bracket_of(intent)
        self._gate.check_opening(bracket, intent.reference, intent.label)
        order_ids = self._dispatch.bracket(
            bracket, label=intent.label, reference=intent.reference, rests=intent.rests
        )
        # the bytes are out first; nothing can be answered before this returns to the loop
        has_deadline = not intent.rests
        trade = Trade(bracket, self._clock, watcher_id=intent.label, has_deadline=has_deadline)
        trade.bind(order_ids)
        self._keep(trade)
        self._following.follow(trade, is_new=True)
        return trade

    def adopt(self, trade: Trade, *, entry_patience_s: float = 0.0) -> None:
        """Take up a trade of an earlier session, with what is known of it, and follow it.

        What is unfilled of an entry with a deadline is withdrawn after ``entry_patience_s``: at
        once, unless somebody knows that its time is not over. Raises IllegalTransition for a
        trade that is here already.
        """
        if trade.order_ref in self._trades:
            raise IllegalTransition(f"trade {trade.order_ref} is followed already")
        self._keep(trade)
        if trade.is_over:
            trade.settle()
        else:
            self._following.follow(trade, entry_patience_s=entry_patience_s)

    def exit_at_market(self, trade: Trade | None, instrument: Instrument, ticket: Ticket) -> int:
        """Send an order that closes; its fills count as an exit of ``trade`` where that is known.

        Raises RiskRefused (the mode), NotConnected.
        """
        self._gate.check_any()
        if trade is not None:
            return self.protect(trade, LegRole.EXIT, ticket)
        return self._dispatch.place(instrument, ticket, LegRole.EXIT)

    def protect(self, trade: Trade, role: LegRole, ticket: Ticket) -> int:
        """Send an order that protects or reduces ``trade``; give its id.

        Raises RiskRefused (the mode), NotConnected.
        """
        self._gate.check_any()
        order_id = self._dispatch.place(trade.instrument, ticket, role)
        trade.add(role, order_id, ticket)
        self._by_order_id[order_id] = trade
        return order_id

    def modify(self, order_id: int, ticket: Ticket) -> None:
        """Ask for a changed price or quantity of an order of ours. Raises as `Broker.modify`."""
        self._dispatch.modify(order_id, ticket)

    def cancel(self, order_id: int) -> None:
        """Ask for the end of an order of ours. Raises as `Broker.cancel`."""
        self._dispatch.cancel(order_id)

    def discard(self, order_id: int, order_ref: str) -> None:
        """Ask for the end of an order that the broker does not list. Raises as `Broker.discard`."""
        self._dispatch.discard(order_id, order_ref)

    def on_order(self, order: OrderState) -> None:
        """Take note of what the broker says of an order."""
        trade = self.trade_of(order.order_id, order.order_ref)
        if trade is not None:
            trade.on_order(order)
            self._following.take_up_again(trade)

    def on_open_orders(self, standing: Iterable[OrderState]) -> None:
        """Tell what of ours is missing among all the open orders of the broker's."""
        listed = {(order.order_id, order.order_ref) for order in standing}
        for trade in self._following.followed:
            ids = {order_id for order_id, order_ref in listed if order_ref == trade.order_ref}
            if missing := trade.on_open_orders(ids):
                self._following.tell(AlertKind.WARNING, missing_words(trade, missing), trade)

    def on_fill(self, fill: Fill) -> None:
        """Take note of an execution, and tell it the first time."""
        trade = self.trade_of(fill.order_id, fill.order_ref)
        if trade is None:
            return
        if trade.on_fill(fill):
            words = fill_words(fill, trade.leg(fill.order_id))
            self._following.tell(AlertKind.FILL, words, trade, fill.at)
            self._following.take_up_again(trade)

    def on_notice(self, notice: BrokerNotice) -> None:
        """Keep what the broker says of an order of ours, for the case that it ends it."""
        order_id = notice.order_id
        trade = None if order_id is None else self._by_order_id.get(order_id)
        if trade is None or order_id is None:
            return
        trade.on_notice(order_id, notice.code, notice.text)
        leg = trade.leg(order_id)
        if leg.is_rejected and leg.role is not LegRole.ENTRY:
            self._following.tell(AlertKind.ERROR, refused_exit_words(trade, leg), trade)

    def on_link(self, link: Link) -> None:
        """Take note of the link: a loss makes what was just sent unknown."""
        is_lost = not link.takes_orders or link.has_lost_since(self._epoch, Lost.ORDERS)
        self._epoch = link.epoch
        if is_lost:
            for trade in self.trades:
                if trade.state is TradeState.SENT:
                    trade.on_link_lost()
                    self._following.tell(AlertKind.WARNING, unknown_words(trade), trade)
        self._link_changes.announce()

    async def withdraw(self, order_id: int, order_ref: str) -> bool:
        """Take back what is unfilled of an entry; tell whether the broker confirmed it."""
        trade = self.trade_of(order_id, order_ref)
        return trade is not None and await self._withdraw(trade)

    async def withdraw_unfilled(self) -> None:
        """Withdraw every entry that has a deadline and is not over: nobody will when we quit."""
        if self._is_read_only:
            return
        async with asyncio.TaskGroup() as group:
            for trade in self.trades:
                if trade.has_deadline and not trade.entry.is_over and not trade.is_over:
                    group.create_task(self.withdraw(trade.entry.order_id, trade.order_ref))

    async def _withdraw(self, trade: Trade) -> bool:
        if self._is_read_only:
            await trade.changes.ever(lambda: trade.entry.is_over or trade.is_over)
            return True
        confirmed = await self._withdrawal.withdraw(trade)
        self._by_order_id |= {leg.order_id: trade for leg in trade.legs}
        return confirmed

    def _note_outcome(self, trade: Trade) -> None:
        self._dispatch.outcome(trade.order_ref, trade.state.value, is_over=trade.is_over)

    def _keep(self, trade: Trade) -> None:
        self._trades[trade.order_ref] = trade
        self._by_con_id.setdefault(trade.instrument.con_id, []).append(trade)
        self._by_order_id |= {leg.order_id: trade for leg in trade.legs}

    def _bracket_of(self, intent: EntryIntent) -> Bracket:
        return build_bracket(
            intent.instrument,
            intent.side,
            intent.quantity,
            intent.reference,
            take_profit_pct=intent.take_profit_pct,
            stop_loss_pct=intent.stop_loss_pct,
            order_ref=self.new_order_ref(intent.label),
            entry=intent.plan,
        )

    def _live_intents(self) -> tuple[LiveIntent, ...]:
        return tuple(_live_intent(trade) for trade in self._following.followed if not trade.is_over)


def _live_intent(trade: Trade) -> LiveIntent:
    entry, symbol = trade.bracket.entry, trade.instrument.symbol
    if trade.state not in ENTERING:
        return LiveIntent(symbol, entry, Decimal(0), Decimal(0))
    unfilled = max(Decimal(0), entry.quantity - trade.entry.filled)
    price = entry.limit_price
    worth = None if price is None else unfilled * price * trade.instrument.multiplier
    return LiveIntent(symbol, entry, unfilled, worth)
