"""Frozen values as JSON, and back: whatever an order, an execution or a contract is made of.

A dataclass becomes an object of the fields that differ from their defaults, so that a field that
is new to the program reads as its default from a file that is older. Decimals are strings, so
that no digit is lost; a listing within another value is its contract id. Where several dataclasses
may stand, ``"is"`` names the one that does. What is a mere object to its owner (`Order.wire`) is
left out: whoever knows what it is writes it by itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import cache
from itertools import compress, count
from operator import attrgetter, is_not
from types import NoneType, UnionType
from typing import Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

from apps.paper.instruments.listing import Listing

__all__ = ["Listings", "Unreadable", "Written", "written_as"]

T = TypeVar("T")

Listings = Callable[[int], Listing]
"""Gives the listing with a contract id. Raises KeyError."""

Note = Callable[[Listing], object]
"""Is told of each listing of which only the contract id is written."""

_KIND = "is"


class Unreadable(ValueError):
    """A text is not what this program would have written; the message says in what it differs."""


@dataclass(frozen=True, slots=True)
class Written(Generic[T]):
    """How values of one shape are written, and read back.

    ``read`` raises Unreadable.
    """

    text_of: Callable[[T, Note], str]
    read: Callable[[str, Listings], T]


@dataclass(frozen=True, slots=True)
class _Part:
    """One type within a shape: its value to what JSON has, and back."""

    plain: Callable[[Any, Note], Any]
    value: Callable[[Any, Listings], Any]


def written_as(shape: type[T]) -> Written[T]:
    """Give how values of the dataclass ``shape`` are written.

    Raises TypeError for a shape with a field that cannot be written.
    """
    part: _Part = _dataclass_part(shape)  # type: ignore[arg-type]  # a type can be hashed
    encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode

    def text_of(value: T, note: Note) -> str:
        return encode(part.plain(value, note))

    def read(text: str, listings: Listings) -> T:
        try:
            value: T = part.value(json.loads(text), listings)
        except KeyError as error:
            raise Unreadable(f"{shape.__name__} needs {error}, which is not there") from error
        except (AttributeError, TypeError, ValueError, InvalidOperation) as error:
            raise Unreadable(f"{shape.__name__}: {error}") from error
        return value

    return Written(text_of, read)


def _same(value: Any, _: Note) -> Any:
    return value


def _same_value(plain: Any, _: Listings) -> Any:
    return plain


_SAME = _Part(_same, _same_value)


def _noted(listing: Listing, note: Note) -> int:
    note(listing)
    return listing.con_id


_PLAIN: dict[object, _Part] = {
    str: _SAME,
    int: _SAME,
    bool: _SAME,
    float: _SAME,
    Decimal: _Part(lambda value, _: str(value), lambda plain, _: Decimal(plain)),
    date: _Part(lambda day, _: day.isoformat(), lambda plain, _: date.fromisoformat(plain)),
    Listing: _Part(_noted, lambda plain, listings: listings(plain)),
}


@cache
def _part(kind: Any) -> _Part:
    if (found := _PLAIN.get(kind)) is not None:
        return found
    if get_origin(kind) in (UnionType, Union):
        return _union_part(get_args(kind))
    if get_origin(kind) is tuple:
        return _tuple_part(get_args(kind))
    if get_origin(kind) is frozenset:
        return _set_part(get_args(kind)[0])
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _Part(lambda value, _: value.value, lambda plain, _: kind(plain))
    if isinstance(kind, type) and is_dataclass(kind):
        return _dataclass_part(kind)
    raise TypeError(f"{kind} cannot be written")


def _tuple_part(kinds: tuple[Any, ...]) -> _Part:
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        item = _part(kinds[0])
        return _Part(
            lambda value, note: [item.plain(each, note) for each in value],
            lambda plain, listings: tuple(item.value(each, listings) for each in plain),
        )
    items = [_part(kind) for kind in kinds]
    return _Part(
        lambda value, note: [
            item.plain(each, note) for item, each in zip(items, value, strict=True)
        ],
        lambda plain, listings: tuple(
            item.value(each, listings) for item, each in zip(items, plain, strict=True)
        ),
    )


def _set_part(kind: Any) -> _Part:
    item = _part(kind)
    return _Part(
        # sorted, so that equal values are equal texts
        lambda value, note: sorted((item.plain(each, note) for each in value), key=str),
        lambda plain, listings: frozenset(item.value(each, listings) for each in plain),
    )


def _union_part(kinds: tuple[Any, ...]) -> _Part:
    present = [kind for kind in kinds if kind is not NoneType]
    if len(present) == 1:
        part = _part(present[0])
        return _Part(
            lambda value, note: None if value is None else part.plain(value, note),
            lambda plain, listings: None if plain is None else part.value(plain, listings),
        )
    parts = {kind.__name__: _part(kind) for kind in present}

    def plain_of(value: Any, note: Note) -> Any:
        if value is None:
            return None
        name = type(value).__name__
        return {_KIND: name, **parts[name].plain(value, note)}

    def value_of(plain: Any, listings: Listings) -> Any:
        if plain is None:
            return None
        return parts[plain.pop(_KIND)].value(plain, listings)

    return _Part(plain_of, value_of)


@cache
def _dataclass_part(shape: Any) -> _Part:
    hints = get_type_hints(shape)
    written = [field for field in fields(shape) if hints[field.name] is not object]
    names = [field.name for field in written]
    defaults = [_default_of(field) for field in written]
    by_name = {name: _part(hints[name]) for name in names}
    parts = list(by_name.values())
    # two requests are compared field by field either way: here, or in their own comparison
    is_whole = [is_dataclass(hints[name]) for name in names]
    values_of = _values_getter(names)

    def plain_of(value: Any, note: Note) -> dict[str, Any]:
        plain, held = {}, values_of(value)
        # an order has some hundred fields, of which ten say anything; most hold their very default
        for place in compress(count(), map(is_not, held, defaults)):
            each = held[place]
            if is_whole[place] or each != defaults[place]:
                plain[names[place]] = parts[place].plain(each, note)
        return plain

    def value_of(plain: Any, listings: Listings) -> Any:
        if unknown := plain.keys() - by_name.keys():
            raise Unreadable(f"{shape.__name__} has no {', '.join(sorted(unknown))}")
        return shape(**{name: by_name[name].value(each, listings) for name, each in plain.items()})

    return _Part(plain_of, value_of)


def _values_getter(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) == 1:  # attrgetter gives the value itself for one name, a tuple for several
        (name,) = names
        return lambda value: (getattr(value, name),)
    return attrgetter(*names)


def _default_of(field: Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default
