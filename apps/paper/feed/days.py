"""The trading days of one listing: each as up to three stretches of whole numbers.

At home here: where a day opens and closes, what happened before and after regular hours, how much
was traded and how wide the touch is. What goes on within a stretch is made by splitting it
(`apps.paper.feed.path`). Prices are counted in ticks.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from math import exp, sqrt

from apps.paper.feed.activity import (
    BLOCK_MS,
    MINUTE_MS,
    Grid,
    Part,
    grid,
    shares_of,
    volume_share,
)
from apps.paper.feed.chance import BURST, DRAW_BITS, DRAW_MASK, NORMAL, STEP, mix
from apps.paper.feed.levels import DayLevels, weekday_number
from apps.paper.feed.market import Millis
from apps.paper.feed.node import Node, shaped
from apps.paper.hours.calendar import Session, next_session, previous_session
from apps.paper.instruments.listing import Listing

__all__ = ["Stretch", "TradingDays"]

_DAYS_KEPT = 64

_PART_NUMBERS = {part: number for number, part in enumerate(Part)}

_LONGEST_DAY_MS = 12 * 60 * MINUTE_MS
"""Stretches that last longer go around the clock, or through the night."""

_EXTENDED_SPREAD = 3
"""Before and after the regular hours of a day the touch is this many times as wide."""

_FARTHEST = 10
"""Prices stay within this factor of the reference, whatever drift and chance add up to."""

_FEWEST_TRADES = 4
"""Regular hours have these even on the quietest day: open, high, low and close."""


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """A part of a trading day ``[start, end)``, split by its ``grid``.

    The touch is ``spread`` ticks wide, and prints stand ``above_bid`` ticks above the bid: one
    place for the whole stretch, so that bars of bids and asks follow from those of trades.
    """

    part: Part
    start: Millis
    end: Millis
    node: Node
    grid: Grid
    spread: int
    above_bid: int


class TradingDays:
    """The days of one listing under one seed; kept for a while, never needed to be."""

    def __init__(self, seed: int, listing: Listing) -> None:
        key = mix(mix(seed * STEP) + listing.con_id * STEP)
        leader = listing.market.moves_with or listing.con_id
        self.tick = listing.ticks.increment_at(listing.market.reference)
        self._key = key
        self._calendar = listing.calendar
        self._character = listing.market
        self._shares = dict(shares_of(listing.calendar))
        self._levels = DayLevels(mix(mix(~seed * STEP) + leader * STEP), listing.market)
        self._lowest, self._highest = _reach(listing, self.tick)
        self.stretches = lru_cache(maxsize=_DAYS_KEPT)(self._make_day)
        self._before = lru_cache(maxsize=_DAYS_KEPT)(self._make_before)
        self._after = lru_cache(maxsize=_DAYS_KEPT)(self._make_after)
        self._night = lru_cache(maxsize=_DAYS_KEPT)(self._make_night)

    def close(self, session: Session) -> int:
        """Give the last price of regular hours."""
        return self._rounded(self._levels.log_close(weekday_number(session.day)))

    def _make_day(self, session: Session) -> tuple[Stretch, ...]:
        opens, closes = session.regular
        made = []
        if session.start < opens:
            before = Part.OVERNIGHT if opens - session.start > _LONGEST_DAY_MS else Part.BEFORE
            made.append(self._stretch(before, session.start, opens, self._before(session)))
        regular = Part.AROUND if closes - opens > _LONGEST_DAY_MS else Part.REGULAR
        made.append(self._stretch(regular, opens, closes, self._regular(session)))
        if closes < session.end:
            made.append(self._stretch(Part.AFTER, closes, session.end, self._after(session)))
        return tuple(made)

    def _stretch(self, part: Part, start: Millis, end: Millis, node: Node) -> Stretch:
        spread = self._character.spread_ticks
        if part in {Part.BEFORE, Part.AFTER}:
            spread *= _EXTENDED_SPREAD
        odd_side = mix(self._key ^ start) & 1 if spread % 2 else 0
        layout = grid(part, end - start, start % BLOCK_MS)
        return Stretch(part, start, end, node, layout, spread, spread // 2 + odd_side)

    def _make_before(self, session: Session) -> Node:
        _, first, last = self._night(session)
        previous = self._close_of_day_before(session)
        return self._node(session, Part.BEFORE, previous, (first, last))

    def _regular(self, session: Session) -> Node:
        _, _, opens = self._night(session)
        if session.start < session.regular[0]:
            previous = self._before(session).close
        else:
            previous = self._close_of_day_before(session)
        ends = (opens, self.close(session))
        return self._node(session, Part.REGULAR, previous, ends)

    def _make_after(self, session: Session) -> Node:
        last, _, _ = self._night(next_session(self._calendar, session.start))
        close = self.close(session)
        return self._node(session, Part.AFTER, close, (close, last))

    def _close_of_day_before(self, session: Session) -> int:
        day_before = previous_session(self._calendar, session.start)
        if day_before.regular[1] < day_before.end:
            return self._after(day_before).close
        return self.close(day_before)

    def _node(self, session: Session, part: Part, previous: int, ends: tuple[int, int]) -> Node:
        key = mix(self._key + session.start * STEP + _PART_NUMBERS[part])
        draws = mix(key)
        of_variance, of_volume = self._shares[part]
        restless = BURST[(draws >> DRAW_BITS) & DRAW_MASK]
        variance = ends[1] ** 2 * self._levels.day_variance * of_variance * restless
        usual = self._character.volume * volume_share(self._calendar, session)
        volume = int(usual * of_volume * BURST[draws & DRAW_MASK])
        trades = volume // self._character.trade_size
        if part is Part.REGULAR:
            trades = max(_FEWEST_TRADES, trades)
        node = shaped(key, variance, previous, ends, volume, trades)
        if trades == 0:
            return node
        return node._replace(high=min(node.high, self._highest), low=max(node.low, self._lowest))

    def _make_night(self, session: Session) -> tuple[int, int, int]:
        """Give where the last evening ended, and where this day begins and opens.

        Points of a Brownian bridge from the last close to this one, at the fractions of variance
        that the evening, the night and the morning have.
        """
        number = weekday_number(session.day)
        day_before = previous_session(self._calendar, session.start)
        level = self._levels.log_close(weekday_number(day_before.day))
        goal = self._levels.log_close(number)
        evening, morning = self._shares[Part.AFTER].variance, self._shares[Part.BEFORE].variance
        night = 1 - evening - morning - self._shares[Part.REGULAR].variance
        draws = mix(self._key ^ mix(number))
        points, left = [], 1.0
        for share in (evening, night, morning):
            draws >>= DRAW_BITS
            deviation = sqrt(self._levels.day_variance * share * (left - share) / left)
            level += (goal - level) * share / left + NORMAL[draws & DRAW_MASK] * deviation
            left -= share
            points.append(self._rounded(level))
        return points[0], points[1], points[2]

    def _rounded(self, log_price: float) -> int:
        return min(self._highest, max(self._lowest, round(exp(log_price) / float(self.tick))))


def _reach(listing: Listing, tick: Decimal) -> tuple[int, int]:
    """Give the lowest and highest price in ticks: one band of the market rule, and sensible."""
    reference = listing.market.reference
    lowest, highest = reference / _FARTHEST, reference * _FARTHEST
    for band in listing.ticks.bands:
        if band.low_edge <= reference:
            lowest = max(lowest, band.low_edge)
        else:
            highest = min(highest, band.low_edge)
    return max(1, int(lowest / tick) + 1), int(highest / tick) - 1
