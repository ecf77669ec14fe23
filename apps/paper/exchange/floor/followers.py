"""Orders that wait for a price, and orders whose price follows the market.

At home here: when a waiting order is elected, when a stop becomes another one, and moving trailing
stops and pegs; each by the rules of `triggers`, `adjusting`, `trailing` and `pegging`. Nothing
trades here.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from apps.paper.exchange.book.ladder import Ladder
from apps.paper.exchange.floor.adjusting import adjusted, adjusts_on
from apps.paper.exchange.floor.desk import Desk
from apps.paper.exchange.floor.pegging import pegged_price
from apps.paper.exchange.floor.trailing import trailed
from apps.paper.exchange.floor.triggers import (
    Direction,
    PriceWatch,
    direction_of,
    is_reached,
    method_for,
)
from apps.paper.exchange.hours import Window
from apps.paper.exchange.orders import OrderSnapshot, Stage
from apps.paper.feed.market import Touch

__all__ = ["Followers"]


class Followers:
    """Moves one contract's orders as its prices go; ``watch`` is what was seen of them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._book = desk.book

    def elect(self, ladder: Ladder, watch: PriceWatch) -> bool:
        """Let those work whose price was reached; tell whether there were any."""
        span = watch.span()
        candidates = (self._book[key] for key in ladder.triggered(*span)) if span else ()
        elected = [order for order in candidates if self._is_elected(order, watch)]
        for order in sorted(elected, key=lambda each: each.perm_id):
            self._desk.show(replace(order.moved(Stage.WORKING), elected=True))
        return bool(elected)

    def _is_elected(self, order: OrderSnapshot, watch: PriceWatch) -> bool:
        window = self._window(order)
        way, level = direction_of(order.order), order.trigger_price
        if not window.is_open or level is None:
            return False
        return is_reached(self._gone(order, watch, way, window), level, way)

    def move(self, ladder: Ladder, watch: PriceWatch, touch: Touch) -> bool:
        """Bring what follows the market to where it belongs; tell whether anything moved."""
        moved = [self._move_one(self._book[key], watch, touch) for key in tuple(ladder.moving)]
        return any(moved)

    def _move_one(self, order: OrderSnapshot, watch: PriceWatch, touch: Touch) -> bool:
        window = self._window(order)
        if not window.is_open:
            return False
        if order.stage is Stage.WORKING:
            return self._peg(order, touch)
        return self._adjust(order, watch, window) or self._trail(order, watch, window)

    def _peg(self, order: OrderSnapshot, touch: Touch) -> bool:
        price = pegged_price(order.order, touch)
        if price == order.found_limit:
            return False
        # at a new price it has not stood in the book yet
        self._book.put(replace(order, found_limit=price, rested_since=None))
        return True

    def _adjust(self, order: OrderSnapshot, watch: PriceWatch, window: Window) -> bool:
        way, adjustment = adjusts_on(order), order.order.adjustment
        if way is None or adjustment is None:
            return False
        if not is_reached(self._gone(order, watch, way, window), adjustment.trigger_price, way):
            return False
        became = adjusted(order, adjustment)
        self._desk.show(self._trailed(became, watch, window))
        return True

    def _trail(self, order: OrderSnapshot, watch: PriceWatch, window: Window) -> bool:
        after = self._trailed(order, watch, window)
        if after is order:
            return False
        self._book.put(after)
        return True

    def _trailed(self, order: OrderSnapshot, watch: PriceWatch, window: Window) -> OrderSnapshot:
        if not order.order.behaviour.trails:
            return order
        # what carries a stop along is the market going the other way than what elects it
        way = direction_of(order.order).opposite
        return trailed(order, self._gone(order, watch, way, window))

    def _gone(
        self, order: OrderSnapshot, watch: PriceWatch, way: Direction, window: Window
    ) -> Decimal | None:
        method = method_for(order.order.listing, order.order.trigger_method)
        return watch.price(method, way, window.start)

    def _window(self, order: OrderSnapshot) -> Window:
        return self._desk.hours.of_order(order.order, self._desk.now)
