"""Looking through everything that is kept; a damaged file is set aside by that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from apps.domain.bars import Bar
from apps.domain.history.bar_sizes import DAY_S
from apps.domain.history.findings import (
    ClosedHours,
    Finding,
    FindingKind,
    bar_findings,
    hole_findings,
    lasting,
)
from apps.domain.history.series import Series
from apps.domain.history.spans import length, merged, missing
from apps.domain.sessions import Span
from apps.store.history.bar_file import bars_of
from apps.store.history.parts import part_named
from apps.store.history.store import HistoryStore, Stored

__all__ = ["Verified", "verify"]


@dataclass(frozen=True, slots=True)
class Verified:
    """What was looked through, and what is wrong with it.

    ``hours_unknown`` is how much of what is covered nobody told the exchange's hours of: there
    no hole and no wrong session can be found.
    """

    series: int
    files: int
    bars: int
    findings: tuple[Finding, ...]
    hours_unknown: timedelta


def verify(store: HistoryStore, wanted: Iterable[Series] | None = None) -> Verified:
    """Look through ``wanted``, or all. Raises HistoryRefused, HistoryLost."""
    looked = store.all_series() if wanted is None else tuple(wanted)
    findings = [found for series in looked for found in _of_series(store, series)]
    stored = [store.stored(each) for each in looked]
    unknown = (_unknown(store, each) for each in stored)
    return Verified(
        series=sum(1 for each in stored if each.bars or each.covered),
        files=sum(each.files for each in stored),
        bars=sum(each.bars for each in stored),
        findings=tuple(findings),
        hours_unknown=sum(unknown, timedelta()),
    )


def _unknown(store: HistoryStore, stored: Stored) -> timedelta:
    spans = missing(stored.covered, store.schedule(stored.series).known)
    if stored.series.bar_seconds >= DAY_S:  # a part of a day is no day that is not known
        spans = tuple(each for each in spans if each.end - each.start >= timedelta(seconds=DAY_S))
    return length(spans)


def _of_series(store: HistoryStore, series: Series) -> Iterator[Finding]:
    schedule = store.schedule(series)
    closed = ClosedHours(series, schedule)
    had: tuple[Span, ...] = ()
    last: Bar | None = None
    for table in store.tables(series):
        bars = bars_of(table, series.bar_seconds)
        yield from bar_findings(series, bars, closed, last)
        had, last = merged(had, lasting(bars)), bars[-1]
    for rescaled in store.rescaled(series):
        words = f"told anew in another scale, as after a split {rescaled}; older bars are not"
        yield Finding(FindingKind.SPLIT, series, rescaled.span, words)
    covered, holes = store.covered(series), store.known_holes(series)
    yield from hole_findings(series, had, covered, holes, schedule=schedule)
    for aside in store.set_aside():
        if aside.series == series:
            where = f"; it is kept as {aside.kept_as}" if aside.kept_as else ""
            span = part_named(aside.part).span
            yield Finding(FindingKind.DAMAGED, series, span, f"{aside.why}{where}")
