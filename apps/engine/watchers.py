"""The breakout watchers of one desk: armed, listed and stopped under short ids (w1, w2, …)."""

from __future__ import annotations

from dataclasses import dataclass

from apps.domain.errors import NotFound
from apps.engine.alerts import Alert, AlertKind, AlertSink
from apps.engine.breakout_watcher import BreakoutWatcher, WatcherSpec, WatcherView
from apps.engine.orders.execution import Execution
from apps.engine.ports import Clock, MarketData
from apps.engine.prices.feeds import BarFeeds
from apps.engine.prices.market_clock import MarketClock
from apps.engine.supervisor import Supervised, Supervisor, TaskEnd

__all__ = ["Watchers"]


@dataclass(slots=True)
class _Armed:
    watcher: BreakoutWatcher
    task: Supervised

    def view(self) -> WatcherView:
        failed = self.task.end is TaskEnd.FAILED
        return self.watcher.view(end_reason=self.reason, failed=failed)

    @property
    def reason(self) -> str:
        if self.task.end is TaskEnd.DONE:
            return self.watcher.outcome
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
        alerts: AlertSink,
    ) -> None:
        self._feeds = feeds
        self._market = market
        self._clock = clock
        self._market_clock = market_clock
        self._supervisor = supervisor
        self._execution = execution
        self._alerts = alerts
        self._armed: dict[str, _Armed] = {}

    def arm(self, spec: WatcherSpec) -> WatcherView:
        """Start a watcher; it joins its feed in the background."""
        watcher_id = f"w{len(self._armed) + 1}"
        watcher = BreakoutWatcher(
            watcher_id,
            spec,
            feeds=self._feeds,
            market=self._market,
            clock=self._clock,
            enter=self._execution.enter,
            alerts=self._alerts,
        )
        task = self._supervisor.start(watcher_id, watcher.run, self._tell_end)
        self._armed[watcher_id] = _Armed(watcher, task)
        return self._armed[watcher_id].view()

    def views(self) -> tuple[WatcherView, ...]:
        """Give every watcher of the session as it stands, in the order of arming."""
        return tuple(armed.view() for armed in self._armed.values())

    def view(self, watcher_id: str) -> WatcherView:
        """Give one watcher as it stands. Raises NotFound."""
        return self._find(watcher_id).view()

    def running(self) -> tuple[str, ...]:
        """Give the ids of the watchers that have not ended."""
        return tuple(each for each, armed in self._armed.items() if armed.task.is_running)

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

    async def ended(self, watcher_id: str) -> WatcherView:
        """Wait for a watcher's end, however long that takes. Raises NotFound."""
        armed = self._find(watcher_id)
        await armed.task.over()
        return armed.view()

    def _find(self, watcher_id: str) -> _Armed:
        try:
            return self._armed[watcher_id]
        except KeyError:
            known = ", ".join(self._armed) or "none is armed"
            raise NotFound(f"there is no watcher {watcher_id!r}; there are: {known}.") from None

    def _tell_end(self, task: Supervised) -> None:
        armed = self._armed[task.name]
        symbol = armed.watcher.spec.instrument.symbol
        kind = AlertKind.ERROR if task.end is TaskEnd.FAILED else AlertKind.INFO
        text = f"{symbol} is not watched any more: {armed.reason}"
        self._alerts(Alert(kind, text, self._market_clock.now, symbol, task.name))
