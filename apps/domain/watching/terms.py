"""A watcher as it outlives the desk that armed it: what it watches for, and where it stands.

At home here: the two values, the ids by which watchers are known for good, and what becomes of
the terms when the instrument's ticks have changed meanwhile. Their text form stands in
`apps.domain.watching.text`; the running watcher is the engine's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from apps.domain.brackets import EntryStyle
from apps.domain.breakout import BreakoutRule, BreakoutState
from apps.domain.levels import Direction
from apps.domain.ticks import TickRule

__all__ = ["WatcherState", "WatcherTerms", "number_of", "watcher_id"]

_ID = re.compile(r"w([1-9][0-9]{0,8})")


@dataclass(frozen=True, slots=True)
class WatcherTerms:
    """What a watcher watches for, and what it enters with; percentages are of the reference.

    ``con_id``, ``symbol`` and ``primary_exchange`` name the instrument, of which everything else
    is asked anew by whoever takes the terms up.
    """

    con_id: int
    symbol: str
    primary_exchange: str
    rule: BreakoutRule
    quantity: Decimal
    take_profit_pct: Decimal | None
    stop_loss_pct: Decimal | None
    entry: EntryStyle = EntryStyle.CAPPED

    @property
    def listing(self) -> str:
        """The instrument as `MarketData.qualify` takes it."""
        return f"{self.symbol}@{self.primary_exchange}" if self.primary_exchange else self.symbol

    def on(self, ticks: TickRule) -> BreakoutRule:
        """Give the rule on the instrument's ticks of today; a level off them moves outward."""
        rule = self.rule
        if ticks == rule.ticks:
            return rule
        outward = ticks.up if rule.direction is Direction.LONG else ticks.down
        return replace(rule, level=outward(rule.level), ticks=ticks)


@dataclass(frozen=True, slots=True)
class WatcherState:
    """Where a watcher stands. ``order_ref`` is that of the bracket it sent, empty before.

    ``heard_until`` is the end of the newest bar that it may have heard (aware UTC), None before
    the first.
    """

    rule: BreakoutState = field(default_factory=BreakoutState)
    heard_until: datetime | None = None
    order_ref: str = ""


def watcher_id(number: int) -> str:
    """Give the id of the watcher that was armed as the ``number``-th, from 1."""
    return f"w{number}"


def number_of(text: str) -> int | None:
    """Give the number in a watcher's id; None for what is none.

    >>> number_of("w7"), number_of("bracket")
    (7, None)
    """
    match = _ID.fullmatch(text)
    return None if match is None else int(match[1])
