from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.paper.feed.disturbed import Disturbance, DisturbedMarket, NoTradeBars, Shape
from apps.paper.feed.market import BarSource, Market, MarketBar
from apps.paper.feed.synthetic import SyntheticMarket
from apps.paper.instruments.catalogue import Catalogue
from apps.paper.instruments.listing import Listing

OPEN = int(datetime(2026, 11, 19, 14, 30, tzinfo=UTC).timestamp()) * 1000
MINUTE = 60_000
SYNTHETIC = SyntheticMarket(7)
_FOUND = Catalogue.load().by_con_id(265598)
assert _FOUND is not None
AAPL: Listing = _FOUND


def disturbed(*disturbances: Disturbance) -> DisturbedMarket:
    market = DisturbedMarket(SYNTHETIC)
    for each in disturbances:
        market.disturb(each)
    return market


def bars_of(
    market: Market,
    seconds: int,
    start: int,
    end: int,
    source: BarSource = BarSource.TRADES,
) -> list[MarketBar]:
    return list(market.bars(AAPL, source, seconds, start, end, regular_only=True))


def from_prints(market: Market, bar: MarketBar) -> tuple[object, ...] | None:
    """Give what a bar of trades must show, from the market's own prints."""
    end = bar.start + bar.seconds * 1000
    trades = market.prints(AAPL, bar.start - 1, end - 1)
    if not trades:
        return None
    prices = [each.price for each in trades]
    volume = sum(each.size for each in trades)
    return prices[0], max(prices), min(prices), prices[-1], volume


SHAPES = st.sampled_from(list(Shape))
STRETCHES = st.tuples(st.integers(0, 8 * MINUTE), st.integers(0, 5 * MINUTE))
DISTURBANCES = st.builds(
    lambda shape, stretch, by: Disturbance(
        shape, OPEN + stretch[0], OPEN + stretch[0] + stretch[1], "AAPL", Decimal(by) / 100
    ),
    SHAPES,
    STRETCHES,
    st.integers(-40, 40).filter(bool),
)


@given(st.lists(DISTURBANCES, min_size=1, max_size=3), st.sampled_from([5, 15, 60, 300]))
@settings(max_examples=40, deadline=None)
def test_bars_of_every_size_are_those_of_the_prints(
    disturbances: list[Disturbance], seconds: int
) -> None:
    market = disturbed(*disturbances)
    for bar in bars_of(market, seconds, OPEN, OPEN + 10 * MINUTE):
        wanted = from_prints(market, bar)
        if wanted is None:
            assert (bar.volume, bar.count) == (0, 0)
        else:
            assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == wanted


@given(st.lists(DISTURBANCES, min_size=1, max_size=3), st.integers(0, 12 * MINUTE))
@settings(max_examples=40, deadline=None)
def test_last_is_the_newest_print_and_the_touch_lies_around_a_price_on_its_tick(
    disturbances: list[Disturbance], after: int
) -> None:
    market, at = disturbed(*disturbances), OPEN + after
    trades = market.prints(AAPL, OPEN - 1, at)
    if trades:
        assert market.last(AAPL, at) == trades[-1]
    touch = market.touch(AAPL, at)
    assert touch.bid <= touch.ask
    assert AAPL.ticks.is_on_tick(touch.bid)
    assert AAPL.ticks.is_on_tick(touch.ask)


def test_market_without_disturbances_is_the_one_inside() -> None:
    market = DisturbedMarket(SYNTHETIC)
    assert bars_of(market, 60, OPEN, OPEN + MINUTE) == bars_of(SYNTHETIC, 60, OPEN, OPEN + MINUTE)
    assert market.touch(AAPL, OPEN) == SYNTHETIC.touch(AAPL, OPEN)
    assert market.head(AAPL) == SYNTHETIC.head(AAPL)


def test_what_was_before_a_disturbance_stays_as_it_was() -> None:
    start = OPEN + 5 * MINUTE + 1
    market = disturbed(Disturbance(Shape.SHIFTED, start, by=Decimal("0.5")))
    before = bars_of(SYNTHETIC, 5, OPEN, OPEN + 5 * MINUTE)
    assert bars_of(market, 5, OPEN, OPEN + 5 * MINUTE) == before
    assert market.touch(AAPL, start) == SYNTHETIC.touch(AAPL, start), "it starts on a second"
    assert market.touch(AAPL, start + 999) != SYNTHETIC.touch(AAPL, start + 999)


def test_disturbances_lie_around_each_other_in_the_order_they_came() -> None:
    market = disturbed(
        Disturbance(Shape.SHIFTED, OPEN, by=Decimal("0.10")),
        Disturbance(Shape.FLAT, OPEN + MINUTE),
    )
    prices = {each.price for each in market.prints(AAPL, OPEN + MINUTE, OPEN + 3 * MINUTE)}
    assert prices == {market.last(AAPL, OPEN + MINUTE - 1).price}
    assert prices.pop() > SYNTHETIC.last(AAPL, OPEN + MINUTE).price * Decimal("1.09")


