"""Stretches of market time: see `apps.domain.history.ranges`."""

from apps.domain.history.ranges import EARLIEST, LATEST, exchange_day, exchange_time, history_range

__all__ = ["EARLIEST", "LATEST", "exchange_day", "exchange_time", "history_range"]
