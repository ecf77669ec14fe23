"""What outlives a desk of its watchers: written into the journal, and read from it again.

A watcher is written down before it is armed, after each change of where it stands, and when it
has ended; a calm bar writes nothing. Changes come while bars are told, and the next watcher may
have a bracket to send: so they are gathered and written in one piece once the bars are through.
Should the desk die between the two, the intent that was reserved in the watcher's name says what
the watcher could not.

Until when bars were heard is written down for each contract once in `HEARD_EVERY` of market time:
what a desk that comes back has missed begins there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from apps.domain.breakout import BreakoutState, Phase
from apps.domain.errors import WatcherRefused
from apps.domain.records import BarsHeard, KeptWatcher, WatcherSeen
from apps.domain.ticks import to_decimal
from apps.domain.watching.terms import WatcherState, WatcherTerms
from apps.domain.watching.text import state_of, state_text, terms_of, terms_text
from apps.engine.breakout_watcher import BreakoutWatcher
from apps.engine.chronicle import Chronicle
from apps.engine.ports import Clock, Journal
from apps.engine.prices.market_clock import MarketClock

__all__ = ["HEARD_EVERY", "Remembered", "WatcherDiary", "seen"]

HEARD_EVERY = timedelta(minutes=10)

_LOOK_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class Remembered:
    """A watcher of the journal that has not ended; ``close`` is the last price that was heard."""

    watcher_id: str
    terms: WatcherTerms
    state: WatcherState
    close: float | None

    @property
    def urgency(self) -> float:
        """How soon it needs its bars; see `FeedListener.urgency`."""
        if self.state.order_ref:
            return 0.0
        if not self.close:
            return float("inf")
        return abs(float(self.terms.rule.level) / self.close - 1)


def seen(
    watcher_id: str,
    terms: WatcherTerms,
    state: WatcherState,
    at: datetime | None,
    *,
    has_ended: bool = False,
    reason: str = "",
) -> WatcherSeen:
    """Give the record of a watcher."""
    return WatcherSeen(
        watcher_id=watcher_id,
        symbol=terms.symbol,
        phase=state.rule.phase.value,
        terms=terms_text(terms),
        state=state_text(state),
        has_ended=has_ended,
        reason=reason,
        at=at,
    )


class WatcherDiary:
    """Writes and reads; ``running`` gives the watchers that run."""

    def __init__(
        self,
        chronicle: Chronicle,
        journal: Journal,
        clock: Clock,
        market_clock: MarketClock,
        running: Callable[[], Iterable[BreakoutWatcher]],
    ) -> None:
        self._chronicle = chronicle
        self._journal = journal
        self._clock = clock
        self._market_clock = market_clock
        self._running = running
        self._changed: dict[str, BreakoutWatcher] = {}
        self._heard: dict[int, datetime] = {}

    def arm(self, watcher: BreakoutWatcher) -> None:
        """Write down a watcher that is about to be armed. Raises JournalLost: do not arm it."""
        self._chronicle.reserve(self._record(watcher))

    def change(self, watcher: BreakoutWatcher) -> None:
        """Have a change be written down once the bars that are being told are through."""
        if not self._changed:
            asyncio.get_running_loop().call_soon(self.write)
        self._changed[watcher.id] = watcher

    def write(self, also: Iterable[BreakoutWatcher] = ()) -> None:
        """Write down what has changed until now, and how those of ``also`` stand."""
        watchers = {**self._changed, **{each.id: each for each in also}}
        self._changed = {}
        if watchers:
            self._chronicle.note(*(self._record(each) for each in watchers.values()))

    def end(self, watcher_id: str, terms: WatcherTerms, state: WatcherState, reason: str) -> None:
        """Write down that nobody carries a watcher on."""
        self._changed.pop(watcher_id, None)
        at = self._market_clock.now
        self._chronicle.note(seen(watcher_id, terms, state, at, has_ended=True, reason=reason))

    def forget(self, reason: str) -> tuple[str, ...]:
        """Write down the end of every watcher that has none; give their ids."""
        kept = [each.seen for each in self._journal.watchers()]
        at = self._market_clock.now
        if kept:
            self._chronicle.note(
                *(replace(each, has_ended=True, reason=reason, at=at) for each in kept)
            )
        return tuple(each.watcher_id for each in kept)

    def remembered(self) -> tuple[tuple[Remembered, ...], tuple[WatcherRefused, ...]]:
        """Give the watchers that have not ended, the most urgent first, and why some cannot be."""
        heard = {each.con_id: each for each in self._journal.bars_heard()}
        found: list[Remembered] = []
        refused: list[WatcherRefused] = []
        for kept in self._journal.watchers():
            try:
                found.append(_remembered(kept, heard))
            except WatcherRefused as error:
                refused.append(error)
        return tuple(sorted(found, key=lambda each: each.urgency)), tuple(refused)

    async def keep_hearing(self) -> None:
        """Write down until when bars were heard, for as long as the task is not stopped."""
        while True:
            await self._clock.sleep(_LOOK_EVERY_S)
            self.note_heard(HEARD_EVERY)

    def note_heard(self, every: timedelta = timedelta()) -> None:
        """Write down until when bars were heard, where that is ``every`` later than it was."""
        news = [
            each
            for each in self._newest().values()
            if (last := self._heard.get(each.con_id)) is None or each.at - last > every
        ]
        if news:
            self._heard.update({each.con_id: each.at for each in news})
            self._chronicle.note(*news)

    def _newest(self) -> dict[int, BarsHeard]:
        """Give the newest bar of each contract of which every watcher has heard all."""
        newest: dict[int, BarsHeard] = {}
        behind: set[int] = set()
        for watcher in self._running():
            instrument, bar = watcher.spec.instrument, watcher.heard
            if bar is None:
                behind.add(instrument.con_id)
            else:
                close = to_decimal(bar.close)
                newest[instrument.con_id] = BarsHeard(
                    instrument.con_id, instrument.symbol, close, bar.end
                )
        return {con_id: each for con_id, each in newest.items() if con_id not in behind}

    def _record(self, watcher: BreakoutWatcher) -> WatcherSeen:
        return seen(watcher.id, watcher.spec.terms, watcher.state, self._market_clock.now)


def _remembered(kept: KeptWatcher, heard: dict[int, BarsHeard]) -> Remembered:
    """Give a watcher as it is to come back. Raises WatcherRefused."""
    name = kept.seen.watcher_id
    terms, state = terms_of(kept.seen.terms, name), state_of(kept.seen.state, name)
    last = heard.get(terms.con_id)
    known = (state.heard_until, None if last is None else last.at)
    until = max((each for each in known if each is not None), default=None)
    order_ref = state.order_ref or kept.order_ref
    rule = BreakoutState(Phase.ENTERED, None, state.rule.trigger) if order_ref else state.rule
    close = None if last is None else float(last.close)
    return Remembered(name, terms, WatcherState(rule, until, order_ref), close)
