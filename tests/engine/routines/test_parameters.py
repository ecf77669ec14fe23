"""Parameters: one value from words and from JSON, one complaint for each that cannot be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.domain.errors import BadRequest
from apps.engine.routines.parameters import (
    as_plain,
    choice,
    day,
    number,
    parameter,
    parameters_of,
    parsed,
    switch,
    symbols,
    text,
    weights,
    whole,
)


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Wanted:
    symbols: tuple[str, ...] = parameter("Which.", symbols(), default=(), positional=True)
    weights: dict[str, Decimal] = parameter("How much.", weights(), default=None)
    share: Decimal = parameter("A part.", number("0", "1"), default=Decimal(1))
    count: int = parameter("How many.", whole(1, 9), default=1)
    colour: Colour = parameter("Which colour.", choice(Colour), default=Colour.RED)
    is_fast: bool = parameter("Hurry.", switch(), default=False)
    since: date | None = parameter("The first day.", day(), default=None)
    note: str = parameter("A word.", text("a word"), default="")


@dataclass(frozen=True, slots=True)
class Needing:
    count: int = parameter("How many.", whole(1, 9))


@pytest.mark.parametrize(
    ("name", "from_words", "from_json", "value"),
    [
        ("symbols", ("aapl", "MSFT,spy", "AAPL"), ["aapl", "MSFT", "spy"], ("AAPL", "MSFT", "SPY")),
        (
            "weights",
            ("MSFT=0.3", "aapl=.4"),
            {"aapl": Decimal("0.4"), "MSFT": Decimal("0.3")},
            {"AAPL": Decimal("0.4"), "MSFT": Decimal("0.3")},
        ),
        ("share", "0.25", Decimal("0.25"), Decimal("0.25")),
        ("share", "0.5%", 0.5, Decimal("0.5")),
        ("count", "3", 3, 3),
        ("colour", "BLUE", "blue", Colour.BLUE),
        ("is_fast", "on", True, True),
        ("since", "2026-11-20", " 2026-11-20 ", date(2026, 11, 20)),
        ("note", " hello ", "hello", "hello"),
    ],
)
def test_words_and_json_make_the_same_value(
    name: str, from_words: object, from_json: object, value: object
) -> None:
    assert getattr(parsed(Wanted, {name: from_words}), name) == value
    assert getattr(parsed(Wanted, {name: from_json}), name) == value


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("symbols", ["AA PL$"], "which is no symbol"),
        ("symbols", 7, "may be symbols such as AAPL"),
        ("symbols", [f"S{n}" for n in range(201)], "200 are the most"),
        ("weights", ["AAPL"], "which is not SYMBOL=WEIGHT"),
        ("weights", ["AAPL=1", "aapl=2"], "names AAPL twice"),
        ("weights", {}, "may be weights"),
        ("weights", {"AAPL": True}, "may be weights"),
        ("weights", {"AAPL": float("nan")}, "may be weights"),
        ("share", "0", "a number above 0 up to 1"),
        ("share", "1.01", "a number above 0 up to 1"),
        ("share", "1e3", "is not a number"),
        ("share", [1], "a number above 0 up to 1"),
        ("count", "1.5", "a whole number, 1 to 9"),
        ("count", 10, "a whole number, 1 to 9"),
        ("count", True, "a whole number, 1 to 9"),
        ("colour", "green", "may be red or blue"),
        ("is_fast", "perhaps", "may be true or false"),
        ("since", "20.11.2026", "a date such as"),
        ("since", "2026-02-30", "a date such as"),
        ("note", "two\nlines", "may be a word"),
        ("note", "x" * 201, "longer than 200"),
        ("other", 1, "is not known here; there is symbols"),
    ],
)
def test_what_cannot_be_is_named_with_why(name: str, value: object, why: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parsed(Wanted, {name: value})
    assert list(caught.value.problems) == [name]
    assert why in caught.value.problems[name]
    assert caught.value.message.endswith("Nothing was done.")


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(BadRequest) as caught:
        parsed(Wanted, {"count": "0", "share": "2", "what": 1})
    assert list(caught.value.problems) == ["count", "share", "what"]


def test_what_is_needed_and_missing_is_told() -> None:
    with pytest.raises(BadRequest, match="count is missing; may be a whole number"):
        parsed(Needing, {"count": None})
    assert parsed(Needing, {"count": 2}) == Needing(2)


def test_a_default_is_taken_where_nothing_was_given() -> None:
    assert parsed(Wanted, {}) == parsed(Wanted, {"share": None})
    assert parsed(Wanted, {}).share == Decimal(1)


def test_parameters_are_named_as_options() -> None:
    by_name = {each.name: each for each in parameters_of(Wanted)}
    assert by_name["is_fast"].option == "--is-fast"
    assert by_name["symbols"].is_positional
    assert not by_name["share"].is_required


@given(st.dictionaries(st.from_regex(r"[A-Z]{1,5}", fullmatch=True), st.decimals(-5, 5, places=3)))
def test_a_request_is_written_the_same_in_whatever_order(given_weights: dict[str, Decimal]) -> None:
    if not given_weights:
        return
    turned = dict(reversed(list(given_weights.items())))
    one, other = parsed(Wanted, {"weights": given_weights}), parsed(Wanted, {"weights": turned})
    assert str(as_plain(one)) == str(as_plain(other))
