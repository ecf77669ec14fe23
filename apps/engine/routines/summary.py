"""summary: the account at a glance, everything asked for at the same time."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from apps.engine.routines.routine import Grounds, Routine
from apps.engine.together import all_done

if TYPE_CHECKING:
    from apps.domain.account import AccountSummary
    from apps.domain.orders import Fill, OrderState
    from apps.domain.trading_state import Trading
    from apps.engine.portfolio import PositionView

__all__ = ["SUMMARY", "Summary", "SummaryRequest"]


@dataclass(frozen=True, slots=True)
class SummaryRequest:
    """Nothing has to be said."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The account: balances, holdings, working orders, the day's executions.

    ``day_pnl`` is the desk's own result since the session began, fees included; None is unknown.
    ``link`` is the link's state, ``watchers`` how many run.
    """

    account: AccountSummary
    positions: tuple[PositionView, ...]
    orders: tuple[OrderState, ...]
    executions: tuple[Fill, ...]
    day_pnl: Decimal | None
    trading: Trading
    link: str
    watchers: int


async def _run(grounds: Grounds, _request: SummaryRequest) -> Summary:
    desk = grounds.desk
    account, (positions, orders), executions = await all_done(
        desk.account(), desk.holdings(), desk.executions()
    )
    return Summary(
        account=account,
        positions=positions,
        orders=orders,
        executions=executions,
        day_pnl=desk.day_pnl(),
        trading=desk.trading,
        link=desk.link.state.value,
        watchers=sum(not each.phase.is_over for each in desk.watchers()),
    )


SUMMARY = Routine(
    name="summary",
    meaning="The account at a glance: balances, positions, orders, fills, P&L.",
    explanation="Show balances, positions with their protection, working orders and the day's "
    "fills, all asked for at the same time.",
    request=SummaryRequest,
    run=_run,
    examples=("summary", "summary --json"),
    is_logged=False,
    deadline_s=20.0,
)
