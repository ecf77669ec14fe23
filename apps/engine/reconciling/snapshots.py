"""Asking the broker for all that it knows of us, part by part, with failed and empty kept apart.

Each part is handed on as it comes, so that nobody acts on what is older than what was heard since.
Orders are asked for before executions and positions: one that ends meanwhile is then found among
the ended, and not missed by both. A part during which the word of orders was lost has failed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from apps.domain.account import Position
from apps.domain.errors import DeskError
from apps.domain.link import Lost
from apps.domain.orders import Fill, OrderState
from apps.domain.reconciling.broker_snapshot import Answered, BrokerSnapshot, Failed
from apps.engine.ports import Broker, BrokerListener, Clock
from apps.engine.prices.market_clock import MarketClock
from apps.engine.risk.own_book import OwnBook

__all__ = ["Snapshots"]

T = TypeVar("T")

_LOST = Failed("the link was lost while it was asked for")
_OVERTAKEN = Failed("executions came while the positions were asked for")
_NOT_ASKED = Failed("completed orders were not asked for")

_POSITION_ATTEMPTS = 3


class Snapshots:
    """Takes snapshots; what they hold is told to ``hearers``, one after the other."""

    def __init__(
        self,
        broker: Broker,
        clock: Clock,
        market_clock: MarketClock,
        book: OwnBook,
        hearers: Sequence[BrokerListener],
    ) -> None:
        self._broker = broker
        self._clock = clock
        self._market_clock = market_clock
        self._book = book
        self._hearers = hearers

    async def take(self, *, with_completed: bool) -> BrokerSnapshot:
        """Ask for everything; what fails says so in its part, and raises nothing."""
        epoch, taken_s, at = self._broker.link.epoch, self._clock.monotonic(), None
        try:
            at = await self._market_clock.ask()
        except DeskError:
            at = None  # the day is not known: nothing is concluded from it
        standing = await self._part(self._broker.open_orders)
        if isinstance(standing, Answered):
            self.hear_orders(standing.rows)
        ended = await self._part(self._broker.completed_orders) if with_completed else _NOT_ASKED
        executed = await self._part(self._broker.executions)
        if isinstance(executed, Answered):
            self.hear_fills(executed.rows)
        return BrokerSnapshot(
            open_orders=standing,
            completed_orders=ended,
            executions=executed,
            positions=await self._positions(),
            epoch=epoch,
            at=at,
            taken_s=taken_s,
        )

    def hear_orders(self, orders: Iterable[OrderState]) -> None:
        """Tell orders to everybody who listens, as if the broker told them now."""
        for order in orders:
            for hearer in self._hearers:
                hearer.on_order(order)

    def hear_fills(self, fills: Iterable[Fill]) -> None:
        """Tell executions likewise."""
        for fill in fills:
            for hearer in self._hearers:
                hearer.on_fill(fill)

    async def _part(self, ask: Callable[[], Awaitable[tuple[T, ...]]]) -> Answered[T] | Failed:
        epoch = self._broker.link.epoch
        try:
            rows = await ask()
        except DeskError as error:
            return Failed(error.message)
        link = self._broker.link
        if not link.takes_orders or link.has_lost_since(epoch, Lost.ORDERS):
            return _LOST
        return Answered(rows)

    async def _positions(self) -> Answered[Position] | Failed:
        for _ in range(_POSITION_ATTEMPTS):
            part = await self._part(self._ask_positions)
            if isinstance(part, Failed) or part.rows[0] is not None:
                return part if isinstance(part, Failed) else Answered(part.rows[0] or ())
        return _OVERTAKEN

    async def _ask_positions(self) -> tuple[tuple[Position, ...] | None]:
        return (await self._book.ask_positions(self._broker),)
