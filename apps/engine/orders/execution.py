"""From a bracket to its known outcome: the one place of the engine that sends opening orders.

`send` is synchronous from the check to the socket, for it stands on the way from a bar to its
bracket; everything after that happens in a task of the trade's own. A trade is followed by its
executions (keyed by exec_id) and the broker's statuses, matched by order id and order_ref.
An entry that is not filled in time is withdrawn; a position whose stop is not seen working is
told of; a trade that is over is told with its P&L and fees.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from apps.domain.brackets import EntryPlan, build_bracket
from apps.domain.errors import NotConnected
from apps.domain.instruments import Instrument
from apps.domain.intents import OrderRef
from apps.domain.link import Lost
from apps.domain.orders import Bracket, Fill, OrderState, Side, Ticket
from apps.domain.risk import LiveIntent
from apps.engine.alerts import Alert, AlertKind, AlertSink
from apps.engine.deadlines import Changes
from apps.engine.orders.dispatch import Dispatch
from apps.engine.orders.legs import LegRole
from apps.engine.orders.trade_words import (
    closed_words,
    fill_words,
    missing_words,
    refused_exit_words,
    rejected_words,
    reopened_words,
    sent_words,
    unknown_words,
    unprotected_words,
    withdrawn_words,
)
from apps.engine.orders.trades import Trade, TradeState
from apps.engine.orders.withdrawal import Withdrawal
from apps.engine.ports import Broker, BrokerNotice, Clock, Link
from apps.engine.prices.market_clock import MarketClock
from apps.engine.prices.running_prices import RunningPrices
from apps.engine.risk.order_gate import OrderGate
from apps.engine.supervisor import Supervised, Supervisor, TaskEnd

__all__ = ["ENTRY_PATIENCE_S", "EntryIntent", "Execution"]

ENTRY_PATIENCE_S = 10.0
"""How long a marketable entry may stay unfilled, in seconds of this machine."""

STOP_PATIENCE_S = 3.0
"""How long a filled entry may be without a working stop before the trader is told; a target's
fill takes the stop away before its own execution is reported."""

FEES_PATIENCE_S = 5.0
"""How long the end of a trade waits for the commissions, which come after the executions."""

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
    """Sends brackets, and owns each until its outcome is known."""

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
    ) -> None:
        self._dispatch = dispatch
        self._clock = clock
        self._market_clock = market_clock
        self._supervisor = supervisor
        self._prices = prices
        self._gate = gate
        self._ref_suffix = ref_suffix
        self._alerts = alerts
        self._link_changes = Changes()
        self._epoch = broker.link.epoch
        self._withdrawal = Withdrawal(broker, dispatch, clock, self._link_changes)
        self._trades: list[Trade] = []
        self._followed: set[Trade] = set()
        self._by_order_id: dict[int, Trade] = {}
        gate.live_intents = self._live_intents

    @property
    def trades(self) -> tuple[Trade, ...]:
        """Every trade of this session, oldest first."""
        return tuple(self._trades)

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
        self._gate.check_opening(bracket, intent.reference)
        has_deadline = not intent.rests
        trade = Trade(bracket, self._clock, watcher_id=intent.label, has_deadline=has_deadline)
        trade.bind(
            self._dispatch.bracket(
                bracket, label=intent.label, reference=intent.reference, rests=intent.rests
            )
        )
        self._trades.append(trade)
        for leg in trade.legs:
            self._by_order_id[leg.order_id] = trade
        self._keep_following(trade, is_new=True)
        return trade

    def exit_at_market(self, trade: Trade | None, instrument: Instrument, ticket: Ticket) -> int:
        """Send an order that closes; its fills count as an exit of ``trade`` where that is known.

        Raises RiskRefused (the mode), NotConnected.
        """
        self._gate.check_any()
        order_id = self._dispatch.place(instrument, ticket, LegRole.EXIT)
        if trade is not None:
            trade.add(LegRole.EXIT, order_id, ticket)
            self._by_order_id[order_id] = trade
        return order_id

    def modify(self, order_id: int, ticket: Ticket) -> None:
        """Ask for a changed price or quantity of an order of ours. Raises as `Broker.modify`."""
        self._dispatch.modify(order_id, ticket)

    def cancel(self, order_id: int) -> None:
        """Ask for the end of an order of ours. Raises as `Broker.cancel`."""
        self._dispatch.cancel(order_id)

    def on_order(self, order: OrderState) -> None:
        """Take note of what the broker says of an order."""
        trade = self.trade_of(order.order_id, order.order_ref)
        if trade is not None:
            trade.on_order(order)
            self._take_up_again(trade)

    def on_open_orders(self, standing: Iterable[OrderState]) -> None:
        """Tell what of ours is missing among all the open orders of the broker's."""
        listed = {(order.order_id, order.order_ref) for order in standing}
        for trade in self._followed:
            ids = {order_id for order_id, order_ref in listed if order_ref == trade.order_ref}
            if missing := trade.on_open_orders(ids):
                self._tell(AlertKind.WARNING, missing_words(trade, missing), trade)

    def on_fill(self, fill: Fill) -> None:
        """Take note of an execution, and tell it the first time."""
        trade = self.trade_of(fill.order_id, fill.order_ref)
        if trade is None:
            return
        if trade.on_fill(fill):
            words = fill_words(fill, trade.leg(fill.order_id))
            self._tell(AlertKind.FILL, words, trade, fill.at)
            self._take_up_again(trade)

    def on_notice(self, notice: BrokerNotice) -> None:
        """Keep what the broker says of an order of ours, for the case that it ends it."""
        order_id = notice.order_id
        trade = None if order_id is None else self._by_order_id.get(order_id)
        if trade is None or order_id is None:
            return
        trade.on_notice(order_id, notice.code, notice.text)
        leg = trade.leg(order_id)
        if leg.is_rejected and leg.role is not LegRole.ENTRY:
            self._tell(AlertKind.ERROR, refused_exit_words(trade, leg), trade)

    def on_link(self, link: Link) -> None:
        """Take note of the link: a loss makes what was just sent unknown."""
        is_lost = not link.takes_orders or link.has_lost_since(self._epoch, Lost.ORDERS)
        self._epoch = link.epoch
        if is_lost:
            for trade in self._trades:
                if trade.state is TradeState.SENT:
                    trade.on_link_lost()
                    self._tell(AlertKind.WARNING, unknown_words(trade), trade)
        self._link_changes.announce()

    async def withdraw(self, order_id: int, order_ref: str) -> bool:
        """Take back what is unfilled of an entry; tell whether the broker confirmed it."""
        trade = self.trade_of(order_id, order_ref)
        if trade is None:
            return False
        confirmed = await self._withdrawal.withdraw(trade)
        self._by_order_id |= {leg.order_id: trade for leg in trade.legs}
        return confirmed

    async def withdraw_unfilled(self) -> None:
        """Withdraw every entry that has a deadline and is not over: nobody will when we quit."""
        async with asyncio.TaskGroup() as group:
            for trade in self._trades:
                if trade.has_deadline and not trade.entry.is_over and not trade.is_over:
                    group.create_task(self.withdraw(trade.entry.order_id, trade.order_ref))

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

    def _take_up_again(self, trade: Trade) -> None:
        """Follow a trade again that was taken for over and is not."""
        if trade.is_settled and not trade.is_over:
            trade.reopen()
            self._tell(AlertKind.WARNING, reopened_words(trade), trade)
            self._keep_following(trade)

    def _keep_following(self, trade: Trade, *, is_new: bool = False) -> None:
        self._followed.add(trade)
        self._supervisor.start(
            f"trade {trade.order_ref}",
            lambda: self._follow(trade, is_new=is_new),
            lambda task: self._end_following(trade, task),
        )
        self._prices.keep(trade.instrument, lambda: trade.changes.ever(lambda: trade.is_over))
        self._supervisor.start(f"stop {trade.order_ref}", lambda: self._watch_stop(trade))

    async def _follow(self, trade: Trade, *, is_new: bool) -> None:
        if is_new:
            self._tell(AlertKind.ORDER, sent_words(trade), trade)
        await self._await_entry(trade)
        await trade.changes.ever(lambda: trade.is_over)
        if trade.state is TradeState.CLOSED:
            await trade.changes.until(lambda: trade.fees_are_known, FEES_PATIENCE_S, self._clock)
        self._tell_end(trade)

    async def _await_entry(self, trade: Trade) -> None:
        """See the entry to its end: what is unfilled in time, or without a stop, is withdrawn."""

        def is_decided() -> bool:
            return trade.entry.is_over or trade.is_over or trade.has_lost_its_stop

        if trade.has_deadline:
            await trade.changes.until(is_decided, ENTRY_PATIENCE_S, self._clock)
        else:
            await trade.changes.ever(is_decided)
        await trade.changes.ever(lambda: trade.is_over or not trade.is_being_closed)
        if trade.is_over or trade.entry.is_filled:
            return
        if not await self.withdraw(trade.entry.order_id, trade.order_ref):
            words = f"{sent_words(trade)}: the broker did not confirm its withdrawal; see `orders`"
            self._tell(AlertKind.ERROR, words, trade)
        elif trade.entry.filled:
            self._tell(AlertKind.ORDER, withdrawn_words(trade), trade)

    async def _watch_stop(self, trade: Trade) -> None:
        """Say it whenever what is held has no working stop, once it had a moment to work."""

        def is_settled() -> bool:
            return trade.is_over or not trade.is_unprotected

        while not trade.is_over:
            await trade.changes.ever(lambda: trade.is_over or trade.is_unprotected)
            if not await trade.changes.until(is_settled, STOP_PATIENCE_S, self._clock):
                self._tell(AlertKind.ERROR, unprotected_words(trade), trade)
                await trade.changes.ever(is_settled)

    def _tell_end(self, trade: Trade) -> None:
        words = {
            TradeState.CLOSED: (AlertKind.CLOSED, closed_words),
            TradeState.REJECTED: (AlertKind.ERROR, rejected_words),
            TradeState.WITHDRAWN: (AlertKind.ORDER, withdrawn_words),
        }
        kind, say = words[trade.state]
        self._tell(kind, say(trade), trade)

    def _end_following(self, trade: Trade, task: Supervised) -> None:
        """Let those who wait for the outcome go on, also where following it failed."""
        if task.end is TaskEnd.FAILED:
            words = f"{trade.order_ref} is not followed any more: {task.reason}; see `orders`"
            self._tell(AlertKind.ERROR, words, trade)
        if trade.is_over:
            self._followed.discard(trade)
        trade.settle()

    def _live_intents(self) -> tuple[LiveIntent, ...]:
        return tuple(_live_intent(trade) for trade in self._followed if not trade.is_over)

    def _tell(self, kind: AlertKind, text: str, trade: Trade, at: datetime | None = None) -> None:
        when = at or self._market_clock.now
        symbol, order_ref = trade.instrument.symbol, trade.order_ref
        self._alerts(Alert(kind, text, when, symbol, trade.watcher_id, order_ref))


def _live_intent(trade: Trade) -> LiveIntent:
    entry, symbol = trade.bracket.entry, trade.instrument.symbol
    if trade.state not in ENTERING:
        return LiveIntent(symbol, entry, Decimal(0), Decimal(0))
    unfilled = max(Decimal(0), entry.quantity - trade.entry.filled)
    price = entry.limit_price
    worth = None if price is None else unfilled * price * trade.instrument.multiplier
    return LiveIntent(symbol, entry, unfilled, worth)
