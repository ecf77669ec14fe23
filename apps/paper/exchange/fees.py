"""What a trade costs: commissions by kind of instrument, and the dated fees of US sales.

Commissions are per order, not per fill: a minimum is asked once, so each fill is charged what the
order owes after it, less what it owed before. Regulatory fees are per fill, at the rate of its
day, and come on top, as a broker with fixed pricing passes them on.

Rates are those of IBKR Pro's fixed pricing in 2026, rounded where its exchanges differ.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import Protocol
from zoneinfo import ZoneInfo

from apps.domain.orders import Side
from apps.paper.feed.market import Millis
from apps.paper.instruments.listing import Listing

__all__ = [
    "FINRA_TAF",
    "IBKR_PRO_FIXED",
    "IBKR_PRO_FIXED_US",
    "NOTHING_TRADED",
    "SEC_SECTION_31",
    "Charge",
    "Commission",
    "DatedRate",
    "FeeSchedule",
    "FeeTable",
    "PerContract",
    "ShareOfValue",
    "Traded",
    "Worth",
]

_STEP = Decimal("0.0001")
_REGULATORY_STEP = Decimal("0.000001")
_NEW_YORK = ZoneInfo("America/New_York")
_DOLLAR = "USD"

Worth = Callable[[str], Decimal]
"""Gives the worth of one unit of a currency, in whatever one currency."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What a fill costs, and in which currency it is taken."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Traded:
    """How much of an order has traded: shares or contracts, and their value.

    ``value`` has the multiplier in it, is never negative, and is in the listing's currency.
    """

    quantity: Decimal = Decimal(0)
    value: Decimal = Decimal(0)


NOTHING_TRADED = Traded()
"""Where every order begins."""


class Commission(Protocol):
    """How a broker is paid for an order."""

    def owed(self, quantity: Decimal, value: Decimal) -> Decimal:
        """Give what an order owes once ``quantity``, worth ``value``, has traded."""


@dataclass(frozen=True, slots=True)
class FeeSchedule:
    """Commission per share with a minimum per order, and a cap as a share of its value."""

    per_share: Decimal
    minimum: Decimal
    max_share_of_value: Decimal

    def owed(self, quantity: Decimal, value: Decimal) -> Decimal:
        """Give what an order owes once ``quantity`` shares worth ``value`` have traded.

        The cap wins over the minimum.

        >>> IBKR_PRO_FIXED_US.owed(Decimal(100), Decimal(19_000))
        Decimal('1.0000')
        >>> IBKR_PRO_FIXED_US.owed(Decimal(1000), Decimal(190_000))
        Decimal('5.0000')
        >>> IBKR_PRO_FIXED_US.owed(Decimal(10), Decimal(25))
        Decimal('0.2500')
        """
        due = max(quantity * self.per_share, self.minimum)
        return _rounded(min(due, value * self.max_share_of_value))


@dataclass(frozen=True, slots=True)
class ShareOfValue:
    """Commission as a share of the value, with a minimum per order."""

    share: Decimal
    minimum: Decimal

    def owed(self, quantity: Decimal, value: Decimal) -> Decimal:
        """Give what an order owes; nothing while nothing has traded.

        >>> ShareOfValue(Decimal("0.00002"), Decimal(2)).owed(Decimal(100), Decimal(116))
        Decimal('2.0000')
        """
        return _rounded(max(value * self.share, self.minimum)) if quantity else Decimal(0)


@dataclass(frozen=True, slots=True)
class PerContract:
    """Commission per contract, exchange and clearing fees included, with a minimum per order."""

    rate: Decimal
    minimum: Decimal = Decimal(0)

    def owed(self, quantity: Decimal, value: Decimal) -> Decimal:  # noqa: ARG002 - as the others
        """Give what an order owes.

        >>> PerContract(Decimal("2.25")).owed(Decimal(3), Decimal(1_000_000))
        Decimal('6.7500')
        """
        return _rounded(max(quantity * self.rate, self.minimum)) if quantity else Decimal(0)


@dataclass(frozen=True, slots=True)
class DatedRate:
    """A regulator's rate and the days from which each value of it holds, in New York.

    ``of_value`` tells a rate on a sale's value from one on its shares. ``most`` is the highest
    that one trade pays, by the same days; 0 is no such limit.
    """

    name: str
    since: tuple[date, ...]
    rates: tuple[Decimal, ...]
    of_value: bool
    most: tuple[Decimal, ...]

    def due(self, sold: Traded, day: date) -> Decimal:
        """Give what a sale on ``day`` owes; nothing before the first day of the table."""
        place = bisect_right(self.since, day) - 1
        if place < 0:
            return Decimal(0)
        due = (sold.value if self.of_value else sold.quantity) * self.rates[place]
        most = self.most[place]
        return (min(due, most) if most else due).quantize(_REGULATORY_STEP, ROUND_HALF_UP)


