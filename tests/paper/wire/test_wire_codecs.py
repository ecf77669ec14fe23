from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.paper.wire import LocalProtocolError
from apps.paper.wire.codecs import (
    BOOL,
    CSV,
    DECIMAL,
    ESCAPED,
    INT,
    LONG,
    MINUS_ONE_DECIMAL,
    MINUS_TWO_DECIMAL,
    NONE_WORD,
    OPTIONAL_BOOL,
    OPTIONAL_DECIMAL,
    OPTIONAL_INT,
    OPTIONAL_OFFSET,
    UNSET_DECIMAL,
    Codec,
    FieldError,
    number_text,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (100, "100"),
        (100.0, "100"),
        (Decimal("100.00"), "100"),
        (Decimal("1E+3"), "1000"),
        (1e22, "10000000000000000000000"),
        (Decimal("0.00000001"), "0.00000001"),
        (1e-7, "0.0000001"),
        (190.05, "190.05"),
        (Decimal("190.10"), "190.1"),
        (-0.0, "0"),
        (Decimal("-0.00"), "0"),
        (-1, "-1"),
        (None, ""),
    ],
)
def test_numbers_are_written_plainly(value: Decimal | float | None, text: str) -> None:
    assert number_text(value) == text


@settings(deadline=None, max_examples=100)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_float_is_written_exactly_and_without_exponent(value: float) -> None:
    text = number_text(value)
    assert float(text) == value
    assert not set(text) & {"e", "E"}
    assert not text.endswith(".0")


@pytest.mark.parametrize("value", [math.nan, math.inf, Decimal("NaN"), Decimal("-Infinity")])
def test_what_is_no_number_cannot_be_written(value: Decimal | float) -> None:
    with pytest.raises(LocalProtocolError, match="not a number"):
        number_text(value)


@pytest.mark.parametrize(
    "text",
    ["", "1.7976931348623157e+308", "1.7976931348623157E308", str(2**127 - 1), "2147483647"],
)
def test_every_way_of_writing_unset_is_none(text: str) -> None:
    assert OPTIONAL_DECIMAL.decode(text) is None
    assert OPTIONAL_INT.decode(text) is None
    assert DECIMAL.decode(text) == 0
    assert INT.decode(text) == 0


@pytest.mark.parametrize(
    "text", ["x", "1_000", "nan", "inf", "1e-999999999", "1e50", "9" * 65, "--1", "1,5", "²", "٣"]
)
@pytest.mark.parametrize("codec", [INT, DECIMAL, OPTIONAL_INT, OPTIONAL_DECIMAL, BOOL])
def test_what_is_no_number_is_not_read_as_one(codec: Codec, text: str) -> None:
    with pytest.raises(FieldError):
        codec.decode(text)


def test_a_whole_number_may_have_been_written_as_a_float() -> None:
    assert INT.decode("100.0") == 100
    with pytest.raises(FieldError, match="whole"):
        INT.decode("100.5")


@pytest.mark.parametrize("text", ["2147483648", "-2147483648", "9" * 30])
def test_a_whole_number_beyond_32_bits_is_refused(text: str) -> None:
    for codec in (INT, OPTIONAL_INT, BOOL):
        with pytest.raises(FieldError, match="32 bits"):
            codec.decode(text)


def test_a_permanent_id_may_have_64_bits_and_no_more() -> None:
    assert LONG.decode("4294967296") == 2**32
    with pytest.raises(FieldError, match="64 bits"):
        LONG.decode(str(2**63))


def test_what_was_not_computed_is_a_number_that_it_cannot_be() -> None:
    assert MINUS_ONE_DECIMAL.encode(None) == "-1"
    assert MINUS_TWO_DECIMAL.encode(None) == "-2"
    assert MINUS_ONE_DECIMAL.decode("-1") is MINUS_TWO_DECIMAL.decode("-2") is None
    assert MINUS_TWO_DECIMAL.decode("-1") == -1


def test_an_escape_that_is_none_is_refused() -> None:
    with pytest.raises(FieldError, match="escaped"):
        ESCAPED.decode("C:\\x")


def test_a_bool_that_was_not_given_is_not_false() -> None:
    assert [OPTIONAL_BOOL.decode(text) for text in ("", "0", "1")] == [None, False, True]
    assert [OPTIONAL_BOOL.encode(value) for value in (None, False, True)] == ["", "0", "1"]


@pytest.mark.parametrize("text", ["Infinite", "Infinity", "inf"])
def test_an_offset_without_bound_is_read_in_every_client_s_spelling(text: str) -> None:
    assert OPTIONAL_OFFSET.decode(text) == Decimal("Infinity")
    assert OPTIONAL_OFFSET.encode(Decimal("Infinity")) == "Infinity"


def test_words_and_numbers_that_stand_for_nothing() -> None:
    assert NONE_WORD.encode("") == "None"
    assert NONE_WORD.decode("None") == ""
    assert UNSET_DECIMAL.encode(None) == "1.7976931348623157E308"
    assert CSV.decode("") == ()


def test_a_name_beyond_ascii_goes_out_as_escapes() -> None:
    assert ESCAPED.encode("NESTLÉ") == "NESTL\\xc9"
    assert ESCAPED.decode("NESTL\\xc9") == "NESTLÉ"
