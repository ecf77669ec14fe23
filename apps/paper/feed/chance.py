"""Chance without a state: numbers that follow from a key, the same on every machine.

At home here: a 64-bit integer mixer, and tables that turn twelve of its bits into a draw from a
distribution. One call of the mixer feeds five draws. Python's own ``hash`` differs from process to
process, and a ``random.Random`` is too dear to seed for every bar.
"""

from __future__ import annotations

from math import exp, log
from statistics import NormalDist

__all__ = [
    "BURST",
    "DRAW_BITS",
    "DRAW_MASK",
    "EXPONENTIAL",
    "NORMAL",
    "STEP",
    "UNEVEN",
    "UNIFORM",
    "mix",
]

DRAW_BITS = 12
DRAW_MASK = (1 << DRAW_BITS) - 1

STEP = 0x9E3779B97F4A7C15
"""Distance of two counters of one key: 2^64 by the golden ratio, as Weyl sequences have it."""

_MASK_64 = (1 << 64) - 1


def mix(key: int) -> int:
    """Give 64 bits that look random and follow from ``key`` alone.

    The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection of 64-bit integers.

    >>> hex(mix(0x9E3779B97F4A7C15))  # the first output of the published generator for seed 0
    '0xe220a8397b1dcdaf'
    """
    key &= _MASK_64
    key = ((key ^ (key >> 30)) * 0xBF58476D1CE4E5B9) & _MASK_64
    key = ((key ^ (key >> 27)) * 0x94D049BB133111EB) & _MASK_64
    return key ^ (key >> 31)


_BURSTINESS, _UNEVENNESS = 0.35, 0.15
"""Standard deviations of logarithms: of activity from one stretch of time to the next, and of
what is within a stretch (the size of its trades)."""

UNIFORM = tuple((draw + 0.5) / (DRAW_MASK + 1) for draw in range(DRAW_MASK + 1))
"""Draws in (0, 1)."""

NORMAL = tuple(NormalDist().inv_cdf(uniform) for uniform in UNIFORM)
"""Draws of the standard normal distribution, within ±3.7."""

EXPONENTIAL = tuple(-log(uniform) for uniform in UNIFORM)
"""Draws of the exponential distribution with mean 1, up to 9."""

BURST = tuple(exp(_BURSTINESS * normal - _BURSTINESS**2 / 2) for normal in NORMAL)
"""Draws around 1 for activity, which comes in bursts (log-normal with mean 1)."""

UNEVEN = tuple(exp(_UNEVENNESS * normal - _UNEVENNESS**2 / 2) for normal in NORMAL)
"""Draws nearer to 1 (log-normal with mean 1)."""
