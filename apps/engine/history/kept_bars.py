"""The store as the feeds use it: what it has is not asked for again, what was fetched is kept.

Feeds trade, so nothing here makes them wait: a store that does not answer within a moment is not
asked any more, and bars are kept in the background. All of it is of 5-second bars of regular hours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from apps.domain.bars import BASE_SECONDS, Bar
from apps.domain.errors import HistoryProblem
from apps.domain.gaps import Gap
from apps.domain.history.bar_sizes import bar_size
from apps.domain.history.plan import pieces_of, silent_in, wanted_of
from apps.domain.history.series import Series
from apps.domain.history.spans import missing
from apps.domain.instruments import Instrument
from apps.domain.sessions import Span
from apps.engine.alerts import Alert, AlertKind, AlertSink
from apps.engine.history.on_disk import on_disk
from apps.engine.ports import History
from apps.engine.prices.market_clock import MarketClock
from apps.engine.supervisor import Supervisor

__all__ = ["KeptBars"]

READ_WITHIN_S = 0.1
"""A load that writes may hold the store for longer; the broker then is the quicker one."""

_SIZE = bar_size(BASE_SECONDS)


class KeptBars:
    """Reads from, and writes into, the store of one desk."""

    def __init__(
        self,
        history: History,
        supervisor: Supervisor,
        market_clock: MarketClock,
        alerts: AlertSink,
    ) -> None:
        self._history = history
        self._supervisor = supervisor
        self._market_clock = market_clock
        self._alerts = alerts
        self._has_failed = False

    async def of(self, instrument: Instrument, gap: Gap) -> tuple[Bar, ...] | None:
        """Give the bars of ``gap``; None unless all that there are of it are in the store."""
        try:
            async with asyncio.timeout(READ_WITHIN_S):
                return await asyncio.to_thread(self._read, instrument, gap)
        except (TimeoutError, HistoryProblem):
            return None  # it is the broker's then, as if there were no store

    def keep(self, instrument: Instrument, past: Sequence[Bar]) -> None:
        """Keep an answer of the broker's in the background, but for its newest bar: it may run."""
        if len(past) > 1:
            name = f"keep bars {instrument.symbol}"
            self._supervisor.start(name, lambda: self._keep(instrument, past))

    def _read(self, instrument: Instrument, gap: Gap) -> tuple[Bar, ...] | None:
        series = Series.of(instrument, BASE_SECONDS)
        span = Span(gap.start, gap.end)
        wanted = wanted_of(span, _SIZE, instrument.hours.regular, gap.end)
        self._history.check(series, span)
        if not wanted or pieces_of(wanted, self._history.covered(series)):
            return None
        return self._history.bars(series, gap.start, gap.end)

    async def _keep(self, instrument: Instrument, past: Sequence[Bar]) -> None:
        try:
            await on_disk(self._write, instrument, past)
        except HistoryProblem as error:
            if not self._has_failed:
                words = f"the bars that fill gaps are not kept: {error.message}"
                self._alerts(Alert(AlertKind.WARNING, words, self._market_clock.now))
            self._has_failed = True
        else:
            self._has_failed = False

    def _write(self, instrument: Instrument, past: Sequence[Bar]) -> None:
        series = Series.of(instrument, BASE_SECONDS)
        told = Span(past[0].start, past[-1].start)
        pieces = wanted_of(told, _SIZE, instrument.hours.regular, told.end)
        known: list[tuple[Span, list[Bar]]] = []
        for piece in pieces_of(pieces, self._history.covered(series)):
            within = [bar for bar in past if bar.start in piece.span]
            known += [
                (span, [bar for bar in within if bar.start in span])
                for span in missing([piece.span], silent_in(piece.span, within))
            ]
        if known:
            self._history.add_all(series, known)
