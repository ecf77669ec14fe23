"""Bars of any size from the path of one listing.

At home here: which stretch of time a bar covers, and adding up the path within it. Buckets are
aligned to midnight on the market's own clocks and cut at the edges of the session, so the hour bars
of a regular session are stamped 09:30, 10:00, 11:00. Every size is made of the largest parts of
the path that fit into it, and is what adding up the smaller ones would give.

The volume-weighted average price is exact, from the prints, in bars below one minute. From one
minute on it is that of the parts (minutes, half hours, stretches), each taken at the mean of its
open, high, low and close.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from apps.domain.errors import InvalidInput
from apps.paper.feed.activity import BLOCK_MS, MINUTE_MS
from apps.paper.feed.days import Stretch
from apps.paper.feed.market import BarSource, MarketBar, Millis
from apps.paper.feed.node import Node
from apps.paper.feed.path import Path, block_at
from apps.paper.feed.tape import LEAF_MS, SECOND_MS, money_of
from apps.paper.hours.calendar import CalendarName, Session, midnight_before, sessions

__all__ = ["BarMaker", "buckets"]

_DAY_MS = 86_400_000

_NOT_TRADES = -1
"""What IB puts into volume, average price and count of bars that are not made of trades."""

_FINENESS = 1_000
"""Average prices are whole thousandths of a tick, rounded down."""

_SESSIONS_KEPT = 64
_midnight = lru_cache(maxsize=_SESSIONS_KEPT)(midnight_before)


class _Piece(NamedTuple):
    """A part of the path that goes into a bar as a whole.

    ``money`` is four times the sum of price times size, in ticks: so that the mean of four
    prices stays a whole number.
    """

    node: Node
    money: int
    stretch: Stretch


class BarMaker:
    """The bars of one listing. An index ``counts_volume`` not, though its value changes."""

    def __init__(self, path: Path, calendar: CalendarName, *, counts_volume: bool) -> None:
        self._path = path
        self._calendar = calendar
        self._counts_volume = counts_volume

    def bars(
        self, source: BarSource, seconds: int, start: Millis, end: Millis, *, regular_only: bool
    ) -> list[MarketBar]:
        """Give the bars that start in ``[start, end)``. Raises `InvalidInput` for odd sizes."""
        if seconds < 1 or _DAY_MS % (seconds * SECOND_MS):
            raise InvalidInput(f"a bar of {seconds} s does not divide a day; ask for another size")
        make = self._of_trades if source is BarSource.TRADES else self._of_quotes
        made = []
        for session in sessions(self._calendar, start, end):
            edges = session.regular if regular_only else (session.start, session.end)
            for opens, closes in buckets(self._calendar, session, edges, seconds, (start, end)):
                pieces = self._pieces(session, seconds, opens, closes)
                made.append(make(source, opens, seconds, pieces))
        return made

    def _pieces(
        self, session: Session, seconds: int, opens: Millis, closes: Millis
    ) -> list[_Piece]:
        """Give the largest parts of the path that make up a bar, oldest first."""
        pieces: list[_Piece] = []
        for stretch in self._path.days.stretches(session):
            if stretch.start >= closes or stretch.end <= opens:
                continue
            start = max(opens, stretch.start) - stretch.start
            end = min(closes, stretch.end) - stretch.start
            pieces += self._pieces_of(stretch, seconds * SECOND_MS, start, end)
        return pieces

    def _pieces_of(
        self, stretch: Stretch, size: int, start: Millis, end: Millis
    ) -> Iterator[_Piece]:
        path = self._path
        if size == _DAY_MS:
            yield _roughly(stretch.node, stretch)
        elif size % BLOCK_MS == 0:
            first = block_at(stretch, start)
            for node in path.blocks(stretch)[first : block_at(stretch, end - 1) + 1]:
                yield _roughly(node, stretch)
        elif size % MINUTE_MS == 0:
            for minute in range(start // MINUTE_MS, end // MINUTE_MS):
                yield _roughly(path.minute(stretch, minute), stretch)
        elif size % LEAF_MS == 0:
            for leaf in range(start // LEAF_MS, end // LEAF_MS):
                money = 4 * money_of(path.ticks(stretch, leaf))
                yield _Piece(path.leaf(stretch, leaf), money, stretch)
        else:
            for second in range(start // SECOND_MS, end // SECOND_MS):
                node, money = path.second(stretch, second)
                yield _Piece(node, 4 * money, stretch)

    def _of_trades(
        self, _source: BarSource, start: Millis, seconds: int, pieces: list[_Piece]
    ) -> MarketBar:
        price = self._path.price
        if len(pieces) == 1:
            node, money, _ = pieces[0]
            high, low, volume, count = node.high, node.low, node.volume, node.trades
        else:
            high = max(piece.node.high for piece in pieces)
            low = min(piece.node.low for piece in pieces)
            volume = sum(piece.node.volume for piece in pieces)
            count = sum(piece.node.trades for piece in pieces)
            money = sum(piece.money for piece in pieces)
        close = pieces[-1].node.close
        return MarketBar(
            start,
            seconds,
            price(pieces[0].node.open),
            price(high),
            price(low),
            price(close),
            volume if self._counts_volume else 0,
            self._average(money, volume) if volume else price(close),
            count,
        )

    def _average(self, money: int, volume: int) -> Decimal:
        return self._path.tick * (money * _FINENESS // (4 * volume)) / _FINENESS

    def _of_quotes(
        self, source: BarSource, start: Millis, seconds: int, pieces: list[_Piece]
    ) -> MarketBar:
        shifts = [_half_ticks_from_trades(source, piece.stretch) for piece in pieces]
        nodes = [piece.node for piece in pieces]
        shifted = list(zip(nodes, shifts, strict=True))
        return MarketBar(
            start,
            seconds,
            self._path.half_price(2 * nodes[0].open + shifts[0]),
            self._path.half_price(max(2 * node.high + shift for node, shift in shifted)),
            self._path.half_price(min(2 * node.low + shift for node, shift in shifted)),
            self._path.half_price(2 * nodes[-1].close + shifts[-1]),
            _NOT_TRADES,
            Decimal(_NOT_TRADES),
            _NOT_TRADES,
        )


def buckets(
    calendar: CalendarName,
    session: Session,
    edges: tuple[Millis, Millis],
    seconds: int,
    asked: tuple[Millis, Millis],
) -> Iterator[tuple[Millis, Millis]]:
    """Yield the stretches of time of the bars that start within what was asked for.

    ``edges`` are those of the session, or of its regular hours.
    """
    size = seconds * SECOND_MS
    first, last = edges
    if size == _DAY_MS:
        if asked[0] <= first < asked[1]:
            yield edges
        return
    # of the day on which it ends: clocks change early on a Sunday, before the session starts
    midnight = _midnight(calendar, session.end - 1)
    opens = first if asked[0] <= first else asked[0] + (midnight - asked[0]) % size
    last_start = min(last, asked[1])
    while opens < last_start:
        closes = min(last, opens + size - (opens - midnight) % size)
        yield opens, closes
        opens = closes


def _roughly(node: Node, stretch: Stretch) -> _Piece:
    """Take a whole part at the mean of its four prices."""
    return _Piece(node, (node.open + node.high + node.low + node.close) * node.volume, stretch)


def _half_ticks_from_trades(source: BarSource, stretch: Stretch) -> int:
    """Give how far from the prints a quote stands, throughout a stretch."""
    bid = -2 * stretch.above_bid
    return {
        BarSource.BID: bid,
        BarSource.ASK: bid + 2 * stretch.spread,
        BarSource.MIDPOINT: bid + stretch.spread,
    }[source]
