"""Market time: what the broker's clock says, never this machine's calendar.

It is known from two things: the stamps of bars and fills as they arrive, and the broker's own
clock when it is asked. It never goes back. How fast it runs against this machine (a gateway at
speed 120, a day replayed at night) is found by looking, so nobody has to be told.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from apps.domain.errors import DeadlineExceeded
from apps.engine.ports import Clock, MarketData

__all__ = ["MarketClock"]

STANDSTILL_S = 60.0
"""A market clock that has not moved for so long is not waited for any longer."""

SHORTEST_LOOK_S, FIRST_LOOK_S, LONGEST_LOOK_S = 0.05, 0.25, 1.0
"""The pause between two looks at the broker's clock (a request each): its bounds, and its
length until the clock, which shows whole seconds, has been seen to move."""


class MarketClock:
    """The newest market time that the desk knows."""

    def __init__(self, market: MarketData, clock: Clock) -> None:
        self._market = market
        self._clock = clock
        self._now: datetime | None = None

    @property
    def now(self) -> datetime | None:
        """The newest market time seen, aware UTC; None before the first."""
        return self._now

    def observe(self, at: datetime) -> None:
        """Take note that the market's clock shows ``at`` or later."""
        if self._now is None or at > self._now:
            self._now = at

    async def ask(self) -> datetime:
        """Ask the broker's clock. Raises what `MarketData.market_time` raises."""
        asked = await self._market.market_time()
        self.observe(asked)
        return self._now or asked

    async def wait(self, seconds: float) -> datetime:
        """Wait until ``seconds`` of market time have passed; give the time it is then.

        Raises DeadlineExceeded when the market's clock stands still, and what
        `MarketData.market_time` raises when the link is lost.
        """
        began_s, first = self._clock.monotonic(), await self.ask()
        goal, now, moved_s = first + timedelta(seconds=seconds), first, began_s
        while now < goal:
            await self._clock.sleep(self._pause(first, now, goal, began_s))
            earlier, now = now, await self.ask()
            if now > earlier:
                moved_s = self._clock.monotonic()
            elif self._clock.monotonic() - moved_s > STANDSTILL_S:
                raise DeadlineExceeded(
                    f"the market's clock has stood at {now:%H:%M:%S} UTC for {STANDSTILL_S:.0f} s; "
                    "check the gateway, then wait again"
                )
        return now

    def _pause(self, first: datetime, now: datetime, goal: datetime, began_s: float) -> float:
        """Give how long to sleep until the goal may be reached, at the speed seen so far."""
        passed_s = max(self._clock.monotonic() - began_s, SHORTEST_LOOK_S)
        speed = (now - first).total_seconds() / passed_s
        if speed <= 0:
            return FIRST_LOOK_S
        left_s = (goal - now).total_seconds() / speed
        return min(max(left_s, SHORTEST_LOOK_S), LONGEST_LOOK_S)
