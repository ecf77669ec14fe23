"""Reading a listing's prints one after the other, looking no farther than needed.

At home here: going forward from a moment while the market is made (`PrintCursor`), going through
the open hours of a stretch of the past in windows, and what each print changed in the quote.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from apps.paper.feed.market import Market, Millis, Print, Touch
from apps.paper.hours.calendar import SessionCalendar
from apps.paper.instruments.catalogue import Listing

__all__ = ["PrintCursor", "QuoteChange", "open_windows", "open_windows_back", "quote_changes"]

_WINDOW_MS = 5_000
"""One leaf bar: the grain in which a market makes its prints."""

_MAX_WINDOWS = 2
"""How far to look ahead in one go; a listing without trades is looked at again after that, for
its market may be disturbed, and no longer be, before anyone could have foreseen it."""

Window = tuple[Millis, Millis]


class PrintCursor:
    """The prints after a moment, oldest first; a closed market is skipped, not searched.

    A market that may change its mind about what is to come says so by its ``version``: what was
    read ahead under another one is read again.
    """

    def __init__(
        self, market: Market, calendar: SessionCalendar, listing: Listing, after: Millis
    ) -> None:
        self._market = market
        self._calendar = calendar
        self._listing = listing
        self._taken_until = after
        self._read_until = after
        self._version = self._market_version()
        self._ahead: deque[Print] = deque()

    def next_at(self) -> Millis:
        """Give the time of the next print, or a time at which to ask again."""
        self._forget_what_changed()
        for _ in range(_MAX_WINDOWS):
            if self._ahead:
                return self._ahead[0].at
            self._read_window()
        return self._ahead[0].at if self._ahead else self._read_until

    def take(self, until: Millis) -> list[Print]:
        """Take the prints up to ``until``, oldest first."""
        self._forget_what_changed()
        while self._read_until < until:
            self._read_window()
        taken = []
        while self._ahead and self._ahead[0].at <= until:
            taken.append(self._ahead.popleft())
        self._taken_until = max(self._taken_until, until)
        return taken

    def _market_version(self) -> int:
        version: int = getattr(self._market, "version", 0)
        return version

    def _forget_what_changed(self) -> None:
        if (version := self._market_version()) != self._version:
            self._version = version
            self._ahead.clear()
            self._read_until = self._taken_until

    def _read_window(self) -> None:
        start = self._read_until
        if self._calendar.session_at(self._listing, start + 1, extended=True) is None:
            opens, _ = self._calendar.next_session(self._listing, start, extended=True)
            self._read_until = opens - 1  # the opening print may be stamped with the opening itself
            return
        self._read_until = start - start % _WINDOW_MS + _WINDOW_MS
        self._ahead.extend(self._market.prints(self._listing, start, self._read_until))


class QuoteChange(NamedTuple):
    """A moment at which bid, ask or their sizes changed, and what they were and became."""

    at: Millis
    before: Touch
    touch: Touch

    @property
    def moved_price(self) -> bool:
        """Tell whether a price changed, not only a size."""
        return (self.before.bid, self.before.ask) != (self.touch.bid, self.touch.ask)

    @property
    def moved_middle(self) -> bool:
        """Tell whether the midpoint changed."""
        return self.before.bid + self.before.ask != self.touch.bid + self.touch.ask


def quote_changes(
    market: Market, listing: Listing, prints: Iterable[Print]
) -> Iterator[QuoteChange]:
    """Give what each of ``prints`` changed in the quote.

    Whoever looks sees the same, streaming or in history: a quote is compared with that of the
    millisecond before, not with what was last sent.
    """
    for trade in prints:
        before, touch = market.touch(listing, trade.at - 1), market.touch(listing, trade.at)
        if before != touch:
            yield QuoteChange(trade.at, before, touch)


def open_windows(
    calendar: SessionCalendar,
    listing: Listing,
    start: Millis,
    end: Millis,
    width_ms: int,
    *,
    regular_only: bool,
) -> Iterator[Window]:
    """Give the open hours of ``[start, end)`` as windows ``[start, end)`` of at most a width."""
    at = start
    while at < end:
        session = calendar.session_at(listing, at, extended=not regular_only)
        if session is None:
            at, _ = calendar.next_session(listing, at, extended=not regular_only)
            continue
        until = min(session[1], end, at + width_ms)
        yield at, until
        at = until


def open_windows_back(
    calendar: SessionCalendar,
    listing: Listing,
    start: Millis,
    end: Millis,
    width_ms: int,
    *,
    regular_only: bool,
) -> Iterator[Window]:
    """Give the same windows from the last to the first."""
    at = end
    while at > start:
        opens, closes = calendar.session_before(listing, at, extended=not regular_only)
        at = min(at, closes)
        since = max(opens, start)
        while at > since:
            earlier = max(since, at - width_ms)
            yield earlier, at
            at = earlier
        at = min(at, opens)
