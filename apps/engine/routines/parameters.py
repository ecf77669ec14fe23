"""What a routine may be asked with: parameters, each with what it may hold, from any edge.

A command line gives words, a query string too, JSON gives numbers, lists and objects: a `Kind`
takes all of them and makes the same value. A request is a frozen dataclass whose fields were made
with `parameter`; `parsed` gives one, or says of every field that cannot be why not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any, TypeVar

from apps.domain.errors import BadRequest, InvalidInput
from apps.domain.numerals import parse_number, plain

__all__ = [
    "Kind",
    "Parameter",
    "Plain",
    "as_plain",
    "choice",
    "day",
    "number",
    "one_of",
    "parameter",
    "parameters_of",
    "parsed",
    "switch",
    "symbols",
    "text",
    "weights",
    "whole",
]

R = TypeVar("R")
E = TypeVar("E", bound=Enum)

Plain = str | int | bool | None | list["Plain"] | dict[str, "Plain"]
"""What a value is written down as; numbers that count are text, so that no digit is lost."""

_KEY = "parameter"
_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9 ./@-]{0,29}")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value. ``parse`` raises ValueError or InvalidInput for what it cannot be.

    ``schema`` is JSON Schema. ``takes_many``: words of a command line may follow each other, each
    of them ``metavar``; ``is_switch``: it takes no word at all.
    """

    parse: Callable[[object], object]
    may_hold: str
    schema: Mapping[str, object]
    metavar: str
    takes_many: bool = False
    is_switch: bool = False


@dataclass(frozen=True, slots=True)
class Parameter:
    """One field of a request."""

    name: str
    meaning: str
    kind: Kind
    default: object
    is_required: bool
    is_positional: bool
    identifies: bool = True
    """Requests that differ in it are two; where not, it only says how the same is done."""

    @property
    def option(self) -> str:
        """Its name on the command line."""
        return "--" + self.name.replace("_", "-")


def parameter(
    meaning: str,
    kind: Kind,
    *,
    default: object = MISSING,
    positional: bool = False,
    identifies: bool = True,
) -> Any:
    """Make a field of a request; without a ``default`` it has to be given."""
    metadata = {_KEY: (meaning, kind, positional, identifies)}
    if default is MISSING:
        return field(metadata=metadata)
    return field(default=default, metadata=metadata)


def parameters_of(request: type) -> tuple[Parameter, ...]:
    """Give the parameters of a request's type, in order."""
    found = []
    for each in fields(request):
        meaning, kind, positional, identifies = each.metadata[_KEY]
        is_required = each.default is MISSING
        default = None if is_required else each.default
        found.append(
            Parameter(each.name, meaning, kind, default, is_required, positional, identifies)
        )
    return tuple(found)


def parsed(request: type[R], values: Mapping[str, object]) -> R:
    """Make a request of what an edge was given; a name with nothing (None) counts as left out.

    Raises BadRequest, which tells of every field that cannot be, unknown ones too.
    """
    known = parameters_of(request)
    given = {name: value for name, value in values.items() if value is not None}
    problems: dict[str, str] = {}
    made: dict[str, object] = {}
    for each in known:
        if each.name in given:
            try:
                made[each.name] = each.kind.parse(given[each.name])
            except InvalidInput as error:
                problems[each.name] = error.message
            except (ValueError, TypeError, ArithmeticError):
                problems[each.name] = f"is {_shown(given[each.name])}; may be {each.kind.may_hold}"
        elif each.is_required:
            problems[each.name] = f"is missing; may be {each.kind.may_hold}"
    names = ", ".join(each.name for each in known) or "nothing"
    for name in given.keys() - {each.name for each in known}:
        problems[name] = f"is not known here; there is {names}"
    if problems:
        raise BadRequest(problems)
    return request(**made)


def as_plain(value: object) -> Plain:
    """Write a request, or a value in one, as what JSON takes; equal values are written equally."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Enum):
        return as_plain(value.value)
    if isinstance(value, Mapping):
        return {str(name): as_plain(each) for name, each in sorted(value.items())}
    if isinstance(value, tuple):
        return [as_plain(each) for each in value]
    return {each.name: as_plain(getattr(value, each.name)) for each in fields(value)}  # type: ignore[arg-type]  # a request


def text(may_hold: str, metavar: str = "TEXT", *, most: int = 200) -> Kind:
    """A line of text."""

    def parse(value: object) -> str:
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            raise ValueError(value)
        if len(value) > most:
            raise InvalidInput(f"is longer than {most} characters")
        return value.strip()

    return Kind(parse, may_hold, {"type": "string", "minLength": 1, "maxLength": most}, metavar)


def choice(of: type[E]) -> Kind:
    """One of an enum's values."""
    words = [str(each.value) for each in of]

    def parse(value: object) -> E:
        return of(str(value).lower())

    return Kind(parse, " or ".join(words), {"type": "string", "enum": words}, "|".join(words))


