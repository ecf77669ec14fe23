"""Every routine there is, by name."""

from __future__ import annotations

from apps.domain.errors import NotFound
from apps.engine.routines.allocation import ALLOCATION
from apps.engine.routines.cash_balancer import CASH_BALANCER
from apps.engine.routines.close_all import CLOSE_ALL
from apps.engine.routines.collect_market_data import COLLECT_MARKET_DATA
from apps.engine.routines.reconcile import RECONCILE
from apps.engine.routines.routine import AnyRoutine
from apps.engine.routines.summary import SUMMARY
from apps.engine.routines.trade_reconciliation import TRADE_RECONCILIATION

__all__ = ["ROUTINES", "routine_named"]

ROUTINES: tuple[AnyRoutine, ...] = (
    SUMMARY,
    RECONCILE,
    TRADE_RECONCILIATION,
    ALLOCATION,
    CASH_BALANCER,
    CLOSE_ALL,
    COLLECT_MARKET_DATA,
)
"""In the order in which help lists them."""


def routine_named(name: str) -> AnyRoutine:
    """Give a routine. Raises NotFound."""
    for each in ROUTINES:
        if each.name == name:
            return each
    known = ", ".join(each.name for each in ROUTINES)
    raise NotFound(f"there is no routine {name!r}; there is {known}.")
