"""`collect-market-data`: see `apps.engine.routines.collect_market_data`."""

from __future__ import annotations

from apps.api.routine_command import routine_command
from apps.engine.routines.collect_market_data import COLLECT_MARKET_DATA

__all__ = ["entry"]

entry = routine_command(COLLECT_MARKET_DATA)
