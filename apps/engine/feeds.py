"""One feed of 5-second bars per contract, shared by all who watch it.

At home here: who listens to which contract, when a subscription is opened and closed, and what
a loss of the link means for bars. Every loss is an epoch: when the link's counter has grown, a
feed is blind at once, whatever the link's state says by then, and stays so until it was
subscribed anew. The first bar after that is marked, for what happened in between is not known.

A bar reaches its listeners synchronously, within the call that brought it; a listener that
fails is told so itself and harms no other. A bar that is calm to all of them is told to none. A
feed keeps its last bar, nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from apps.domain.bars import Bar
from apps.domain.calm import Calm
from apps.domain.errors import BrokerError, DeadlineExceeded, NotConnected
from apps.domain.instruments import Instrument
from apps.engine.alerts import Alert, AlertKind, AlertSink
from apps.engine.market_clock import MarketClock
from apps.engine.ports import BarListener, Clock, Link, LinkState, MarketData, Subscription
from apps.engine.supervisor import Supervisor, contained, sentence

__all__ = ["BarFeeds", "FeedListener"]

FIRST_RETRY_S, LONGEST_RETRY_S = 1.0, 60.0
"""Pauses between attempts to subscribe anew while the link is up; each is twice the last."""


class FeedListener(Protocol):
    """Who listens to a feed. Calls are synchronous and must return at once."""

    def on_bar(self, bar: Bar, *, after_gap: bool) -> None:
        """A completed 5-second bar; ``after_gap`` when bars before it may have been missed."""

    def on_blind(self, reason: str) -> None:
        """No bars come any more; `on_sight` follows when they do again."""

    def on_sight(self) -> None:
        """The feed is subscribed (again)."""

    def on_failure(self, error: Exception) -> None:
        """The listener itself raised ``error`` from one of the calls above."""

    def calm(self) -> Calm | None:
        """Give the bars that may be kept from it until it is told one again; None for none."""


class BarFeeds:
    """The feeds of one desk. ``on_price`` hears each bar of any of them, before the listeners."""

    def __init__(
        self,
        market: MarketData,
        clock: Clock,
        market_clock: MarketClock,
        supervisor: Supervisor,
        alerts: AlertSink,
        on_price: Callable[[Instrument, Bar], None],
    ) -> None:
        self._market = market
        self._clock = clock
        self._market_clock = market_clock
        self._supervisor = supervisor
        self._alerts = alerts
        self._on_price = on_price
        self._feeds: dict[int, _Feed] = {}
        self._link = Link(LinkState.DISCONNECTED, 0)
        self._last_bar_s: float | None = None

    def __len__(self) -> int:
        return len(self._feeds)

    def last_bar_age_s(self) -> float | None:
        """Seconds of this machine since any feed had a bar; None while none has."""
        return None if self._last_bar_s is None else self._clock.monotonic() - self._last_bar_s

    def newest_bar(self, instrument: Instrument) -> Bar | None:
        """Give the last bar of a feed that somebody listens to; None while it has had none."""
        feed = self._feeds.get(instrument.con_id)
        return None if feed is None else feed.last_bar

    async def join(self, instrument: Instrument, listener: FeedListener) -> Subscription:
        """Listen to the bars of ``instrument`` until the subscription is closed.

        The first to join opens the feed, the last to leave closes it. While the link is down
        the feed is joined blind. Raises BrokerError when the broker refuses.
        """
        feed = self._feeds.get(instrument.con_id)
        if feed is None:
            feed = self._feeds[instrument.con_id] = _Feed(instrument, self._on_bar)
        was_open = feed.is_open
        seat = _Seat(self, feed, listener)
        feed.add(seat)
        try:
            await self._open(feed)
        except (NotConnected, DeadlineExceeded) as error:
            feed.go_blind(sentence(error))
            self._resubscribe(feed)
        except BaseException:
            seat.close()
            raise
        if was_open:  # otherwise it was told when the feed opened
            contained(listener.on_failure, listener.on_sight)
        return seat

    def on_link(self, link: Link) -> None:
        """Take note of the link's state: a loss blinds every feed before this returns."""
        lost = link.epoch != self._link.epoch or link.state is not LinkState.READY
        self._link = link
        for feed in tuple(self._feeds.values()):
            if lost:
                feed.go_blind(link.reason or link.state.value)
            if link.state is LinkState.READY and feed.is_blind:
                self._resubscribe(feed)

    def leave(self, feed: _Feed, seat: _Seat) -> None:
        """Take one listener off a feed, and close the feed that has none left."""
        feed.remove(seat)
        if not feed.seats and self._feeds.get(feed.instrument.con_id) is feed:
            del self._feeds[feed.instrument.con_id]
            feed.drop()

    def close(self) -> None:
        """Close every subscription; what is in flight reaches nobody any more."""
        for feed in self._feeds.values():
            feed.drop()
        self._feeds.clear()

    def _on_bar(self, instrument: Instrument, bar: Bar) -> None:
        self._last_bar_s = self._clock.monotonic()
        self._on_price(instrument, bar)
        self._market_clock.observe(bar.end)

    async def _open(self, feed: _Feed) -> None:
        async with feed.opening:  # whoever comes second finds the feed open
            if not feed.is_open and feed.listeners:
                epoch = self._link.epoch
                generation = feed.next_generation()
                subscription = await self._market.subscribe_bars(feed.instrument, generation)
                if self._link.epoch != epoch or not feed.listeners:
                    subscription.close()  # lost again meanwhile, or everyone has left
                    raise NotConnected("the link was lost while the feed was being opened")
                feed.opened(subscription)

    def _resubscribe(self, feed: _Feed) -> None:
        if not feed.is_retrying:
            feed.is_retrying = True
            self._supervisor.start(f"feed {feed.instrument.symbol}", lambda: self._retry(feed))

    async def _retry(self, feed: _Feed) -> None:
        try:
            await self._until_open(feed)
        finally:
            # not when the task has ended: a link that is READY before that would start nothing
            feed.is_retrying = False

    async def _until_open(self, feed: _Feed) -> None:
        """Try until the feed is open; wait for the link where it is that which is missing."""
        pause_s = FIRST_RETRY_S
        while feed.listeners and self._link.state is LinkState.READY:
            try:
                await self._open(feed)
            except NotConnected:
                pass  # the loss itself was told
            except (BrokerError, DeadlineExceeded) as error:
                self._tell(feed, f"no bars of {feed.instrument.symbol}: {sentence(error)}")
            else:
                return
            await self._clock.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_RETRY_S)

    def _tell(self, feed: _Feed, text: str) -> None:
        at, symbol = self._market_clock.now, feed.instrument.symbol
        self._alerts(Alert(AlertKind.WARNING, text, at, symbol))


