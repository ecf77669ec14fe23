from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.domain.brackets import (
    EntryPlan,
    EntryStyle,
    Stakes,
    build_bracket,
    entry_cap,
    parse_entry_style,
    parse_exit_pct,
    plan_breakout_entry,
    stakes,
    stop_loss_price,
    take_profit_price,
)
from apps.domain.errors import InvalidInput, NotTradableYet
from apps.domain.instruments import Instrument, InstrumentKind
from apps.domain.orders import Bracket, OrderType, Side, Ticket, TimeInForce
from apps.domain.sessions import TradingHours
from apps.domain.ticks import PriceBand, TickRule

CENT = TickRule.of("0.01")
US_STOCK = TickRule(
    (PriceBand(Decimal(0), Decimal("0.0001")), PriceBand(Decimal(1), Decimal("0.01")))
)
REF = Decimal("190.00")


def instrument(kind: InstrumentKind = InstrumentKind.STOCK, ticks: TickRule = CENT) -> Instrument:
    return Instrument(265598, "AAPL", kind, "SMART", "NASDAQ", "USD", ticks, TradingHours())


def bracket(
    side: Side = Side.BUY,
    *,
    entry: EntryPlan | None = None,
    reference: Decimal = REF,
    take_profit: str | None = "1",
    stop_loss: str | None = "0.5",
) -> Bracket:
    return build_bracket(
        instrument(),
        side,
        Decimal(10),
        reference,
        take_profit_pct=None if take_profit is None else Decimal(take_profit),
        stop_loss_pct=None if stop_loss is None else Decimal(stop_loss),
        entry=entry,
        order_ref="BD-20261120-w1-abcd",
    )


def leg(side: Side, order_type: OrderType, **prices: Decimal) -> Ticket:
    good = TimeInForce.DAY if side is Side.BUY else TimeInForce.GTC
    return Ticket(
        side, Decimal(10), order_type, prices.get("limit"), prices.get("stop"), good, False,
        "BD-20261120-w1-abcd",
    )  # fmt: skip


def test_a_bracket_is_a_capped_day_entry_with_exits_until_cancelled() -> None:
    assert bracket().legs == (
        leg(Side.BUY, OrderType.LIMIT, limit=Decimal("190.38")),
        leg(Side.SELL, OrderType.LIMIT, limit=Decimal("191.90")),
        leg(Side.SELL, OrderType.STOP, stop=Decimal("189.05")),
    )


def test_a_short_bracket_is_the_mirror_image() -> None:
    short = bracket(Side.SELL)
    assert short.take_profit
    assert short.stop_loss
    assert (short.entry.side, short.entry.limit_price) == (Side.SELL, Decimal("189.62"))
    assert (short.take_profit.side, short.take_profit.limit_price) == (Side.BUY, Decimal("188.10"))
    assert (short.stop_loss.side, short.stop_loss.stop_price) == (Side.BUY, Decimal("190.95"))


def test_exits_that_are_not_wanted_are_left_out() -> None:
    assert len(bracket(take_profit=None, stop_loss=None).legs) == 1
    assert bracket(take_profit=None).take_profit is None
    assert bracket(stop_loss=None).stop_loss is None


def test_a_market_entry_has_no_price() -> None:
    entry = bracket(entry=EntryPlan(EntryStyle.MARKET)).entry
    assert (entry.order_type, entry.limit_price, entry.stop_price) == (OrderType.MARKET, None, None)


def test_a_limit_below_the_market_is_the_reference_of_its_exits() -> None:
    below = bracket(entry=EntryPlan(EntryStyle.LIMIT, Decimal("180.00")))
    assert below.stop_loss
    assert below.entry.limit_price == Decimal("180.00")
    assert below.stop_loss.stop_price == Decimal("179.10")


def test_a_limit_through_the_market_has_its_exits_where_it_fills() -> None:
    through = bracket(entry=EntryPlan(EntryStyle.LIMIT, Decimal("200.00")))
    assert through.stop_loss
    assert through.entry.limit_price == Decimal("200.00")
    assert through.stop_loss.stop_price == Decimal("189.05")
    short = bracket(Side.SELL, entry=EntryPlan(EntryStyle.LIMIT, Decimal("180.00")))
    assert short.stop_loss
    assert short.stop_loss.stop_price == Decimal("190.95")


