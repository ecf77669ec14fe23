"""What one currency is worth in another: read from the market, or from a fixed table.

Pure: prices come in through a `Mark`. Which currencies an account holds is the ledger's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Protocol

from apps.paper.instruments.listing import Listing

__all__ = ["AccountRates", "FixedRates", "ForexRates", "Mark"]

Mark = Callable[[Listing], Decimal]
"""Gives the price that a listing is valued at."""

_BRIDGE = "USD"
"""The currency through which two others meet that have no listing of their own."""
_ONE = Decimal(1)


class AccountRates(Protocol):
    """Where an account finds what its currencies are worth."""

    def rate(self, currency: str, base: str) -> Decimal | None:
        """Give the worth of one unit of ``currency`` in ``base``; None where nobody knows."""


@dataclass(frozen=True, slots=True)
class FixedRates:
    """A table of worths in whatever the base is."""

    worth: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))

    def rate(self, currency: str, base: str) -> Decimal | None:
        """Give the worth of one unit of ``currency``.

        >>> FixedRates({"EUR": Decimal("1.10")}).rate("EUR", "USD")
        Decimal('1.10')
        """
        return _ONE if currency == base else self.worth.get(currency)


class ForexRates:
    """The market's own rates: of the pair's listing, of its inverse, or through the dollar.

    ``mark`` is asked each time, so the rates are those of its moment; a price that is not above
    zero is no rate.
    """

    def __init__(self, listings: Iterable[Listing], mark: Mark) -> None:
        self._pairs = {
            (pair.symbol, pair.currency): pair for pair in listings if pair.sec_type == "CASH"
        }
        self._mark = mark

    def rate(self, currency: str, base: str) -> Decimal | None:
        """Give the worth of one unit of ``currency`` in ``base``; None without a way to it."""
        direct = self._quoted(currency, base)
        if direct is not None or _BRIDGE in (currency, base):
            return direct
        leg, other = self._quoted(currency, _BRIDGE), self._quoted(_BRIDGE, base)
        return None if leg is None or other is None else leg * other

    def knows(self, currency: str) -> bool:
        """Tell whether there is a pair of ``currency`` and the dollar."""
        pairs = ((currency, _BRIDGE), (_BRIDGE, currency))
        return currency == _BRIDGE or any(each in self._pairs for each in pairs)

    def _quoted(self, currency: str, base: str) -> Decimal | None:
        if currency == base:
            return _ONE
        if (pair := self._pairs.get((currency, base))) is not None:
            price = self._mark(pair)
            return price if price > 0 else None
        if (pair := self._pairs.get((base, currency))) is not None:
            price = self._mark(pair)
            return _ONE / price if price > 0 else None
        return None
