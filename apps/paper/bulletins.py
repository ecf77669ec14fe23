"""The broker's bulletins: what a gateway announces to all who want to hear it.

Pure: the time comes in with the text. Who reads is told in the order of subscribing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from zoneinfo import ZoneInfo

from apps.paper.hours.calendar import Millis

__all__ = ["Bulletin", "BulletinBoard", "BulletinKind"]

_DAY_IN = ZoneInfo("America/New_York")


class BulletinKind(Enum):
    """What a bulletin says; the value is IB's message type."""

    REGULAR = 1
    EXCHANGE_UNAVAILABLE = 2
    EXCHANGE_AVAILABLE = 3


@dataclass(frozen=True, slots=True)
class Bulletin:
    """One announcement; ``number`` counts them, ``exchange`` is '' where it concerns none."""

    number: int
    at: Millis
    kind: BulletinKind
    text: str
    exchange: str = ""


class BulletinBoard:
    """All bulletins of a gateway so far, and the ``readers`` that are told of the next."""

    def __init__(self) -> None:
        self.readers: list[Callable[[Bulletin], None]] = []
        self._published: list[Bulletin] = []

    def publish(
        self,
        text: str,
        at: Millis,
        kind: BulletinKind = BulletinKind.REGULAR,
        exchange: str = "",
    ) -> Bulletin:
        """Announce something to every reader."""
        bulletin = Bulletin(len(self._published) + 1, at, kind, text, exchange)
        self._published.append(bulletin)
        for reader in tuple(self.readers):
            reader(bulletin)
        return bulletin

    def of_day(self, at: Millis) -> list[Bulletin]:
        """Give the bulletins of the day of ``at`` in New York, oldest first."""
        return [each for each in self._published if _day(each.at) == _day(at)]


def _day(at: Millis) -> date:
    return datetime.fromtimestamp(at / 1000, _DAY_IN).date()
