"""`cash-balancer`: see `apps.engine.routines.cash_balancer`."""

from __future__ import annotations

from apps.api.routine_command import routine_command
from apps.engine.routines.cash_balancer import CASH_BALANCER

__all__ = ["entry"]

entry = routine_command(CASH_BALANCER)
