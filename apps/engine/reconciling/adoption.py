"""What is done about findings: trades restored, ends taken over, orders discarded, trades let go.

Nothing is asked here but what an instrument is, and nothing is sent but cancellations, by id, of
orders that the broker does not list. When this is done, and what the trader is told of it, is
`apps.engine.reconciling.reconciler`'s.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

from apps.domain.errors import DeskError
from apps.domain.instruments import Instrument
from apps.domain.intents import is_for_account
from apps.domain.orders import OrderState
from apps.domain.reconciling.broker_snapshot import BrokerSnapshot
from apps.domain.reconciling.expectations import ExpectedIntent
from apps.domain.reconciling.findings import Finding, Verdict
from apps.domain.reconciling.open_intents import OpenIntent
from apps.domain.records import IntentReserved
from apps.engine.alerts import Alert, AlertKind, AlertSink
from apps.engine.chronicle import Chronicle
from apps.engine.orders.execution import Execution
from apps.engine.orders.following import ENTRY_PATIENCE_S
from apps.engine.orders.trades import Trade
from apps.engine.ports import Broker, Clock, Journal, MarketData
from apps.engine.prices.market_clock import MarketClock
from apps.engine.reconciling.account_adoption import AccountAdoption
from apps.engine.reconciling.restoring import expectation, rebuilt_intent, restored_trade
from apps.engine.reconciling.snapshots import Snapshots
from apps.engine.risk.own_book import OwnBook

__all__ = ["Adoption"]


class Adoption:
    """Brings what the desk knows to where the broker and the journal are."""

    def __init__(
        self,
        *,
        broker: Broker,
        market: MarketData,
        clock: Clock,
        market_clock: MarketClock,
        journal: Journal,
        chronicle: Chronicle,
        book: OwnBook,
        execution: Execution,
        snapshots: Snapshots,
        for_account: AccountAdoption,
        alerts: AlertSink,
    ) -> None:
        self._broker = broker
        self._market = market
        self._clock = clock
        self._market_clock = market_clock
        self._journal = journal
        self._chronicle = chronicle
        self._book = book
        self._execution = execution
        self._snapshots = snapshots
        self._for_account = for_account
        self._alerts = alerts
        self._began_at: dict[str, datetime | None] = {}
        self._unreadable: set[str] = set()
        self._ended_before: list[Trade] = []

    def expected(self) -> tuple[ExpectedIntent, ...]:
        """Give what is counted with now: every trade of the session, and the account's orders."""
        trades = (self._expected(trade) for trade in self._execution.trades)
        return (*trades, *self._for_account.expected())

    async def restore(self) -> None:
        """Take up again what the journal holds. Raises JournalRefused.

        An intent that cannot be taken up is told of.
        """
        known = self._journal.open_intents(self._broker.client_id)
        await self._take_up(each for each in known if not self._is_here(each.intent.order_ref))

    async def restore_the_rest(self) -> None:
        """Try once more what could not be taken up."""
        if self._unreadable:
            await self.restore()

    async def act(self, findings: Iterable[Finding], snapshot: BrokerSnapshot) -> None:
        """Do what follows from ``findings``, which are of ``snapshot``."""
        strays: dict[str, list[OrderState]] = {}
        for finding in findings:
            if finding.verdict is Verdict.REBUILT and finding.state is not None:
                strays.setdefault(finding.order_ref, []).append(finding.state)
            elif is_for_account(finding.order_ref):
                self._for_account.act(finding)
            else:
                self._act_for_trade(finding)
        for order_ref, orders in strays.items():
            if not self._is_here(order_ref):
                await self._rebuild(order_ref, orders, snapshot)
        if snapshot.is_complete:
            self._note_ended()

    def _act_for_trade(self, finding: Finding) -> None:
        match finding.verdict:
            case Verdict.ADOPTED | Verdict.DIFFERS:
                self._adopt_end(finding)
            case Verdict.NEVER_ACCEPTED | Verdict.NEVER_TRANSMITTED:
                self._void(finding)
            case Verdict.GONE:
                if (trade := self._execution.trade_of_ref(finding.order_ref)) is not None:
                    self.let_go(trade)
            case _:
                pass

    def let_go(self, trade: Trade) -> None:
        """Count no longer with a trade of which nothing is left."""
        trade.on_gone()
        self._book.write_off(trade.instrument.con_id, trade.order_ref)

    def _is_here(self, order_ref: str) -> bool:
        is_trade = self._execution.trade_of_ref(order_ref) is not None
        return is_trade or self._for_account.has(order_ref)

    def _expected(self, trade: Trade) -> ExpectedIntent:
        sent_at = {leg.order_id: self._chronicle.sent_at(leg.order_id) for leg in trade.legs}
        at = self._began_at.get(trade.order_ref, sent_at[trade.entry.order_id])
        return expectation(trade, self._broker.client_id, at, sent_at)

    def _adopt_end(self, finding: Finding) -> None:
        """Pass on an end that the broker tells only when it is asked; what lives it told itself."""
        state = finding.state
        trade = self._execution.trade_of(finding.order_id, finding.order_ref)
        if state is None or trade is None or not state.status.is_done:
            return
        if not trade.leg(finding.order_id).has_ended:
            self._snapshots.hear_orders((state,))

    def _void(self, finding: Finding) -> None:
        """Give up an order that the broker never had, and have it discarded if it hides there."""
        trade = self._execution.trade_of(finding.order_id, finding.order_ref)
        if trade is None or self._is_known(trade, finding.order_id):
            return
        with suppress(DeskError):  # it is not there, or it is found by the next look
            self._execution.discard(finding.order_id, finding.order_ref)
        trade.on_void(finding.order_id)

    def _is_known(self, trade: Trade, order_id: int) -> bool:
        """Tell whether an order has ended, or was heard of, or may protect, since it was asked."""
        order = next(each for each in self._expected(trade).orders if each.order_id == order_id)
        has_entered = order.parent_id != 0 and trade.entry.filled > 0
        return trade.leg(order_id).has_ended or order.was_answered or has_entered

    async def _rebuild(
        self, order_ref: str, orders: list[OrderState], snapshot: BrokerSnapshot
    ) -> None:
        """Make anew what the journal does not know, or takes for over."""
        known = self._journal.open_intents(self._broker.client_id, also=(order_ref,))
        again = [each for each in known if each.intent.order_ref == order_ref]
        if again:
            self._chronicle.outcome(
                order_ref, "open", is_over=False, reason="an order of it stands at the broker"
            )
            await self._take_up(again)
            return
        fills = [each for each in snapshot.fills if each.order_ref == order_ref]
        intent = rebuilt_intent(orders, fills)
        if intent is None:
            return  # an exit whose entry nobody knows: it works, and is listed with `orders`
        await self._take_up((intent,), is_new=True)

    async def _take_up(self, known: Iterable[OpenIntent], *, is_new: bool = False) -> None:
        intents = tuple(known)
        instruments: dict[int, Instrument | None] = {}
        for each in intents:
            con_id = each.intent.con_id
            if con_id not in instruments:
                instruments[con_id] = await self._instrument(each.intent)
        for each in intents:
            instrument = instruments[each.intent.con_id]
            if instrument is not None and not self._is_here(each.intent.order_ref):
                self._begin(each, instrument, is_new=is_new)
        # what happened since is known already: nothing may be decided on what was written down
        self._snapshots.hear_orders(self._broker.known_orders())

    async def _instrument(self, intent: IntentReserved) -> Instrument | None:
        names = [intent.symbol]
        if intent.primary_exchange:
            names.append(f"{intent.symbol}@{intent.primary_exchange}")
        why = f"its contract is not number {intent.con_id} any more"
        for name in names:
            try:
                found = await self._market.qualify(name)
            except DeskError as error:
                why = error.message
                continue
            if found.con_id == intent.con_id:
                return found
        self._tell_unreadable(intent, why)
        return None

    def _begin(self, known: OpenIntent, instrument: Instrument, *, is_new: bool) -> None:
        intent, order_ref = known.intent, known.intent.order_ref
        try:
            if is_for_account(order_ref):
                self._for_account.begin(known, instrument)
                trade = None
            else:
                trade = restored_trade(known, instrument, self._clock, self._broker.account)
        except ValueError as error:
            self._tell_unreadable(intent, f"the journal's words of it are not clear: {error}")
            return
        if is_new:
            self._chronicle.note(intent, *(each.reserved for each in known.orders))
            text = f"{order_ref} was not in the journal: made anew from the broker's orders"
            self._tell(text, intent)
        if trade is None:
            return
        for order in known.orders:
            self._chronicle.sending(order.reserved.order_id, order_ref, order.reserved.at)
        self._began_at[order_ref] = intent.at
        if trade.is_over:
            self._ended_before.append(trade)
        else:
            self._book.restore(known.fills)
        self._execution.adopt(trade, entry_patience_s=self._patience_s(intent))

    def _note_ended(self) -> None:
        """Write down what was over when it was taken up: not before the ends of all its orders."""
        for trade in self._ended_before:
            if trade.is_over:
                self._chronicle.outcome(trade.order_ref, trade.state.value, is_over=True)
        self._ended_before.clear()

    def _patience_s(self, intent: IntentReserved) -> float:
        """Give how long an unfilled entry may still wait, of what it was given when it was sent."""
        now = self._market_clock.now
        if now is None or intent.at is None:
            return 0.0
        waited_s = (now - intent.at).total_seconds()
        return min(max(0.0, ENTRY_PATIENCE_S - waited_s), ENTRY_PATIENCE_S)

    def _tell_unreadable(self, intent: IntentReserved, why: str) -> None:
        if intent.order_ref not in self._unreadable:
            self._unreadable.add(intent.order_ref)
            text = f"{intent.order_ref} cannot be taken up again: {why}; look at `orders`"
            self._tell(text, intent)

    def _tell(self, text: str, intent: IntentReserved) -> None:
        at, label = self._market_clock.now, intent.label
        self._alerts(Alert(AlertKind.WARNING, text, at, intent.symbol, label, intent.order_ref))
