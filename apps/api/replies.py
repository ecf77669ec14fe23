"""What commands come to, before anybody shows it.

A reply carries a value; `apps.api.views.render` knows what each kind of value looks like and
`apps.api.views.as_json` its JSON form. Kept free of rich, so that the command tree stays light.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from apps.api.outcomes import ExitCode
from apps.domain.bars import Bar
from apps.domain.orders import Fill, OrderState

if TYPE_CHECKING:
    from apps.engine.breakout_watcher import WatcherView
    from apps.engine.cancellations import CancelOutcome
    from apps.engine.exit_routine import CloseOutcome
    from apps.engine.portfolio import PositionView
    from apps.engine.trades import TradeView

__all__ = [
    "Bars",
    "CancelOutcomes",
    "Check",
    "CloseOutcomes",
    "Executions",
    "MarketTime",
    "Note",
    "Orders",
    "Positions",
    "Reply",
    "Trades",
    "Verdict",
    "Watchers",
]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a command came to. ``value`` None shows nothing; ``quits`` ends the session."""

    value: object = None
    exit_code: ExitCode = ExitCode.DONE
    quits: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence that is the whole result."""

    text: str


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars of one symbol, oldest first; ``csv`` asks for text that another program reads."""

    symbol: str
    seconds: int
    rows: Sequence[Bar]
    csv: bool = False


@dataclass(frozen=True, slots=True)
class MarketTime:
    """The market's time after a wait; None where it is not known."""

    at: datetime | None


@dataclass(frozen=True, slots=True)
class Watchers:
    """Breakout watchers, in the order in which they were armed."""

    rows: Sequence[WatcherView]


@dataclass(frozen=True, slots=True)
class Trades:
    """Brackets of this session."""

    rows: Sequence[TradeView]


@dataclass(frozen=True, slots=True)
class Positions:
    """Holdings with their protection."""

    rows: Sequence[PositionView]


@dataclass(frozen=True, slots=True)
class Orders:
    """Working orders."""

    rows: Sequence[OrderState]


@dataclass(frozen=True, slots=True)
class Executions:
    """The day's executions."""

    rows: Sequence[Fill]

    @property
    def realized_pnl(self) -> Decimal:
        """What they realised, as far as the broker has reported it."""
        known = (fill.realized_pnl for fill in self.rows)
        return sum((pnl for pnl in known if pnl is not None), Decimal(0))


@dataclass(frozen=True, slots=True)
class CancelOutcomes:
    """What became of each cancellation."""

    rows: Sequence[CancelOutcome]


@dataclass(frozen=True, slots=True)
class CloseOutcomes:
    """What became of each closing."""

    rows: Sequence[CloseOutcome]


@dataclass(frozen=True, slots=True)
class Check:
    """One part of the demo's story, whether it happened, and what was found of it."""

    part: str
    holds: bool
    found: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gateway's books say of the demo's story."""

    seed: int
    checks: Sequence[Check]

    @property
    def holds(self) -> bool:
        """All of it happened."""
        return all(check.holds for check in self.checks)
