"""Effects on the markets themselves. Which symbols: the fault's ``symbol``, all without one."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from apps.domain.errors import InvalidInput
from apps.paper.faults.fault import Effect, until_removed
from apps.paper.feed.disturbed import NoTradeBars
from apps.paper.feed.thinned import HistoryPolicy

__all__ = [
    "EFFECTS",
    "FlatMarket",
    "Halt",
    "HistoryDiffers",
    "NoTrades",
    "PartialFills",
    "PriceGap",
    "PriceSpike",
]

_WORST_FALL = Decimal(-99)


@dataclass(frozen=True, slots=True)
class Halt(Effect):
    """Trading stops: no prints, quotes stand still, ticks say so, and orders do not trade."""

    NAME: ClassVar[str] = "halt"

    for_s: float = 0.0
    bars: NoTradeBars = NoTradeBars.FLAT

    @property
    def lasts_s(self) -> float | None:
        """Until it is removed, or for so long."""
        return until_removed(self.for_s)


@dataclass(frozen=True, slots=True)
class PriceGap(Effect):
    """All prices are ``percent`` higher from then on (below 0: lower), with nothing between."""

    NAME: ClassVar[str] = "price_gap"

    percent: Decimal = Decimal(5)

    def __post_init__(self) -> None:
        _check_percent(self.percent)

    @property
    def lasts_s(self) -> float | None:
        """For ever: what happened to a price has happened."""
        return until_removed(0)


@dataclass(frozen=True, slots=True)
class PriceSpike(Effect):
    """Prices are ``percent`` higher for a while, then where they would have been."""

    NAME: ClassVar[str] = "price_spike"

    percent: Decimal = Decimal(5)
    for_s: float = 5.0

    def __post_init__(self) -> None:
        _check_percent(self.percent)

    @property
    def lasts_s(self) -> float | None:
        """For so long."""
        return until_removed(self.for_s)


@dataclass(frozen=True, slots=True)
class FlatMarket(Effect):
    """The market trades on, at one price."""

    NAME: ClassVar[str] = "flat_market"

    for_s: float = 0.0

    @property
    def lasts_s(self) -> float | None:
        """Until it is removed, or for so long."""
        return until_removed(self.for_s)


@dataclass(frozen=True, slots=True)
class NoTrades(Effect):
    """The market never trades: quotes move, and nothing is printed."""

    NAME: ClassVar[str] = "no_trades"

    for_s: float = 0.0
    bars: NoTradeBars = NoTradeBars.FLAT

    @property
    def lasts_s(self) -> float | None:
        """Until it is removed, or for so long."""
        return until_removed(self.for_s)


@dataclass(frozen=True, slots=True)
class PartialFills(Effect):
    """Orders fill in pieces of these sizes, one a print, the last size again and again."""

    NAME: ClassVar[str] = "partial_fills"

    sizes: tuple[Decimal, ...] = (Decimal(1),)
    for_s: float = 0.0

    def __post_init__(self) -> None:
        if not self.sizes or any(size <= 0 for size in self.sizes):
            raise InvalidInput("sizes must be one or more numbers above 0")

    @property
    def lasts_s(self) -> float | None:
        """Until it is removed, or for so long."""
        return until_removed(self.for_s)


@dataclass(frozen=True, slots=True)
class HistoryDiffers(Effect):
    """Bars of the past are not what streamed: history leaves out some trades, as IB's does."""

    NAME: ClassVar[str] = "history_differs"

    policy: HistoryPolicy = HistoryPolicy.THINNED
    for_s: float = 0.0

    @property
    def lasts_s(self) -> float | None:
        """Until it is removed, or for so long."""
        return until_removed(self.for_s)


def _check_percent(percent: Decimal) -> None:
    if percent == 0 or percent <= _WORST_FALL:
        raise InvalidInput("percent must be above -99, and not 0")


EFFECTS: tuple[type[Effect], ...] = (
    Halt,
    PriceGap,
    PriceSpike,
    FlatMarket,
    NoTrades,
    PartialFills,
    HistoryDiffers,
)
