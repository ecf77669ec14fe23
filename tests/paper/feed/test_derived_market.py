"""Options and combinations: priced from what they rest on."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.paper.feed.black_scholes import greeks, implied_volatility, value
from apps.paper.feed.derived import DerivedMarket
from apps.paper.feed.market import BarSource, MarketBar
from apps.paper.feed.synthetic import SyntheticMarket
from apps.paper.instruments.catalogue import Catalogue
from apps.paper.instruments.combo import Combo
from apps.paper.instruments.listing import Listing, Right
from apps.paper.wire.values import ComboLeg, Contract

NEW_YORK = ZoneInfo("America/New_York")
CATALOGUE = Catalogue.load()
PLAIN = SyntheticMarket(seed=11)
MARKET = DerivedMarket(PLAIN, CATALOGUE)
MINUTE, HOUR = 60_000, 3_600_000


def millis(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=NEW_YORK).timestamp() * 1000)  # type: ignore[arg-type, misc]  # year, month, day, …


OPEN, CLOSE = millis(2026, 11, 20, 9, 30), millis(2026, 11, 20, 16)


def option(symbol: str, strike: int, right: str, expiry: str = "20261218") -> Listing:
    contract = Contract(
        symbol=symbol,
        sec_type="OPT",
        last_trade_date=expiry,
        strike=Decimal(strike),
        right=right,
    )
    [found] = CATALOGUE.find(contract, OPEN)
    return found


def under(listing: Listing) -> Listing:
    found = CATALOGUE.by_con_id(listing.under_con_id)
    assert found is not None
    return found


CALL, PUT = option("SPY", 700, "C"), option("SPY", 700, "P")
MORNING = option("SPX", 7000, "C", "20261217")
EVENING = option("SPX", 7000, "P", "20261218")
LIKELY = (CALL, PUT, MORNING, EVENING, option("AAPL", 300, "C"), option("AAPL", 250, "P"))
MOMENTS = st.integers(OPEN, CLOSE - 1)

spots = st.floats(10, 1000)
volatilities = st.floats(0.05, 1.5)
times = st.floats(0.002, 3)


# the formula


@settings(deadline=None, max_examples=100)
@given(spot=spots, strike=spots, volatility=volatilities, years=times)
def test_call_less_put_is_the_forward(
    spot: float, strike: float, volatility: float, years: float
) -> None:
    call = value(Right.CALL, spot, strike, volatility, years)
    put = value(Right.PUT, spot, strike, volatility, years)
    assert call - put == pytest.approx(spot - strike, abs=1e-7 * (spot + strike))
    assert call >= max(0.0, spot - strike)
    assert put >= max(0.0, strike - spot)


@settings(deadline=None, max_examples=100)
@given(right=st.sampled_from(Right), ratio=st.floats(0.8, 1.25), volatility=st.floats(0.15, 1))
def test_implied_volatility_is_the_one_that_makes_the_price(
    right: Right, ratio: float, volatility: float
) -> None:
    price = value(right, 100 * ratio, 100, volatility, 0.5)
    found = implied_volatility(right, 100 * ratio, 100, price, 0.5)
    assert found is not None
    assert value(right, 100 * ratio, 100, found, 0.5) == pytest.approx(price, abs=1e-4)


@settings(deadline=None, max_examples=60)
@given(right=st.sampled_from(Right), spot=st.floats(80, 120), volatility=st.floats(0.1, 0.8))
def test_greeks_are_the_slopes_of_the_price(right: Right, spot: float, volatility: float) -> None:
    here, step, small = greeks(right, spot, 100, volatility, 0.5), 0.01, 1e-4

    def price(spot: float, volatility: float = volatility, years: float = 0.5) -> float:
        return value(right, spot, 100, volatility, years)

    slope = (price(spot + step) - price(spot - step)) / (2 * step)
    bend = (price(spot + step) - 2 * price(spot) + price(spot - step)) / step**2
    a_point = (price(spot, volatility + small) - price(spot, volatility - small)) / (200 * small)
    a_year = (price(spot, years=0.5 + small) - price(spot, years=0.5 - small)) / (2 * small)
    assert here.delta == pytest.approx(slope, abs=1e-4)
    assert here.gamma == pytest.approx(bend, abs=1e-3)
    assert here.vega == pytest.approx(a_point, abs=1e-4)
    assert here.theta == pytest.approx(-a_year / 365, abs=1e-4)


def test_price_that_no_volatility_makes_has_none() -> None:
    assert implied_volatility(Right.PUT, 90, 100, 5, 0.5) is None
    assert implied_volatility(Right.CALL, 90, 100, 95, 0.5) is None
    assert implied_volatility(Right.CALL, 110, 100, 10, 0) is None


# options


@pytest.mark.parametrize("each", LIKELY, ids=lambda each: each.local_symbol)
@settings(deadline=None, max_examples=15)
@given(at=MOMENTS)
def test_touch_stands_around_the_fair_price_on_the_tick(each: Listing, at: int) -> None:
    touch, fair = MARKET.touch(each, at), MARKET.last(each, at).price
    assert 0 <= touch.bid <= fair <= touch.ask
    assert touch.bid < touch.ask
    assert touch.ask_size > 0
    assert (touch.bid_size > 0) is (touch.bid > 0)
    assert all(each.ticks.is_on_tick(price) for price in (touch.bid, touch.ask, fair))


@settings(deadline=None, max_examples=20)
@given(at=MOMENTS)
def test_option_can_neither_be_bought_nor_sold_below_what_is_inside(at: int) -> None:
    spot = PLAIN.touch(under(CALL), at)
    assert MARKET.touch(CALL, at).ask >= spot.bid - CALL.strike
    assert MARKET.touch(PUT, at).ask >= PUT.strike - spot.ask
    synthetic = MARKET.touch(CALL, at).ask - MARKET.touch(PUT, at).bid + CALL.strike
    assert synthetic >= spot.ask - Decimal("0.01")


@pytest.mark.parametrize("each", LIKELY, ids=lambda each: each.local_symbol)
def test_what_rests_on_a_moment_follows_from_it(each: Listing) -> None:
    at = OPEN + 47 * MINUTE
    anew = DerivedMarket(SyntheticMarket(seed=11), Catalogue.load())
    assert anew.touch(each, at) == MARKET.touch(each, at)
    assert anew.last(each, at) == MARKET.last(each, at)


def test_prints_are_the_underlyings_moments_and_split_anywhere() -> None:
    whole = MARKET.prints(CALL, OPEN, OPEN + MINUTE)
    assert [each.at for each in whole] == [
        each.at for each in PLAIN.prints(under(CALL), OPEN, OPEN + MINUTE)
    ]
    assert {each.size for each in whole} == {0}
    middle = whole[len(whole) // 2].at
    parts = [*MARKET.prints(CALL, OPEN, middle), *MARKET.prints(CALL, middle, OPEN + MINUTE)]
    assert parts == list(whole)


def test_calls_rise_and_puts_fall_with_the_underlying() -> None:
    stock = PLAIN.prints(under(CALL), OPEN, OPEN + 10 * MINUTE)
    for listing, sign in ((CALL, 1), (PUT, -1)):
        moves = MARKET.prints(listing, OPEN, OPEN + 10 * MINUTE)
        for (before, after), (cheap, dear) in zip(pairwise(stock), pairwise(moves), strict=True):
            assert sign * (after.price - before.price) * (dear.price - cheap.price) >= 0


@pytest.mark.parametrize("each", LIKELY, ids=lambda each: each.local_symbol)
@pytest.mark.parametrize("source", [BarSource.MIDPOINT, BarSource.BID, BarSource.ASK])
def test_bars_of_one_size_add_up_to_those_of_another(each: Listing, source: BarSource) -> None:
    def bars(seconds: int) -> list[MarketBar]:
        end = OPEN + 2 * HOUR
        return list(MARKET.bars(each, source, seconds, OPEN, end, regular_only=True))

    small, large = bars(60), bars(1800)
    assert len(large) == 4
    for number, bar in enumerate(large):
        parts = small[30 * number : 30 * (number + 1)]
        assert bar.open == parts[0].open
        assert bar.close == parts[-1].close
        assert bar.high == max(part.high for part in parts)
        assert bar.low == min(part.low for part in parts)
        assert (bar.volume, bar.count) == (-1, -1)


def test_quotes_of_a_bar_lie_within_it() -> None:
    for listing in (CALL, PUT):
        [bid] = MARKET.bars(listing, BarSource.BID, 60, OPEN, OPEN + 1, regular_only=True)
        [ask] = MARKET.bars(listing, BarSource.ASK, 60, OPEN, OPEN + 1, regular_only=True)
        for trade in MARKET.prints(listing, OPEN - 1, OPEN + MINUTE - 1):
            touch = MARKET.touch(listing, trade.at)
            assert bid.low <= touch.bid <= bid.high
            assert ask.low <= touch.ask <= ask.high


def test_options_have_no_trades_and_only_regular_hours() -> None:
    assert MARKET.bars(CALL, BarSource.TRADES, 60, OPEN, CLOSE, regular_only=False) == ()
    assert list(MARKET.prints(CALL, OPEN - HOUR, OPEN - 1)) == []
    evening = MARKET.touch(CALL, CLOSE + 3 * HOUR)
    assert evening == MARKET.touch(CALL, CLOSE - 1)


def test_time_value_goes_day_by_day_and_what_is_inside_remains() -> None:
    before, after = millis(2026, 12, 18, 15, 59), millis(2026, 12, 18, 16)
    spot = PLAIN.last(under(CALL), after).price
    for listing, inside in ((CALL, spot - 700), (PUT, 700 - spot)):
        settled = MARKET.last(listing, after + 40 * HOUR)
        assert settled.price == listing.ticks.nearest(max(Decimal(0), inside))
        assert MARKET.touch(listing, after).bid == settled.price
        assert MARKET.touch(listing, after).bid_size == 0
        assert MARKET.prints(listing, after, after + 100 * HOUR) == []
        assert MARKET.prints(listing, before, after - 1)
    first, later = MARKET.option(CALL).years(datetime(2026, 11, 20).date()), 0.5 / 365  # noqa: DTZ001 - a day without a time
    assert first == pytest.approx(28.5 / 365)
    assert MARKET.option(CALL).years(datetime(2026, 12, 18).date()) == pytest.approx(later)  # noqa: DTZ001 - a day without a time


def test_option_settled_at_the_open_trades_until_the_day_before() -> None:
    thursday, friday = millis(2026, 12, 17, 16), millis(2026, 12, 18, 9, 30)
    assert MARKET.prints(MORNING, thursday - MINUTE, thursday - 1)
    assert MARKET.prints(MORNING, thursday, friday + HOUR) == []
    assert MARKET.touch(MORNING, thursday + HOUR) == MARKET.touch(MORNING, thursday - 1)
    value_at_open = PLAIN.last(under(MORNING), friday).price
    assert MARKET.last(MORNING, friday).price == MORNING.ticks.nearest(
        max(Decimal(0), value_at_open - 7000)
    )


def test_worthless_option_has_no_bid() -> None:
    far = option("SPY", 1000, "C", "20261120")
    touch = MARKET.touch(far, OPEN + HOUR)
    assert (touch.bid, touch.bid_size, touch.ask) == (Decimal(0), 0, Decimal("0.01"))


def test_what_is_not_derived_goes_through_untouched() -> None:
    spy, at = under(CALL), OPEN + HOUR
    assert MARKET.touch(spy, at) == PLAIN.touch(spy, at)
    assert MARKET.head(spy) == PLAIN.head(spy)
    assert MARKET.head(CALL) > PLAIN.head(spy)
    assert MARKET.previous_close(CALL, at) > 0


# combinations


def vertical() -> Combo:
    legs = (
        ComboLeg(CALL.con_id, 1, "BUY", "SMART"),
        ComboLeg(option("SPY", 710, "C").con_id, 2, "SELL", "SMART"),
    )
    combo = CATALOGUE.combo(Contract(symbol="SPY", sec_type="BAG", combo_legs=legs))
    assert combo is not None
    return combo


def test_combination_costs_what_its_legs_cost() -> None:
    combo, at = vertical(), OPEN + 13 * MINUTE
    low, high = (MARKET.touch(leg.listing, at) for leg in combo.legs)
    touch = MARKET.touch(combo.listing, at)
    assert touch.bid == low.bid - 2 * high.ask
    assert touch.ask == low.ask - 2 * high.bid
    assert touch.bid_size == min(low.bid_size, high.ask_size // 2)
    assert touch.bid <= MARKET.last(combo.listing, at).price <= touch.ask


def test_combination_moves_when_a_leg_moves_and_has_no_bars() -> None:
    combo = vertical()
    moments = [each.at for each in MARKET.prints(combo.listing, OPEN, OPEN + MINUTE)]
    assert moments == [each.at for each in MARKET.prints(CALL, OPEN, OPEN + MINUTE)]
    bars = MARKET.bars(combo.listing, BarSource.MIDPOINT, 60, OPEN, CLOSE, regular_only=True)
    assert bars == ()
    assert MARKET.head(combo.listing) >= MARKET.head(CALL)
    assert MARKET.previous_close(combo.listing, OPEN) != 0


def test_combination_of_another_run_is_priced_from_its_listing_alone() -> None:
    combo = vertical()
    market = DerivedMarket(PLAIN, Catalogue.load())
    assert market.touch(combo.listing, OPEN) == MARKET.touch(combo.listing, OPEN)


def test_combination_of_what_another_catalogue_has_cannot_be_priced() -> None:
    combo = vertical()
    strange = replace(combo.listing, legs=((1, 1),))
    with pytest.raises(ValueError, match="does not know"):
        DerivedMarket(PLAIN, CATALOGUE).touch(strange, OPEN)
