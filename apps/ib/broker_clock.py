"""The broker's time between two answers of its clock, and whether it restarts about now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from apps.domain.restart_window import RestartWindow, expected_until
from apps.engine.ports import Clock

__all__ = ["BrokerClock"]

STALE_S = 600.0
"""An answer is taken to go on at this machine's pace; after so long it is asked again."""


class BrokerClock:
    """What was last said of the time, and the seconds of this machine since."""

    def __init__(self, clock: Clock, windows: Sequence[RestartWindow]) -> None:
        self._clock = clock
        self._windows = tuple(windows)
        self._said: datetime | None = None
        self._said_s = 0.0

    @property
    def is_stale(self) -> bool:
        """The time is not known, or was asked long ago."""
        return self._said is None or self._clock.monotonic() - self._said_s > STALE_S

    def observe(self, at: datetime) -> None:
        """Take note of an answer (aware UTC)."""
        self._said, self._said_s = at, self._clock.monotonic()

    def restart_expected_until(self) -> datetime | None:
        """Give the end of the restart window that it is now, or None; unknown is no window."""
        if self._said is None:
            return None
        passed = timedelta(seconds=self._clock.monotonic() - self._said_s)
        return expected_until(self._windows, self._said + passed)
