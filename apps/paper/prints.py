"""Reading a listing's prints one after the other, looking ahead no farther than needed."""

from __future__ import annotations

from collections import deque

from apps.paper.calendar import SessionCalendar
from apps.paper.catalogue import Listing
from apps.paper.feed.market import Market, Millis, Print

__all__ = ["PrintCursor"]

_WINDOW_MS = 5_000
"""One leaf bar: the grain in which a market makes its prints."""

_MAX_WINDOWS = 12
"""How far to look ahead in one go; a listing without trades is looked at again after that."""


class PrintCursor:
    """The prints after a moment, oldest first; a closed market is skipped, not searched."""

    def __init__(
        self, market: Market, calendar: SessionCalendar, listing: Listing, after: Millis
    ) -> None:
        self._market = market
        self._calendar = calendar
        self._listing = listing
        self._read_until = after
        self._ahead: deque[Print] = deque()

    def next_at(self) -> Millis:
        """Give the time of the next print, or a time at which to ask again."""
        for _ in range(_MAX_WINDOWS):
            if self._ahead:
                return self._ahead[0].at
            self._read_window()
        return self._ahead[0].at if self._ahead else self._read_until

    def take(self, until: Millis) -> list[Print]:
        """Take the prints up to ``until``, oldest first."""
        while self._read_until < until:
            self._read_window()
        taken = []
        while self._ahead and self._ahead[0].at <= until:
            taken.append(self._ahead.popleft())
        return taken

    def _read_window(self) -> None:
        start = self._read_until
        if self._calendar.session_at(self._listing, start + 1, extended=True) is None:
            opens, _ = self._calendar.next_session(self._listing, start, extended=True)
            self._read_until = opens - 1  # the opening print may be stamped with the opening itself
            return
        self._read_until = start - start % _WINDOW_MS + _WINDOW_MS
        self._ahead.extend(self._market.prints(self._listing, start, self._read_until))
