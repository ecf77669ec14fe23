"""The market's clock: market time as a function of this machine's monotonic seconds."""

from __future__ import annotations

from collections.abc import Callable

from apps.domain.errors import InvalidInput
from apps.paper.calendar import CalendarName, previous_session, session_at
from apps.paper.feed.market import Millis

__all__ = ["ManualClock", "MarketClock", "default_start"]


class MarketClock:
    """Market time that runs ``speed`` times as fast as ``monotonic``. It never goes back.

    Raises `InvalidInput` for a speed that is not above zero.
    """

    def __init__(self, *, start: Millis, speed: float, monotonic: Callable[[], float]) -> None:
        if not 0 < speed < float("inf"):
            raise InvalidInput(f"the market's speed must be above 0, not {speed}; 1 is real time")
        self.speed = speed
        self._start = start
        self._latest = start
        self._monotonic = monotonic
        self._origin_s = monotonic()

    def now(self) -> Millis:
        """Give the market's time."""
        elapsed_s = self._monotonic() - self._origin_s
        self._latest = max(self._latest, self._start + int(elapsed_s * self.speed * 1000))
        return self._latest

    def wall_seconds_until(self, at: Millis) -> float:
        """Give the seconds of this machine until the market's time is ``at``; 0 if it was.

        It is rounded up by less than a market millisecond: who waits for it finds `now` there.
        """
        return max(0.0, (at - self.now()) / 1000 / self.speed)


class ManualClock:
    """Market time that moves only when told, for tests and replays."""

    def __init__(self, start: Millis) -> None:
        self._now = start

    def now(self) -> Millis:
        """Give the market's time."""
        return self._now

    def advance(self, millis: int) -> Millis:
        """Go ``millis`` forward and give the new time. Raises `InvalidInput` for a step back."""
        return self.advance_to(self._now + millis)

    def advance_to(self, at: Millis) -> Millis:
        """Go forward to ``at`` and give it. Raises `InvalidInput` if that lies in the past."""
        if at < self._now:
            raise InvalidInput(f"market time never goes back: asked for {at}, it is {self._now}")
        self._now = at
        return at


def default_start(wall_now: Millis) -> Millis:
    """Give the open of the latest regular session of US equities at or before ``wall_now``.

    So that there is a market to look at whenever the gateway is started.
    """
    today = session_at(CalendarName.US_EQUITY, wall_now)
    if today is not None and today.regular[0] <= wall_now:
        return today.regular[0]
    return previous_session(CalendarName.US_EQUITY, wall_now).regular[0]
