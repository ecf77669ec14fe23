"""Exit routines under way: each runs to its end, whether or not somebody still waits for it.

Between a stop that is cancelled and the order that takes its place a position is naked, so a
trader who presses Ctrl-C at a running `close` leaves the waiting, not the position. What became
of it is then an alert. The routine itself is `apps.engine.exits.exit_routine`.
"""

from __future__ import annotations

from apps.domain.errors import DeskError
from apps.domain.instruments import Instrument
from apps.engine.alerts import Alert, AlertKind, AlertSink
from apps.engine.exits.exit_routine import CloseOutcome, ExitRoutine
from apps.engine.ports import Clock
from apps.engine.prices.market_clock import MarketClock
from apps.engine.supervisor import Supervised, Supervisor

__all__ = ["Closings"]


class _Closing:
    """One routine under way: its task, its outcome, and how many wait for it."""

    def __init__(self, task: Supervised, outcome: list[CloseOutcome]) -> None:
        self.task = task
        self.outcome = outcome
        self.waiting = 0


class Closings:
    """At most one exit routine an instrument; who asks again waits for the one that runs."""

    def __init__(
        self,
        exits: ExitRoutine,
        supervisor: Supervisor,
        clock: Clock,
        market_clock: MarketClock,
        alerts: AlertSink,
    ) -> None:
        self._exits = exits
        self._supervisor = supervisor
        self._clock = clock
        self._market_clock = market_clock
        self._alerts = alerts
        self._running: dict[int, _Closing] = {}

    async def close(self, instrument: Instrument) -> CloseOutcome:
        """Close what is ours of ``instrument``. Raises as `ExitRoutine.close`.

        Being cancelled ends the waiting only.
        """
        closing = self._running.get(instrument.con_id) or self._begin(instrument)
        closing.waiting += 1
        try:
            await closing.task.over()
        finally:
            closing.waiting -= 1
        for outcome in closing.outcome:
            return outcome
        raise closing.task.error or DeskError(f"closing {instrument.symbol} was stopped half-way.")

    async def ended(self, timeout_s: float) -> tuple[str, ...]:
        """Wait for those under way, at most ``timeout_s``; name those that did not end."""
        deadline = self._clock.monotonic() + timeout_s
        tasks = [closing.task for closing in self._running.values()]
        for task in tasks:
            await task.ended(max(0.0, deadline - self._clock.monotonic()), self._clock)
        return tuple(task.name for task in tasks if task.is_running)

    def _begin(self, instrument: Instrument) -> _Closing:
        outcome: list[CloseOutcome] = []

        async def routine() -> None:
            outcome.append(await self._exits.close(instrument))

        def over(task: Supervised) -> None:
            closing = self._running.pop(instrument.con_id)
            if not closing.waiting:
                self._tell(instrument.symbol, outcome, task)

        task = self._supervisor.start(f"closing {instrument.symbol}", routine, over)
        closing = self._running[instrument.con_id] = _Closing(task, outcome)
        return closing

    def _tell(self, symbol: str, outcomes: list[CloseOutcome], task: Supervised) -> None:
        kind, text = AlertKind.ERROR, f"closing {symbol} ended: {task.reason}"
        for outcome in outcomes:
            kind = AlertKind.CLOSED if outcome.ok else AlertKind.WARNING
            text = outcome.text
        self._alerts(Alert(kind, text, self._market_clock.now, symbol))
