"""IB's bar sizes, and how much of each it gives in one answer.

At home here: the names, IB's texts, and IB's table of durations. How a range is cut into requests
is `apps.domain.history.plan`'s. Weeks and months, which IB has too, are not asked for: they are
days, added up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from apps.domain.errors import InvalidInput

__all__ = [
    "BAR_SIZES",
    "DAY_S",
    "SECONDS",
    "SESSIONS",
    "BarSize",
    "Duration",
    "Unit",
    "bar_size",
    "parse_bar_size",
]

DAY_S = 86_400

_SMALL_S = 30
_SMALL_KEPT = timedelta(days=183)
_MOST_OF_ONE_SECOND = 2_000


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of IB's durations: the bar sizes that go with it, and how many may be asked for.

    ``days`` is how far back one of them reaches, in days of the calendar; 0.0 where it is counted
    otherwise: seconds in seconds, days in sessions.
    """

    letter: str
    smallest_s: int
    largest_s: int
    most: int
    days: float = 0.0


SECONDS = Unit("S", 1, 60, 86_400)
SESSIONS = Unit("D", 5, 3_600, 365)
_WEEKS = Unit("W", 10, 14_400, 52, days=7)
_MONTHS = Unit("M", 30, 28_800, 12, days=28)
_YEARS = Unit("Y", 60, DAY_S, 68, days=365)
_CALENDAR = (_WEEKS, _MONTHS, _YEARS)


@dataclass(frozen=True, slots=True)
class Duration:
    """How far back a request reaches; ``str`` is IB's text.

    >>> str(Duration(12, "D"))
    '12 D'
    """

    count: int
    letter: str

    def __str__(self) -> str:
        return f"{self.count} {self.letter}"


@dataclass(frozen=True, slots=True)
class BarSize:
    """One size: what is typed, what IB calls it, and its seconds."""

    name: str
    ib_text: str
    seconds: int

    @property
    def is_small(self) -> bool:
        """IB's hard pacing holds: 60 requests in ten minutes, and what follows from it."""
        return self.seconds <= _SMALL_S

    @property
    def is_of_days(self) -> bool:
        """One bar is one session."""
        return self.seconds >= DAY_S

    @property
    def kept(self) -> timedelta | None:
        """How far back from now IB keeps this size; None as far as it keeps the instrument."""
        return _SMALL_KEPT if self.is_small else None

    @property
    def most_seconds(self) -> int:
        """The seconds of one session that one request may ask for; 0 where it cannot."""
        if self.seconds == 1:
            return _MOST_OF_ONE_SECOND
        return SECONDS.most if self.seconds <= SECONDS.largest_s else 0

    @property
    def most_sessions(self) -> int:
        """The sessions that one request may ask for by their number; 0 where it cannot."""
        fits = SESSIONS.smallest_s <= self.seconds <= SESSIONS.largest_s
        return SESSIONS.most if fits else 0

    @property
    def calendar_unit(self) -> Unit:
        """The smallest of weeks, months and years that goes with this size."""
        return next(unit for unit in _CALENDAR if unit.smallest_s <= self.seconds <= unit.largest_s)


BAR_SIZES = tuple(
    BarSize(*row)
    for row in (
        ("1s", "1 secs", 1),
        ("5s", "5 secs", 5),
        ("10s", "10 secs", 10),
        ("15s", "15 secs", 15),
        ("30s", "30 secs", 30),
        ("1m", "1 min", 60),
        ("2m", "2 mins", 120),
        ("3m", "3 mins", 180),
        ("5m", "5 mins", 300),
        ("10m", "10 mins", 600),
        ("15m", "15 mins", 900),
        ("20m", "20 mins", 1_200),
        ("30m", "30 mins", 1_800),
        ("1h", "1 hour", 3_600),
        ("2h", "2 hours", 7_200),
        ("3h", "3 hours", 10_800),
        ("4h", "4 hours", 14_400),
        ("8h", "8 hours", 28_800),
        ("1d", "1 day", DAY_S),
    )
)
"""All of them, the smallest first."""

_BY_NAME = {each.name: each for each in BAR_SIZES}
_BY_SECONDS = {each.seconds: each for each in BAR_SIZES}


def parse_bar_size(text: str) -> BarSize:
    """Read ``5s``, ``1m``, ``1h``, ``1d``… Raises InvalidInput, which lists the sizes.

    >>> parse_bar_size("1m").ib_text
    '1 min'
    """
    try:
        return _BY_NAME[text.strip().lower()]
    except KeyError:
        raise InvalidInput(
            f"IB has no bars of {text!r}: the sizes are {', '.join(_BY_NAME)}."
        ) from None


def bar_size(seconds: int) -> BarSize:
    """Give the size of ``seconds``. Raises InvalidInput, which lists the sizes."""
    try:
        return _BY_SECONDS[seconds]
    except KeyError:
        raise InvalidInput(
            f"IB has no bars of {seconds} s: the sizes are {', '.join(_BY_NAME)}."
        ) from None
