"""A trade from its sending to its known outcome: what is awaited, withdrawn and told on the way.

Each trade has tasks of its own, so that none waits for another. An entry that is not filled in
time, or that has lost its stop, is withdrawn; a position whose stop is not seen working is told
of; a trade that is over is told with its P&L and fees. What is sent, and what the broker says of
it, passes through `apps.engine.orders.execution`; what is done about a stop that does not work is
the guard's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from apps.engine.alerts import Alert, AlertKind, AlertSink
from apps.engine.orders.trade_states import TradeState
from apps.engine.orders.trade_words import (
    closed_words,
    gone_words,
    never_accepted_words,
    rejected_words,
    reopened_words,
    sent_words,
    unprotected_words,
    withdrawn_words,
)
from apps.engine.orders.trades import Trade
from apps.engine.ports import Clock
from apps.engine.prices.market_clock import MarketClock
from apps.engine.prices.running_prices import RunningPrices
from apps.engine.supervisor import Supervised, Supervisor, TaskEnd

__all__ = ["ENTRY_PATIENCE_S", "Following"]

ENTRY_PATIENCE_S = 10.0
"""How long a marketable entry may stay unfilled, in seconds of this machine."""

STOP_PATIENCE_S = 3.0
"""How long a filled entry may be without a working stop before the trader is told; a target's
fill takes the stop away before its own execution is reported."""

FEES_PATIENCE_S = 5.0
"""How long the end of a trade waits for the commissions, which come after the executions."""


class Following:
    """Follows trades. ``withdraw`` takes back what is unfilled, and tells whether that is sure."""

    def __init__(
        self,
        clock: Clock,
        market_clock: MarketClock,
        supervisor: Supervisor,
        prices: RunningPrices,
        withdraw: Callable[[Trade], Awaitable[bool]],
        note_outcome: Callable[[Trade], None],
        alerts: AlertSink,
    ) -> None:
        self._clock = clock
        self._market_clock = market_clock
        self._supervisor = supervisor
        self._prices = prices
        self._withdraw = withdraw
        self._note_outcome = note_outcome
        self._alerts = alerts
        self._followed: dict[Trade, None] = {}

    @property
    def followed(self) -> tuple[Trade, ...]:
        """The trades whose outcome is not known yet, in the order of their beginning."""
        return tuple(self._followed)

    def follow(
        self, trade: Trade, *, is_new: bool = False, entry_patience_s: float = ENTRY_PATIENCE_S
    ) -> None:
        """Follow a trade from here on; one that is new is told of first.

        An entry with a deadline is withdrawn ``entry_patience_s`` from now, at once for 0.
        """
        self._followed[trade] = None
        self._supervisor.start(
            f"trade {trade.order_ref}",
            lambda: self._follow(trade, entry_patience_s, is_new=is_new),
            lambda task: self._end_following(trade, task),
        )
        self._prices.keep(trade.instrument, lambda: trade.changes.ever(lambda: trade.is_over))
        self._supervisor.start(f"stop {trade.order_ref}", lambda: self._watch_stop(trade))

    def take_up_again(self, trade: Trade) -> None:
        """Follow a trade again that was taken for over and is not."""
        if trade.is_settled and not trade.is_over:
            trade.reopen()
            self._note_outcome(trade)
            self.tell(AlertKind.WARNING, reopened_words(trade), trade)
            self.follow(trade)

    def tell(self, kind: AlertKind, text: str, trade: Trade, at: datetime | None = None) -> None:
        """Tell something of a trade; without ``at`` it is of now."""
        when = at or self._market_clock.now
        symbol, order_ref = trade.instrument.symbol, trade.order_ref
        self._alerts(Alert(kind, text, when, symbol, trade.watcher_id, order_ref))

    async def _follow(self, trade: Trade, entry_patience_s: float, *, is_new: bool) -> None:
        if is_new:
            self.tell(AlertKind.ORDER, sent_words(trade), trade)
        await self._await_entry(trade, entry_patience_s)
        while True:
            await trade.changes.ever(lambda: trade.is_over)
            if trade.state is TradeState.CLOSED:
                await trade.changes.until(
                    lambda: _is_complete(trade) or not trade.is_over, FEES_PATIENCE_S, self._clock
                )
            if trade.is_over:  # else more of its entry was told meanwhile
                break
        self._tell_end(trade)

    async def _await_entry(self, trade: Trade, patience_s: float) -> None:
        """See the entry to its end: what nobody may wait for any longer is withdrawn."""
        await self._await_decision(trade, patience_s)
        await trade.changes.ever(lambda: trade.is_over or not trade.is_being_closed)
        if trade.is_over or trade.entry.is_filled:
            return
        if not await self._withdraw(trade):
            words = f"{sent_words(trade)}: the broker did not confirm its withdrawal; see `orders`"
            self.tell(AlertKind.ERROR, words, trade)
        elif trade.entry.filled and not trade.entry.is_filled:
            self.tell(AlertKind.ORDER, withdrawn_words(trade), trade)

    async def _await_decision(self, trade: Trade, patience_s: float) -> None:
        """Wait for the entry's end, or until something has stood for too long.

        That is an entry that is not to rest, one that is held for a locate, and a part that is
        filled while its exits sleep until the rest is: each has its own patience.
        """

        def is_decided() -> bool:
            return trade.entry.is_over or trade.is_over or trade.has_lost_its_stop

        patiences: tuple[tuple[Callable[[], bool], float], ...] = (
            (lambda: trade.has_deadline, patience_s),
            (lambda: trade.entry.is_held_for_locate, ENTRY_PATIENCE_S),
            (lambda: trade.is_unprotected, STOP_PATIENCE_S),
        )
        since: dict[int, float] = {}
        while not is_decided():
            now_s = self._clock.monotonic()
            stands = [holds() for holds, _ in patiences]
            since = {each: since.get(each, now_s) for each, holds in enumerate(stands) if holds}
            ends_s = min((at_s + patiences[each][1] for each, at_s in since.items()), default=None)

            def has_changed(stands: list[bool] = stands) -> bool:
                return is_decided() or stands != [holds() for holds, _ in patiences]

            if ends_s is None:
                await trade.changes.ever(has_changed)
            elif ends_s <= now_s:
                return
            else:
                await trade.changes.until(has_changed, ends_s - now_s, self._clock)

    async def _watch_stop(self, trade: Trade) -> None:
        """Say it whenever what is held has no working stop, once it had a moment to work."""

        def is_settled() -> bool:
            return trade.is_over or not trade.is_unprotected

        while not trade.is_over:
            await trade.changes.ever(lambda: trade.is_over or trade.is_unprotected)
            if not await trade.changes.until(is_settled, STOP_PATIENCE_S, self._clock):
                self.tell(AlertKind.ERROR, unprotected_words(trade), trade)
                await trade.changes.ever(is_settled)

    def _tell_end(self, trade: Trade) -> None:
        words = {
            TradeState.CLOSED: (AlertKind.CLOSED, closed_words),
            TradeState.REJECTED: (AlertKind.ERROR, rejected_words),
            TradeState.WITHDRAWN: (AlertKind.ORDER, withdrawn_words),
            TradeState.NEVER_ACCEPTED: (AlertKind.WARNING, never_accepted_words),
            TradeState.GONE: (AlertKind.WARNING, gone_words),
        }
        kind, say = words[trade.state]
        self.tell(kind, say(trade), trade)

    def _end_following(self, trade: Trade, task: Supervised) -> None:
        """Let those who wait for the outcome go on, also where following it failed."""
        if task.end is TaskEnd.FAILED:
            words = f"{trade.order_ref} is not followed any more: {task.reason}; see `orders`"
            self.tell(AlertKind.ERROR, words, trade)
        if trade.is_over:
            self._followed.pop(trade, None)
            self._note_outcome(trade)
        trade.settle()


def _is_complete(trade: Trade) -> bool:
    """Tell whether nothing more will be heard of a closed trade: fees, and the end of each exit."""
    return trade.fees_are_known and all(leg.has_ended or leg.is_filled for leg in trade.legs)
