"""The protection guard: no position of ours without a working stop.

Every word of the broker's about an order, and every execution, is looked at here: does each trade
in that symbol still stand as it should? If not, a `Vigil` begins, which waits out the patience and
then puts it in order. No word may come at all (an order that the broker does not list any more),
so every trade that is not over is looked at once in a while too. What is right and what to do about
the rest is decided in `apps.domain.exits.guard`. A guard that is off says so when the desk opens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from apps.domain.errors import IllegalTransition
from apps.domain.exits.guard import troubles
from apps.domain.instruments import Instrument
from apps.domain.orders import Fill, OrderState
from apps.engine.alerts import Alert, AlertKind, AlertSink
from apps.engine.exits.guard_words import OFF_WORDS
from apps.engine.exits.guarded import guard_view
from apps.engine.exits.vigil import Vigil
from apps.engine.orders.execution import Execution
from apps.engine.orders.legs import LegRole
from apps.engine.orders.trades import Trade
from apps.engine.ports import BrokerNotice, Clock, Link
from apps.engine.prices.market_clock import MarketClock
from apps.engine.risk.own_book import OwnBook
from apps.engine.supervisor import Supervised, Supervisor, TaskEnd

__all__ = ["Guard", "GuardSettings"]

SWEEP_S = 2.0
"""How often every trade that is not over is looked at, in seconds of this machine."""

AGAIN_AFTER_S = 5.0
"""How long after a failure the guard begins again."""


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """Whether the guard acts, and how many seconds of trouble it lets pass before it does."""

    is_on: bool = True
    patience_s: float = 3.0


class Guard:
    """Keeps every trade of the desk protected; listens to the broker after the switchboard.

    ``begin_vigil`` makes a vigil for an instrument.
    """

    def __init__(
        self,
        settings: GuardSettings,
        *,
        execution: Execution,
        book: OwnBook,
        clock: Clock,
        market_clock: MarketClock,
        supervisor: Supervisor,
        begin_vigil: Callable[[Instrument], Vigil],
        alerts: AlertSink,
    ) -> None:
        self._settings = settings
        self._execution = execution
        self._book = book
        self._clock = clock
        self._market_clock = market_clock
        self._supervisor = supervisor
        self._begin_vigil = begin_vigil
        self._alerts = alerts
        self._vigils: dict[int, Vigil] = {}
        self._to_look_at: set[int] = set()
        self._epoch = 0

    def begin(self) -> None:
        """Look at what the desk has opened with; say so where the guard is off."""
        if not self._settings.is_on:
            self._alerts(Alert(AlertKind.WARNING, OFF_WORDS, self._market_clock.now))
            return
        self._supervisor.start("guard", self._sweep, self._swept)

    def on_order(self, order: OrderState) -> None:
        """Take note of what is said of an order."""
        if self._book.is_own(order):
            self._on_event(order.con_id)

    def on_fill(self, fill: Fill) -> None:
        """Take note of an execution, of others too: it moves the account's position."""
        self._on_event(fill.con_id)

    def on_notice(self, notice: BrokerNotice) -> None:
        """Take note of a code: a refusal may come without any status."""
        if notice.order_id is not None and not notice.is_routine:
            self.look()

    def _on_event(self, con_id: int) -> None:
        if not self._settings.is_on:
            return
        if (vigil := self._vigils.get(con_id)) is not None:
            vigil.hear()
            return
        # each minute all executions of the day are told again, in one go: one look serves
        if not self._to_look_at:
            asyncio.get_running_loop().call_soon(self._look_where_something_was)
        self._to_look_at.add(con_id)

    def _look_where_something_was(self) -> None:
        marked, self._to_look_at = self._to_look_at, set()
        for con_id in marked:
            trades = self._execution.trades_in(con_id)
            if trades and con_id not in self._vigils and self._is_in_trouble(con_id):
                self._start(trades[-1].instrument)

    def on_link(self, link: Link) -> None:
        """Take note of the link; what is in trouble goes on as soon as orders can be sent."""
        is_lost, self._epoch = link.epoch != self._epoch, link.epoch
        for vigil in self._vigils.values():
            if is_lost:
                vigil.forget()
            vigil.hear()

    def look(self) -> None:
        """Look at every contract in which there is a trade that is not over."""
        live = {each.instrument.con_id for each in self._execution.trades if not each.is_over}
        for con_id in live:
            self._on_event(con_id)

    async def _sweep(self) -> None:
        while True:
            self.look()
            await self._clock.sleep(SWEEP_S)

    def _swept(self, task: Supervised) -> None:
        if task.end is TaskEnd.FAILED:
            words = f"the guard failed: {task.reason}; it begins again"
            self._alerts(Alert(AlertKind.ERROR, words, self._market_clock.now))
            with suppress(IllegalTransition):  # the desk is closing
                self._supervisor.start("guard", self._sweep_later, self._swept)

    async def _sweep_later(self) -> None:
        await self._clock.sleep(AGAIN_AFTER_S)
        await self._sweep()

    def _is_in_trouble(self, con_id: int) -> bool:
        trades = self._execution.trades_in(con_id)
        view = guard_view(
            trades[-1].instrument,
            (each for each in trades if _counts_still(each)),
            account_position=self._book.holding(con_id),
            at=self._market_clock.now,
            now_s=0.0,
        )
        return bool(troubles(view))

    def _start(self, instrument: Instrument) -> None:
        con_id = instrument.con_id
        vigil = self._vigils[con_id] = self._begin_vigil(instrument)

        def over(task: Supervised) -> None:
            del self._vigils[con_id]
            if task.end is TaskEnd.FAILED:
                words = f"the guard of {instrument.symbol} failed: {task.reason}; it begins again"
                self._alerts(
                    Alert(AlertKind.ERROR, words, self._market_clock.now, instrument.symbol)
                )
                with suppress(IllegalTransition):  # the desk is closing
                    self._supervisor.start(f"guard {instrument.symbol} again", again)
            elif task.end is TaskEnd.DONE:
                self._on_event(con_id)

        async def again() -> None:
            await self._clock.sleep(AGAIN_AFTER_S)
            self._on_event(con_id)

        try:
            self._supervisor.start(f"guard {instrument.symbol}", vigil.run, over)
        except IllegalTransition:  # the desk is closing
            del self._vigils[con_id]


def _counts_still(trade: Trade) -> bool:
    """Tell whether anything of a trade is open, may fill, or was exited too much."""
    if not trade.is_over or trade.exit_filled > trade.entry.filled:
        return True
    exits = (leg for leg in trade.legs if leg.role is not LegRole.ENTRY)
    return not all(leg.has_ended or leg.is_filled for leg in exits)
