"""`trade-reconciliation`: see `apps.engine.routines.trade_reconciliation`."""

from __future__ import annotations

from apps.api.routine_command import routine_command
from apps.engine.routines.trade_reconciliation import TRADE_RECONCILIATION

__all__ = ["entry"]

entry = routine_command(TRADE_RECONCILIATION)
