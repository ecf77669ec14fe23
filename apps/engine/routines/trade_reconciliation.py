"""trade-reconciliation: each execution with its intent, order and commission; P&L and slippage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from apps.domain.errors import BadRequest
from apps.domain.history.ranges import EXCHANGE_ZONE, exchange_day, exchange_time
from apps.engine.routines.parameters import day, parameter
from apps.engine.routines.routine import Grounds, Routine

if TYPE_CHECKING:
    from apps.domain.trade_reconciliation import TradeReconciliation

__all__ = ["TRADE_RECONCILIATION", "TradeReconciliationRequest"]


@dataclass(frozen=True, slots=True)
class TradeReconciliationRequest:
    """Which intents: those of ``[since, until]``, days of New York."""

    since: date | None = parameter(
        "The first day, New York's; without it the market's today.", day(), default=None
    )
    until: date | None = parameter(
        "The last day; without it the market's today.", day(), default=None
    )

    def __post_init__(self) -> None:
        if self.since and self.until and self.since > self.until:
            raise BadRequest({"until": f"is {self.until}, before since, {self.since}"})


async def _run(grounds: Grounds, request: TradeReconciliationRequest) -> TradeReconciliation:
    desk = grounds.desk
    today = (await desk.market_time()).astimezone(EXCHANGE_ZONE).date()
    until = request.until or max(today, request.since or today)
    since = request.since or min(today, until)
    return await desk.reconcile_trades(exchange_day(since), exchange_time(str(until), is_end=True))


TRADE_RECONCILIATION = Routine(
    name="trade-reconciliation",
    meaning="Match each execution with its intent, order and commission; P&L and slippage.",
    explanation="List the intents of the day, or of a stretch of days, with what was filled for "
    "them, at what cost against the prices that were wanted, and name what has no other half: an "
    "execution without an intent, one that only the journal or only the broker knows, one whose "
    "commission is not reported. What the broker tells and the journal lacks is written into it, "
    "once, however often this is run.",
    request=TradeReconciliationRequest,
    run=_run,
    examples=(
        "trade-reconciliation",
        "trade-reconciliation --since 2026-11-16 --until 2026-11-20 --json",
    ),
    is_done=lambda result: not result.unmatched,
)
