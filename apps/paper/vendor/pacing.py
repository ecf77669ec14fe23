"""Pacing: how often a gateway's clients may ask for bars and ticks, in sliding windows.

Pure: the seconds come in, of the market or of this machine (`apps.paper.limits.PacingClock`). IB
counts per user, and all clients of one gateway share a user: there is one `Pacing` a gateway.
What is refused does not count, so a client that waits as long as the window is let in again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass

from apps.paper.limits import Limits

__all__ = ["HistoryQuery", "Pacing", "SlidingWindow"]

_LONG_WINDOW_S = 600
_BURST_S = 2
_SMALL_BAR_S = 30
"""Bars of this size and less are paced; IB lifted the hard limits for larger ones."""

_BID_ASK_WEIGHT = 2


class SlidingWindow:
    """What happened in the last ``seconds``, and whether ``most`` leaves room for more.

    >>> window = SlidingWindow(2, seconds=10)
    >>> [window.admit(at_s) for at_s in (0, 1, 9, 10)]
    [True, True, False, True]
    """

    def __init__(self, most: int | None, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._admitted: deque[tuple[float, int]] = deque()
        self._weight = 0

    def has_room(self, at_s: float, weight: int = 1) -> bool:
        """Tell whether something of ``weight`` may happen at ``at_s``; times never go back."""
        while self._admitted and self._admitted[0][0] <= at_s - self._seconds:
            self._weight -= self._admitted.popleft()[1]
        return self._most is None or self._weight + weight <= self._most

    def add(self, at_s: float, weight: int = 1) -> None:
        """Take note that it happened."""
        if self._most is not None:
            self._admitted.append((at_s, weight))
            self._weight += weight

    def admit(self, at_s: float, weight: int = 1) -> bool:
        """Take note of it if there is room; tell whether there was."""
        if not self.has_room(at_s, weight):
            return False
        self.add(at_s, weight)
        return True

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing is counted any more, as of the last look."""
        return not self._admitted


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """What pacing looks at in a request for bars.

    ``identity`` is equal for identical requests; ``subject`` for those of the same contract,
    exchange and tick type.
    """

    identity: Hashable
    subject: Hashable
    bar_s: int
    is_bid_ask: bool = False


class Pacing:
    """The windows of one gateway."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._real_time_bars = SlidingWindow(limits.real_time_bars, _LONG_WINDOW_S)
        self._history = SlidingWindow(limits.historical_requests, _LONG_WINDOW_S)
        self._identical: dict[Hashable, SlidingWindow] = {}
        self._same_subject: dict[Hashable, SlidingWindow] = {}
        self._tick_by_tick: dict[Hashable, SlidingWindow] = {}

    def admit_real_time_bars(self, at_s: float) -> bool:
        """Count a new subscription of real-time bars; False when it is one too many."""
        return self._real_time_bars.admit(at_s)

    def admit_tick_by_tick(self, con_id: int, at_s: float) -> bool:
        """Count a tick-by-tick request: one per instrument in the interval."""
        interval_s = self._limits.tick_by_tick_interval_s
        if interval_s is None:
            return True
        return _window(self._tick_by_tick, con_id, 1, interval_s, at_s).admit(at_s)

    def admit_history(self, query: HistoryQuery, at_s: float) -> bool:
        """Count a request for bars; False when it breaks one of the rules, and counts in none.

        The rules hold for bars of 30 s and less. "Six or more for the same contract within two
        seconds" is IB's violation: the sixth is refused.
        """
        if query.bar_s > _SMALL_BAR_S:
            return True
        weight = _BID_ASK_WEIGHT if query.is_bid_ask else 1
        windows = [(self._history, weight)]
        if (interval_s := self._limits.identical_request_s) is not None:
            windows.append((_window(self._identical, query.identity, 1, interval_s, at_s), 1))
        if (burst := self._limits.same_contract_requests) is not None:
            window = _window(self._same_subject, query.subject, burst - 1, _BURST_S, at_s)
            windows.append((window, weight))
        if not all(window.has_room(at_s, each) for window, each in windows):
            return False
        for window, each in windows:
            window.add(at_s, each)
        return True


def _window(
    windows: dict[Hashable, SlidingWindow], key: Hashable, most: int, seconds: float, at_s: float
) -> SlidingWindow:
    """Give the window of ``key``, and forget those in which nothing is left."""
    for known in [each for each, window in windows.items() if window.has_room(at_s, most)]:
        if windows[known].is_empty:
            del windows[known]
    return windows.setdefault(key, SlidingWindow(most, seconds))
