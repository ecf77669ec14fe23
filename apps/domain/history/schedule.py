"""When an exchange was open, as far as it was told: what makes a hole of a stretch without bars.

A stretch of which nobody told the hours proves nothing, neither that it was open nor that it was
closed.
"""

from __future__ import annotations

from dataclasses import dataclass

from apps.domain.history.spans import intersection, merged, missing
from apps.domain.sessions import Span

__all__ = ["Schedule"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """The sessions within the stretches that are ``known``, both rising; none reaches out of them.

    Sessions stay apart where one begins as another ends.
    """

    known: tuple[Span, ...] = ()
    sessions: tuple[Span, ...] = ()

    def learn(self, newer: Schedule) -> Schedule:
        """Give both together; where both know, ``newer`` holds.

        A session that begins before what ``newer`` knows is kept up to there.
        """
        kept = [part for each in self.sessions for part in missing([each], newer.known)]
        return Schedule(merged(self.known, newer.known), tuple(sorted({*kept, *newer.sessions})))

    def open_in(self, span: Span) -> tuple[Span, ...]:
        """Give when it was open within ``span``, as far as it is known."""
        return intersection([span], self.sessions)

    def unknown_in(self, span: Span) -> tuple[Span, ...]:
        """Give what nobody told of ``span``."""
        return missing([span], self.known)
