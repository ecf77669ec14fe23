from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.paper.wire import (
    ClientHello,
    Connection,
    Farewell,
    LocalProtocolError,
    MalformedRequest,
    NextValidId,
    Phase,
    RemoteProtocolError,
    ReqCurrentTime,
    StartApi,
    VersionRefused,
    encode_frame,
)

HELLO = b"API\0" + b"\0\0\0\x09v157..176"
START = encode_frame(["71", "2", "5", ""])
TIME = encode_frame(["49", "1"])
NOW = "20261120 09:30:00 US/Eastern"


def events_of(connection: Connection, chunk: bytes) -> list[object]:
    connection.receive(chunk)
    events: list[object] = []
    for event in connection.events():
        events.append(event)
        if isinstance(event, ClientHello):
            connection.accept(NOW)
    return events


def accepted() -> Connection:
    connection = Connection()
    events_of(connection, HELLO)
    return connection


def running() -> Connection:
    connection = accepted()
    events_of(connection, START)
    return connection


def test_the_reply_to_a_hello_is_one_frame_of_two_fields() -> None:
    connection = Connection()
    connection.receive(HELLO)
    assert list(connection.events()) == [ClientHello(157, 176)]
    assert connection.phase is Phase.GREETED
    assert connection.accept(NOW) == encode_frame(["176", NOW])
    assert (connection.phase, connection.version) == (Phase.ACCEPTED, 176)


def test_connect_options_are_told() -> None:
    body = b"v100..157 +PACEAPI"
    connection = Connection()
    connection.receive(b"API\0" + len(body).to_bytes(4, "big") + body)
    assert list(connection.events()) == [ClientHello(100, 157, "+PACEAPI")]


def test_start_api_opens_the_connection_for_both_sides() -> None:
    connection = accepted()
    assert events_of(connection, START + TIME) == [StartApi(5), ReqCurrentTime()]
    assert connection.send(NextValidId(1), NextValidId(2)) == (
        encode_frame(["9", "1", "1"]) + encode_frame(["9", "1", "2"])
    )


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 9), max_size=40))
def test_the_whole_conversation_survives_any_split(sizes: list[int]) -> None:
    stream = HELLO + START + TIME * 2
    connection = Connection()
    events: list[object] = []
    for size in sizes:
        events += events_of(connection, stream[:size])
        stream = stream[size:]
    events += events_of(connection, stream)
    assert events == [ClientHello(157, 176), StartApi(5), ReqCurrentTime(), ReqCurrentTime()]


def test_bytes_after_a_hello_wait_for_the_answer() -> None:
    connection = Connection()
    connection.receive(HELLO + START)
    assert list(connection.events()) == [ClientHello(157, 176)]
    assert list(connection.events()) == []
    connection.accept(NOW)
    assert list(connection.events()) == [StartApi(5)]


@pytest.mark.parametrize("make", [Connection, accepted])
def test_nothing_can_be_sent_before_start_api(make: type[Connection]) -> None:
    connection = make()
    phase = connection.phase
    with pytest.raises(LocalProtocolError, match="startApi"):
        connection.send(NextValidId(1))
    assert connection.phase is phase


@pytest.mark.parametrize("make", [Connection, accepted, running])
def test_accepting_without_a_hello_raises_and_changes_nothing(make: type[Connection]) -> None:
    connection = make()
    phase = connection.phase
    with pytest.raises(LocalProtocolError, match="no hello"):
        connection.accept(NOW)
    with pytest.raises(LocalProtocolError, match="no hello"):
        connection.refuse(VersionRefused("no", code=503, text="", version=176), NOW)
    assert connection.phase is phase


def test_the_version_is_not_known_before_the_hello_is_accepted() -> None:
    with pytest.raises(LocalProtocolError, match="No version"):
        _ = Connection().version


def test_a_request_before_start_api_raises_and_start_api_still_opens() -> None:
    connection = accepted()
    connection.receive(TIME + START)
    with pytest.raises(RemoteProtocolError, match="ReqCurrentTime came before startApi"):
        list(connection.events())
    assert connection.phase is Phase.ACCEPTED
    assert list(connection.events()) == [StartApi(5)]


def test_a_second_start_api_is_a_request_that_makes_no_sense() -> None:
    connection = running()
    (event,) = events_of(connection, START)
    assert event == MalformedRequest(71, "startApi", None, "the API was started already")
    assert connection.phase is Phase.RUNNING


def test_an_unreadable_request_does_not_end_the_connection() -> None:
    connection = running()
    events = events_of(connection, encode_frame(["2", "2", "x"]) + b"\0\0\0\0" + TIME)
    assert [type(event) for event in events] == [MalformedRequest, MalformedRequest, ReqCurrentTime]


@pytest.mark.parametrize("start", [b"GET / HTTP/1.1", b"\x16\x03\x01\x02\x00", b"API "])
def test_another_protocol_is_refused_at_its_first_bytes(start: bytes) -> None:
    connection = Connection()
    connection.receive(start)
    with pytest.raises(RemoteProtocolError, match="TWS API client"):
        list(connection.events())
    assert connection.phase is Phase.GREETING


@pytest.mark.parametrize("hello", [b"v157", b"v157..176\0", b"v157..176 "])
def test_lesser_forms_of_a_hello_are_read(hello: bytes) -> None:
    connection = Connection()
    connection.receive(b"API\0" + len(hello).to_bytes(4, "big") + hello)
    (event,) = connection.events()
    assert isinstance(event, ClientHello)


@pytest.mark.parametrize("hello", [b"", b"157..176", b"v..", b"v1..2..3", b"v9999999", b"\xff"])
def test_a_hello_that_is_none_is_refused(hello: bytes) -> None:
    connection = Connection()
    connection.receive(b"API\0" + len(hello).to_bytes(4, "big") + hello)
    with pytest.raises(RemoteProtocolError, match=r"vMIN\.\.MAX"):
        list(connection.events())
    assert connection.phase is Phase.GREETING


def refused(hello: bytes) -> Connection:
    connection = Connection()
    connection.receive(b"API\0" + len(hello).to_bytes(4, "big") + hello)
    list(connection.events())
    with pytest.raises(VersionRefused):
        connection.accept(NOW)
    with pytest.raises(VersionRefused) as refusal:  # the first one changed nothing
        connection.accept(NOW)
    assert connection.refuse(refusal.value, NOW) == encode_frame([str(refusal.value.version), NOW])
    assert connection.phase is Phase.REFUSED
    return connection


def test_a_refused_client_that_goes_on_is_told_503_once_and_heard_no_more() -> None:
    connection = refused(b"v201..225")
    assert list(connection.events()) == []
    error = ["4", "2", "-1", "503", "The TWS is out of date and must be upgraded.", ""]
    connection.receive(START + TIME)
    assert list(connection.events()) == [Farewell(encode_frame(error))]
    assert connection.phase is Phase.PARTED
    connection.receive(START)
    assert list(connection.events()) == []


def test_an_old_client_is_told_506_in_the_form_that_it_can_read() -> None:
    connection = refused(b"v100..156")
    connection.receive(START)
    error = ["4", "2", "-1", "506", "Unsupported version"]
    assert list(connection.events()) == [Farewell(encode_frame(error))]


def test_nothing_but_the_farewell_can_be_sent_to_a_refused_client() -> None:
    connection = refused(b"v201..225")
    with pytest.raises(LocalProtocolError):
        connection.send(NextValidId(1))
    with pytest.raises(LocalProtocolError, match="no hello"):
        connection.accept(NOW)
    assert connection.phase is Phase.REFUSED
