"""How many messages a second a client may send, and what happens to one that sends more.

Pure: this machine's seconds come in. They are counted in windows of one second, the first of which
begins with the first message; IB does not say how it counts.
"""

from __future__ import annotations

__all__ = ["MessageRate"]

_WINDOW_S = 1.0
_MOST_BREACHES = 3


class MessageRate:
    """The messages of one client; ``most`` a second, None for no limit.

    >>> rate = MessageRate(2)
    >>> [rate.admit(at_s) for at_s in (0.0, 0.1, 0.2, 1.0)]
    [True, True, False, True]
    >>> rate.breaches
    1
    """

    def __init__(self, most: int | None) -> None:
        self.most = most
        self.received = 0
        """Messages in the current second, those included that were too many."""
        self.breaches = 0
        """Seconds in which there were too many."""
        self._opened_s = float("-inf")

    def admit(self, at_s: float) -> bool:
        """Count a message; False when it is one too many."""
        self._look(at_s)
        self.received += 1
        if self.most is None or self.received <= self.most:
            return True
        self.breaches += self.received == self.most + 1
        return False

    def wait_s(self, at_s: float) -> float:
        """Give how long the next message must wait, 0 if it need not; nothing is counted."""
        self._look(at_s)
        if self.most is None or self.received < self.most:
            return 0.0
        return self._opened_s + _WINDOW_S - at_s

    @property
    def is_unbearable(self) -> bool:
        """The session is to end: it was the third time."""
        return self.breaches >= _MOST_BREACHES

    @property
    def refusal(self) -> str:
        """IB's text of error 100."""
        return (
            f"Max rate of messages per second has been exceeded:max={self.most} "
            f"rec={self.received} ({self.breaches})"
        )

    def _look(self, at_s: float) -> None:
        if at_s - self._opened_s >= _WINDOW_S:
            self._opened_s = at_s
            self.received = 0
