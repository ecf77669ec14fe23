"""A watcher's terms and state as text, for the journal: JSON, with a version, read strictly.

Decimals and times are text, so that no digit is lost and a person can read them. What is missing,
unknown or of another kind is refused by name: a watcher that is brought back half understood
would trade what nobody asked for. A new option is a field in its table here, and a new version
where an older text has to be understood without it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any, NamedTuple, TypeVar

from apps.domain.bars import Bar
from apps.domain.brackets import EntryStyle
from apps.domain.breakout import BreakoutRule, BreakoutState, OnFalseBreak, Phase
from apps.domain.breakout_events import FirstBar
from apps.domain.errors import InvalidInput, WatcherRefused
from apps.domain.levels import Direction
from apps.domain.ticks import PriceBand, TickRule
from apps.domain.watching.terms import WatcherState, WatcherTerms

__all__ = ["VERSION", "state_of", "state_text", "terms_of", "terms_text"]

VERSION = 1

T = TypeVar("T")


def terms_text(terms: WatcherTerms) -> str:
    """Give the text of ``terms``."""
    return _text(_TERMS.put(terms))


def state_text(state: WatcherState) -> str:
    """Give the text of ``state``."""
    return _text(_STATE.put(state))


def terms_of(text: str, watcher_id: str) -> WatcherTerms:
    """Read what `terms_text` gave. Raises WatcherRefused, which names the watcher."""
    return _read(text, _TERMS, WatcherTerms, f"the terms of watcher {watcher_id}")


def state_of(text: str, watcher_id: str) -> WatcherState:
    """Read what `state_text` gave. Raises WatcherRefused, which names the watcher."""
    return _read(text, _STATE, WatcherState, f"the state of watcher {watcher_id}")


class _Cell(NamedTuple):
    """How one kind of value becomes JSON and comes back; ``take`` raises ValueError."""

    put: Callable[[Any], object]
    take: Callable[[Any], Any]


def _as_it_is(kind: type) -> _Cell:
    def take(value: object) -> object:
        if type(value) is not kind:  # a bool would pass for an int
            raise ValueError(f"{value!r} is no {kind.__name__}")
        return value

    return _Cell(lambda value: value, take)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is no number")  # noqa: TRY004 - caught with the others
    return float(value)


def _decimal(value: object) -> Decimal:
    try:
        number = Decimal(_TEXT.take(value))
    except InvalidOperation:
        raise ValueError(f"{value!r} is no number") from None
    if not number.is_finite():
        raise ValueError(f"{value!r} is no number")
    return number


def _time(value: object) -> datetime:
    at = datetime.fromisoformat(_TEXT.take(value))
    if at.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone")
    return at.astimezone(UTC)


def _member(kind: type[Enum]) -> _Cell:
    """Give the cell of an enum: its name, for its value is a word that is shown and may change."""

    def take(value: object) -> Enum:
        try:
            return kind[_TEXT.take(value)]
        except KeyError:
            raise ValueError(f"there is no {value!r}") from None

    return _Cell(lambda member: member.name, take)


def _optional(cell: _Cell) -> _Cell:
    return _Cell(
        lambda value: None if value is None else cell.put(value),
        lambda value: None if value is None else cell.take(value),
    )


def _object(kind: type, fields: Mapping[str, _Cell]) -> _Cell:
    """Give the cell of a value whose ``fields`` are an object's."""

    def put(value: object) -> object:
        return {name: cell.put(getattr(value, name)) for name, cell in fields.items()}

    def take(value: object) -> object:
        if not isinstance(value, dict):
            raise ValueError(f"{value!r} is no object")  # noqa: TRY004 - caught with the others
        if value.keys() != fields.keys():
            odd = ", ".join(sorted(map(str, value.keys() ^ fields.keys())))
            raise ValueError(f"missing or unknown: {odd}")
        return kind(**{name: _taken(name, cell, value[name]) for name, cell in fields.items()})

    return _Cell(put, take)


def _taken(name: str, cell: _Cell, value: object) -> object:
    try:
        return cell.take(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _bands(value: object) -> TickRule:
    if not isinstance(value, list):
        raise ValueError(f"{value!r} is no list")  # noqa: TRY004 - caught with the others
    return TickRule(tuple(_BAND.take(each) for each in value))


_TEXT, _COUNT, _FLAG = _as_it_is(str), _as_it_is(int), _as_it_is(bool)
_FLOAT = _Cell(float, _number)
_DECIMAL = _Cell(str, _decimal)
_AT = _Cell(lambda at: at.astimezone(UTC).isoformat(), _time)
_BAND = _object(PriceBand, {"low_edge": _DECIMAL, "increment": _DECIMAL})
_TICKS = _Cell(lambda rule: [_BAND.put(each) for each in rule.bands], _bands)

_BAR = _object(
    Bar,
    {
        "start": _AT,
        "seconds": _COUNT,
        "open": _FLOAT,
        "high": _FLOAT,
        "low": _FLOAT,
        "close": _FLOAT,
        "volume": _FLOAT,
        "wap": _FLOAT,
        "count": _COUNT,
    },
)

_RULE = _object(
    BreakoutRule,
    {
        "level": _DECIMAL,
        "direction": _member(Direction),
        "bar_seconds": _COUNT,
        "on_false_break": _member(OnFalseBreak),
        "gap_entry": _FLAG,
        "ticks": _TICKS,
    },
)

_TERMS = _object(
    WatcherTerms,
    {
        "con_id": _COUNT,
        "symbol": _TEXT,
        "primary_exchange": _TEXT,
        "rule": _RULE,
        "quantity": _DECIMAL,
        "take_profit_pct": _optional(_DECIMAL),
        "stop_loss_pct": _optional(_DECIMAL),
        "entry": _member(EntryStyle),
    },
)

_STATE = _object(
    WatcherState,
    {
        "rule": _object(
            BreakoutState,
            {
                "phase": _member(Phase),
                "first": _optional(_member(FirstBar)),
                "trigger": _optional(_BAR),
            },
        ),
        "heard_until": _optional(_AT),
        "order_ref": _TEXT,
    },
)


def _text(packed: object) -> str:
    return json.dumps([VERSION, packed], separators=(",", ":"), ensure_ascii=False)


def _read(text: str, cell: _Cell, kind: type[T], what: str) -> T:
    try:
        value = cell.take(_packed(text))
    except (ValueError, InvalidInput) as error:
        raise WatcherRefused(f"{what} cannot be read: {error}") from None
    if not isinstance(value, kind):
        raise WatcherRefused(f"{what} cannot be read: it is a {type(value).__name__}")
    return value


def _packed(text: str) -> object:
    read = json.loads(text)
    if not isinstance(read, list) or len(read) != 2:
        raise ValueError("it has no version")
    version, packed = read
    if version != VERSION:
        raise ValueError(f"its form is version {version!r}, this desk reads {VERSION}")
    return packed
