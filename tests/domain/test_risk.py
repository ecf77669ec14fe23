from __future__ import annotations

from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.domain.errors import InvalidInput, RiskRefused
from apps.domain.margin import Margin
from apps.domain.orders import OrderType, Side, Ticket
from apps.domain.risk import (
    EntryContext,
    LiveIntent,
    RiskLimits,
    TradingMode,
    breaches,
    check_account,
    check_entry,
    check_mode,
    check_size,
    only_reduces,
)
from apps.domain.trading_mode import check_confirmation

ALL = RiskLimits(Decimal(5000), 2, Decimal(500))


def a_ticket(quantity: str = "10", side: Side = Side.BUY, limit: str = "100") -> Ticket:
    return Ticket(side, Decimal(quantity), OrderType.LIMIT, Decimal(limit))


def intent(symbol: str = "MSFT", unfilled: str = "10", **more: Any) -> LiveIntent:
    ticket = a_ticket(**more)
    return LiveIntent(symbol, ticket, Decimal(unfilled), Decimal(unfilled) * Decimal(100))


def entry(quantity: str = "10", **more: Any) -> EntryContext:
    side = more.pop("side", Side.BUY)
    values: dict[str, Any] = {
        "symbol": "AAPL",
        "ticket": a_ticket(quantity, side),
        "price": Decimal(100),
        "market_price": Decimal(100),
        "price_age_s": 0.0,
        "in_regular_hours": True,
    }
    return EntryContext(**values | more)


def broken(context: EntryContext, limits: RiskLimits = ALL) -> list[str]:
    return [breach.limit for breach in breaches(limits, context)]


def test_an_entry_within_every_cap_is_let_through() -> None:
    check_entry(ALL, entry("50", open_symbols=frozenset({"MSFT"}), day_pnl=Decimal("-499.99")))


def test_without_limits_everything_is_let_through() -> None:
    far = entry(
        "1e9",
        open_symbols=frozenset("ABCDEFG"),
        live=(intent("AAPL"),) * 50,
        day_pnl=None,
        exposure=None,
        market_price=None,
        price_age_s=None,
        in_regular_hours=False,
        sent_last_minute=1000,
    )
    check_entry(RiskLimits(), far)


def test_notional_above_the_cap_is_refused_with_both_numbers() -> None:
    with pytest.raises(RiskRefused, match=r"AAPL.*5000\.01.*MAX_ORDER_NOTIONAL allows 5000"):
        check_entry(ALL, entry("1", price=Decimal("5000.01")))


def test_quantity_above_the_limit_is_refused() -> None:
    limits = RiskLimits(max_order_qty=Decimal(10))
    assert broken(entry("10"), limits) == []
    assert broken(entry("11"), limits) == ["MAX_ORDER_QTY"]


def test_position_counts_what_is_held_and_what_is_being_entered() -> None:
    limits = RiskLimits(max_position_notional=Decimal(3000))
    held = entry("10", position=Decimal(10), live=(intent("AAPL"), intent("MSFT", "99")))
    assert broken(held, limits) == []
    assert broken(replace(held, position=Decimal(11)), limits) == ["MAX_POSITION_NOTIONAL"]
    short = replace(held, position=Decimal(-11), live=(), ticket=a_ticket("20", Side.SELL))
    assert broken(short, limits) == ["MAX_POSITION_NOTIONAL"]


def test_exposure_counts_all_that_is_ours_and_all_that_is_being_entered() -> None:
    limits = RiskLimits(max_total_exposure=Decimal(3000))
    full = entry("10", exposure=Decimal(1000), live=(intent("MSFT"), intent("SPY", "0")))
    assert broken(full, limits) == []
    assert broken(replace(full, exposure=Decimal("1000.01")), limits) == ["MAX_TOTAL_EXPOSURE"]


def test_exposure_that_is_not_known_refuses() -> None:
    limits = RiskLimits(max_total_exposure=Decimal(3000))
    assert broken(entry(exposure=None), limits) == ["MAX_TOTAL_EXPOSURE"]
    unpriced = replace(intent(), notional=None)
    assert broken(entry(live=(unpriced,)), limits) == ["MAX_TOTAL_EXPOSURE"]


def test_live_entries_count_as_positions_to_be() -> None:
    held = entry(open_symbols=frozenset({"MSFT"}))
    assert broken(replace(held, live=(intent("SPY"),))) == ["MAX_OPEN_POSITIONS"]
    assert broken(replace(held, live=(intent("MSFT"),))) == []


