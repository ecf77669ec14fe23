"""Where a run takes place: its day, its market's paths, and how its entry is filled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache

from apps.domain.orders import Side
from apps.paper.clock import millis_of
from apps.paper.exchange.orders import OrderKey, OrderSnapshot
from apps.paper.feed.market import Millis
from apps.paper.instruments.catalogue import Catalogue
from apps.paper.instruments.listing import Listing
from tests.chaos.market_path import Steps
from tests.chaos.plan import BY_HAND, SYMBOLS, Ending, Plan

__all__ = ["ACCOUNT", "ENTERED_AFTER_S", "EntryFills", "listings", "market_at", "paths"]

ACCOUNT = "DU1234567"
ENTERED_AFTER_S = 12
"""A break is confirmed, and entered, so long after it begins."""

_START = datetime(2026, 11, 19, 14, 35, tzinfo=UTC)


def market_at(seconds: float) -> Millis:
    """Give market time so long after the beginning."""
    return millis_of(_START) + int(seconds * 1000)


@cache
def listings() -> tuple[Listing, ...]:
    """Give what is traded."""
    traded = (*SYMBOLS, BY_HAND)
    return tuple(
        each for each in Catalogue.load() if each.symbol in traded and each.sec_type == "STK"
    )


@dataclass
class EntryFills:
    """Lets the first symbol's entry rest for ``rests_s``, then fill in ``pieces``, one a moment."""

    side: Side
    rests_s: float
    pieces: tuple[int, ...]
    now: Callable[[], Millis]
    _came: dict[OrderKey, Millis] = field(default_factory=dict)
    _filled: dict[OrderKey, int] = field(default_factory=dict)

    def most(self, order: OrderSnapshot) -> Decimal | None:
        """Give how many may be filled now; see `apps.paper.exchange.floor.matching.FillSizes`."""
        if order.order.side is not self.side or order.order.listing.symbol != SYMBOLS[0]:
            return None
        now = self.now()
        if now < self._came.setdefault(order.key, now) + self.rests_s * 1000:
            return Decimal(0)
        if not self.pieces:
            return None
        place = self._filled.get(order.key, 0)
        self._filled[order.key] = place + 1
        return Decimal(self.pieces[min(place, len(self.pieces) - 1)])


def paths(plan: Plan) -> dict[str, Steps]:
    """Give each watched symbol a market that breaks out, holds, and then goes where it is to."""
    sign = 1 if plan.is_long else -1
    start = market_at(0)
    made = {BY_HAND: Steps((start,), (plan.level,))}
    for number, symbol in enumerate(SYMBOLS[: plan.watchers]):
        breaks_s = plan.breaks_at_s + number * plan.breaks_apart_s
        leaves_s = breaks_s + ENTERED_AFTER_S + plan.ends_after_s
        moves = {
            0: Decimal("-0.20"),
            breaks_s - 9: Decimal("-0.10"),
            breaks_s + 2: Decimal("0.06"),
            breaks_s + 6: Decimal("0.10"),
            breaks_s + 12: Decimal("0.14"),
        }
        if plan.ending is Ending.TARGET:
            moves[leaves_s] = Decimal("2.20")
        elif plan.ending is Ending.STOP:
            moves[leaves_s] = Decimal("-1.10")
        made[symbol] = Steps(
            tuple(start + second * 1000 for second in moves),
            tuple(plan.level + sign * move for move in moves.values()),
        )
    return made
