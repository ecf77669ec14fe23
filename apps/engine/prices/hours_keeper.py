"""Sees to it that the hours of what is watched and held are known ahead of the market's time.

A broker tells a week of them, once it is asked for an instrument. A desk that runs for longer
would not know a session's end, nor that the market is closed; so everything in use is asked for
again each day, and each time anew after a failure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date

from apps.domain.errors import DeskError
from apps.domain.instruments import Instrument
from apps.engine.ports import Clock, MarketData
from apps.engine.prices.market_clock import MarketClock

__all__ = ["HoursKeeper"]

_LOOK_S = 60.0


class HoursKeeper:
    """Asks anew for ``in_use``, once for each day (UTC) of the market's time."""

    def __init__(
        self,
        market: MarketData,
        clock: Clock,
        market_clock: MarketClock,
        in_use: Callable[[], Iterable[Instrument]],
    ) -> None:
        self._market = market
        self._clock = clock
        self._market_clock = market_clock
        self._in_use = in_use
        self._asked: dict[int, date] = {}

    async def run(self) -> None:
        """Look each minute, for as long as the task is not stopped."""
        while True:
            await self.look()
            await self._clock.sleep(_LOOK_S)

    async def look(self) -> None:
        """Ask for what was not asked for on this day; what cannot be had is asked for again."""
        try:
            now = await self._market_clock.ask()  # no bar moves it while the market is closed
        except DeskError:
            return
        today, in_use = now.date(), {each.con_id: each for each in self._in_use()}
        self._asked = {con_id: day for con_id, day in self._asked.items() if con_id in in_use}
        for con_id, instrument in in_use.items():
            # whoever came into use today was qualified just now
            if self._asked.setdefault(con_id, today) != today and await self._learns(instrument):
                self._asked[con_id] = today

    async def _learns(self, instrument: Instrument) -> bool:
        try:
            await self._market.qualify(instrument.listing)
        except DeskError:
            return False
        return True
