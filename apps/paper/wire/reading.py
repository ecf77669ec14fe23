"""Tables to functions that read: fields in, a value out.

A table is read into a draft, on which its conditions are asked, and which becomes the dataclass
when the table is through. Whatever the fields are, `FieldError` is all that is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from itertools import groupby
from types import SimpleNamespace
from typing import Any

from apps.paper.wire.codecs import BOOL, INT, Codec, FieldError
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

__all__ = ["Cursor", "read"]


class Cursor:
    """The fields of a frame, taken one by one."""

    __slots__ = ("_fields", "position")

    def __init__(self, fields: Sequence[str], position: int = 0) -> None:
        self._fields = fields
        self.position = position

    def take(self) -> str:
        """Give the next field.

        Raises:
            FieldError: There is none.
        """
        if self.position >= len(self._fields):
            raise FieldError("it ends too early")
        self.position += 1
        return self._fields[self.position - 1]

    @property
    def left(self) -> int:
        """How many fields have not been taken."""
        return len(self._fields) - self.position


_ReadInto = Callable[[Cursor, SimpleNamespace], None]
_ReadItem = Callable[[Cursor], Any]


def read(record: Record, cursor: Cursor, version: int) -> Any:
    """Take the fields of one value of ``record`` at protocol ``version``, and give it.

    Raises:
        FieldError: A field is missing, or is not what it should be; the message names it.
    """
    read_into, groups = _plan_of(record, version)
    draft = SimpleNamespace()
    read_into(cursor, draft)
    return _finished(record.shape, draft, groups)


@cache
def _plan_of(record: Record, version: int) -> tuple[_ReadInto, dict[str, type[Any]]]:
    groups = {part.name: part.shape for part in _all_parts(record.parts) if isinstance(part, Group)}
    return _reader(record.parts, version), groups


def _all_parts(parts: Iterable[Part]) -> Iterator[Part]:
    """Give the parts with those of their conditional blocks."""
    for part in parts:
        yield part
        if isinstance(part, When):
            yield from _all_parts(part.parts)


def _reader(parts: Iterable[Part], version: int) -> _ReadInto:
    """Make the function that reads ``parts`` at ``version`` into a draft."""
    live = (part for part in parts if is_live(part, version))
    steps: list[_ReadInto] = []
    for kind, run in groupby(live, key=type):
        if kind is Field:
            steps.append(_fields_reader(list(run)))
        else:
            steps += [_part_reader(part, version) for part in run]

    def read(cursor: Cursor, draft: SimpleNamespace) -> None:
        for step in steps:
            step(cursor, draft)

    return read


def _fields_reader(run: list[Part]) -> _ReadInto:
    pairs = [(part.name, part.codec.decode) for part in run if isinstance(part, Field)]

    def read(cursor: Cursor, draft: SimpleNamespace) -> None:
        attributes = draft.__dict__
        name = ""
        try:
            for name, decode in pairs:
                attributes[name] = decode(cursor.take())
        except FieldError as error:
            raise FieldError(f"{name}: {error}") from None

    return read


def _part_reader(part: Part, version: int) -> _ReadInto:
    match part:
        case Field():
            return _fields_reader([part])
        case Constant():
            return lambda cursor, _: _skip(cursor)
        case Omissible(after=after):
            return lambda cursor, _: _skip(cursor) if cursor.left > after else None
        case Group(name, _, parts):
            return partial(_read_group, name, _reader(parts, version))
        case Repeat(name, item):
            return partial(_read_repeat, name, _item_reader(item, version))
        case Maybe(name, item):
            return partial(_read_into, name, partial(_read_maybe, _item_reader(item, version)))
        case When(test, parts):
            return partial(_read_when, test, _reader(parts, version))


def _item_reader(item: Item, version: int) -> _ReadItem:
    match item:
        case Codec(decode=decode):
            return lambda cursor: decode(cursor.take())
        case Choice():
            return lambda cursor: read(_chosen(item, cursor.take()), cursor, version)
        case Record():
            return lambda cursor: read(item, cursor, version)


def _chosen(choice: Choice, code: str) -> Record:
    record = choice.records.get(INT.decode(code))
    if record is None:
        raise FieldError(f"{code!r} is not a known type")
    return record


def _skip(cursor: Cursor) -> None:
    cursor.take()


def _read_into(name: str, read: _ReadItem, cursor: Cursor, draft: SimpleNamespace) -> None:
    try:
        draft.__dict__[name] = read(cursor)
    except FieldError as error:
        raise FieldError(f"{name}: {error}") from None


def _read_group(name: str, read: _ReadInto, cursor: Cursor, draft: SimpleNamespace) -> None:
    read(cursor, draft.__dict__.setdefault(name, SimpleNamespace()))


def _read_repeat(name: str, read_item: _ReadItem, cursor: Cursor, draft: SimpleNamespace) -> None:
    _read_into(name, lambda cursor: _read_items(read_item, cursor), cursor, draft)


def _read_items(read_item: _ReadItem, cursor: Cursor) -> tuple[Any, ...]:
    count = INT.decode(cursor.take())
    # every item has a field at least: a count beyond what is there is not worth the attempt
    if not 0 <= count <= cursor.left:
        raise FieldError(f"a count of {count} with {cursor.left} fields left")
    return tuple(read_item(cursor) for _ in range(count))


def _read_maybe(read_item: _ReadItem, cursor: Cursor) -> Any:
    return read_item(cursor) if BOOL.decode(cursor.take()) else None


def _read_when(
    test: Callable[[Any], bool], read: _ReadInto, cursor: Cursor, draft: SimpleNamespace
) -> None:
    if test(draft):
        read(cursor, draft)


def _finished(shape: type[Any], draft: SimpleNamespace, groups: dict[str, type[Any]]) -> Any:
    attributes = vars(draft)
    for name in groups.keys() & attributes.keys():
        attributes[name] = groups[name](**vars(attributes[name]))
    return shape(**attributes)
