"""What the texts of the command line may be, and what they become.

Each parser raises ValueError whose words say what belongs there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

__all__ = [
    "assignment",
    "choice",
    "foreign_cash",
    "log_level",
    "moment",
    "money",
    "path",
    "speed",
    "switch",
    "text_of",
    "whole",
    "word_of",
]


def whole(low: int, high: int) -> Callable[[str], int]:
    """Give the parser of a whole number within bounds."""

    def parse(text: str) -> int:
        number = int(text) if text.lstrip("-").isdecimal() else low - 1
        if not low <= number <= high:
            raise ValueError(f"a whole number from {low} to {high} belongs here")
        return number

    return parse


def word_of(member: Enum) -> str:
    """Give the word for a choice on the command line: its name, in small letters with dashes."""
    return member.name.lower().replace("_", "-")


def choice(kind: type[Enum]) -> Callable[[str], Enum]:
    """Give the parser of a member by its word."""
    words = {word_of(member): member for member in kind}

    def parse(text: str) -> Enum:
        if text not in words:
            raise ValueError(f"{' or '.join(words)} belongs here")
        return words[text]

    return parse


def text_of(what: str) -> Callable[[str], str]:
    """Give the parser of a text that may not be empty."""

    def parse(text: str) -> str:
        if not text.strip():
            raise ValueError(f"{what} belongs here")
        return text.strip()

    return parse


def path(text: str) -> Path:
    """Give a path, with the home folder's sign understood."""
    if not text:
        raise ValueError("a path belongs here")
    return Path(text).expanduser()


def switch(text: str) -> bool:
    """Give what a switch comes to that stands there."""
    return not text


def speed(text: str) -> float:
    """Give market seconds per second."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= 100_000:
        raise ValueError("a speed is above 0 and at most 100000")
    return number


def money(text: str) -> Decimal:
    """Give an amount above 0."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(0)
    if not amount.is_finite() or amount <= 0:
        raise ValueError("cash is an amount above 0")
    return amount


def foreign_cash(text: str) -> tuple[str, Decimal]:
    """Give a currency and an amount of it, which may be below 0: a debt."""
    currency, _, written = text.partition("=")
    try:
        amount = Decimal(written)
    except InvalidOperation:
        amount = Decimal("NaN")
    name = currency.strip().upper()
    if not (len(name) == 3 and name.isalpha() and name.isascii()) or not amount.is_finite():
        raise ValueError("CURRENCY=AMOUNT belongs here, such as EUR=20000")
    if name == "USD":
        raise ValueError("dollars are given with --cash")
    return name, amount


def moment(text: str) -> datetime:
    """Give an aware time; one without a zone is UTC."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("a start is a time such as 2026-11-20T14:30:00Z") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def assignment(shape: type[Any]) -> Callable[[str], tuple[str, object]]:
    """Give the parser of ``NAME=VALUE`` for one field of a dataclass of settings.

    It gives the field's name, that of a nested one with dots, and its value. ``none`` is None.
    """
    values = dict(_fields_of(shape))

    def parse(text: str) -> tuple[str, object]:
        name, _, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if name not in values:
            raise ValueError(f"NAME=VALUE belongs here, with a NAME of {', '.join(values)}")
        try:
            return name, values[name](value.strip())
        except ValueError as error:
            raise ValueError(f"{error} after {name}=") from None

    return parse


def _fields_of(shape: type[Any], path: str = "") -> Iterator[tuple[str, Callable[[str], object]]]:
    hints = get_type_hints(shape)
    for each in fields(shape):
        kind, name = hints[each.name], path + each.name
        if isinstance(kind, type) and is_dataclass(kind):
            yield from _fields_of(kind, f"{name}.")
        else:
            yield name, _parser_of(kind)


def _parser_of(kind: Any) -> Callable[[str], object]:
    """Give the parser of a field's type. Raises TypeError for one that has none yet."""
    inner = [each for each in get_args(kind) if each is not NoneType]
    if NoneType in get_args(kind):
        return _optional(_parser_of(inner[0]))
    if get_origin(kind) is frozenset:
        return _several(_ID if inner[0] is int else _parser_of(inner[0]))
    if kind in _PARSERS:
        return _PARSERS[kind]
    if issubclass(kind, Enum):
        return choice(kind)
    raise TypeError(f"no text becomes a {kind}")


def _optional(parse: Callable[[str], object]) -> Callable[[str], object]:
    def parse_or_none(text: str) -> object:
        try:
            return None if text == "none" else parse(text)
        except ValueError as error:
            raise ValueError(f"{error}, or none,") from None

    return parse_or_none


def _several(parse: Callable[[str], object]) -> Callable[[str], object]:
    return lambda text: frozenset(parse(each) for each in text.split(",") if each)


def _amount(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal(-1)
    if not number.is_finite() or number < 0:
        raise ValueError("a number of 0 or more belongs here")
    return number


def _yes_or_no(text: str) -> bool:
    if text not in {"yes", "no"}:
        raise ValueError("yes or no belongs here")
    return text == "yes"


_ID = whole(0, 2**31 - 1)
"""What several numbers are: not counts, but ids, and there is a client 0."""

_PARSERS: dict[object, Callable[[str], object]] = {
    bool: _yes_or_no,
    int: whole(1, 2**31 - 1),
    str: text_of("a symbol"),
    Decimal: _amount,
}


def log_level(text: str) -> str:
    """Give the name of a level of the log."""
    if text not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        raise ValueError("DEBUG, INFO, WARNING or ERROR belongs here")
    return text
