"""Routines as operations: every one of the catalogue, by GET and by POST.

GET is safe: of a routine that trades it is the dry run, always.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal

from apps.api.config import Settings
from apps.api.http.operations import REPLAYED, Call, Operation, Outcome
from apps.api.session import Session
from apps.domain.errors import BadRequest, TradingDisabled
from apps.engine.routines.catalogue import ROUTINES
from apps.engine.routines.parameters import (
    Parameter,
    number,
    parameter,
    parameters_of,
    parsed,
    switch,
)
from apps.engine.routines.routine import AnyRoutine
from apps.engine.routines.runner import Answered, Asked

__all__ = ["asked_of", "manner_parameters", "ran", "routine_operations"]


@dataclass(frozen=True, slots=True)
class _Manner:
    """How a routine is to be run, its own parameters apart."""

    dry_run: bool = parameter("Show what would be done; send nothing.", switch(), default=False)
    deadline_s: Decimal | None = parameter(
        "How many seconds it may take.", number("0", "86400"), default=None
    )


_MANNER = {each.name for each in fields(_Manner)}


def routine_operations(
    session: Session, routines: tuple[AnyRoutine, ...] = ROUTINES
) -> tuple[Operation, ...]:
    """Give two operations of each routine."""
    return tuple(each for routine in routines for each in _both(session, routine))


def _both(session: Session, routine: AnyRoutine) -> tuple[Operation, Operation]:
    example = _example(routine)
    post = Operation(
        "POST",
        f"/{routine.name}",
        f"run_{routine.name.replace('-', '_')}",
        routine.meaning,
        routine.explanation,
        _act(session, routine, is_safe=False),
        parameters=(*routine.parameters, *manner_parameters(routine)),
        takes_body=True,
        takes_key=routine.trades,
        goes_on=routine.trades,
        is_shared=not (routine.trades or routine.is_logged),
        answers=Answered,
        also=(409, 423, 504) if routine.trades else (504,),
        example=example,
    )
    get = replace(
        post,
        method="GET",
        name=f"{'try' if routine.trades else 'get'}_{routine.name.replace('-', '_')}",
        meaning=f"The dry run: {routine.meaning}" if routine.trades else routine.meaning,
        act=_act(session, routine, is_safe=True),
        parameters=(
            *(each for each in routine.parameters if each.name not in routine.deciding),
            *manner_parameters(routine, is_safe=True),
        ),
        takes_body=False,
        takes_key=False,
        goes_on=False,
    )
    return get, post


def _check_trading(settings: Settings) -> None:
    """Raise TradingDisabled where calls over HTTP may not trade."""
    if settings.http_trading not in (settings.trading_mode, "live"):
        raise TradingDisabled(
            f"HTTP_TRADING is {settings.http_trading} and TRADING_MODE {settings.trading_mode}: "
            "nothing was sent. A dry run and reading are possible; to trade over HTTP set "
            f"HTTP_TRADING={settings.trading_mode}, and start the desk again."
        )


def manner_parameters(routine: AnyRoutine, *, is_safe: bool = False) -> tuple[Parameter, ...]:
    """Give what may be said of how ``routine`` is run, by a method that ``is_safe`` or not."""
    is_choice = routine.trades and not is_safe
    return tuple(each for each in parameters_of(_Manner) if is_choice or each.name != "dry_run")


def _example(routine: AnyRoutine) -> Mapping[str, object]:
    return {"dry_run": True} if routine.trades else {}


def _act(
    session: Session, routine: AnyRoutine, *, is_safe: bool
) -> Callable[[Call], Awaitable[Outcome]]:
    async def act(call: Call) -> Outcome:
        values, asked = asked_of(routine, call)
        if is_safe:
            _check_safe(routine, call)
            asked = replace(asked, dry_run=routine.trades)
        return await ran(session, routine, values, asked)

    return act


def _check_safe(routine: AnyRoutine, call: Call) -> None:
    """Raise BadRequest for what a method that only looks may not be asked."""
    problems = {
        name: "is for POST: GET changes nothing" for name in call.values if name in routine.deciding
    }
    is_dry = str(call.values.get("dry_run", "true")).lower() in ("true", "on", "1")
    if routine.trades and not is_dry:
        problems["dry_run"] = "is always true of GET; POST sends orders"
    if problems:
        raise BadRequest(problems)


def asked_of(routine: AnyRoutine, call: Call) -> tuple[dict[str, object], Asked]:
    """Give the routine's own values, and how it is to be run. Raises BadRequest.

    All that is wrong is told at once.
    """
    own = {name: value for name, value in call.values.items() if name not in _MANNER}
    try:
        manner = parsed(
            _Manner, {name: value for name, value in call.values.items() if name in _MANNER}
        )
    except BadRequest as error:
        try:
            routine.asked(own)
        except BadRequest as more:
            raise BadRequest({**more.problems, **error.problems}) from None
        raise
    limit_s = None if manner.deadline_s is None else float(manner.deadline_s)
    return own, Asked(manner.dry_run, limit_s, call.request_key, caller="http")


async def ran(
    session: Session, routine: AnyRoutine, values: Mapping[str, object], asked: Asked
) -> Outcome:
    """Run a routine for a caller over HTTP. Raises what the runner does, and TradingDisabled."""
    if routine.trades and not asked.dry_run:
        routine.asked(values)  # what cannot be is told before what may not be
        _check_trading(session.settings)
    answered = await session.routines.run(routine, values, asked)
    headers = {REPLAYED: "true"} if answered.is_repeated else {}
    return Outcome(answered, headers=headers)
