"""How often a start tries to connect, and how long it rests in between: pure.

Nobody there is an error at once, unless more attempts were asked for: a gateway may be coming up.
A client id in use is not: TWS frees the id of a program that crashed with a delay, so that is tried
a few times in any case. IB locks out clients that hammer it, so pauses grow. What comes after the
first link is `apps.ib.backoff`'s.
"""

from __future__ import annotations

from dataclasses import dataclass

from apps.domain.errors import ClientIdInUse, ConnectionProblem, DeadlineExceeded, DeskError

__all__ = ["ONCE", "Patience"]


@dataclass(frozen=True, slots=True)
class Patience:
    """At most ``attempts`` where nobody answers, ``id_attempts`` where the client id is in use."""

    attempts: int = 1
    id_attempts: int = 4
    first_pause_s: float = 0.5
    longest_pause_s: float = 30.0

    def pause_s(self, error: DeskError, failures: int) -> float | None:
        """Give the pause after so many failures, of which ``error`` is the last; None to give up.

        >>> [Patience().pause_s(ClientIdInUse(""), failures) for failures in range(1, 5)]
        [0.5, 1.0, 2.0, None]
        """
        if failures >= self._most(error):
            return None
        return min(self.longest_pause_s, self.first_pause_s * 2.0 ** min(failures - 1, 16))

    def _most(self, error: DeskError) -> int:
        if isinstance(error, ClientIdInUse):
            return max(self.attempts, self.id_attempts)
        # a login without the account, or with two, stays what it is
        return self.attempts if isinstance(error, ConnectionProblem | DeadlineExceeded) else 1


ONCE = Patience(attempts=1, id_attempts=1)
"""For whoever looks after the next attempt itself."""
