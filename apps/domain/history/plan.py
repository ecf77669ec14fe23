"""Which requests bring the bars of a range that are not there yet, and what an answer is worth.

At home here: the arithmetic of ranges, sessions and requests. Who asks, keeps and tries again is
`apps.engine.history`.

What is missing are *pieces*, each within one session: a closed market is no hole. Requests are as
few as may be, for IB's pacing counts requests and not bars; but an answer is decoded in one go, so
none is of more than `MOST_BARS`. Parts of a session are asked for by the second, whole ones by
their number, large bars by weeks, months or years. No request by the second leaves its session:
whether IB counts seconds of trading or of the clock then makes no difference.

A bar that is not over is never kept, and a stretch of an open market for which there are no bars
is *silent*: it does not count as answered before it was asked for twice.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from math import ceil

from apps.domain.bars import Bar
from apps.domain.history.bar_sizes import SECONDS, SESSIONS, BarSize, Duration
from apps.domain.history.spans import merged, missing
from apps.domain.sessions import Span

__all__ = [
    "MOST_BARS",
    "Answered",
    "BarRequest",
    "Piece",
    "aligned",
    "day_of",
    "pieces_of",
    "read_answer",
    "requests_for",
    "silent_in",
    "wanted_of",
]

MOST_BARS = 5_000
"""So many bars hold the loop for some 30 ms when their answer is decoded."""

QUIET_S = 60
"""Less than this without a bar is a market without trades, for which IB may leave bars out."""

_LAG = timedelta(hours=1)
"""Before so long is over, history may still get bars: of delayed data it has them late."""

_LARGEST_ON_THE_CLOCK_S = 1_800
_HOUR_S = 3_600
_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class Piece:
    """A stretch ``[start, end)`` of one session, or one whole day (UTC) in bars of days.

    ``closes`` is when the session is over: the last bar before it may be a short one. One that
    ``is_running`` ends at the edge of the present: history may not have all of it yet, and its
    last bar may not be over.
    """

    start: datetime
    end: datetime
    closes: datetime
    is_running: bool = False

    @property
    def span(self) -> Span:
        """The stretch."""
        return Span(self.start, self.end)


@dataclass(frozen=True, slots=True)
class BarRequest:
    """A question for bars: those of ``duration`` before ``until``, wanted for ``pieces``."""

    size: BarSize
    until: datetime
    duration: Duration
    pieces: tuple[Piece, ...]

    @property
    def span(self) -> Span:
        """From the first to the last moment that is wanted of it."""
        return Span(self.pieces[0].start, self.pieces[-1].end)


@dataclass(frozen=True, slots=True)
class Answered:
    """What an answer is worth for one piece: its bars, how far it is known, where it is silent.

    ``known`` is from its start to where the first bar that is not over begins, or empty.
    """

    known: Span
    bars: tuple[Bar, ...]
    silent: tuple[Span, ...]


def day_of(session: Span) -> Span:
    """Give the day (UTC) by which the bar of a regular session is dated: that of its close."""
    day = (session.end - timedelta(seconds=1)).date()
    start = datetime.combine(day, time(), UTC)
    return Span(start, start + _DAY)


def aligned(at: datetime, seconds: int, *, up: bool = False) -> datetime:
    """Give the edge of a bar at or before ``at``, or at or after it.

    Exact for bars of half an hour and less, whose edges are those of the clock everywhere.
    """
    step = timedelta(seconds=seconds)
    past = (at - _EPOCH) % step
    return at if not past else at - past + (step if up else timedelta())


def wanted_of(
    wanted: Span, size: BarSize, sessions: Iterable[Span], now: datetime
) -> tuple[Piece, ...]:
    """Give all that there could be of ``wanted``, by session, as far as bars are over by ``now``.

    Bars of more than half an hour are wanted by whole sessions, those of more than an hour once
    the session is over: where their edges lie is the exchange's own.
    """
    return tuple(_clipped(wanted, size, sorted(sessions), now))


def pieces_of(wanted: Iterable[Piece], there: Iterable[Span]) -> tuple[Piece, ...]:
    """Give what is missing of ``wanted``."""
    known = merged(there)
    return tuple(
        Piece(part.start, part.end, each.closes, each.is_running and part.end == each.end)
        for each in wanted
        for part in missing([each.span], known)
    )


def requests_for(
    pieces: Iterable[Piece], size: BarSize, sessions: Iterable[Span]
) -> tuple[BarRequest, ...]:
    """Give the fewest requests that hold every one of ``pieces``, the oldest first.

    ``sessions`` are those of the whole range, the ones without a missing piece too.
    """
    rising = sorted(pieces)
    held = sorted(sessions)
    if not rising:
        return ()
    if not size.most_sessions and size.most_seconds:
        return tuple(_by_second(rising, size))
    if not size.most_sessions:
        return tuple(_by_calendar(rising, size))
    return tuple(_by_session(rising, size, held))


def read_answer(request: BarRequest, bars: Sequence[Bar]) -> tuple[Answered, ...]:
    """Give for each piece of ``request`` what ``bars`` (in any order) say of it."""
    rising = sorted({bar.start: bar for bar in bars}.values(), key=lambda bar: bar.start)
    starts = [bar.start for bar in rising]
    answers = []
    for piece in request.pieces:
        first, last = (bisect_right(starts, at - _TINY) for at in (piece.start, piece.end))
        answers.append(_read(piece, rising[first:last]))
    return tuple(answers)


def silent_in(known: Span, bars: Iterable[Bar]) -> Iterator[Span]:
    """Give where ``bars``, which are rising, leave out more of ``known`` than a quiet market."""
    at = known.start
    for bar in bars:
        if _is_silence(at, bar.start):
            yield Span(at, bar.start)
        at = max(at, bar.end)
    if _is_silence(at, known.end):
        yield Span(at, known.end)


_TINY = timedelta(microseconds=1)


# ------------------------------------------------------------------------- what is wanted


def _clipped(
    wanted: Span, size: BarSize, sessions: Sequence[Span], now: datetime
) -> Iterator[Piece]:
    over = aligned(now, size.seconds) if size.seconds <= _HOUR_S else None
    for session in sessions:
        start, end = session.start, session.end
        if wanted.end <= start or end <= wanted.start:
            continue
        if size.is_of_days:
            day = day_of(session)
            if end <= now:
                yield Piece(day.start, day.end, day.end)
            continue
        if size.seconds <= _LARGEST_ON_THE_CLOCK_S:
            start = max(start, aligned(wanted.start, size.seconds))
            end = min(end, aligned(wanted.end, size.seconds, up=True))
        until = session.end if now >= session.end else over
        if until is not None and start < min(end, until):
            end = min(end, until)
            yield Piece(start, end, session.end, is_running=now < end + _LAG)


# ------------------------------------------------------------------------------ requests


def _by_second(pieces: Sequence[Piece], size: BarSize) -> Iterator[BarRequest]:
    """Cover the pieces of each session with windows as long as may be asked for."""
    longest = timedelta(seconds=min(size.most_seconds, MOST_BARS * size.seconds))
    rest = list(reversed(pieces))
    while rest:
        first = rest.pop()
        window_end = first.start + longest
        held = [_cut(first, window_end, rest)]
        while rest and rest[-1].closes == first.closes and rest[-1].start < window_end:
            held.append(_cut(rest.pop(), window_end, rest))
        seconds = ceil((held[-1].end - first.start).total_seconds())
        yield BarRequest(size, held[-1].end, Duration(seconds, SECONDS.letter), tuple(held))


def _cut(piece: Piece, at: datetime, rest: list[Piece]) -> Piece:
    """Give what of ``piece`` lies before ``at``; what lies after it is put back."""
    if piece.end <= at:
        return piece
    rest.append(Piece(at, piece.end, piece.closes, piece.is_running))
    return Piece(piece.start, at, piece.closes)


def _by_session(
    pieces: Sequence[Piece], size: BarSize, sessions: Sequence[Span]
) -> Iterator[BarRequest]:
    """Cover the pieces with runs of sessions, each as long as may be asked for."""
    closes = [each.end for each in sessions]
    at = 0
    while at < len(pieces):
        first = pieces[at]
        nth = bisect_right(closes, first.start)
        last = _last_of_run(sessions, nth, size)
        end = at + 1
        while end < len(pieces) and pieces[end].closes <= closes[last]:
            end += 1
        held = pieces[at:end]
        at = end
        if _bars(sessions[nth], size) > MOST_BARS and size.most_seconds:
            yield from _by_second(held, size)
        else:
            yield _run(held, size, sessions, nth)


def _last_of_run(sessions: Sequence[Span], nth: int, size: BarSize) -> int:
    bars, last = _bars(sessions[nth], size), nth
    while (
        last + 1 < len(sessions)
        and last + 1 - nth < size.most_sessions
        and bars + _bars(sessions[last + 1], size) <= MOST_BARS
    ):
        last += 1
        bars += _bars(sessions[last], size)
    return last


def _bars(session: Span, size: BarSize) -> int:
    return ceil((session.end - session.start).total_seconds() / size.seconds)


def _run(held: Sequence[Piece], size: BarSize, sessions: Sequence[Span], nth: int) -> BarRequest:
    """Ask for whole sessions; for a part of a single one by the second, where that is allowed."""
    first, last = held[0], held[-1]
    count = bisect_right([each.end for each in sessions], last.start) - nth + 1
    seconds = ceil((last.end - first.start).total_seconds())
    whole = seconds >= (sessions[nth].end - sessions[nth].start).total_seconds()
    if count == 1 and not whole and 0 < seconds <= size.most_seconds:
        return BarRequest(size, last.end, Duration(seconds, SECONDS.letter), tuple(held))
    until = last.end if last.is_running else last.closes
    return BarRequest(size, until, Duration(count, SESSIONS.letter), tuple(held))


def _by_calendar(pieces: Sequence[Piece], size: BarSize) -> Iterator[BarRequest]:
    unit = size.calendar_unit
    longest = timedelta(days=unit.most * unit.days)
    at = 0
    while at < len(pieces):
        end = at + 1
        while end < len(pieces) and pieces[end].end <= pieces[at].start + longest:
            end += 1
        held = tuple(pieces[at:end])
        at = end
        days = (held[-1].end - held[0].start) / _DAY
        count = max(1, ceil(days / unit.days))
        yield BarRequest(size, held[-1].end, Duration(count, unit.letter), held)


# ------------------------------------------------------------------------------- answers


def _read(piece: Piece, bars: Sequence[Bar]) -> Answered:
    kept: list[Bar] = []
    end = piece.end
    for bar in bars:
        if min(bar.end, piece.closes) > piece.end:
            end = bar.start  # it is not over: what begins with it is not known
            break
        kept.append(bar)
    if piece.is_running:  # history may lag behind, and has the rest of it later
        end = min(end, kept[-1].end if kept else piece.start)
    known = Span(piece.start, max(piece.start, end))
    return Answered(known, tuple(kept), tuple(silent_in(known, kept)))


def _is_silence(start: datetime, end: datetime) -> bool:
    return (end - start).total_seconds() >= QUIET_S
