"""What is traded: one value per instrument, as the broker's contract details describe it."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum

from apps.domain.errors import NotTradableYet
from apps.domain.sessions import TradingHours
from apps.domain.ticks import TickRule

__all__ = ["Instrument", "InstrumentKind"]


class InstrumentKind(Enum):
    """The kinds that the desk knows; the value is IB's secType."""

    STOCK = "STK"
    FOREX = "CASH"
    INDEX = "IND"
    FUTURE = "FUT"


@dataclass(frozen=True, slots=True)
class Instrument:
    """One qualified instrument. Equality and hash go by ``con_id``.

    ``exchange`` is the routing destination (SMART for stocks), ``primary_exchange`` the
    listing. ``name`` is for display only. ``hours`` learn: whoever qualifies the instrument again
    brings what was told then to all who hold it.
    """

    con_id: int
    symbol: str = field(compare=False)
    kind: InstrumentKind = field(compare=False)
    exchange: str = field(compare=False)
    primary_exchange: str = field(compare=False)
    currency: str = field(compare=False)
    ticks: TickRule = field(compare=False)
    hours: TradingHours = field(compare=False)
    multiplier: Decimal = field(default=Decimal(1), compare=False)
    size_increment: Decimal = field(default=Decimal(1), compare=False)
    name: str = field(default="", compare=False)

    @property
    def listing(self) -> str:
        """The text by which the broker is asked for just this one: see `MarketData.qualify`."""
        if self.kind is InstrumentKind.STOCK and self.primary_exchange:
            return f"{self.symbol}@{self.primary_exchange}"
        return self.symbol

    def require_tradable(self) -> None:
        """Raise `NotTradableYet` unless orders for this kind of instrument stand on tests."""
        if self.kind is not InstrumentKind.STOCK or self.currency != "USD":
            raise NotTradableYet(
                f"{self.symbol} is {self.kind.value} in {self.currency}: orders are for US stocks "
                "and ETFs only so far. Its quotes and bars can be shown."
            )
