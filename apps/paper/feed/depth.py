"""A book of several levels around the touch, and the messages that keep a copy of it right.

Pure and without a seed: the best prices and sizes are the market's touch; what stands behind them
follows from the listing, the price and the time alone. A level keeps its size for some seconds,
unless it becomes the touch.

A row is a level of one venue's book, or the part of a level that one venue shows of a book merged
from several. The parts of the best level add up to the touch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum

from apps.paper.feed.chance import DRAW_BITS, DRAW_MASK, EXPONENTIAL, STEP, mix
from apps.paper.feed.market import Millis, Touch
from apps.paper.instruments.listing import Listing, SecType

__all__ = [
    "BookSide",
    "Change",
    "DepthBook",
    "Operation",
    "Row",
    "apply",
    "book_of",
    "changes",
    "touch_rows",
]


class BookSide(IntEnum):
    """The sides of a book; the value is the wire's."""

    ASK = 0
    BID = 1


class Operation(IntEnum):
    """What happens to a row; the value is the wire's."""

    INSERT = 0
    UPDATE = 1
    DELETE = 2


@dataclass(frozen=True, slots=True)
class Row:
    """A price, how many are offered there, and by which venue ('' for a book of one venue)."""

    price: Decimal
    size: int
    venue: str = ""


@dataclass(frozen=True, slots=True)
class DepthBook:
    """Both sides, the best row first."""

    bids: tuple[Row, ...] = ()
    asks: tuple[Row, ...] = ()

    def side(self, side: BookSide) -> tuple[Row, ...]:
        """Give the rows of one side."""
        return self.bids if side is BookSide.BID else self.asks


@dataclass(frozen=True, slots=True)
class Change:
    """One message: what happens at a position of a side; a deletion carries the row that goes."""

    side: BookSide
    operation: Operation
    position: int
    row: Row


_ONE_IN_EMPTY = 4
"""One price in four behind the touch has no orders."""

_SPELL_MS = 1_000
_MOST_DOUBLINGS = 4
"""A level keeps its size for 1, 2, 4 or 8 seconds."""

_TRADES_A_LEVEL = 6
"""A level behind the touch holds so many average trades: about twice what the touch does."""

_FEWEST_LOTS = 4.0

_MOST_VENUES = 3
_ROUND_LOTS = {SecType.STOCK: 100, SecType.FOREX: 1_000_000}


def book_of(
    listing: Listing, touch: Touch, at: Millis, rows: int, venues: Sequence[str] = ()
) -> DepthBook:
    """Give the book at ``at``: at most ``rows`` a side, split over ``venues`` if there are any.

    A side without a price or size has no rows, and bids end above zero.
    """
    return DepthBook(
        tuple(_side(listing, BookSide.BID, touch.bid, touch.bid_size, at, rows, venues)),
        tuple(_side(listing, BookSide.ASK, touch.ask, touch.ask_size, at, rows, venues)),
    )


def touch_rows(listing: Listing, touch: Touch, at: Millis, venues: Sequence[str]) -> DepthBook:
    """Give the best level only of `book_of`: who is at the touch."""
    return DepthBook(
        tuple(_best(listing, BookSide.BID, touch.bid, touch.bid_size, at, venues)),
        tuple(_best(listing, BookSide.ASK, touch.ask, touch.ask_size, at, venues)),
    )


def changes(before: DepthBook, after: DepthBook) -> Iterator[Change]:
    """Give the fewest messages that turn one book into another, to be applied in this order."""
    for side in BookSide:
        yield from _side_changes(side, before.side(side), after.side(side))


def apply(book: DepthBook, messages: Iterable[Change]) -> DepthBook:
    """Do what a client does with the messages. Raises IndexError for a row that is not there."""
    sides = {side: list(book.side(side)) for side in BookSide}
    for message in messages:
        rows, position = sides[message.side], message.position
        if message.operation is Operation.INSERT:
            if position > len(rows):
                raise IndexError(f"no row at {position}")
            rows.insert(position, message.row)
        elif message.operation is Operation.UPDATE:
            rows[position] = message.row
        else:
            del rows[position]
    return DepthBook(tuple(sides[BookSide.BID]), tuple(sides[BookSide.ASK]))


def _side(
    listing: Listing,
    side: BookSide,
    best: Decimal,
    best_size: int,
    at: Millis,
    rows: int,
    venues: Sequence[str],
) -> list[Row]:
    found = _best(listing, side, best, best_size, at, venues)
    if not found:
        return []
    for price in _prices_behind(listing, side, best):
        if len(found) >= rows:
            break
        key = _key(listing, side, price, at)
        found += _split(price, _size(listing, key), key, venues)
    return found[:rows]


