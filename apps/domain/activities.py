"""Activities: what the journal keeps of each run of a routine.

Two records for each, by its ``activity_id``: that it begins, before anything is done, and what it
came to. One with a beginning and no end was cut off: what it did stands with the orders.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

__all__ = ["ActivityBegan", "ActivityEnded", "ActivityOutcome", "KeptActivity"]


class ActivityOutcome(Enum):
    """How a run ended; the value is shown."""

    DONE = "done"
    LOOK = "done, look at it"
    """It ran to its end, and found or left something that the trader has to look at."""
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class ActivityBegan:
    """A routine is about to run.

    ``signature`` names routine, parameters and revision; ``parameters`` and ``configuration`` are
    JSON text, the latter without secrets. ``caller`` is where it was asked from. ``request_key``
    is what the caller names the request by, or empty.
    """

    activity_id: str
    routine: str
    signature: str
    parameters: str
    trading_mode: str
    configuration: str
    caller: str
    is_dry_run: bool
    request_key: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class ActivityEnded:
    """A routine has ended. ``answer`` is what it gave, as JSON text, where that is kept.

    ``error`` is empty for one that did not fail; ``error_code`` is IB's, where there is one.
    """

    activity_id: str
    outcome: ActivityOutcome
    error: str
    error_code: int | None
    answer: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class KeptActivity:
    """A run as the journal has it; ``ended`` is None for one that runs, or was cut off."""

    began: ActivityBegan
    ended: ActivityEnded | None

    @property
    def word(self) -> str:
        """How it ended, in a word or two."""
        return "runs, or was cut off" if self.ended is None else self.ended.outcome.value
