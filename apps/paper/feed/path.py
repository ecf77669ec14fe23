"""One listing's path, split as finely as someone asks.

At home here: the stretches of a day as blocks of half an hour, minutes, 5-second leaves, prints
and seconds, each made when it is first read and kept for a while. Nothing kept changes an answer:
all of it follows from the key. Prices are counted in ticks; who reads turns them into money.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache

from apps.paper.feed.activity import BLOCK_MS, MINUTE_MS
from apps.paper.feed.days import Stretch, TradingDays
from apps.paper.feed.market import Millis
from apps.paper.feed.node import Node
from apps.paper.feed.splitting import Weights, split
from apps.paper.feed.tape import LEAF_MS, SECOND_MS, Tick, seconds_of, ticks_of
from apps.paper.instruments.listing import Listing

__all__ = ["Path", "block_at"]

_BLOCKS_KEPT = 64
_MINUTES_KEPT = 32
_LEAVES_KEPT = 32
_TICKS_KEPT = 64
_PRICES_KEPT = 1_024
"""Enough for readers at a few places of one path; whoever reads more has it made again."""

_LEAVES_A_MINUTE = MINUTE_MS // LEAF_MS


class Path:
    """The path of one listing under one seed."""

    def __init__(self, seed: int, listing: Listing) -> None:
        self.days = TradingDays(seed, listing)
        self.tick = self.days.tick
        self.price = lru_cache(maxsize=_PRICES_KEPT)(self.tick.__mul__)
        self.blocks = lru_cache(maxsize=_BLOCKS_KEPT)(self._make_blocks)
        self._minutes = lru_cache(maxsize=_MINUTES_KEPT)(self._make_minutes)
        self._leaves = lru_cache(maxsize=_LEAVES_KEPT)(self._make_leaves)
        self.ticks = lru_cache(maxsize=_TICKS_KEPT)(self._make_ticks)
        self._seconds = lru_cache(maxsize=_TICKS_KEPT)(self._make_seconds)

    def minute(self, stretch: Stretch, minute: int) -> Node:
        """Give a minute by its number within the stretch."""
        block, place = _block_of(stretch, minute)
        return self._minutes(stretch, block)[place]

    def leaf(self, stretch: Stretch, leaf: int) -> Node:
        """Give a 5-second leaf by its number within the stretch."""
        minute, place = divmod(leaf, _LEAVES_A_MINUTE)
        return self._leaves(stretch, minute)[place]

    def second(self, stretch: Stretch, second: int) -> tuple[Node, int]:
        """Give a second by its number within the stretch, with its sum of price times size."""
        leaf, place = divmod(second, LEAF_MS // SECOND_MS)
        return self._seconds(stretch, leaf)[place]

    def half_price(self, half_ticks: int) -> Decimal:
        """Give a number of half ticks in money, on the tick where it can be."""
        ticks, half = divmod(half_ticks, 2)
        return self.tick * ticks + self.tick / 2 if half else self.tick * ticks

    def newest_tick(self, stretch: Stretch, at: Millis) -> tuple[Millis, Tick] | None:
        """Give the last print of a stretch at or before ``at``, with its time."""
        if stretch.node.trades == 0 or at < stretch.start:
            return None
        leaf = (min(at, stretch.end - 1) - stretch.start) // LEAF_MS
        start = stretch.start + leaf * LEAF_MS
        for tick in reversed(self.ticks(stretch, leaf)):
            if start + tick.offset <= at:
                return start + tick.offset, tick
        traded = self._traded_before(stretch, leaf)
        if traded is None:
            return None
        tick = self.ticks(stretch, traded)[-1]
        return stretch.start + traded * LEAF_MS + tick.offset, tick

    def _traded_before(self, stretch: Stretch, leaf: int) -> int | None:
        """Give the last leaf before ``leaf`` in which there was a trade."""
        minute, place = divmod(leaf, _LEAVES_A_MINUTE)
        if (found := _last_traded(self._leaves(stretch, minute), place)) is None:
            earlier = self._traded_minute_before(stretch, minute)
            if earlier is None:
                return None
            minute, leaves = earlier, self._leaves(stretch, earlier)
            found = _last_traded(leaves, len(leaves))
        return minute * _LEAVES_A_MINUTE + (found or 0)

    def _traded_minute_before(self, stretch: Stretch, minute: int) -> int | None:
        block, place = _block_of(stretch, minute)
        if (found := _last_traded(self._minutes(stretch, block), place)) is None:
            earlier = _last_traded(self.blocks(stretch), block)
            if earlier is None:
                return None
            block, minutes = earlier, self._minutes(stretch, earlier)
            found = _last_traded(minutes, len(minutes))
        return stretch.grid.starts[block] // MINUTE_MS + (found or 0)

    def _make_blocks(self, stretch: Stretch) -> tuple[Node, ...]:
        return split(stretch.node, stretch.grid.blocks)

    def _make_minutes(self, stretch: Stretch, block: int) -> tuple[Node, ...]:
        return split(self.blocks(stretch)[block], stretch.grid.minutes[block])

    def _make_leaves(self, stretch: Stretch, minute: int) -> tuple[Node, ...]:
        return split(self.minute(stretch, minute), Weights.even(_LEAVES_A_MINUTE))

    def _make_ticks(self, stretch: Stretch, leaf: int) -> tuple[Tick, ...]:
        return ticks_of(self.leaf(stretch, leaf))

    def _make_seconds(self, stretch: Stretch, leaf: int) -> tuple[tuple[Node, int], ...]:
        return seconds_of(self.leaf(stretch, leaf), self.ticks(stretch, leaf))


def block_at(stretch: Stretch, after_start: int) -> int:
    """Give the number of the block at so many milliseconds after the stretch's start."""
    return (after_start + stretch.start % BLOCK_MS) // BLOCK_MS


def _block_of(stretch: Stretch, minute: int) -> tuple[int, int]:
    """Give the block of a stretch's minute, and the minute's place in it."""
    block = block_at(stretch, minute * MINUTE_MS)
    return block, minute - stretch.grid.starts[block] // MINUTE_MS


def _last_traded(nodes: Sequence[Node], before: int) -> int | None:
    return next((place for place in range(before - 1, -1, -1) if nodes[place].trades), None)
