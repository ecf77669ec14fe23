"""Breakout watchers over HTTP: started with what `breakout start` takes, and stopped.

Starting one is run as a routine is: written down, refused where nothing may be traded, and under a
repeated key answered again. It is not in the catalogue, for at the prompt it is `breakout start`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal

from apps.api.http.operations import Call, Operation, Outcome
from apps.api.http.routine_operations import asked_of, manner_parameters, ran
from apps.api.session import Session
from apps.domain.aggregation import parse_bar_size
from apps.domain.brackets import parse_entry_style, parse_exit_pct
from apps.domain.breakout import parse_on_false_break
from apps.domain.levels import LevelSpec, parse_direction
from apps.domain.numerals import plain
from apps.domain.sizing import parse_quantity
from apps.engine.breakout_watcher import WatcherView
from apps.engine.previews import BreakoutPreview
from apps.engine.requests import BreakoutRequest
from apps.engine.routines.parameters import (
    Kind,
    parameter,
    parameters_of,
    parsed,
    switch,
    text,
)
from apps.engine.routines.routine import Grounds, Routine
from apps.engine.routines.runner import Answered

__all__ = ["WATCH", "watching_operations"]

_MOST_LETTERS = 40


def _as_typed(judge: Callable[[str], object], may_hold: str, schema: dict[str, object]) -> Kind:
    """Take what `breakout start` takes, as text or as a number, once ``judge`` agrees."""

    def parse(value: object) -> str:
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise TypeError(value)
        typed = value.strip() if isinstance(value, str) else plain(Decimal(value))
        if not typed or len(typed) > _MOST_LETTERS:
            raise ValueError(value)
        judge(typed)
        return typed

    return Kind(parse, may_hold, schema, "TEXT")


_NUMBER_OR_TEXT: dict[str, object] = {"type": ["number", "string"]}


def _one_of(*words: str) -> dict[str, object]:
    return {"type": "string", "enum": list(words)}


@dataclass(frozen=True, slots=True)
class WatchRequest:
    """What `breakout start` takes."""

    symbol: str = parameter("The symbol.", text("a symbol such as AAPL", "SYMBOL", most=40))
    level: str = parameter(
        "A price, or a percentage of the last price with its sign.",
        _as_typed(LevelSpec.parse, "a price such as 190.50, or +0.05%", _NUMBER_OR_TEXT),
    )
    direction: str | None = parameter(
        "Otherwise a level above the last price is a long.",
        _as_typed(parse_direction, "long or short", _one_of("long", "short")),
        default=None,
    )
    quantity: str | None = parameter(
        "Shares; otherwise DEFAULT_QTY.",
        _as_typed(parse_quantity, "a whole number of shares", _NUMBER_OR_TEXT),
        default=None,
    )
    take_profit: str | None = parameter(
        "Percent of the entry's reference; otherwise DEFAULT_TP_PCT.",
        _as_typed(
            lambda typed: parse_exit_pct(typed, "it"), "a percentage above 0", _NUMBER_OR_TEXT
        ),
        default=None,
    )
    stop_loss: str | None = parameter(
        "Percent of the entry's reference; otherwise DEFAULT_SL_PCT.",
        _as_typed(
            lambda typed: parse_exit_pct(typed, "it"), "a percentage above 0", _NUMBER_OR_TEXT
        ),
        default=None,
    )
    bar: str | None = parameter(
        "The bars that have to close beyond.",
        _as_typed(parse_bar_size, "a bar size such as 5s or 1m", {"type": "string"}),
        default=None,
    )
    on_false_break: str | None = parameter(
        "What a false break leads to.",
        _as_typed(parse_on_false_break, "rearm or stop", _one_of("rearm", "stop")),
        default=None,
    )
    entry: str | None = parameter(
        "How it enters.",
        _as_typed(
            parse_entry_style,
            "capped, limit, mkt or stop",
            _one_of("capped", "limit", "mkt", "stop"),
        ),
        default=None,
    )
    gap_entry: bool = parameter(
        "Let a break count that was not seen to happen.", switch(), default=False
    )


async def _watch(grounds: Grounds, request: WatchRequest) -> WatcherView | BreakoutPreview:
    wanted = BreakoutRequest(
        symbol=request.symbol.upper(),
        level=request.level,
        direction=request.direction,
        quantity=request.quantity,
        take_profit=request.take_profit,
        stop_loss=request.stop_loss,
        bar=request.bar,
        on_false_break=request.on_false_break,
        entry=request.entry,
        gap_entry=request.gap_entry,
    )
    preview = await grounds.desk.preview_breakout(wanted)
    return preview if grounds.dry_run else await grounds.desk.arm(preview)


WATCH = Routine(
    name="watch",
    meaning="Arm a breakout watcher, or see what it would do.",
    explanation="What `breakout start` takes, by the same names. The dry run gives the preview: "
    "the entry's cap, both exits, the money at risk.",
    request=WatchRequest,
    run=_watch,
    examples=(),
    trades=True,
    runs_alone=False,
    deadline_s=20.0,
)


@dataclass(frozen=True, slots=True)
class _Watcher:
    watcher: str = parameter("The id of a watcher, or all.", text("an id such as w1", most=40))


def watching_operations(session: Session) -> tuple[Operation, ...]:
    """Give the operations that start and stop watchers."""
    return (
        Operation(
            "POST",
            "/watchers",
            "start_watcher",
            WATCH.meaning,
            WATCH.explanation,
            _start(session),
            parameters=(*WATCH.parameters, *manner_parameters(WATCH)),
            takes_body=True,
            takes_key=True,
            goes_on=True,
            answers=Answered,
            also=(404, 409, 423, 502, 504),
            example={"symbol": "AAPL", "level": "+0.05%", "quantity": 10, "dry_run": True},
        ),
        Operation(
            "DELETE",
            "/watchers/{watcher}",
            "stop_watcher",
            "Stop one watcher, or all of them, for good.",
            "Orders that were sent already stay. `all` stops every one.",
            _stop(session),
            parameters=parameters_of(_Watcher),
            goes_on=True,
            answers=tuple[WatcherView, ...],
        ),
    )


def _start(session: Session) -> Callable[[Call], Awaitable[Outcome]]:
    async def act(call: Call) -> Outcome:
        values, asked = asked_of(WATCH, call)
        return await ran(session, WATCH, values, asked)

    return act


def _stop(session: Session) -> Callable[[Call], Awaitable[Outcome]]:
    async def act(call: Call) -> Outcome:
        named = parsed(_Watcher, call.values).watcher.lower()
        session.desk.note_command(f"(http) breakout stop {named}")
        return Outcome(await session.desk.stop_watcher(named))

    return act
