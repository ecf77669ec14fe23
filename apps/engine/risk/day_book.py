"""The day's executions of the desk's own, and what it began the session with.

Kept ready by every execution, for an entry is judged by it. Which execution belongs to the day:
one of the session's time, or one that is heard of for the first time after the session has begun;
of an older one that is corrected, what the correction changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from apps.domain.day_result import CORRECTED_WITHIN, NOTHING, Flow, KeptDay, Opening, day_result
from apps.domain.orders import Fill
from apps.domain.pnl import last_word
from apps.domain.sessions import Span

__all__ = ["DayBook"]


class DayBook:
    """One session of one desk. ``session`` is None until the first is known."""

    def __init__(self) -> None:
        self.session: Span | None = None
        self._openings: dict[int, Opening] = {}
        self._flows: dict[int, Flow] = {}
        self._before: dict[str, Fill] = {}
        self._fills: dict[str, Fill] = {}

    @property
    def openings(self) -> tuple[Opening, ...]:
        """What was carried into the session."""
        return tuple(self._openings.values())

    def restore(self, kept: KeptDay) -> None:
        """Go on with a session as it was written down."""
        self.session = kept.session
        self._openings = {each.con_id: each for each in kept.openings}
        self._before = {each.execution: each for each in last_word(kept.before)}
        for fill in kept.since:
            self._take(fill)

    def on_fill(self, fill: Fill) -> None:
        """Take note of an execution of ours; repeats and corrections happen."""
        if self.session is None or fill.at > self.session.start - CORRECTED_WITHIN:
            self._take(fill)

    def begin(self, session: Span, openings: Iterable[Opening]) -> None:
        """Count from the start of ``session``; ``openings`` are our shares as they stand now.

        What was executed since the session's start is taken off them: it is the new day's.
        """
        self.session = session
        fills, self._fills, self._flows = self._fills, {}, {}
        self._before = {
            name: fill
            for name, fill in (self._before | fills).items()
            if fill.at > session.start - CORRECTED_WITHIN
        }
        for fill in fills.values():
            if not self._is_earlier(fill):
                self._before.pop(fill.execution, None)
                self._take(fill)
        found = (
            replace(each, quantity=each.quantity - self._flow(each.con_id).quantity)
            for each in openings
        )
        self._openings = {each.con_id: each for each in found if each.quantity}

    def mark_opening(self, con_id: int, mark: Decimal) -> Opening | None:
        """Take the price with which a contract went into the session, where it is missing."""
        opening = self._openings.get(con_id)
        if opening is None or opening.mark is not None:
            return None
        marked = self._openings[con_id] = replace(opening, mark=mark)
        return marked

    def quantity(self, con_id: int) -> Decimal:
        """Give the signed shares of a contract that the day's result is of."""
        opening = self._openings.get(con_id)
        held = self._flow(con_id).quantity
        return held if opening is None else held + opening.quantity

    def result(self, marks: Mapping[int, Decimal]) -> Decimal | None:
        """Give the day's result, fees included; None while a price is missing."""
        return day_result(self._openings, self._flows, marks)

    def _take(self, fill: Fill) -> None:
        known = self._fills.get(fill.execution)
        latest = fill if known is None else last_word((known, fill))[0]
        self._fills[fill.execution] = latest
        change = self._counted(latest) - (NOTHING if known is None else self._counted(known))
        self._flows[fill.con_id] = self._flow(fill.con_id) + change

    def _counted(self, fill: Fill) -> Flow:
        """Give what of an execution is the day's: of a corrected older one what that changes."""
        before = self._before.get(fill.execution)
        if before is None:
            return Flow.of(fill)
        latest = last_word((before, fill))[0]
        return replace(Flow.of(latest) - Flow.of(before), fees=Decimal(0))

    def _flow(self, con_id: int) -> Flow:
        return self._flows.get(con_id, NOTHING)

    def _is_earlier(self, fill: Fill) -> bool:
        return self.session is not None and fill.at < self.session.start
