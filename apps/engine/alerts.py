"""What the desk tells the trader as it happens: one line each, from one place.

Here is only the value and where it is handed to; how it is shown (bell, colour, above the
prompt or as JSON) is the edge's. A sink is called synchronously and must return at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

__all__ = ["Alert", "AlertKind", "AlertSink"]


class AlertKind(Enum):
    """What an alert is about; the value is the word that is shown."""

    INFO = "info"
    TRIGGER = "trigger"
    FALSE_BREAK = "false break"
    ORDER = "order"
    FILL = "fill"
    CLOSED = "closed"
    WARNING = "warning"
    LINK = "link"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Alert:
    """One line for the trader.

    ``at`` is market time (aware UTC) or None where the broker's clock is not known yet.
    ``symbol``, ``watcher_id`` and ``order_ref`` (of an intent) are empty where the alert belongs
    to none.
    """

    kind: AlertKind
    text: str
    at: datetime | None = None
    symbol: str = ""
    watcher_id: str = ""
    order_ref: str = ""


AlertSink = Callable[[Alert], None]
"""Where alerts go."""
