from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.paper.wire import LocalProtocolError, RemoteProtocolError
from apps.paper.wire.framing import FrameDecoder, encode_frame, split_fields

FIELDS = st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))


@settings(deadline=None, max_examples=100)
@given(st.lists(FIELDS, max_size=6), st.lists(st.integers(0, 40), max_size=30))
def test_frames_come_out_whole_however_the_bytes_are_split(
    frames: list[list[str]], cuts: list[int]
) -> None:
    stream = b"".join(encode_frame(fields) for fields in frames)
    decoder = FrameDecoder()
    received: list[list[str]] = []
    for size in cuts:
        received += decoder.feed(stream[:size])
        stream = stream[size:]
    received += decoder.feed(stream)
    assert received == frames


def test_byte_by_byte_gives_each_frame_at_its_last_byte() -> None:
    stream = encode_frame(["49", "1"]) + encode_frame(["9", "", ""])
    decoder = FrameDecoder()
    arrivals = [index for index in range(len(stream)) if decoder.feed(stream[index : index + 1])]
    assert arrivals == [len(encode_frame(["49", "1"])) - 1, len(stream) - 1]


def test_announcing_more_than_the_bound_is_refused_before_the_bytes_come() -> None:
    with pytest.raises(RemoteProtocolError, match="1195725856 bytes"):
        FrameDecoder().feed(b"GET / HTTP/1.1\r\n")


def test_a_frame_of_exactly_the_bound_passes_and_one_more_does_not() -> None:
    assert FrameDecoder(max_frame_bytes=4).feed(encode_frame(["abc"])) == [["abc"]]
    with pytest.raises(RemoteProtocolError):
        FrameDecoder(max_frame_bytes=4).feed(encode_frame(["abcd"]))


def test_a_body_without_its_last_nul_keeps_its_last_field() -> None:
    assert split_fields(b"49\x001") == ["49", "1"]


def test_an_empty_frame_has_no_fields() -> None:
    assert FrameDecoder().feed(b"\0\0\0\0") == [[]]


def test_bytes_that_are_not_utf8_become_escapes() -> None:
    assert split_fields(b"caf\xe9\0") == ["caf\\xe9"]


def test_a_nul_inside_a_field_cannot_be_sent() -> None:
    with pytest.raises(LocalProtocolError, match="NUL"):
        encode_frame(["4", "bad\0field"])


def test_a_lone_surrogate_is_sent_as_an_escape() -> None:
    assert split_fields(encode_frame(["\ud800"])[4:]) == ["\\ud800"]


def test_a_wrong_prefix_is_refused_and_nothing_is_taken() -> None:
    decoder = FrameDecoder()
    decoder.receive(b"AP")
    assert decoder.take_prefix(b"API\0") is False
    decoder.receive(b"X\0")
    for _ in range(2):
        with pytest.raises(RemoteProtocolError, match="APX"):
            decoder.take_prefix(b"API\0")


def test_a_large_stream_in_small_chunks_leaves_no_old_bytes_behind() -> None:
    decoder = FrameDecoder()
    frame = encode_frame(["50", "3", "1"])
    stream = frame * 20_000
    count = 0
    for start in range(0, len(stream), 1000):
        count += len(decoder.feed(stream[start : start + 1000]))
        assert len(decoder._buffer) <= 1000 + len(frame)
    assert count == 20_000
