"""Prices on an instrument's tick: the market rule as a value.

A market rule is a list of bands, each with the lowest price at which it holds
and the increment that holds from there on (IB's reqMarketRule). Everything that
goes into an order passes through here; floats off the wire are quantised here
before they are compared, for ``190.05`` as a float is not ``Decimal("190.05")``.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from apps.domain.errors import InvalidInput

__all__ = ["PriceBand", "TickRule", "to_decimal"]


def to_decimal(value: Decimal | float | str) -> Decimal:
    """Give the decimal a person would write for ``value``.

    >>> to_decimal(0.1)
    Decimal('0.1')
    """
    return value if isinstance(value, Decimal) else Decimal(str(value))


@dataclass(frozen=True, slots=True)
class PriceBand:
    """From ``low_edge`` upward, prices are multiples of ``increment``."""

    low_edge: Decimal
    increment: Decimal


@dataclass(frozen=True, slots=True)
class TickRule:
    """A market rule: bands in rising order, the first of them from zero.

    >>> rule = TickRule.of("0.01")
    >>> rule.nearest(190.0549)
    Decimal('190.05')
    >>> rule.up(Decimal("190.0501")), rule.down(Decimal("190.0599"))
    (Decimal('190.06'), Decimal('190.05'))
    """

    bands: tuple[PriceBand, ...]

    def __post_init__(self) -> None:
        edges = [band.low_edge for band in self.bands]
        if not edges or edges[0] != 0 or edges != sorted(set(edges)):
            raise InvalidInput("a market rule needs price bands in rising order, from zero")
        if any(band.increment <= 0 for band in self.bands):
            raise InvalidInput("a market rule needs increments above zero")

    @classmethod
    def of(cls, increment: Decimal | str) -> TickRule:
        """Give the rule with one increment at every price."""
        return cls((PriceBand(Decimal(0), Decimal(increment)),))

    def increment_at(self, price: Decimal) -> Decimal:
        """Give the tick that holds at ``price``."""
        for band in reversed(self.bands):  # nearly every price is in the highest
            if price >= band.low_edge:
                return band.increment
        return self.bands[0].increment

    def nearest(self, price: Decimal | float) -> Decimal:
        """Round to the tick nearest to ``price``."""
        return self._rounded(price, ROUND_HALF_EVEN)

    def up(self, price: Decimal | float) -> Decimal:
        """Round to the lowest tick at or above ``price``."""
        return self._rounded(price, ROUND_CEILING)

    def down(self, price: Decimal | float) -> Decimal:
        """Round to the highest tick at or below ``price``."""
        return self._rounded(price, ROUND_FLOOR)

    def is_on_tick(self, price: Decimal) -> bool:
        """Tell whether ``price`` can stand in an order as it is."""
        return price % self.increment_at(price) == 0

    def step_up(self, price: Decimal, ticks: int = 1) -> Decimal:
        """Go ``ticks`` ticks up from ``price``.

        >>> TickRule((PriceBand(Decimal(0), Decimal("0.0001")),
        ...           PriceBand(Decimal(1), Decimal("0.01")))).step_up(Decimal("0.9999"), 2)
        Decimal('1.01')
        """
        for _ in range(ticks):
            on_tick = self.down(price)
            price = on_tick + self.increment_at(on_tick)
        return price

    def step_down(self, price: Decimal, ticks: int = 1) -> Decimal:
        """Go ``ticks`` ticks down from ``price``; below an edge the lower band's tick holds."""
        for _ in range(ticks):
            on_tick = self.up(price)
            below = [band for band in self.bands if band.low_edge < on_tick]
            price = on_tick - (below[-1] if below else self.bands[0]).increment
        return price

    def _rounded(self, price: Decimal | float, rounding: str) -> Decimal:
        exact = to_decimal(price)
        increment = self.increment_at(exact)
        return (exact / increment).to_integral_value(rounding) * increment
