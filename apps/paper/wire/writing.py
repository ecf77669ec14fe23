"""Tables to functions that write: a value in, its fields out.

Every run of plain fields becomes one step, for that is what bars and ticks consist of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import groupby
from operator import attrgetter
from typing import Any

from apps.paper.wire.codecs import Codec
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

__all__ = ["Write", "writer_of"]

Write = Callable[[Any, list[str]], None]
"""Appends the fields of a value."""


@cache
def writer_of(record: Record, version: int) -> Write:
    """Give the function that writes a ``record`` at protocol ``version``; made once, and kept."""
    return _writer(record.parts, version)


def _flattened(parts: Iterable[Part], version: int, path: str = "") -> Iterator[tuple[str, Part]]:
    """Give the parts that stand at ``version``, groups dissolved into their dotted path."""
    for part in parts:
        if isinstance(part, Group):
            yield from _flattened(part.parts, version, f"{path}{part.name}.")
        elif is_live(part, version):
            yield path, part


def _writer(parts: Iterable[Part], version: int) -> Write:
    """Make the function that writes ``parts`` at ``version``."""
    steps: list[Write] = []
    for kind, run in groupby(_flattened(parts, version), key=lambda at: type(at[1])):
        if kind is Field:
            steps.append(_fields_writer(list(run)))
        else:
            steps += [_part_writer(path, part, version) for path, part in run]
    if len(steps) == 1:
        return steps[0]

    def write(value: Any, fields: list[str]) -> None:
        for step in steps:
            step(value, fields)

    return write


def _fields_writer(run: list[tuple[str, Part]]) -> Write:
    pairs = [(path + part.name, part.codec.encode) for path, part in run if isinstance(part, Field)]
    values_of = attrgetter(*(name for name, _ in pairs))
    encoders = [encode for _, encode in pairs]
    if len(encoders) == 1:  # attrgetter gives the value itself for one name, a tuple for several
        return lambda value, fields: fields.append(encoders[0](values_of(value)))

    def write(value: Any, fields: list[str]) -> None:
        fields += [encode(item) for encode, item in zip(encoders, values_of(value), strict=True)]

    return write


def _part_writer(path: str, part: Part, version: int) -> Write:
    match part:
        case Constant(text) | Omissible(text):
            return lambda _, fields: fields.append(text)
        case Repeat(name, item):
            return _repeat_writer(attrgetter(path + name), _item_writer(item, version))
        case Maybe(name, item):
            return _maybe_writer(attrgetter(path + name), _item_writer(item, version))
        case When(test, parts):
            return _when_writer(_holder_of(path), test, _writer(parts, version))
        case _:
            raise AssertionError(f"{part} is dissolved before it gets here")


def _holder_of(path: str) -> Callable[[Any], Any]:
    return attrgetter(path.rstrip(".")) if path else lambda value: value


def _item_writer(item: Item, version: int) -> Write:
    match item:
        case Codec(encode=encode):
            return lambda value, fields: fields.append(encode(value))
        case Choice():
            return _choice_writer(item, version)
        case Record():
            return writer_of(item, version)


def _choice_writer(choice: Choice, version: int) -> Write:
    by_shape = {
        record.shape: (str(code), writer_of(record, version))
        for code, record in choice.records.items()
    }

    def write(value: Any, fields: list[str]) -> None:
        code, write_record = by_shape[type(value)]
        fields.append(code)
        write_record(value, fields)

    return write


def _repeat_writer(items_of: Callable[[Any], Any], write_item: Write) -> Write:
    def write(value: Any, fields: list[str]) -> None:
        items = items_of(value)
        fields.append(str(len(items)))
        for item in items:
            write_item(item, fields)

    return write


def _maybe_writer(item_of: Callable[[Any], Any], write_item: Write) -> Write:
    def write(value: Any, fields: list[str]) -> None:
        item = item_of(value)
        fields.append("0" if item is None else "1")
        if item is not None:
            write_item(item, fields)

    return write


def _when_writer(
    holder_of: Callable[[Any], Any], test: Callable[[Any], bool], write: Write
) -> Write:
    def write_when(value: Any, fields: list[str]) -> None:
        holder = holder_of(value)
        if test(holder):
            write(holder, fields)

    return write_when
