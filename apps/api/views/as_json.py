"""The JSON form of every value that a command can come to.

One rule for all: a dataclass is an object of its fields, a list reply is the list of its rows,
an enum is its value, a Decimal a string (a number would lose digits), a time ISO 8601 in UTC.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import singledispatch

from apps.api.replies import (
    Account,
    Bars,
    CancelOutcomes,
    CloseOutcomes,
    Executions,
    JournalIntents,
    Orders,
    Positions,
    Trades,
    Verdict,
    Watchers,
)
from apps.domain.instruments import Instrument
from apps.store.journal.reading import Entry

__all__ = ["Json", "as_json"]

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None

_ROWS = (
    CancelOutcomes,
    CloseOutcomes,
    Executions,
    JournalIntents,
    Orders,
    Positions,
    Trades,
    Watchers,
    Bars,
)


_INNER_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


@singledispatch
def as_json(value: object) -> Json:
    """Give ``value`` as what `json.dumps` takes. Raises TypeError for what has no form."""
    if isinstance(value, _ROWS):
        return [as_json(row) for row in value.rows]
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_json(getattr(value, field.name)) for field in fields(value)}
    raise TypeError(f"{type(value).__name__} has no JSON form")


@as_json.register(str)
@as_json.register(bool)
@as_json.register(int)
@as_json.register(type(None))
def _as_it_is(value: str | bool | int | None) -> Json:
    return value


@as_json.register
def _of_float(value: float) -> Json:
    # JSON has no word for what is not a number
    return value if abs(value) < float("inf") else None


@as_json.register
def _of_decimal(value: Decimal) -> Json:
    return f"{value:f}"


@as_json.register
def _of_time(value: datetime) -> Json:
    return value.isoformat().replace("+00:00", "Z")


@as_json.register
def _of_stretch(value: timedelta) -> Json:
    return value.total_seconds()


@as_json.register
def _of_enum(value: Enum) -> Json:
    return as_json(value.value)


@as_json.register
def _of_instrument(value: Instrument) -> Json:
    return {
        "symbol": value.symbol,
        "con_id": value.con_id,
        "kind": value.kind.value,
        "exchange": value.exchange,
        "primary_exchange": value.primary_exchange,
        "currency": value.currency,
        "name": value.name,
    }


@as_json.register
def _of_account(value: Account) -> Json:
    balances = {
        field.name: as_json(getattr(value.summary, field.name)) for field in fields(value.summary)
    }
    return balances | {"trading": value.trading.state.value}


@as_json.register
def _of_entry(value: Entry) -> Json:
    record = value.record
    kind = _INNER_CAPITAL.sub("_", type(record).__name__).lower()
    cells = {field.name: as_json(getattr(record, field.name)) for field in fields(record)}
    return {"number": value.number, "kind": kind, **cells}


@as_json.register
def _of_verdict(value: Verdict) -> Json:
    return {"seed": value.seed, "holds": value.holds, "checks": as_json(list(value.checks))}


@as_json.register(tuple)
@as_json.register(list)
@as_json.register(frozenset)
def _of_sequence(value: tuple[object, ...] | list[object] | frozenset[object]) -> Json:
    return [as_json(each) for each in value]


@as_json.register(Mapping)
def _of_mapping(value: Mapping[str, object]) -> Json:
    return {str(name): as_json(each) for name, each in value.items()}
