"""The bars of one contract: put in order, held back while a gap is filled, handed to listeners.

A bar reaches its listeners (`apps.engine.prices.seat`) synchronously, within the call that brought
it; a listener that fails is told so itself and harms no other. A bar that is calm to all of them
is told to none.

When bars are missing before one that comes, that one and those after it are held until the gap is
over: filled from history, or given up. Then all of them are replayed, but for the newest one
where it has just come. Who fills gaps, and who subscribes, is `apps.engine.prices.feeds`. A feed
keeps its last bar and, for the while, those that it holds back: `MOST_HELD` at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from apps.domain.bars import Bar
from apps.domain.calm import Calm
from apps.domain.gaps import Gap, Replay, gap_between, merged
from apps.domain.instruments import Instrument
from apps.engine.ports import BarListener, Clock, Subscription
from apps.engine.prices.seat import MOST_HELD, FeedListener, Seat
from apps.engine.supervisor import contained

__all__ = ["MOST_HELD", "BarFeed", "FeedListener", "FeedOwner", "Seat"]

HELD_IS_FRESH_S = 1.0
"""A bar that was held for so long, in seconds of this machine, is none to act upon any more."""

STEADY_BARS = 12
"""A hole is a sign of loss. But of an instrument that has been found not to be traded for a while,
IB leaves bars out: there it is one only after so many bars in a row, doubled for every doubt."""

FORGIVEN_BARS = 720
MOST_DOUBTS = 6


class FeedOwner(Protocol):
    """Who runs the feeds: hears of their bars, fills their gaps and ends those nobody hears."""

    def on_bar(self, feed: BarFeed, bar: Bar, interval_s: float | None) -> None:
        """A bar has come; its listeners hear of it next, or once a gap is over.

        ``interval_s`` is the time since the one right before it, None after anything else.
        """

    def on_gap(self, feed: BarFeed, gap: Gap) -> None:
        """Bars are held back until `BarFeed.replay` ends ``gap``."""

    def on_lost(self, feed: BarFeed, reason: str) -> None:
        """The subscription was ended by the broker."""

    def on_behind(self, feed: BarFeed) -> None:
        """Bars are held for a listener that missed some; see `Seat.missed`."""

    def leave(self, feed: BarFeed, seat: Seat) -> None:
        """A listener leaves."""


class BarFeed:
    """Bars of one contract: who listens, and the subscription while there is one.

    ``doubts`` counts how often bars were missing that nobody else had either: it takes twice as
    much each time to be suspected again. ``quiet_since`` is the market time at which it was first
    seen that bars are overdue, ``doubted_at`` that of the last doubt since (the heartbeat keeps
    both).
    """

    def __init__(self, instrument: Instrument, owner: FeedOwner, clock: Clock) -> None:
        self.instrument = instrument
        self.seats: tuple[Seat, ...] = ()
        self.opening = asyncio.Lock()
        self.is_blind = False
        self.is_retrying = False
        self.last_bar: Bar | None = None
        self.heard_s: float | None = None
        """When the last bar came, or the subscription was opened: seconds of this machine."""
        self.quiet_since: datetime | None = None
        self.doubted_at: datetime | None = None
        self.doubts = 0
        self._owner = owner
        self._clock = clock
        self._subscription: Subscription | None = None
        self._generation = 0
        self._calm: Calm | None = None
        self._is_after_gap = False
        self._expected: datetime | None = None
        self._run = 0
        self._gap: Gap | None = None
        self._held: list[Bar] = []

    @property
    def listeners(self) -> tuple[FeedListener, ...]:
        """Everyone who hears of the bars."""
        return tuple(seat.listener for seat in self.seats)

    @property
    def is_open(self) -> bool:
        """There is a subscription, as far as is known."""
        return self._subscription is not None

    @property
    def is_after_gap(self) -> bool:
        """No bar has come since sight was lost."""
        return self._is_after_gap

    @property
    def gap(self) -> Gap | None:
        """The gap that is being filled; the bars after it are held back meanwhile."""
        return self._gap

    @property
    def urgency(self) -> float:
        """How soon the most urgent of the listeners needs bars; see `FeedListener.urgency`."""
        return min((each.urgency() for each in self.listeners), default=float("inf"))

    def add(self, seat: Seat) -> None:
        """Take in one more listener."""
        self.seats = (*self.seats, seat)
        self._calm = None  # what is calm to the new one is not known before its first bar

    def leave(self, seat: Seat) -> None:
        """Let a listener go, and close the feed when it was the last."""
        self._owner.leave(self, seat)

    def on_behind(self) -> None:
        """Have what a listener missed be fetched."""
        self._owner.on_behind(self)

    def remove(self, seat: Seat) -> None:
        """Let a listener go."""
        self.seats = tuple(each for each in self.seats if each is not seat)

    def next_generation(self) -> tuple[BarListener, Callable[[str], None]]:
        """Give the listeners for the next subscription; those of earlier ones are deaf."""
        self._generation += 1
        generation = self._generation

        def receive(bar: Bar) -> None:
            if generation == self._generation:
                self._take(bar)

        def end(reason: str) -> None:
            if generation == self._generation:
                self._owner.on_lost(self, reason)

        return receive, end

    def opened(self, subscription: Subscription) -> None:
        """Take note that there is a subscription."""
        self._subscription = subscription
        if self.heard_s is None:
            self.heard_s = self._clock.monotonic()
        if self._gap is None:
            self._see()

    def go_blind(self, reason: str) -> None:
        """Drop the subscription; tell the listeners, once per loss of sight."""
        self.drop()
        self._is_after_gap = True
        self._tell_blind(reason)

    def drop(self) -> None:
        """End the subscription, and forget what was held: history will have it."""
        self._generation += 1
        self._gap, self._held = None, []
        self.quiet_since = self.heard_s = None
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None

    def doubt(self) -> None:
        """Take note that bars were missing for good reason: nothing was traded."""
        self.doubts = min(self.doubts + 1, MOST_DOUBTS)
        self._run = 0

    def replay(self, replay: Replay) -> None:
        """End the gap: pass on what is known of it, and what was held back meanwhile."""
        held, self._gap, self._held = self._held, None, []
        fetched = [bar for bar in replay.bars if bar.start < held[-1].start]  # none is half done
        newest = held.pop() if self._is_newest_fresh() else None
        bars = merged(held, fetched)
        if bars:
            self._advance(bars[-1])
        if bars or replay.torn is not None:
            for seat in self.seats:
                seat.replay(Replay(bars, replay.torn, replay.why))
        self._is_after_gap = True
        self._see()
        if newest is not None:
            self._deliver(newest)

    def _is_newest_fresh(self) -> bool:
        heard_s = self.heard_s
        return heard_s is not None and self._clock.monotonic() - heard_s <= HELD_IS_FRESH_S

    def _take(self, bar: Bar) -> None:
        last = self.last_bar
        if last is not None and bar.start <= last.start:
            return  # a repeat
        now_s = self._clock.monotonic()
        heard_s, self.heard_s, self.quiet_since = self.heard_s, now_s, None
        follows = self._gap is None and bar.start == self._expected
        is_steady = follows and heard_s is not None and not self._is_after_gap
        self._owner.on_bar(self, bar, now_s - (heard_s or 0.0) if is_steady else None)
        if self._gap is not None:
            self._hold(bar)
        elif follows:
            self._deliver(bar)
        elif last is None or (gap := self._suspicious_gap(last, bar)) is None:
            self._run = 0
            self._deliver(bar)
        else:
            self._begin_gap(gap, bar)

    def _suspicious_gap(self, last: Bar, bar: Bar) -> Gap | None:
        """Give what is missing before ``bar``, unless nobody is likely to have it."""
        if not self._is_after_gap and self.doubts and self._run < STEADY_BARS << self.doubts:
            return None
        return gap_between(last, bar, self.instrument.hours)

    def _begin_gap(self, gap: Gap, bar: Bar) -> None:
        self._gap, self._held = gap, [bar]
        self._tell_blind(f"the bars of {gap} are fetched")
        self._owner.on_gap(self, gap)

    def _hold(self, bar: Bar) -> None:
        self._held = list(merged(self._held, (bar,)))  # one that was late takes its place
        if len(self._held) > MOST_HELD and self._gap is not None:
            self.replay(Replay((), self._gap, "history took too long"))

    def _deliver(self, bar: Bar) -> None:
        self._advance(bar)
        self._run += 1
        if self.doubts and self._run >= FORGIVEN_BARS:
            self.doubts = 0
        after_gap, self._is_after_gap = self._is_after_gap, False
        if after_gap or self._calm is None or not self._calm.holds(bar):
            for seat in self.seats:
                seat.tell(bar, after_gap=after_gap)
            self._calm = self._calm_to_all()

    def _advance(self, bar: Bar) -> None:
        self.last_bar, self._expected = bar, bar.end

    def _see(self) -> None:
        if self.is_open:
            self.is_blind = False
            for listener in self.listeners:
                contained(listener.on_failure, listener.on_sight)

    def _tell_blind(self, reason: str) -> None:
        if not self.is_blind:
            self.is_blind = True
            for listener in self.listeners:
                contained(listener.on_failure, listener.on_blind, reason)

    def _calm_to_all(self) -> Calm | None:
        to_all = Calm()
        for seat in self.seats:
            if seat.calm is None:
                return None
            to_all &= seat.calm
        return to_all
