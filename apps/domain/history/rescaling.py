"""Splits: bars before one have prices of another scale than those after it.

A broker tells bars adjusted for the splits there have been until it is asked. Bars that were kept
before a split do not go with those that are told after it: where the two meet, prices jump by the
split's ratio, and a bar that is told anew comes in another scale than it was kept in. Both are
found here, from prices alone; a price that really fell by half looks the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from apps.domain.sessions import Span

__all__ = ["Rescaled", "rescaled_by", "split_ratio", "split_words"]

_USUAL = (
    *(Fraction(each) for each in (2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 100)),
    *(Fraction(*each) for each in ((3, 2), (4, 3), (5, 2), (5, 3))),
)
"""New shares for old ones, of the splits that there are; for reverse splits turned over."""

_OVERNIGHT = 0.03
_SAME_BAR = 0.002
"""How far prices may be off a ratio: a night moves them, and a bar told anew is only rounded."""

_BIG = 1.45
"""A fall by a quarter over a night is bad news more often than a split of 4:3."""


@dataclass(frozen=True, slots=True)
class Rescaled:
    """Bars that start in ``span`` were told anew at the old prices divided by ``ratio``."""

    span: Span
    ratio: float

    def __str__(self) -> str:
        return split_words(self.ratio)


def split_ratio(before: float, after: float) -> float | None:
    """Give the split between the last price before a night and the first after it.

    That is how many new shares there are for an old one; None where it looks like none.

    >>> split_ratio(400.0, 101.5), split_ratio(10.0, 100.0), split_ratio(400.0, 360.0)
    (4.0, 0.1, None)
    """
    if min(before, after) <= 0:
        return None
    ratio = before / after
    return None if 1 / _BIG < ratio < _BIG else _nearest(ratio, _OVERNIGHT)


def rescaled_by(before: Sequence[float], after: Sequence[float]) -> float | None:
    """Give the split between two tellings of the same bars; None where not all agree on one."""
    ratios = sorted(old / new for old, new in zip(before, after, strict=True) if min(old, new) > 0)
    if not ratios:
        return None
    likely = _nearest(ratios[len(ratios) // 2], _SAME_BAR)
    if likely is None or any(abs(each / likely - 1) > _SAME_BAR for each in ratios):
        return None
    return likely


def split_words(ratio: float) -> str:
    """Give a ratio as it is spoken of: ``4:1``, ``3:2``, ``1:10``."""
    shares = Fraction(ratio).limit_denominator(100)
    return f"{shares.numerator}:{shares.denominator}"


def _nearest(ratio: float, within: float) -> float | None:
    both_ways = [float(way) for each in _USUAL for way in (each, 1 / each)]
    nearest = min(both_ways, key=lambda each: abs(math.log(ratio / each)))
    return nearest if abs(ratio / nearest - 1) <= within else None
