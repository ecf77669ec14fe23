"""Rows of a file as stretches of one listing's market: on its ticks, within its hours.

At home here: how long a bar lasts, what a row means on this instrument, and what is missing. What
goes on within a stretch is made by splitting it (`apps.paper.feed.bar_path`).

A bar lasts as long as the file's bars do, but never into the next one, nor past the end of its
session; one that begins in regular hours ends with them, unless bars of the hours after follow. A
bar of a day is that of its regular hours. Rows without a trade, and rows outside the calendar's
sessions, are no market: they are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import groupby, zip_longest
from math import log
from operator import itemgetter
from typing import NamedTuple
from zoneinfo import ZoneInfo

from apps.domain.errors import InvalidInput
from apps.paper.feed.bar_file import DAY_S, BarFile, BarRow
from apps.paper.feed.bar_source import GapPolicy
from apps.paper.feed.chance import STEP, mix
from apps.paper.feed.market import Millis
from apps.paper.feed.node import Node, trades_needed
from apps.paper.hours.calendar import Session, session_at, session_on, sessions
from apps.paper.instruments.listing import Listing, SecType

__all__ = ["Span", "Spans", "spans_of"]

_UNTRADED = frozenset({SecType.FOREX, SecType.INDEX})
"""Quoted or computed: the prints are changes, and need no volume."""

_RANGE_TO_VARIANCE = 1 / (4 * log(2))
"""Parkinson 1980: the variance that a range lets expect is its square times this."""

_CHANGES = 40
"""How many changes there are in a bar of what is not traded."""


class Span(NamedTuple):
    """The market from ``start`` until ``end``: what a row says, as a node of the path."""

    start: Millis
    end: Millis
    node: Node


@dataclass(frozen=True, slots=True)
class Spans:
    """A file on a listing: ``tick`` is the size of what nodes count. ``notices`` are sentences."""

    tick: Decimal
    spans: tuple[Span, ...]
    notices: tuple[str, ...] = ()


class _Placed(NamedTuple):
    """A row, when it begins, and in which session."""

    row: BarRow
    start: Millis
    session: Session


def spans_of(file: BarFile, listing: Listing, gaps: GapPolicy = GapPolicy.HALT) -> Spans:
    """Give the stretches that a file's rows are, oldest first.

    Raises InvalidInput when nothing of it lies in the listing's hours, or a row cannot be of it.
    """
    if not file.has_volume and listing.sec_type not in _UNTRADED:
        raise InvalidInput(f"{file.path}, line 1: there is no column volume.")
    within = list(_placed(file, listing))
    placed = [each for each in within if _has_traded(file, listing, each.row)]
    if not placed:
        raise InvalidInput(
            f"{file.path} has no bar that was traded within the hours of {listing.symbol}."
        )
    tick = listing.ticks.increment_at(min(each.row.low for each in placed))
    spans = tuple(_spans(file, listing, placed, tick))
    missing = _missing(listing, spans, [each.session for each in placed])
    if missing and gaps is GapPolicy.REFUSE:
        raise InvalidInput(f"{file.path}: {missing}; fill it, or let a gap be a halt.")
    counts = (
        (len(file.rows) - len(within), "lie outside trading hours and are left out"),
        (
            sum(_is_off_tick(each.row, tick) for each in placed),
            f"are not on the tick of {tick:f} and are rounded to it",
        ),
    )
    notices = [
        f"{file.path}: {count} of {len(file.rows)} bars {what}." for count, what in counts if count
    ]
    if missing:
        notices.append(f"{file.path}: {missing}: nothing trades there.")
    return Spans(tick, spans, tuple(notices))


def _placed(file: BarFile, listing: Listing) -> Iterator[_Placed]:
    """Yield the rows that lie in a session."""
    session = None
    for row in file.rows:
        if file.seconds == DAY_S:
            day = _day(file, listing, row)
            session = session_on(listing.calendar, day)
            if session.day == day:
                yield _Placed(row, session.regular[0], session)
            continue
        if session is None or not session.start <= row.start < session.end:
            session = session_at(listing.calendar, row.start)
        if session is not None:
            yield _Placed(row, row.start, session)


def _day(file: BarFile, listing: Listing, row: BarRow) -> date:
    zone = UTC if file.is_dated else ZoneInfo(listing.time_zone)
    return datetime.fromtimestamp(row.start / 1000, zone).date()


def _has_traded(file: BarFile, listing: Listing, row: BarRow) -> bool:
    """Tell whether anything happened in a row. Raises InvalidInput when it cannot have."""
    if row.volume or listing.sec_type in _UNTRADED:
        return True
    if row.high > row.low:
        raise InvalidInput(
            f"{file.path}, line {row.line}, column volume: prices moved without any volume."
        )
    return False


def _spans(
    file: BarFile, listing: Listing, placed: Sequence[_Placed], tick: Decimal
) -> Iterator[Span]:
    previous = _ticks(placed[0].row.open, tick)
    for each, following in zip_longest(placed, placed[1:]):
        node = _node(file, listing, each, tick, previous)
        previous = node.close
        yield Span(each.start, _end(file, each, following), node)


def _end(file: BarFile, placed: _Placed, following: _Placed | None) -> Millis:
    opens, closes = placed.session.regular
    if file.seconds == DAY_S:
        return closes
    end = min(placed.start + file.seconds * 1000, placed.session.end)
    if following is not None and following.session == placed.session:
        return min(end, following.start)
    return closes if opens <= placed.start < closes < end else end


def _node(file: BarFile, listing: Listing, placed: _Placed, tick: Decimal, previous: int) -> Node:
    row = placed.row
    opens, high, low, close = (
        _ticks(price, tick) for price in (row.open, row.high, row.low, row.close)
    )
    variance = max(1.0, (high - low) ** 2 * _RANGE_TO_VARIANCE)
    key = mix(listing.con_id * STEP + placed.start)
    node = Node(key, variance, previous, opens, high, low, close, row.volume, 0)
    needed = trades_needed(node)
    if listing.sec_type in _UNTRADED:
        trades = max(needed, row.trades or _CHANGES)
        return node._replace(volume=trades, trades=trades)
    if row.volume < needed:
        raise InvalidInput(
            f"{file.path}, line {row.line}, column volume: {row.volume} cannot have made "
            f"{needed} prices; it is meant in shares or contracts, not in lots."
        )
    usual = row.trades or row.volume // listing.market.trade_size
    return node._replace(trades=min(row.volume, max(needed, usual)))


def _ticks(price: Decimal, tick: Decimal) -> int:
    return max(1, int((price / tick).to_integral_value(ROUND_HALF_EVEN)))


def _is_off_tick(row: BarRow, tick: Decimal) -> bool:
    return any(price % tick for price in (row.open, row.high, row.low, row.close))


def _missing(listing: Listing, spans: Sequence[Span], held: Sequence[Session]) -> str:
    """Say what of the regular hours between the first and the last bar is missing, '' if nothing.

    ``held`` are the sessions of the spans.
    """
    first, last = spans[0].start, spans[-1].end
    holes: list[tuple[Millis, Millis]] = []
    days = 0
    for session, group in groupby(zip(held, spans, strict=True), key=itemgetter(0)):
        days += 1
        edges = max(session.regular[0], first), min(session.regular[1], last)
        holes += _holes(edges, [span for _, span in group])
    missing_days = len(sessions(listing.calendar, first, last)) - days
    said = []
    if holes:
        longest, at = max((closes - opens, opens) for opens, closes in holes)
        moment = datetime.fromtimestamp(at / 1000, UTC)
        said.append(
            f"there is a gap of {longest // 1000} s at {moment:%Y-%m-%dT%H:%M:%SZ}"
            + (f", the longest of {len(holes)}" if len(holes) > 1 else "")
        )
    if missing_days:
        said.append(f"the bars of {missing_days} trading days are missing")
    return " and ".join(said)


def _holes(edges: tuple[Millis, Millis], spans: Sequence[Span]) -> Iterator[tuple[Millis, Millis]]:
    """Yield what of the time between ``edges`` no span covers."""
    at, closes = edges
    for span in spans:
        if at < min(span.start, closes):
            yield at, min(span.start, closes)
        at = max(at, span.end)
    if at < closes:
        yield at, closes
