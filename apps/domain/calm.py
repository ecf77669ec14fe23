"""Which bars matter to nobody: told apart by two comparisons, before anyone is asked.

Nearly every bar of nearly every watcher leads to nothing, and the one that matters may stand
behind sixty that do not. At home here: the range within which a bar is of no interest, and how
ranges of several listeners add up. Whose range is what, is known to the rules themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import inf

from apps.domain.bars import Bar

__all__ = ["Calm"]


@dataclass(frozen=True, slots=True)
class Calm:
    """Live 5-second bars that start in ``[start, end)`` and close above ``low``, below ``high``.

    ``start`` and ``end`` are aware UTC, None without a bound. The default holds every bar with
    a price.

    >>> inside = Calm(high=190.5) & Calm(low=180.0)
    >>> inside.low, inside.high
    (180.0, 190.5)
    """

    start: datetime | None = None
    end: datetime | None = None
    low: float = -inf
    high: float = inf

    def __and__(self, other: Calm) -> Calm:
        """Give the bars that are in both."""
        starts = [each for each in (self.start, other.start) if each is not None]
        ends = [each for each in (self.end, other.end) if each is not None]
        return Calm(
            max(starts, default=None),
            min(ends, default=None),
            max(self.low, other.low),
            min(self.high, other.high),
        )

    def holds(self, bar: Bar) -> bool:
        """Tell whether ``bar`` is one of them."""
        return (
            self.low < bar.close < self.high
            and (self.start is None or self.start <= bar.start)
            and (self.end is None or bar.start < self.end)
        )
