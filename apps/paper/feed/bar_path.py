"""The path that a file's bars leave open, filled in: bar to minutes, to 5-second leaves, to prints.

A bar of the file says where the path begins and ends, how far it goes, and what was traded. What
lies between follows from that and from the bar's time alone:

- the first price, the high, the low and the last get a place each. The nearer an extreme is to the
  open rather than to the close, the earlier it tends to be: mostly O-H-L-C when the bar falls and
  O-L-H-C when it rises, as most replays have it;
- between those places it wanders (a Brownian bridge), inside the bar's range;
- trades and volume go to the minutes in proportion to time, a day's as a day's activity goes, with
  bursts; in a leaf at most eight prints, of sizes that add up to the bar's volume.

The splitting is that of the made-up market (`splitting`, `tape`): the parts add up to the bar
exactly, so whatever size of bars is read, they are those of the prints.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from apps.paper.feed.activity import BLOCK_MS, MINUTE_MS, Part, grid
from apps.paper.feed.bar_spans import Span
from apps.paper.feed.market import Millis
from apps.paper.feed.node import Node
from apps.paper.feed.splitting import Weights, split
from apps.paper.feed.tape import LEAF_MS, Tick, ticks_of

__all__ = ["BarPath", "Sum", "Tape"]

_CHUNK_LEAVES = MINUTE_MS // LEAF_MS
_LONG_MS = 2 * 3_600_000
"""Bars that last longer are spread like a day's activity."""

_LONGEST_DAY_MS = 12 * 3_600_000
_CHUNKS_KEPT, _LEAVES_KEPT, _TICKS_KEPT = 64, 64, 128


class Tape(NamedTuple):
    """A print with its time."""

    at: Millis
    tick: Tick


class Sum(NamedTuple):
    """Prints added up, in ticks. ``money`` is four times the sum of price times size."""

    open: int
    high: int
    low: int
    close: int
    volume: int
    trades: int
    money: int


