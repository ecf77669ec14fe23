"""Messages as plain values, such as JSON has: names and numbers for people to read.

What is at its default is left out, for an order has a hundred fields and sets five. So this is for
reading and comparing; what reproduces a message exactly are its raw fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from decimal import Decimal
from enum import Enum
from functools import cache
from math import isfinite
from typing import Any, get_args

from apps.paper.wire import Condition

__all__ = ["Plain", "plain", "plain_fields"]

Plain = None | bool | int | float | str | list[Any] | dict[str, Any]
"""What JSON can hold."""

_TYPED = frozenset(get_args(Condition))
"""Values that stand where others may stand too: they say which they are."""

_AS_IT_IS = frozenset({type(None), bool, int, str})
_NO_DEFAULT = object()
_SURELY_EXACT = 15


def plain(value: object) -> Plain:
    """Give a value as JSON has it; numbers stay numbers where none of their digits are lost.

    >>> plain((Decimal("190.10"), Decimal("100"), None))
    [190.1, 100, None]
    """
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if isfinite(value) else str(value)
        case Decimal():
            return _number(value)
        case Enum():
            return plain(value.value)
        case Mapping() | tuple() | list() | frozenset():
            return _collection(value)
    if is_dataclass(value) and not isinstance(value, type):
        named = plain_fields(value)
        return {"type": type(value).__name__, **named} if type(value) in _TYPED else named
    return str(value)


def plain_fields(value: object) -> dict[str, Plain]:
    """Give the fields of a dataclass's value that are not at their default, by name."""
    shape: Any = type(value)
    held = ((name, getattr(value, name), default) for name, default in _defaults(shape))
    return {
        name: item if type(item) in _AS_IT_IS else plain(item)
        for name, item, default in held
        if item != default
    }


def _collection(value: Mapping[Any, Any] | tuple[Any, ...] | list[Any] | frozenset[Any]) -> Plain:
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    items = [plain(each) for each in value]
    # a set has no order of its own, and the same recording is to be the same text
    return sorted(items, key=str) if isinstance(value, frozenset) else items


@cache
def _defaults(shape: type[Any]) -> tuple[tuple[str, object], ...]:
    return tuple((each.name, _default(each)) for each in fields(shape))


def _default(field: Field[Any]) -> object:
    if field.default is not MISSING:
        return field.default
    return _NO_DEFAULT if field.default_factory is MISSING else field.default_factory()


def _number(value: Decimal) -> int | float | str:
    text = str(value)
    if not value.is_finite():
        return text
    number = float(text)
    # up to fifteen digits a float gives back as they were
    if len(text) > _SURELY_EXACT and Decimal(repr(number)) != value:
        return text
    return int(number) if number.is_integer() else number
