from __future__ import annotations

from dataclasses import fields as dataclass_fields
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.paper.wire import (
    CancelMarketData,
    Contract,
    MalformedRequest,
    Order,
    PlaceOrder,
    ReqMarketData,
    ReqScannerParameters,
    UnknownRequest,
    encode,
    parse_request,
    request_name,
)
from apps.paper.wire.requests.names import REQ_ID_POSITIONS, REQUEST_NAMES
from apps.paper.wire.requests.parse import REQUEST_MESSAGES
from apps.paper.wire.responses.order_records import OpenOrder
from apps.paper.wire.writing import writer_of

VERSIONS = st.integers(157, 176)
NUMBERISH = st.sampled_from(["", "0", "1", "-1", "7", "1e308", "nan", "2147483647", "99999", "BAG"])


def place_order_fields(order: Order, contract: Contract, version: int = 176) -> list[str]:
    fields = ["3"]
    writer_of(REQUEST_MESSAGES[3].record, version)(PlaceOrder(7, contract, order), fields)
    return fields


@settings(deadline=None, max_examples=100)
@given(st.lists(st.text(max_size=6) | NUMBERISH), VERSIONS)
def test_any_list_of_strings_gives_something(fields: list[str], version: int) -> None:
    assert parse_request(fields, version) is not None


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(sorted(REQUEST_NAMES)), st.lists(NUMBERISH, max_size=130), VERSIONS)
def test_any_fields_after_a_known_id_give_something(
    msg_id: int, fields: list[str], version: int
) -> None:
    request = parse_request([str(msg_id), *fields], version)
    assert type(request) in (
        REQUEST_MESSAGES[msg_id].record.shape if msg_id in REQUEST_MESSAGES else UnknownRequest,
        MalformedRequest,
    )


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 114), st.text(max_size=5))
def test_a_damaged_order_is_an_order_or_malformed_with_its_id(position: int, text: str) -> None:
    fields = place_order_fields(Order("BUY", Decimal(1), "MKT"), Contract(1, "AAPL", "STK"))
    fields[position] = text
    request = parse_request(fields, 176)
    if position > 1 and isinstance(request, MalformedRequest):
        assert (request.msg_id, request.name, request.request_id) == (3, "placeOrder", 7)


def test_a_plain_stock_order_has_115_fields_at_176_and_110_at_157() -> None:
    contract = Contract(265598, "AAPL", "STK", exchange="SMART", currency="USD")
    assert len(place_order_fields(Order("BUY", Decimal(1), "MKT"), contract, 176)) == 115
    assert len(place_order_fields(Order("BUY", Decimal(1), "MKT"), contract, 157)) == 110


def test_every_request_that_is_named_has_a_table() -> None:
    assert REQUEST_MESSAGES.keys() == REQUEST_NAMES.keys()
    assert REQ_ID_POSITIONS.keys() <= REQUEST_NAMES.keys()


@pytest.mark.parametrize("msg_id", ["0", "26", "60", "105", "109", "999", "-1"])
def test_a_number_that_is_no_request_up_to_176_is_unknown(msg_id: str) -> None:
    assert parse_request([msg_id, "1", "7"], 176) == UnknownRequest(int(msg_id), "", None)


def test_what_cannot_be_read_keeps_the_name_and_the_id_wherever_it_stands() -> None:
    for msg_id, name in REQUEST_NAMES.items():
        position = REQ_ID_POSITIONS.get(msg_id)
        fields = [str(msg_id), *["x"] * 200]
        if position is not None:
            fields[position] = "31"
        request = parse_request(fields, 176)
        assert isinstance(request, MalformedRequest)
        assert (request.msg_id, request.name) == (msg_id, name)
        assert request.request_id == (None if position is None else 31)


def test_a_request_has_the_name_that_ib_gives_it() -> None:
    assert request_name(ReqScannerParameters()) == "reqScannerParameters"
    assert request_name(MalformedRequest(4, "cancelOrder", 7, "why")) == "cancelOrder"
    assert request_name(UnknownRequest(999, "", None)) == ""
    for message in REQUEST_MESSAGES.values():
        request = message.record.shape(
            **{
                field.name: 1
                for field in dataclass_fields(message.record.shape)
                if field.default is field.default_factory  # both say that there is none
            }
        )
        assert request_name(request) == REQUEST_NAMES[message.msg_id]


def test_a_malformed_request_says_which_field_and_keeps_its_id() -> None:
    assert parse_request(["51", "1"], 176) == MalformedRequest(
        51, "cancelRealTimeBars", None, "req_id: it ends too early (field 2 of 2)"
    )
    assert parse_request(["6", "2", "yes", "DU1"], 176) == MalformedRequest(
        6, "reqAccountUpdates", None, "subscribe: 'yes' is not a number (field 3 of 4)"
    )
    assert parse_request(["92", "9", "DU1", "", "more"], 176) == MalformedRequest(
        92, "reqPnL", 9, "1 of its 5 fields are left over"
    )


@pytest.mark.parametrize("fields", [[], [""], ["x"], ["1.5"], ["nan", "1"]])
def test_what_begins_with_no_message_id_is_malformed(fields: list[str]) -> None:
    assert parse_request(fields, 176) == MalformedRequest(
        None, "", None, "it begins with no message id"
    )


def test_a_count_beyond_the_fields_there_are_is_refused_at_once() -> None:
    fields = place_order_fields(Order("BUY", Decimal(1), "MKT"), Contract(1, "X", "BAG"))
    fields[35] = "1000000000"  # the combo legs
    request = parse_request(fields, 176)
    assert isinstance(request, MalformedRequest)
    assert "combo_legs: a count of 1000000000" in request.reason


def test_an_order_sent_back_as_it_was_read_has_no_delta_neutral_order() -> None:
    order = Order("BUY", Decimal(1), "MKT", delta_neutral_order_type="None")
    request = parse_request(place_order_fields(order, Contract(1, "AAPL", "STK")), 176)
    assert isinstance(request, PlaceOrder)
    assert not request.order.is_delta_neutral
    assert encode(OpenOrder(7, 1, 2, order=request.order), 176) == encode(
        OpenOrder(7, 1, 2, order=Order("BUY", Decimal(1), "MKT")), 176
    )


def test_market_data_of_a_combination_has_its_legs() -> None:
    fields = ["1", "11", "5", "0", "AAPL", "BAG", "", "0", "", "", "SMART", "", "USD", "", ""]
    fields += [
        "2",
        "1",
        "1",
        "BUY",
        "SMART",
        "2",
        "1",
        "SELL",
        "SMART",
        "0",
        "233,106",
        "1",
        "",
        "",
    ]
    request = parse_request(fields, 176)
    assert isinstance(request, ReqMarketData)
    assert [leg.action for leg in request.contract.combo_legs] == ["BUY", "SELL"]
    assert request.generic_ticks == ("233", "106")
    assert (request.snapshot, request.regulatory_snapshot) == (True, False)


def test_every_table_agrees_with_the_place_where_its_id_is_said_to_stand() -> None:
    for msg_id, message in REQUEST_MESSAGES.items():
        names = [getattr(part, "name", "") for part in message.record.parts]
        ids = [index for index, name in enumerate(names, 1) if name in ("req_id", "order_id")]
        assert ids == [REQ_ID_POSITIONS[msg_id]] if msg_id in REQ_ID_POSITIONS else ids == []


def test_requests_of_two_fields_are_read() -> None:
    assert parse_request(["24", "1"], 157) == ReqScannerParameters()
    assert parse_request(["2", "2", "8"], 157) == CancelMarketData(8)
