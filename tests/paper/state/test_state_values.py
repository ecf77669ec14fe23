from __future__ import annotations

import json
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.domain.orders import Side
from apps.paper.exchange.orders import CommissionReport, Execution, Order, OrderSnapshot, Stage
from apps.paper.instruments.catalogue import Catalogue
from apps.paper.instruments.listing import Listing
from apps.paper.state.values import Unreadable, written_as
from apps.paper.wire import PlaceOrder

FEW = settings(deadline=None, max_examples=25)
LISTINGS = {listing.con_id: listing for listing in Catalogue.load()}
PLAIN: dict[object, st.SearchStrategy[Any]] = {
    str: st.text(max_size=8),
    int: st.integers(-(2**53), 2**53),
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    Decimal: st.decimals(allow_nan=False, allow_infinity=True),
    date: st.dates(),
    Listing: st.sampled_from(tuple(LISTINGS.values())),
    object: st.none(),
    NoneType: st.none(),
}


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Give any value that a type allows, down to the last field of what it is made of."""
    if kind in PLAIN:
        return PLAIN[kind]
    inner = get_args(kind)
    if get_origin(kind) in (Union, UnionType):
        return st.one_of([values_of(each) for each in inner])
    if get_origin(kind) is tuple and inner[1:] == (Ellipsis,):
        return st.lists(values_of(inner[0]), max_size=2).map(tuple)
    if get_origin(kind) is tuple:
        return st.tuples(*map(values_of, inner))
    if get_origin(kind) is frozenset:
        return st.frozensets(values_of(inner[0]), max_size=3)
    if issubclass(kind, Enum):
        return st.sampled_from(kind)
    assert is_dataclass(kind)
    shape: Any = kind
    hints = get_type_hints(shape)
    return st.builds(shape, **{each.name: values_of(hints[each.name]) for each in fields(shape)})


def copy_of(value: Any) -> Any:
    written = written_as(type(value))
    met: dict[int, Listing] = {}
    text = written.text_of(value, lambda listing: met.setdefault(listing.con_id, listing))
    return written.read(text, met.__getitem__)


@FEW
@given(values_of(OrderSnapshot))
def test_any_order_comes_back_as_it_was(snapshot: OrderSnapshot) -> None:
    assert copy_of(snapshot) == snapshot


@FEW
@given(values_of(PlaceOrder))
def test_any_request_comes_back_as_it_was(request: PlaceOrder) -> None:
    assert copy_of(request) == request


@FEW
@given(values_of(Execution), values_of(CommissionReport))
def test_any_trade_comes_back_as_it_was(execution: Execution, report: CommissionReport) -> None:
    assert copy_of(execution) == execution
    assert copy_of(report) == report


def test_every_listing_of_the_catalogue_comes_back_as_it_was() -> None:
    for listing in LISTINGS.values():
        assert copy_of(listing) == listing


def an_order() -> OrderSnapshot:
    listing = next(iter(LISTINGS.values()))
    order = Order(1, 2, "DU1", listing, Side.BUY, Decimal("10.50"), "LMT", Decimal("190.10"))
    return OrderSnapshot(order, 1_500_000_001, Stage.WORKING, 1)


def test_decimals_keep_their_digits_and_defaults_are_not_written() -> None:
    plain = json.loads(written_as(OrderSnapshot).text_of(an_order(), lambda listing: None))
    assert plain["order"]["quantity"] == "10.50"
    assert "limit_price" in plain["order"]
    assert "stop_price" not in plain["order"]
    assert "filled" not in plain


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "OrderSnapshot"),
        ("[]", "OrderSnapshot"),
        ('{"perm_id": 1}', "missing"),
        ('{"colour": "red"}', "no colour"),
        ('{"stage": "asleep"}', "asleep"),
        ('{"filled": "ten"}', "OrderSnapshot"),
        ('{"order": {"listing": 12}}', "12"),
    ],
)
def test_text_that_is_no_value_is_unreadable(text: str, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        written_as(OrderSnapshot).read(text, LISTINGS.__getitem__)


def test_shape_with_a_field_that_cannot_be_written_is_refused_at_once() -> None:
    @dataclass(frozen=True)
    class Odd:
        stream: bytes

    Odd.__annotations__["stream"] = bytes
    with pytest.raises(TypeError, match="bytes"):
        written_as(Odd)
