"""The breakout watchers of one desk: armed, listed and stopped under short ids (w1, w2, …).

An id is given once and for all: what came back after a restart has the one that it had, and new
ones go on above the highest ever given. A watcher that fails by an error of its own is begun anew
from its last good state, three times in ten minutes and no more. Those that an earlier desk left
behind come back when they are asked for; the one whose bracket is out comes back as its keeper,
which follows the trade and enters nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from apps.domain.errors import NotFound
from apps.domain.watching.terms import WatcherState, WatcherTerms, number_of, watcher_id
from apps.engine.alerts import Alert, AlertKind, AlertSink
from apps.engine.breakout_watcher import BreakoutWatcher
from apps.engine.chronicle import Chronicle
from apps.engine.long_lived import LongLived
from apps.engine.orders.execution import Execution
from apps.engine.orders.trades import Trade
from apps.engine.ports import Clock, Journal, MarketData
from apps.engine.prices.feeds import BarFeeds
from apps.engine.prices.market_clock import MarketClock
from apps.engine.supervisor import Restarts, Supervised, Supervisor, TaskEnd, sentence
from apps.engine.watching.diary import Remembered, WatcherDiary
from apps.engine.watching.returning import Instruments, KeptTrades
from apps.engine.watching.views import WatcherSpec, WatcherView, absent

__all__ = ["Watchers"]


@dataclass(slots=True)
class _Armed:
    """A watcher and the task that runs it; ``watcher`` is None until its instrument is known."""

    id: str
    terms: WatcherTerms
    kept: WatcherState
    task: Supervised
    watcher: BreakoutWatcher | None = None
    note: str = ""

    def view(self) -> WatcherView:
        failed = self.task.end is TaskEnd.FAILED
        if self.watcher is None:
            return absent(self.id, self.terms, self.kept, end_reason=self.reason, failed=failed)
        return self.watcher.view(end_reason=self.reason, failed=failed)

    @property
    def state(self) -> WatcherState:
        return self.kept if self.watcher is None else self.watcher.state

    @property
    def reason(self) -> str:
        if self.task.end is TaskEnd.DONE:
            return self.note or ("" if self.watcher is None else self.watcher.outcome)
        return self.task.reason


class Watchers:
    """Keeps every watcher of the session, those that have ended too, with their reasons."""

    def __init__(
        self,
        *,
        feeds: BarFeeds,
        market: MarketData,
        clock: Clock,
        market_clock: MarketClock,
        supervisor: Supervisor,
        execution: Execution,
        chronicle: Chronicle,
        journal: Journal,
        client_id: int,
        alerts: AlertSink,
    ) -> None:
        self._feeds = feeds
        self._market = market
        self._clock = clock
        self._market_clock = market_clock
        self._supervisor = supervisor
        self._execution = execution
        self._journal = journal
        self._alerts = alerts
        self._instruments = Instruments(market, clock)
        self._kept_trades = KeptTrades(execution, journal, clock, client_id)
        self._diary = WatcherDiary(chronicle, journal, clock, market_clock, self._running)
        self._long_lived = LongLived(supervisor, market_clock, alerts)
        self._hearing: Supervised | None = None
        self._armed: dict[str, _Armed] = {}
        self._highest: int | None = None
        self._is_leaving = False

    def arm(self, spec: WatcherSpec) -> WatcherView:
        """Start a watcher; it joins its feed in the background. Raises JournalLost: not armed."""
        number = (self._journal.highest_watcher() if self._highest is None else self._highest) + 1
        watcher = self._watcher(watcher_id(number), spec)
        self._diary.arm(watcher)
        self._highest = number
        armed = self._start(watcher.id, spec.terms, watcher.state)
        armed.watcher = watcher
        return armed.view()

    def bring_back(self) -> tuple[WatcherView, ...]:
        """Start the watchers that an earlier desk left behind, the most urgent first.

        Their instruments are asked for, their feeds joined and the bars that they missed fetched
        in the background. One that cannot be read is told, and stays as it is in the journal.
        """
        remembered, refused = self._diary.remembered()
        for error in refused:
            text = f"{error.message}; it is not watched. `--fresh` forgets it"
            self._alerts(Alert(AlertKind.ERROR, text, self._market_clock.now))
        returned = [each for each in remembered if each.watcher_id not in self._armed]
        for each in returned:
            self._start(each.watcher_id, each.terms, each.state, each)
        self._armed = dict(sorted(self._armed.items(), key=lambda each: number_of(each[0]) or 0))
        back = {each.watcher_id for each in returned}
        return tuple(armed.view() for name, armed in self._armed.items() if name in back)

    def forget(self, reason: str) -> tuple[str, ...]:
        """End the watchers that an earlier desk left behind, in the journal; give their ids."""
        return self._diary.forget(reason)

    def views(self) -> tuple[WatcherView, ...]:
        """Give every watcher of the session as it stands, in the order of arming."""
        return tuple(armed.view() for armed in self._armed.values())

    def view(self, watcher_id: str) -> WatcherView:
        """Give one watcher as it stands. Raises NotFound."""
        return self._find(watcher_id).view()

    def running(self) -> tuple[str, ...]:
        """Give the ids of the watchers that have not ended."""
        return tuple(each for each, armed in self._armed.items() if armed.task.is_running)

    def specs(self) -> dict[str, WatcherSpec]:
        """Give what each watcher that runs enters with; one that is coming back has none yet."""
        return {watcher.id: watcher.spec for watcher in self._running()}

    async def stop(self, watcher_ids: tuple[str, ...], timeout_s: float) -> tuple[WatcherView, ...]:
        """Stop watchers and wait for their ends, at most ``timeout_s``. Raises NotFound.

        A bracket that one of them has sent stays; it is followed to its outcome all the same.
        """
        stopping = [self._find(each) for each in watcher_ids]
        for armed in stopping:
            armed.task.stop()
        deadline = self._clock.monotonic() + timeout_s
        for armed in stopping:
            await armed.task.ended(max(0.0, deadline - self._clock.monotonic()), self._clock)
        return tuple(armed.view() for armed in stopping)

    async def leave(self, timeout_s: float) -> tuple[str, ...]:
        """End all watching, with the watchers left in the journal for the next desk; give them."""
        leaving = self.running()
        self._diary.write(self._running())
        self._diary.note_heard()
        self._is_leaving = True
        await self.stop(leaving, timeout_s)
        return leaving

    async def ended(self, watcher_id: str) -> WatcherView:
        """Wait for a watcher's end, however long that takes. Raises NotFound."""
        armed = self._find(watcher_id)
        await armed.task.over()
        return armed.view()

    def _watcher(
        self,
        name: str,
        spec: WatcherSpec,
        *,
        kept: Remembered | None = None,
        trade: Trade | None = None,
    ) -> BreakoutWatcher:
        watcher = BreakoutWatcher(
            name,
            spec,
            feeds=self._feeds,
            market=self._market,
            clock=self._clock,
            enter=self._execution.enter,
            alerts=self._alerts,
            changed=lambda: self._diary.change(watcher),
            since=self._market_clock.now,
            state=None if kept is None else kept.state,
            trade=trade,
            close=None if kept is None else kept.close,
        )
        return watcher

    def _start(
        self,
        name: str,
        terms: WatcherTerms,
        state: WatcherState,
        remembered: Remembered | None = None,
    ) -> _Armed:
        restarts = Restarts(
            helps=lambda error: self._may_go_on(name, error),
            told=lambda error, pause_s: self._tell_restart(name, error, pause_s),
        )
        work = partial(self._run, name, remembered)
        task = self._supervisor.start(name, work, self._settle, restarts=restarts)
        self._armed[name] = armed = _Armed(name, terms, state, task)
        if self._hearing is None or not self._hearing.is_running:
            without = "a restart would fetch more bars than were missed"
            self._hearing = self._long_lived.keep(
                "notes of what was heard", self._diary.keep_hearing, without
            )
        return armed

    async def _run(self, name: str, remembered: Remembered | None) -> None:
        armed = self._armed[name]
        if armed.watcher is None and remembered is not None:
            armed.watcher = await self._returned(armed, remembered)
        if armed.watcher is not None:
            await armed.watcher.run()

    async def _returned(self, armed: _Armed, kept: Remembered) -> BreakoutWatcher | None:
        """Give a watcher of the journal, ready to run; None where its trade is over already."""
        instrument = await self._instruments.of(kept.terms, armed.id)
        trade: Trade | None = None
        if kept.state.order_ref:
            trade = await self._kept_trades.find(kept.state.order_ref)
            if trade is None:
                armed.note = f"entered; {kept.state.order_ref} was over when the desk came back"
                return None
        spec = WatcherSpec.of(kept.terms, instrument)
        return self._watcher(armed.id, spec, kept=kept, trade=trade)

    def _running(self) -> Iterator[BreakoutWatcher]:
        for armed in self._armed.values():
            if armed.watcher is not None and armed.task.is_running:
                yield armed.watcher

    def _may_go_on(self, name: str, error: Exception) -> bool:
        watcher = self._armed[name].watcher
        return watcher is not None and watcher.may_go_on(error)

    def _find(self, watcher_id: str) -> _Armed:
        try:
            return self._armed[watcher_id]
        except KeyError:
            known = ", ".join(self._armed) or "none is armed"
            raise NotFound(f"there is no watcher {watcher_id!r}; there are: {known}.") from None

    def _tell_restart(self, name: str, error: Exception, pause_s: float) -> None:
        armed = self._armed[name]
        if armed.watcher is not None:
            armed.watcher.rest()
        text = f"watching {armed.terms.symbol} failed ({sentence(error)})"
        self._tell(armed, AlertKind.WARNING, f"{text}; it goes on in {pause_s:.0f} s")

    def _settle(self, task: Supervised) -> None:
        armed = self._armed[task.name]
        if armed.watcher is not None:
            armed.watcher.end()
        if self._is_leaving and task.end is TaskEnd.STOPPED:
            return  # its last word is written: the next desk takes it up
        self._diary.end(task.name, armed.terms, armed.state, armed.reason)
        kind = AlertKind.ERROR if task.end is TaskEnd.FAILED else AlertKind.INFO
        self._tell(armed, kind, f"{armed.terms.symbol} is not watched any more: {armed.reason}")

    def _tell(self, armed: _Armed, kind: AlertKind, text: str) -> None:
        self._alerts(Alert(kind, text, self._market_clock.now, armed.terms.symbol, armed.id))
