"""Plans of conversions: the right way round each pair, whole lots, never more than there is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.domain.account import CurrencyCash
from apps.domain.cash_balance import (
    CashPlan,
    CashTerms,
    ConversionStyle,
    PairMarket,
    plan_conversions,
)
from apps.domain.instruments import Instrument, InstrumentKind
from apps.domain.orders import OrderType, Side
from apps.domain.quotes import Quote
from apps.domain.ticks import TickRule
from tests.engine.fakes import an_instrument

D = Decimal


def a_pair(name: str, tick: str = "0.00005") -> Instrument:
    pair = an_instrument(name, sum(map(ord, name)), InstrumentKind.FOREX)
    return replace(pair, exchange="IDEALPRO", ticks=TickRule.of(tick))


def a_market(name: str, bid: str, ask: str, **more: object) -> PairMarket:
    quote = Quote(D(bid), D(ask), None, None, None, None, 0.0)
    market = PairMarket(a_pair(name), name.endswith(".USD"), quote, 0.0, is_open=True)
    return replace(market, **more)  # type: ignore[arg-type]  # any field


EUR = a_market("EUR.USD", "1.0998", "1.1000")
JPY = a_market("USD.JPY", "149.99", "150.01")


def cash(**held: tuple[str, str | None]) -> list[CurrencyCash]:
    return [
        CurrencyCash(name, D(amount), None if rate is None else D(rate))
        for name, (amount, rate) in held.items()
    ]


def planned(*held: CurrencyCash, **terms: object) -> CashPlan:
    asked = CashTerms(**{"threshold": D(100)} | terms)  # type: ignore[arg-type]  # any field
    return plan_conversions(held, "USD", {"EUR": EUR, "JPY": JPY}, asked)


def test_euros_are_sold_in_their_own_pair_and_the_cents_stay() -> None:
    plan = planned(*cash(USD=("500", "1"), EUR=("30000.75", "1.1")))
    (order,) = plan.orders
    assert (order.ticket.side, order.ticket.quantity) == (Side.SELL, D(30_000))
    assert plan.lines[0].after == D("0.75")
    assert plan.base_after == 500 + 30_000 * D("1.0998")
    assert not plan.lines[0].is_odd_lot


def test_yen_are_sold_by_buying_dollars_for_them() -> None:
    plan = planned(*cash(USD=("500", "1"), JPY=("1500000", "0.00667")))
    (order,) = plan.orders
    assert (order.ticket.side, order.ticket.quantity) == (Side.BUY, D(9_999))
    assert plan.lines[0].after == D(1_500_000) - 9_999 * D("150.01")
    assert plan.base_after == 500 + 9_999
    assert plan.lines[0].is_odd_lot


def test_debts_are_bought_back_whole_in_either_direction() -> None:
    plan = planned(*cash(USD=("100000", "1"), EUR=("-2000.25", "1.1"), JPY=("-1500000", "0.00667")))
    by_pair = {each.instrument.symbol: each.ticket for each in plan.orders}
    assert (by_pair["EUR.USD"].side, by_pair["EUR.USD"].quantity) == (Side.BUY, D(2_001))
    assert (by_pair["USD.JPY"].side, by_pair["USD.JPY"].quantity) == (Side.SELL, D(10_001))
    assert all(each.after >= 0 for each in plan.lines)


def test_what_brings_dollars_goes_before_what_costs_them() -> None:
    plan = planned(*cash(USD=("0", "1"), JPY=("-150000", "0.00667"), EUR=("5000", "1.1")))
    assert [each.instrument.symbol for each in plan.orders] == ["EUR.USD", "USD.JPY"]
    assert plan.problems == ()


def test_debt_that_the_dollars_do_not_pay_for_is_a_problem() -> None:
    plan = planned(*cash(USD=("100", "1"), EUR=("-5000", "1.1")))
    assert plan.problems == (
        "what is owed cannot be bought back: 5,400.00 USD would be missing for it",
    )


def test_balance_below_the_threshold_or_a_lot_stays() -> None:
    plan = planned(*cash(USD=("1", "1"), EUR=("90", "1.1"), JPY=("100000", "0.00667")), lot=D(1000))
    assert plan.orders == ()
    assert [each.note for each in plan.lines] == ["below the threshold", "less than a lot"]
    assert plan.problems == ()


def test_only_named_currencies_are_converted_and_one_that_is_not_held_is_told() -> None:
    held = cash(USD=("1", "1"), EUR=("5000", "1.1"), JPY=("1500000", "0.00667"))
    plan = planned(*held, currencies=("JPY", "CHF"))
    assert [each.currency for each in plan.lines] == ["JPY"]
    assert plan.problems == ("CHF: there is none of it",)


@pytest.mark.parametrize(
    ("held", "words"),
    [
        (("5000", None), "its rate is not known"),
        (("5000", "0.9"), "no pair of it is traded"),
    ],
)
def test_currency_without_rate_or_pair_is_a_problem_of_the_whole(
    held: tuple[str, str | None], words: str
) -> None:
    plan = planned(*cash(USD=("1", "1"), EUR=("5000", "1.1"), XAU=held))
    assert plan.problems == (f"XAU: {words}",)


def test_closed_market_says_until_when() -> None:
    opens = datetime(2026, 11, 22, 22, 15, tzinfo=UTC)
    closed = replace(EUR, is_open=False, opens_at=opens)
    plan = plan_conversions(cash(EUR=("5000", "1.1")), "USD", {"EUR": closed}, CashTerms(D(100)))
    assert plan.problems == ("EUR: IDEALPRO is closed until 2026-11-22 22:15 UTC",)


def test_pair_without_a_price_and_an_account_without_a_base_are_problems() -> None:
    silent = replace(EUR, quote=None)
    held = cash(EUR=("5000", "1.1"))
    assert plan_conversions(held, "USD", {"EUR": silent}, CashTerms(D(100))).problems == (
        "EUR: there is no price of EUR.USD",
    )
    assert plan_conversions(held, "", {"EUR": EUR}, CashTerms(D(100))).problems


def test_limit_is_beyond_the_market_by_the_offset() -> None:
    plan = planned(
        *cash(USD=("1", "1"), EUR=("30000", "1.1")),
        style=ConversionStyle.LIMIT,
        offset_pct=D("0.1"),
    )
    (order,) = plan.orders
    assert order.ticket.order_type is OrderType.LIMIT
    assert order.ticket.limit_price == D("1.09875")  # 1.0998 × 0.999 = 1.0987002, up to the tick


@given(
    amount=st.integers(-(10**9), 10**9).map(lambda n: D(n) / 100),
    lot=st.sampled_from([1, 10, 1000, 25_000]).map(D),
    is_direct=st.booleans(),
)
@settings(deadline=None, max_examples=100)
def test_conversion_is_in_whole_lots_and_never_goes_through_zero(
    amount: Decimal, lot: Decimal, is_direct: bool
) -> None:
    name = "EUR" if is_direct else "JPY"
    rate = D("1.1") if is_direct else D("0.0066667")
    held = [CurrencyCash("USD", D(10**9), D(1)), CurrencyCash(name, amount, rate)]
    markets = {"EUR": EUR, "JPY": JPY}
    plan = plan_conversions(held, "USD", markets, CashTerms(D(0), lot))
    for line in plan.lines:
        if line.order is None:
            continue
        price = line.order.price
        one_lot = lot if is_direct else lot * price
        assert line.order.ticket.quantity % lot == 0
        assert 0 <= line.after < one_lot
