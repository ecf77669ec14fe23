"""The trades within one 5-second leaf of the path.

At home here: a leaf's trades drawn together to at most eight prints, which add up to the leaf: the
first, highest, lowest and last price, the volume, the number of trades.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from apps.paper.feed.chance import (
    BURST,
    DRAW_BITS,
    DRAW_MASK,
    EXPONENTIAL,
    STEP,
    UNIFORM,
    mix,
)
from apps.paper.feed.node import Node, flat, trades_needed

__all__ = ["LEAF_MS", "MOST_PRINTS", "SECOND_MS", "Tick", "money_of", "seconds_of", "ticks_of"]

LEAF_MS = 5_000
MOST_PRINTS = 8

_FEWEST_PRINTS = 2
SECOND_MS = 1_000
_WHOLE, _FIRST_TICK = 0x60, 0x70


class Tick(NamedTuple):
    """A print: milliseconds into its leaf, price in ticks, shares, and trades drawn together."""

    offset: int
    price: int
    size: int
    trades: int


def ticks_of(leaf: Node) -> tuple[Tick, ...]:
    """Give the prints of a leaf, oldest first and no two at the same moment."""
    trades = leaf.trades
    if trades == 0:
        return ()
    whole = mix(leaf.key + _WHOLE * STEP)
    wanted = max(trades_needed(leaf), _FEWEST_PRINTS + whole % (MOST_PRINTS - _FEWEST_PRINTS + 1))
    prints = min(trades, wanted)
    keys = [mix(leaf.key + (_FIRST_TICK + tick) * STEP) for tick in range(prints)]
    waits, shares, wait, share = [], [], 0.0, 0.0
    for key in keys:
        wait += EXPONENTIAL[key & DRAW_MASK]
        share += BURST[(key >> DRAW_BITS) & DRAW_MASK]
        waits.append(wait)
        shares.append(share)
    wait += EXPONENTIAL[(whole >> 2 * DRAW_BITS) & DRAW_MASK]
    a_ms, a_trade = (LEAF_MS - prints) / wait, (trades - prints) / share
    prices = _prices(leaf, keys, whole >> 3 * DRAW_BITS)
    volume, sold, dealt = leaf.volume, 0, 0
    ticks = []
    for place in range(prints):
        # each gets one trade, and its share of those left; shares of volume go by trades
        upto = place + 1 + int(shares[place] * a_trade) if place < prints - 1 else trades
        bought = volume * upto // trades
        offset = int(waits[place] * a_ms) + place
        ticks.append(Tick(offset, prices[place], bought - sold, upto - dealt))
        sold, dealt = bought, upto
    if leaf.open != leaf.previous:
        # seen within the first second, or the leaf's 1-second bars began flat at the old price
        ticks[0] = ticks[0]._replace(offset=ticks[0].offset % SECOND_MS)
    return tuple(ticks)


def seconds_of(leaf: Node, ticks: Sequence[Tick]) -> tuple[tuple[Node, int], ...]:
    """Give a leaf's five seconds as nodes, each with its `money_of`."""
    seconds = []
    price = leaf.previous
    for second in range(LEAF_MS // SECOND_MS):
        within = [tick for tick in ticks if tick.offset // SECOND_MS == second]
        seconds.append((_node_of(within, price), money_of(within)))
        price = seconds[-1][0].close
    return tuple(seconds)


def money_of(ticks: Sequence[Tick]) -> int:
    """Give the sum of price times size, in ticks."""
    return sum(tick.price * tick.size for tick in ticks)


def _node_of(ticks: Sequence[Tick], previous: int) -> Node:
    if not ticks:
        return flat(previous)
    prices = [tick.price for tick in ticks]
    return Node(
        key=0,
        variance=0.0,
        previous=previous,
        open=prices[0],
        high=max(prices),
        low=min(prices),
        close=prices[-1],
        volume=sum(tick.size for tick in ticks),
        trades=sum(tick.trades for tick in ticks),
    )


def _prices(leaf: Node, keys: Sequence[int], chance: int) -> list[int]:
    prints = len(keys)
    if leaf.high == leaf.low:
        return [leaf.open] * prints
    prices = [leaf.open] * prints
    prices[-1] = leaf.close
    places = _places_of_extremes(leaf, prints, chance)
    for place, price in places.items():
        prices[place] = price
    for place in range(1, prints - 1):
        if place not in places:
            fraction = UNIFORM[(keys[place] >> 2 * DRAW_BITS) & DRAW_MASK]
            before, after = prices[place - 1], leaf.close
            prices[place] = round(before + (after - before) * fraction)
    return prices


def _places_of_extremes(leaf: Node, prints: int, chance: int) -> dict[int, int]:
    """Give a high and a low beyond both ends their places between first and last print."""
    ends = (leaf.open, leaf.close)
    apart = [price for price in (leaf.high, leaf.low) if price not in ends]
    if chance & 1:
        apart.reverse()
    if len(apart) == 2:
        first = 1 + (chance >> 1) % (prints - 3)
        second = first + 1 + (chance >> 8) % (prints - 2 - first)
        return {first: apart[0], second: apart[1]}
    return {1 + (chance >> 1) % (prints - 2): apart[0]} if apart else {}
