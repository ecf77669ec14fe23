"""When an order may trade: sessions as the exchange reads them, looked up once each.

The calendar itself is not at home here; it comes in as `Sessions`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from apps.domain.orders import OrderType
from apps.paper.exchange.orders import Order
from apps.paper.feed.market import Millis
from apps.paper.listing import Listing

__all__ = ["HoursCache", "Sessions", "Window", "trades_outside_rth"]


class Sessions(Protocol):
    """When a listing trades; a session is ``[start, end)``."""

    def session_at(
        self, listing: Listing, at: Millis, *, extended: bool
    ) -> tuple[Millis, Millis] | None:
        """Give the regular (or the longer extended) session that holds ``at``, if one does."""

    def next_session(
        self, listing: Listing, at: Millis, *, extended: bool
    ) -> tuple[Millis, Millis]:
        """Give the first session that starts after ``at``."""


@dataclass(frozen=True, slots=True)
class Window:
    """The session of a moment, or the next one when the market is closed then."""

    start: Millis
    end: Millis
    is_open: bool


class HoursCache:
    """Answers for one moment after another, asking the calendar only when a session changes."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._windows: dict[tuple[int, bool], tuple[Millis, Millis, Window]] = {}

    def window(self, listing: Listing, at: Millis, *, extended: bool) -> Window:
        """Give the session that holds ``at``, or the next one."""
        known = self._windows.get((listing.con_id, extended))
        if known is not None and known[0] <= at < known[1]:
            return known[2]
        now = self._sessions.session_at(listing, at, extended=extended)
        if now is not None:
            known = (*now, Window(*now, is_open=True))
        else:
            following = self._sessions.next_session(listing, at, extended=extended)
            known = (at, following[0], Window(*following, is_open=False))
        self._windows[listing.con_id, extended] = known
        return known[2]

    def of_order(self, order: Order, at: Millis) -> Window:
        """Give the session that this order can trade in, now or next."""
        return self.window(order.listing, at, extended=trades_outside_rth(order))


def trades_outside_rth(order: Order) -> bool:
    """Tell whether outsideRth counts: market orders wait for regular hours all the same."""
    return order.outside_rth and order.order_type != OrderType.MARKET.value
