"""What is said of the guard's doings: one line for each."""

from __future__ import annotations

from apps.domain.exits.guard_steps import (
    CancelExit,
    CloseSymbol,
    Correct,
    GuardAction,
    PlaceStop,
    PlaceTarget,
    Problem,
    Report,
    ResizeExit,
)
from apps.domain.numerals import plain, priced
from apps.engine.alerts import AlertKind

__all__ = ["OFF_WORDS", "said"]

OFF_WORDS = (
    "the guard is off (GUARD=off): a position that loses its stop stays without one until you see "
    "to it yourself"
)

_PROBLEMS = {
    Problem.WAITS_FOR_OPEN: "more can only be done when the regular session is open",
    Problem.SHORT_OF_POSITION: "the account holds less than our trades say: their exits are cut",
    Problem.NOT_CROSSED: "exits have traded more than was entered, but the account's position is "
    "not on the other side: nothing is sent, look at `positions` and `executions`",
    Problem.CORRECTION_FAILED: "what exits have traded too much could not be taken back: look at "
    "`positions`, and close it by hand",
    Problem.STUCK: "closing has failed again and again, and no stop is taken: close it by hand",
}


def said(symbol: str, action: GuardAction) -> tuple[AlertKind, str] | None:
    """Give what the trader is told when ``action`` is done; None for what needs no word."""
    told = _words(symbol, action)
    return None if told is None else (told[0], f"guard: {told[1]}")


def _words(symbol: str, action: GuardAction) -> tuple[AlertKind, str] | None:
    match action:
        case PlaceStop(_, side, quantity, price):
            what = f"{side.value.lower()} {plain(quantity)} {symbol} stop {priced(price)}"
            return AlertKind.WARNING, f"the stop does not work, sent anew: {what}"
        case PlaceTarget(_, side, quantity, price):
            what = f"{side.value.lower()} {plain(quantity)} {symbol} limit {priced(price)}"
            return AlertKind.ORDER, f"the take-profit beside the new stop: {what}"
        case ResizeExit(_, order_id, quantity):
            return AlertKind.ORDER, f"exit {order_id} of {symbol} changed to {plain(quantity)}"
        case CancelExit(_, order_id):
            return AlertKind.ORDER, f"exit {order_id} of {symbol} is cancelled"
        case Correct(_, side, quantity):
            what = f"{side.value.lower()} {plain(quantity)} {symbol} at the market"
            return AlertKind.ERROR, f"exits have traded too much, taken back: {what}"
        case CloseSymbol(reason):
            return AlertKind.ERROR, f"{reason}: {symbol} is closed by the exit routine"
        case Report(problem):
            return AlertKind.ERROR, f"{symbol}: {_PROBLEMS[problem]}"
        case _:
            return None
