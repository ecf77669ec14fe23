"""Reconciliation: the one routine that holds journal and broker against each other.

It runs when the desk opens, after every epoch that may have cost us word of orders, every minute,
when the broker does not answer an order, and when the trader asks. What is found is decided by
`apps.domain.reconciling.reconciliation`, what is done about it by
`apps.engine.reconciling.adoption`; here is when it is asked, and what of it is told. What only the
trader can know is told once, after a second look. An attempt that fails is made again, less and
less often; two never run side by side.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from apps.domain.errors import BrokerError, NotFound, Refused
from apps.domain.reconciling.broker_snapshot import Answered, BrokerSnapshot
from apps.domain.reconciling.findings import Finding, Verdict
from apps.domain.reconciling.looks import APART_S, EarlierLook
from apps.domain.reconciling.reconciliation import reconcile
from apps.engine.alerts import Alert, AlertKind, AlertSink
from apps.engine.deadlines import Changes
from apps.engine.long_lived import LongLived
from apps.engine.orders.account_order import AccountOrder
from apps.engine.orders.account_orders import AccountOrders
from apps.engine.orders.execution import Execution
from apps.engine.orders.trade_states import TradeState
from apps.engine.orders.trades import Trade
from apps.engine.ports import Broker, Clock
from apps.engine.prices.market_clock import MarketClock
from apps.engine.reconciling.adoption import Adoption
from apps.engine.reconciling.snapshots import Snapshots
from apps.engine.risk.own_book import OwnBook
from apps.engine.supervisor import Supervisor

__all__ = ["Reconciled", "Reconciler"]

EVERY_S = 60.0
"""How often it runs when nothing calls for it."""

LOOK_S = 1.0
"""How often it is seen whether an answer is missing; the broker is not asked for that."""

UNANSWERED_S = 8.0
"""How long an order may stay without an answer before the broker is asked."""

UNTOLD_S = 2.0
"""How long an execution may come after the status that counts it. A message can be lost alone, and
nobody protects what nobody knows to be filled."""

RETRY_FIRST_S, RETRY_CAP_S = 1.0, 30.0
"""The pause after an attempt that failed, doubled with each."""

_DOUBTFUL = frozenset({TradeState.SENT, TradeState.UNKNOWN})

_Key = tuple[str, int, str, Verdict]


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What one run came to. ``problems`` are what could not be read, a sentence each."""

    at: datetime | None
    findings: tuple[Finding, ...]
    problems: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Everything was read, and nothing is left for the trader to look at."""
        return not self.problems and not any(each.needs_the_trader for each in self.findings)


class Reconciler:
    """Reconciles one desk. `wake` is called when something may have been missed."""

    def __init__(
        self,
        *,
        broker: Broker,
        clock: Clock,
        market_clock: MarketClock,
        supervisor: Supervisor,
        book: OwnBook,
        execution: Execution,
        snapshots: Snapshots,
        adoption: Adoption,
        account_orders: AccountOrders,
        alerts: AlertSink,
    ) -> None:
        self._broker = broker
        self._clock = clock
        self._market_clock = market_clock
        self._supervisor = supervisor
        self._book = book
        self._execution = execution
        self._snapshots = snapshots
        self._adoption = adoption
        self._account_orders = account_orders
        self._alerts = alerts
        self._running = asyncio.Lock()
        self._changes = Changes()
        self._is_behind = False
        self._earlier: EarlierLook | None = None
        self._findings: tuple[Finding, ...] = ()
        self._told: set[_Key] = set()
        self._missing_since: dict[str, float] = {}
        self._told_problem = ""

    async def take_up(self) -> None:
        """Restore what the journal holds, and begin to reconcile. Raises DeskError: do not trade.

        An answer that fails is an error here, for nothing may be begun on half of an account.
        """
        await self._adoption.restore()
        snapshot = await self._look(deep=True)
        if not _was_read(snapshot):
            raise BrokerError(f"the account could not be read: {'; '.join(snapshot.problems)}")
        if isinstance(snapshot.positions, Answered):
            self._book.carry(snapshot.positions.rows, snapshot.standing)
        self._is_behind = bool(self._open_questions())
        long_lived = LongLived(self._supervisor, self._market_clock, self._alerts)
        long_lived.keep("reconciliation", self._keep, "give `reconcile` yourself after each loss")

    def wake(self) -> None:
        """Say that something may have happened unheard; it is asked for in the background."""
        self._is_behind = True
        self._changes.announce()

    async def run(self) -> Reconciled:
        """Ask for everything now, and give what is found."""
        snapshot = await self._look(deep=True)
        return Reconciled(snapshot.at, self._findings, snapshot.problems)

    async def settle(self, named: str) -> Trade | AccountOrder:
        """Take the trader's word that an intent is over; ``named`` is its reference or its end.

        Raises NotFound for one that is not open, Refused while the broker lists an order of it,
        BrokerError where that cannot be read.
        """
        trade = self._open_trade(named)
        snapshot = await self._look(deep=True)
        if snapshot.problems:
            raise BrokerError(f"nothing was settled: {'; '.join(snapshot.problems)}")
        standing = [each for each in snapshot.standing if each.order_ref == trade.order_ref]
        if standing:
            ids = ", ".join(str(each.order_id) for each in standing)
            raise Refused(f"of {trade.order_ref} there stands order {ids}: `cancel` it first.")
        if not trade.is_over:
            self._let_go(trade)
        return trade

    def _let_go(self, intent: Trade | AccountOrder) -> None:
        if isinstance(intent, Trade):
            self._adoption.let_go(intent)
        else:
            self._account_orders.let_go(intent)

    def _open_trade(self, named: str) -> Trade | AccountOrder:
        every: list[Trade | AccountOrder] = [*self._execution.trades, *self._account_orders.orders]
        trades = [each for each in every if not each.is_over]
        found = [each for each in trades if named and each.order_ref.endswith(named)]
        if len(found) != 1:
            many = "several open intents end" if found else "no open intent ends"
            raise NotFound(f"{many} in {named!r}; see `reconcile`.")
        return found[0]

    # ---------------------------------------------------------------------- in the background

    async def _keep(self) -> None:
        ran_s, pause_s = self._clock.monotonic(), RETRY_FIRST_S
        while True:
            await self._changes.until(self._may_run, LOOK_S, self._clock)
            is_due = self._clock.monotonic() - ran_s >= EVERY_S
            if not self._broker.link.takes_orders or not (self._is_called_for() or is_due):
                continue
            if await self._round():
                pause_s = RETRY_FIRST_S
            else:
                self._is_behind = True
                await self._clock.sleep(pause_s)
                pause_s = min(2 * pause_s, RETRY_CAP_S)
            ran_s = self._clock.monotonic()

    def _may_run(self) -> bool:
        return self._is_behind and self._broker.link.takes_orders

    def _is_called_for(self) -> bool:
        """Tell whether something may have been missed, or an order stays without an answer."""
        told, now_s = {order_ref for order_ref, _, _, _ in self._told}, self._clock.monotonic()
        patience_s = {
            trade.order_ref: UNTOLD_S if trade.lacks_executions else UNANSWERED_S
            for trade in self._execution.trades
            if trade.order_ref not in told
            and (trade.state in _DOUBTFUL or (trade.lacks_executions and not trade.is_over))
        }
        patience_s |= {
            order_ref: allowed_s
            for order_ref, allowed_s in self._account_orders.overdue().items()
            if order_ref not in told
        }
        self._missing_since = {each: self._missing_since.get(each, now_s) for each in patience_s}
        return self._is_behind or self._is_overdue(patience_s, now_s)

    def _is_overdue(self, patience_s: dict[str, float], now_s: float) -> bool:
        since = self._missing_since
        return any(now_s - since[each] >= allowed_s for each, allowed_s in patience_s.items())

    async def _round(self) -> bool:
        """Look, a second time after a pause where something is not clear; tell if all was read."""
        deep, self._is_behind = self._is_behind or bool(self._missing_since), False
        self._missing_since = {}
        snapshot = await self._look(deep=deep)
        if not deep and self._open_questions():
            snapshot = await self._look(deep=True)
        if self._open_questions() and _was_read(snapshot):
            await self._clock.sleep(APART_S)
            asked = self._open_questions()
            snapshot = await self._look(deep=True)
            self._ask_trader(asked)
        is_read = _was_read(snapshot)
        self._tell_problem("" if is_read else "; ".join(snapshot.problems))
        return is_read

    async def _look(self, *, deep: bool) -> BrokerSnapshot:
        """Ask, find and act, one at a time. A look that is not ``deep`` leaves out what ended."""
        async with self._running:
            await self._adoption.restore_the_rest()
            expected = self._adoption.expected()
            snapshot = await self._snapshots.take(with_completed=deep)
            own = self._book.own_quantities()
            self._findings = reconcile(
                expected, own, snapshot, self._earlier, self._broker.client_id
            )
            looked_for = {each.name for intent in expected for each in intent.orders}
            self._remember(EarlierLook(snapshot, frozenset(looked_for)))
            await self._adoption.act(self._findings, snapshot)
            if deep and isinstance(snapshot.open_orders, Answered):
                self._execution.on_open_orders(snapshot.standing)
            self._told &= self._open_keys()
            return snapshot

    def _remember(self, look: EarlierLook) -> None:
        """Keep a complete look for the next to be compared with, unless one is there still young.

        Else whoever asks every second would have no two that are apart.
        """
        if not look.snapshot.is_complete:
            return
        kept = self._earlier
        is_young = (
            kept is not None
            and kept.snapshot.epoch == look.snapshot.epoch
            and look.snapshot.taken_s - kept.snapshot.taken_s < APART_S
            and kept.looked_for >= look.looked_for
        )
        if not is_young:
            self._earlier = look

    # ------------------------------------------------------------------------ what is told

    def _open_keys(self) -> set[_Key]:
        return {_key(each) for each in self._findings if each.needs_the_trader}

    def _open_questions(self) -> set[_Key]:
        return self._open_keys() - self._told

    def _ask_trader(self, asked_before: set[_Key]) -> None:
        """Tell what is still not clear at the second look, each thing once."""
        for finding in self._findings:
            key = _key(finding)
            if finding.needs_the_trader and key in asked_before and key not in self._told:
                self._told.add(key)
                self._alerts(
                    Alert(
                        AlertKind.ERROR,
                        finding.text,
                        self._market_clock.now,
                        finding.symbol,
                        order_ref=finding.order_ref,
                    )
                )

    def _tell_problem(self, text: str) -> None:
        """Say that it cannot be read, once until it can."""
        if text and text != self._told_problem:
            words = f"orders and executions could not be read again: {text}"
            self._alerts(Alert(AlertKind.WARNING, words, self._market_clock.now))
        self._told_problem = text


def _key(finding: Finding) -> _Key:
    return finding.order_ref, finding.order_id, finding.symbol, finding.verdict


def _was_read(snapshot: BrokerSnapshot) -> bool:
    parts = (snapshot.open_orders, snapshot.executions, snapshot.positions)
    return all(isinstance(part, Answered) for part in parts)