def test_adding_to_a_symbol_that_is_open_is_no_new_position() -> None:
    assert broken(entry(open_symbols=frozenset({"AAPL", "MSFT"}))) == []
    assert broken(entry(open_symbols=frozenset({"MSFT"}), live=(intent("AAPL"),))) == []
    assert broken(entry(open_symbols=frozenset({"AAPL", "MSFT", "SPY"}))) == []


def test_open_intents_count_those_that_are_filled_too() -> None:
    limits = RiskLimits(max_open_intents=2)
    assert broken(entry(live=(intent(),)), limits) == []
    assert broken(entry(live=(intent(), intent("SPY", "0"))), limits) == ["MAX_OPEN_INTENTS"]


def test_one_intent_per_symbol_holds_until_the_bracket_is_over() -> None:
    limits = RiskLimits(one_intent_per_symbol=True)
    assert broken(entry(live=(intent("MSFT"),)), limits) == []
    assert broken(entry(live=(intent("AAPL", "0"),)), limits) == ["ONE_INTENT_PER_SYMBOL"]


def test_duplicate_is_the_very_same_order_while_it_is_under_way() -> None:
    limits = RiskLimits(refuse_duplicates=True)
    assert broken(entry(live=(intent("AAPL"),)), limits) == ["REFUSE_DUPLICATES"]
    for other in (intent("MSFT"), intent("AAPL", "0"), intent("AAPL", limit="101")):
        assert broken(entry(live=(other,)), limits) == []


def test_orders_of_the_last_minute_are_limited() -> None:
    limits = RiskLimits(max_orders_per_minute=3)
    assert broken(entry(sent_last_minute=2), limits) == []
    assert broken(entry(sent_last_minute=3), limits) == ["MAX_ORDERS_PER_MINUTE"]


@pytest.mark.parametrize("day_pnl", ["-500", "-700", None])
def test_a_loss_at_the_cap_or_an_unknown_one_is_refused(day_pnl: str | None) -> None:
    assert broken(entry(day_pnl=None if day_pnl is None else Decimal(day_pnl))) == [
        "MAX_DAILY_LOSS"
    ]


def test_an_unknown_loss_does_not_matter_without_a_cap_on_it() -> None:
    assert broken(entry(day_pnl=None), RiskLimits(max_open_positions=1)) == []


@pytest.mark.parametrize(("age_s", "is_refused"), [(5.0, False), (5.1, True), (None, True)])
def test_price_that_is_old_or_never_came_is_refused(age_s: float | None, is_refused: bool) -> None:
    limits = RiskLimits(max_price_age_s=5.0)
    assert bool(broken(entry(price_age_s=age_s), limits)) is is_refused


@pytest.mark.parametrize(
    ("price", "market", "is_refused"),
    [
        ("110", "100", False),
        ("110.01", "100", True),
        ("89.99", "100", True),
        ("100", None, True),
        ("100", "0", True),
    ],
)
def test_price_far_from_the_market_is_refused(
    price: str, market: str | None, is_refused: bool
) -> None:
    limits = RiskLimits(max_price_distance_pct=Decimal(10))
    seen = None if market is None else Decimal(market)
    context = entry(price=Decimal(price), market_price=seen)
    assert broken(context, limits) == ["MAX_PRICE_DISTANCE_PCT"] * is_refused


@pytest.mark.parametrize(("is_open", "is_refused"), [(True, False), (False, True), (None, False)])
def test_closed_session_is_refused_and_unknown_hours_are_the_brokers(
    is_open: bool | None, is_refused: bool
) -> None:
    limits = RiskLimits(regular_hours_only=True)
    assert bool(broken(entry(in_regular_hours=is_open), limits)) is is_refused


def test_every_reason_is_told() -> None:
    held = frozenset({"A", "B"})
    with pytest.raises(RiskRefused) as caught:
        check_entry(ALL, entry("60", open_symbols=held, day_pnl=None))
    for name in ("MAX_ORDER_NOTIONAL", "MAX_OPEN_POSITIONS", "MAX_DAILY_LOSS"):
        assert name in caught.value.message


def test_size_alone_is_judged_before_anything_else_is_known() -> None:
    limits = RiskLimits(Decimal(5000), 1, Decimal(1), max_order_qty=Decimal(50))
    check_size(limits, entry("50", open_symbols=frozenset("AB"), day_pnl=None))
    with pytest.raises(RiskRefused, match=r"MAX_ORDER_QTY.*MAX_ORDER_NOTIONAL"):
        check_size(limits, entry("51"))


money = st.decimals(1, 10_000, places=2)
whole = st.integers(1, 20)


