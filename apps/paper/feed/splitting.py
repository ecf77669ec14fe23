"""Splitting a stretch of market path into parts that add up to it exactly.

At home here: one function from a node to its parts. Aggregated, the parts give back the node: the
first open, the last close, the highest high, the lowest low, the sums of volume and count. So a
day can be made before its minutes, and the minutes are no less true for it.

How: the prices that must occur (first, high, low, last) get a place each, the remaining trades
are dealt out by weight, and the closes in between follow a Brownian bridge from one of those
places to the next. No part gets prices that it has not the trades to make.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from math import sqrt
from typing import NamedTuple

from apps.paper.feed.chance import (
    BURST,
    DRAW_BITS,
    DRAW_MASK,
    EXPONENTIAL,
    NORMAL,
    STEP,
    UNEVEN,
    UNIFORM,
    mix,
)
from apps.paper.feed.node import Node, flat

__all__ = ["Weights", "split"]

_PLACES, _OFFSETS = 0x50, 0x51
"""Counters of the draws that concern the whole node; those of the parts start at 0x100."""

_FIRST_PART = 0x100

_TRADES, _VOLUME, _CLOSE, _HIGH, _LOW, _BOUNCE = 0, 12, 24, 36, 48, 61
"""Which bits of a part's key decide what: twelve each, and the three topmost."""

_NOTHING: Sequence[int] = ()

_BOUNCES = (0, 0, 0, 0, 0, 1, -1, 0)
"""Ticks between the last price of a part and the first of the next."""


class Weights(NamedTuple):
    """Shares of the parts in what happens: each one's, and how much came before it."""

    each: tuple[float, ...]
    before: tuple[float, ...]

    @classmethod
    def of(cls, each: Sequence[float]) -> Weights:
        """Scale ``each`` to a sum of one."""
        total = sum(each)
        scaled = tuple(weight / total for weight in each)
        return cls(scaled, (0.0, *accumulate(scaled)))

    @classmethod
    @lru_cache(maxsize=64)
    def even(cls, parts: int) -> Weights:
        """Give equal shares to all parts."""
        return cls.of((1.0,) * parts)


class _Place(NamedTuple):
    """A price that must occur, and in which part."""

    part: int
    price: int


def split(node: Node, weights: Weights) -> tuple[Node, ...]:
    """Give as many parts of ``node`` as there are weights, oldest first."""
    parts = len(weights.each)
    if node.trades == 0:
        return (flat(node.previous),) * parts
    keys = [mix(node.key + (_FIRST_PART + part) * STEP) for part in range(parts)]
    places = _places(node, parts)
    counts = _deal_trades(node, weights, keys, places)
    volumes = _deal_volume(node, counts, keys)
    return _walk(node, weights, keys, places, counts, volumes)


def _places(node: Node, parts: int) -> list[_Place]:
    """Give each price that must occur its part, in the order in which they occur."""
    draws = mix(node.key + _PLACES * STEP)
    first, last = _first_and_last(node, parts, draws)
    if node.trades == 1:
        return [_Place(first, node.open)]
    inner = []
    room = last - first + 1
    for extreme in (node.high, node.low):
        draws >>= DRAW_BITS
        from_open, from_close = abs(extreme - node.open), abs(extreme - node.close)
        if from_open and from_close:
            # on average the nearer end is the nearer in time
            when = UNIFORM[draws & DRAW_MASK] ** (from_close / from_open)
            inner.append((when, _Place(min(last, first + int(when * room)), extreme)))
    inner.sort()
    return [_Place(first, node.open), *(place for _, place in inner), _Place(last, node.close)]


def _first_and_last(node: Node, parts: int, draws: int) -> tuple[int, int]:
    """Give the parts of the first and the last trade.

    A price that differs from the one before is there from the first part on: a flat part before
    it would show the price of before, and the parts would no longer add up.
    """
    from_start, from_end = (
        (draws >> 3 * DRAW_BITS) & DRAW_MASK,
        (draws >> 4 * DRAW_BITS) & DRAW_MASK,
    )
    moved = node.open != node.previous
    if node.trades == 1:
        part = 0 if moved else int(UNIFORM[from_start] * parts)
        return part, part
    wait = parts / node.trades
    first = 0 if moved else min(parts - 1, int(EXPONENTIAL[from_start] * wait))
    last = max(0, parts - 1 - int(EXPONENTIAL[from_end] * wait))
    return min(first, last), max(first, last)


