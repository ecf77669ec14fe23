"""Futures, currencies and combinations at the exchange: margin, what-if, fills and costs."""

from __future__ import annotations

from decimal import Decimal

import pytest

from apps.domain.orders import Side
from apps.paper.exchange.events import CommissionReported, WhatIfAnswered
from apps.paper.instruments.listing import Listing
from tests.paper.exchange.bench import Bench, codes, fills
from tests.paper.exchange.instruments import (
    BAG,
    ES,
    EURUSD,
    OTHER_STOCK,
    SAP,
    STOCK,
    UNKNOWN_FUTURE,
    leg,
)

D = Decimal
RATES = {"EUR": D("1.16")}


def bench(cash: int = 250_000, bid: str = "99.99", ask: str = "100.01") -> Bench:
    made = Bench(cash=cash, rates=RATES)
    made.stand(bid, ask, 10_000_000, 10_000_000)
    return made


def what_if(
    on: Bench, side: str, quantity: int, listing: Listing, **more: object
) -> WhatIfAnswered:
    order = {"listing": listing, "what_if": True, **more}
    (answer,) = on.place(1, side, quantity, "MKT", **order)
    assert isinstance(answer, WhatIfAnswered)
    return answer


def test_what_if_of_a_hundred_euros_has_a_commission() -> None:
    answer = what_if(bench(), "BUY", 100, EURUSD)
    assert (answer.commission, answer.currency) == (D(2), "USD")
    assert answer.equity_with_loan.change == D(-2)
    assert answer.initial_margin.change == 100 * 100 * D("0.025")  # the bench marks it at 100


def test_what_if_of_a_known_future_asks_for_its_margin_a_contract() -> None:
    answer = what_if(bench(), "SELL", 2, ES)
    assert answer.initial_margin.change == 2 * D(24_000)
    assert answer.maintenance_margin.change == 2 * D(21_500)
    assert answer.commission == D("4.50")


def test_future_that_is_not_in_the_table_asks_for_a_share_of_its_value() -> None:
    answer = what_if(bench(), "BUY", 3, UNKNOWN_FUTURE)
    assert answer.maintenance_margin.change == 3 * 10 * 100 * D("0.10")
    assert answer.initial_margin.change == answer.maintenance_margin.change * D("1.1")


def test_what_if_in_another_currency_is_in_the_accounts() -> None:
    answer = what_if(bench(), "BUY", 100, SAP)
    assert answer.initial_margin.change == 10_000 * D("0.25") * D("1.16")
    assert (answer.commission, answer.currency) == (D(5), "EUR")
    assert answer.equity_with_loan.change == -5 * D("1.16")


def test_what_if_of_a_combination_adds_up_its_legs() -> None:
    legs = (leg(STOCK, Side.BUY, 2), leg(OTHER_STOCK, Side.SELL, 1))
    answer = what_if(bench(), "BUY", 10, BAG, legs=legs)
    assert answer.initial_margin.change == 2000 * D("0.25") + 1000 * D("0.30")
    sale = 1000 * D("0.0000206") + 10 * D("0.000195")
    assert answer.commission == 2 + sale


def test_position_beyond_the_margin_of_a_future_is_rejected() -> None:
    on = bench(cash=50_000)
    assert codes(on.place(1, "BUY", 2, "LMT", limit="90", listing=ES)) == []
    assert codes(on.place(2, "BUY", 1, "LMT", limit="90", listing=ES)) == [201]
    assert codes(on.place(3, "SELL", 2, "LMT", limit="110", listing=ES)) == []


def test_future_books_its_commission_at_once_and_its_profit_at_the_close() -> None:
    on = bench()
    on.place(1, "BUY", 2, "MKT", listing=ES)
    assert on.account.cash() == {"USD": D(250_000) - D("4.50")}
    on.stand("101.00", "101.25")
    events = on.place(2, "SELL", 2, "MKT", listing=ES)
    assert fills(events) == [(2, "2", "101.00")]
    gross = 2 * 50 * (D("101.00") - D("100.01"))
    assert on.account.cash()["USD"] == 250_000 + gross - 9
    (report,) = (event.report for event in events if isinstance(event, CommissionReported))
    assert report.realized_pnl == gross - 9


def test_currency_trade_moves_two_balances_and_pays_in_dollars() -> None:
    on = bench(bid="1.15995", ask="1.16000")
    events = on.place(1, "BUY", 100_000, "MKT", listing=EURUSD)
    assert on.account.cash() == {"USD": D(250_000) - 116_000 - D("2.32"), "EUR": D(100_000)}
    (report,) = (event.report for event in events if isinstance(event, CommissionReported))
    assert (report.commission, report.currency) == (D("2.32"), "USD")
    assert on.account.holding(EURUSD).average_cost == D("1.16")


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_leverage_in_currencies_ends_at_their_margin(side: str) -> None:
    on = bench(cash=10_000, bid="99.99", ask="100.01")
    assert codes(on.place(1, side, 4_000, "LMT", limit="100", listing=EURUSD)) == [399]
    assert codes(on.place(2, side, 4_000, "LMT", limit="100", listing=EURUSD)) == [201]