def _best(
    listing: Listing, side: BookSide, price: Decimal, size: int, at: Millis, venues: Sequence[str]
) -> list[Row]:
    if price <= 0 or size <= 0:
        return []
    return _split(price, size, _key(listing, side, price, at), venues)


def _prices_behind(listing: Listing, side: BookSide, best: Decimal) -> Iterator[Decimal]:
    """Give the prices behind the best one at which there are orders, outward."""
    price = _next_price(listing, side, best)
    while price > 0:
        if _static_key(listing, side, price) % _ONE_IN_EMPTY:
            yield price
        price = _next_price(listing, side, price)


def _next_price(listing: Listing, side: BookSide, price: Decimal) -> Decimal:
    if side is BookSide.ASK:
        return price + listing.ticks.increment_at(price)
    # below the edge of a price band the tick is that of the band beneath
    smallest = listing.ticks.bands[0].increment
    return price - listing.ticks.increment_at(price - smallest)


def _split(price: Decimal, size: int, key: int, venues: Sequence[str]) -> list[Row]:
    """Divide a level among up to three venues, the largest part first."""
    if not venues:
        return [Row(price, size)]
    parts = min(1 + key % _MOST_VENUES, len(venues), size)
    first = (key >> DRAW_BITS) % len(venues)
    smaller, rest = divmod(size, parts)
    return [
        Row(price, smaller + (rest if part == 0 else 0), venues[(first + part) % len(venues)])
        for part in range(parts)
    ]


def _size(listing: Listing, key: int) -> int:
    lot = _ROUND_LOTS.get(listing.sec_type, 1)
    lots = max(_FEWEST_LOTS, _TRADES_A_LEVEL * listing.market.trade_size / lot)
    return lot * (1 + int(EXPONENTIAL[(key >> 2 * DRAW_BITS) & DRAW_MASK] * lots))


def _static_key(listing: Listing, side: BookSide, price: Decimal) -> int:
    """Give what is chance about a price of a side at all times."""
    units = int(price / listing.ticks.bands[0].increment)
    return mix(mix(listing.con_id * STEP + side) + units * STEP)


def _key(listing: Listing, side: BookSide, price: Decimal, at: Millis) -> int:
    """Give what is chance about it for some seconds."""
    always = _static_key(listing, side, price)
    spell_ms = _SPELL_MS << (always >> DRAW_BITS) % _MOST_DOUBLINGS
    spell = (at + always % spell_ms) // spell_ms
    return mix(always + spell * STEP)


def _side_changes(side: BookSide, before: Sequence[Row], after: Sequence[Row]) -> Iterator[Change]:
    """Align two sides: deletions from the last, then the rest from the first.

    In this order no position moves before it is used, and a side never grows beyond the longer
    of the two.
    """
    steps = _alignment(before, after)
    for old, new in reversed(steps):
        if new is None and old is not None:
            yield Change(side, Operation.DELETE, old, before[old])
    for old, new in steps:
        if new is None:
            continue
        if old is None:
            yield Change(side, Operation.INSERT, new, after[new])
        elif before[old] != after[new]:
            yield Change(side, Operation.UPDATE, new, after[new])


def _alignment(before: Sequence[Row], after: Sequence[Row]) -> list[tuple[int | None, int | None]]:
    """Pair rows for the fewest changes; None has no partner. What is equal at both ends stays."""
    shorter = min(len(before), len(after))
    head = 0
    while head < shorter and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < shorter - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    middle = _distance_steps(before[head : len(before) - tail], after[head : len(after) - tail])
    return [
        (None if old is None else old + head, None if new is None else new + head)
        for old, new in middle
    ]


def _distance_steps(
    before: Sequence[Row], after: Sequence[Row]
) -> list[tuple[int | None, int | None]]:
    """Give the steps of the least edit distance (Wagner and Fischer 1974), the first one first."""
    costs = [[*range(len(after) + 1)]]
    for old, row in enumerate(before):
        costs.append([old + 1])
        for new, other in enumerate(after):
            kept_or_updated = costs[old][new] + (row != other)
            costs[-1].append(min(kept_or_updated, costs[old][new + 1] + 1, costs[-1][new] + 1))
    steps: list[tuple[int | None, int | None]] = []
    old, new = len(before), len(after)
    while old or new:
        here = costs[old][new]
        if old and new and here == costs[old - 1][new - 1] + (before[old - 1] != after[new - 1]):
            old, new = old - 1, new - 1
            steps.append((old, new))
        elif old and here == costs[old - 1][new] + 1:
            old -= 1
            steps.append((old, None))
        else:
            new -= 1
            steps.append((None, new))
    return steps[::-1]
