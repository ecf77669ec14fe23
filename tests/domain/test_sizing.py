from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.domain.errors import InvalidInput
from apps.domain.sizing import MAX_SHARES, check_quantity, parse_quantity


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("0", "zero"),
        ("-5", "-5 is negative"),
        ("1.5", "1.5 is a fraction"),
        ("0.5", "fraction"),
        ("1000001", "more than 1000000"),
        ("ten", "not a number"),
        ("", "empty"),
        ("nan", "not a number"),
        ("1e2", "not a number"),
    ],
)
def test_a_quantity_that_cannot_be_has_its_own_sentence(text: str, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        parse_quantity(text)


@pytest.mark.parametrize("odd", ["NaN", "Infinity", "-Infinity"])
def test_a_quantity_that_is_no_number_is_refused(odd: str) -> None:
    with pytest.raises(InvalidInput, match="not a number of shares"):
        check_quantity(Decimal(odd))


def test_a_quantity_off_the_size_increment_is_refused() -> None:
    assert parse_quantity("200", Decimal(100)) == 200
    with pytest.raises(InvalidInput, match="no multiple of 100"):
        parse_quantity("150", Decimal(100))


def test_whole_shares_with_a_point_are_whole_shares() -> None:
    assert str(parse_quantity("10.00")) == "10"


@given(st.integers(min_value=1, max_value=int(MAX_SHARES)))
@settings(deadline=None, max_examples=50)
def test_every_whole_number_up_to_the_most_is_a_quantity(shares: int) -> None:
    assert parse_quantity(str(shares)) == shares


@given(st.decimals(allow_nan=True, allow_infinity=True))
@settings(deadline=None, max_examples=100)
def test_what_passes_is_whole_and_above_zero(number: Decimal) -> None:
    try:
        quantity = check_quantity(number)
    except InvalidInput:
        return
    assert 0 < quantity <= MAX_SHARES
    assert quantity == int(quantity)
