"""The parts of a desk, and how they are joined.

Here each part is made with those that it works with, in the order in which they need each other.
What a part does is at home in its own module, what a trader asks for at the `Desk`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal

from apps.domain.bars import Bar
from apps.domain.exits.session_end import SessionEndRule
from apps.domain.instruments import Instrument
from apps.domain.orders import OrderType, Ticket
from apps.domain.risk import RiskLimits, TradingMode
from apps.engine.activities import Activities
from apps.engine.alerts import AlertSink
from apps.engine.breakout_watcher import WatcherSpec
from apps.engine.chronicle import Chronicle
from apps.engine.exits.closings import Closings
from apps.engine.exits.exit_routine import ExitRoutine
from apps.engine.exits.guard import Guard, GuardSettings
from apps.engine.exits.session_end import SessionEnd
from apps.engine.exits.vigil import Vigil
from apps.engine.history.kept_bars import KeptBars
from apps.engine.history.loader import HistoryLoader
from apps.engine.long_lived import LongLived
from apps.engine.onlookers import Onlookers
from apps.engine.orders.account_closing import AccountClosing
from apps.engine.orders.account_orders import AccountOrders
from apps.engine.orders.account_trading import AccountTrading
from apps.engine.orders.cancellations import Cancellations
from apps.engine.orders.dispatch import Dispatch
from apps.engine.orders.execution import Execution
from apps.engine.portfolio import Portfolio
from apps.engine.ports import Broker, Clock, History, Journal, MarketData, PastBars
from apps.engine.previews import OrderDefaults, Previews
from apps.engine.prices.feeds import BarFeeds
from apps.engine.prices.hours_keeper import HoursKeeper
from apps.engine.prices.last_prices import LastPrices
from apps.engine.prices.market_clock import MarketClock
from apps.engine.prices.running_prices import RunningPrices
from apps.engine.reconciling.account_adoption import AccountAdoption
from apps.engine.reconciling.adoption import Adoption
from apps.engine.reconciling.reconciler import Reconciler
from apps.engine.reconciling.snapshots import Snapshots
from apps.engine.risk.day_opening import DayOpening
from apps.engine.risk.kill_switch import KillSwitch
from apps.engine.risk.margins import Claim, Margins
from apps.engine.risk.order_gate import OrderGate
from apps.engine.risk.own_book import OwnBook
from apps.engine.risk.trading_switch import TradingKeeper, TradingSwitch, Unkept
from apps.engine.supervisor import Supervisor
from apps.engine.switchboard import Switchboard
from apps.engine.watching.watchers import Watchers

__all__ = ["Parts", "claim_of"]


class Parts:
    """Everything that a desk is made of.

    ``limits``, ``trading_mode`` and ``defaults`` are the settings; ``alerts`` is called with each
    line for the trader; ``journal`` keeps what is done and heard; ``ref_suffix`` gives 4 to 14
    characters of a–z and 0–9, never the same. Live, the desk is read-only unless
    ``live_is_confirmed``: the trader has named the account; without ``trading_enabled`` it is so
    always. ``guard`` says whether lost stops are replaced, ``session_end`` what happens before the
    close. ``history`` keeps bars, ``past_bars`` brings them.
    """

    def __init__(
        self,
        *,
        broker: Broker,
        market: MarketData,
        clock: Clock,
        limits: RiskLimits,
        trading_mode: TradingMode,
        defaults: OrderDefaults,
        alerts: AlertSink,
        journal: Journal,
        ref_suffix: Callable[[], str],
        keeper: TradingKeeper | None = None,
        live_is_confirmed: bool = False,
        trading_enabled: bool = True,
        guard: GuardSettings = GuardSettings(),  # noqa: B008  a value that nobody can change
        session_end: SessionEndRule = SessionEndRule(),  # noqa: B008  likewise
        history: History | None = None,
        past_bars: PastBars | None = None,
    ) -> None:
        self.broker = broker
        self.market = market
        self.clock = clock
        self.journal = journal
        self.limits = limits
        self.trading_mode = trading_mode
        is_unconfirmed = trading_mode is TradingMode.LIVE and not live_is_confirmed
        self.is_read_only = is_read_only = is_unconfirmed or not trading_enabled
        self.book = OwnBook(broker.client_id)
        self.supervisor = Supervisor(clock)
        self.market_clock = MarketClock(market, clock)
        self.onlookers = Onlookers(alerts)
        self.chronicle = Chronicle(
            journal, broker, self.market_clock, self.supervisor, self.onlookers.on_alert
        )
        alerts = self.chronicle.tell
        self.activities = Activities(
            self.chronicle, journal, self.market_clock, trading_mode.value, ref_suffix
        )
        self.history = None
        if history is not None and past_bars is not None:
            self.history = HistoryLoader(
                history, past_bars, broker=broker, clock=clock, market_clock=self.market_clock
            )
        self.last_prices = LastPrices(clock)
        self.trading = TradingSwitch(
            keeper or Unkept(), self.market_clock, alerts, self.chronicle.note
        )
        self.day = DayOpening(
            book=self.book,
            market=market,
            clock=clock,
            market_clock=self.market_clock,
            supervisor=self.supervisor,
            note=self.chronicle.note,
            alerts=alerts,
        )
        self.margins = Margins(
            broker=broker,
            clock=clock,
            market_clock=self.market_clock,
            supervisor=self.supervisor,
            limits=limits,
            book=self.book,
            alerts=alerts,
        )
        self.gate = OrderGate(
            broker,
            trading_mode,
            limits,
            self.book,
            clock,
            self.market_clock,
            self.last_prices,
            self.trading,
            self.margins,
            live_is_confirmed=live_is_confirmed,
            trading_enabled=trading_enabled,
        )
        self.feeds = BarFeeds(
            market,
            clock,
            self.market_clock,
            self.supervisor,
            alerts,
            self._on_price,
            None
            if history is None
            else KeptBars(history, self.supervisor, self.market_clock, alerts),
        )
        self.prices = RunningPrices(market, self.feeds, self.supervisor, self.market_clock, alerts)
        dispatch = Dispatch(broker, self.chronicle, self.market_clock, self.gate.check_mode)
        self.execution = Execution(
            broker,
            dispatch,
            clock,
            self.market_clock,
            self.supervisor,
            self.prices,
            self.gate,
            ref_suffix,
            alerts,
            is_read_only=is_read_only,
        )
        self.cancellations = Cancellations(broker, clock, self.execution)
        self.account_orders = AccountOrders(
            broker=broker,
            dispatch=dispatch,
            clock=clock,
            market_clock=self.market_clock,
            gate=self.gate,
            book=self.book,
            cancellations=self.cancellations,
            new_order_ref=self.execution.new_order_ref,
            alerts=alerts,
        )
        self.account_closing = AccountClosing(
            broker=broker,
            market=market,
            clock=clock,
            book=self.book,
            orders=self.account_orders,
        )
        self.account_trading = AccountTrading(
            broker=broker,
            market=market,
            clock=clock,
            last_prices=self.last_prices,
            book=self.book,
            execution=self.execution,
            orders=self.account_orders,
        )
        self.exits = ExitRoutine(broker, market, clock, self.execution, self.book, self.gate)
        self.closings = Closings(self.exits, self.supervisor, clock, self.market_clock, alerts)
        self.portfolio = Portfolio(broker, self.book)
        self.previews = Previews(
            market,
            self.market_clock,
            clock,
            self.gate,
            self.last_prices,
            self.margins,
            defaults,
        )
        self.kill_switch = KillSwitch(
            switch=self.trading,
            broker=broker,
            clock=clock,
            market_clock=self.market_clock,
            supervisor=self.supervisor,
            gate=self.gate,
            cancellations=self.cancellations,
            account_orders=self.account_orders,
            exits=self.exits,
            closings=self.closings,
            ours=self.ours,
            alerts=alerts,
        )
        self.watchers = Watchers(
            feeds=self.feeds,
            market=market,
            clock=clock,
            market_clock=self.market_clock,
            supervisor=self.supervisor,
            execution=self.execution,
            chronicle=self.chronicle,
            journal=journal,
            client_id=broker.client_id,
            alerts=alerts,
        )
        self.switchboard = Switchboard(
            market_clock=self.market_clock,
            book=self.book,
            feeds=self.feeds,
            execution=self.execution,
            account_orders=self.account_orders,
            cancellations=self.cancellations,
            exits=self.exits,
            alerts=alerts,
        )
        self.session_end = SessionEnd(
            session_end,
            market=market,
            clock=clock,
            market_clock=self.market_clock,
            supervisor=self.supervisor,
            book=self.book,
            closings=self.closings,
            ours=self.ours,
            alerts=alerts,
        )
        self.gate.check_session = self.session_end.check_opening
        self.guard = Guard(
            replace(guard, is_on=guard.is_on and not is_read_only),
            execution=self.execution,
            book=self.book,
            clock=clock,
            market_clock=self.market_clock,
            supervisor=self.supervisor,
            begin_vigil=lambda instrument: Vigil(
                instrument,
                patience_s=guard.patience_s,
                broker=broker,
                market=market,
                clock=clock,
                market_clock=self.market_clock,
                execution=self.execution,
                book=self.book,
                closings=self.closings,
                alerts=alerts,
            ),
            alerts=alerts,
        )
        hearers = (self.chronicle, self.switchboard, self.guard)
        snapshots = Snapshots(broker, clock, self.market_clock, self.book, hearers)
        self.reconciler = Reconciler(
            broker=broker,
            clock=clock,
            market_clock=self.market_clock,
            supervisor=self.supervisor,
            book=self.book,
            execution=self.execution,
            snapshots=snapshots,
            adoption=Adoption(
                broker=broker,
                market=market,
                clock=clock,
                market_clock=self.market_clock,
                journal=journal,
                chronicle=self.chronicle,
                book=self.book,
                execution=self.execution,
                snapshots=snapshots,
                for_account=AccountAdoption(
                    broker=broker,
                    chronicle=self.chronicle,
                    execution=self.execution,
                    orders=self.account_orders,
                    hear=snapshots.hear_orders,
                ),
                alerts=alerts,
            ),
            account_orders=self.account_orders,
            alerts=alerts,
        )
        self.long_lived = LongLived(self.supervisor, self.market_clock, alerts)
        self.hours = HoursKeeper(market, clock, self.market_clock, self._in_use)
        self.switchboard.may_have_missed = self.reconciler.wake
        self.account_orders.may_have_missed = self.reconciler.wake
        self.margins.claims = self._claims

    def _claims(self) -> Iterator[Claim]:
        """Give who takes the account's funds: watchers that run, and brackets of nobody's."""
        specs = self.watchers.specs()
        live = [trade for trade in self.execution.trades if not trade.is_over]
        entered = {trade.watcher_id for trade in live if trade.entry.filled}
        for name, spec in specs.items():
            yield claim_of(name, spec, has_entered=name in entered)
        for trade in live:
            if trade.watcher_id not in specs:
                bracket, worst = trade.bracket, trade.bracket.entry.limit_price or Decimal(0)
                has_entered = trade.entry.filled > 0
                yield Claim(trade.order_ref, bracket.instrument, bracket.entry, worst, has_entered)

    def _on_price(self, instrument: Instrument, bar: Bar) -> None:
        self.last_prices.on_bar(instrument, bar)
        self.book.on_bar(instrument, bar)
        self.session_end.on_bar(instrument, bar)
        self.onlookers.on_bar(instrument, bar)

    def _in_use(self) -> tuple[Instrument, ...]:
        """Give what is watched, and what trades of ours that go on are in."""
        trades = (trade.instrument for trade in self.execution.trades if not trade.is_over)
        return (*self.feeds.instruments(), *trades)

    async def ours(self) -> tuple[Instrument, ...]:
        """Give the instruments in which we hold something or have orders, by symbol."""
        orders = [order for order in await self.broker.open_orders() if self.book.is_own(order)]
        symbols = {order.symbol for order in orders} | self.book.own_symbols()
        known = {trade.instrument.symbol: trade.instrument for trade in self.execution.trades}
        return tuple(
            [known.get(each) or await self.market.qualify(each) for each in sorted(symbols)]
        )


def claim_of(holder: str, spec: WatcherSpec, *, has_entered: bool = False) -> Claim:
    """Give what a watcher takes of the account's funds, reckoned at its level."""
    level = spec.rule.level
    side = spec.rule.direction.entry_side
    ticket = Ticket(side, spec.quantity, OrderType.LIMIT, limit_price=level)
    return Claim(holder, spec.instrument, ticket, level, has_entered)
