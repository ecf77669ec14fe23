"""The orders of one contract, so that a moment of its market reaches those it concerns, no others.

An index and nothing else: what may trade at a price stands by that price, what waits for a price
by that one, and what follows the market in a set of its own. Who trades is decided in `matching`
and `floor`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from decimal import Decimal
from itertools import chain

from apps.domain.orders import Side
from apps.paper.exchange.behaviour import IMMEDIATE, Auction
from apps.paper.exchange.floor.triggers import Direction, direction_of
from apps.paper.exchange.orders import OrderKey, OrderSnapshot, Stage

__all__ = ["Ladder"]

_Rung = tuple[Decimal, int, OrderKey]
_LAST_PERM_ID = 1 << 62


class _Rungs:
    """Keys in rising order of a price, the older first at the same one."""

    __slots__ = ("_rungs",)

    def __init__(self) -> None:
        self._rungs: list[_Rung] = []

    def __len__(self) -> int:
        return len(self._rungs)

    def add(self, rung: _Rung) -> None:
        insort(self._rungs, rung)

    def remove(self, rung: _Rung) -> None:
        del self._rungs[bisect_left(self._rungs, rung)]

    def up_to(self, price: Decimal) -> Iterator[OrderKey]:
        end = bisect_right(self._rungs, (price, _LAST_PERM_ID))
        return (key for _, _, key in self._rungs[:end])


class Ladder:
    """One contract's orders by what they wait for. `put` keeps it true.

    ``fresh`` are working orders that may not have come to rest in this session yet, ``moving``
    those whose price follows the market, or that become something else when it gets somewhere;
    ``opening`` those that trade at the opening print, ``immediate`` those that end with the
    moment. ``is_new`` tells that nobody has looked yet which orders rest.
    """

    def __init__(self) -> None:
        self.is_new = True
        self.opening: dict[OrderKey, None] = {}
        self.fresh: dict[OrderKey, None] = {}
        self.moving: dict[OrderKey, None] = {}
        self.immediate: dict[OrderKey, None] = {}
        self._market: dict[OrderKey, None] = {}
        self._limits = {side: _Rungs() for side in Side}
        self._triggers = {direction: _Rungs() for direction in Direction}
        self._working: dict[OrderKey, None] = {}
        self._rung_of: dict[OrderKey, tuple[_Rungs, _Rung]] = {}

    @property
    def _sets(self) -> tuple[dict[OrderKey, None], ...]:
        return (
            self.opening,
            self.fresh,
            self.moving,
            self.immediate,
            self._market,
            self._working,
        )

    @property
    def has_triggers(self) -> bool:
        """Some order waits for a price."""
        return any(map(len, self._triggers.values()))

    def put(self, snapshot: OrderSnapshot) -> None:
        """Take an order where it stands now, whatever was known of it."""
        self.drop(snapshot.key)
        if not snapshot.stage.is_alive:
            return
        key = snapshot.key
        if snapshot.order.time_in_force in IMMEDIATE:
            self.immediate[key] = None
        if snapshot.stage is Stage.AWAITS_TRIGGER:
            self._put_waiting(key, snapshot)
        elif snapshot.stage is Stage.WORKING:
            self._put_working(key, snapshot)

    def drop(self, key: OrderKey) -> None:
        """Forget an order."""
        for kept in self._sets:
            kept.pop(key, None)
        place = self._rung_of.pop(key, None)
        if place is not None:
            rungs, rung = place
            rungs.remove(rung)

    def refresh(self) -> None:
        """Hold every working order for fresh: another session has begun, or this one is over."""
        self.fresh = dict(self._working)
        self.is_new = False

    def meeting(self, bid: Decimal, ask: Decimal, trade: Decimal | None) -> set[OrderKey]:
        """Give the working orders that these prices may concern: it is no further than this.

        Market orders, fresh ones, and every limit that a quote or the trade has reached.
        """
        lowest, highest = (ask, bid) if trade is None else (min(ask, trade), max(bid, trade))
        return {
            *self._market,
            *self.fresh,
            *self._limits[Side.BUY].up_to(-lowest),
            *self._limits[Side.SELL].up_to(highest),
        }

    def triggered(self, lowest: Decimal, highest: Decimal) -> list[OrderKey]:
        """Give the waiting orders whose trigger price lies on this side of these prices."""
        return list(
            chain(
                self._triggers[Direction.RISE].up_to(highest),
                self._triggers[Direction.FALL].up_to(-lowest),
            )
        )

    def _put_waiting(self, key: OrderKey, snapshot: OrderSnapshot) -> None:
        traits, order = snapshot.order.behaviour, snapshot.order
        if traits.trails or (order.adjustment is not None and not snapshot.adjusted):
            self.moving[key] = None
        trigger = snapshot.trigger_price
        if trigger is not None:
            way = direction_of(order)
            rank = trigger if way is Direction.RISE else -trigger
            self._stand(self._triggers[way], (rank, snapshot.perm_id, key))

    def _put_working(self, key: OrderKey, snapshot: OrderSnapshot) -> None:
        traits, limit = snapshot.order.behaviour, snapshot.limit
        if traits.auction is not Auction.NONE:
            if traits.auction is Auction.OPENING:
                self.opening[key] = None
            return
        if traits.limit.is_pegged:
            self.moving[key] = None
            if limit is None:
                return  # it has met no quotes yet, and no price is not any price
        self._working[key] = None
        if snapshot.rested_since is None:
            self.fresh[key] = None
        if limit is None:
            self._market[key] = None
        else:
            side = snapshot.order.side
            rank = -limit if side is Side.BUY else limit
            self._stand(self._limits[side], (rank, snapshot.perm_id, key))

    def _stand(self, rungs: _Rungs, rung: _Rung) -> None:
        rungs.add(rung)
        self._rung_of[rung[2]] = (rungs, rung)
