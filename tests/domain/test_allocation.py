"""Plans of allocations: within one share of each weight, and never beyond what the account has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.domain.allocation import (
    AllocationPlan,
    AllocationTerms,
    Lasting,
    OrderStyle,
    Standing,
    Subject,
    Urgency,
    check_terms,
    plan_allocation,
)
from apps.domain.errors import BadRequest
from apps.domain.orders import AdaptivePriority, OrderType, Side, TimeInForce
from apps.domain.quotes import Quote
from tests.engine.fakes import an_instrument

D = Decimal


def a_quote(bid: str | None, ask: str | None, last: str | None, close: str | None = None) -> Quote:
    bid_at, ask_at, traded, closed = (
        None if each is None else D(each) for each in (bid, ask, last, close)
    )
    return Quote(bid_at, ask_at, traded, closed, D(100), D(100), 1000.0)


def a_subject(
    symbol: str, weight: str, held: str = "0", price: str = "100.00", **more: object
) -> Subject:
    instrument = an_instrument(symbol, sum(map(ord, symbol)))
    quote = a_quote(price, price, price)
    subject = Subject(instrument, D(weight), D(held), quote, 0.5)
    return replace(subject, **more)  # type: ignore[arg-type]  # any field


def a_standing(**changed: object) -> Standing:
    standing = Standing(D(100_000), D(100_000), D(400_000), is_cash_account=False)
    return replace(standing, **changed)  # type: ignore[arg-type]  # any field


def planned(
    *subjects: Subject, standing: Standing | None = None, **terms: object
) -> AllocationPlan:
    every = AllocationTerms(**terms)  # type: ignore[arg-type]  # any field
    return plan_allocation(subjects, standing or a_standing(), every, "USD")


def orders_of(plan: AllocationPlan) -> list[tuple[str, str, Decimal]]:
    return [
        (each.instrument.symbol, each.ticket.side.value, each.ticket.quantity)
        for each in plan.orders
    ]


# ------------------------------------------------------------------------------ what comes out


def test_weights_become_whole_shares_rounded_toward_zero() -> None:
    plan = planned(a_subject("AAPL", "0.4", price="190.40"), a_subject("MSFT", "0.3", price="410"))
    assert orders_of(plan) == [("AAPL", "BUY", D(210)), ("MSFT", "BUY", D(73))]
    assert plan.problems == ()
    assert plan.cash_after == D(100_000) - 210 * D("190.40") - 73 * D(410)


def test_what_is_held_too_much_is_sold_before_anything_is_bought() -> None:
    plan = planned(
        a_subject("AAPL", "0.5"),
        a_subject("MSFT", "0.2", held="700"),
        a_subject("NVDA", "0", held="100"),
    )
    assert orders_of(plan) == [
        ("MSFT", "SELL", D(500)),
        ("NVDA", "SELL", D(100)),
        ("AAPL", "BUY", D(500)),
    ]
    assert [each.reduces for each in plan.orders] == [True, True, False]


def test_position_that_turns_around_is_closed_by_one_order_and_opened_by_another() -> None:
    # IB refuses one that crosses (2137)
    plan = planned(a_subject("AAPL", "-0.2", held="100"), allow_short=True)
    assert orders_of(plan) == [("AAPL", "SELL", D(100)), ("AAPL", "SELL", D(200))]
    assert [each.reduces for each in plan.orders] == [True, False]


def test_short_that_is_covered_is_a_buy_that_reduces() -> None:
    plan = planned(a_subject("AAPL", "0", held="-100"))
    assert orders_of(plan) == [("AAPL", "BUY", D(100))]
    assert plan.orders[0].reduces


def test_fractions_that_are_held_stay_and_the_whole_shares_are_sold() -> None:
    plan = planned(a_subject("AAPL", "0", held="10.5"))
    assert orders_of(plan) == [("AAPL", "SELL", D(10))]


def test_trade_below_the_minimum_is_left_out_and_is_no_refusal() -> None:
    plan = planned(a_subject("AAPL", "0.4", held="398"), minimum=D(500))
    assert plan.orders == ()
    assert plan.problems == ()
    assert plan.lines[0].note == "2 shares are below the minimum trade"


def test_exposure_scales_every_weight() -> None:
    plan = planned(a_subject("AAPL", "0.5"), exposure=D("0.5"))
    assert orders_of(plan) == [("AAPL", "BUY", D(250))]


def test_limit_is_beyond_the_market_by_the_offset_and_never_worse_than_that() -> None:
    buy = a_subject("AAPL", "0.4", quote=a_quote("99.98", "100.02", "100.00"))
    sell = a_subject("MSFT", "0", held="100", quote=a_quote("99.98", "100.02", "100.00"))
    plan = planned(buy, sell, style=OrderStyle.LIMIT, offset_pct=D("0.25"), lasting=Lasting.GTC)
    tickets = {each.instrument.symbol: each.ticket for each in plan.orders}
    assert tickets["AAPL"].limit_price == D("100.27")  # 100.02 × 1.0025 = 100.27005
    assert tickets["MSFT"].limit_price == D("99.74")  # 99.98 × 0.9975 = 99.73005
    assert {each.time_in_force for each in tickets.values()} == {TimeInForce.GTC}
    assert {each.order_type for each in tickets.values()} == {OrderType.LIMIT}


@pytest.mark.parametrize(
    ("style", "order_type", "adaptive"),
    [
        (OrderStyle.MARKET, OrderType.MARKET, None),
        (OrderStyle.ON_CLOSE, OrderType.MARKET_ON_CLOSE, None),
        (OrderStyle.ADAPTIVE, OrderType.MARKET, AdaptivePriority.PATIENT),
    ],
)
def test_style_makes_the_order(
    style: OrderStyle, order_type: OrderType, adaptive: AdaptivePriority | None
) -> None:
    (order,) = planned(a_subject("AAPL", "0.1"), style=style, urgency=Urgency.PATIENT).orders
    assert (order.ticket.order_type, order.ticket.adaptive) == (order_type, adaptive)


def test_without_a_trade_the_middle_is_the_price_and_without_a_market_the_last_close() -> None:
    middle = planned(a_subject("AAPL", "0.1", quote=a_quote("99.00", "101.00", None)))
    closed = planned(a_subject("AAPL", "0.1", quote=a_quote(None, None, None, "98.00")))
    assert middle.lines[0].price == D(100)
    assert middle.orders[0].price == D(101)  # what a buy takes
    assert closed.lines[0].price == D(98)


# -------------------------------------------------------------------------------- what is refused


def test_nothing_is_planned_where_one_of_them_has_no_price() -> None:
    plan = planned(a_subject("AAPL", "0.4"), a_subject("MSFT", "0.3", quote=None))
    assert plan.problems == ("MSFT: there is no price of it",)


def test_reason_not_to_trade_one_is_a_problem_of_the_whole() -> None:
    plan = planned(a_subject("AAPL", "0.4", why_not="a bracket is live"), a_subject("MSFT", "0.3"))
    assert plan.problems == ("AAPL: a bracket is live",)
    assert [each.symbol for each in plan.lines if each.is_refused] == ["AAPL"]


def test_account_that_would_hold_more_than_it_has_because_of_what_is_not_named_is_refused() -> None:
    plan = planned(a_subject("AAPL", "0.6"), standing=a_standing(others=D(50_000)))
    assert "110,000.00 would be held in all" in plan.problems[0]
    assert "--close-others" in plan.problems[0]


def test_only_reducing_is_allowed_however_much_is_held() -> None:
    plan = planned(a_subject("AAPL", "0.6", held="900"), standing=a_standing(others=D(150_000)))
    assert plan.problems == ()


def test_cash_account_cannot_sell_short_nor_spend_what_it_does_not_have() -> None:
    cash = a_standing(is_cash_account=True, cash=D(10_000), buying_power=D(10_000))
    short = planned(a_subject("AAPL", "-0.05"), standing=cash, allow_short=True)
    poor = planned(a_subject("AAPL", "0.5"), standing=cash)
    assert short.problems == ("a cash account cannot sell what it does not hold",)
    assert poor.problems == ("the account's cash would not do, by 40,000.00: lower the exposure",)


def test_cash_account_buys_with_what_its_sells_bring() -> None:
    cash = a_standing(is_cash_account=True, cash=D(10), buying_power=D(10))
    plan = planned(a_subject("AAPL", "0.5"), a_subject("MSFT", "0.5", held="1000"), standing=cash)
    assert plan.problems == ()
    assert plan.cash_after == D(10)


def test_margin_account_is_held_to_its_buying_power() -> None:
    plan = planned(
        a_subject("AAPL", "1"), standing=a_standing(buying_power=D(150_000)), exposure=D(2)
    )
    words = "it takes 200,000.00, and 150,000.00 can be bought, 0.00 more after what is sold"
    assert plan.problems == (f"{words}: lower the exposure",)


@pytest.mark.parametrize("unknown", ["net_liquidation", "buying_power"])
def test_account_that_is_not_known_is_not_traded(unknown: str) -> None:
    assert planned(a_subject("AAPL", "0.1"), standing=a_standing(**{unknown: None})).problems


def test_order_that_is_a_slip_of_the_hand_is_refused() -> None:
    plan = planned(
        a_subject("AAPL", "1", price="0.01"),
        standing=a_standing(net_liquidation=D(1_000_000)),
    )
    assert "too many for an order" in plan.problems[0]


@pytest.mark.parametrize(
    ("weights", "terms", "words"),
    [
        (None, {}, "are missing"),
        ({}, {}, "are missing"),
        ({"AAPL": "1.01"}, {}, "above 1 for AAPL"),
        ({"AAPL": "-0.1"}, {}, "--allow-short"),
        ({"AAPL": "0.6", "MSFT": "0.5"}, {}, "add up to 1.1"),
        ({"AAPL": "0.6", "MSFT": "-0.5"}, {"allow_short": True}, "add up to 1.1"),
        ({"AAPL": "0.6"}, {"lasting": Lasting.GTC}, "are for the day"),
        ({"AAPL": "0.6"}, {"offset_pct": D(1)}, "is for lmt orders"),
    ],
)
def test_terms_that_no_account_could_be_brought_to_are_refused(
    weights: Mapping[str, str] | None, terms: Mapping[str, object], words: str
) -> None:
    given = None if weights is None else {name: D(weight) for name, weight in weights.items()}
    with pytest.raises(BadRequest) as refused:
        check_terms(given, AllocationTerms(**terms))  # type: ignore[arg-type]  # any field
    assert words in refused.value.message


# ------------------------------------------------------------------------------------------ laws

cents = st.integers(50, 100_000).map(lambda n: D(n) / 100)


@st.composite
def accounts(draw: st.DrawFn) -> tuple[list[Subject], Standing, Decimal]:
    count = draw(st.integers(1, 6))
    shares = draw(st.lists(st.integers(0, 100), min_size=count, max_size=count))
    whole = max(100, sum(shares))
    subjects = []
    for number, share in enumerate(shares):
        price, spread = draw(cents), draw(st.integers(0, 3))
        quote = Quote(price, price + D(spread) / 100, price, None, D(1), D(1), 0.0)
        held = D(draw(st.integers(-500, 500)))
        instrument = an_instrument(f"S{number}", number + 1)
        subjects.append(Subject(instrument, D(share) / whole, held, quote, 0.0))
    cash = D(draw(st.integers(0, 10_000_000))) / 100
    worth = sum((each.held * (each.quote.last or 0) for each in subjects if each.quote), D(0))
    is_cash = draw(st.booleans())
    net = cash + worth
    power = max(D(0), net * (1 if is_cash else 4))
    exposure = D(draw(st.integers(1, 20))) / 10
    return subjects, Standing(net, cash, power, is_cash_account=is_cash), exposure


@given(accounts())
@settings(deadline=None, max_examples=100)
def test_plan_keeps_its_laws(drawn: tuple[list[Subject], Standing, Decimal]) -> None:
    subjects, standing, exposure = drawn
    plan = plan_allocation(subjects, standing, AllocationTerms(exposure=exposure), "USD")
    whole = standing.net_liquidation or D(0)
    for line in plan.lines:
        asked = whole * exposure * line.weight
        after = line.current + line.delta
        assert line.price is not None
        if whole > 0:
            assert abs(after * line.price) <= abs(asked)  # never beyond the weight
            assert abs(asked - after * line.price) < line.price  # and within a share of it
        traded = sum(each.ticket.side.sign * each.ticket.quantity for each in line.orders)
        assert traded == line.delta
        for order in line.orders:
            assert order.ticket.quantity > 0
            assert order.ticket.quantity % 1 == 0
    kinds = [(not each.reduces, each.ticket.side is Side.BUY) for each in plan.orders]
    assert kinds == sorted(kinds)
    if not plan.problems and any(not each.reduces for each in plan.orders):
        assert plan.gross_after <= max(D(1), exposure) * whole
        spent = sum((each.worth for each in plan.orders if not each.reduces), D(0))
        assert spent <= plan.room_after
        if standing.is_cash_account:
            assert plan.cash_after is not None
            assert plan.cash_after >= 0
