"""How long to wait before the link is tried again: never a storm of attempts.

IB locks out clients that hammer it. The pause doubles with each attempt up to a cap, with
jitter, and begins anew only when a link has lasted: a gateway that accepts and hangs up at once,
turns away with 326 or refuses is all the same here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Backoff"]

_MOST_DOUBLINGS = 16


@dataclass(slots=True)
class Backoff:
    """Pauses between ``first_s`` and ``cap_s``; ``jitter`` gives a number in [0, 1)."""

    first_s: float
    cap_s: float
    jitter: Callable[[], float]
    _attempts: int = 0

    def lasted(self, seconds: float) -> None:
        """Take note that a link was up for so long; one that lasted the cap starts anew."""
        if seconds >= self.cap_s:
            self._attempts = 0

    def next_pause_s(self, *, patiently: bool = False) -> float:
        """Give the next pause, between half of its length and all of it.

        ``patiently`` gives the longest at once: it is known that nobody will be there yet.
        """
        doubled = self.first_s * 2.0 ** min(self._attempts, _MOST_DOUBLINGS)
        self._attempts += 1
        longest = self.cap_s if patiently else min(self.cap_s, doubled)
        return longest * (0.5 + 0.5 * self.jitter())
