"""One field of a frame: how its value is written, and how it is read back.

Written plainly, as every client can read it: whole numbers without '.0' (the official 9.81 client
puts bar volumes and tick sizes through ``int``), nothing with an exponent, None as an empty field.
Read strictly: a text that is not what the field holds is a `FieldError`, never a guess.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from apps.paper.wire.errors import LocalProtocolError

__all__ = [
    "BOOL",
    "CSV",
    "DECIMAL",
    "ESCAPED",
    "INT",
    "INT_CSV",
    "LONG",
    "MINUS_ONE_DECIMAL",
    "MINUS_TWO_DECIMAL",
    "NONE_WORD",
    "OPTIONAL_BOOL",
    "OPTIONAL_DECIMAL",
    "OPTIONAL_INT",
    "OPTIONAL_OFFSET",
    "TEXT",
    "UNSET_DECIMAL",
    "WHOLE_DECIMAL",
    "Codec",
    "FieldError",
    "number_text",
]

_UNSET_DOUBLE: Final = Decimal("1.797693134862315E308")
_UNSET_DOUBLE_TEXT: Final = "1.7976931348623157E308"
_UNSET_INTEGER: Final = 2**31 - 1
_UNSET_DECIMALS: Final = (Decimal(2**127 - 1), Decimal(2**31 - 1), Decimal(2**63 - 1))
_LARGEST_EXPONENT: Final = 30
_LONGEST_NUMBER: Final = 64
_SURELY_INTEGER: Final = 10  # shorter texts are below every way of writing "unset"
_INT_BITS: Final = 32
_LONG_BITS: Final = 64


class FieldError(ValueError):
    """A field's text is not what the field holds; the message says what it is instead."""


@dataclass(frozen=True, slots=True)
class Codec:
    """How one kind of value is written into a field and read from it."""

    encode: Callable[[Any], str]
    decode: Callable[[str], Any]


def number_text(value: Decimal | float | None) -> str:
    """Write a number plainly.

    >>> number_text(100.0), number_text(Decimal("190.10")), number_text(1e-05), number_text(None)
    ('100', '190.1', '0.00001', '')

    Raises:
        LocalProtocolError: It is not a finite number.
    """
    if value is None:
        return ""
    text = str(value)
    if not text[-1].isdigit():
        raise LocalProtocolError(f"{value!r} is not a number that can be sent.")
    if "e" in text or "E" in text:
        text = format(Decimal(text), "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _decimal(text: str) -> Decimal | None:
    """Read a number; None where it is unset, in any of the clients' ways."""
    if not text:
        return None
    # Decimal would take digits of every script, and underscores between them
    if len(text) > _LONGEST_NUMBER or "_" in text or not text.isascii():
        raise FieldError(f"{text[:_LONGEST_NUMBER]!r} is not a number")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise FieldError(f"{text!r} is not a number") from None
    if not number.is_finite():
        raise FieldError(f"{text!r} is not a finite number")
    if number >= _UNSET_DOUBLE or number in _UNSET_DECIMALS:
        return None
    # a tiny exponent costs nothing to send, but would be written out in full when it is echoed
    if number and not -_LARGEST_EXPONENT <= number.adjusted() <= _LARGEST_EXPONENT:
        raise FieldError(f"{text!r} is beyond every price and size")
    return number


def _decimal_or_zero(text: str) -> Decimal:
    return _decimal(text) or Decimal(0)


def _integer(text: str, bits: int = _INT_BITS) -> int | None:
    """Read a whole number, also when a client wrote it with '.0'; None where it is unset.

    TWS reads 32 bits: an id beyond them could not be told back to most clients.
    """
    if not text:
        return None
    if text.isdigit() and text.isascii() and len(text) < _SURELY_INTEGER:
        return int(text)
    number = _decimal(text)
    if number is None:
        return None
    whole = int(number)
    if whole != number:
        raise FieldError(f"{text!r} is not a whole number")
    if whole.bit_length() >= bits:
        raise FieldError(f"{text!r} is beyond the {bits} bits of a whole number")
    return None if whole == _UNSET_INTEGER else whole


def _integer_or_zero(text: str) -> int:
    return _integer(text) or 0


def _long_or_zero(text: str) -> int:
    return _integer(text, _LONG_BITS) or 0


def _offset(text: str) -> Decimal | None:
    """Read an offset that may be without bound: "up to the midpoint"."""
    if text in ("Infinite", "Infinity", "inf"):
        return Decimal("Infinity")
    return _decimal(text)


def _offset_text(value: Decimal | None) -> str:
    return "Infinity" if value is not None and value.is_infinite() else number_text(value)


def _optional_bool(text: str) -> bool | None:
    number = _integer(text)
    return None if number is None else number != 0


def _optional_bool_text(value: bool | None) -> str:
    return "" if value is None else "1" if value else "0"


def _comma_separated(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(",") if part)


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _decimal_with_absence(absence: Decimal) -> Codec:
    """Give the codec of a number whose absence is written as a number that it cannot be."""

    def decode(text: str) -> Decimal | None:
        number = _decimal(text)
        return None if number == absence else number

    return Codec(lambda value: number_text(absence if value is None else value), decode)


def _none_word_text(value: str) -> str:
    return value or "None"


def _none_word(text: str) -> str:
    return "" if text == "None" else text


def _escaped_text(value: str) -> str:
    return value.encode("unicode_escape").decode("ascii")


def _unescaped(text: str) -> str:
    try:
        return text.encode("latin-1", "backslashreplace").decode("unicode_escape")
    except UnicodeDecodeError:
        raise FieldError(f"{text!r} is not an escaped text") from None


TEXT: Final = Codec(_text, str)
INT: Final = Codec(_text, _integer_or_zero)
LONG: Final = Codec(_text, _long_or_zero)
"""A whole number of 64 bits: a permanent id, a time in milliseconds, a day's volume."""
OPTIONAL_INT: Final = Codec(_text, _integer)
BOOL: Final = Codec(_optional_bool_text, lambda text: bool(_integer(text)))
OPTIONAL_BOOL: Final = Codec(_optional_bool_text, _optional_bool)
DECIMAL: Final = Codec(number_text, _decimal_or_zero)
WHOLE_DECIMAL: Final = Codec(number_text, lambda text: Decimal(_integer_or_zero(text)))
"""A whole number among prices: every client reads it with ``int``."""
OPTIONAL_DECIMAL: Final = Codec(number_text, _decimal)
CSV: Final = Codec(",".join, _comma_separated)
INT_CSV: Final = Codec(
    lambda numbers: ",".join(map(str, numbers)),
    lambda text: tuple(map(_integer_or_zero, _comma_separated(text))),
)
OPTIONAL_OFFSET: Final = Codec(_offset_text, _offset)
"""A number that may be without bound."""
UNSET_DECIMAL: Final = Codec(
    lambda value: _UNSET_DOUBLE_TEXT if value is None else number_text(value), _decimal
)
"""A number whose absence IB writes out as 1.7976931348623157E308."""
MINUS_ONE_DECIMAL: Final = _decimal_with_absence(Decimal(-1))
"""A number whose absence IB writes as -1: prices and volatilities of options."""
MINUS_TWO_DECIMAL: Final = _decimal_with_absence(Decimal(-2))
"""A number whose absence IB writes as -2: Greeks, which may well be -1."""
NONE_WORD: Final = Codec(_none_word_text, _none_word)
"""A text whose absence IB writes out as the word None."""
ESCAPED: Final = Codec(_escaped_text, _unescaped)
"""A text that clients pass through ``unicode-escape``."""
