"""Whether an order's conditions hold, and what has to be watched to know.

Judged from what a `Scene` shows of one moment; conditions as values stand in `conditions`. What
follows when they hold is the `floor`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Protocol

from apps.paper.exchange.conditions import (
    Condition,
    ExecutionCondition,
    MarginCondition,
    PercentChangeCondition,
    PriceCondition,
    TimeCondition,
    VolumeCondition,
)
from apps.paper.exchange.floor.triggers import Direction, is_reached
from apps.paper.exchange.orders import OrderSnapshot
from apps.paper.feed.market import Millis
from apps.paper.instruments.listing import Listing

__all__ = ["Scene", "hold", "listings_of", "next_time", "watches_conditions"]


class Scene(Protocol):
    """What conditions are judged by, at one moment."""

    @property
    def now(self) -> Millis:
        """Market time."""

    def reached(self, listing: Listing, method: int, direction: Direction) -> Decimal | None:
        """Give how far a listing's price has gone, by a trigger method; None when not known."""

    def volume(self, listing: Listing) -> int:
        """Give what was traded in the session so far; 0 between sessions."""

    def change_percent(self, listing: Listing) -> Decimal:
        """Give the change since the previous close, in percent."""

    def cushion_percent(self, account: str) -> Decimal:
        """Give excess liquidity as a share of net liquidation, in percent."""

    def has_executed(
        self, account: str, wanted: ExecutionCondition, since: Millis, perm_id: int
    ) -> bool:
        """Tell whether a symbol was traded in an account after an order came at ``since``."""


def watches_conditions(snapshot: OrderSnapshot) -> bool:
    """Tell whether an order has conditions that have not held yet."""
    return bool(snapshot.order.conditions) and not snapshot.conditions_met


def listings_of(snapshot: OrderSnapshot) -> frozenset[Listing]:
    """Give the listings whose market an order has to hear of."""
    order = snapshot.order
    own = [leg.listing for leg in order.legs] or [order.listing]
    if not watches_conditions(snapshot):
        return frozenset(own)
    watched = (getattr(condition, "listing", None) for condition in order.conditions)
    return frozenset((*own, *(listing for listing in watched if listing is not None)))


def next_time(conditions: tuple[Condition, ...], after: Millis) -> Millis | None:
    """Give the next moment after ``after`` at which a condition of time changes its answer."""
    times = (condition.at for condition in conditions if isinstance(condition, TimeCondition))
    return min((at for at in times if at > after), default=None)


def hold(snapshot: OrderSnapshot, scene: Scene) -> bool:
    """Tell whether an order's conditions hold together; each joins the next, from left to right."""
    holds, joins_by_and = True, True
    for condition in snapshot.order.conditions:
        one = _JUDGES[type(condition)](condition, snapshot, scene)
        holds = (holds and one) if joins_by_and else (holds or one)
        joins_by_and = condition.is_and
    return holds


def _is_beyond(value: Decimal | int, level: Decimal | int, is_more: bool) -> bool:
    return value >= level if is_more else value <= level


def _price(condition: PriceCondition, _: OrderSnapshot, scene: Scene) -> bool:
    way = Direction.RISE if condition.is_more else Direction.FALL
    reached = scene.reached(condition.listing, condition.trigger_method, way)
    return is_reached(reached, condition.price, way)


def _time(condition: TimeCondition, _: OrderSnapshot, scene: Scene) -> bool:
    return scene.now >= condition.at if condition.is_more else scene.now < condition.at


def _margin(condition: MarginCondition, snapshot: OrderSnapshot, scene: Scene) -> bool:
    cushion = scene.cushion_percent(snapshot.order.account)
    return _is_beyond(cushion, condition.percent, condition.is_more)


def _execution(condition: ExecutionCondition, snapshot: OrderSnapshot, scene: Scene) -> bool:
    return scene.has_executed(
        snapshot.order.account, condition, snapshot.placed_at, snapshot.perm_id
    )


def _volume(condition: VolumeCondition, _: OrderSnapshot, scene: Scene) -> bool:
    return _is_beyond(scene.volume(condition.listing), condition.volume, condition.is_more)


def _percent_change(condition: PercentChangeCondition, _: OrderSnapshot, scene: Scene) -> bool:
    change = scene.change_percent(condition.listing)
    return _is_beyond(change, condition.change_percent, condition.is_more)


_JUDGES: dict[type, Callable[[Any, OrderSnapshot, Scene], bool]] = {
    PriceCondition: _price,
    TimeCondition: _time,
    MarginCondition: _margin,
    ExecutionCondition: _execution,
    VolumeCondition: _volume,
    PercentChangeCondition: _percent_change,
}
