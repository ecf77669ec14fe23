"""The desk: one object through which commands reach everything else in the engine.

Here are only the joints: what each command asks for is done by the module whose noun it is. The
constructor does no I/O; ``async with desk:`` is its life, and `Desk.shutdown` its orderly end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from types import TracebackType
from typing import Self

from apps.domain.account import AccountSummary
from apps.domain.bars import Bar
from apps.domain.errors import HistoryRefused, InvalidInput, NotFound, Refused
from apps.domain.instruments import Instrument
from apps.domain.orders import Fill, OrderState
from apps.domain.risk import check_account
from apps.domain.trade_reconciliation import TradeReconciliation, match_trades
from apps.domain.trading_state import Halt, HaltCause, Trading, TradingState
from apps.engine.alerts import Alert, AlertKind
from apps.engine.breakout_watcher import WatcherView
from apps.engine.exits.exit_routine import CloseOutcome
from apps.engine.history.loader import HistoryLoader
from apps.engine.loop_watch import Cause, Stall, StallLog
from apps.engine.onlookers import Onlooker
from apps.engine.orders.account_order import AccountOrderView
from apps.engine.orders.cancellations import CancelOutcome
from apps.engine.orders.trade_views import TradeView
from apps.engine.orders.trades import Trade
from apps.engine.parts import Parts, claim_of
from apps.engine.portfolio import PositionView, QuoteView
from apps.engine.ports import (
    Link,
    Subscription,
)
from apps.engine.previews import BracketPreview, BreakoutPreview
from apps.engine.reconciling.reconciler import Reconciled
from apps.engine.requests import BracketRequest, BreakoutRequest
from apps.engine.risk.kill_switch import HaltOutcome
from apps.engine.shutdown import Shutdown, ShutdownReport

__all__ = ["Desk", "ShutdownReport"]

WATCHER_STOP_TIMEOUT_S = 2.0

PREVIEW_LIFE_S = 60.0
"""An entry priced off the market is not sent on prices older than this."""


class Desk:
    """Everything a trader can ask for, of the ``parts`` that it is made of."""

    def __init__(self, parts: Parts) -> None:
        self._broker = parts.broker
        self._market = parts.market
        self._clock = parts.clock
        self._journal = parts.journal
        self._limits = parts.limits
        self.trading_mode = parts.trading_mode
        self.is_read_only = parts.is_read_only
        self._book = parts.book
        self._cancellations = parts.cancellations
        self._chronicle = parts.chronicle
        self._closings = parts.closings
        self._day = parts.day
        self._execution = parts.execution
        self._feeds = parts.feeds
        self._gate = parts.gate
        self._guard = parts.guard
        self._history = parts.history
        self._hours = parts.hours
        self._kill_switch = parts.kill_switch
        self._long_lived = parts.long_lived
        self._margins = parts.margins
        self._market_clock = parts.market_clock
        self._onlookers = parts.onlookers
        self._portfolio = parts.portfolio
        self._previews = parts.previews
        self._prices = parts.prices
        self._reconciler = parts.reconciler
        self._session_end = parts.session_end
        self._supervisor = parts.supervisor
        self._switchboard = parts.switchboard
        self._trading = parts.trading
        self._watchers = parts.watchers
        self._ours = parts.ours
        self._listening: list[Subscription] = []
        self._report: ShutdownReport | None = None
        self.stalls = StallLog()
        self.activities = parts.activities
        self.account_orders = parts.account_orders
        self.account_closing = parts.account_closing
        self.account_trading = parts.account_trading

    async def __aenter__(self) -> Self:
        """Take up what the account and the day look like.

        Raises RiskRefused for an account that is not of the trading mode's kind, JournalLost, and
        what the broker port raises.
        """
        check_account(self.trading_mode, self._broker.account)
        self._broker.keep_ids_above(self._journal.highest_order_id(self._broker.client_id))
        await self._market_clock.ask()
        self._chronicle.open(self.trading_mode.value)
        # the journal first: what anybody acts on stands in it already
        hearers = (self._chronicle, self._switchboard, self._guard, self._onlookers)
        self._listening = [self._broker.listen(each) for each in hearers]
        try:
            self._chronicle.on_link(self._broker.link)
            self._switchboard.on_link(self._broker.link)
            self._day.take_up(self._journal)
            await self._reconciler.take_up()
            self._day.begin()
            self._margins.begin()
            if self._limits.needs_running_prices:  # a price costs a line
                self._prices.keep_held(self._book.own_symbols())
            self._kill_switch.begin()
            if not self.is_read_only:  # what would be refused is not begun
                self._guard.begin()
                self._session_end.begin()
            self._long_lived.keep(
                "asking for trading hours",
                self._hours.run,
                "the ends of sessions are known for a week only; start the desk again before that",
            )
        except BaseException:
            self._stop_listening()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.shutdown()

    async def reconcile(self) -> Reconciled:
        """Hold the journal and the broker against each other now, and give what is found."""
        return await self._reconciler.run()

    async def reconcile_trades(self, start: datetime, end: datetime) -> TradeReconciliation:
        """Match the executions of ``[start, end)`` with their intents, orders and commissions.

        What the broker tells and the journal lacks is written into it. Raises BrokerError,
        JournalRefused.
        """
        told = await self._broker.executions()
        # the journal after the broker: what came meanwhile is in both
        written = await asyncio.to_thread(self._journal.trading_records, start, end)
        found = match_trades(
            written, (each for each in told if start <= each.at < end), self._broker.client_id
        )
        self._chronicle.make_good((*found.missing, *found.commissions))
        return found

    async def settle(self, intent: str) -> TradeView | AccountOrderView:
        """Take the trader's word that an intent is over; ``intent`` is its reference or its end.

        Raises NotFound, Refused while an order of it stands, BrokerError.
        """
        trade = await self._reconciler.settle(intent)
        return trade.view()

    @property
    def link(self) -> Link:
        """The state of the link to the broker."""
        return self._broker.link

    @property
    def account_name(self) -> str:
        """The account that orders are for."""
        return self._broker.account

    @property
    def market_now(self) -> datetime | None:
        """The newest market time known (aware UTC), without asking; None before the first."""
        return self._market_clock.now

    def bar_age_s(self) -> float | None:
        """Seconds of this machine since the newest bar of any feed; None before the first."""
        return self._feeds.last_bar_age_s()

    def day_pnl(self) -> Decimal | None:
        """Give our own result of the day, realised and open, fees included; None is unknown."""
        return self._book.day_pnl()

    @property
    def history(self) -> HistoryLoader:
        """What loads bars into the store, and the store. Raises HistoryRefused without one."""
        if self._history is None:
            raise HistoryRefused(
                "This desk keeps no bars: the history could not be opened when it began. The "
                "warning that it gave then says why."
            )
        return self._history

    def on_stall(self, stall: Stall) -> None:
        """Take note that the loop was held up, or that the machine slept."""
        if (words := self.stalls.take(stall, self._clock.monotonic())) is not None:
            kind = AlertKind.WARNING if stall.cause is Cause.HELD_UP else AlertKind.INFO
            self._chronicle.tell(Alert(kind, words, self._market_clock.now))

    def warn(self, text: str) -> None:
        """Tell the trader something that the journal keeps too."""
        self._chronicle.tell(Alert(AlertKind.WARNING, text, self._market_clock.now))

    def look_on(self, onlooker: Onlooker) -> Callable[[], None]:
        """Tell ``onlooker`` what happens from now on; give what ends that."""
        return self._onlookers.join(onlooker)

    @property
    def is_written(self) -> bool:
        """Everything that happened is in the journal, as far as is known."""
        return not self._chronicle.is_behind

    def note_command(self, text: str) -> None:
        """Write a command of the trader's into the journal, before it is done."""
        self._chronicle.command(text)

    async def preview_breakout(self, request: BreakoutRequest) -> BreakoutPreview:
        """Give what a watcher would do. Raises InvalidInput, NotFound, RiskRefused."""
        return await self._previews.breakout(request)

    async def arm(self, preview: BreakoutPreview) -> WatcherView:
        """Start the watcher that was previewed, in the background.

        Raises RiskRefused where others have reserved since what it takes.
        """
        self._margins.check_known(claim_of("", preview.spec))
        view = self._watchers.arm(preview.spec)
        self._margins.armed(claim_of(view.id, preview.spec))
        return view

    def bring_back_watchers(self) -> tuple[WatcherView, ...]:
        """Start the watchers that an earlier desk left behind, in the background; give them."""
        return self._watchers.bring_back()

    def forget_watchers(self, reason: str) -> tuple[str, ...]:
        """Begin without the watchers that an earlier desk left behind; give their ids."""
        return self._watchers.forget(reason)

    def resting_watchers(self) -> tuple[str, ...]:
        """Give the ids of the watchers that an earlier desk left behind, and leave them so."""
        return tuple(kept.seen.watcher_id for kept in self._journal.watchers())

    def watchers(self) -> tuple[WatcherView, ...]:
        """Give every watcher of the session, those that have ended too."""
        return self._watchers.views()

    def watcher(self, watcher_id: str) -> WatcherView:
        """Give one watcher. Raises NotFound."""
        return self._watchers.view(watcher_id)

    async def stop_watcher(self, watcher_id: str) -> tuple[WatcherView, ...]:
        """Stop the watcher ``watcher_id``, or every running one for ``all``. Raises NotFound."""
        ids = self._watchers.running() if watcher_id == "all" else (watcher_id,)
        return await self._watchers.stop(ids, WATCHER_STOP_TIMEOUT_S)

    async def watcher_ended(self, watcher_id: str) -> WatcherView:
        """Wait until a watcher has ended, its trade included. Raises NotFound."""
        return await self._watchers.ended(watcher_id)

    async def preview_bracket(self, request: BracketRequest) -> BracketPreview:
        """Give what a bracket would be. Raises InvalidInput, NotFound, RiskRefused."""
        return await self._previews.bracket(request)

    async def send_bracket(self, preview: BracketPreview) -> Trade:
        """Send what was previewed. Raises RiskRefused, NotConnected, InvalidInput: not sent.

        A preview at the market's price is good for `PREVIEW_LIFE_S`; then Refused is raised.
        """
        age_s = self._clock.monotonic() - preview.made_s
        if not preview.intent.rests and age_s > PREVIEW_LIFE_S:
            raise Refused(
                f"the prices that were shown are {age_s:.0f} s old: not sent. Ask for the bracket "
                "again to see the new ones."
            )
        trade = self._execution.enter(preview.intent)
        self._margins.reserve()
        return trade

    def trades(self) -> tuple[TradeView, ...]:
        """Give every bracket of the session as it stands."""
        return tuple(trade.view() for trade in self._execution.trades)

    async def quote(self, symbol: str) -> QuoteView:
        """Give a quote of any kind of instrument. Raises NotFound, BrokerError."""
        instrument = await self._market.qualify(symbol)
        quote = await self._market.quote(instrument)
        return QuoteView(instrument, quote, quote.age_s(self._clock.monotonic()))

    async def instrument(self, symbol: str) -> Instrument:
        """Give the one instrument of a symbol. Raises NotFound, AmbiguousSymbol."""
        return await self._market.qualify(symbol)

    async def bars(self, symbol: str, *, seconds: int, duration_s: int) -> tuple[Bar, ...]:
        """Give bars of regular hours, oldest first. Raises NotFound, BrokerError."""
        instrument = await self._market.qualify(symbol)
        return await self._market.history(instrument, seconds=seconds, duration_s=duration_s)

    async def positions(self) -> tuple[PositionView, ...]:
        """Give the account's positions, each with its protection."""
        return await self._portfolio.positions()

    async def orders(self) -> tuple[OrderState, ...]:
        """Give the account's working orders, those of others too."""
        return await self._portfolio.orders()

    async def holdings(self) -> tuple[tuple[PositionView, ...], tuple[OrderState, ...]]:
        """Give `positions` and `orders`, both asked for at the same time."""
        return await self._portfolio.holdings()

    async def own_symbols(self) -> tuple[str, ...]:
        """Give the symbols in which we hold something or have orders."""
        return tuple(each.symbol for each in await self._ours())

    def own_quantity(self, symbol: str) -> Decimal:
        """Give how many shares of ``symbol`` are ours, signed."""
        return self._book.quantity_of(symbol)

    async def executions(self) -> tuple[Fill, ...]:
        """Give the account's executions of the day, oldest first."""
        fills = await self._broker.executions()
        return tuple(sorted(fills, key=lambda fill: (fill.at, fill.order_id, fill.exec_id)))

    async def account(self) -> AccountSummary:
        """Give the account's balances."""
        return await self._broker.account_summary()

    async def market_time(self) -> datetime:
        """Ask the broker's clock; aware UTC."""
        return await self._market_clock.ask()

    async def wait(self, seconds: float) -> None:
        """Wait ``seconds`` of this machine's clock."""
        await self._clock.sleep(seconds)

    async def wait_market(self, seconds: float) -> datetime:
        """Wait ``seconds`` of market time; give the market time then.

        Raises DeadlineExceeded when the market's clock stands still, NotConnected.
        """
        return await self._market_clock.wait(seconds)

    async def cancel(self, target: int | str) -> tuple[CancelOutcome, ...]:
        """Cancel one order of ours by its id, or ``all`` of ours, one by one.

        Raises NotFound for an order that is not a working one of ours, RiskRefused where nothing
        may be cancelled.
        """
        self._gate.check_mode()
        open_orders = await self._broker.open_orders()
        ours = [order for order in open_orders if self._book.is_sent_by_us(order)]
        if target == "all":
            return await self._cancellations.cancel_each(ours)
        chosen = [order for order in ours if str(order.order_id) == str(target)]
        if not chosen:
            raise NotFound(f"order {target} is not a working order of ours; see `orders`.")
        return await self._cancellations.cancel_each(chosen)

    async def close(self, target: str) -> tuple[CloseOutcome, ...]:
        """Close what is ours in one symbol, or in ``all``, by the exit routine.

        Raises NotFound where there is nothing to close, RiskRefused where nothing may be sent. A
        caller that is cancelled leaves the routine running; its outcome is then an alert.
        """
        self._gate.check_mode()
        if target == "all":
            return tuple([await self._close(each) for each in await self._ours()])
        if not target.strip():
            raise InvalidInput("the symbol is empty: give one, or all.")
        return (await self._close(await self._market.qualify(target.strip().upper())),)

    def check_trading(self) -> None:
        """Raise RiskRefused where this desk may send nothing."""
        self._gate.check_mode()

    @property
    def trading(self) -> Trading:
        """Whether entries are let through, and why not."""
        return self._trading.trading

    async def halt(self, *, reduce: bool = False, flatten: bool = False) -> HaltOutcome:
        """Stop entries at once, withdraw what is unfilled and, with ``flatten``, close all of ours.

        ``reduce`` still lets orders through that make a position smaller. It holds until `resume`,
        over a restart too. A caller that is cancelled leaves the work running.
        """
        to = TradingState.REDUCING if reduce else TradingState.HALTED
        return await self._kill_switch.halt(Halt(HaltCause.COMMAND, to, flatten=flatten))

    def halt_now(self, cause: HaltCause) -> None:
        """Stop entries at once; what is unfilled is withdrawn in the background."""
        self._trading.halt(Halt(cause))

    def resume(self) -> Trading:
        """Let entries through again. Raises Refused while the kill file is there."""
        return self._trading.resume()

    async def shutdown(self, *, ends_watchers: bool = False) -> ShutdownReport:
        """Stop watchers, close subscriptions, and say what stays behind; within four seconds.

        Watchers come back with the next desk, unless this ``ends_watchers`` for good. A second
        call gives the same report.
        """
        if self._report is None:
            shutdown = Shutdown(
                broker=self._broker,
                clock=self._clock,
                supervisor=self._supervisor,
                watchers=self._watchers,
                closings=self._closings,
                execution=self._execution,
                portfolio=self._portfolio,
                book=self._book,
                unsubscribe=self._unsubscribe,
            )
            self._report = await shutdown.run(ends_watchers=ends_watchers)
        return self._report

    async def _close(self, instrument: Instrument) -> CloseOutcome:
        """Close, and name the watchers that go on: each of them may enter again."""
        try:
            outcome = await self._closings.close(instrument)
        except NotFound as error:
            raise NotFound(f"{error.message}{self._still_watched(instrument)}") from None
        return replace(outcome, text=f"{outcome.text}{self._still_watched(instrument)}")

    def _still_watched(self, instrument: Instrument) -> str:
        watching = [
            view.id
            for view in self._watchers.views()
            if view.symbol == instrument.symbol and not view.phase.is_over
        ]
        verb = "watches" if len(watching) == 1 else "watch"
        return f"; {', '.join(watching)} still {verb} it" if watching else ""

    def _unsubscribe(self) -> None:
        self._feeds.close()
        self._stop_listening()

    def _stop_listening(self) -> None:
        for each in self._listening:
            each.close()
