"""One listener's place at a feed: what it is told, and what it has to be told first.

A listener that comes back after it heard nothing for a while is *behind*: what the feed brings
is held until the bars that it missed were fetched, and then all of it is replayed, to that
listener alone. The others hear every bar at its time. Who fetches is `apps.engine.prices.feeds`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from apps.domain.bars import Bar
from apps.domain.calm import Calm
from apps.domain.gaps import Gap, Replay, merged
from apps.engine.supervisor import contained

__all__ = ["MOST_HELD", "FeedListener", "Seat", "SeatOwner"]

MOST_HELD = 720
"""So many bars are held back for a gap, an hour of them; then it is given up."""


class FeedListener(Protocol):
    """Who listens to a feed. Calls are synchronous and must return at once."""

    def on_bar(self, bar: Bar, *, after_gap: bool) -> None:
        """A completed 5-second bar; ``after_gap`` when it is the first after a loss of sight."""

    def on_replay(self, replay: Replay) -> None:
        """A gap is over: what is known of it. The next bar is after a gap."""

    def on_blind(self, reason: str) -> None:
        """No bars come any more; `on_sight` follows when they do again."""

    def on_sight(self) -> None:
        """The feed is subscribed (again), and no gap is being filled."""

    def on_failure(self, error: Exception) -> None:
        """The listener itself raised ``error`` from one of the calls above."""

    def calm(self) -> Calm | None:
        """Give the bars that may be kept from it until it is told one again; None for none."""

    def urgency(self) -> float:
        """Tell how soon it needs its bars again; the lowest is served first.

        0.0 for an open trade, else how far the price is from what is waited for, as a share of
        the price; inf where that is not known.
        """


class SeatOwner(Protocol):
    """Who gives seats: lets their listeners go, and fetches what they missed."""

    def leave(self, seat: Seat) -> None:
        """The listener leaves."""

    def on_behind(self) -> None:
        """Something is held for a seat until `Seat.catch_up` is called with what it missed."""


class Seat:
    """One listener's place at a feed, and the bars that are calm to it.

    Of a gap it is told what began from ``since`` on, the market time at which it came (or None).
    One that ``is_behind`` has heard nothing since then.
    """

    def __init__(
        self,
        owner: SeatOwner,
        listener: FeedListener,
        since: datetime | None = None,
        *,
        is_behind: bool = False,
    ) -> None:
        self.listener = listener
        self.calm: Calm | None = None
        self._owner = owner
        self._since = since
        self._held: list[Bar] | None = [] if is_behind else None
        self._torn: Gap | None = None
        self._why = ""
        self._is_after_gap = False
        self._is_taken = True

    @property
    def missed(self) -> Gap | None:
        """What is to be fetched for it; None while that is nothing, or not known yet."""
        if not self._held or self._since is None:
            return None
        return Gap(self._since, self._held[0].start)

    def tell(self, bar: Bar, *, after_gap: bool) -> None:
        """Pass on a bar, unless it is calm; a bar after a gap never is."""
        if self._held is not None:
            self._hold((bar,))
            return
        after_gap = after_gap or self._is_after_gap
        if after_gap or self.calm is None or not self.calm.holds(bar):
            self.calm, self._is_after_gap = None, False
            contained(self.listener.on_failure, self._tell, bar, after_gap=after_gap)

    def replay(self, replay: Replay) -> None:
        """Pass on the bars of a gap; the next one is after it, and so never calm."""
        replay = self._since_it_came(replay)
        if self._held is None:
            contained(self.listener.on_failure, self.listener.on_replay, replay)
            return
        self._tear(replay)
        self._hold(replay.bars)

    def catch_up(self, replay: Replay) -> None:
        """End the holding: replay what was missed, and what was held meanwhile."""
        held, self._held = self._held, None
        if held is None or not self._is_taken:
            return
        self._tear(self._since_it_came(replay))
        self._is_after_gap = True
        bars = merged(held, self._since_it_came(replay).bars)
        self.replay(Replay(bars, self._torn, self._why))

    def close(self) -> None:
        """Leave the feed; the last to leave closes it."""
        if self._is_taken:
            self._is_taken = False
            self._owner.leave(self)

    def _hold(self, bars: tuple[Bar, ...]) -> None:
        if self._held is None or not bars:
            return
        self._held.extend(bars)
        if len(self._held) > MOST_HELD:
            self.catch_up(Replay((), self.missed, "history took too long"))
        else:
            self._owner.on_behind()

    def _tear(self, replay: Replay) -> None:
        """Take note of what could not be had; of two stretches that is all from first to last."""
        torn, before = replay.torn, self._torn
        if torn is None:
            return
        self._why = replay.why
        self._torn = (
            torn
            if before is None
            else Gap(min(before.start, torn.start), max(before.end, torn.end))
        )

    def _since_it_came(self, replay: Replay) -> Replay:
        since = self._since
        if since is None:
            return replay
        torn = replay.torn if replay.torn is not None and replay.torn.end > since else None
        return Replay(tuple(bar for bar in replay.bars if bar.start >= since), torn, replay.why)

    def _tell(self, bar: Bar, *, after_gap: bool) -> None:
        self.listener.on_bar(bar, after_gap=after_gap)
        self.calm = self.listener.calm()
