"""Tasks that have to run as long as the desk does: begun anew when they fail, named when lost."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from apps.engine.alerts import Alert, AlertKind, AlertSink
from apps.engine.prices.market_clock import MarketClock
from apps.engine.supervisor import Restarts, Supervised, Supervisor, TaskEnd, sentence

__all__ = ["LongLived"]


class LongLived:
    """Starts tasks that nobody waits for, and tells what the desk is without when one is lost."""

    def __init__(
        self, supervisor: Supervisor, market_clock: MarketClock, alerts: AlertSink
    ) -> None:
        self._supervisor = supervisor
        self._market_clock = market_clock
        self._alerts = alerts

    def keep(
        self, name: str, work: Callable[[], Coroutine[Any, Any, None]], without: str
    ) -> Supervised:
        """Run ``work()`` until the desk ends; ``without`` is the sentence for when it cannot be."""

        def told(error: Exception, pause_s: float) -> None:
            words = f"{name} failed ({sentence(error)}); it is begun anew in {pause_s:.0f} s"
            self._tell(AlertKind.WARNING, words)

        def settle(task: Supervised) -> None:
            if task.end is TaskEnd.FAILED:
                words = f"{name} failed again and again, the last time by {task.reason}: {without}"
                self._tell(AlertKind.ERROR, words)

        return self._supervisor.start(name, work, settle, restarts=Restarts(told=told))

    def _tell(self, kind: AlertKind, text: str) -> None:
        self._alerts(Alert(kind, text, self._market_clock.now))
