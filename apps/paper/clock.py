"""The market's clock: market time as a function of this machine's monotonic seconds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apps.domain.errors import InvalidInput
from apps.paper.feed.market import Millis
from apps.paper.hours.calendar import CalendarName, next_session, previous_session, session_at

__all__ = [
    "ManualClock",
    "MarketClock",
    "default_start",
    "millis_of",
    "next_open_market",
    "time_at",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


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


def next_open_market(at: Millis) -> Millis:
    """Give ``at`` within a regular session of US equities, or else the open of the next one."""
    session = session_at(CalendarName.US_EQUITY, at)
    if session is not None and at < session.regular[1]:
        return max(at, session.regular[0])
    return next_session(CalendarName.US_EQUITY, at).regular[0]


def millis_of(at: datetime) -> Millis:
    """Give an aware time as market time, to the millisecond: floats would lose one here and there.

    >>> millis_of(datetime(2026, 11, 20, 14, 30, 0, 123_000, tzinfo=UTC))
    1795185000123
    """
    return (at - _EPOCH) // _MILLISECOND


def time_at(at: Millis) -> datetime:
    """Give market time as an aware time in UTC.

    >>> millis_of(time_at(1_795_185_000_123))
    1795185000123
    """
    return _EPOCH + at * _MILLISECOND
