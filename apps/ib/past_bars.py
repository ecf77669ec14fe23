"""The `PastBars` port on IB: bars before any moment, where they begin, and when there was trading.

At home here: what IB calls a range, and its answers as values. Which range to ask for next is
the engine's (`apps.engine.history`), and the waiting the pacing's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING, Any

from apps.domain.bars import Bar
from apps.domain.errors import AskedTooOften, BrokerError
from apps.domain.history.bar_sizes import SESSIONS, Duration
from apps.domain.history.plan import BarRequest
from apps.domain.history.schedule import Schedule
from apps.domain.history.series import Series
from apps.domain.instruments import Instrument
from apps.domain.sessions import Span
from apps.ib.connection import IBConnection
from apps.ib.contracts import Contracts
from apps.ib.errors import is_no_data, is_pacing
from apps.ib.hours import time_zone
from apps.ib.pacer import Pacer
from apps.ib.pacing import HistoryRequest
from apps.ib.requests import Timeouts
from apps.ib.translate import bar_from_history

if TYPE_CHECKING:
    from ib_insync import objects as ibo

__all__ = ["IBPastBars"]

_SMALLEST_S = 1
_EPOCH = 2
_SCHEDULE = "SCHEDULE"
_DAY = timedelta(days=1)


class IBPastBars:
    """Bars of the past over one connection."""

    def __init__(
        self, connection: IBConnection, contracts: Contracts, *, pacer: Pacer, timeouts: Timeouts
    ) -> None:
        self._connection = connection
        self._contracts = contracts
        self._pacer = pacer
        self._timeouts = timeouts

    async def between(
        self, instrument: Instrument, series: Series, request: BarRequest
    ) -> tuple[Bar, ...]:
        """Give the bars that ``request`` reaches; see `PastBars.between`."""
        until, what = _utc(request.until), series.what.value
        paced = HistoryRequest(
            instrument.con_id, series.bar_seconds, f"{request.duration} to {until}", what
        )
        bars: list[ibo.BarData] = []
        try:
            await self._history(
                f"{request.size.ib_text} bars of {instrument.symbol}",
                instrument,
                paced,
                (until, str(request.duration), request.size.ib_text, what),
                regular_hours=series.regular_hours,
                container=bars,
            )
        except BrokerError as error:
            if is_no_data(error):
                return ()
            if is_pacing(error):
                raise AskedTooOften(error.message, code=error.code) from None
            raise
        return tuple(bar_from_history(bar, series.bar_seconds) for bar in bars)

    async def first_at(self, instrument: Instrument, series: Series) -> datetime:
        """Ask when history begins. IB counts the question as an open one until it is cancelled."""
        contract = self._contracts.contract_for(instrument)
        what, regular = series.what.value, series.regular_hours
        paced = HistoryRequest(instrument.con_id, _SMALLEST_S, "head", what)
        sent: list[int] = []
        session = self._connection.session

        def send(req_id: int) -> None:
            sent.append(req_id)
            session.client.reqHeadTimeStamp(req_id, contract, what, regular, _EPOCH)

        async with self._pacer.patient_history_turn(paced, self._spare()):
            try:
                first: datetime = await self._connection.requests.by_id(
                    f"the beginning of {instrument.symbol}'s history",
                    send,
                    timeout_s=self._timeouts.load_s,
                )
            finally:
                if sent:
                    end = self._connection.requests.end
                    end(lambda: session.client.cancelHeadTimeStamp(sent[0]))
        return first.astimezone(UTC)

    async def schedule(
        self, instrument: Instrument, span: Span, *, regular_hours: bool
    ) -> Schedule:
        """Ask for the sessions within ``span``, a year at a time; see `PastBars.schedule`."""
        schedule = Schedule()
        end = span.end
        while span.start < end:
            days = min(SESSIONS.most, max(1, ceil((end - span.start) / _DAY)))
            start = max(span.start, end - days * _DAY)
            answer = await self._schedule(
                instrument, end, Duration(days, SESSIONS.letter), regular_hours=regular_hours
            )
            schedule = schedule.learn(_known(Span(start, end), _sessions(answer)))
            end = start
        return schedule

    def wait_s(self, small_requests: int) -> float:
        """Give the seconds until so many more questions for small bars can have been asked."""
        return self._pacer.history_wait_s(small_requests) if small_requests else 0.0

    async def _schedule(
        self, instrument: Instrument, end: datetime, duration: Duration, *, regular_hours: bool
    ) -> ibo.HistoricalSchedule:
        until = _utc(end)
        day = 86_400
        paced = HistoryRequest(instrument.con_id, day, f"{duration} to {until}", _SCHEDULE)
        answer: ibo.HistoricalSchedule = await self._history(
            f"the sessions of {instrument.symbol}",
            instrument,
            paced,
            (until, str(duration), "1 day", _SCHEDULE),
            regular_hours=regular_hours,
        )
        return answer

    async def _history(
        self,
        named: str,
        instrument: Instrument,
        paced: HistoryRequest,
        words: tuple[str, str, str, str],
        *,
        regular_hours: bool,
        container: list[Any] | None = None,
    ) -> Any:
        """Ask in our turn; ``words`` are the end, the duration, the bar size and what to show."""
        contract = self._contracts.contract_for(instrument)
        async with self._pacer.patient_history_turn(paced, self._spare()):
            session = self._connection.session
            return await self._connection.requests.by_id(
                named,
                lambda req_id: session.client.reqHistoricalData(
                    req_id, contract, *words, regular_hours, _EPOCH, False, []
                ),
                container=container,
                on_deadline=session.client.cancelHistoricalData,
                timeout_s=self._timeouts.load_s,
            )

    def _spare(self) -> int:
        """Leave a question for each stream of bars: its gap may have to be filled."""
        streams = len(self._connection.session.bars)
        return min(streams, self._pacer.limits.small_bar_requests // 3)


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%d-%H:%M:%S}"


def _sessions(answer: ibo.HistoricalSchedule) -> Iterator[Span]:
    zone = time_zone(answer.timeZone)
    for each in answer.sessions:
        edges = (
            datetime.strptime(text, "%Y%m%d-%H:%M:%S").replace(tzinfo=zone).astimezone(UTC)
            for text in (each.startDateTime, each.endDateTime)
        )
        yield Span(*edges)


def _known(asked: Span, sessions: Iterable[Span]) -> Schedule:
    """Give what is known of ``asked``, and of the sessions at its edges as wholes."""
    held = sorted(each for each in sessions if each.start < asked.end and asked.start < each.end)
    start = min([asked.start, *(each.start for each in held[:1])])
    end = max([asked.end, *(each.end for each in held[-1:])])
    return Schedule((Span(start, end),), tuple(held))