def test_other_symbols_go_through_untouched() -> None:
    market = disturbed(Disturbance(Shape.HALTED, OPEN, symbol="KO"))
    until = OPEN + MINUTE
    assert market.prints(AAPL, OPEN, until) == SYNTHETIC.prints(AAPL, OPEN, until)


@pytest.mark.parametrize("source", [BarSource.BID, BarSource.ASK, BarSource.MIDPOINT])
@pytest.mark.parametrize(
    ("shape", "stands"),
    [(Shape.FLAT, True), (Shape.HALTED, True), (Shape.QUIET, False)],
)
def test_quotes_stand_still_or_go_on(source: BarSource, shape: Shape, *, stands: bool) -> None:
    market = disturbed(Disturbance(shape, OPEN + MINUTE))
    bars = bars_of(market, 5, OPEN + MINUTE, OPEN + 10 * MINUTE, source)
    assert (len({(bar.high, bar.low) for bar in bars}) == 1) is stands
    if not stands:
        assert bars == bars_of(SYNTHETIC, 5, OPEN + MINUTE, OPEN + 10 * MINUTE, source)
    assert {(bar.volume, bar.count) for bar in bars} == {(-1, -1)}


@pytest.mark.parametrize("shape", [Shape.QUIET, Shape.HALTED])
def test_last_stays_the_last_trade_for_as_long_as_there_is_none(shape: Shape) -> None:
    market = disturbed(Disturbance(shape, OPEN + MINUTE, OPEN + 3 * MINUTE))
    before = SYNTHETIC.last(AAPL, OPEN + MINUTE - 1)
    assert market.last(AAPL, OPEN + 3 * MINUTE - 1) == before
    assert market.last(AAPL, OPEN + 4 * MINUTE) == SYNTHETIC.last(AAPL, OPEN + 4 * MINUTE)


def test_bars_that_are_missing_are_missing_from_larger_ones_too() -> None:
    market = disturbed(
        Disturbance(Shape.QUIET, OPEN + MINUTE, OPEN + 3 * MINUTE, bars=NoTradeBars.MISSING)
    )
    minutes = bars_of(market, 60, OPEN, OPEN + 4 * MINUTE)
    assert [(bar.start - OPEN) // MINUTE for bar in minutes] == [0, 3]
    (half_hour,) = bars_of(market, 1_800, OPEN, OPEN + 1)
    (calm,) = bars_of(SYNTHETIC, 1_800, OPEN, OPEN + 1)
    lost = sum(bar.volume for bar in bars_of(SYNTHETIC, 60, OPEN + MINUTE, OPEN + 3 * MINUTE))
    assert half_hour.volume == calm.volume - lost


def test_day_that_is_cut_is_made_of_its_parts() -> None:
    market = disturbed(Disturbance(Shape.SHIFTED, OPEN + 123_456, by=Decimal("0.2")))
    (day,) = bars_of(market, 86_400, OPEN - 12 * 3_600_000, OPEN + 1)
    hours = bars_of(market, 3_600, OPEN - 3_600_000, OPEN + 7 * 3_600_000)
    assert day.high == max(bar.high for bar in hours)
    assert day.low == min(bar.low for bar in hours)
    assert day.volume == sum(bar.volume for bar in hours)
    assert day.high > bars_of(SYNTHETIC, 86_400, OPEN - 12 * 3_600_000, OPEN + 1)[0].high


def test_gap_moves_the_previous_close_of_the_next_day_only() -> None:
    market = disturbed(Disturbance(Shape.SHIFTED, OPEN + MINUTE, by=Decimal("-0.3")))
    today, tomorrow = OPEN + 2 * MINUTE, OPEN + 24 * 3_600_000
    assert market.previous_close(AAPL, today) == SYNTHETIC.previous_close(AAPL, today)
    moved = SYNTHETIC.previous_close(AAPL, tomorrow) * Decimal("0.7")
    assert abs(market.previous_close(AAPL, tomorrow) - moved) <= AAPL.min_tick


def test_disturbance_that_is_ended_leaves_what_it_did_and_no_more() -> None:
    market = DisturbedMarket(SYNTHETIC)
    number = market.disturb(Disturbance(Shape.SHIFTED, OPEN, by=Decimal("0.10")))
    version = market.version
    market.end(number, OPEN + MINUTE)
    assert market.version > version
    assert market.touch(AAPL, OPEN + MINUTE) == SYNTHETIC.touch(AAPL, OPEN + MINUTE)
    assert market.touch(AAPL, OPEN + MINUTE - 1) != SYNTHETIC.touch(AAPL, OPEN + MINUTE - 1)
    version = market.version
    market.end(number, OPEN + 2 * MINUTE)
    assert market.version == version, "it was over"
