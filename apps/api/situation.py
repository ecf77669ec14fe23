"""What is always in view: the mode, the link, the age of what is known, the watchers, the P&L.

Read at every prompt and every redraw of the toolbar, so nothing here asks the broker.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from apps.api.config import Settings
from apps.domain.link import Link, LinkState
from apps.domain.market_data_type import MarketDataType

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
        """Give the prompt: the mode, the link where it is not ready, trading where it is halted."""
        desk = self.desk
        if desk is None:
            return f"{self.mode}> "
        troubles = [] if self.is_linked else [desk.link.state.value]
        troubles += [] if desk.trading.is_active else [desk.trading.state.value]
        troubles += [] if self._settings.trading_enabled else ["trading off"]
        return f"{self.mode} ({', '.join(troubles)})> " if troubles else f"{self.mode}> "

    def title(self) -> str:
        """Give the title of the window."""
        desk = self.desk
        if desk is None:
            return self.mode
        count = self._running(desk)
        watchers = "1 watcher" if count == 1 else f"{count} watchers"
        return f"{self.mode} {desk.account_name} | {desk.link.state.value} | {watchers}"

    @property
    def is_linked(self) -> bool:
        """The link to the broker is ready, as far as is known."""
        return self.desk is None or self.desk.link.state is LinkState.READY

    def toolbar(self) -> Sequence[tuple[str, str]]:
        """Give the toolbar as (style, text) pairs."""
        parts = [(self._settings.trading_mode, f" {self.mode} ")]
        desk = self.desk
        if desk is None:
            return parts
        ready = self.is_linked
        parts.append(("", f" {desk.account_name} "))
        is_expected = desk.link.expected_until is not None
        parts.append(("" if ready or is_expected else "bad", f"│ {_link_words(desk.link)} "))
        if not desk.trading.is_active:
            parts.append(("bad", f"│ {desk.trading.state.value.upper()} "))
        if not self._settings.trading_enabled:
            parts.append(("bad", "│ TRADING OFF "))
        if (kind := self._settings.market_data_type) is not MarketDataType.LIVE:
            parts.append(("bad", f"│ {kind.value} data "))
        running = self._running(desk)
        age_s = desk.bar_age_s()
        if running and age_s is not None:
            parts.append(("bad" if age_s > _STALE_S else "", f"│ bars {age_s:.0f} s old "))
        parts.append(("", f"│ watchers {running} "))
        pnl = desk.day_pnl()
        parts.append(("", "│ P&L unknown " if pnl is None else f"│ P&L {pnl:+,.2f} "))
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
    def _running(desk: Desk) -> int:
        return sum(not watcher.end_reason for watcher in desk.watchers())


def _link_words(link: Link) -> str:
    """Give the state, with the farms that are down, and whether it is the nightly restart."""
    words: str = link.state.value
    if link.state is LinkState.FARM_DOWN:
        words = f"{', '.join(str(farm) for farm in link.farms_down)} down"
    is_quiet = link.state is LinkState.READY or link.expected_until is None
    return words if is_quiet else f"{words} (nightly restart)"
