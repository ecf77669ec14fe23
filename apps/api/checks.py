"""What of a command can be judged without a broker: a line that cannot be is refused at once.

For single commands, before anything is opened: a quantity that is no number needs no connection
to be refused. The same parsers read the line again when it is previewed; nothing is decided here.
"""

from __future__ import annotations

from functools import singledispatch

from apps.api.commands.bracket import SendBracket
from apps.api.commands.breakout import StartBreakout
from apps.domain.aggregation import parse_bar_size
from apps.domain.brackets import parse_entry_style, parse_exit_pct
from apps.domain.breakout import parse_on_false_break
from apps.domain.errors import InvalidInput
from apps.domain.levels import LevelSpec, parse_direction
from apps.domain.numerals import parse_number
from apps.domain.orders import Side
from apps.domain.sizing import parse_quantity

__all__ = ["check"]


@singledispatch
def check(command: object) -> None:
    """Raise InvalidInput for a value of ``command`` that no market could make good."""


@check.register
def _(command: StartBreakout) -> None:
    request = command.request
    if request.level:
        LevelSpec.parse(request.level)
    if request.direction is not None:
        parse_direction(request.direction)
    if request.bar is not None:
        parse_bar_size(request.bar)
    if request.on_false_break is not None:
        parse_on_false_break(request.on_false_break)
    if request.entry is not None:
        parse_entry_style(request.entry)
    _check_trade(request.quantity, request.take_profit, request.stop_loss)


@check.register
def _(command: SendBracket) -> None:
    side = command.side
    if side is not None and side.upper() not in Side.__members__:
        raise InvalidInput(f"the side {side!r} is neither buy nor sell.")
    if command.limit is not None:
        parse_number(command.limit, "the limit")
    _check_trade(command.quantity, command.take_profit, command.stop_loss)


def _check_trade(quantity: str | None, take_profit: str | None, stop_loss: str | None) -> None:
    if quantity is not None:
        parse_quantity(quantity)
    if take_profit is not None:
        parse_exit_pct(take_profit, "the take-profit")
    if stop_loss is not None:
        parse_exit_pct(stop_loss, "the stop-loss")
