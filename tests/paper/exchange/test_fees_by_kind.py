"""Commissions by kind of instrument, and the dated fees of US sales."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.domain.orders import Side
from apps.paper.exchange.fees import (
    FINRA_TAF,
    IBKR_PRO_FIXED,
    NOTHING_TRADED,
    SEC_SECTION_31,
    Charge,
    Traded,
)
from apps.paper.instruments.listing import Listing
from tests.paper.exchange.bench import new_york
from tests.paper.exchange.instruments import ES, EURGBP, EURUSD, OPTION, SAP, STOCK, USDJPY

D = Decimal
NOW = new_york("2026-11-18 10:00")
WORTH = {"USD": D(1), "EUR": D("1.16"), "GBP": D("1.32"), "JPY": D("0.0064")}


def charge(
    listing: Listing,
    side: Side,
    quantity: str,
    price: str,
    *,
    before: Traded = NOTHING_TRADED,
    at: int = NOW,
) -> Charge:
    value = D(quantity) * D(price) * listing.multiplier
    after = Traded(before.quantity + D(quantity), before.value + value)
    return IBKR_PRO_FIXED.charge(
        listing, side, before=before, after=after, at=at, worth=WORTH.__getitem__
    )


@pytest.mark.parametrize(
    ("listing", "quantity", "price", "amount", "currency"),
    [
        (STOCK, "100", "190", "1.00", "USD"),
        (STOCK, "1000", "190", "5.00", "USD"),
        (SAP, "10", "200", "3.00", "EUR"),
        (SAP, "100", "200", "10.00", "EUR"),
        (ES, "2", "6800", "4.50", "USD"),
        (OPTION, "1", "5", "1.00", "USD"),
        (OPTION, "10", "5", "7.00", "USD"),
        (EURUSD, "100", "1.16", "2.00", "USD"),
        (EURUSD, "1000000", "1.16", "23.20", "USD"),
        (USDJPY, "1000000", "156.25", "20.00", "USD"),
        (EURGBP, "1000000", "0.88", "23.232", "USD"),
    ],
)
def test_buying_costs_the_commission_of_its_kind(
    listing: Listing, quantity: str, price: str, amount: str, currency: str
) -> None:
    assert charge(listing, Side.BUY, quantity, price) == Charge(D(amount), currency)


def test_us_sale_pays_the_regulators_too() -> None:
    sold = charge(STOCK, Side.SELL, "1000", "190")
    assert sold.amount == D(5) + 190_000 * D("0.0000206") + 1000 * D("0.000195")


@pytest.mark.parametrize("listing", [SAP, ES, EURUSD, OPTION])
def test_only_us_stocks_pay_them(listing: Listing) -> None:
    sold, bought = (charge(listing, side, "10", "100") for side in (Side.SELL, Side.BUY))
    assert sold == bought


@pytest.mark.parametrize(
    ("day", "rate"),
    [
        ("2024-05-21", "0"),
        ("2024-05-22", "0.0000278"),
        ("2025-05-13", "0.0000278"),
        ("2025-05-14", "0"),
        ("2026-04-03", "0"),
        ("2026-04-04", "0.0000206"),
    ],
)
def test_section_31_fee_is_that_of_the_day(day: str, rate: str) -> None:
    sold = Traded(D(100), D(1_000_000))
    assert SEC_SECTION_31.due(sold, date.fromisoformat(day)) == D(rate) * 1_000_000


def test_trading_activity_fee_is_capped_per_trade() -> None:
    assert FINRA_TAF.due(Traded(D(1_000_000), D(0)), date(2026, 1, 1)) == D("9.79")
    assert FINRA_TAF.due(Traded(D(1_000_000), D(0)), date(2025, 12, 31)) == D("8.30")


def test_day_of_a_fee_is_new_yorks() -> None:
    evening = datetime(2026, 4, 4, 3, 0, tzinfo=ZoneInfo("UTC"))  # still the third in New York
    at = int(evening.timestamp() * 1000)
    assert charge(STOCK, Side.SELL, "100", "100", at=at).amount == 1 + 100 * D("0.000195")


PARTS = st.lists(st.integers(1, 5000), min_size=1, max_size=8)


@settings(deadline=None, max_examples=60)
@given(
    PARTS,
    st.sampled_from([STOCK, SAP, EURUSD, USDJPY, ES, OPTION]),
    st.integers(1, 1_000_000).map(lambda cents: cents * D("0.01")),
)
def test_fills_together_cost_what_one_fill_would(
    parts: list[int], listing: Listing, price: Decimal
) -> None:
    before, paid = NOTHING_TRADED, D(0)
    for part in parts:
        fill = charge(listing, Side.BUY, str(part), str(price), before=before)
        value = part * price * listing.multiplier
        before = Traded(before.quantity + part, before.value + value)
        assert fill.amount >= 0
        paid += fill.amount
    assert paid == charge(listing, Side.BUY, str(sum(parts)), str(price)).amount