def test_a_stop_entry_is_the_reference_of_its_exits() -> None:
    up = bracket(entry=EntryPlan(EntryStyle.STOP, Decimal("200.00")))
    assert up.stop_loss
    assert (up.entry.order_type, up.entry.stop_price) == (OrderType.STOP_LIMIT, Decimal("200.00"))
    assert up.entry.limit_price == Decimal("200.40"), "capped from its own price"
    assert up.stop_loss.stop_price == Decimal("199.00")


@pytest.mark.parametrize(
    ("style", "side", "extreme", "price"),
    [
        (EntryStyle.CAPPED, Side.BUY, "190.05", None),
        (EntryStyle.MARKET, Side.BUY, "190.05", None),
        (EntryStyle.LIMIT, Side.BUY, "190.05", "190.00"),
        (EntryStyle.STOP, Side.BUY, "190.05", "190.06"),
        (EntryStyle.STOP, Side.BUY, "189.90", "190.01"),
        (EntryStyle.STOP, Side.SELL, "189.95", "189.94"),
        (EntryStyle.STOP, Side.SELL, "190.10", "189.99"),
    ],
)
def test_a_break_is_entered_by_the_style_that_was_typed(
    style: EntryStyle, side: Side, extreme: str, price: str | None
) -> None:
    assert parse_entry_style(style.value.upper()) is style
    plan = plan_breakout_entry(style, side, REF, Decimal(extreme), CENT)
    assert (plan.style, plan.price) == (style, None if price is None else Decimal(price))
    assert bracket(side, entry=plan).entry.quantity, "it can be sent as it is"


def test_an_unknown_entry_style_is_refused() -> None:
    with pytest.raises(InvalidInput, match="none of capped, limit, mkt and stop"):
        parse_entry_style("moc")


@pytest.mark.parametrize(
    ("side", "price"), [(Side.BUY, "189"), (Side.BUY, "190"), (Side.SELL, "191")]
)
def test_a_stop_entry_on_the_wrong_side_is_refused(side: Side, price: str) -> None:
    with pytest.raises(InvalidInput, match="wrong side"):
        bracket(side, entry=EntryPlan(EntryStyle.STOP, Decimal(price)))


def test_a_typed_price_off_the_tick_is_refused_with_its_neighbours() -> None:
    with pytest.raises(InvalidInput, match=r"190\.005 is not on the tick: 190 and 190\.01"):
        bracket(entry=EntryPlan(EntryStyle.LIMIT, Decimal("190.005")))


def test_a_plan_has_a_price_just_where_it_needs_one() -> None:
    with pytest.raises(InvalidInput, match="needs a price"):
        EntryPlan(EntryStyle.LIMIT)
    with pytest.raises(InvalidInput, match="takes no price"):
        EntryPlan(EntryStyle.MARKET, Decimal(1))
    with pytest.raises(InvalidInput, match="cap of 50%"):
        EntryPlan(cap_pct=Decimal(50))


@pytest.mark.parametrize(
    ("side", "take_profit", "stop_loss", "sentence"),
    [
        (Side.BUY, "1", "-0.5", r"stop-loss of -0\.5% would stand on the wrong side.* 0\.5"),
        (Side.BUY, "-1", "0.5", "take-profit of -1% would stand on the wrong side"),
        (Side.BUY, "1", "0", "stop-loss of 0%"),
        (Side.BUY, "1", "100", "stop-loss would stand at 0, at or below zero"),
        (Side.BUY, "1", "150", "at or below zero"),
        (Side.SELL, "100", "1", "take-profit would stand at 0, at or below zero"),
        (Side.BUY, "1001", "1", "up to 1000"),
        (Side.BUY, "NaN", "1", "cannot be"),
    ],
)
def test_an_exit_that_cannot_be_is_refused(
    side: Side, take_profit: str, stop_loss: str, sentence: str
) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        bracket(side, take_profit=take_profit, stop_loss=stop_loss)


def test_a_short_may_have_its_stop_beyond_twice_the_price() -> None:
    assert stop_loss_price(REF, Side.SELL, Decimal(150), CENT) == Decimal("475.00")


@pytest.mark.parametrize("reference", ["0", "-1", "NaN", "Infinity", "1000001"])
def test_a_reference_that_is_no_price_is_refused(reference: str) -> None:
    with pytest.raises(InvalidInput, match="the reference"):
        bracket(reference=Decimal(reference))


