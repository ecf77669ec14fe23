"""What a request says: no digit is lost, and nothing is understood in two ways."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.api.http.bodies import json_object, query_values
from apps.api.http.problems import ProblemError


def refused(body: bytes) -> str:
    with pytest.raises(ProblemError) as caught:
        json_object(body)
    assert caught.value.problem.status == 400
    return caught.value.problem.detail


@settings(max_examples=80, deadline=None)
@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=9, min_value=-(10**9), max_value=10**9
    )
)
def test_a_number_keeps_every_digit(number: Decimal) -> None:
    written = f"{number:f}"
    found = json_object(f'{{"level": {written}}}'.encode())["level"]
    assert isinstance(found, Decimal)
    assert (found, f"{found:f}") == (number, written)


def test_a_number_beyond_what_a_float_holds_is_what_was_written() -> None:
    assert json_object(b'{"a": 0.1000000000000000055511151231}')["a"] == Decimal(
        "0.1000000000000000055511151231"
    )


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "not JSON"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "Infinity"),
        (b'{"a": 1, "a": 2}', "'a' twice"),
        (b'{"a": {"b": 1, "b": 1}}', "'b' twice"),
        (b"[1]", "JSON object"),
        (b"null", "JSON object"),
        (b'"dry_run"', "JSON object"),
        (b'{"a": "\xff"}', "UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "UTF-8"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b'{"a": 1e999999999}', "40 digits"),
        (b'{"a": ' + b"1" * 5000 + b"}", "40 digits"),
        (b'{"a": 1.' + b"1" * 5000 + b"}", "40 digits"),
        (b"[" * 100_000, "nested"),
        (b'{"a": 1} {"b": 1}', "not JSON"),
    ],
)
def test_what_is_no_plain_object_is_refused_with_the_reason(body: bytes, words: str) -> None:
    assert words in refused(body)


@pytest.mark.parametrize("body", [b"", b" \r\n"])
def test_no_body_is_an_empty_object(body: bytes) -> None:
    assert json_object(body) == {}


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_an_object_or_one_problem(body: bytes) -> None:
    found: dict[str, object] | None = None
    with suppress(ProblemError):
        found = json_object(body)
    assert found is None or isinstance(found, dict)


def test_a_query_gives_text_and_lists_of_what_is_repeated() -> None:
    assert query_values(b"symbols=AAPL&symbols=MSFT&side=long&x=") == {
        "symbols": ["AAPL", "MSFT"],
        "side": "long",
        "x": "",
    }


@pytest.mark.parametrize("query", [b"a=%ff", b"&".join([b"a=1"] * 501)])
def test_a_query_that_cannot_be_read_is_refused(query: bytes) -> None:
    with pytest.raises(ProblemError) as caught:
        query_values(query)
    assert caught.value.problem.status == 400
