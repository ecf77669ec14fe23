"""What currencies are worth: the pair, its inverse, or the way through the dollar."""

from __future__ import annotations

from decimal import Decimal

import pytest

from apps.paper.books.currencies import FixedRates, ForexRates
from apps.paper.instruments.listing import Listing
from tests.paper.exchange.instruments import EURGBP, EURUSD, STOCK, USDJPY, pair

D = Decimal
GBPUSD = pair(11, "GBP", "USD", "1.32")
PRICES = {EURUSD.con_id: D("1.25"), USDJPY.con_id: D("160"), GBPUSD.con_id: D("1.5")}


def market(listing: Listing) -> Decimal:
    return PRICES[listing.con_id]


RATES = ForexRates([STOCK, EURUSD, USDJPY, GBPUSD], market)


@pytest.mark.parametrize(
    ("currency", "base", "worth"),
    [
        ("USD", "USD", D(1)),
        ("EUR", "USD", D("1.25")),
        ("USD", "EUR", D("0.8")),
        ("JPY", "USD", D("0.00625")),
        ("USD", "JPY", D(160)),
        ("EUR", "JPY", D(200)),
        ("EUR", "EUR", D(1)),
        ("CHF", "USD", None),
        ("EUR", "CHF", None),
    ],
)
def test_rate_is_the_pairs_its_inverse_or_through_the_dollar(
    currency: str, base: str, worth: Decimal | None
) -> None:
    assert RATES.rate(currency, base) == worth


def test_pair_of_their_own_goes_before_the_way_through_the_dollar() -> None:
    prices = {**PRICES, EURGBP.con_id: D("0.9")}
    rates = ForexRates([EURUSD, GBPUSD, EURGBP], lambda each: prices[each.con_id])
    assert rates.rate("EUR", "GBP") == D("0.9")


def test_price_of_nothing_is_no_rate() -> None:
    rates = ForexRates([EURUSD], lambda _: D(0))
    assert (rates.rate("EUR", "USD"), rates.rate("USD", "EUR")) == (None, None)


def test_fixed_rates_know_what_they_were_given() -> None:
    rates = FixedRates({"EUR": D("1.1")})
    assert (rates.rate("EUR", "USD"), rates.rate("CHF", "USD")) == (D("1.1"), None)