def test_orders_for_another_kind_of_instrument_are_refused() -> None:
    with pytest.raises(NotTradableYet):
        build_bracket(
            instrument(InstrumentKind.FUTURE), Side.BUY, Decimal(1), REF,
            take_profit_pct=None, stop_loss_pct=None, order_ref="",
        )  # fmt: skip


def test_exits_across_a_dollar_stand_on_the_tick_of_their_own_band() -> None:
    assert stop_loss_price(Decimal("1.00"), Side.BUY, Decimal("1.234"), US_STOCK) == Decimal(
        "0.9877"
    )
    assert take_profit_price(Decimal("0.9950"), Side.BUY, Decimal("1.3"), US_STOCK) == Decimal(
        "1.01"
    )


def test_exits_nearer_than_a_tick_stand_one_tick_away() -> None:
    tiny = Decimal("0.001")
    assert stop_loss_price(REF, Side.BUY, tiny, CENT) == Decimal("189.99")
    assert take_profit_price(REF, Side.BUY, tiny, CENT) == Decimal("190.01")
    assert stop_loss_price(REF, Side.SELL, tiny, CENT) == Decimal("190.01")
    assert take_profit_price(REF, Side.SELL, tiny, CENT) == Decimal("189.99")


def test_stakes_are_those_of_a_fill_at_the_cap() -> None:
    assert stakes(bracket(), REF) == Stakes(
        worst_price=Decimal("190.38"),
        is_capped=True,
        notional=Decimal("1903.80"),
        money_at_risk=Decimal("13.30"),
        reward=Decimal("15.20"),
    )
    short = stakes(bracket(Side.SELL), REF)
    assert (short.notional, short.money_at_risk) == (Decimal("1896.20"), Decimal("13.30"))


def test_stakes_without_a_cap_are_those_of_the_reference() -> None:
    at_market = stakes(bracket(entry=EntryPlan(EntryStyle.MARKET), stop_loss=None), REF)
    assert (at_market.worst_price, at_market.is_capped) == (REF, False)
    assert at_market.money_at_risk is None


def test_a_take_profit_nearer_than_the_cap_shows_as_a_reward_below_zero() -> None:
    assert stakes(bracket(take_profit="0.1"), REF).reward == Decimal("-1.90")


def test_percentages_are_typed_with_or_without_their_sign() -> None:
    assert parse_exit_pct("0.5%", "the stop-loss") == parse_exit_pct(" 0.5 ", "the stop-loss")
    with pytest.raises(InvalidInput, match="the stop-loss '5x' is not a number"):
        parse_exit_pct("5x", "the stop-loss")
    with pytest.raises(InvalidInput, match="wrong side"):
        parse_exit_pct("-1", "the stop-loss")


REFERENCES = st.decimals(min_value="0.05", max_value=5000, places=4).map(US_STOCK.nearest)
PCTS = st.decimals(min_value="0.001", max_value=90, places=3)
SIDES = st.sampled_from(Side)


@given(REFERENCES, SIDES, PCTS, PCTS)
@settings(deadline=None, max_examples=100)
def test_exits_are_on_the_tick_on_their_side_and_never_worse_than_asked(
    reference: Decimal, side: Side, take_profit_pct: Decimal, stop_loss_pct: Decimal
) -> None:
    stop = stop_loss_price(reference, side, stop_loss_pct, US_STOCK)
    target = take_profit_price(reference, side, take_profit_pct, US_STOCK)
    risk, reward = (reference - stop) * side.sign, (target - reference) * side.sign
    assert US_STOCK.is_on_tick(stop)
    assert US_STOCK.is_on_tick(target)
    assert min(stop, target, risk, reward) > 0
    one_tick = (US_STOCK.step_down if side is Side.BUY else US_STOCK.step_up)(reference)
    assert risk <= reference * stop_loss_pct / 100 or stop == one_tick
    assert reward >= reference * take_profit_pct / 100


@given(REFERENCES, SIDES, st.decimals(min_value=0, max_value=10, places=3))
@settings(deadline=None, max_examples=100)
def test_a_cap_is_marketable_and_never_beyond_what_was_asked(
    reference: Decimal, side: Side, cap_pct: Decimal
) -> None:
    cap = entry_cap(reference, side, cap_pct, US_STOCK)
    assert US_STOCK.is_on_tick(cap)
    assert 0 <= (cap - reference) * side.sign <= reference * cap_pct / 100
