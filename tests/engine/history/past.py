"""A broker's past in memory: bars of sessions that are set, and what goes wrong on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from apps.domain.bars import Bar
from apps.domain.history.plan import BarRequest, day_of
from apps.domain.history.schedule import Schedule
from apps.domain.history.series import Series
from apps.domain.instruments import Instrument
from apps.domain.sessions import Span

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)


def session_of(day: int) -> Span:
    """The regular session of the nth weekday from 2 November 2026 on."""
    date = MONDAY + timedelta(days=day // 5 * 7 + day % 5)
    return Span(date.replace(hour=14, minute=30), date.replace(hour=21))


def made(start: datetime, seconds: int) -> Bar:
    """The one bar that there is at a moment."""
    price = 100.0 + start.timestamp() % 9_973 / 100
    return Bar(start, seconds, price, price + 1, price - 1, price, 100.0, price, 7)


def bars_of(span: Span, seconds: int) -> list[Bar]:
    count = int((span.end - span.start).total_seconds()) // seconds
    return [made(span.start + timedelta(seconds=seconds * n), seconds) for n in range(count)]


@dataclass
class FakePast:
    """Gives the bars of ``sessions``, the running one too; ``before`` may wait or raise."""

    sessions: list[Span]
    now: datetime
    first: datetime = datetime(2000, 1, 1, tzinfo=UTC)
    lacks: list[Span] = field(default_factory=list)
    before: Callable[[Series, BarRequest], None] = lambda _series, _request: None
    asked: list[BarRequest] = field(default_factory=list)
    schedules: int = 0
    heads: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    gate: asyncio.Event | None = None

    async def between(
        self, instrument: Instrument, series: Series, request: BarRequest
    ) -> tuple[Bar, ...]:
        self.asked.append(request)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(0)
            if self.gate is not None:
                await self.gate.wait()
            self.before(series, request)
        finally:
            self.in_flight -= 1
        return tuple(self._bars(series.bar_seconds, request))

    async def first_at(self, instrument: Instrument, series: Series) -> datetime:
        self.heads += 1
        return self.first

    async def schedule(
        self, instrument: Instrument, span: Span, *, regular_hours: bool
    ) -> Schedule:
        self.schedules += 1
        held = tuple(
            each for each in self.sessions if each.start < span.end and span.start < each.end
        )
        edges = [span.start, span.end, *(at for each in held for at in (each.start, each.end))]
        return Schedule((Span(min(edges), max(edges)),), held)

    def wait_s(self, small_requests: int) -> float:
        return 10.0 * small_requests

    def _bars(self, seconds: int, request: BarRequest) -> list[Bar]:
        until = min(request.until, self.now)
        count = request.duration.count
        if request.duration.letter == "S":
            start = until - timedelta(seconds=count)
        elif request.duration.letter == "D":
            begun = [each for each in self.sessions if each.start < until]
            start = begun[-min(count, len(begun))].start
        else:
            start = until - timedelta(days=400 * count)
        return [
            bar
            for session in self.sessions
            if day_of(session).start < until and start < day_of(session).end
            for bar in self._of(session, seconds)
            if start <= bar.start < until and not any(bar.start in each for each in self.lacks)
        ]

    def _of(self, session: Span, seconds: int) -> list[Bar]:
        if seconds == 86_400:
            return [made(day_of(session).start, seconds)]
        if seconds <= 1_800:
            return bars_of(session, seconds)
        # as IB has them: the first is a short one, the others begin with the hour
        hours = Span(session.start + timedelta(minutes=30), session.end)
        return [made(session.start, seconds), *bars_of(hours, seconds)]