def _deal_trades(
    node: Node, weights: Weights, keys: Sequence[int], places: Sequence[_Place]
) -> list[int]:
    counts = [0] * len(keys)
    for place in places:
        counts[place.part] += 1
    spare = node.trades - len(places)
    first, last = places[0].part, places[-1].part
    each = weights.each
    shares = list(
        accumulate(
            each[part] * BURST[(keys[part] >> _TRADES) & DRAW_MASK]
            for part in range(first, last + 1)
        )
    )
    scale = spare / shares[-1]
    offset = UNIFORM[mix(node.key + _OFFSETS * STEP) & DRAW_MASK]
    dealt = 0
    for part, share in enumerate(shares[:-1], start=first):
        upto = int(share * scale + offset)
        counts[part] += upto - dealt
        dealt = upto
    counts[last] += spare - dealt
    return counts


def _deal_volume(node: Node, counts: Sequence[int], keys: Sequence[int]) -> list[int]:
    spare = node.volume - node.trades
    shares = list(
        accumulate(
            count * UNEVEN[(key >> _VOLUME) & DRAW_MASK]
            for count, key in zip(counts, keys, strict=True)
        )
    )
    scale = spare / shares[-1]
    volumes, dealt = [], 0
    for count, share in zip(counts, shares, strict=True):
        upto = int(share * scale + 0.5)
        volumes.append(count + upto - dealt)
        dealt = upto
    return volumes


def _walk(
    node: Node,
    weights: Weights,
    keys: Sequence[int],
    places: Sequence[_Place],
    counts: Sequence[int],
    volumes: Sequence[int],
) -> tuple[Node, ...]:
    """Go from place to place and make the parts on the way."""
    each, before = weights
    first, last = places[0].part, places[-1].part
    due: dict[int, list[int]] = {}
    for place in places:
        due.setdefault(place.part, []).append(place.price)
    goals = [before[part] + each[part] / 2 for part, _ in places[:-1]] + [before[last + 1]]
    made = []
    seen = 0
    price, at, since = node.previous, float(node.open), before[first]
    for part, key in enumerate(keys):
        count = counts[part]
        if count == 0:
            made.append(flat(price))
            continue
        musts = due.get(part, _NOTHING)
        seen += len(musts)
        if part == last:
            close = node.close
        else:
            if len(musts) > (part == first):
                at, since = float(musts[-1]), before[part] + each[part] / 2
            done = (before[part + 1] - since) / (goals[seen] - since)
            at += (places[seen].price - at) * done + NORMAL[(key >> _CLOSE) & DRAW_MASK] * sqrt(
                node.variance * (before[part + 1] - since) * (1 - done)
            )
            if at > node.high:
                at = max(float(node.low), 2.0 * node.high - at)
            elif at < node.low:
                at = min(float(node.high), 2.0 * node.low - at)
            since = before[part + 1]
            close = round(at)
        made.append(
            _part(
                node,
                key,
                each[part],
                price,
                close,
                musts,
                part == first,
                part == last,
                volumes[part],
                count,
            )
        )
        price = made[-1].close
    return tuple(made)


def _part(
    node: Node,
    key: int,
    weight: float,
    price: int,
    close: int,
    musts: Sequence[int],
    is_first: bool,
    is_last: bool,
    volume: int,
    count: int,
) -> Node:
    """Give one part its prices, as far as its trades reach; ``musts`` have theirs already."""
    spare = count - len(musts)
    if is_first:
        open_ = node.open
    elif spare == 0:
        open_ = musts[0]
    elif count == 1:
        open_ = close
    else:
        open_ = min(node.high, max(node.low, price + _BOUNCES[key >> _BOUNCE]))
        spare -= 1
    if not is_last:
        if spare > 0:
            spare -= 1
        else:
            close = musts[-1] if musts else open_
    variance = node.variance * weight
    high, low = max(open_, close), min(open_, close)
    if musts:
        high, low = max(high, *musts), min(low, *musts)
    span, middle = close - open_, open_ + close
    if spare > 0:
        beyond = sqrt(span * span + 2 * variance * EXPONENTIAL[(key >> _HIGH) & DRAW_MASK])
        further = _within(round((middle + beyond) / 2) - high, node.high - high, key)
        high += further
        spare -= further > 0
    if spare > 0:
        beyond = sqrt(span * span + 2 * variance * EXPONENTIAL[(key >> _LOW) & DRAW_MASK])
        low -= _within(low - round((middle - beyond) / 2), low - node.low, key)
    return Node(key, variance, price, open_, high, low, close, volume, count)


def _within(further: int, room: int, key: int) -> int:
    """Give how far a part goes beyond its ends, inside what the whole node does.

    What would go past that turns anywhere before it, or else half of the parts would turn at the
    very same price.
    """
    if further <= 0:
        return 0
    return further if further < room else int(room * UNIFORM[(key >> _TRADES) & DRAW_MASK])
