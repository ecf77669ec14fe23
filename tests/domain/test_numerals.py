from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.domain.errors import InvalidInput
from apps.domain.numerals import parse_number, plain


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("190.5", "190.5"),
        (" 10 ", "10"),
        (".5", "0.5"),
        ("10.", "10"),
        ("+3", "3"),
        ("-0.3", "-0.3"),
    ],
)
def test_plain_decimals_are_read(text: str, number: str) -> None:
    assert parse_number(text, "the level") == Decimal(number)


def test_a_typographic_minus_is_a_minus() -> None:
    assert parse_number("\N{MINUS SIGN}0.3", "the level") == Decimal("-0.3")


@pytest.mark.parametrize(
    "text",
    ["", "   ", "nan", "NaN", "inf", "-Infinity", "1e400", "1e3", "1_000", "1,000", "190.5.1",
     "0x10", "--1", "+-1", ".", "-", "$190", "１９０", "9" * 19, "abc\x00"],
)  # fmt: skip
def test_anything_else_is_one_sentence_that_names_it(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"^the level ") as caught:
        parse_number(text, "the level")
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 160


@given(st.decimals(min_value=-10_000, max_value=10_000, places=4))
@settings(deadline=None, max_examples=100)
def test_what_is_shown_can_be_typed_again(number: Decimal) -> None:
    assert parse_number(plain(number), "it") == number
    assert "E" not in plain(number)