@st.composite
def some_limits(draw: st.DrawFn) -> RiskLimits:
    order, position, total = sorted(draw(st.lists(money, min_size=3, max_size=3)))
    return RiskLimits(
        max_order_notional=draw(st.sampled_from([None, order])),
        max_position_notional=draw(st.sampled_from([None, position])),
        max_total_exposure=draw(st.sampled_from([None, total])),
        max_open_positions=draw(st.none() | whole),
        max_daily_loss=draw(st.none() | money),
        max_order_qty=draw(st.none() | money),
        max_orders_per_minute=draw(st.none() | whole),
        max_open_intents=draw(st.none() | whole),
        max_price_distance_pct=draw(st.none() | money),
        max_price_age_s=draw(st.none() | st.floats(0.1, 100)),
        max_margin_pct=draw(st.none() | st.decimals(1, 100, places=0)),
        regular_hours_only=draw(st.booleans()),
        one_intent_per_symbol=draw(st.booleans()),
        refuse_duplicates=draw(st.booleans()),
    )


sides = st.sampled_from(Side)
symbols = st.sampled_from(["AAPL", "MSFT", "SPY"])
quantities = st.integers(1, 100).map(Decimal)
tickets = st.builds(
    Ticket, side=sides, quantity=quantities, order_type=st.just(OrderType.LIMIT), limit_price=money
)
intents = st.builds(
    LiveIntent, symbols, tickets, st.integers(0, 100).map(Decimal), st.none() | money
)
margins = st.builds(
    Margin,
    needed=st.none() | money,
    is_estimate=st.booleans(),
    available=st.none() | st.decimals(0, 20_000, places=2),
    reserved=st.decimals(0, 5_000, places=2),
    is_cash_account=st.booleans(),
)
contexts = st.builds(
    EntryContext,
    symbol=symbols,
    ticket=tickets,
    price=money,
    position=st.integers(-200, 200).map(Decimal),
    open_symbols=st.frozensets(symbols),
    live=st.lists(intents, max_size=4).map(tuple),
    exposure=st.none() | money,
    day_pnl=st.none() | st.decimals(-10_000, 10_000, places=2),
    sent_last_minute=st.integers(0, 30),
    market_price=st.none() | money,
    price_age_s=st.none() | st.floats(0, 200),
    in_regular_hours=st.sampled_from([True, False, None]),
    margin=st.none() | margins,
)


