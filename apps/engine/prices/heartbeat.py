"""The heartbeat of feeds: finds subscriptions that have died without a word.

A data farm that blinks, a link that comes back with dead streams, a subscription that just ends:
nothing is said of it, bars only stop. They also stop for good reason, when a symbol is halted or
not traded. So silence is suspected by the age of the bars, and proved before it is told:

1. The next bars of a feed are overdue, by the pace at which bars came until now (a gateway runs
   at any speed), within the session's hours.
2. The market's own clock goes on meanwhile, twice as long as a bar takes. A market that stands
   still owes no bars, and a clock that jumps shows no silence.
3. History has trades that the feed does not. Where it has none either, nothing was missed, and
   the next suspicion takes twice as long.

Where history cannot be asked, the feed counts as silent: to subscribe once too often is cheaper
than to be blind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from apps.domain.bars import BASE_SECONDS
from apps.domain.errors import DeskError
from apps.domain.gaps import Gap, span_to_ask
from apps.domain.instruments import Instrument
from apps.engine.history.kept_bars import KeptBars
from apps.engine.ports import Clock, MarketData
from apps.engine.prices.bar_feed import BarFeed
from apps.engine.prices.market_clock import MarketClock

__all__ = ["Heartbeat"]

OVERDUE_BARS = 3.0
"""Bars are overdue when so many should have come since the last one, by their pace."""

CLOCK_GOES_ON_S = 2 * BASE_SECONDS
"""So far the market's clock must go while they are, doubled for every doubt."""

PROBES = 3
"""When so many feeds in a row are proved dead, the others that fell silent are not asked about:
history takes sixty questions in ten minutes, and the gaps will need them."""

SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 5.0


class Heartbeat:
    """Looks at every feed once a bar's time. ``on_silent`` is told the ones that are dead.

    What history answers goes to ``kept``, if that is given.
    """

    def __init__(
        self,
        market: MarketData,
        clock: Clock,
        market_clock: MarketClock,
        feeds: Callable[[], Iterable[BarFeed]],
        on_silent: Callable[[Sequence[BarFeed]], None],
        kept: KeptBars | None = None,
    ) -> None:
        self._kept = kept
        self._market = market
        self._clock = clock
        self._market_clock = market_clock
        self._feeds = feeds
        self._on_silent = on_silent
        self._pace_s: float | None = None

    def observe(self, interval_s: float) -> None:
        """Take note of the seconds between two bars that follow each other."""
        pace_s = self._pace_s
        self._pace_s = interval_s if pace_s is None else 0.8 * pace_s + 0.2 * interval_s

    async def run(self) -> None:
        """Look again and again, for as long as the task is not stopped."""
        while True:
            await self._clock.sleep(self._pause_s())
            await self.look()

    async def look(self) -> None:
        """Look once: suspect, ask the clock, ask history, tell."""
        overdue = [feed for feed in self._feeds() if self._is_overdue(feed)]
        if not overdue:
            return
        try:
            now = await self._market_clock.ask()
        except DeskError:
            return  # a clock that does not answer is the link's matter
        # those whose bars have come meanwhile are none
        suspects = [
            each for each in overdue if self._is_overdue(each) and self._is_suspect(each, now)
        ]
        if suspects:
            await self._examine(sorted(suspects, key=lambda feed: feed.urgency), now)

    def _pause_s(self) -> float:
        if self._pace_s is None:
            return LONGEST_PAUSE_S
        return min(max(self._pace_s, SHORTEST_PAUSE_S), LONGEST_PAUSE_S)

    def _is_overdue(self, feed: BarFeed) -> bool:
        if not feed.is_open or feed.gap is not None or feed.heard_s is None:
            return False
        age_s = self._clock.monotonic() - feed.heard_s
        return age_s > OVERDUE_BARS * (self._pace_s or 0.0)

    def _is_suspect(self, feed: BarFeed, now: datetime) -> bool:
        if not _is_in_session(feed.instrument, now):
            feed.quiet_since = None
            return False
        if feed.quiet_since is None:
            feed.quiet_since = feed.doubted_at = now
        patience = timedelta(seconds=CLOCK_GOES_ON_S << feed.doubts)
        return now - (feed.doubted_at or now) >= patience

    async def _examine(self, suspects: Sequence[BarFeed], now: datetime) -> None:
        dead: list[BarFeed] = []
        for place, feed in enumerate(suspects):
            if place >= PROBES and len(dead) == place:
                dead.append(feed)
            elif await self._is_dead(feed, now):
                dead.append(feed)
                if feed.is_after_gap:
                    feed.doubt()  # it was subscribed anew, and that did not help
            else:
                feed.doubt()
                feed.doubted_at = now
        silent = [feed for feed in dead if feed.is_open and feed.quiet_since is not None]
        if silent:
            self._on_silent(silent)

    async def _is_dead(self, feed: BarFeed, now: datetime) -> bool:
        """Ask history for trades that the feed should have brought."""
        since = feed.quiet_since or now
        if feed.last_bar is not None and not feed.is_after_gap:
            since = min(since, feed.last_bar.end)
        span_s = span_to_ask(Gap(since, now), now, feed.instrument.hours)
        try:
            past = await self._market.history(
                feed.instrument, seconds=BASE_SECONDS, duration_s=span_s
            )
        except DeskError:
            feed.doubt()
            return True
        if self._kept is not None:
            self._kept.keep(feed.instrument, past)
        # the newest may be the running one
        return any(bar.start >= since and bar.count != 0 for bar in past[:-1])


def _is_in_session(instrument: Instrument, now: datetime) -> bool:
    """Tell whether bars may be expected; beyond the hours that are known, always."""
    regular = instrument.hours.regular
    if not regular or now >= regular[-1].end:
        return True
    return instrument.hours.regular_at(now) is not None
