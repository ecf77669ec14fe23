"""What is always in view: the mode, the link, the age of what is known, the watchers, the P&L.

Read at every prompt and every redraw of the toolbar, so nothing here asks the broker.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from apps.api.config import Settings
from apps.engine.ports import LinkState

if TYPE_CHECKING:
    from apps.engine.desk import Desk

__all__ = ["Situation"]

_STALE_S = 15.0
"""Three bars missed: what is shown may no longer be so."""


class Situation:
    """The desk as it stands, in the words of prompt and toolbar. ``desk`` is None until joined."""

    def __init__(self, settings: Settings) -> None:
        self.desk: Desk | None = None
        self._settings = settings

    @property
    def mode(self) -> str:
        """The account mode, as it is shown."""
        return self._settings.trading_mode.upper()

    def prompt(self) -> str:
        """Give the prompt: the mode, and the link where it is not ready."""
        if self.desk is None or self.desk.link.state is LinkState.READY:
            return f"{self.mode}> "
        return f"{self.mode} ({self.desk.link.state.value})> "

    def toolbar(self) -> Sequence[tuple[str, str]]:
        """Give the toolbar as (style, text) pairs."""
        parts = [(self._settings.trading_mode, f" {self.mode} ")]
        desk = self.desk
        if desk is None:
            return parts
        ready = desk.link.state is LinkState.READY
        parts.append(("", f" {desk.account_name} "))
        parts.append(("" if ready else "bad", f"│ {desk.link.state.value} "))
        running = sum(not watcher.end_reason for watcher in desk.watchers())
        age_s = desk.bar_age_s()
        if running and age_s is not None:
            parts.append(("bad" if age_s > _STALE_S else "", f"│ bars {age_s:.0f} s old "))
        parts.append(("", f"│ watchers {running} "))
        parts.append(("", f"│ P&L {self._realised(desk):+,.2f} "))
        if self._settings.embedded:
            parts.append(("", "│ simulated "))
        return parts

    def symbols(self) -> Sequence[str]:
        """Give the symbols that are worth proposing: those in use, and the default."""
        seen = {self._settings.default_symbol}
        if self.desk is not None:
            seen.update(watcher.symbol for watcher in self.desk.watchers())
            seen.update(trade.symbol for trade in self.desk.trades())
        return sorted(seen)

    @staticmethod
    def _realised(desk: Desk) -> Decimal:
        known = (trade.realized_pnl for trade in desk.trades())
        return sum((pnl for pnl in known if pnl is not None), Decimal(0))
