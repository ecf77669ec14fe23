"""A market that goes where the run wants it: steps of price at given times, a print a second.

Pure, as every market: what streams, what history says and what orders trade at are read from the
same steps. Bars are made of the second's prints, so a step within a bar shows in its high and low.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from apps.paper.feed.market import BarSource, MarketBar, Millis, Print, Touch
from apps.paper.instruments.listing import Listing

__all__ = ["PathMarket", "Steps"]

_SECOND_MS = 1_000
_TICK = Decimal("0.01")
_SHARES = 100


@dataclass(frozen=True, slots=True)
class Steps:
    """A symbol's prices: from each time on, until the next. ``size`` is what each side shows."""

    at: tuple[Millis, ...]
    prices: tuple[Decimal, ...]
    size: int = 1_000

    def price(self, at: Millis) -> Decimal:
        """Give the price at a time; before the first step, that of the first."""
        return self.prices[max(0, bisect_right(self.at, at) - 1)]


class PathMarket:
    """Symbols on their paths; what has none stands at 100."""

    def __init__(self, paths: Mapping[str, Steps]) -> None:
        self._paths = dict(paths)
        self._nowhere = Steps((0,), (Decimal(100),))

    def touch(self, listing: Listing, at: Millis) -> Touch:
        """Give a touch a tick wide on either side of the price."""
        path = self._path(listing)
        price = path.price(at)
        return Touch(price - _TICK, price + _TICK, path.size, path.size)

    def last(self, listing: Listing, at: Millis) -> Print:
        """Give the print of the second."""
        second = at - at % _SECOND_MS
        return Print(second, self._path(listing).price(second), _SHARES)

    def previous_close(self, listing: Listing, at: Millis) -> Decimal:
        """Give the price at which the path begins."""
        return self._path(listing).prices[0]

    def prints(self, listing: Listing, after: Millis, until: Millis) -> Sequence[Print]:
        """Give a print at each whole second."""
        path, first = self._path(listing), after - after % _SECOND_MS + _SECOND_MS
        return [Print(at, path.price(at), _SHARES) for at in range(first, until + 1, _SECOND_MS)]

    def bars(
        self,
        listing: Listing,
        source: BarSource,
        seconds: int,
        start: Millis,
        end: Millis,
        *,
        regular_only: bool,
    ) -> Sequence[MarketBar]:
        """Give the bars of the prints, whatever they are asked to be made of."""
        width = seconds * _SECOND_MS
        first = start + -start % width
        return [self._bar(listing, source, seconds, at) for at in range(first, end, width)]

    def head(self, listing: Listing) -> Millis:
        """Give the beginning of time."""
        return 0

    def _path(self, listing: Listing) -> Steps:
        return self._paths.get(listing.symbol, self._nowhere)

    def _bar(self, listing: Listing, source: BarSource, seconds: int, start: Millis) -> MarketBar:
        path, end = self._path(listing), start + seconds * _SECOND_MS
        inside = path.at[bisect_right(path.at, start) : bisect_right(path.at, end - 1)]
        seen = [path.price(at) for at in (start, *inside)]
        low, high, last = min(seen), max(seen), seen[-1]
        if source is not BarSource.TRADES:
            return MarketBar(start, seconds, seen[0], high, low, last, -1, Decimal(-1), -1)
        volume = seconds * _SHARES
        return MarketBar(start, seconds, seen[0], high, low, last, volume, last, seconds)