def tightened(limits: RiskLimits, name: str) -> RiskLimits:
    """Give the same limits with one of them halved, or set where there was none."""
    limit, changed = getattr(limits, name), dict[str, Any]()
    if isinstance(limit, bool):
        changed[name] = True
    elif limit is None or isinstance(limit, int):
        counts = name in ("max_open_positions", "max_open_intents", "max_orders_per_minute")
        changed[name] = max(1, (limit or 1) // 2) if counts else Decimal(1)
    else:
        changed[name] = limit / 2
    return replace(limits, **changed)


@settings(deadline=None, max_examples=100)
@given(some_limits(), contexts, st.sampled_from([field.name for field in fields(RiskLimits)]))
def test_tighter_limit_never_permits_more(
    limits: RiskLimits, context: EntryContext, name: str
) -> None:
    try:
        tighter = tightened(limits, name)
    except InvalidInput:  # the whole would be below its part
        return
    assert set(broken(context, limits)) <= set(broken(context, tighter))


@pytest.mark.parametrize(
    ("margin", "refused"),
    [
        (Margin(Decimal(400), False, Decimal(1000), Decimal(100)), False),
        (Margin(Decimal(401), False, Decimal(1000), Decimal(100)), True),
        (Margin(Decimal(401), True, Decimal(1000), Decimal(100)), True),
        (Margin(None, True, Decimal(1000)), True),
        (Margin(Decimal(1), False, None), True),
        (None, True),
    ],
)
def test_margin_is_held_to_what_is_free_of_its_share_of_the_funds(
    margin: Margin | None, refused: bool
) -> None:
    limits = RiskLimits(max_margin_pct=Decimal(50))
    assert broken(entry(margin=margin), limits) == ["MAX_MARGIN_PCT"] * refused
    assert broken(entry(margin=margin, side=Side.SELL, position=Decimal(10)), limits) == []


def known_and_within(value: Any, limit: Any) -> bool:
    return limit is None or (value is not None and value <= limit)


@settings(deadline=None, max_examples=100)
@given(some_limits(), contexts)
def test_nothing_that_opens_is_let_through_beyond_a_limit(
    limits: RiskLimits, context: EntryContext
) -> None:
    """What is let through is within every limit, reckoned anew here, and all of it is known."""
    if breaches(limits, context) or context.reduces:
        return
    ticket, live = context.ticket, context.live
    worth = ticket.quantity * context.price
    of_symbol = [each for each in live if each.symbol == context.symbol]
    entering = [each for each in live if each.unfilled > 0]
    held = context.position + ticket.side.sign * ticket.quantity
    held += sum(each.unfilled * each.entry.side.sign for each in of_symbol)
    worths = [each.notional for each in entering]
    total = None
    if context.exposure is not None and None not in worths:
        total = context.exposure + worth + sum(each for each in worths if each is not None)
    loss = None if context.day_pnl is None else -context.day_pnl
    assert known_and_within(ticket.quantity, limits.max_order_qty)
    assert known_and_within(worth, limits.max_order_notional)
    assert known_and_within(abs(held) * context.price, limits.max_position_notional)
    assert known_and_within(total, limits.max_total_exposure)
    assert known_and_within(len(live) + 1, limits.max_open_intents)
    assert known_and_within(context.sent_last_minute + 1, limits.max_orders_per_minute)
    assert known_and_within(loss, limits.max_daily_loss)
    assert known_and_within(context.price_age_s, limits.max_price_age_s)
    assert not (limits.one_intent_per_symbol and of_symbol)
    assert not (limits.regular_hours_only and context.in_regular_hours is False)
    symbols_held = context.open_symbols | {each.symbol for each in entering}
    if context.symbol not in symbols_held:
        assert known_and_within(len(symbols_held) + 1, limits.max_open_positions)
    if limits.max_price_distance_pct is not None:
        market = context.market_price
        assert market is not None
        assert abs(context.price / market - 1) * 100 <= limits.max_price_distance_pct
    if limits.max_margin_pct is not None:
        margin = context.margin
        assert margin is not None
        assert margin.available is not None
        free = margin.available * limits.max_margin_pct / 100 - margin.reserved
        assert known_and_within(margin.needed, free)
        assert margin.needed is not None
        assert not (margin.is_cash_account and ticket.side is Side.SELL)


@settings(deadline=None, max_examples=100)
@given(some_limits(), contexts, quantities)
def test_what_only_reduces_is_refused_by_no_limit(
    limits: RiskLimits, context: EntryContext, beyond: Decimal
) -> None:
    ticket = context.ticket
    held = -ticket.side.sign * (ticket.quantity + beyond - 1)
    check_entry(limits, replace(context, position=held))


@settings(deadline=None, max_examples=100)
@given(some_limits(), contexts)
def test_each_breach_names_its_limit_once_and_says_what_to_do(
    limits: RiskLimits, context: EntryContext
) -> None:
    found = breaches(limits, context)
    assert len({breach.limit for breach in found}) == len(found)
    for breach in found:
        assert breach.limit in breach.message
        assert breach.message.endswith(".")


def test_live_mode_sends_nothing_before_it_is_confirmed() -> None:
    check_mode(TradingMode.PAPER)
    with pytest.raises(RiskRefused, match="read-only"):
        check_mode(TradingMode.LIVE)
    check_mode(TradingMode.LIVE, confirmed=True)


def test_paper_mode_wants_a_paper_account() -> None:
    check_account(TradingMode.PAPER, "DU1234567")
    check_account(TradingMode.PAPER, "DF1234567")
    check_account(TradingMode.LIVE, "U1234567")
    with pytest.raises(RiskRefused, match="U1234567 does not look like a paper account"):
        check_account(TradingMode.PAPER, "U1234567")
    for paper in ("DU1234567", "DF1234567"):
        with pytest.raises(RiskRefused, match=f"{paper} is a paper account"):
            check_account(TradingMode.LIVE, paper)


@pytest.mark.parametrize("typed", ["", "yes", "U123456", "U12345678", "U1234567 U1234567"])
def test_only_the_accounts_own_number_confirms_it(typed: str) -> None:
    check_confirmation("U1234567", "u1234567 ")
    with pytest.raises(RiskRefused, match="Not opened"):
        check_confirmation("U1234567", typed)


@pytest.mark.parametrize(
    ("side", "quantity", "position", "reduces"),
    [
        (Side.SELL, 10, 10, True),
        (Side.SELL, 11, 10, False),
        (Side.BUY, 1, 10, False),
        (Side.BUY, 10, -10, True),
        (Side.SELL, 1, -10, False),
        (Side.SELL, 1, 0, False),
    ],
)
def test_only_what_makes_a_position_smaller_reduces(
    side: Side, quantity: int, position: int, reduces: bool
) -> None:
    assert only_reduces(side, Decimal(quantity), Decimal(position)) is reduces
