"""What commands come to, before anybody shows it.

A reply carries a value; `apps.api.views.render` knows what each kind of value looks like and
`apps.api.views.as_json` its JSON form. Kept free of rich, and of what only its types are from, so
that the command tree stays light.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from apps.api.outcomes import ExitCode
from apps.domain.trading_state import ACTIVE, Trading

if TYPE_CHECKING:
    from apps.domain.account import AccountSummary
    from apps.domain.activities import KeptActivity
    from apps.domain.bars import Bar
    from apps.domain.link import Link, LossCause
    from apps.domain.orders import Fill, OrderState
    from apps.domain.records import WatcherSeen
    from apps.domain.risk_limits import RiskLimits
    from apps.engine.breakout_watcher import WatcherView
    from apps.engine.exits.exit_routine import CloseOutcome
    from apps.engine.loop_watch import StallLog
    from apps.engine.orders.cancellations import CancelOutcome
    from apps.engine.orders.trade_views import TradeView
    from apps.engine.portfolio import PositionView
    from apps.store.history.store import Stored
    from apps.store.history.verification import Verified
    from apps.store.journal.reading import Entry, WrittenIntent

__all__ = [
    "Account",
    "Activities",
    "Bars",
    "CancelOutcomes",
    "Check",
    "CloseOutcomes",
    "Executions",
    "HistoryVerified",
    "HttpReport",
    "IntentStory",
    "JournalIntents",
    "LinkReport",
    "LiveOpening",
    "MarketTime",
    "Note",
    "Orders",
    "Positions",
    "Reply",
    "StoredSeries",
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
class StoredSeries:
    """The series that are kept, by symbol and bar size."""

    rows: Sequence[Stored]


@dataclass(frozen=True, slots=True)
class HistoryVerified:
    """What was found wrong with the bars that are kept."""

    verified: Verified


@dataclass(frozen=True, slots=True)
class MarketTime:
    """The market's time after a wait; None where it is not known."""

    at: datetime | None


@dataclass(frozen=True, slots=True)
class LinkReport:
    """How the link stands: ``epoch`` counts its losses; ``cause`` and ``lost`` are the last one's.

    ``restart_until`` is the end of the broker's restart window while that runs, ``bar_age_s`` the
    seconds since any bar, None before the first. ``stalls`` is how often the desk's own loop was
    held up, ``worst_stall`` by what, the time that it was worst.
    """

    state: str
    reason: str
    epoch: int
    cause: LossCause | None
    lost: Sequence[str]
    farms_down: Sequence[str]
    takes_orders: bool
    takes_openings: bool
    restart_until: datetime | None
    bar_age_s: float | None
    stalls: int = 0
    worst_stall: str = ""

    @classmethod
    def of(cls, link: Link, bar_age_s: float | None, stalls: StallLog | None = None) -> LinkReport:
        """Give the report of ``link``, and how often the desk itself was held up."""
        loss = link.loss
        return cls(
            state=link.state.value,
            reason=link.reason,
            epoch=link.epoch,
            cause=loss.cause if loss else None,
            lost=sorted(each.value for each in loss.lost) if loss else (),
            farms_down=[str(farm) for farm in link.farms_down],
            takes_orders=link.takes_orders,
            takes_openings=link.takes_openings,
            restart_until=link.expected_until,
            bar_age_s=bar_age_s,
            stalls=0 if stalls is None else stalls.count,
            worst_stall=stalls.worst.extent if stalls is not None and stalls.worst else "",
        )


@dataclass(frozen=True, slots=True)
class HttpReport:
    """Where the desk is served over HTTP; an empty ``address`` is nowhere.

    ``token`` is the file that holds it, ``trading`` whether calls may trade, ``listeners`` how many
    listen to events.
    """

    address: str = ""
    token: str = ""
    trading: str = ""
    listeners: int = 0


@dataclass(frozen=True, slots=True)
class Watchers:
    """Breakout watchers, in the order in which they were armed."""

    rows: Sequence[WatcherView]


@dataclass(frozen=True, slots=True)
class Trades:
    """Brackets of this session."""

    rows: Sequence[TradeView]


@dataclass(frozen=True, slots=True)
class Account:
    """Balances, and whether entries are let through."""

    summary: AccountSummary
    trading: Trading = ACTIVE


@dataclass(frozen=True, slots=True)
class LiveOpening:
    """What is about to be opened live: the account as the broker gives it, and what holds there.

    ``guard_is_on``: stops that are lost are replaced. ``watchers`` are those that come back;
    ``trading`` is what an earlier session left.
    """

    account: str
    endpoint: str
    summary: AccountSummary
    limits: RiskLimits
    guard_is_on: bool = True
    session_end: str = ""
    watchers: Sequence[WatcherSeen] = ()
    trading: Trading = ACTIVE


@dataclass(frozen=True, slots=True)
class Positions:
    """Holdings with their protection, and whether entries are let through."""

    rows: Sequence[PositionView]
    trading: Trading = ACTIVE


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
class JournalIntents:
    """Intents of the journal, oldest first, each with what became of it."""

    rows: Sequence[WrittenIntent]


@dataclass(frozen=True, slots=True)
class Activities:
    """Runs of routines, oldest first."""

    rows: Sequence[KeptActivity]


@dataclass(frozen=True, slots=True)
class IntentStory:
    """Everything that was written down of one intent, in order."""

    intent: WrittenIntent
    entries: Sequence[Entry]


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
