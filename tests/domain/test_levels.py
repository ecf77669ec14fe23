from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.domain.errors import InvalidInput
from apps.domain.levels import Direction, Level, LevelSpec, parse_direction
from apps.domain.orders import Side
from apps.domain.ticks import PriceBand, TickRule

CENT = TickRule.of("0.01")
US_STOCK = TickRule(
    (PriceBand(Decimal(0), Decimal("0.0001")), PriceBand(Decimal(1), Decimal("0.01")))
)
LAST = Decimal("190.00")


def resolve(text: str, direction: Direction | None = None, last: Decimal = LAST) -> Level:
    return LevelSpec.parse(text).resolve(last, CENT, direction)


def test_a_price_above_the_last_is_a_long() -> None:
    assert resolve("190.5") == Level(Decimal("190.50"), Direction.LONG)


def test_a_price_below_the_last_is_a_short() -> None:
    assert resolve("189.5") == Level(Decimal("189.50"), Direction.SHORT)


def test_percentages_are_of_the_last_price() -> None:
    assert resolve("+0.05%") == Level(Decimal("190.10"), Direction.LONG)
    assert resolve("-0.3%") == Level(Decimal("189.43"), Direction.SHORT)


def test_a_level_off_the_tick_moves_outward() -> None:
    assert resolve("190.501").price == Decimal("190.51")
    assert resolve("189.499").price == Decimal("189.49")


def test_a_level_below_a_dollar_is_on_the_tick_of_its_own_band() -> None:
    assert LevelSpec.parse("0.98765").resolve(Decimal("1.02"), US_STOCK).price == Decimal("0.9876")


@pytest.mark.parametrize(
    ("text", "direction", "sentence"),
    [
        ("189.50", Direction.LONG, r"190 is already above the level 189.5: a long .* above"),
        ("190.50", Direction.SHORT, r"190 is already below the level 190.5: a short .* below"),
        ("190.00", None, r"190 is at the level 190"),
        ("190.00", Direction.SHORT, r"190 is at the level 190: a short"),
        ("-1%", Direction.LONG, r"already above the level 188.1"),
    ],
)
def test_a_level_that_is_already_broken_is_refused_with_numbers(
    text: str, direction: Direction | None, sentence: str
) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        resolve(text, direction)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("0", "above 0"),
        ("-5", "above 0"),
        ("2000000", "at most 1000000"),
        ("0.05%", r"does not say which way: write \+0.05%"),
        ("+0%", "last price itself"),
        ("-100%", "-99%"),
        ("+150%", "100%"),
        ("%", "percentage is empty"),
        ("+nan%", "not a number"),
        ("1e400", "not a number"),
        ("inf", "not a number"),
        ("", "is empty"),
    ],
)
def test_what_cannot_be_a_level_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        LevelSpec.parse(text)


@pytest.mark.parametrize("last", ["0", "-1", "NaN", "Infinity"])
def test_without_a_last_price_there_is_no_level(last: str) -> None:
    with pytest.raises(InvalidInput, match="no last price"):
        resolve("+1%", last=Decimal(last))


def test_a_short_level_under_the_smallest_tick_is_refused() -> None:
    with pytest.raises(InvalidInput, match="smallest price"):
        resolve("0.004", last=Decimal("0.05"))


def test_a_spec_is_either_a_price_or_a_percentage() -> None:
    for wrong in ({}, {"price": Decimal(1), "offset_pct": Decimal(1)}):
        with pytest.raises(InvalidInput, match="either a price or a percentage"):
            LevelSpec(**wrong)


@pytest.mark.parametrize("text", ["190.5", "+0.05%", "-0.3%"])
def test_a_spec_is_shown_as_it_is_typed(text: str) -> None:
    assert str(LevelSpec.parse(text)) == text


def test_directions_are_typed_in_any_case_and_enter_on_their_side() -> None:
    assert parse_direction(" Long ") is Direction.LONG
    assert parse_direction("SHORT").entry_side is Side.SELL
    assert Direction.LONG.entry_side is Side.BUY
    with pytest.raises(InvalidInput, match="neither long nor short"):
        parse_direction("up")


@given(
    last=st.decimals(min_value="0.5", max_value=5000, places=2),
    offset=st.decimals(min_value=-90, max_value=100, places=3).filter(bool),
)
@settings(deadline=None, max_examples=100)
def test_a_level_is_on_the_tick_and_on_its_side_of_the_last_price(
    last: Decimal, offset: Decimal
) -> None:
    level = LevelSpec(offset_pct=offset).resolve(last, US_STOCK)
    assert US_STOCK.is_on_tick(level.price)
    assert (level.price > last) == (offset > 0) == (level.direction is Direction.LONG)
    asked = last * (1 + offset / 100)
    assert level.direction.reaches(level.price, asked)
    assert abs(level.price - asked) < Decimal("0.01")
