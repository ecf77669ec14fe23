"""What each watcher was given to see: every bar, live or replayed, calm ones too.

Watchers are not called for bars that lead to nothing, so the look is taken where bars pass to
their seats. Nothing is changed by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from apps.domain.bars import Bar
from apps.domain.gaps import Gap, Replay
from apps.engine.breakout_watcher import BreakoutWatcher
from apps.engine.prices.bar_feed import BarFeed

__all__ = ["BarProbe", "Diet"]

_BAR = timedelta(seconds=5)

HasBars = Callable[[str, datetime, datetime], bool]
"""Whether the market has bars of a symbol in ``[start, end)``."""


@dataclass
class Diet:
    """What one watcher was given, in order."""

    watcher: BreakoutWatcher
    bars: list[Bar] = field(default_factory=list)
    torn: list[Gap] = field(default_factory=list)

    @property
    def symbol(self) -> str:
        """What it watches."""
        return self.watcher.spec.instrument.symbol

    def faults(self, has_bars: HasBars) -> Iterator[str]:
        """Give what was missing without a word, doubled, or out of order."""
        for one, other in zip(self.bars, self.bars[1:], strict=False):
            if other.start <= one.start:
                was, came = f"{one.start:%H:%M:%S}", f"{other.start:%H:%M:%S}"
                yield f"{self.symbol}: the bar of {came} after that of {was}"
            elif other.start > one.start + _BAR:
                yield from self._hole(one.start + _BAR, other.start, has_bars)

    def _hole(self, start: datetime, end: datetime, has_bars: HasBars) -> Iterator[str]:
        at = start
        while at < end:
            told = any(gap.start <= at < gap.end for gap in self.torn)
            if not told and has_bars(self.symbol, at, at + _BAR):
                yield f"{self.symbol}: no bar of {at:%H:%M:%S}, and nothing was said of it"
                return
            at += _BAR


class BarProbe:
    """Keeps the diets of all watchers of all desks of a run."""

    def __init__(self) -> None:
        self.diets: dict[int, Diet] = {}

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Take note of all that is passed on while the block runs."""
        feeds: Any = BarFeed
        watchers: Any = BreakoutWatcher
        deliver, replay = feeds._deliver, watchers.on_replay

        def delivered(feed: BarFeed, bar: Bar) -> None:
            for seat in feed.seats:
                is_behind = getattr(seat, "_held", None) is not None  # it will be replayed
                if isinstance(seat.listener, BreakoutWatcher) and not is_behind:
                    self._diet(seat.listener).bars.append(bar)
            deliver(feed, bar)

        def replayed(watcher: BreakoutWatcher, told: Replay) -> None:
            diet = self._diet(watcher)
            diet.bars += told.bars
            if told.torn is not None:
                diet.torn.append(told.torn)
            replay(watcher, told)

        feeds._deliver, watchers.on_replay = delivered, replayed
        try:
            yield
        finally:
            feeds._deliver, watchers.on_replay = deliver, replay

    def _diet(self, watcher: BreakoutWatcher) -> Diet:
        return self.diets.setdefault(id(watcher), Diet(watcher))