class BarPath:
    """The path of one listing, of at least one span."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self.start, self.end = spans[0].start, spans[-1].end
        self._spans = spans
        self._starts = [span.start for span in spans]
        self._chunks = lru_cache(maxsize=_CHUNKS_KEPT)(self._make_chunks)
        self._leaves = lru_cache(maxsize=_LEAVES_KEPT)(self._make_leaves)
        self._ticks = lru_cache(maxsize=_TICKS_KEPT)(self._make_ticks)

    @property
    def first_price(self) -> int:
        """The price at which the path begins."""
        return self._spans[0].node.open

    def has_spans(self, start: Millis, end: Millis) -> bool:
        """Tell whether there is anything of the file in ``[start, end)``."""
        return next(self._within(start, end), None) is not None

    def newest(self, at: Millis) -> Tape | None:
        """Give the last print at or before ``at``; None before the first."""
        number = bisect_right(self._starts, at) - 1
        while number >= 0:
            start, end, _ = self._spans[number]
            leaf = (min(at, end - 1) - start) // LEAF_MS
            while leaf >= 0:
                for tape in reversed(self._ticks(number, leaf)):
                    if tape.at <= at:
                        return tape
                leaf = self._traded_before(number, leaf)
            number -= 1
        return None

    def tape(self, start: Millis, end: Millis) -> Iterator[Tape]:
        """Yield the prints in ``[start, end)``, oldest first."""
        for number in self._within(start, end):
            span = self._spans[number]
            first = (max(start, span.start) - span.start) // LEAF_MS
            last = -(-(min(end, span.end) - span.start) // LEAF_MS)
            for leaf in range(first, last):
                yield from (each for each in self._ticks(number, leaf) if start <= each.at < end)

    def exact_sum(self, start: Millis, end: Millis) -> Sum | None:
        """Add up the prints in ``[start, end)``; None when there are none."""
        return _sum(
            Sum(price, price, price, price, size, trades, 4 * price * size)
            for _, (_, price, size, trades) in self.tape(start, end)
        )

    def rough_sum(self, start: Millis, end: Millis) -> Sum | None:
        """Give the same from the largest parts that fit, each at the mean of its four prices."""
        return _sum(
            Sum(
                node.open,
                node.high,
                node.low,
                node.close,
                node.volume,
                node.trades,
                (node.open + node.high + node.low + node.close) * node.volume,
            )
            for node in self._nodes(start, end)
            if node.trades
        )

    def _within(self, start: Millis, end: Millis) -> Iterator[int]:
        """Yield the numbers of the spans of which some part lies in ``[start, end)``."""
        number = max(0, bisect_right(self._starts, start) - 1)
        while number < len(self._spans) and self._starts[number] < end:
            if self._spans[number].end > start:
                yield number
            number += 1

    def _nodes(self, start: Millis, end: Millis) -> Iterator[Node]:
        """Yield the parts that make up ``[start, end)``, which is of whole leaves."""
        for number in self._within(start, end):
            span = self._spans[number]
            if start <= span.start and span.end <= end:
                yield span.node
                continue
            first = (max(start, span.start) - span.start) // LEAF_MS
            last = (min(end, span.end) - span.start) // LEAF_MS
            yield from self._parts(number, first, last)

    def _parts(self, number: int, first: int, last: int) -> Iterator[Node]:
        """Yield the chunks and leaves from leaf ``first`` to before ``last``."""
        leaf = first
        while leaf < last:
            chunk, place = divmod(leaf, _CHUNK_LEAVES)
            leaves = self._leaves(number, chunk)
            if place == 0 and leaf + len(leaves) <= last:
                yield self._chunks(number)[chunk]
                leaf += len(leaves)
            else:
                yield leaves[place]
                leaf += 1

    def _traded_before(self, number: int, leaf: int) -> int:
        """Give the last leaf before ``leaf`` in which there was a trade; −1 when there is none."""
        chunk, place = divmod(leaf, _CHUNK_LEAVES)
        chunks = self._chunks(number)
        while chunk >= 0:
            if chunks[chunk].trades:
                leaves = self._leaves(number, chunk)
                for earlier in range(min(place, len(leaves)) - 1, -1, -1):
                    if leaves[earlier].trades:
                        return chunk * _CHUNK_LEAVES + earlier
            chunk, place = chunk - 1, _CHUNK_LEAVES
        return -1

    def _make_chunks(self, number: int) -> tuple[Node, ...]:
        span = self._spans[number]
        lengths = _chunk_lengths(span)
        if len(lengths) == 1:
            return (span.node,)
        return split(span.node, _weights(span, lengths))

    def _make_leaves(self, number: int, chunk: int) -> tuple[Node, ...]:
        count = _chunk_lengths(self._spans[number])[chunk]
        node = self._chunks(number)[chunk]
        return (node,) if count == 1 else split(node, Weights.even(count))

    def _make_ticks(self, number: int, leaf: int) -> tuple[Tape, ...]:
        chunk, place = divmod(leaf, _CHUNK_LEAVES)
        start = self._spans[number].start + leaf * LEAF_MS
        ticks = ticks_of(self._leaves(number, chunk)[place])
        return tuple(Tape(start + tick.offset, tick) for tick in ticks)


def _chunk_lengths(span: Span) -> list[int]:
    """Give how many leaves each chunk has: twelve, the last one what is left."""
    whole, rest = divmod((span.end - span.start) // LEAF_MS, _CHUNK_LEAVES)
    return [_CHUNK_LEAVES] * whole + [rest] * (rest > 0)


def _weights(span: Span, lengths: Sequence[int]) -> Weights:
    length = span.end - span.start
    if length <= _LONG_MS or length % MINUTE_MS or span.start % MINUTE_MS:
        return Weights.of(lengths)
    part = Part.REGULAR if length <= _LONGEST_DAY_MS else Part.AROUND
    by_block = grid(part, length, span.start % BLOCK_MS)
    shares = zip(by_block.blocks.each, by_block.minutes, strict=True)
    return Weights.of([block * minute for block, minutes in shares for minute in minutes.each])


def _sum(parts: Iterator[Sum]) -> Sum | None:
    whole = next(parts, None)
    if whole is None:
        return None
    opens, high, low, close, volume, trades, money = whole
    for part in parts:
        high, low, close = max(high, part.high), min(low, part.low), part.close
        volume, trades, money = volume + part.volume, trades + part.trades, money + part.money
    return Sum(opens, high, low, close, volume, trades, money)
