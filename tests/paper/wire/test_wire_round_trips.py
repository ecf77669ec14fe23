"""Every layout, at every version: what was written is read back, and nothing is left over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields as dataclass_fields
from dataclasses import is_dataclass
from decimal import Decimal
from operator import attrgetter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.paper.wire import CompletedOrder, MalformedRequest, OpenOrder, codecs
from apps.paper.wire.layout import (
    Choice,
    Constant,
    Field,
    Group,
    Item,
    Maybe,
    Omissible,
    Part,
    Record,
    Repeat,
    When,
    is_live,
)
from apps.paper.wire.parts import Message
from apps.paper.wire.reading import Cursor, read
from apps.paper.wire.requests.parse import REQUEST_MESSAGES, parse_request
from apps.paper.wire.responses.encode import RESPONSE_MESSAGES
from apps.paper.wire.versions import MAX_SERVER_VERSION, MIN_SERVER_VERSION
from apps.paper.wire.writing import writer_of
from tests.paper.wire.samples import bare_responses, sample_requests, sample_responses

VERSIONS = range(MIN_SERVER_VERSION, MAX_SERVER_VERSION + 1)
MESSAGES = [*REQUEST_MESSAGES.values(), *RESPONSE_MESSAGES.values()]
BY_SHAPE = {message.record.shape: message for message in MESSAGES}

WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
NAMES = st.text("ABCxyz012 ._-", min_size=1, max_size=6)
INTS = st.integers(-(10**9), 10**9)
NUMBERS = st.decimals(-(10**9), 10**9, places=6)
VALUES = {
    codecs.TEXT: WORDS,
    codecs.ESCAPED: WORDS,
    codecs.NONE_WORD: WORDS.filter(lambda text: text != "None"),
    codecs.INT: INTS,
    codecs.LONG: st.integers(-(2**62), 2**62),
    codecs.OPTIONAL_INT: st.none() | INTS,
    codecs.BOOL: st.booleans(),
    codecs.OPTIONAL_BOOL: st.none() | st.booleans(),
    codecs.DECIMAL: NUMBERS,
    codecs.OPTIONAL_DECIMAL: st.none() | NUMBERS,
    codecs.OPTIONAL_OFFSET: st.none() | NUMBERS,
    codecs.WHOLE_DECIMAL: INTS.map(Decimal),
    codecs.UNSET_DECIMAL: st.none() | NUMBERS,
    codecs.MINUS_ONE_DECIMAL: st.none() | NUMBERS.filter(lambda number: number != -1),
    codecs.MINUS_TWO_DECIMAL: st.none() | NUMBERS.filter(lambda number: number != -2),
    codecs.CSV: st.lists(NAMES, max_size=3).map(tuple),
    codecs.INT_CSV: st.lists(INTS, max_size=3).map(tuple),
}


def of_item(item: Item) -> st.SearchStrategy[Any]:
    if isinstance(item, Choice):
        return st.one_of([of_record(record) for record in item.records.values()])
    return of_record(item) if isinstance(item, Record) else VALUES[item]


def of_parts(parts: tuple[Part, ...]) -> dict[str, Any]:
    """Give a strategy for each attribute, those of groups as a pair of shape and attributes."""
    found: dict[str, Any] = {}
    for part in parts:
        match part:
            case Field(name, codec):
                found[name] = VALUES[codec]
            case Repeat(name, item):
                found[name] = st.lists(of_item(item), max_size=2).map(tuple)
            case Maybe(name, item):
                found[name] = st.none() | of_record(item)
            case Group(name, shape, inner):
                _, attributes = found.setdefault(name, (shape, {}))
                attributes |= of_parts(inner)
            case When(_, inner):
                merge(found, of_parts(inner))
            case Constant() | Omissible():
                pass
    return found


def merge(found: dict[str, Any], more: dict[str, Any]) -> None:
    for name, strategy in more.items():
        if isinstance(strategy, tuple):
            found.setdefault(name, (strategy[0], {}))[1].update(strategy[1])
        else:
            found[name] = strategy


def of_record(record: Record) -> st.SearchStrategy[Any]:
    attributes = {
        name: st.builds(value[0], **value[1]) if isinstance(value, tuple) else value
        for name, value in of_parts(record.parts).items()
    }
    return st.builds(record.shape, **attributes)


def always_there(parts: tuple[Part, ...], version: int, path: str = "") -> Iterator[str]:
    """Give the dotted names of what stands at ``version`` under no condition."""
    for part in parts:
        match part:
            case Group(name, _, inner):
                yield from always_there(inner, version, f"{path}{name}.")
            case Repeat(name, Record(parts=inner)) if not all(
                is_live(part, version) for part in inner
            ):
                pass  # the items lose what the version does not have
            case Field(name) | Repeat(name) | Maybe(name) if is_live(part, version):
                yield path + name
            case _:
                pass


def written(message: Message, value: object, version: int) -> list[str]:
    fields: list[str] = []
    writer_of(message.record, version)(value, fields)
    return fields


def name_of(message: Message) -> str:
    return str(message.record.shape.__name__)


@pytest.mark.parametrize("message", MESSAGES, ids=name_of)
def test_what_is_written_is_read_back_at_every_version(message: Message) -> None:
    @settings(deadline=None, max_examples=10)
    @given(of_record(message.record))
    def holds(value: object) -> None:
        for version in VERSIONS:
            assert_read_back(message, value, version)

    holds()


def assert_read_back(message: Message, value: object, version: int) -> None:
    fields = written(message, value, version)
    cursor = Cursor(fields)
    back = read(message.record, cursor, version)
    assert cursor.left == 0
    assert written(message, back, version) == fields
    for name in always_there(message.record.parts, version):
        assert attrgetter(name)(back) == attrgetter(name)(value), name


@pytest.mark.parametrize("order_type", ["PEG BENCH", "PEG BEST", "PEG MID", "LMT"])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_sample_with_every_block_is_read_back_as_it_was(version: int, order_type: str) -> None:
    bit = version % 8  # flags are told apart by the bits of their numbers
    samples = [
        *sample_requests(version, bit, order_type),
        *sample_responses(version, bit, order_type),
        *bare_responses(version),
    ]
    for value in samples:
        message = BY_SHAPE[type(value)]
        cursor = Cursor(written(message, value, version))
        assert read(message.record, cursor, version) == value
        assert cursor.left == 0


def test_samples_have_a_value_of_their_own_in_every_field() -> None:
    read_by_clients = {"PEG BENCH", "BAG", "BUY", "BOT", "20261218", "20261120 09:30:05 US/Eastern"}
    for value in [*sample_requests(176), *sample_responses(176)]:
        texts = written(BY_SHAPE[type(value)], value, 176)
        distinct = [text for text in texts if len(text) > 2 and text not in read_by_clients]
        repeated = len(distinct) - len(set(distinct))
        # a trailing stop's price stands in these two twice
        assert repeated == isinstance(value, OpenOrder | CompletedOrder), value


@pytest.mark.parametrize("message", REQUEST_MESSAGES.values(), ids=name_of)
def test_one_field_too_many_or_too_few_is_noticed_at_every_version(message: Message) -> None:
    value = message.record.shape(**dict.fromkeys(required(message.record.shape), 1))
    for version in VERSIONS:
        fields = [str(message.msg_id), *written(message, value, version)]
        assert type(parse_request(fields, version)) is message.record.shape
        may_leave_out = sum(isinstance(part, Omissible) for part in message.record.parts)
        for wrong in (fields[: -1 - may_leave_out], [*fields, ""]):
            assert type(parse_request(wrong, version)) is MalformedRequest


def required(shape: type[Any]) -> list[str]:
    """Give the attributes that have no default; a 1 does for each of them."""
    values = shape.__dataclass_fields__.values()
    return [
        value.name
        for value in values
        if value.default is value.default_factory  # both are the marker for "none given"
    ]


@pytest.mark.parametrize("message", MESSAGES, ids=name_of)
def test_every_attribute_of_a_message_is_on_the_wire_at_the_newest_version(
    message: Message,
) -> None:
    shape = message.record.shape
    assert is_dataclass(shape)
    carried = set(of_parts(message.record.parts))
    assert {field.name for field in dataclass_fields(shape)} == carried
