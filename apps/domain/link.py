"""The link to the broker as everybody sees it: its state, its losses, what each of them took.

Here are only the values. What leads from one to the next stands in `apps.domain.link_life`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

__all__ = ["Farm", "FarmKind", "Link", "LinkState", "Loss", "LossCause", "Lost"]


class LinkState(Enum):
    """State of the link to the broker."""

    DISCONNECTED = "disconnected"
    CONNECTING = "connecting"
    SYNCHRONISING = "synchronising"
    READY = "ready"
    BROKER_LOST = "broker link lost"
    """The socket is up, IB's own servers are not reachable (1100)."""
    FARM_DOWN = "data farm down"
    """The socket and IB's servers are up, a farm for data is not (2103, 2105, 2157)."""


class Lost(Enum):
    """What a loss took: what must be asked for again, or may have been missed."""

    ORDERS = "word of orders"
    BARS = "bars and quotes"
    SUBSCRIPTIONS = "subscriptions"
    ONE_SUBSCRIPTION = "one subscription"
    HISTORY = "history"
    CONTRACTS = "contract look-ups"


class LossCause(Enum):
    """What began an epoch."""

    SOCKET = "connection closed"
    SILENCE = "connection silent"
    BROKER = "IB's servers lost"
    MARKET_DATA_FARM = "market data farm down"
    HISTORY_FARM = "history farm down"
    CONTRACT_FARM = "contract farm down"
    BUST = "bust"


@dataclass(frozen=True, slots=True)
class Loss:
    """One loss: its cause, what it took, and which farm it was, if one."""

    cause: LossCause
    lost: frozenset[Lost]
    what: str = ""


class FarmKind(Enum):
    """What a data farm is for; the value stands before its name."""

    MARKET_DATA = "market data farm"
    HISTORY = "history farm"
    CONTRACTS = "contract farm"


@dataclass(frozen=True, slots=True)
class Farm:
    """A data farm of IB's; ``name`` is empty where IB gave none."""

    kind: FarmKind
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind.value} {self.name}".rstrip()


@dataclass(frozen=True, slots=True)
class Link:
    """The link's state; ``epoch`` grows by one at every loss, however short.

    ``loss`` is the last one (None before the first), ``farms_down`` in the order in which they
    went. ``expected_until`` is the end of the broker's restart window (aware UTC) while a loss
    within it is nothing to be alarmed about, else None.
    """

    state: LinkState
    epoch: int
    reason: str = ""
    loss: Loss | None = None
    farms_down: tuple[Farm, ...] = ()
    is_broker_lost: bool = False
    expected_until: datetime | None = None

    @property
    def takes_orders(self) -> bool:
        """Orders reach the broker: those that protect or reduce may be sent."""
        return self.state in (LinkState.READY, LinkState.FARM_DOWN)

    @property
    def takes_openings(self) -> bool:
        """Orders reach the broker, and what is known of the market is not cut off."""
        return self.takes_orders and not any(
            farm.kind is FarmKind.MARKET_DATA for farm in self.farms_down
        )

    def has_lost_since(self, epoch: int, what: Lost) -> bool:
        """Tell whether ``what`` may have been lost since ``epoch``.

        Of losses before the last nothing is known here: what they took counts as lost.

        >>> blip = Loss(LossCause.HISTORY_FARM, frozenset({Lost.HISTORY}))
        >>> link = Link(LinkState.READY, 4, loss=blip)
        >>> [link.has_lost_since(epoch, Lost.BARS) for epoch in (4, 3, 2)]
        [False, False, True]
        """
        if self.epoch - epoch == 1 and self.loss is not None:
            return what in self.loss.lost
        return self.epoch != epoch
