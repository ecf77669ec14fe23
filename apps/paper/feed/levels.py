"""The walk from day to day: closing prices that wander and come back.

At home here: the logarithm of a listing's price at the close of any weekday. Every 256th weekday
is anchored near the reference price; between two anchors the walk is a Brownian bridge, halved
again and again, so that any day can be had without the days before it, and no walk runs away.
"""

from __future__ import annotations

from array import array
from datetime import date
from functools import lru_cache
from math import exp, log, sqrt

from apps.paper.feed.chance import DRAW_BITS, DRAW_MASK, NORMAL, STEP, mix
from apps.paper.instruments.listing import MarketCharacter

__all__ = ["WEEKDAYS_A_YEAR", "DayLevels", "weekday_number"]

WEEKDAYS_A_YEAR = 261

_SPAN = 256
"""Weekdays from anchor to anchor: about a year. A power of two, to be halved."""

_ANCHOR_SPREAD = 0.4
"""Standard deviation of an anchor, in years' volatilities."""

_WIDEST = 1.4
"""No close strays farther from the drifting reference than this, in logarithms (a factor of 4)."""

_BLOCKS_KEPT = 16

_DRIFT_ZERO = date(2026, 1, 1)
"""The day on which the drift has brought the walk's middle to the reference price."""


def weekday_number(day: date) -> int:
    """Count weekdays from Monday to Friday since the year 1; a weekend's day counts as Friday.

    >>> weekday_number(date(2026, 11, 23)) - weekday_number(date(2026, 11, 20))
    1
    """
    weeks, weekday = divmod(day.toordinal() - 1, 7)
    return weeks * 5 + min(weekday, 4)


_DRIFT_ZERO_NUMBER = weekday_number(_DRIFT_ZERO)


class DayLevels:
    """The closing levels of one listing under one key."""

    def __init__(self, key: int, character: MarketCharacter) -> None:
        self._key = key
        self._middle = log(character.reference)
        self._drift_a_day = log(1 + character.drift) / WEEKDAYS_A_YEAR
        self._anchor_deviation = _ANCHOR_SPREAD * character.volatility
        self._day_variance = character.volatility**2 / WEEKDAYS_A_YEAR
        self._block = lru_cache(maxsize=_BLOCKS_KEPT)(self._make_block)

    @property
    def day_variance(self) -> float:
        """What one day lets expect: variance of the logarithm of the price."""
        return self._day_variance

    def close(self, number: int) -> float:
        """Give the price level (not rounded to a tick) at the close of a weekday."""
        return exp(self.log_close(number))

    def log_close(self, number: int) -> float:
        """Give the logarithm of the price at the close of a weekday, by `weekday_number`."""
        block, place = divmod(number, _SPAN)
        strayed = max(-_WIDEST, min(_WIDEST, self._block(block)[place]))
        return self._middle + self._drift_a_day * (number - _DRIFT_ZERO_NUMBER) + strayed

    def _make_block(self, block: int) -> array[float]:
        walk = array("d", bytes(8 * (_SPAN + 1)))
        walk[0], walk[_SPAN] = self._anchor(block), self._anchor(block + 1)
        base = mix(self._key + (2 * block + 1) * STEP)
        span = _SPAN
        while span > 1:
            half = span // 2
            deviation = sqrt(self._day_variance * span) / 2
            for place in range(half, _SPAN, span):
                normal = NORMAL[mix(base + place * STEP) & DRAW_MASK]
                walk[place] = (walk[place - half] + walk[place + half]) / 2 + normal * deviation
            span = half
        return walk

    def _anchor(self, block: int) -> float:
        key = mix(self._key + 2 * block * STEP)
        return self._anchor_deviation * NORMAL[(key >> DRAW_BITS) & DRAW_MASK]
