"""The exchanges behind a consolidated quote: which there are, and which stand at the touch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from apps.paper.feed.chance import STEP, mix
from apps.paper.feed.depth import Row, touch_rows
from apps.paper.feed.market import Millis, Touch
from apps.paper.instruments.catalogue import Listing, SecType

__all__ = [
    "LETTERS",
    "bbo_code",
    "books_of",
    "letters_at_touch",
    "traded_at",
]

_US_STOCKS = "9c0001"

LETTERS = {
    "AMEX": "A",
    "BEX": "B",
    "NYSENAT": "C",
    "CHX": "M",
    "DRCTEDGE": "J",
    "EDGEA": "K",
    "ISLAND": "Q",
    "NYSE": "N",
    "ARCA": "P",
    "BATS": "Z",
    "BYX": "Y",
    "IEX": "V",
    "PSX": "X",
    "PEARL": "H",
    "LTSE": "L",
    "MEMX": "U",
}
"""One letter an exchange of US stocks, as the tape has them."""


def bbo_code(listing: Listing) -> str:
    """Give the code of a listing's consolidated quote; '' where it trades at one place."""
    return _US_STOCKS if len(books_of(listing)) > 1 and listing.currency == "USD" else ""


@lru_cache(maxsize=1024)
def books_of(listing: Listing) -> tuple[str, ...]:
    """Give the venues whose books are merged in a listing's SMART depth."""
    if listing.sec_type is not SecType.STOCK:
        return ()
    known = tuple(each for each in listing.valid_exchanges if each in LETTERS)
    return known or tuple(each for each in listing.valid_exchanges if each != "SMART")


@lru_cache(maxsize=256)  # all who follow a listing ask for the same moment, one after the other
def letters_at_touch(listing: Listing, touch: Touch, at: Millis) -> tuple[str, str]:
    """Give the letters of the exchanges that bid and offer the best prices."""
    best = touch_rows(listing, touch, at, books_of(listing))
    return _letters(best.bids), _letters(best.asks)


def traded_at(listing: Listing, at: Millis) -> str:
    """Give the venue on which a print happened: one of those that trade it, by chance."""
    venues = books_of(listing)
    if not venues:
        return listing.exchange
    return venues[mix(at * STEP + listing.con_id) % len(venues)]


def _letters(rows: Sequence[Row]) -> str:
    return "".join(sorted(LETTERS.get(row.venue, "") for row in rows))
