"""The JSON form of every value that a command can come to.

One rule for all: a dataclass is an object of its fields, a list reply is the list of its rows,
an enum is its value, a Decimal a string (a number would lose digits), a time ISO 8601 in UTC.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache, singledispatch

from apps.api.outcomes import error_as_json
from apps.api.replies import (
    Account,
    Activities,
    Bars,
    CancelOutcomes,
    CloseOutcomes,
    Executions,
    HistoryVerified,
    JournalIntents,
    Orders,
    Positions,
    StoredSeries,
    Trades,
    Verdict,
    Watchers,
)
from apps.domain.activities import KeptActivity
from apps.domain.errors import DeskError
from apps.domain.instruments import Instrument
from apps.domain.trade_reconciliation import TradeReconciliation
from apps.engine.history.loading import Loaded, LoadReport
from apps.engine.previews import BreakoutPreview
from apps.engine.routines.runner import Answered
from apps.store.journal.reading import Entry

__all__ = ["Json", "as_json"]

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None

_ROWS = (
    Activities,
    CancelOutcomes,
    CloseOutcomes,
    Executions,
    JournalIntents,
    Orders,
    Positions,
    StoredSeries,
    Trades,
    Watchers,
    Bars,
)


_PLAIN = frozenset({str, bool, int, type(None)})

_INNER_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


@singledispatch
def as_json(value: object) -> Json:
    """Give ``value`` as what `json.dumps` takes. Raises TypeError for what has no form."""
    if isinstance(value, _ROWS):
        return [as_json(row) for row in value.rows]
    if is_dataclass(value) and not isinstance(value, type):
        found: dict[str, Json] = {}
        for name in _names(type(value)):
            cell = getattr(value, name)
            # most cells are what they are; a list of fills takes two thirds of the time so
            found[name] = cell if type(cell) in _PLAIN else as_json(cell)
        return found
    raise TypeError(f"{type(value).__name__} has no JSON form")


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


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
def _of_history(value: HistoryVerified) -> Json:
    return as_json(value.verified)


@as_json.register
def _of_verdict(value: Verdict) -> Json:
    return {"seed": value.seed, "holds": value.holds, "checks": as_json(list(value.checks))}


@as_json.register
def _of_day(value: date) -> Json:
    return value.isoformat()


@as_json.register
def _of_answer(value: Answered) -> Json:
    return {
        "intent": value.intent,
        "utcTimestamp": as_json(value.at),
        "dry_run": value.dry_run,
        "signature": value.signature,
        "is_done": value.is_done,
        "is_repeated": value.is_repeated,
        "result": as_json(value.result),
    }


@as_json.register
def _of_activity(value: KeptActivity) -> Json:
    began, ended = value.began, value.ended
    return {
        "activity_id": began.activity_id,
        "intent": began.routine,
        "signature": began.signature,
        "parameters": json.loads(began.parameters),
        "trading_mode": began.trading_mode,
        "configuration": json.loads(began.configuration),
        "caller": began.caller,
        "dry_run": began.is_dry_run,
        "request_key": began.request_key,
        "began": as_json(began.at),
        "ended": as_json(None if ended is None else ended.at),
        "outcome": value.word,
        "error": None if ended is None else ended.error or None,
        "ib_code": None if ended is None else ended.error_code,
    }


@as_json.register
def _of_breakout_preview(value: BreakoutPreview) -> Json:
    # how it would be armed is the desk's own affair
    shown = (field.name for field in fields(value) if field.name != "spec")
    return {name: as_json(getattr(value, name)) for name in shown}


@as_json.register
def _of_day_of_trades(value: TradeReconciliation) -> Json:
    return {
        "realized_pnl": as_json(value.realized_pnl),
        "intents": as_json(value.intents),
        "unmatched": as_json(value.unmatched),
        "written": as_json([each.exec_id for each in value.missing]),
        "commissions_written": as_json([each.exec_id for each in value.commissions]),
    }


@as_json.register(tuple)
@as_json.register(list)
@as_json.register(frozenset)
def _of_sequence(value: tuple[object, ...] | list[object] | frozenset[object]) -> Json:
    return [as_json(each) for each in value]


@as_json.register(Mapping)
def _of_mapping(value: Mapping[str, object]) -> Json:
    return {str(name): as_json(each) for name, each in value.items()}


@as_json.register
def _of_load(value: LoadReport) -> Json:
    return {
        "bars": value.bars,
        "took_s": round(value.took_s, 3),
        "is_complete": value.is_complete,
        "is_cut_short": value.is_cut_short,
        "series": [_of_loaded(each) for each in value.rows],
    }


def _of_loaded(row: Loaded) -> Json:
    series = row.series
    return {
        "symbol": series.symbol,
        "con_id": series.con_id,
        "what": series.what.value,
        "bar_seconds": series.bar_seconds,
        "regular_hours": series.regular_hours,
        "start": as_json(row.span.start),
        "end": as_json(row.span.end),
        "requests": row.requests,
        "bars": row.bars,
        "there_s": as_json(row.there),
        "came_s": as_json(row.came),
        "missing_s": as_json(row.missing),
        "holes": [{"start": as_json(each.start), "end": as_json(each.end)} for each in row.holes],
        "error": None if row.error is None else _of_error(row.error),
    }


def _of_error(error: DeskError) -> Json:
    return {name: as_json(each) for name, each in error_as_json(error)["error"].items()}
