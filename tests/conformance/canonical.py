"""One text for each value, whatever type a side has it in; so that two sides can be compared."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

__all__ = ["UNSET", "canonical"]

UNSET = ""
"""What is not there: None, and the numbers that stand for it."""

_UNSET_NUMBERS = frozenset({"1.7976931348623157E+308", "2147483647", "9223372036854775807"})
_BIGGEST = Decimal(2) ** 126


def canonical(value: object) -> str:
    """Give a value's text: flags are 1 and 0, numbers have no tail of zeros, times are epochs.

    >>> canonical(True), canonical(2.50), canonical(Decimal("100")), canonical(None)
    ('1', '2.5', '100', '')
    >>> canonical("20261120 09:30:05 US/Eastern")
    '1795185005'
    >>> canonical({"b", "a"})
    'a,b'
    """
    match value:
        case None:
            return UNSET
        case bool():
            return str(int(value))
        case datetime():
            return str(int(value.timestamp()))
        case int() | float() | Decimal():
            return _number(Decimal(repr(value) if isinstance(value, float) else value))
        case str():
            return _text(value)
        case list() | tuple() | set() | frozenset():
            return ",".join(sorted(canonical(item) for item in _items(value)))
        case _:
            return _text(str(value))


def _items(value: Iterable[object]) -> Iterable[object]:
    return value


def _number(number: Decimal) -> str:
    if not number.is_finite() or str(number) in _UNSET_NUMBERS or abs(number) > _BIGGEST:
        return UNSET
    return f"{number.normalize():f}"


def _text(text: str) -> str:
    """Give a text; a time of IB's becomes its epoch, a number a number."""
    day_time, _, zone = text.rpartition(" ")
    try:
        moment = datetime.strptime(day_time, "%Y%m%d %H:%M:%S").replace(tzinfo=ZoneInfo(zone))
        return canonical(moment)
    except (ValueError, KeyError, OSError):
        pass
    if "," in text:
        return ",".join(sorted(map(canonical, text.split(","))))
    try:
        return _number(Decimal(text))
    except InvalidOperation:
        return text
