"""When an order may trade: sessions as the exchange reads them, looked up once each.

The calendar itself is not at home here; it comes in as `Sessions`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from apps.paper.exchange.behaviour import Auction, Tif
from apps.paper.exchange.orders import Order
from apps.paper.feed.market import Millis
from apps.paper.instruments.listing import Listing

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
        known = self._looked_up(listing, at, extended=extended)
        self._windows[listing.con_id, extended] = known
        return known[2]

    def of_order(self, order: Order, at: Millis) -> Window:
        """Give the session that this order can trade in, now or next.

        A combination trades while all of its legs do.
        """
        extended = trades_outside_rth(order)
        if not order.legs:
            return self.window(order.listing, at, extended=extended)
        windows = [self.window(leg.listing, at, extended=extended) for leg in order.legs]
        return Window(
            start=max(window.start for window in windows),
            end=min(window.end for window in windows),
            is_open=all(window.is_open for window in windows),
        )

    def regular(self, order: Order, at: Millis) -> Window:
        """Give the regular session of an order's listing, of its first leg for a combination."""
        listing = order.legs[0].listing if order.legs else order.listing
        return self.window(listing, at, extended=False)

    def first_session(self, order: Order, at: Millis) -> Window:
        """Give the session in which an order that comes at ``at`` trades first.

        That is the one of its goodAfterTime, if it has one. An order for the opening is too late
        for a session that has begun.
        """
        first = at if order.good_after is None else max(at, order.good_after)
        if order.behaviour.auction is Auction.OPENING:
            start, end = self._sessions.next_session(order.listing, first - 1, extended=False)
            return Window(start, end, is_open=start <= at)
        if first == at or order.legs:
            return self.of_order(order, at)
        return self._looked_up(order.listing, first, extended=trades_outside_rth(order))[2]

    def ends_at(self, order: Order, at: Millis) -> Millis | None:
        """Give when an order that comes at ``at`` ends by itself; None for one that stays."""
        if order.time_in_force == Tif.GTD:
            return order.good_till
        if order.time_in_force in (Tif.DAY, Tif.OPG):
            return self.first_session(order, at).end
        return None

    def _looked_up(
        self, listing: Listing, at: Millis, *, extended: bool
    ) -> tuple[Millis, Millis, Window]:
        now = self._sessions.session_at(listing, at, extended=extended)
        if now is not None:
            return (*now, Window(*now, is_open=True))
        following = self._sessions.next_session(listing, at, extended=extended)
        return (at, following[0], Window(*following, is_open=False))


def trades_outside_rth(order: Order) -> bool:
    """Tell whether outsideRth counts: some types wait for regular hours all the same."""
    return order.outside_rth and order.behaviour.may_trade_outside_rth
