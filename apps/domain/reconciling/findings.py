"""What a reconciliation finds: one finding for each order, intent and position, and its verdict."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from apps.domain.orders import OrderState

__all__ = ["Finding", "Verdict"]


class Verdict(Enum):
    """What was found of an order, an intent or a position; the value is shown."""

    AGREES = "agrees"
    ADOPTED = "adopted"
    """The broker knows more than we did; we know it now."""
    DIFFERS = "differs"
    """Broker and journal contradict each other; the trader is asked."""
    FOREIGN = "foreign"
    """Not ours: told, and never touched."""
    UNKNOWN = "unknown"
    """What became of it cannot be told yet, or not by us."""
    NEVER_ACCEPTED = "never accepted"
    NEVER_TRANSMITTED = "never transmitted"
    """An exit whose entry is over unfilled and that the broker does not list."""
    GONE = "gone"
    """Nothing of an intent is left, and how it ended was not told."""
    REBUILT = "rebuilt"
    """Orders of ours that the journal did not know."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found; ``text`` says it, with what to do where that is the trader's.

    ``order_id`` is 0 for what concerns a whole intent or a position. ``state`` is the order as the
    broker tells it, for one that it tells of, with our ids and role restored.
    """

    verdict: Verdict
    symbol: str
    text: str
    order_ref: str = ""
    order_id: int = 0
    state: OrderState | None = None

    @property
    def needs_the_trader(self) -> bool:
        """Nobody but the trader can say what is true here."""
        return self.verdict in (Verdict.DIFFERS, Verdict.UNKNOWN)
