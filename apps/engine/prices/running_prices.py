"""The prices of what is entered and held are kept running: losses are counted by them.

At home here: how long the feed of a contract is kept open for that, and what is told where there
is none. The prices themselves go to `apps.engine.risk.own_book`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any

from apps.domain.bars import Bar
from apps.domain.calm import Calm
from apps.domain.errors import DeskError
from apps.domain.gaps import Replay
from apps.domain.instruments import Instrument
from apps.engine.alerts import Alert, AlertKind, AlertSink
from apps.engine.ports import MarketData
from apps.engine.prices.feeds import BarFeeds
from apps.engine.prices.market_clock import MarketClock
from apps.engine.supervisor import Supervisor

__all__ = ["RunningPrices"]

Wait = Callable[[], Coroutine[Any, Any, object]]


class _Unmoved:
    """A listener that only keeps a feed open."""

    def on_bar(self, bar: Bar, *, after_gap: bool) -> None:
        pass

    def on_replay(self, replay: Replay) -> None:
        pass

    def on_blind(self, reason: str) -> None:
        pass

    def on_sight(self) -> None:
        pass

    def on_failure(self, error: Exception) -> None:
        pass

    def calm(self) -> Calm:
        return Calm()

    def urgency(self) -> float:
        return 0.0


class RunningPrices:
    """Keeps feeds open in the background."""

    def __init__(
        self,
        market: MarketData,
        feeds: BarFeeds,
        supervisor: Supervisor,
        market_clock: MarketClock,
        alerts: AlertSink,
    ) -> None:
        self._market = market
        self._feeds = feeds
        self._supervisor = supervisor
        self._market_clock = market_clock
        self._alerts = alerts

    def keep(self, instrument: Instrument, until: Wait) -> None:
        """Keep the price of ``instrument`` running until ``until()`` has ended."""
        symbol = instrument.symbol
        self._supervisor.start(f"price {symbol}", lambda: self._keep(instrument, until))

    def keep_held(self, symbols: Iterable[str]) -> None:
        """Keep the prices of what was held when the desk opened, for as long as it is open."""
        for symbol in sorted(symbols):
            self._supervisor.start(f"price {symbol}", partial(self._find, symbol))

    async def _find(self, symbol: str) -> None:
        try:
            instrument = await self._market.qualify(symbol)
        except DeskError as error:
            self._tell(symbol, error)
        else:
            await self._keep(instrument, asyncio.Event().wait)

    async def _keep(self, instrument: Instrument, until: Wait) -> None:
        try:
            seat = await self._feeds.join(instrument, _Unmoved())
        except DeskError as error:
            self._tell(instrument.symbol, error)
            return
        try:
            await until()
        finally:
            seat.close()

    def _tell(self, symbol: str, error: DeskError) -> None:
        words = f"no running price of {symbol}: {error.message}"
        self._alerts(Alert(AlertKind.WARNING, words, self._market_clock.now, symbol))