def one_of(*words: str) -> Kind:
    """One of a few words."""

    def parse(value: object) -> str:
        word = str(value).strip().lower()
        if word not in words:
            raise ValueError(value)
        return word

    return Kind(parse, f"one of {', '.join(words)}", {"type": "string", "enum": [*words]}, "NAME")


def switch() -> Kind:
    """Yes or no."""

    def parse(value: object) -> bool:
        if isinstance(value, bool):
            return value
        return {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}[
            str(value).lower()
        ]

    def guarded(value: object) -> bool:
        try:
            return parse(value)
        except KeyError:
            raise ValueError(value) from None

    return Kind(guarded, "true or false", {"type": "boolean"}, "", is_switch=True)


def number(above: str, to: str, *, metavar: str = "NUMBER", includes_low: bool = False) -> Kind:
    """A decimal number in ``(above, to]``, or ``[above, to]``; a percent sign may follow it."""
    low, high = Decimal(above), Decimal(to)

    def parse(value: object) -> Decimal:
        found = _decimal(value)
        is_low = found < low if includes_low else found <= low
        if is_low or found > high:
            raise ValueError(value)
        return found

    bound = "minimum" if includes_low else "exclusiveMinimum"
    schema = {"type": "number", bound: float(low), "maximum": float(high)}
    words = f"a number {'from' if includes_low else 'above'} {plain(low)} up to {plain(high)}"
    return Kind(parse, words, schema, metavar)


def whole(low: int, high: int, *, metavar: str = "N") -> Kind:
    """A whole number."""

    def parse(value: object) -> int:
        found = _decimal(value)
        if found != found.to_integral_value() or not low <= found <= high:
            raise ValueError(value)
        return int(found)

    schema = {"type": "integer", "minimum": low, "maximum": high}
    return Kind(parse, f"a whole number, {low} to {high}", schema, metavar)


def day() -> Kind:
    """A date."""

    def parse(value: object) -> date:
        if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value.strip()):
            raise ValueError(value)
        return date.fromisoformat(value.strip())

    return Kind(parse, "a date such as 2026-11-20", {"type": "string", "format": "date"}, "DATE")


def symbols(*, most: int = 200) -> Kind:
    """Symbols, each once: a list, or text with commas or spaces between them."""

    def parse(value: object) -> tuple[str, ...]:
        words = _words(value)
        found = tuple(dict.fromkeys(_symbol(each) for each in words))
        if len(found) > most:
            raise InvalidInput(f"names {len(found)} symbols; {most} are the most at a time")
        return found

    items = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9 ./@-]{0,29}$"}
    schema = {"type": "array", "items": items, "maxItems": most}
    return Kind(parse, "symbols such as AAPL", schema, "SYMBOL", takes_many=True)


def weights(*, most: int = 200) -> Kind:
    """Numbers by symbol: an object, or words such as AAPL=0.4; no symbol twice."""

    def parse(value: object) -> Mapping[str, Decimal]:
        pairs = list(value.items()) if isinstance(value, Mapping) else _pairs(_words(value))
        found: dict[str, Decimal] = {}
        for name, weight in pairs:
            symbol = _symbol(str(name))
            if symbol in found:
                raise InvalidInput(f"names {symbol} twice")
            found[symbol] = _decimal(weight)
        if not found:
            raise ValueError(value)
        if len(found) > most:
            raise InvalidInput(f"names {len(found)} symbols; {most} are the most at a time")
        return dict(sorted(found.items()))

    schema = {
        "type": "object",
        "additionalProperties": {"type": "number"},
        "minProperties": 1,
        "maxProperties": most,
    }
    return Kind(
        parse, "weights such as AAPL=0.4 MSFT=0.3", schema, "SYMBOL=WEIGHT", takes_many=True
    )


def _decimal(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise TypeError(value)
    if isinstance(value, str):
        return parse_number(value.removesuffix("%"), "the number")
    found = Decimal(str(value))
    if not found.is_finite():
        raise ValueError(value)
    return found


def _words(value: object) -> list[str]:
    if isinstance(value, str):
        return value.replace(",", " ").split()
    if isinstance(value, Sequence) and all(isinstance(each, str) for each in value):
        return [word for each in value for word in str(each).replace(",", " ").split()]
    raise TypeError(value)


def _pairs(words: list[str]) -> list[tuple[str, str]]:
    pairs = []
    for each in words:
        name, mark, weight = each.partition("=")
        if not mark:
            raise InvalidInput(f"holds {each!r}, which is not SYMBOL=WEIGHT")
        pairs.append((name, weight))
    return pairs


def _symbol(word: str) -> str:
    symbol = word.strip().upper()
    if not _SYMBOL.fullmatch(symbol):
        raise InvalidInput(f"holds {word[:40]!r}, which is no symbol")
    return symbol


def _shown(value: object) -> str:
    shown = str(value) if isinstance(value, Decimal) else repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}…"
