"""Faults in words: ``drop on=orderStatus nth=2``, or a table with the same keys.

One schema for the command line, the scenario file and the in-process API: an effect's name, the
keys of `When`, and the effect's own. A key or value that makes no sense is a `FaultError`, which
knows the key, so that whoever knows the line can say it.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal, InvalidOperation
from enum import Enum
from types import NoneType, UnionType
from typing import Any, get_args, get_origin

from apps.domain.errors import InvalidInput
from apps.paper.faults.fault import Direction, Effect, Fault, Trigger, When
from apps.paper.faults.kinds import KINDS
from apps.paper.faults.registry import EFFECTS, REQUIRED, WHEN_KEYS, Parameter, parameters

__all__ = ["FaultError", "fault_of", "parse_fault"]

_DO, _NAME = "do", "name"


class FaultError(InvalidInput):
    """A fault that cannot be: ``key`` is the one that is wrong, '' for the whole of it."""

    def __init__(self, message: str, key: str = "") -> None:
        super().__init__(message)
        self.key = key


@dataclass(frozen=True, slots=True)
class _Wrong(Exception):
    """What a value should have been."""

    wanted: str


def parse_fault(text: str) -> Fault:
    """Read ``NAME key=value …``; values with blanks in them stand in quotes.

    >>> parse_fault("drop on=orderStatus nth=2").label
    'drop'

    Raises:
        FaultError: It is none.
    """
    try:
        name, *pairs = shlex.split(text)
    except ValueError as error:
        why = f"{text!r} is no fault: {error}" if text.strip() else "a fault begins with its name"
        raise FaultError(f"{why}; write NAME key=value …") from None
    keys: dict[str, object] = {_DO: name}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise FaultError(f"{pair!r} in the fault {text!r} is not key=value", key)
        if key in keys:
            raise FaultError(f"{key!r} stands twice in the fault {text!r}", key)
        keys[key] = value
    return fault_of(keys)


def fault_of(keys: Mapping[str, object]) -> Fault:
    """Make the fault of a table: ``do`` names the effect, the rest are its keys.

    Values are as TOML has them, or texts.

    Raises:
        FaultError: A key or value that is none, or is missing.
    """
    effect = _effect_of(keys)
    own = parameters(effect)
    _check_keys(effect.NAME, keys, own)
    when = {key: _value(WHEN_KEYS[key], keys[key]) for key in keys if key in WHEN_KEYS}
    _check_kind(when.get("on", ""), "on")
    given = {key: _value(own[key], keys[key]) for key in keys if key in own}
    if "behind" in given:
        _check_kind(given["behind"], "behind")
    try:
        fault = Fault(effect(**given), When(**when), str(keys.get(_NAME, "")))
    except FaultError:
        raise
    except InvalidInput as error:
        raise FaultError(f"{effect.NAME}: {error.message}") from None
    _check_direction(fault)
    return fault


def _effect_of(keys: Mapping[str, object]) -> type[Effect]:
    name = keys.get(_DO)
    if name is None:
        raise FaultError("a fault says what it does: do = " + _either(EFFECTS))
    effect = EFFECTS.get(str(name))
    if effect is None:
        raise FaultError(f"{name!r} is not a fault; there are: {_either(EFFECTS)}", _DO)
    return effect


def _check_keys(name: str, keys: Mapping[str, object], own: Mapping[str, Parameter]) -> None:
    allowed = [_DO, _NAME, *own, *WHEN_KEYS]
    for key in keys:
        if key not in allowed:
            raise FaultError(
                f"{key!r} is not a key of the fault {name!r}; allowed are: {', '.join(allowed)}",
                key,
            )
    for parameter in own.values():
        if parameter.default is REQUIRED and parameter.name not in keys:
            raise FaultError(f"the fault {name!r} needs {parameter.name}")


def _check_kind(kind: object, key: str) -> None:
    if kind and kind not in KINDS:
        raise FaultError(
            f"{key} = {kind!r} is not a message; it is 'request', 'response', or a name such as "
            "placeOrder, reqRealTimeBars, orderStatus, execDetails, realtimeBar",
            key,
        )


def _check_direction(fault: Fault) -> None:
    """See that what sets a fault off goes the way that its effect works upon."""
    needed = {Trigger.REQUEST: Direction.IN, Trigger.RESPONSE: Direction.OUT}
    wanted = needed.get(fault.effect.TRIGGER)
    if wanted is not None and KINDS[fault.on] is not wanted:
        raise FaultError(
            f"the fault {fault.effect.NAME!r} happens to {fault.effect.TRIGGER.value}, and "
            f"{fault.on} is none",
            "on",
        )


def _value(parameter: Parameter, given: object) -> Any:
    try:
        return _converted(parameter.kind, given)
    except _Wrong as wrong:
        raise FaultError(
            f"{parameter.name} = {given!r} is not {wrong.wanted}", parameter.name
        ) from None


def _converted(kind: Any, given: object) -> Any:
    if isinstance(kind, UnionType):
        return _one_of([each for each in get_args(kind) if each is not NoneType], given)
    if get_origin(kind) is tuple:
        items = given.split(",") if isinstance(given, str) else given
        if not isinstance(items, list):
            raise _Wrong("a list of numbers")
        return tuple(_converted(get_args(kind)[0], item) for item in items)
    if issubclass(kind, Enum):
        return _member(kind, given)
    return _READERS[kind](given)


def _one_of(kinds: Iterable[Any], given: object) -> Any:
    wanted = []
    for kind in kinds:
        try:
            return _converted(kind, given)
        except _Wrong as wrong:
            wanted.append(wrong.wanted)
    raise _Wrong(" or ".join(wanted))


def _member(kind: type[Enum], given: object) -> Enum:
    for member in kind:
        if str(member.value) == str(given):
            return member
    raise _Wrong(f"one of {_either(str(member.value) for member in kind)}")


def _text(given: object) -> str:
    if not isinstance(given, str):
        raise _Wrong("a text")
    return given


def _truth(given: object) -> bool:
    if isinstance(given, bool):
        return given
    if given in ("true", "false"):
        return given == "true"
    raise _Wrong("true or false")


def _whole(given: object) -> int:
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    try:
        return int(_text(given))
    except (ValueError, _Wrong):
        raise _Wrong("a whole number") from None


def _decimal(given: object) -> Decimal:
    if isinstance(given, bool):
        raise _Wrong("a number")
    try:
        number = Decimal(str(given))
    except InvalidOperation:
        raise _Wrong("a number") from None
    if not number.is_finite():
        raise _Wrong("a number")
    return number


def _float(given: object) -> float:
    number = float(_decimal(given))
    if not math.isfinite(number):
        raise _Wrong("a number of this size")
    return number


def _moment(given: object) -> datetime:
    try:
        at = given if isinstance(given, datetime) else datetime.fromisoformat(_text(given))
    except (ValueError, _Wrong):
        raise _Wrong("a moment such as 2026-11-20T14:30:00Z") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _time_of_day(given: object) -> time:
    try:
        return given if isinstance(given, time) else time.fromisoformat(_text(given))
    except (ValueError, _Wrong):
        raise _Wrong("a time of day such as 23:45:00") from None


_READERS: dict[type, Any] = {
    str: _text,
    bool: _truth,
    int: _whole,
    float: _float,
    Decimal: _decimal,
    datetime: _moment,
    time: _time_of_day,
}


def _either(names: Iterable[str]) -> str:
    return ", ".join(names)