class _Seat:
    """One listener's place at a feed, and the bars that are calm to it."""

    def __init__(self, feeds: BarFeeds, feed: _Feed, listener: FeedListener) -> None:
        self.listener = listener
        self.calm: Calm | None = None
        self._feeds, self._feed = feeds, feed
        self._is_taken = True

    def tell(self, bar: Bar, *, after_gap: bool) -> None:
        """Pass on a bar, unless it is calm; a bar after a gap never is."""
        if after_gap or self.calm is None or not self.calm.holds(bar):
            self.calm = None
            contained(self.listener.on_failure, self._tell, bar, after_gap=after_gap)

    def close(self) -> None:
        """Leave the feed; the last to leave closes it."""
        if self._is_taken:
            self._is_taken = False
            self._feeds.leave(self._feed, self)

    def _tell(self, bar: Bar, *, after_gap: bool) -> None:
        self.listener.on_bar(bar, after_gap=after_gap)
        self.calm = self.listener.calm()


class _Feed:
    """Bars of one contract: who listens, and the subscription while there is one."""

    def __init__(self, instrument: Instrument, on_any: Callable[[Instrument, Bar], None]) -> None:
        self.instrument = instrument
        self.seats: tuple[_Seat, ...] = ()
        self.opening = asyncio.Lock()
        self.is_blind = False
        self.is_retrying = False
        self._on_any = on_any
        self._subscription: Subscription | None = None
        self._generation = 0
        self.last_bar: Bar | None = None
        self._calm: Calm | None = None
        self._is_after_gap = False

    @property
    def listeners(self) -> tuple[FeedListener, ...]:
        return tuple(seat.listener for seat in self.seats)

    @property
    def is_open(self) -> bool:
        return self._subscription is not None

    def add(self, seat: _Seat) -> None:
        self.seats = (*self.seats, seat)
        self._calm = None  # what is calm to the new one is not known before its first bar

    def remove(self, seat: _Seat) -> None:
        self.seats = tuple(each for each in self.seats if each is not seat)

    def next_generation(self) -> BarListener:
        """Give the listener for the next subscription; bars of earlier ones are stale."""
        self._generation += 1
        generation = self._generation

        def receive(bar: Bar) -> None:
            if generation == self._generation:
                self._fan_out(bar)

        return receive

    def opened(self, subscription: Subscription) -> None:
        self._subscription = subscription
        self.is_blind = False
        for listener in self.listeners:
            contained(listener.on_failure, listener.on_sight)

    def go_blind(self, reason: str) -> None:
        """Drop the subscription; tell the listeners, once per loss of sight."""
        self.drop()
        self._is_after_gap = True
        if not self.is_blind:
            self.is_blind = True
            for listener in self.listeners:
                contained(listener.on_failure, listener.on_blind, reason)

    def drop(self) -> None:
        self._generation += 1
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None

    def _fan_out(self, bar: Bar) -> None:
        if self.last_bar is not None and bar.start <= self.last_bar.start:
            return  # a repeat
        self.last_bar = bar
        after_gap, self._is_after_gap = self._is_after_gap, False
        self._on_any(self.instrument, bar)
        if after_gap or self._calm is None or not self._calm.holds(bar):
            for seat in self.seats:
                seat.tell(bar, after_gap=after_gap)
            self._calm = self._calm_to_all()

    def _calm_to_all(self) -> Calm | None:
        to_all = Calm()
        for seat in self.seats:
            if seat.calm is None:
                return None
            to_all &= seat.calm
        return to_all
