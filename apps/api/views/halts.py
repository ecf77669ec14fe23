"""Trading that is not active, in red, and what a halt came to."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from apps.api.replies import Account, CancelOutcomes, CloseOutcomes, Positions
from apps.api.views import market, tables
from apps.domain.trading_state import Trading
from apps.engine.risk.kill_switch import HaltOutcome

__all__ = ["account", "halted", "outcome", "positions"]


def halted(trading: Trading) -> Text:
    """Say that entries are not let through, and what takes that back."""
    return Text(f"Trading is {trading.words}. {trading.way_on}", "bold red")


def outcome(reply: HaltOutcome) -> RenderableType:
    """Show the state after a halt, and what became of entries and positions."""
    parts: list[RenderableType] = [halted(reply.trading)]
    if reply.withdrawn:
        parts.append(tables.cancellations(CancelOutcomes(reply.withdrawn)))
    if reply.closed:
        parts.append(tables.closings(CloseOutcomes(reply.closed)))
    return Group(*parts)


def account(reply: Account) -> RenderableType:
    """Show the balances."""
    return _under(reply.trading, market.account(reply.summary))


def positions(reply: Positions) -> RenderableType:
    """Show holdings."""
    return _under(reply.trading, tables.positions(reply))


def _under(trading: Trading, shown: RenderableType) -> RenderableType:
    return shown if trading.is_active else Group(halted(trading), shown)
