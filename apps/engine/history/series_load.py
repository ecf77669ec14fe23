"""The load of one series: what is missing, which requests bring it, and what comes is kept.

No request is sent here: whoever runs it (`apps.engine.history.loader`) asks, in its turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from apps.domain.bars import Bar
from apps.domain.errors import DeskError, InvalidInput
from apps.domain.history.bar_sizes import bar_size
from apps.domain.history.plan import (
    Answered,
    BarRequest,
    Piece,
    pieces_of,
    read_answer,
    requests_for,
    wanted_of,
)
from apps.domain.history.spans import intersection, length, merged, missing
from apps.domain.instruments import Instrument
from apps.domain.sessions import Span
from apps.engine.history.loading import Loaded, Wanted
from apps.engine.history.on_disk import on_disk
from apps.engine.ports import History, PastBars

__all__ = ["SeriesLoad"]

_LONG = timedelta(days=366)
"""Before the sessions of many years are asked for, it is looked whether there are bars at all."""

_CLOSED_AT_MOST = timedelta(days=10)
"""No market is closed for longer."""


class SeriesLoad:
    """One series within one load; ``now`` is the broker's time.

    Raises InvalidInput for what cannot be: a range that ends before it begins or lies in the
    future, a size that the broker lacks, or bars that it no longer has.
    """

    def __init__(self, wanted: Wanted, now: datetime, history: History, past: PastBars) -> None:
        self.size = bar_size(wanted.bar_seconds)
        self.instrument: Instrument = wanted.instrument
        self.series = wanted.series
        self.span = self._checked(wanted, now)
        self.bars = 0
        self.requests = 0
        self._error: DeskError | None = None
        self._now = now
        self._history = history
        self._past = past
        self._first: datetime | None = None
        self._sessions: tuple[Span, ...] = ()
        self._wanted: tuple[Piece, ...] = ()
        self._there: tuple[Span, ...] = ()
        self._came: list[Span] = []
        self._silent: list[Piece] = []
        self._holes: list[Span] = []

    @property
    def has_failed(self) -> bool:
        """It is not gone on with."""
        return self._error is not None

    def fail(self, error: DeskError) -> None:
        """Stop it; the first reason is the one that is told."""
        self._error = self._error or error

    async def plan(self) -> tuple[BarRequest, ...]:
        """Give the requests for what is missing, the oldest first.

        Raises InvalidInput for a range that begins before the broker's history does.
        """
        await on_disk(self._history.check, self.series, self.span)
        covered = await on_disk(self._history.covered, self.series)
        if self.span.end - self.span.start > _LONG and not _reaches(covered, self.span.start):
            await self._check_beginning(self.span.start + _CLOSED_AT_MOST)
        self._sessions = await self._open_hours()
        self._wanted = wanted_of(self.span, self.size, self._sessions, self._now)
        holes = await on_disk(self._history.known_holes, self.series)
        wanted = [each.span for each in self._wanted]
        self._there = intersection(wanted, merged(covered, holes))
        self._holes = list(intersection(wanted, holes))
        pieces = pieces_of(self._wanted, self._there)
        if pieces and not _reaches(covered, pieces[0].start):
            await self._check_beginning(pieces[0].closes)
        return requests_for(pieces, self.size, self._sessions)

    def again(self) -> tuple[BarRequest, ...]:
        """Give the requests for what was silent, though the market was open."""
        silent, self._silent = self._silent, []
        return requests_for(silent, self.size, self._sessions)

    async def keep(self, request: BarRequest, bars: Sequence[Bar], *, is_last: bool) -> int:
        """Keep an answer; give how many bars it brought.

        Where it is silent counts as answered only if ``is_last``: then it is a hole.
        """
        answers = await on_disk(self._keep_all, request, bars, is_last=is_last)
        if not is_last:
            self._silent += _still_silent(request.pieces, answers)
        count = sum(len(each.bars) for each in answers)
        self.bars += count
        return count

    def loaded(self) -> Loaded:
        """Give what has become of it."""
        came = missing(self._came, self._there)
        wanted = [each.span for each in self._wanted]
        return Loaded(
            series=self.series,
            span=self.span,
            requests=self.requests,
            bars=self.bars,
            there=length(self._there),
            came=length(came),
            missing=length(missing(wanted, [*self._there, *came])),
            holes=merged(self._holes),
            error=self._error,
        )

    # --------------------------------------------------------------------------- planning

    def _checked(self, wanted: Wanted, now: datetime) -> Span:
        start, end = wanted.span.start, min(wanted.span.end, now)
        if wanted.span.end <= wanted.span.start:
            raise InvalidInput(
                f"The range ends ({wanted.span.end:%Y-%m-%d %H:%M} UTC) before it begins "
                f"({start:%Y-%m-%d %H:%M} UTC). Nothing was asked for."
            )
        if end <= start:
            raise InvalidInput(
                f"The range begins at {start:%Y-%m-%d %H:%M} UTC, and the broker's clock shows "
                f"{now:%Y-%m-%d %H:%M} UTC: there are no bars of the future."
            )
        if self.size.kept is not None and start < now - self.size.kept:
            raise InvalidInput(
                f"IB keeps bars of {self.size.name} for six months: begin at "
                f"{now - self.size.kept:%Y-%m-%d} or later, or take bars of 1m."
            )
        if self.size.is_of_days and not wanted.regular_hours:
            raise InvalidInput(
                f"Bars of {self.size.name} are those of regular hours; take 1h for all hours."
            )
        return Span(start, end)

    async def _open_hours(self) -> tuple[Span, ...]:
        """Give the sessions around the range; what the store does not know is asked for."""
        kept = await on_disk(self._history.schedule, self.series)
        for unknown in kept.unknown_in(self.span):
            told = await self._past.schedule(
                self.instrument, unknown, regular_hours=self.series.regular_hours
            )
            await on_disk(self._history.note_schedule, self.series, told)
            kept = kept.learn(told)
        return tuple(
            each
            for each in kept.sessions
            if each.start < self.span.end and self.span.start < each.end
        )

    async def _check_beginning(self, wanted_by: datetime) -> None:
        """Raise InvalidInput unless there are bars that begin before ``wanted_by``."""
        if self._first is None:
            self._first = await self._past.first_at(self.instrument, self.series)
        if wanted_by <= self._first:
            raise InvalidInput(
                f"IB's history of {self.instrument.symbol} goes back to {self._first:%Y-%m-%d}: "
                "begin there or later. Nothing of it was loaded."
            )

    # ---------------------------------------------------------------------------- keeping

    def _keep_all(
        self, request: BarRequest, bars: Sequence[Bar], *, is_last: bool
    ) -> tuple[Answered, ...]:
        """Keep what is known, all of it or none, and give it; in a thread."""
        answers = read_answer(request, bars)
        known: list[tuple[Span, list[Bar]]] = []
        holes: list[Span] = []
        for each in answers:
            spans = (each.known,) if is_last else missing([each.known], each.silent)
            known += [
                (span, [bar for bar in each.bars if bar.start in span])
                for span in spans
                if span.start < span.end
            ]
            if is_last:
                holes += each.silent
        self._history.add_all(self.series, known, holes)
        self._came += [span for span, _ in known]
        self._holes += holes
        return answers


def _reaches(covered: Iterable[Span], at: datetime) -> bool:
    return any(each.start <= at for each in covered)


def _still_silent(pieces: Iterable[Piece], answers: Iterable[Answered]) -> list[Piece]:
    return [
        Piece(span.start, span.end, piece.closes)
        for piece, answer in zip(pieces, answers, strict=True)
        for span in answer.silent
    ]
