"""What happens at the end of a regular session: who is closed, when, and what stays overnight.

Pure: the sessions are the instrument's own hours, so half days and the change of the clocks are in
them already. Closing itself is the exit routine's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from apps.domain.sessions import Span, TradingHours

__all__ = ["BEFORE_CLOSE", "Overnight", "SessionEndRule", "parse_before_close"]

BEFORE_CLOSE = timedelta(minutes=5)
"""How long before the close a desk acts, or tells what stays, where nobody has said otherwise."""

_LONGEST = timedelta(hours=6)
_UNITS_S = {"s": 1, "m": 60, "h": 3600}


class Overnight(Enum):
    """What becomes of positions at the close; the value is that of the setting."""

    HOLD = "hold"
    """They stay, with their exits, which last until cancelled; what stays is told."""
    FLAT = "flat"


@dataclass(frozen=True, slots=True)
class SessionEndRule:
    """``flat_before`` is how long before the close everything of ours is closed, None not at all.

    ``overnight`` `Overnight.FLAT` does the same, `BEFORE_CLOSE` before it.
    """

    flat_before: timedelta | None = None
    overnight: Overnight = Overnight.HOLD

    @property
    def is_flat(self) -> bool:
        """Nothing of ours is held overnight."""
        return self.flat_before is not None or self.overnight is Overnight.FLAT

    @property
    def before(self) -> timedelta:
        """How long before the close the end of the session begins."""
        return BEFORE_CLOSE if self.flat_before is None else self.flat_before

    def ending(self, hours: TradingHours, at: datetime) -> Span | None:
        """Give the end of the regular session if ``at`` is in it: the last stretch of its hours."""
        session = hours.regular_at(at)
        if session is None:
            return None
        start = max(session.start, session.end - self.before)
        return Span(start, session.end) if at >= start else None

    @property
    def sentence(self) -> str:
        """Say what becomes of positions at the close."""
        if self.is_flat:
            return f"Positions are closed {self.words()} before the session's end."
        return "Positions stay overnight, with their exits."

    def words(self) -> str:
        """Say how long before the close it begins: ``5 min``."""
        minutes, seconds = divmod(int(self.before.total_seconds()), 60)
        return f"{minutes} min" if not seconds else f"{minutes * 60 + seconds} s"


def parse_before_close(text: str) -> timedelta | None:
    """Read ``off`` or a time such as ``5m``, ``90s``, ``1h``. Raises ValueError.

    >>> parse_before_close("5m")
    datetime.timedelta(seconds=300)
    """
    word = text.strip().lower()
    if word in ("", "off"):
        return None
    number, unit = word[:-1], word[-1:]
    if unit not in _UNITS_S or not number.isdecimal():
        raise ValueError(text)
    before = timedelta(seconds=int(number) * _UNITS_S[unit])
    if not timedelta(0) < before <= _LONGEST:
        raise ValueError(text)
    return before