SEC_SECTION_31 = DatedRate(
    name="SEC section 31 fee",
    since=(date(2024, 5, 22), date(2025, 5, 14), date(2026, 4, 4)),
    rates=(Decimal("0.0000278"), Decimal(0), Decimal("0.0000206")),
    of_value=True,
    most=(Decimal(0),) * 3,
)
"""27.80 USD a million of sales, nothing from May 2025, 20.60 from April 2026 (SEC advisories)."""

FINRA_TAF = DatedRate(
    name="FINRA trading activity fee",
    since=(date(2024, 1, 1), date(2026, 1, 1)),
    rates=(Decimal("0.000166"), Decimal("0.000195")),
    of_value=False,
    most=(Decimal("8.30"), Decimal("9.79")),
)
"""Per share sold, with a most per trade; 2026 is the second step of FINRA's published schedule."""

IBKR_PRO_FIXED_US = FeeSchedule(
    per_share=Decimal("0.005"), minimum=Decimal("1.00"), max_share_of_value=Decimal("0.01")
)
"""US stocks and ETFs, fixed pricing: 0.005 USD a share, at least 1.00, at most 1% of the value."""


@dataclass(frozen=True, slots=True)
class FeeTable:
    """Whose commission an instrument pays.

    ``futures`` goes by symbol, ``any_future`` is for the rest. Forex is counted and paid in US
    dollars; all others in the listing's currency. ``on_us_sales`` are passed on for US stocks.
    """

    us_stocks: Commission
    other_stocks: Commission
    forex: Commission
    options: Commission
    futures: Mapping[str, Commission]
    any_future: Commission
    on_us_sales: tuple[DatedRate, ...] = ()

    def charge(
        self,
        listing: Listing,
        side: Side,
        *,
        before: Traded,
        after: Traded,
        at: Millis,
        worth: Worth,
    ) -> Charge:
        """Give what the fill that brought an order from ``before`` to ``after`` costs."""
        if listing.sec_type == "CASH":
            in_dollars = worth(listing.currency) / worth(_DOLLAR)
            return Charge(
                self.forex.owed(after.quantity, after.value * in_dollars)
                - self.forex.owed(before.quantity, before.value * in_dollars),
                _DOLLAR,
            )
        schedule = self._schedule(listing)
        commission = schedule.owed(after.quantity, after.value) - schedule.owed(
            before.quantity, before.value
        )
        fill = Traded(after.quantity - before.quantity, after.value - before.value)
        return Charge(commission + self._regulatory(listing, side, fill, at), listing.currency)

    def _schedule(self, listing: Listing) -> Commission:
        match listing.sec_type:
            case "FUT":
                return self.futures.get(listing.symbol, self.any_future)
            case "OPT" | "FOP":
                return self.options
        return self.us_stocks if listing.currency == _DOLLAR else self.other_stocks

    def _regulatory(self, listing: Listing, side: Side, fill: Traded, at: Millis) -> Decimal:
        is_us_sale = side is Side.SELL and listing.sec_type == "STK" and listing.currency == _DOLLAR
        if not is_us_sale:
            return Decimal(0)
        day = datetime.fromtimestamp(at / 1000, _NEW_YORK).date()
        return sum((rate.due(fill, day) for rate in self.on_us_sales), Decimal(0))


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(_STEP, ROUND_HALF_UP)


IBKR_PRO_FIXED = FeeTable(
    us_stocks=IBKR_PRO_FIXED_US,
    other_stocks=ShareOfValue(Decimal("0.0005"), Decimal("3.00")),
    forex=ShareOfValue(Decimal("0.00002"), Decimal("2.00")),
    options=PerContract(Decimal("0.70"), Decimal("1.00")),
    futures=MappingProxyType(
        {
            "ES": PerContract(Decimal("2.25")),
            "NQ": PerContract(Decimal("2.25")),
            "MES": PerContract(Decimal("0.62")),
            "MNQ": PerContract(Decimal("0.62")),
            "CL": PerContract(Decimal("2.47")),
        }
    ),
    any_future=PerContract(Decimal("2.50")),
    on_us_sales=(SEC_SECTION_31, FINRA_TAF),
)
"""IBKR Pro, fixed pricing: what every exchange charges unless told otherwise."""
