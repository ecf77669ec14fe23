"""Damaged requests against the codec: a value or a `ProtocolError`, and never anything else."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest

from apps.paper.wire import (
    ClientHello,
    CompletedOrder,
    Connection,
    ErrorMessage,
    ExecutionDetails,
    Farewell,
    MalformedRequest,
    OpenOrder,
    PlaceOrder,
    ProtocolError,
    RemoteProtocolError,
    Request,
    encode,
    encode_frame,
    parse_request,
)
from apps.paper.wire.framing import FrameDecoder, split_fields
from tests.paper.wire.mutator import mutations, well_formed_requests

NOW = "20261120 09:30:00 US/Eastern"
A_CONNECTION = 25
"""How many chunks a connection lasts; a frame that promises too much swallows the rest of them."""


def connected(version: int) -> Connection:
    connection = Connection()
    hello = f"v{version}..{version}".encode()
    connection.receive(b"API\0" + len(hello).to_bytes(4, "big") + hello)
    (event,) = connection.events()
    assert isinstance(event, ClientHello)
    connection.accept(NOW)
    connection.receive(encode_frame(["71", "2", "5", ""]))
    list(connection.events())
    return connection


def echo(connection: Connection, request: Request) -> None:
    """Send back all that a session sends back of what a client wrote."""
    match request:
        case PlaceOrder(order_id=order_id, contract=contract, order=order):
            execution = ExecutionDetails(
                *(-1, order_id, contract, "0001.01", NOW, order.account, contract.exchange),
                *("BOT", order.total_quantity, 1, 99, 5),
                order_ref=order.order_ref,
                model_code=order.model_code,
            )
            connection.send(
                OpenOrder(order_id, 5, 99, contract, order),
                CompletedOrder(99, contract, order),
                execution,
            )
        case MalformedRequest(reason=reason, request_id=request_id):
            connection.send(ErrorMessage(request_id or -1, 320, reason))
        case _:
            connection.send(ErrorMessage(-1, 321, repr(request)))


@pytest.mark.parametrize("version", [157, 163, 170, 176])
@pytest.mark.parametrize("in_step", [True, False])
def test_whatever_comes_is_a_request_or_the_end_of_that_connection(
    version: int, in_step: bool
) -> None:
    seen, connection = Counter[str](), connected(version)
    chunks = islice(mutations(version, version, in_step=in_step), 1000)
    for number, chunk in enumerate(chunks):
        if number % A_CONNECTION == A_CONNECTION - 1:
            connection = connected(version)
        try:
            connection.receive(chunk)
            for event in connection.events():
                assert not isinstance(event, ClientHello | Farewell)
                echo(connection, event)
                seen[type(event).__name__] += 1
        except RemoteProtocolError:
            assert not in_step, "its frames were whole"
            connection = connected(version)
            seen["hung up"] += 1
    # the damage is neither so light that all is read, nor so heavy that nothing is
    assert seen["MalformedRequest"] > 100
    assert seen["PlaceOrder"] > 20
    assert len(seen) > 50


def test_however_the_bytes_are_split_the_same_requests_come_out() -> None:
    stream = b"".join(islice(mutations(3, in_step=True), 200))
    whole = FrameDecoder().feed(stream)
    decoder, split = FrameDecoder(), []
    for start in range(0, len(stream), 7):
        split += decoder.feed(stream[start : start + 7])
    assert split == whole
    assert len(whole) >= 200


def test_an_order_that_was_read_is_told_as_it_was_read() -> None:
    told = 0
    for chunk in islice(mutations(11, in_step=True), 1000):
        for fields in FrameDecoder().feed(chunk):
            request = parse_request(fields, 176)
            if isinstance(request, PlaceOrder):
                encode(OpenOrder(request.order_id, 5, 99, request.contract, request.order), 176)
                told += 1
    assert told > 50


def test_the_mutator_is_repeatable_and_begins_with_what_can_be_read() -> None:
    once, again = mutations(5), mutations(5)
    assert [next(once) for _ in range(50)] == [next(again) for _ in range(50)]
    assert next(mutations(5)) != next(mutations(6))
    for version in range(157, 177):
        for body in well_formed_requests(version):
            request = parse_request(split_fields(body), version)
            assert not isinstance(request, MalformedRequest), request


def test_a_giant_frame_is_refused_before_it_is_collected() -> None:
    connection = connected(176)
    connection.receive((2**24).to_bytes(4, "big") + b"1")
    with pytest.raises(ProtocolError, match="announced"):
        list(connection.events())
