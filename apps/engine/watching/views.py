"""What a watcher was armed with, and how it looks from outside: values, and nothing that runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum

from apps.domain.brackets import EntryStyle, plan_breakout_entry
from apps.domain.breakout import BreakoutRule, OnFalseBreak, Phase
from apps.domain.instruments import Instrument
from apps.domain.levels import Direction
from apps.domain.watching.terms import WatcherState, WatcherTerms
from apps.engine.orders.execution import EntryIntent
from apps.engine.orders.trade_views import TradeView

__all__ = ["Readiness", "WatcherSpec", "WatcherView", "absent"]


class Readiness(Enum):
    """Whether a watcher can do its work; the value is shown."""

    STARTING = "starting"
    RESTARTING = "restarting"
    """It failed, and is begun anew after a pause."""
    READY = "ready"
    BLIND = "blind"
    """No bars come: the link or the subscription is lost."""
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class WatcherSpec:
    """What one watcher watches for, and what it enters with; percentages are of the reference."""

    instrument: Instrument
    rule: BreakoutRule
    quantity: Decimal
    take_profit_pct: Decimal | None
    stop_loss_pct: Decimal | None
    entry: EntryStyle = EntryStyle.CAPPED

    @classmethod
    def of(cls, terms: WatcherTerms, instrument: Instrument) -> WatcherSpec:
        """Give what ``terms`` come to on the instrument as it is today."""
        return cls(
            instrument=instrument,
            rule=terms.on(instrument.ticks),
            quantity=terms.quantity,
            take_profit_pct=terms.take_profit_pct,
            stop_loss_pct=terms.stop_loss_pct,
            entry=terms.entry,
        )

    @property
    def terms(self) -> WatcherTerms:
        """What of it outlives the desk."""
        return WatcherTerms(
            con_id=self.instrument.con_id,
            symbol=self.instrument.symbol,
            primary_exchange=self.instrument.primary_exchange,
            rule=self.rule,
            quantity=self.quantity,
            take_profit_pct=self.take_profit_pct,
            stop_loss_pct=self.stop_loss_pct,
            entry=self.entry,
        )

    def intent(self, reference: Decimal, extreme: Decimal, *, label: str) -> EntryIntent:
        """Give what is entered at ``reference``, where the deciding bar went to ``extreme``."""
        side, ticks = self.rule.direction.entry_side, self.instrument.ticks
        return EntryIntent(
            instrument=self.instrument,
            side=side,
            quantity=self.quantity,
            reference=reference,
            take_profit_pct=self.take_profit_pct,
            stop_loss_pct=self.stop_loss_pct,
            label=label,
            plan=plan_breakout_entry(self.entry, side, reference, extreme, ticks),
        )


@dataclass(frozen=True, slots=True)
class WatcherView:
    """A watcher as it stands, for lists.

    ``last_bar_at`` is the market time at which the last 5-second bar ended (aware UTC),
    ``distance`` what is missing to the level, negative once the price is beyond, and
    ``distance_pct`` the same in percent of the last close. ``end_reason`` is empty while it runs.
    ``blind_reason`` says why a blind one is, ``bars_in_s`` in how many seconds of this machine its
    turn comes to subscribe again, None where it waits for no turn.
    """

    id: str
    symbol: str
    direction: Direction
    level: Decimal
    bar_seconds: int
    on_false_break: OnFalseBreak
    quantity: Decimal
    phase: Phase
    readiness: Readiness
    last_close: Decimal | None
    last_bar_at: datetime | None
    distance: Decimal | None
    distance_pct: Decimal | None
    trade: TradeView | None
    end_reason: str
    failed: bool
    blind_reason: str = ""
    bars_in_s: float | None = None


def absent(
    watcher_id: str, terms: WatcherTerms, state: WatcherState, *, end_reason: str, failed: bool
) -> WatcherView:
    """Give a watcher of the journal whose instrument is still asked for, or was not found."""
    rule = terms.rule
    return WatcherView(
        id=watcher_id,
        symbol=terms.symbol,
        direction=rule.direction,
        level=rule.level,
        bar_seconds=rule.bar_seconds,
        on_false_break=rule.on_false_break,
        quantity=terms.quantity,
        phase=state.rule.phase,
        readiness=Readiness.ENDED if end_reason else Readiness.STARTING,
        last_close=None,
        last_bar_at=state.heard_until,
        distance=None,
        distance_pct=None,
        trade=None,
        end_reason=end_reason,
        failed=failed,
    )
