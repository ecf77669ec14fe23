"""The waiting behind `apps.ib.pacing`: sends at once when it may, else in its turn.

ib_insync's own throttle is one queue for everything (an order behind a hundred requests left
two seconds later, and a bracket could be cut in half); it is switched off, and this stands
in its place. What waits here when the link is lost is dropped, and each sender is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from apps.domain.errors import BrokerError, NotConnected
from apps.ib.pacing import (
    Budget,
    HistoryBudget,
    HistoryRequest,
    Lane,
    Limits,
    MessageQueue,
    TokenWindow,
)

__all__ = ["Pacer"]

_LOOK_AGAIN_S = 5.0
"""After so long, a patient one looks whether its turn may come sooner: watchers may have gone."""

_LEFT_TO_THE_HASTY = 10
"""Of the requests for history that may be open at once, so many are never a load's."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    send: Callable[[], None]
    dropped: Callable[[], None]


class Pacer:
    """All that goes to the socket asks here first.

    Lives as long as the desk, over all links: IB goes on counting when a link is lost.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.lines = Budget(limits.market_data_lines)
        self.open_history = asyncio.Semaphore(limits.open_history)
        self._patient = asyncio.Semaphore(max(1, limits.open_history - _LEFT_TO_THE_HASTY))
        self._history_waiting = 0
        self._bars = TokenWindow(limits.bar_subscriptions, limits.bar_window_s)
        self._history = HistoryBudget(limits)
        self._queue: MessageQueue[_Waiting] = MessageQueue(limits)
        self._timer: asyncio.TimerHandle | None = None

    def submit_order(
        self,
        cost: int,
        send: Callable[[], None],
        dropped: Callable[[], None],
        lane: Lane = Lane.ORDER,
    ) -> None:
        """Call ``send`` (which writes ``cost`` messages) at once, or as soon as all may go.

        ``dropped`` is called instead when the link is lost before that: nothing was sent.
        """
        self._submit(lane, cost, _Waiting(send, dropped))

    def submit_control(self, send: Callable[[], None]) -> None:
        """Send one message that is not worth telling about when it is dropped."""
        self._submit(Lane.CONTROL, 1, _Waiting(send, _nothing))

    async def acquire(self, lane: Lane = Lane.REQUEST) -> None:
        """Wait for the right to send one message. Raises NotConnected when the link is lost."""
        now = asyncio.get_running_loop().time()
        if self._queue.try_spend(now, lane, 1):
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def go() -> None:
            if not turn.done():
                turn.set_result(None)

        def drop() -> None:
            if not turn.done():
                turn.set_exception(NotConnected("The link was lost; the request was not sent."))

        self._submit(lane, 1, _Waiting(go, drop))
        await turn

    @asynccontextmanager
    async def history_turn(self, request: HistoryRequest, patience_s: float) -> AsyncIterator[None]:
        """Wait until IB's rules for history allow ``request``; send and await it in the block.

        The message is paced besides. Raises BrokerError at once when the turn would come later
        than ``patience_s`` from now.
        """
        loop = asyncio.get_running_loop()
        give_up = loop.time() + patience_s
        self._history_waiting += 1
        try:
            while (allowed := self._history.allowed_at(loop.time(), request)) > loop.time():
                if allowed > give_up:
                    raise BrokerError(
                        f"IB takes the next request for small bars in "
                        f"{allowed - loop.time():.0f} s "
                        f"({self.limits.small_bar_requests} in ten minutes, none twice within "
                        "15 s). Ask for larger bars, or later.",
                        code=162,
                    )
                await asyncio.sleep(allowed - loop.time())
        finally:
            self._history_waiting -= 1
        async with self._history_sent(request):
            yield

    @asynccontextmanager
    async def patient_history_turn(
        self, request: HistoryRequest, spare: int
    ) -> AsyncIterator[None]:
        """Wait as long as it takes, behind everyone who waits in `history_turn`.

        ``spare`` more requests are left to those who may come.
        """
        loop = asyncio.get_running_loop()
        async with self._patient:
            while True:
                left = spare + self._history_waiting
                allowed = self._history.allowed_at(loop.time(), request, spare=left)
                if allowed <= loop.time():
                    break
                await asyncio.sleep(min(allowed - loop.time(), _LOOK_AGAIN_S))
            async with self._history_sent(request):
                yield

    def history_wait_s(self, nth: int) -> float:
        """Give the seconds until the ``nth`` next request for small bars may be sent, or 0."""
        now = asyncio.get_running_loop().time()
        return self._history.nth_allowed_at(now, nth) - now

    @asynccontextmanager
    async def _history_sent(self, request: HistoryRequest) -> AsyncIterator[None]:
        self._history.open(request)
        try:
            async with self.open_history:
                yield
        finally:
            self._history.settle(asyncio.get_running_loop().time(), request)

    def take_bar_subscription(self) -> None:
        """Count one new subscription to real-time bars, and its market-data line.

        Raises BrokerError at once: a wait could be ten minutes long.
        """
        now = asyncio.get_running_loop().time()
        if self._bars.free(now) < 1:
            wait_s = self._bars.free_at(now) - now
            raise BrokerError(
                f"IB takes {self.limits.bar_subscriptions} new bar subscriptions in ten minutes; "
                f"the next may be asked for in {wait_s:.0f} s.",
                code=420,
            )
        self.take_line()
        self._bars.spend(now)

    def bars_wait_s(self, nth: int) -> float:
        """Give the seconds until the ``nth`` next subscription to bars may be taken, or 0."""
        now = asyncio.get_running_loop().time()
        return self._bars.nth_free_at(now, nth) - now

    def take_line(self) -> None:
        """Count one market-data line. Raises BrokerError when none is left."""
        if not self.lines.try_open():
            raise BrokerError(
                f"All {self.lines.size} market-data lines are in use. "
                "Stop a watcher or a quote that is no longer needed.",
                code=101,
            )

    def drop_all(self) -> None:
        """The link is gone: tell everyone who waits that nothing was sent."""
        self._drop(*Lane)

    def drop_openings(self) -> None:
        """Tell every bracket that still waits that it is not sent; the rest goes on waiting."""
        self._drop(Lane.ORDER)

    def _drop(self, *lanes: Lane) -> None:
        dropped = self._queue.clear(*lanes)
        self._schedule()
        for waiting in dropped:
            waiting.dropped()

    def _submit(self, lane: Lane, cost: int, waiting: _Waiting) -> None:
        if self._queue.try_spend(asyncio.get_running_loop().time(), lane, cost):
            waiting.send()
            return
        self._queue.put(lane, cost, waiting)
        self._schedule()

    def _schedule(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        loop = asyncio.get_running_loop()
        due = self._queue.next_due(loop.time())
        if due is not None:
            self._timer = loop.call_at(due, self._release)

    def _release(self) -> None:
        # a timer may fire a clock tick early; what is not due yet is scheduled again
        for waiting in self._queue.due(asyncio.get_running_loop().time()):
            waiting.send()
        self._schedule()


def _nothing() -> None:
    """Nobody needs to be told."""
