"""Which commands trade, and the one word that refuses them all: `TRADING_ENABLED=off`.

A single command is refused before anything is opened, a line of a session before it asks anything;
below that the desk itself is read-only, down to the one place that sends.
"""

from __future__ import annotations

from apps.api.commands.bracket import SendBracket
from apps.api.commands.breakout import StartBreakout
from apps.api.commands.cancel import CancelOrders
from apps.api.commands.close import ClosePositions
from apps.api.commands.halt import HaltTrading
from apps.api.config import Settings
from apps.api.routine_command import RunRoutine
from apps.domain.trading_mode import check_enabled

__all__ = ["check_trading", "may_trade"]

_TRADING = (SendBracket, StartBreakout, CancelOrders, ClosePositions, HaltTrading)
"""The commands that may send, change or cancel an order, beside routines that say so of themselves;
every other is read-only by itself."""


def may_trade(command: object) -> bool:
    """Tell whether ``command`` may send, change or cancel an order."""
    return isinstance(command, _TRADING) or (isinstance(command, RunRoutine) and command.trades)


def check_trading(command: object, settings: Settings) -> None:
    """Raise TradingDisabled for a command that may trade while that is switched off.

    A halt is taken all the same: a desk that runs with other settings obeys it, and without one it
    is kept for the next start.
    """
    if may_trade(command) and not isinstance(command, HaltTrading):
        check_enabled(settings.trading_enabled)
