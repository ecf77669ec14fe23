"""Effects beyond the gateway: the link to IB's servers, its data farms, its clock."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from apps.domain.errors import InvalidInput
from apps.paper.faults.farms import FARMS
from apps.paper.faults.fault import Effect, until_removed

__all__ = [
    "EFFECTS",
    "Back",
    "Bust",
    "ClockSkew",
    "FailLiveUpdates",
    "FarmOutage",
    "News",
    "Orders",
    "Outage",
    "Streams",
]


class Back(Enum):
    """With which code the link comes back."""

    DATA_LOST = 1101
    """The data subscriptions are gone."""
    DATA_KEPT = 1102
    """The data subscriptions go on, or so it is said (`Streams`)."""


class Streams(Enum):
    """What subscriptions do that are said to go on."""

    ALIVE = "alive"
    DEAD = "dead"
    """They stay subscribed and silent, and nobody says so: seen in the field after 1102, 2104."""


class Orders(Enum):
    """What the gateway does with orders that are sent while it cannot reach IB."""

    STORED = "stored"
    """They are kept and submitted on recovery, as TWS does from 10.28 on.

    Those of a client that has gone meanwhile too: it is the gateway that keeps them.
    """
    REFUSED = "refused"
    """They are rejected (201); code and text are this gateway's own choice."""


class News(Enum):
    """What becomes of order news (states, executions, fees) of the time of an outage."""

    DELIVERED = "delivered"
    """It is told on recovery."""
    LOST = "lost"
    """It must be asked for."""


@dataclass(frozen=True, slots=True)
class Outage(Effect):
    """1100, and after ``for_s`` 1101 or 1102. While it lasts nothing comes of markets or of orders.

    What the gateway knows by itself (its clock, ids, accounts) is answered; every other request
    waits for the recovery.
    """

    NAME: ClassVar[str] = "outage"

    for_s: float = 0.3
    back: Back = Back.DATA_KEPT
    streams: Streams = Streams.ALIVE
    orders: Orders = Orders.STORED
    news: News = News.DELIVERED

    @property
    def lasts_s(self) -> float | None:
        """For so long there is no link."""
        return until_removed(self.for_s)


@dataclass(frozen=True, slots=True)
class FarmOutage(Effect):
    """One data farm is gone: its streams stop, and requests that need it wait.

    ``farm`` is usfarm, usfuture, cashfarm, eufarm (2103 → 2104), ushmds, cashhmds, euhmds
    (2105 → 2106), or secdefil (2157 → 2158).
    """

    NAME: ClassVar[str] = "farm_outage"

    farm: str = "usfarm"
    for_s: float = 0.3
    streams: Streams = Streams.ALIVE

    def __post_init__(self) -> None:
        if self.farm not in FARMS:
            farms = ", ".join(sorted(FARMS))
            raise InvalidInput(f"farm = {self.farm!r} is none of the farms; there are: {farms}")

    @property
    def lasts_s(self) -> float | None:
        """For so long the farm is gone."""
        return until_removed(self.for_s)


@dataclass(frozen=True, slots=True)
class Bust(Effect):
    """Real-time bar subscriptions are deactivated by a bust (10225)."""

    NAME: ClassVar[str] = "bust"


@dataclass(frozen=True, slots=True)
class FailLiveUpdates(Effect):
    """Histories that are kept up to date no longer are (10182)."""

    NAME: ClassVar[str] = "fail_live_updates"


@dataclass(frozen=True, slots=True)
class ClockSkew(Effect):
    """The gateway's clock is ``by_s`` off; ``stamps_by_s`` as much are the stamps of its bars."""

    NAME: ClassVar[str] = "clock_skew"

    by_s: int = 60
    stamps_by_s: int = 0
    for_s: float = 0.0

    @property
    def lasts_s(self) -> float | None:
        """Until it is removed, or for so long."""
        return until_removed(self.for_s)


EFFECTS: tuple[type[Effect], ...] = (Outage, FarmOutage, Bust, FailLiveUpdates, ClockSkew)
