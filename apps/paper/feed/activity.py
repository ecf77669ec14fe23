"""How activity is spread over a day: U-shaped in regular hours, thin before and after.

At home here: which part of a day's variance and volume falls to the night, to extended and to
regular hours, and the profile within each. Variance follows the same profile as volume, as it does
in real markets (Andersen and Bollerslev 1997, for the U-shape of both).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from apps.paper.feed.splitting import Weights
from apps.paper.hours.calendar import CalendarName, Session, usual_regular_ms

__all__ = ["BLOCK_MS", "MINUTE_MS", "Grid", "Part", "Share", "grid", "shares_of", "volume_share"]

MINUTE_MS = 60_000
BLOCK_MS = 30 * MINUTE_MS
"""Bars of 30 minutes are the first split of a stretch; they begin at full and half hours."""


class Part(Enum):
    """The stretches of a trading day."""

    BEFORE = "before"
    REGULAR = "regular"
    AFTER = "after"
    AROUND = "around the clock"
    OVERNIGHT = "overnight"


class Share(NamedTuple):
    """Fractions of what happens in a day."""

    variance: float
    volume: float


_NONE = Share(0.0, 0.0)

_SHARES: dict[CalendarName, dict[Part, Share]] = {
    CalendarName.US_EQUITY: {
        Part.BEFORE: Share(0.06, 0.012),
        Part.REGULAR: Share(0.72, 0.965),
        Part.AFTER: Share(0.03, 0.023),
    },
    CalendarName.CME: {
        Part.BEFORE: Share(0.34, 0.2),
        Part.REGULAR: Share(0.63, 0.8),
        Part.AFTER: _NONE,
    },
    CalendarName.FOREX: {
        Part.BEFORE: _NONE,
        Part.REGULAR: Share(0.97, 1.0),
        Part.AFTER: _NONE,
    },
}
"""What is left of the variance is the night's."""

_SHARES_OF_REGULAR_ONLY = {
    Part.BEFORE: _NONE,
    Part.REGULAR: Share(0.8, 1.0),
    Part.AFTER: _NONE,
}

_PROFILES: dict[Part, tuple[tuple[float, float], ...]] = {
    Part.BEFORE: ((0.0, 0.4), (0.5, 0.5), (0.7, 0.8), (0.9, 1.6), (1.0, 3.0)),
    Part.REGULAR: (
        (0.0, 5.0),
        (0.01, 3.2),
        (0.04, 2.2),
        (0.1, 1.5),
        (0.25, 0.95),
        (0.45, 0.7),
        (0.6, 0.65),
        (0.8, 0.85),
        (0.93, 1.3),
        (0.985, 2.2),
        (1.0, 4.5),
    ),
    Part.AFTER: ((0.0, 4.0), (0.05, 2.0), (0.2, 0.9), (0.5, 0.5), (1.0, 0.3)),
    # from 18:00 to 09:30 in New York: London opens at 0.58
    Part.OVERNIGHT: ((0.0, 0.8), (0.1, 0.5), (0.5, 0.5), (0.6, 1.2), (0.9, 1.3), (1.0, 2.5)),
    # from 17:15 in New York: Tokyo, London at 0.41, New York at 0.62
    Part.AROUND: (
        (0.0, 0.3),
        (0.12, 0.7),
        (0.35, 0.6),
        (0.43, 1.4),
        (0.55, 1.1),
        (0.65, 2.2),
        (0.75, 1.9),
        (0.9, 0.6),
        (1.0, 0.3),
    ),
}
"""Relative activity at fractions of a stretch; linear in between."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A stretch's blocks and their minutes, as shares of what happens.

    ``starts`` are milliseconds from the stretch's start, one a block and the stretch's length.
    """

    starts: tuple[int, ...]
    blocks: Weights
    minutes: tuple[Weights, ...]


def shares_of(calendar: CalendarName) -> Mapping[Part, Share]:
    """Give the fractions of a calendar's markets, by BEFORE, REGULAR and AFTER.

    What goes around the clock is regular, and overnight is before.
    """
    return _SHARES.get(calendar, _SHARES_OF_REGULAR_ONLY)


def volume_share(calendar: CalendarName, session: Session) -> float:
    """Give what of a usual day's volume a day has: less in proportion when it is cut short."""
    opens, closes = session.regular
    return min(1.0, (closes - opens) / usual_regular_ms(calendar))


@lru_cache(maxsize=64)
def grid(part: Part, length: int, into_block: int) -> Grid:
    """Lay out a stretch of ``length`` ms that begins ``into_block`` ms into a half hour."""
    edges = [0, *range(BLOCK_MS - into_block, length, BLOCK_MS), length]
    profile = _PROFILES[part]
    by_block = [
        [_at(profile, (minute + MINUTE_MS / 2) / length) for minute in range(start, end, MINUTE_MS)]
        for start, end in pairwise(edges)
    ]
    return Grid(
        tuple(edges),
        Weights.of([sum(minutes) for minutes in by_block]),
        tuple(Weights.of(minutes) for minutes in by_block),
    )


def _at(profile: Sequence[tuple[float, float]], fraction: float) -> float:
    for (left, low), (right, high) in pairwise(profile):
        if fraction <= right:
            return low + (high - low) * (fraction - left) / (right - left)
    return profile[-1][1]
