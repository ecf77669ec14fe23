"""Loads bars of the past into the store, only what is missing, several requests at a time.

At home here: what is in flight, what is tried again, and how far it all is. Which requests they
are stands with each series (`apps.engine.history.series_load`); how often the broker may be asked
is the pacing's, behind the port.

Each answer is kept as soon as it comes, so a load may be cut at any point: the next one asks for
the rest. A link that is lost is waited for. A series that fails stops alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from apps.domain.bars import Bar
from apps.domain.errors import AskedTooOften, DeadlineExceeded, DeskError, NotConnected
from apps.domain.history.plan import BarRequest
from apps.engine.deadlines import done_within
from apps.engine.history.link_wait import LinkWait
from apps.engine.history.loading import LoadReport, OnProgress, Progress, Wanted
from apps.engine.history.series_load import SeriesLoad
from apps.engine.ports import Broker, Clock, History, PastBars
from apps.engine.prices.market_clock import MarketClock

__all__ = ["HistoryLoader"]

T = TypeVar("T")

IN_FLIGHT = 12
"""More at once bring nothing: the broker's servers hold back who asks for much."""

UNKEPT = 36
"""So many answers at most are awaited or on their way to the disk: they take memory."""

LOOKED_AT = 4
"""So many series are looked at at once: each costs a question or two."""

LINK_PATIENCE_S = 600.0
TRIES = 3
BUSY_PAUSE_S = 15.0
BUSY_PATIENCE_S = 900.0
"""A broker that refuses by its pacing has counted what an earlier process asked for, and takes
questions again within ten minutes."""

LOST_PAUSE_S = 0.5


def _nobody(_: Progress) -> None:
    pass


class HistoryLoader:
    """Loads into ``history`` what ``past`` has."""

    def __init__(
        self,
        history: History,
        past: PastBars,
        *,
        broker: Broker,
        clock: Clock,
        market_clock: MarketClock,
    ) -> None:
        self.history = history
        self._past = past
        self._broker = broker
        self._clock = clock
        self._market_clock = market_clock

    async def load(
        self,
        wanted: Sequence[Wanted],
        on_progress: OnProgress = _nobody,
        *,
        newest_first: bool = False,
        deadline_s: float | None = None,
    ) -> LoadReport:
        """Have all of ``wanted`` in the store, as far as the broker has it and it is over.

        A ``deadline_s`` (seconds of this machine) ends it with what came until then. May be
        cancelled at any point: what came is kept. Raises InvalidInput for what cannot be, before
        anything is asked for; what goes wrong with one series later stands in its row.
        """
        began_s = self._clock.monotonic()
        now = await self._market_clock.ask()
        series = [SeriesLoad(each, now, self.history, self._past) for each in wanted]
        link = LinkWait(self._broker, self._clock)
        run = _Run(self._past, self._clock, link, on_progress, newest_first=newest_first)
        hearing = self._broker.listen(link)
        try:
            work = run.all(series)
            in_time = await done_within(work, deadline_s, self._clock)
        finally:
            hearing.close()
        if in_time:
            work.result()
        took_s = self._clock.monotonic() - began_s
        return LoadReport(tuple(each.loaded() for each in series), took_s, not in_time)


class _Run:
    """One load while it runs: what is in flight, and how far it is."""

    def __init__(
        self,
        past: PastBars,
        clock: Clock,
        link: LinkWait,
        on_progress: OnProgress,
        *,
        newest_first: bool,
    ) -> None:
        self._past = past
        self._clock = clock
        self._link = link
        self._on_progress = on_progress
        self._newest_first = newest_first
        self._looked_at = asyncio.Semaphore(LOOKED_AT)
        self._in_flight = asyncio.Semaphore(IN_FLIGHT)
        self._unkept = asyncio.Semaphore(UNKEPT)
        self._quiet_until_s = 0.0
        self._began_s = clock.monotonic()
        self._small_left = 0
        self._done = self._requests = self._bars = 0

    def all(self, series: Sequence[SeriesLoad]) -> asyncio.Task[None]:
        """Begin with all of them."""
        return asyncio.create_task(self._all(series), name="load history")

    async def _all(self, series: Sequence[SeriesLoad]) -> None:
        async with asyncio.TaskGroup() as group:
            for each in series:
                group.create_task(self._one(each))

    async def _one(self, series: SeriesLoad) -> None:
        try:
            async with self._looked_at:
                requests = await self._patiently(series.plan)
        except DeskError as error:
            series.fail(error)
            return
        await self._ask(series, requests, is_last=False)
        await self._ask(series, series.again(), is_last=True)

    async def _ask(
        self, series: SeriesLoad, requests: Sequence[BarRequest], *, is_last: bool
    ) -> None:
        if series.has_failed:
            return
        self._requests += len(requests)
        self._small_left += len(requests) if series.size.is_small else 0
        self._tell()
        async with asyncio.TaskGroup() as group:
            for request in reversed(requests) if self._newest_first else requests:
                group.create_task(self._request(series, request, is_last=is_last))

    async def _request(self, series: SeriesLoad, request: BarRequest, *, is_last: bool) -> None:
        async with self._unkept:
            if not series.has_failed:
                try:
                    async with self._in_flight:
                        bars = await self._patiently(lambda: self._bars_of(series, request))
                    # the next one is asked meanwhile: a slow disk costs no turn of the pacing
                    count = await series.keep(request, bars, is_last=is_last)
                    self._bars += count
                except DeskError as error:
                    series.fail(error)
        self._done += 1
        self._small_left -= series.size.is_small
        self._tell()

    async def _bars_of(self, series: SeriesLoad, request: BarRequest) -> tuple[Bar, ...]:
        series.requests += 1
        return await self._past.between(series.instrument, series.series, request)

    async def _patiently(self, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Ask over a link, again after a loss of it, and later where it was too often."""
        tries = 0
        busy_since_s: float | None = None
        while True:
            await self._until_it_may_be_asked()
            try:
                return await ask()
            except NotConnected:
                await self._clock.sleep(LOST_PAUSE_S)  # its word may still be on the way
            except DeadlineExceeded:
                tries += 1
                if tries == TRIES:
                    raise
            except AskedTooOften:
                now_s = self._clock.monotonic()
                busy_since_s = now_s if busy_since_s is None else busy_since_s
                if now_s - busy_since_s > BUSY_PATIENCE_S:
                    raise
                self._quiet_until_s = max(self._quiet_until_s, now_s + BUSY_PAUSE_S)

    async def _until_it_may_be_asked(self) -> None:
        while (pause_s := self._quiet_until_s - self._clock.monotonic()) > 0:
            await self._clock.sleep(pause_s)
        await self._link.until_usable(LINK_PATIENCE_S)

    def _tell(self) -> None:
        self._on_progress(Progress(self._done, self._requests, self._bars, self._left_s()))

    def _left_s(self) -> float | None:
        """Give the seconds that the pacing takes for the rest, and the pace so far."""
        left = self._requests - self._done
        if not left:
            return 0.0
        paced_s = self._past.wait_s(self._small_left)
        if not self._done:
            return paced_s if self._small_left else None
        mean_s = (self._clock.monotonic() - self._began_s) / self._done
        return max(paced_s, (left - self._small_left) * mean_s)
