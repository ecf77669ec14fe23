"""The orderly end of a desk: what is stopped, what stays behind, and how long that may take.

Working brackets stay at the broker: they protect what is held. An entry that was to be withdrawn
if it did not fill is withdrawn now, since nobody will be there to do it. Each part has its own
deadline, all of them together less than four seconds, so that quitting works from any state.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from apps.domain.orders import OrderState
from apps.engine.exits.closings import Closings
from apps.engine.orders.execution import Execution
from apps.engine.portfolio import Portfolio, PositionView
from apps.engine.ports import Broker, Clock
from apps.engine.risk.own_book import OwnBook
from apps.engine.supervisor import Supervisor, TaskEnd
from apps.engine.watching.watchers import Watchers

__all__ = ["Shutdown", "ShutdownReport"]

WATCHERS_TIMEOUT_S = 0.5
CLOSINGS_TIMEOUT_S = 0.8
WITHDRAW_TIMEOUT_S = 1.2
REPORT_TIMEOUT_S = 0.8
TASKS_TIMEOUT_S = 0.5


@dataclass(frozen=True, slots=True)
class ShutdownReport:
    """What the desk left behind.

    ``working_orders`` are ours that stay at the broker, ``unprotected`` positions of ours whose
    stop does not work, ``problems`` what could not be done or read, a sentence each.
    ``watchers_kept`` come back with the next desk.
    """

    watchers_stopped: tuple[str, ...]
    working_orders: tuple[OrderState, ...]
    unprotected: tuple[PositionView, ...]
    problems: tuple[str, ...]
    watchers_kept: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Nothing is left that the trader has to look after at once."""
        return not self.unprotected and not self.problems


class Shutdown:
    """Ends one desk, once."""

    def __init__(
        self,
        *,
        broker: Broker,
        clock: Clock,
        supervisor: Supervisor,
        watchers: Watchers,
        closings: Closings,
        execution: Execution,
        portfolio: Portfolio,
        book: OwnBook,
        unsubscribe: Callable[[], None],
    ) -> None:
        self._broker = broker
        self._clock = clock
        self._supervisor = supervisor
        self._watchers = watchers
        self._closings = closings
        self._execution = execution
        self._portfolio = portfolio
        self._book = book
        self._unsubscribe = unsubscribe
        self._problems: list[str] = []
        self._working: tuple[OrderState, ...] = ()
        self._unprotected: tuple[PositionView, ...] = ()

    async def run(self, *, ends_watchers: bool = False) -> ShutdownReport:
        """Stop everything, and give what stays behind. Raises nothing of the broker's."""
        stopped, kept = await self._end_watching(ends_watchers=ends_watchers)
        for name in await self._closings.ended(CLOSINGS_TIMEOUT_S):
            self._problems.append(f"{name} was not over: look at your position there")
        if self._broker.link.takes_orders:
            await self._part("withdraw", self._execution.withdraw_unfilled, WITHDRAW_TIMEOUT_S)
            await self._part("report", self._look, REPORT_TIMEOUT_S)
        else:
            self._problems.append("the link is down: what stays behind is as it was last known")
            self._working = self._last_known()
        self._unsubscribe()  # from here on nothing that the broker says may start anything
        for name in await self._supervisor.aclose(TASKS_TIMEOUT_S):
            self._problems.append(f"{name} did not end in time")
        problems = tuple(self._problems)
        return ShutdownReport(stopped, self._working, self._unprotected, problems, kept)

    async def _end_watching(
        self, *, ends_watchers: bool
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Give the watchers that were stopped for good, and those that come back."""
        if not ends_watchers:
            return (), await self._watchers.leave(WATCHERS_TIMEOUT_S)
        running = self._watchers.running()
        await self._watchers.stop(running, WATCHERS_TIMEOUT_S)
        return running, ()

    async def _part(
        self, name: str, work: Callable[[], Coroutine[Any, Any, None]], timeout_s: float
    ) -> None:
        task = self._supervisor.start(name, work)
        if not await task.ended(timeout_s, self._clock):
            self._problems.append(f"{_WORDS[name]}: the broker did not answer in time")
            self._working = self._last_known()
        elif task.end is TaskEnd.FAILED:
            self._problems.append(f"{_WORDS[name]}: {task.reason}")
            self._working = self._last_known()

    async def _look(self) -> None:
        orders = await self._portfolio.orders()
        self._working = tuple(order for order in orders if self._book.is_sent_by_us(order))
        positions = await self._portfolio.positions()
        self._unprotected = tuple(each for each in positions if each.is_unprotected)

    def _last_known(self) -> tuple[OrderState, ...]:
        known = self._broker.known_orders()
        return tuple(
            order for order in known if self._book.is_sent_by_us(order) and not order.status.is_done
        )


_WORDS = {
    "withdraw": "an unfilled entry may not be withdrawn",
    "report": "working orders and positions could not be read",
}
