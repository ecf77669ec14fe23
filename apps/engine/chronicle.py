"""The desk's pen: what it is about to do, and what it hears, written into the journal.

Two kinds of writing. What opens something is *reserved*: unless it is written down it is not done
(JournalLost). Everything else is *noted*: it has happened, or it protects, and is held back by
nothing. A note that cannot be written is kept here and goes with the next one that can; the trader
is told when that begins and when it is over.

Listens to the broker ahead of everybody else, so that what somebody acts on is in the journal
already. Of orders and executions only the desk's own are written down.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

from apps.domain.errors import DeskError, JournalLost
from apps.domain.intents import is_ours
from apps.domain.orders import Fill, OrderState
from apps.domain.records import (
    AccountSeen,
    AlertTold,
    CommandGiven,
    CommissionReported,
    DeskOpened,
    Executed,
    LinkSeen,
    NoticeHeard,
    OrderSeen,
    OutcomeKnown,
    PositionSeen,
    Record,
)
from apps.engine.alerts import Alert, AlertKind, AlertSink
from apps.engine.ports import Broker, BrokerNotice, Journal, Link, LinkState
from apps.engine.prices.market_clock import MarketClock
from apps.engine.supervisor import Supervisor

__all__ = ["Chronicle"]

_MOST_UNWRITTEN = 10_000


class Chronicle:
    """Writes one desk's journal. It is a listener of the broker's: see `BrokerListener`."""

    def __init__(
        self,
        journal: Journal,
        broker: Broker,
        market_clock: MarketClock,
        supervisor: Supervisor,
        alerts: AlertSink,
    ) -> None:
        self._journal = journal
        self._broker = broker
        self._client_id = broker.client_id
        self._market_clock = market_clock
        self._supervisor = supervisor
        self._alerts = alerts
        self._unwritten: deque[Record] = deque(maxlen=_MOST_UNWRITTEN)
        self._is_lost = False
        self._orders: dict[int, OrderState] = {}
        self._refs: dict[int, str] = {}
        self._sent_at: dict[int, datetime | None] = {}
        self._fills: dict[str, Fill] = {}
        self._link: Link | None = None

    @property
    def is_behind(self) -> bool:
        """Something could not be written yet."""
        return self._is_lost

    def open(self, trading_mode: str) -> None:
        """Begin to write, with what is known without asking. Raises JournalLost."""
        at = self._market_clock.now
        self.reserve(DeskOpened(self._broker.account, self._client_id, trading_mode, at))
        for order in self._broker.known_orders():
            self.on_order(order)

    def reserve(self, *records: Record) -> None:
        """Write down what may only be done once it is. Raises JournalLost: do not do it."""
        self._write(records)

    def note(self, *records: Record) -> None:
        """Write down what has happened, or what nothing may hold back."""
        try:
            self._write(records)
        except JournalLost as error:
            self._unwritten.extend(records)
            if not self._is_lost:
                self._is_lost = True
                self._alerts(Alert(AlertKind.ERROR, error.message, self._market_clock.now))

    def tell(self, alert: Alert) -> None:
        """Write an alert down, and pass it on to the trader. It is the sink of all the desk."""
        self.note(
            AlertTold(
                alert.kind.value,
                alert.text,
                alert.symbol,
                alert.watcher_id,
                alert.order_ref,
                alert.at,
            )
        )
        self._alerts(alert)

    def command(self, text: str) -> None:
        """Write down what the trader asked for."""
        # bytes that no terminal should send are half characters in Python, which no file takes
        writable = text.encode("utf-8", "backslashreplace").decode()
        self.note(CommandGiven(writable, self._market_clock.now))

    def order_ref(self, order_id: int) -> str:
        """Give the reference of an order of ours; empty for one that was not seen yet."""
        return self._refs.get(order_id, "")

    def sending(self, order_id: int, order_ref: str, at: datetime | None = None) -> None:
        """Take note of which intent an order is of, before the broker says a word of it.

        ``at`` is when it was sent, where that was in an earlier session.
        """
        self._refs[order_id] = order_ref
        self._sent_at[order_id] = at or self._market_clock.now

    def sent_at(self, order_id: int) -> datetime | None:
        """Give the market time at which an order of ours was sent; None where it is not known."""
        return self._sent_at.get(order_id)

    def outcome(self, order_ref: str, outcome: str, *, is_over: bool, reason: str = "") -> None:
        """Write down that an intent is over, or that it is not after all."""
        self.note(OutcomeKnown(order_ref, outcome, is_over, reason, self._market_clock.now))

    def on_order(self, order: OrderState) -> None:
        """Write down what is new about an order of ours."""
        if self._is_own(order) and self._orders.get(order.order_id) != order:
            self._orders[order.order_id] = order
            self._refs[order.order_id] = order.order_ref
            self.note(OrderSeen.of(order, self._market_clock.now))

    def on_fill(self, fill: Fill) -> None:
        """Write down an execution of ours, and its commission once that is known."""
        if news := self._news_of(fill):
            self.note(*news)

    def make_good(self, fills: Iterable[Fill]) -> None:
        """Write down executions of ours that the journal lacks, all or none of them.

        One that is there already is not written twice.
        """
        lacking = [each for each in fills if self._is_own(each)]
        for fill in lacking:
            self._fills.pop(fill.exec_id, None)
        if news := [record for fill in lacking for record in self._news_of(fill)]:
            self.note(*news)

    def on_notice(self, notice: BrokerNotice) -> None:
        """Write down a code that is about an order of ours."""
        order_id = notice.order_id
        if order_id is not None and (order_ref := self.order_ref(order_id)):
            at = self._market_clock.now
            self.note(
                NoticeHeard(order_ref, self._client_id, order_id, notice.code, notice.text, at)
            )

    def on_link(self, link: Link) -> None:
        """Write down that the link changed, and what the account is like when it is ready."""
        if link != self._link:
            self._link = link
            at = self._market_clock.now
            self.note(LinkSeen(link.state.value, link.epoch, link.reason, at))
            if link.state is LinkState.READY:
                self._supervisor.start("account snapshot", self._note_account)

    def _news_of(self, fill: Fill) -> list[Record]:
        """Give what is new of an execution; nothing of one that is not ours."""
        known = self._fills.get(fill.exec_id)
        if not self._is_own(fill) or known == fill:
            return []
        self._fills[fill.exec_id] = fill
        news: list[Record] = [] if known is not None else [Executed.of(fill)]
        if fill.commission is not None and (known is None or known.commission is None):
            at = self._market_clock.now
            news.append(
                CommissionReported(
                    fill.exec_id, fill.order_ref, fill.commission, fill.realized_pnl, at
                )
            )
        return news

    async def _note_account(self) -> None:
        with suppress(DeskError):  # asked for once a connection; nothing is decided by it
            summary = await self._broker.account_summary()
            positions = await self._broker.positions()
            at = self._market_clock.now
            self.note(
                AccountSeen.of(summary, at), *(PositionSeen.of(each, at) for each in positions)
            )

    def _is_own(self, said: OrderState | Fill) -> bool:
        return said.client_id == self._client_id and is_ours(said.order_ref)

    def _write(self, records: tuple[Record, ...]) -> None:
        """Write ``records``, and before them what could not be written until now."""
        self._journal.write(*self._unwritten, *records)
        self._unwritten.clear()
        if self._is_lost:
            self._is_lost = False
            text = "the journal is written again, what was missing included"
            self._alerts(Alert(AlertKind.INFO, text, self._market_clock.now))
