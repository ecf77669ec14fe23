"""One feed of 5-second bars per contract, shared by all who watch it.

At home here: who listens to which contract, when a subscription is opened and closed, in which
order lost ones are opened again, and how gaps are filled. Every loss is an epoch: when the link's
counter has grown by one that took bars, a feed is blind at once, whatever the link's state says
by then, and stays so until it was subscribed anew. A subscription that the broker ends, or that
falls silent (`apps.engine.prices.heartbeat`), is a loss too.

IB takes sixty new subscriptions in ten minutes. Those that are lost together wait for their turn,
the most urgent first: what has an open trade, then what is nearest to its level.

What was missed is fetched from history once the first new bar shows where the gap ends, and told
as replayed (`apps.engine.prices.bar_feed`). What cannot be had is told, and the feed goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any

from apps.domain.bars import BASE_SECONDS, Bar
from apps.domain.errors import BrokerError, DeadlineExceeded, DeskError, NotConnected
from apps.domain.gaps import Gap, Replay, filled, reaches, span_to_ask, trading_seconds
from apps.domain.instruments import Instrument
from apps.domain.link import FarmKind, Link, LinkState, Lost
from apps.engine.alerts import Alert, AlertKind, AlertSink
from apps.engine.history.kept_bars import KeptBars
from apps.engine.long_lived import LongLived
from apps.engine.ports import Clock, MarketData, Subscription
from apps.engine.prices.bar_feed import BarFeed, FeedListener, Seat
from apps.engine.prices.heartbeat import Heartbeat
from apps.engine.prices.market_clock import MarketClock
from apps.engine.supervisor import Supervised, Supervisor, TaskEnd, contained, sentence

__all__ = ["BarFeeds", "FeedListener"]

FIRST_RETRY_S, LONGEST_RETRY_S = 1.0, 60.0
"""Pauses between attempts to subscribe anew while the link is up; each is twice the last."""

LONGEST_TURN_S = 5.0
"""After so long, who waits for its turn looks again: a more urgent one may have come or gone."""

HISTORY_LAG_S = 2.0
"""After so long, history is asked once more for a bar that it did not have yet."""


class BarFeeds:
    """The feeds of one desk.

    ``on_price`` hears each live bar of any of them, before the listeners. ``kept`` is where bars of
    the past are, and are kept; None for nowhere.
    """

    def __init__(
        self,
        market: MarketData,
        clock: Clock,
        market_clock: MarketClock,
        supervisor: Supervisor,
        alerts: AlertSink,
        on_price: Callable[[Instrument, Bar], None],
        kept: KeptBars | None = None,
    ) -> None:
        self._market = market
        self._kept = kept
        self._clock = clock
        self._market_clock = market_clock
        self._supervisor = supervisor
        self._alerts = alerts
        self._on_price = on_price
        self._long_lived = LongLived(supervisor, market_clock, alerts)
        self._feeds: dict[int, BarFeed] = {}
        self._waiting: list[BarFeed] = []
        self._link = Link(LinkState.DISCONNECTED, 0)
        self._last_bar_s: float | None = None
        self._catching_up: set[int] = set()
        self._heartbeat = Heartbeat(
            market, clock, market_clock, lambda: tuple(self._feeds.values()), self._on_silent, kept
        )
        self._beating: Supervised | None = None

    def __len__(self) -> int:
        return len(self._feeds)

    def instruments(self) -> tuple[Instrument, ...]:
        """Give what somebody listens to."""
        return tuple(feed.instrument for feed in self._feeds.values())

    def last_bar_age_s(self) -> float | None:
        """Seconds of this machine since any feed had a bar; None while none has."""
        return None if self._last_bar_s is None else self._clock.monotonic() - self._last_bar_s

    def newest_bar(self, instrument: Instrument) -> Bar | None:
        """Give the last bar of a feed that somebody listens to; None while it has had none."""
        feed = self._feeds.get(instrument.con_id)
        return None if feed is None else feed.last_bar

    def turn_in_s(self, instrument: Instrument) -> float | None:
        """Give the seconds until a lost feed may be subscribed anew; None when none is due."""
        feed = self._feeds.get(instrument.con_id)
        if feed is None or feed not in self._waiting:
            return None
        return self._market.bars_wait_s(self._place(feed))

    async def join(
        self, instrument: Instrument, listener: FeedListener, *, since: datetime | None = None
    ) -> Subscription:
        """Listen to the bars of ``instrument`` until the subscription is closed.

        The first to join opens the feed, the last to leave closes it. While the link is down, or
        others wait for their turn to subscribe, the feed is joined blind. Who comes back is told
        first what it missed ``since`` the market time (aware UTC), as replayed. Raises BrokerError
        when the broker refuses.
        """
        feed = self._feeds.get(instrument.con_id)
        if feed is None:
            feed = self._feeds[instrument.con_id] = BarFeed(instrument, self, self._clock)
        self._keep_beating()
        was_open = feed.is_open
        now = self._market_clock.now
        seat = Seat(feed, listener, since or now, is_behind=since is not None)
        feed.add(seat)
        try:
            await self._open_at_once(feed)
        except (NotConnected, DeadlineExceeded) as error:
            feed.go_blind(sentence(error))
            self._resubscribe(feed)
        except BaseException:
            seat.close()
            raise
        if was_open:  # otherwise it was told when the feed opened
            word = listener.on_sight if not feed.is_blind else lambda: listener.on_blind("")
            contained(listener.on_failure, word)
        return seat

    def on_link(self, link: Link) -> None:
        """Take note of the link's state: a loss blinds every feed before this returns."""
        before, self._link = self._link, link
        took = (Lost.BARS, Lost.SUBSCRIPTIONS)
        lost = not link.takes_openings or any(
            link.has_lost_since(before.epoch, each) for each in took
        )
        for feed in tuple(self._feeds.values()):
            if lost:
                feed.go_blind(link.reason or link.state.value)
        if link.takes_openings:
            self._resubscribe(*self._feeds.values())

    def on_bar(self, feed: BarFeed, bar: Bar, interval_s: float | None) -> None:
        """Take note of a live bar, before its listeners do."""
        self._last_bar_s = feed.heard_s
        if interval_s is not None:
            self._heartbeat.observe(interval_s)
        self._on_price(feed.instrument, bar)
        self._market_clock.observe(bar.end)

    def on_gap(self, feed: BarFeed, gap: Gap) -> None:
        """Fill ``gap`` in the background."""

        def settle(task: Supervised) -> None:
            if task.end is TaskEnd.FAILED:  # in whatever way: no bar stays behind for it
                self._end_gap(feed, gap, Replay((), gap, task.reason))

        name = f"gap {feed.instrument.symbol}"
        self._supervisor.start(name, lambda: self._fill(feed, gap), settle)

    def on_behind(self, feed: BarFeed) -> None:
        """Fetch what listeners of a feed missed, in the background."""
        con_id = feed.instrument.con_id
        if con_id not in self._catching_up:
            self._catching_up.add(con_id)

            def settle(task: Supervised) -> None:
                if task.end is TaskEnd.FAILED:  # in whatever way: nobody is left behind for it
                    for seat in feed.seats:
                        seat.catch_up(Replay((), seat.missed, task.reason))

            name = f"catch up {feed.instrument.symbol}"
            self._supervisor.start(name, lambda: self._catch_up(feed), settle)

    def on_lost(self, feed: BarFeed, reason: str) -> None:
        """Subscribe anew what the broker has ended; the broker's own word was told."""
        feed.go_blind(reason)
        self._resubscribe(feed)

    def leave(self, feed: BarFeed, seat: Seat) -> None:
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
        if self._beating is not None:
            self._beating.stop()

    # ------------------------------------------------------------------------- subscribing

    async def _open_at_once(self, feed: BarFeed) -> None:
        """Open a feed unless that would take the turn of those who wait."""
        if not feed.is_open and self._link.takes_openings:
            wait_s = self._market.bars_wait_s(len(self._waiting) + 1)
            if wait_s > 0:
                raise NotConnected(f"bars may be subscribed again in {wait_s:.0f} s")
        await self._open(feed)

    async def _open(self, feed: BarFeed) -> None:
        async with feed.opening:  # whoever comes second finds the feed open
            if not feed.is_open and feed.listeners:
                epoch = self._link.epoch
                on_bar, on_end = feed.next_generation()
                subscription = await self._market.subscribe_bars(feed.instrument, on_bar, on_end)
                if self._link.epoch != epoch or not feed.listeners:
                    subscription.close()  # lost again meanwhile, or everyone has left
                    raise NotConnected("the link was lost while the feed was being opened")
                feed.opened(subscription)

    def _resubscribe(self, *feeds: BarFeed) -> None:
        """Open again what is not open, the most urgent first."""
        for feed in sorted(feeds, key=lambda each: each.urgency):
            if not feed.is_open and not feed.is_retrying and feed.seats:
                feed.is_retrying = True
                self._waiting.append(feed)
                self._supervisor.start(f"feed {feed.instrument.symbol}", self._retrying(feed))

    def _retrying(self, feed: BarFeed) -> Callable[[], Coroutine[Any, Any, None]]:
        return lambda: self._retry(feed)

    async def _retry(self, feed: BarFeed) -> None:
        try:
            await self._until_open(feed)
        finally:
            # not when the task has ended: a link that is READY before that would start nothing
            feed.is_retrying = False
            self._waiting.remove(feed)

    async def _until_open(self, feed: BarFeed) -> None:
        """Try until the feed is open; wait for the link where it is that which is missing."""
        pause_s = FIRST_RETRY_S
        while feed.listeners and self._link.takes_openings:
            if (wait_s := self._market.bars_wait_s(self._place(feed))) > 0:
                await self._clock.sleep(min(wait_s, LONGEST_TURN_S))
                continue
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

    def _place(self, feed: BarFeed) -> int:
        """Give the place of a feed among those that wait, from 1."""
        waiting = [each for each in self._waiting if not each.is_open or each is feed]
        return 1 + sorted(waiting, key=lambda each: each.urgency).index(feed)

    # ----------------------------------------------------------------------------- silence

    def _keep_beating(self) -> None:
        if self._beating is None or not self._beating.is_running:
            without = "feeds that fall silent are not found"  # until the next one is joined
            self._beating = self._long_lived.keep("heartbeat of bars", self._heartbeat.run, without)

    def _on_silent(self, feeds: Sequence[BarFeed]) -> None:
        symbols = ", ".join(feed.instrument.symbol for feed in feeds)
        text = f"{symbols}: bars have stopped without a word, though the market goes on"
        self._alerts(
            Alert(AlertKind.WARNING, f"{text}; subscribed anew", self._market_clock.now, symbols)
        )
        for feed in feeds:
            feed.go_blind(text)
        self._resubscribe(*feeds)

    # -------------------------------------------------------------------------- gap filling

    async def _fill(self, feed: BarFeed, gap: Gap) -> None:
        """Fetch what is missing, and end the gap with it or without it."""
        try:
            replay = await self._fetch(feed, gap, feed.last_bar)
        except DeskError as error:
            replay = Replay((), gap, sentence(error))
        self._end_gap(feed, gap, replay)

    async def _catch_up(self, feed: BarFeed) -> None:
        """Fetch once what several missed; the longest stretch holds all of them."""
        seats = [seat for seat in feed.seats if seat.missed is not None]
        missed = [seat.missed for seat in seats if seat.missed is not None]
        replay = Replay(())
        try:
            if missed:
                start, end = min(each.start for each in missed), max(each.end for each in missed)
                replay = await self._missed(feed, Gap(start, end), seats)
        except NotConnected:
            seats = []  # held on: it is tried again with the first bar after the loss
        finally:
            self._catching_up.discard(feed.instrument.con_id)
        for seat in seats:
            seat.catch_up(replay)
            if not feed.is_blind:
                contained(seat.listener.on_failure, seat.listener.on_sight)

    async def _missed(self, feed: BarFeed, gap: Gap, seats: Sequence[Seat]) -> Replay:
        if trading_seconds(feed.instrument.hours, gap.start, gap.end) <= 0:
            return Replay(())
        for seat in seats:
            reason = f"the bars of {gap} are fetched"
            contained(seat.listener.on_failure, seat.listener.on_blind, reason)
        try:
            replay = await self._fetch(feed, gap, None)
        except NotConnected:
            raise
        except DeskError as error:
            replay = Replay((), gap, sentence(error))
        self._tell_torn(feed, replay)
        return replay

    def _end_gap(self, feed: BarFeed, gap: Gap, replay: Replay) -> None:
        if feed.gap is not gap:
            return  # lost again, and bigger by now, or given up
        self._tell_torn(feed, replay)
        if replay.torn is None and not any(bar.start < gap.end for bar in replay.bars):
            feed.doubt()
        feed.replay(replay)

    async def _fetch(self, feed: BarFeed, gap: Gap, last: Bar | None) -> Replay:
        """Give what there is of ``gap``; ``last`` is the bar right before it, if that is known."""
        if self._kept is not None:
            kept = await self._kept.of(feed.instrument, gap)
            if kept is not None:
                return Replay(kept)
        for farm in self._link.farms_down:
            if farm.kind is FarmKind.HISTORY:  # it would be waited for, and every bar with it
                return Replay((), gap, f"{farm} is down")
        hours, now = feed.instrument.hours, gap.end
        for pause_s in (HISTORY_LAG_S, None):
            span_s = span_to_ask(gap, now, hours)
            past = await self._market.history(
                feed.instrument, seconds=BASE_SECONDS, duration_s=span_s
            )
            if self._kept is not None:
                self._kept.keep(feed.instrument, past)
            if reaches(past, gap.end):
                return filled(gap, last, past)
            if pause_s is not None:
                await self._clock.sleep(pause_s)
                now = await self._market_clock.ask()
        return Replay((), gap, "history does not have them yet")

    def _tell_torn(self, feed: BarFeed, replay: Replay) -> None:
        if replay.torn is not None:
            where = f"the bars of {feed.instrument.symbol} of {replay.torn} are missing"
            self._tell(feed, f"{where}: {replay.why}; watched on without them")

    def _tell(self, feed: BarFeed, text: str) -> None:
        at, symbol = self._market_clock.now, feed.instrument.symbol
        self._alerts(Alert(AlertKind.WARNING, text, at, symbol))
