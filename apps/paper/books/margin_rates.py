"""How much margin a position asks for: tables by kind of instrument.

Values only. Positions come from the ledger; which orders their margin allows is decided in
`apps.paper.exchange.margin`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from apps.paper.instruments.listing import Listing

__all__ = ["MARGINS", "ContractMargin", "MarginRates", "MarginTable"]

_INITIAL_TO_MAINTENANCE = Decimal("1.1")


@dataclass(frozen=True, slots=True)
class MarginRates:
    """Margin as a share of a position's market value.

    Rule-based intraday rates of a margin account for liquid stocks: a quarter for longs (the
    maintenance minimum of Regulation T accounts, which brokers also ask of day trades), 30% for
    shorts. ``overnight`` is Regulation T's own half, reported as RegTMargin and not enforced.
    """

    initial_long: Decimal = Decimal("0.25")
    initial_short: Decimal = Decimal("0.30")
    maintenance_long: Decimal = Decimal("0.25")
    maintenance_short: Decimal = Decimal("0.30")
    overnight: Decimal = Decimal("0.50")

    def initial(self, market_value: Decimal) -> Decimal:
        """Give the initial margin of a signed market value."""
        rate = self.initial_long if market_value > 0 else self.initial_short
        return abs(market_value) * rate

    def maintenance(self, market_value: Decimal) -> Decimal:
        """Give the maintenance margin of a signed market value."""
        rate = self.maintenance_long if market_value > 0 else self.maintenance_short
        return abs(market_value) * rate


@dataclass(frozen=True, slots=True)
class ContractMargin:
    """Margin of one futures contract, in its currency."""

    initial: Decimal
    maintenance: Decimal


@dataclass(frozen=True, slots=True)
class MarginTable:
    """Margins of all that can be held.

    - ``futures`` goes by symbol. A future that is not in it asks for ``any_future`` of its
      notional value, a tenth more at first than to keep it.
    - ``forex`` is a share of a currency position's value, by the rarer of its two currencies;
      ``any_currency`` is for those that are not in it.
    - A long option is paid in full and lends nothing. A short one asks for its premium and
      ``short_option`` of the strike's value: a rule of thumb, coarser than the broker's.
    """

    futures: Mapping[str, ContractMargin]
    forex: Mapping[str, Decimal]
    securities: MarginRates = MarginRates()
    any_future: Decimal = Decimal("0.10")
    any_currency: Decimal = Decimal("0.10")
    short_option: Decimal = Decimal("0.20")

    def initial(self, listing: Listing, quantity: Decimal, value: Decimal) -> Decimal:
        """Give the initial margin of a position worth ``value`` (signed as ``quantity``).

        Both amounts are in the listing's currency; the multiplier is in the value.
        """
        if listing.sec_type != "FUT":
            return self._of_value(listing, quantity, value, self.securities.initial)
        known = self.futures.get(listing.symbol)
        if known is not None:
            return abs(quantity) * known.initial
        return abs(value) * self.any_future * _INITIAL_TO_MAINTENANCE

    def maintenance(self, listing: Listing, quantity: Decimal, value: Decimal) -> Decimal:
        """Give the maintenance margin of a position, as `initial` does."""
        if listing.sec_type != "FUT":
            return self._of_value(listing, quantity, value, self.securities.maintenance)
        known = self.futures.get(listing.symbol)
        if known is not None:
            return abs(quantity) * known.maintenance
        return abs(value) * self.any_future

    def _of_value(
        self,
        listing: Listing,
        quantity: Decimal,
        value: Decimal,
        of_securities: Callable[[Decimal], Decimal],
    ) -> Decimal:
        match listing.sec_type:
            case "CASH":
                return abs(value) * self._currency_rate(listing)
            case "OPT":
                return self._option(listing, quantity, value)
        return of_securities(value)

    def _currency_rate(self, pair: Listing) -> Decimal:
        return max(
            self.forex.get(currency, self.any_currency) for currency in (pair.symbol, pair.currency)
        )

    def _option(self, listing: Listing, quantity: Decimal, value: Decimal) -> Decimal:
        if quantity >= 0:
            return value
        strike = -quantity * listing.strike * listing.multiplier
        return -value + strike * self.short_option


MARGINS = MarginTable(
    futures=MappingProxyType(
        {
            "ES": ContractMargin(Decimal(24_000), Decimal(21_500)),
            "NQ": ContractMargin(Decimal(36_000), Decimal(32_500)),
            "CL": ContractMargin(Decimal(7_000), Decimal(6_200)),
            "MES": ContractMargin(Decimal(2_400), Decimal(2_150)),
            "MNQ": ContractMargin(Decimal(3_600), Decimal(3_250)),
        }
    ),
    forex=MappingProxyType(
        {
            "USD": Decimal("0.025"),
            "EUR": Decimal("0.025"),
            "JPY": Decimal("0.025"),
            "CAD": Decimal("0.025"),
            "AUD": Decimal("0.025"),
            "NZD": Decimal("0.03"),
            "SEK": Decimal("0.03"),
            "NOK": Decimal("0.03"),
            "CHF": Decimal("0.03"),
            "GBP": Decimal("0.05"),
        }
    ),
)
"""The margins of every account unless it is told otherwise: round figures near those of 2026."""
