"""One breakout watcher: drives the rule with the bars of its feed, and enters when it says so.

Everything from a bar to its bracket happens within `BreakoutWatcher.on_bar`, synchronously: no
task is started and nothing is awaited on that way. `BreakoutWatcher.run` is the life around it:
it joins the feed, waits until the rule is over and its trade has its outcome, and leaves the
feed whatever happens. The rule itself is `apps.domain.breakout`'s, orders are
`apps.engine.orders.execution`'s.

A life may begin in the middle: after a failure, or with the state that an earlier desk left
behind. Then the feed replays what was missed, from the beginning of the bar that was being built;
a wait for confirmation is over, and a watcher whose bracket is out only follows it to its outcome.

An entry that is refused, by our own limits or for want of a link, was not sent and never will be:
it is told, and the watcher goes on or stops as it would after a false break.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from math import inf

from apps.domain.aggregation import Aggregator, CompletedBar
from apps.domain.bars import BASE_SECONDS, Bar
from apps.domain.brackets import EntryStyle
from apps.domain.breakout import BreakoutState, Phase, calm_bars, run, step
from apps.domain.breakout_events import (
    Action,
    BarCompleted,
    BaseBar,
    Disarmed,
    DisarmedBy,
    Enter,
    EntryRefused,
    Event,
    Restarted,
    Stop,
    bar_events,
)
from apps.domain.calm import Calm
from apps.domain.errors import DeskError, IllegalTransition, TradingHalted
from apps.domain.gaps import Replay
from apps.domain.levels import Direction, Level
from apps.domain.sessions import Span
from apps.domain.watching.terms import WatcherState
from apps.engine.alerts import Alert, AlertKind, AlertSink
from apps.engine.orders.execution import EntryIntent
from apps.engine.orders.trades import Trade
from apps.engine.ports import Clock, MarketData, QuoteStream, Subscription
from apps.engine.prices.feeds import BarFeeds
from apps.engine.watching.views import Readiness, WatcherSpec, WatcherView
from apps.engine.watching.words import words_of

__all__ = ["QUOTE_IS_FRESH_S", "BreakoutWatcher", "Readiness", "WatcherSpec", "WatcherView"]

QUOTE_IS_FRESH_S = 3.0
"""A quote older than this, in seconds of this machine, is no reference for an entry."""

_WATCHED_ON = "It is watched on: a break counts again once the price is back inside."


class BreakoutWatcher:
    """One watcher. It is a listener of its feed: see `apps.engine.prices.seat.FeedListener`.

    ``changed`` is called when what outlives the desk has changed; it must return at once, for it
    may be called while bars are told. ``since`` is the market time at which it is armed. ``state``
    is where an earlier desk left it, with the ``trade`` of its bracket if that is out, and
    ``close`` the last price that was heard then.
    """

    def __init__(
        self,
        watcher_id: str,
        spec: WatcherSpec,
        *,
        feeds: BarFeeds,
        market: MarketData,
        clock: Clock,
        enter: Callable[[EntryIntent], Trade],
        alerts: AlertSink,
        changed: Callable[[], None],
        since: datetime | None = None,
        state: WatcherState | None = None,
        trade: Trade | None = None,
        close: float | None = None,
    ) -> None:
        self.id = watcher_id
        self.spec = spec
        self._feeds = feeds
        self._market = market
        self._clock = clock
        self._enter = enter
        self._alerts = alerts
        self._changed = changed
        self._state = BreakoutState() if state is None else state.rule
        self._heard_until = since if state is None else state.heard_until
        self._order_ref = "" if state is None else state.order_ref
        self._is_back = self._is_behind = state is not None
        self._readiness = Readiness.STARTING
        self._blind_reason = ""
        self._aggregator: Aggregator | None = None
        self._known_from: datetime | None = None
        self._session: Span | None = None
        self._quote: QuoteStream | None = None
        self._last_bar: Bar | None = None
        self._last_close = close
        self._trade = trade
        self._failure: Exception | None = None
        self._disarmed: DisarmedBy | None = None
        self._overdue: tuple[CompletedBar, ...] = ()
        self._decided = asyncio.Event()
        self._level = Level(spec.rule.level, spec.rule.direction)

    async def run(self) -> None:
        """Watch until the rule is over, then follow the trade to its outcome.

        Raises what ended the watcher before its time: a failure of the rule, or the broker's
        refusal of the bars. It may be called again then, and goes on from its last good state.
        """
        if self._is_back:
            self._come_back()
        if not self._state.phase.is_over:
            await self._watch()
        if self._trade is not None:
            await self._trade.outcome()

    def may_go_on(self, error: Exception) -> bool:
        """Tell whether another `run` may help: never once it has entered, or been refused."""
        is_bug = isinstance(error, IllegalTransition) or not isinstance(error, DeskError)
        return is_bug and not self._state.phase.is_over

    def rest(self) -> None:
        """Take note that it failed, and is run again later on."""
        self._readiness = Readiness.RESTARTING

    def end(self) -> None:
        """Take note that nobody runs it any more."""
        self._last_bar = self._newest_bar()
        self._close_quote()
        self._readiness, self._blind_reason = Readiness.ENDED, ""
        if not self._state.phase.is_over:
            self._state = step(self.spec.rule, self._state, Stop()).state

    @property
    def state(self) -> WatcherState:
        """What of where it stands outlives the desk."""
        bar = self.heard
        until = self._heard_until if bar is None else bar.end
        return WatcherState(self._state, until, self._order_ref)

    @property
    def heard(self) -> Bar | None:
        """The newest bar, if it has heard all up to there."""
        return None if self._is_behind else self._newest_bar()

    async def _watch(self) -> None:
        """Join the feed until the rule is over, and the trade that it led to."""
        seat: Subscription | None = None
        try:
            seat = await self._feeds.join(self.spec.instrument, self, since=self._known_from)
            await self._decided.wait()
            if self._failure is not None:
                raise self._failure
            if self._trade is not None:
                await self._trade.outcome()
        finally:
            self._last_bar = self._newest_bar()
            if seat is not None:
                seat.close()
            self._close_quote()

    def _come_back(self) -> None:
        """Begin in the middle: what was missed is replayed, a wait for confirmation is over."""
        self._is_back = False
        self._failure, self._aggregator, self._session = None, None, None
        self._overdue = ()
        self._decided.clear()
        self._known_from = self._began_at(self._heard_until)
        self._is_behind = self._known_from is not None
        if not self._state.phase.is_over:
            self._take_event(Restarted())
            self._changed()

    def _began_at(self, at: datetime | None) -> datetime | None:
        """Give the start of the bar of the rule's size that was being built ``at`` a time."""
        seconds = self.spec.rule.bar_seconds
        if at is None or seconds == BASE_SECONDS:
            return at
        session = self.spec.instrument.hours.regular_at(at)
        counted_from = _whole_hour(at) if session is None else session.start
        return at - (at - counted_from) % timedelta(seconds=seconds)

    def _take_event(self, event: Event) -> None:
        self._state, actions = step(self.spec.rule, self._state, event)
        for action in actions:
            self._act(action)

    def on_bar(self, bar: Bar, *, after_gap: bool) -> None:
        """Take a 5-second bar; an entry that it decides is sent before this returns."""
        self._last_bar = bar
        if not self._decided.is_set():
            session_start = self._begins_session(bar)
            halted = self._is_halted()
            self._take(
                BaseBar(bar, halted=halted, after_gap=after_gap, session_start=session_start)
            )

    def on_replay(self, replay: Replay) -> None:
        """Take the bars of a gap: they advance what is known, and enter nothing."""
        self._is_behind = False
        if replay.torn is not None:
            self._known_from = replay.torn.end
            if self._aggregator is not None:
                self._aggregator.resume(replay.torn.end)
        for bar in replay.bars:
            if self._decided.is_set():
                return
            self._last_bar = bar
            self._begins_session(bar)
            self._take(BaseBar(bar, live=False))

    def on_blind(self, reason: str) -> None:
        """Take note that no bars come; nothing is entered on what is not seen."""
        self._readiness = Readiness.BLIND
        self._blind_reason = reason  # told once, by who blinds the feed
        self._close_quote()

    def on_sight(self) -> None:
        """Take note that bars come (again)."""
        self._readiness, self._blind_reason = Readiness.READY, ""
        self._keep_quote()  # the one that was there went with the link

    def on_failure(self, error: Exception) -> None:
        """End the watcher by its own failure; `run` raises it.

        The bar that it failed on is the first of those that it has missed when it is run again.
        """
        self._failure = error
        self._is_back = self._is_behind = True
        if self._last_bar is not None:
            self._heard_until = self._last_bar.start
        self._decided.set()

    def calm(self) -> Calm | None:
        """Give the bars that lead to nothing as things stand."""
        if self._session is None or self._decided.is_set():
            return None
        return calm_bars(self.spec.rule, self._state, self._session)

    def urgency(self) -> float:
        """Tell how soon bars are needed; see `apps.engine.prices.seat.FeedListener`."""
        bar = self._newest_bar()
        if self._trade is not None:
            return 0.0
        close = self._last_close if bar is None else bar.close
        if close is None or not 0.0 < close < inf:
            return inf
        return abs(float(self.spec.rule.level) / close - 1)

    @property
    def outcome(self) -> str:
        """How a watcher that has run to its end came out, in a few words."""
        if self._trade is None:
            return "" if self._disarmed is None else f"stopped after {self._disarmed.value}"
        return f"entered, {self._trade.state.value}"

    def view(self, *, end_reason: str = "", failed: bool = False) -> WatcherView:
        """Give the watcher as it stands; how it ended is known to who runs it."""
        rule, bar = self.spec.rule, self._newest_bar()
        is_price = bar is not None and 0.0 < bar.close < inf
        last = rule.ticks.nearest(bar.close) if bar is not None and is_price else None
        distance = None if last is None else (rule.level - last) * rule.direction.entry_side.sign
        return WatcherView(
            id=self.id,
            symbol=self.spec.instrument.symbol,
            direction=rule.direction,
            level=rule.level,
            bar_seconds=rule.bar_seconds,
            on_false_break=rule.on_false_break,
            quantity=self.spec.quantity,
            phase=self._state.phase,
            readiness=self._readiness,
            last_close=last,
            last_bar_at=None if bar is None else bar.end,
            distance=distance,
            distance_pct=distance / last * 100 if distance is not None and last else None,
            trade=None if self._trade is None else self._trade.view(),
            end_reason=end_reason,
            failed=failed,
            blind_reason=self._blind_reason,
            bars_in_s=self._feeds.turn_in_s(self.spec.instrument)
            if self._readiness is Readiness.BLIND
            else None,
        )

    def _take(self, base: BaseBar) -> None:
        before, completed = self._state, self._completed(base)
        self._state, actions = run(self.spec.rule, before, bar_events(base, completed))
        for action in actions:
            self._act(action)
        self._keep_quote()
        if self._state.phase is not before.phase or self._state.trigger is not before.trigger:
            self._changed()
        if self._state.phase.is_over:
            self._decided.set()

    def _newest_bar(self) -> Bar | None:
        """Give the feed's last bar; it need not have been told here."""
        if self._readiness is Readiness.ENDED:
            return self._last_bar
        return self._feeds.newest_bar(self.spec.instrument) or self._last_bar

    def _act(self, action: Action) -> None:
        if isinstance(action, Enter):
            self._enter_now(action)  # before anything is said: this is the way to the socket
        if isinstance(action, Disarmed):  # the end of the watch is told by who runs it
            self._disarmed = action.reason
        else:
            self._say(*words_of(action, self.spec.instrument.symbol, self._level))

    def _enter_now(self, action: Enter) -> None:
        reference = self._fresh_touch(action.direction) or action.reference
        try:
            intent = self.spec.intent(reference, self._extreme(action), label=self.id)
            self._trade = self._enter(intent)
        except IllegalTransition:
            raise
        except DeskError as error:
            halted = isinstance(error, TradingHalted)
            self._take_event(EntryRefused(stays=halted))
            goes_on = "" if self._state.phase.is_over else f" {_WATCHED_ON}"
            kind = AlertKind.WARNING if halted else AlertKind.ERROR
            self._say(kind, f"{error.message}{goes_on}")
        else:
            self._order_ref = self._trade.order_ref

    def _extreme(self, action: Enter) -> Decimal:
        """Give how far the deciding bar went, where the entry asks for it: a stop does."""
        if self.spec.entry is not EntryStyle.STOP:
            return action.reference
        bar, ticks = action.bar, self.spec.instrument.ticks
        if action.direction is Direction.LONG:
            return ticks.nearest(bar.high) if bar.close <= bar.high < inf else action.reference
        return ticks.nearest(bar.low) if 0.0 < bar.low <= bar.close else action.reference

    def _fresh_touch(self, direction: Direction) -> Decimal | None:
        quote = None if self._quote is None else self._quote.latest()
        if quote is None or not quote.is_live:
            return None
        if quote.age_s(self._clock.monotonic()) > QUOTE_IS_FRESH_S:
            return None
        touch = quote.ask if direction is Direction.LONG else quote.bid
        return touch if touch is not None and touch > 0 else None

    def _is_halted(self) -> bool:
        quote = None if self._quote is None else self._quote.latest()
        return quote is not None and quote.halted

    def _begins_session(self, bar: Bar) -> bool:
        """Tell whether ``bar`` is the first one seen of a session other than the last one's."""
        session = self._session
        if session is not None and session.start <= bar.start < session.end:
            return False
        self._session = self.spec.instrument.hours.regular_at(bar.start)
        if self._session is None or session is None:
            return False
        if self._aggregator is not None:
            self._overdue = self._aggregator.begin_session(self._session)
        return True

    def _completed(self, base: BaseBar) -> tuple[BarCompleted, ...]:
        """Give the bars of the rule's size that ``base`` completes."""
        bar, seconds = base.bar, self.spec.rule.bar_seconds
        if seconds == BASE_SECONDS:
            return (BarCompleted(bar, base.live, base.halted),)
        if self._aggregator is None:
            self._aggregator = self._new_aggregator(bar)
        overdue, self._overdue = self._overdue, ()
        completed = (*overdue, *self._aggregator.add(bar, live=base.live))
        return tuple(BarCompleted(each.bar, each.live, base.halted) for each in completed)

    def _new_aggregator(self, bar: Bar) -> Aggregator:
        session, seconds, known_from = self._session, self.spec.rule.bar_seconds, self._known_from
        if session is None:  # hours not known: whole hours fit every bar size
            return Aggregator(seconds, _whole_hour(bar.start), known_from=known_from)
        return Aggregator(seconds, session.start, session.end, known_from=known_from)

    def _keep_quote(self) -> None:
        """Have a quote just while a break waits for its confirmation: it costs a line."""
        if self._state.phase is not Phase.CONFIRMING:
            self._close_quote()
        elif self._quote is None:
            with suppress(DeskError):  # the close of the deciding bar is the reference then
                self._quote = self._market.subscribe_quote(self.spec.instrument)

    def _close_quote(self) -> None:
        if self._quote is not None:
            self._quote.close()
            self._quote = None

    def _say(self, kind: AlertKind, text: str) -> None:
        at = None if self._last_bar is None else self._last_bar.end
        self._alerts(Alert(kind, text, at, self.spec.instrument.symbol, self.id))


def _whole_hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
