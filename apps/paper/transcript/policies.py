"""What may be chosen of a replay."""

from __future__ import annotations

from enum import Enum

__all__ = ["OnDifference"]


class OnDifference(Enum):
    """What becomes of a request that is not the recorded one. It is reported in any case."""

    ERROR = "error"
    """It is answered by an error, and the recorded one is still expected."""
    END = "end"
    """The connection ends."""
    GO_ON = "go on"
    """It is taken for the recorded one."""
