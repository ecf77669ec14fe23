"""A stretch of market path as whole numbers, and how one comes to be.

At home here: the `Node` with its law, and making one from two ends. Prices are counted in ticks.

The law of a node: ``low <= open, close <= high``; without trades it is flat at ``previous`` with
no volume; with trades it has at least as many as its prices need (`trades_needed`), and at least
one share each. Whoever makes a node keeps it, so whoever splits one may rely on it.
"""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

from apps.paper.feed.chance import DRAW_BITS, DRAW_MASK, EXPONENTIAL

__all__ = ["Node", "flat", "shaped", "trades_needed"]


class Node(NamedTuple):
    """The path between two moments. ``previous`` is the last price before it.

    ``key`` decides all that happens within; ``variance`` is what its length lets expect, in
    ticks squared, whatever its prices are.
    """

    key: int
    variance: float
    previous: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    trades: int


def flat(price: int) -> Node:
    """Give a stretch without trades after ``price``."""
    return Node(0, 0.0, price, price, price, price, price, 0, 0)


def trades_needed(node: Node) -> int:
    """Give the fewest trades that can make the prices of ``node``."""
    if node.high == node.low:
        return 1
    high_apart = node.high > node.open and node.high > node.close
    low_apart = node.low < node.open and node.low < node.close
    return 2 + high_apart + low_apart


def shaped(
    key: int, variance: float, previous: int, ends: tuple[int, int], volume: int, trades: int
) -> Node:
    """Make a node from its first and last price; how far it goes beyond them is chance.

    The highest point of a Brownian bridge from a to b with variance v lies at or below m with
    probability 1 − exp(−2(m−a)(m−b)/v); solved for m that gives the excursions. With too few
    trades for an excursion there is none, with one trade only the last price, with none nothing.
    """
    if trades == 0:
        return flat(previous)
    first, last = ends if trades > 1 else (ends[1], ends[1])
    high, low = max(first, last), min(first, last)
    span, middle = last - first, first + last
    if trades > 2:
        draw = EXPONENTIAL[key & DRAW_MASK]
        high = max(high, round((middle + sqrt(span * span + 2 * variance * draw)) / 2))
    if trades > 3:
        draw = EXPONENTIAL[(key >> DRAW_BITS) & DRAW_MASK]
        low = max(1, min(low, round((middle - sqrt(span * span + 2 * variance * draw)) / 2)))
    return Node(key, variance, previous, first, high, low, last, max(volume, trades), trades)
