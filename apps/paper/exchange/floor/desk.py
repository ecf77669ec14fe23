"""What the pits ask of whoever keeps the orders: the one seam between meeting a market and fate."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from apps.paper.exchange.book.book import Book
from apps.paper.exchange.floor.combos import LegOffer
from apps.paper.exchange.floor.matching import Offer
from apps.paper.exchange.hours import HoursCache
from apps.paper.exchange.orders import OrderKey, OrderSnapshot
from apps.paper.feed.market import Millis
from apps.paper.instruments.listing import Listing

__all__ = ["Desk"]


class Desk(Protocol):
    """Orders, their hours, and what becomes of them."""

    now: Millis
    book: Book
    hours: HoursCache

    def show(self, snapshot: OrderSnapshot) -> None:
        """Take a changed order into the book, and tell of it."""

    def judge(self, listing: Listing) -> list[Listing]:
        """Judge the conditions that look at a listing; give where orders began to work by it."""

    def fillable(self, snapshot: OrderSnapshot) -> Decimal:
        """Give how many an order may trade now."""

    def fill(self, before: OrderSnapshot, offer: Offer, quantity: Decimal) -> None:
        """Carry out a fill and all that follows from it."""

    def fill_legs(
        self, before: OrderSnapshot, price: Decimal, quantity: Decimal, offers: tuple[LegOffer, ...]
    ) -> None:
        """Carry out a fill of a combination."""

    def drop_remainder(self, key: OrderKey) -> None:
        """End what was not filled at once."""
