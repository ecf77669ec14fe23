"""Samples of every response, and of every request, made from the codec's own tables.

A sample has a value of its own in every field that its message carries at a version, so that a
client which mixes two fields up, or drops one, shows it. What a version does not carry is left at
the dataclass's default. Texts are ``t`` and a number, whole numbers count up from 101, prices end
in .25, and sizes are whole, since the official client of version 157 reads them with ``int``.
Where clients look into a text (a time, a conjunction) it is one that they can read.

    for response in sample_responses(176):
        frame = encode(response, 176)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import count
from types import SimpleNamespace
from typing import Any

from apps.paper.wire import Request, Response, codecs
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
from apps.paper.wire.requests.parse import REQUEST_MESSAGES
from apps.paper.wire.responses.encode import RESPONSE_MESSAGES
from apps.paper.wire.values import Contract

__all__ = ["bare_responses", "sample_requests", "sample_responses"]

_READABLE: dict[tuple[str, str], Any] = {
    ("CompletedOrder", "completed_time"): "20261120 09:30:05 US/Eastern",
    ("ExecutionDetails", "time"): "20261120 09:30:05 US/Eastern",
    ("ExecutionDetails", "side"): "BOT",
    ("TickTrade", "tick_type"): 2,
    ("Order", "action"): "BUY",
}
_READABLE_ANYWHERE: dict[str, Any] = {
    "conjunction": "o",
    "last_trade_date": "20261218",
    "sec_type": "BAG",
    "right": "C",
}
_TIMES_IN_SECONDS = {"RealTimeBar", "CurrentTime", "TickTrade", "TickBidAsk", "TickMidPoint"}
_TIMES_IN_SECONDS |= {"HistoricalTick", "HistoricalTickBidAsk", "HistoricalTickTrade"}
_EPOCH = 1_795_185_000
_WHOLE = re.compile(r"size|volume|quantity|qty|position|shares|filled|remaining|multiplier")


class _Maker:
    """Makes values, each different from those before."""

    def __init__(self, version: int, flag_bit: int | None, order_type: str) -> None:
        self._version = version
        self._flag_bit = flag_bit
        self._readable = _READABLE | {("Order", "order_type"): order_type}
        self._numbers = count(101)

    def value_of(self, record: Record) -> Any:
        return self._built(record.shape, self._attributes(record.parts, record.shape))

    def _built(self, shape: type[Any], attributes: dict[str, Any]) -> Any:
        return shape(**{name: self._finished(value) for name, value in attributes.items()})

    def _finished(self, value: Any) -> Any:
        return self._built(*value) if isinstance(value, _Draft) else value

    def _attributes(self, parts: Iterable[Part], shape: type[Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        self._fill(found, parts, shape)
        return found

    def _fill(self, found: dict[str, Any], parts: Iterable[Part], shape: type[Any]) -> None:
        for part in parts:
            if is_live(part, self._version):
                self._add(found, part, shape)

    def _add(self, found: dict[str, Any], part: Part, shape: type[Any]) -> None:
        match part:
            case Field(name, codec):
                if name not in found:  # a few stand in their message twice
                    found[name] = self._of_field(shape, name, codec)
            case Repeat(name, item):
                found[name] = tuple(self._of_items(item))
            case Maybe(name, item):
                found[name] = self.value_of(item)
            case Group(name, inner_shape, inner):
                draft = found.setdefault(name, _Draft((inner_shape, {})))
                self._fill(draft[1], inner, inner_shape)
            case When(test, inner) if test(_seen(found)):
                self._fill(found, inner, shape)
            case When() | Constant() | Omissible():
                pass

    def _of_items(self, item: Item) -> Iterator[Any]:
        """Give two of each kind of item; a count of one would hide a wrong order."""
        match item:
            case Choice(records):
                yield from (self.value_of(record) for record in records.values())
            case Record():
                yield from (self.value_of(item) for _ in range(2))
            case _:
                yield from (self._of_field(Contract, "", item) for _ in range(2))

    def _of_field(self, shape: type[Any], name: str, codec: codecs.Codec) -> Any:
        number = next(self._numbers)
        readable = self._readable.get((shape.__name__, name), _READABLE_ANYWHERE.get(name))
        if readable is not None:
            return readable
        if name == "time" and shape.__name__ in _TIMES_IN_SECONDS:
            return _EPOCH + number
        return self._plain(number, name, codec)

    def _plain(self, number: int, name: str, codec: codecs.Codec) -> Any:
        if codec in (codecs.TEXT, codecs.ESCAPED, codecs.NONE_WORD):
            return f"t{number}"
        if codec in (codecs.INT, codecs.LONG, codecs.OPTIONAL_INT):
            return number
        if codec in (codecs.BOOL, codecs.OPTIONAL_BOOL):
            return self._flag_bit is None or bool(number >> self._flag_bit & 1)
        if codec == codecs.CSV:
            return (f"t{number}", f"u{number}")
        if codec == codecs.INT_CSV:
            return (number, number + 5000)
        is_whole = codec == codecs.WHOLE_DECIMAL or _WHOLE.search(name)
        return Decimal(number) if is_whole else number + Decimal("0.25")


class _Draft(tuple[type[Any], dict[str, Any]]):
    """A nested value that a table may come back to: its shape, and its attributes so far."""

    __slots__ = ()


def _seen(found: dict[str, Any]) -> SimpleNamespace:
    """Give what a condition of a table is asked on: what stands before it."""
    return SimpleNamespace(
        **{
            name: _seen(value[1]) if isinstance(value, _Draft) else value
            for name, value in found.items()
        }
    )


def sample_responses(
    version: int, flag_bit: int | None = None, order_type: str = "PEG BENCH"
) -> list[Response]:
    """Give one instance of each response type, every optional block included.

    Flags are all set; with ``flag_bit`` (0 to 7) each is that bit of its field's number instead,
    so that over the eight bits any two flags differ somewhere. Orders are of ``order_type``: that
    of the default has a block of its own.
    """
    return [
        _Maker(version, flag_bit, order_type).value_of(message.record)
        for message in RESPONSE_MESSAGES.values()
    ]


def bare_responses(version: int) -> list[Response]:
    """Give one instance of each response type with nothing in it that may be left out."""
    return [
        _without_optional(_Maker(version, None, "LMT").value_of(message.record))
        for message in RESPONSE_MESSAGES.values()
    ]


def sample_requests(
    version: int, flag_bit: int | None = None, order_type: str = "PEG BENCH"
) -> list[Request]:
    """Give one instance of each request type, as `sample_responses` does for the others."""
    return [
        _Maker(version, flag_bit, order_type).value_of(message.record)
        for message in REQUEST_MESSAGES.values()
    ]


def _without_optional(value: Any) -> Any:
    """Give ``value`` with all that has a default at its default."""
    required = {
        field.name: getattr(value, field.name)
        for field in value.__dataclass_fields__.values()
        if field.default is field.default_factory  # both are the marker for "none given"
    }
    return type(value)(**required)
