"""What is asked of a load, and what it comes to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from apps.domain.errors import DeskError
from apps.domain.history.series import Series, What
from apps.domain.instruments import Instrument
from apps.domain.sessions import Span

__all__ = ["LoadReport", "Loaded", "OnProgress", "Progress", "Wanted"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Bars of one instrument that are to be in the store.

    ``span`` is aware UTC; bars of a day are wanted for each session that lies in it.
    ``what`` None is what bars of the instrument are usually made of.
    """

    instrument: Instrument
    bar_seconds: int
    span: Span
    what: What | None = None
    regular_hours: bool = True

    @property
    def series(self) -> Series:
        """The series that they belong to."""
        return Series.of(
            self.instrument, self.bar_seconds, what=self.what, regular_hours=self.regular_hours
        )


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of one series.

    Times are of open market, within what was wanted and is over: ``there`` was kept before,
    ``came`` is new, ``missing`` was not had. ``holes`` are stretches that the broker has no bars
    of. ``error`` is why it stopped; what had come by then is kept.
    """

    series: Series
    span: Span
    requests: int
    bars: int
    there: timedelta
    came: timedelta
    missing: timedelta
    holes: tuple[Span, ...] = ()
    error: DeskError | None = None


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a load came to, by series in the order asked; ``is_cut_short`` by its deadline."""

    rows: tuple[Loaded, ...]
    took_s: float
    is_cut_short: bool = False

    @property
    def bars(self) -> int:
        """How many bars came."""
        return sum(row.bars for row in self.rows)

    @property
    def is_complete(self) -> bool:
        """All that there is of what was wanted is kept now."""
        return all(row.error is None and not row.missing for row in self.rows)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a load is. ``requests`` grows while series are still being looked at.

    ``left_s`` is what the broker's pacing makes of the rest; None before anything is known.
    """

    done: int
    requests: int
    bars: int
    left_s: float | None


OnProgress = Callable[[Progress], None]
"""Called as requests are answered; must return at once."""
